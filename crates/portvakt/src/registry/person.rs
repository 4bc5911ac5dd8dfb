//! Test persons: who may log in with TestID at the issuers that have their pool. Their numbers are synthetic, and still in no
//! log and no error.

use std::collections::BTreeSet;

use portvakt_protocol::catalogue::{AsRegistered, Catalogue, Plan, PlanLine, RawPerson, Sign, plan};
use portvakt_protocol::person::Pid;
use portvakt_protocol::provider::{Pool, Provider};
use portvakt_protocol::registration::{Change, PersonRecord, RegistrationFault, Shown};
use portvakt_store::Actor;
use serde::{Deserialize, Serialize};

use super::applied::Applied;
use super::carried::Carried;
use crate::catalogue::{Needed, NotApplied, bring_about};
use crate::desk::{Answer, Desk, Refused};

/// What can be done with test persons.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PersonDeed {
    /// Puts one into a pool.
    Add(Carried),
    /// Stops one: the person cannot log in, and what was given in their name ends.
    Deactivate(Carried),
    /// Takes that back.
    Activate(Carried),
    /// Shows all.
    List,
}

impl PersonDeed {
    /// Its command's name, for logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "person add",
            Self::Deactivate(_) => "person deactivate",
            Self::Activate(_) => "person activate",
            Self::List => "person list",
        }
    }
}

/// A test person as they are shown.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShownPerson {
    /// Which pool.
    pub(crate) pool: String,
    /// The synthetic number.
    pub(crate) pid: Carried,
    /// Whether the person may log in.
    pub(crate) active: bool,
}

/// Carries a deed out in the named pool, or the only one; [`PersonDeed::List`] without a name shows each.
///
/// # Errors
/// Why it was not; nothing has changed then.
pub(crate) async fn perform(
    desk: &Desk,
    actor: &Actor,
    pool: Option<&str>,
    deed: PersonDeed,
) -> Result<Answer, Refused> {
    let pools = pools(desk, pool)?;
    let (pid, change) = match deed {
        PersonDeed::List => return list(desk, pools).await,
        PersonDeed::Add(pid) => (pid, Wish::Add),
        PersonDeed::Deactivate(pid) => (pid, Wish::Deactivate),
        PersonDeed::Activate(pid) => (pid, Wish::Activate),
    };
    let mut names = pools.iter();
    let (Some(pool), None) = (names.next(), names.next()) else {
        let names: Vec<_> = pools.iter().map(|pool| pool.0.as_str()).collect();
        return Err(Refused {
            what: format!("there are {} pools of test persons, and none was named", pools.len()),
            hint: Some(format!("name one of them with --pool NAME: {}", names.join(", "))),
        });
    };
    let pid = Pid::parse_synthetic(pid.reveal()).map_err(|fault| {
        let value = Shown::withheld("text", pid.reveal());
        let fault =
            RegistrationFault { path: "pid".to_owned(), line: None, value, rule: fault.to_string().into() };
        Refused::from(NotApplied::Faults(vec![fault]))
    })?;
    let needed = Needed { pools: [pool.clone()].into(), ..Needed::default() };
    let decide = |registered: AsRegistered<'_>, now| {
        let mut known = registered.persons.get(pool).into_iter().flatten();
        let known = known.find(|known| known.pid == pid);
        match (change, known) {
            (Wish::Add, Some(_)) => Err(refused(pool, "in", "already").into()),
            (Wish::Deactivate | Wish::Activate, None) => Err(refused(pool, "not in", "").into()),
            (Wish::Deactivate, Some(known)) => Ok(stop(pool, known)),
            (Wish::Add, None) | (Wish::Activate, Some(_)) => {
                let active = Some(true);
                let raw = RawPerson { pool: Some(pool.0.clone()), pid: Some(pid.clone()), active };
                let catalogue = Catalogue::of_person(raw);
                plan(&catalogue, registered, false, now, &desk.random).map_err(NotApplied::Faults)
            }
        }
    };
    let plan = bring_about(desk, actor, &needed, false, decide).await?;
    Ok(Answer::Applied(Applied::of(plan, false)))
}

/// What is to become of a person.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Add,
    Deactivate,
    Activate,
}

fn refused(pool: &Pool, is: &str, already: &str) -> Refused {
    Refused {
        what: format!("the test person is {is} the pool {} {already}", pool.0).trim_end().to_owned(),
        hint: Some("`portvakt person list` tells who is".to_owned()),
    }
}

fn stop(pool: &Pool, known: &PersonRecord) -> Plan {
    let sign = if known.active { Sign::Deactivate } else { Sign::Unchanged };
    let what = format!("test person in the pool {}", pool.0);
    let person = PersonRecord { active: false, ..known.clone() };
    let change = known.active.then(|| Change::Person { pool: pool.clone(), person });
    Plan {
        changes: change.into_iter().collect(),
        lines: vec![PlanLine { sign, what, issuer: None, detail: String::new() }],
        generated: Vec::new(),
    }
}

async fn list(desk: &Desk, pools: BTreeSet<Pool>) -> Result<Answer, Refused> {
    let mut listed = Vec::new();
    for pool in pools {
        let persons = desk.store.persons(&pool).await.map_err(Refused::broken)?;
        listed.extend(persons.into_iter().map(|person| ShownPerson {
            pool: pool.0.clone(),
            pid: Carried::new(person.pid.reveal()),
            active: person.active,
        }));
    }
    Ok(Answer::Persons(listed))
}

/// The pool of that name, or all that some issuer's TestID has.
fn pools(desk: &Desk, pool: Option<&str>) -> Result<BTreeSet<Pool>, Refused> {
    let providers = desk.issuers.iter().map(|settings| &settings.provider);
    let offered: BTreeSet<Pool> =
        providers.filter_map(Provider::test_id).flat_map(|door| door.pools.iter().cloned()).collect();
    let Some(wanted) = pool else { return Ok(offered) };
    let names: Vec<_> = offered.iter().map(|pool| pool.0.as_str()).collect();
    if !names.contains(&wanted) {
        return Err(Refused {
            what: format!("no issuer's TestID has the pool {wanted}"),
            hint: Some(format!("name one of these: {}", names.join(", "))),
        });
    }
    Ok([Pool(wanted.to_owned())].into())
}
