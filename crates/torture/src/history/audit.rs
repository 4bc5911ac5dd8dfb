//! The audit against the history (I7): every success has its record, and every record an effect that somebody asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::login::{Login, may_refuse_login};
use super::standing::{Standings, gives_activity};
use super::{Bounds, Breach, Event, Invariant, Kind, Operation, Verdict};

/// One audit record, by the names that the history uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Recorded {
    /// What happened, in the audit's own word: `code_issued`.
    pub event: String,
    /// The client it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The grant it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// The signing key it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
}

/// How many records there may be of each kind and name.
#[derive(Debug, Default)]
pub(super) struct Promised {
    ranges: BTreeMap<(&'static str, String), Range>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Range {
    least: u64,
    most: u64,
}

/// The kinds whose every record is of a login in the history.
const OF_LOGINS: [&str; 10] = [
    "login",
    "login_refused",
    "logins_ended",
    "code_issued",
    "code_redeemed",
    "code_replayed",
    "refreshed",
    "refresh_retried",
    "refresh_replayed",
    "grant_revoked",
];

/// The kinds of which a grant leaves one, once it is revoked.
const REVOKED: [&str; 3] = ["code_replayed", "refresh_replayed", "grant_revoked"];

/// All of those taken together.
const ANY_REVOKED: &str = "code_replayed, refresh_replayed or grant_revoked";

impl Promised {
    fn add(&mut self, event: &'static str, name: Option<&str>, least: bool, most: bool) {
        self.add_many(event, name, (u64::from(least), u64::from(most)));
    }

    fn add_many(&mut self, event: &'static str, name: Option<&str>, (least, most): (u64, u64)) {
        let range = self.ranges.entry((event, name.unwrap_or_default().to_owned())).or_default();
        range.least += least;
        range.most += most;
    }

    /// What a grant leaves when it is revoked, once, by whatever does it first; and what the uses of its refresh tokens leave.
    fn of_family(&mut self, events: &[&Event], login: &Login<'_>, name: Option<&str>, is_sure: bool) {
        let revoked = login.revoked.is_possible_in_the_end();
        let surely = is_sure && login.revoked.is_sure_in_the_end();
        let by = [login.revokers.code, login.revokers.refresh, login.revokers.revocation];
        let alone = by.iter().filter(|possible| **possible).count() == 1;
        for (event, possible) in REVOKED.into_iter().zip(by) {
            self.add(event, name, surely && possible && alone, revoked && possible);
        }
        self.add(ANY_REVOKED, name, surely, revoked);
        for (event, (least, most)) in
            ["refreshed", "refresh_retried"].into_iter().zip(login.refreshes(events))
        {
            self.add_many(event, name, (if is_sure { least } else { 0 }, most));
        }
    }

    /// What one login leaves.
    pub(super) fn of_login(&mut self, events: &[&Event], login: &Login<'_>) {
        let client = events.iter().find_map(|event| event.client.as_deref());
        let mut grants: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
        for event in events {
            let (done, possible) = (event.is_done(), !event.is_refused());
            if may_refuse_login(event) {
                self.add("login_refused", client, false, true);
            }
            match event.operation {
                Operation::Identify => self.add("login", client, done, possible),
                Operation::Refuse => self.add("login_refused", client, done, possible),
                Operation::End => self.add("logins_ended", None, done, possible),
                Operation::Collect => {
                    if let Some(grant) = event.grant.as_deref() {
                        let (sure, possible) = login.code(event.attempt);
                        let known = grants.entry(grant).or_default();
                        *known = (known.0 || sure, known.1 || possible);
                    }
                }
                _ => {}
            }
        }
        let redeemed = (login.redeemed.is_sure_in_the_end(), login.redeemed.is_possible_in_the_end());
        if grants.is_empty() {
            let coded = (login.coded.is_sure_in_the_end(), login.coded.is_possible_in_the_end());
            for (event, (least, most), given) in [
                ("code_issued", coded, login.coded.is_given()),
                ("code_redeemed", redeemed, login.redeemed.is_given()),
            ] {
                if !given {
                    self.add(event, client, least, most);
                }
            }
            self.of_family(events, login, client, true);
            return;
        }
        let candidates = grants.values().filter(|(_, possible)| *possible).count();
        for (grant, (sure, possible)) in grants {
            self.add("code_issued", Some(grant), sure, possible);
            // Where it is not known which attempt gave the code, it is not known either which grant is used up.
            let least = candidates == 1;
            self.add("code_redeemed", Some(grant), redeemed.0 && possible && least, redeemed.1 && possible);
            if possible {
                self.of_family(events, login, Some(grant), least);
            }
        }
    }

