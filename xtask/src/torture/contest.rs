//! `cargo xtask torture contest`: many connections want the same single use at the same moment. One of them gets it: a code is
//! redeemed once, and what it gave is revoked, since all the others were replays (RFC 6749 §4.1.2); a login gives one code; and a
//! login has one answer, a code or the person's refusal. Refresh tokens are in `families`.

use std::collections::BTreeSet;
use std::time::Instant;

use super::chance::Chance;
use super::doors::Entrance;
use super::server::PERSONS;
use crate::client::{Answer, Connection, Login, Miss, RelyingParty, Tokens};
use crate::house::Outcome;

/// How many connections want one thing.
pub(super) const CONTENDERS: usize = 64;

/// What can be used once over HTTP.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A code is redeemed.
    Code,
    /// A login is finished with a code.
    Login,
    /// A login is answered: by a code, or by the form's other button.
    Answer,
}

const KINDS: [(Kind, &str); 3] = [
    (Kind::Code, "code redeemed"),
    (Kind::Login, "login finished with a code"),
    (Kind::Answer, "login finished or given up by its form"),
];

/// What a contender was told.
enum Told {
    Won(Prize),
    Lost,
    /// The server could not say (503, or its word to the service): nobody knows.
    Nothing,
}

enum Prize {
    Tokens(Tokens),
    Code,
    Refusal,
}

/// What came of one kind.
#[derive(Debug, Default)]
struct Counts {
    attempts: u64,
    once: u64,
    nobody: u64,
    unanswered: u64,
    winners: BTreeSet<usize>,
}

/// Runs that many rounds of each kind, at the two issuers in turn.
///
/// # Errors
/// A round with two winners, or with none though all were answered; a loser told what no loser is told, or a token that lives on.
pub(super) fn run(
    place: &str,
    entrance: &Entrance,
    parties: &[RelyingParty; 2],
    rounds: u32,
    chance: &mut Chance,
) -> Outcome {
    let nodes = entrance.nodes.len();
    let mut contenders: Vec<Connection> =
        (0..CONTENDERS).map(|number| entrance.door(number % nodes)).collect();
    let mut judge = entrance.door(0);
    for (kind, name) in KINDS {
        let began = Instant::now();
        let mut counts = Counts::default();
        for (round, party) in (0..rounds).zip(parties.iter().cycle()) {
            let pid = chance.pick(&PERSONS).copied().unwrap_or_default();
            one_round(kind, party, &mut contenders, &mut judge, pid, &mut counts)
                .map_err(|why| format!("{name}, round {round}, at {}: {why}", party.at.token))?;
        }
        let Counts { attempts, once, nobody, unanswered, winners } = counts;
        println!(
            "{name}, on {place}: 0 double successes in {attempts} attempts ({rounds} rounds of {CONTENDERS} connections over {nodes} \
             node(s)); {once} won once, {nobody} by nobody, {unanswered} attempts without an answer; {} of the connections won \
             at least once; {:.1} s",
            winners.len(),
            began.elapsed().as_secs_f64()
        );
        if unanswered * 50 > attempts {
            return Err(format!("{unanswered} of {attempts} attempts got no answer"));
        }
    }
    Ok(())
}