    /// What writes to clients and persons leave. A write of what stands already changes nothing and leaves nothing.
    pub(super) fn of_standings(&mut self, events: &[&Event], bounds: &Bounds) {
        // Writes go by no copy.
        let standings = Standings::of(events, &Bounds { copies: 0, ..*bounds });
        let mut registrations: BTreeMap<&str, bool> = BTreeMap::new();
        for event in events.iter().filter(|event| event.operation.writes() && !event.is_refused()) {
            let (record, name) = match event.operation.kind() {
                Kind::Client if event.operation == Operation::Register => {
                    *registrations.entry(&event.about).or_default() |= event.is_done();
                    continue;
                }
                Kind::Client => ("client_changed", Some(event.about.as_str())),
                Kind::Person => ("person", None),
                Kind::Scope => ("scope_access_changed", None),
                Kind::Login | Kind::Issuer | Kind::Site => continue,
            };
            let active = gives_activity(event.operation);
            let before = |active| standings.may_be(event.operation.kind(), &event.about, active, event);
            self.add(record, name, event.is_done() && !before(active), before(!active));
        }
        for (client, done) in registrations {
            self.add("client_registered", Some(client), done, true);
        }
    }

    /// What an issuer's keys leave.
    pub(super) fn of_issuer(&mut self, events: &[&Event]) {
        for event in events {
            let record = match event.operation {
                Operation::FirstKey => "key_published",
                Operation::Rotate => "key_rotated",
                _ => continue,
            };
            self.add(record, event.kids.first().map(String::as_str), event.is_done(), !event.is_refused());
        }
    }

    /// Holds the records against what was promised.
    pub(super) fn judge(&self, records: &[Recorded], verdict: &mut Verdict) {
        let mut found: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for record in records {
            if let Some(key) = self.key(record) {
                *found.entry(key).or_default() += 1;
                verdict.counts.audit += 1;
                if REVOKED.contains(&key.0) {
                    *found.entry((ANY_REVOKED, key.1)).or_default() += 1;
                }
            }
        }
        let mut breach = |event: &str, name: &str, found: u64, range: Range| {
            let Range { least, most } = range;
            let what = if found < least {
                "a success has no audit record"
            } else {
                "an audit record has no effect that anybody asked for"
            };
            verdict.breaches.push(Breach {
                invariant: Invariant::I7,
                what: what.to_owned(),
                shown: format!("  `{event}` of `{name}`: {found} records, {least} to {most} effects\n"),
            });
        };
        for ((event, name), range) in &self.ranges {
            let found = found.remove(&(*event, name.as_str())).unwrap_or(0);
            if found < range.least || found > range.most {
                breach(event, name, found, *range);
            }
        }
        for ((event, name), found) in found {
            breach(event, name, found, Range::default());
        }
    }

    /// Under which promise a record is counted; none for what the history does not speak of.
    fn key<'a>(&'a self, record: &'a Recorded) -> Option<(&'a str, &'a str)> {
        let event = match record.event.as_str() {
            "person_assigned" | "person_changed" => "person",
            event => event,
        };
        let names = [record.grant.as_deref(), record.kid.as_deref(), record.client.as_deref(), Some("")];
        let names = || names.iter().copied().flatten();
        let known = known_name(event)?;
        let promised = names().find(|name| self.ranges.contains_key(&(known, (*name).to_owned())));
        match promised {
            Some(name) => Some((event, name)),
            None if OF_LOGINS.contains(&event) => Some((event, names().next().unwrap_or_default())),
            None => None,
        }
    }
}

fn known_name(event: &str) -> Option<&'static str> {
    OF_LOGINS
        .into_iter()
        .chain([
            "client_registered",
            "client_changed",
            "person",
            "scope_access_changed",
            "key_published",
            "key_rotated",
        ])
        .find(|name| *name == event)
}