/// One round.
fn one_round(
    kind: Kind,
    party: &RelyingParty,
    contenders: &mut [Connection],
    judge: &mut Connection,
    pid: &str,
    counts: &mut Counts,
) -> Result<(), String> {
    let failed = |miss: Miss| miss.to_string();
    let thing = Thing::made(kind, party, judge, pid).map_err(failed)?;
    let requests: Vec<Vec<u8>> = (0..contenders.len()).map(|number| thing.request(party, number)).collect();
    // Every request but its last byte goes ahead, so that one byte each is all that keeps them apart.
    for (contender, request) in contenders.iter_mut().zip(&requests) {
        let (_, head) = request.split_last().ok_or("an empty request")?;
        contender.write(head).map_err(|fault| failed(fault.into()))?;
    }
    for (contender, request) in contenders.iter_mut().zip(&requests) {
        let (last, _) = request.split_last().ok_or("an empty request")?;
        contender.write(&[*last]).map_err(|fault| failed(fault.into()))?;
    }
    let mut winners = Vec::new();
    let mut unanswered = 0;
    for (at, contender) in contenders.iter_mut().enumerate() {
        let answer = contender.answer().map_err(|fault| failed(fault.into()))?;
        match thing.told(party, answer, at) {
            Ok(Told::Won(prize)) => winners.push((at, prize)),
            Ok(Told::Lost) => {}
            Ok(Told::Nothing) => unanswered += 1,
            Err(miss) => return Err(format!("a loser was told: {miss}")),
        }
    }
    counts.attempts += contenders.len() as u64;
    counts.unanswered += unanswered;
    let [(winner, prize)] = winners.as_slice() else {
        if winners.is_empty() && unanswered > 0 {
            counts.nobody += 1;
            return Ok(());
        }
        return Err(format!("{} of {} succeeded", winners.len(), contenders.len()));
    };
    counts.once += 1;
    counts.winners.insert(*winner);
    let Prize::Tokens(tokens) = prize else { return Ok(()) };
    match party.userinfo(judge, &tokens.access_token) {
        Err(Miss::Answered(answer)) if answer.status == 401 => {}
        Err(miss) => return Err(miss.to_string()),
        Ok(_) => return Err("the access token of a replayed code still works".to_owned()),
    }
    let Some(refresh_token) = &tokens.refresh_token else { return Ok(()) };
    match party.refresh(judge, refresh_token) {
        Err(Miss::Answered(answer)) if answer.error() == "invalid_grant" => Ok(()),
        Err(miss) => Err(miss.to_string()),
        Ok(_) => Err("the refresh token of a replayed code still works".to_owned()),
    }
}

/// What is contested.
enum Thing {
    Code(String),
    Login(Box<Login>),
    Answer(Box<Login>),
}

impl Thing {
    fn made(kind: Kind, party: &RelyingParty, server: &mut Connection, pid: &str) -> Result<Self, Miss> {
        let mut login = party.begin(server)?;
        party.identify(server, &mut login, pid)?;
        Ok(match kind {
            Kind::Code => Self::Code(party.collect(server, &login)?),
            Kind::Login => Self::Login(Box::new(login)),
            Kind::Answer => Self::Answer(Box::new(login)),
        })
    }

    fn request(&self, party: &RelyingParty, number: usize) -> Vec<u8> {
        match self {
            Self::Code(code) => party.redemption(code),
            Self::Answer(login) if gives_up(number) => party.cancellation(login),
            Self::Login(login) | Self::Answer(login) => party.collection(login),
        }
    }

    fn told(&self, party: &RelyingParty, answer: Answer, number: usize) -> Result<Told, Miss> {
        // RFC 6749 §4.1.2.1 has a word for a 503 that goes back to the service.
        let unavailable =
            party.brought(&answer, "error").is_some_and(|error| error == "temporarily_unavailable");
        if answer.status == 503 || unavailable {
            return Ok(Told::Nothing);
        }
        match self {
            Self::Code(_) if answer.status == 400 && answer.error() == "invalid_grant" => Ok(Told::Lost),
            Self::Code(_) => Tokens::of(answer).map(|tokens| Told::Won(Prize::Tokens(tokens))),
            // The page that says that this login has its answer.
            Self::Login(_) | Self::Answer(_) if answer.status == 409 => Ok(Told::Lost),
            Self::Answer(_) if gives_up(number) => match party.brought(&answer, "error").as_deref() {
                Some("access_denied") => Ok(Told::Won(Prize::Refusal)),
                _ => Err(Miss::Answered(answer)),
            },
            Self::Login(_) | Self::Answer(_) => party.code_of(answer).map(|_| Told::Won(Prize::Code)),
        }
    }
}

/// Who of those that answer a login answers by the form's other button.
fn gives_up(number: usize) -> bool {
    number % 2 == 1
}
