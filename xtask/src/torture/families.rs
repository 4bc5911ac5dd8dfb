//! `cargo xtask torture contest`, the part about refresh tokens: many connections use one token at the same moment, and others use one
//! while its grant is revoked.
//!
//! Each use of a refresh token may be the retry of a lost answer, so many may get tokens; but of all that they got one branch lives. An
//! access token tells without a trace whether its branch does. A refresh token tells by giving tokens, and one that was used before ends
//! the whole family when it is presented: so these come last.

mod race;

use std::time::Instant;

pub(super) use self::race::race;
use super::chance::Chance;
use super::contest::CONTENDERS;
use super::doors::Entrance;
use super::server::PERSONS;
use crate::client::{Answer, Connection, Miss, RelyingParty, Tokens};
use crate::house::Outcome;

/// What came of all rounds.
#[derive(Debug, Default)]
struct Counts {
    attempts: u64,
    given: u64,
    refused: u64,
    unanswered: u64,
    /// Rounds in which all had the same token.
    retried: Branches,
    /// Rounds in which half of them had its successor.
    forked: Branches,
}

/// How rounds ended.
#[derive(Clone, Copy, Debug, Default)]
struct Branches {
    /// With one living branch.
    lived: u64,
    /// With none.
    ended: u64,
}

/// So many rounds of contenders at one refresh token, at the two issuers in turn; every fourth round half of them have its successor.
///
/// # Errors
/// Two living branches, a living branch that a replay left, or a retry that was refused; too few answers, or too few rounds of retries that
/// left a branch alive.
pub(super) fn contend(
    place: &str,
    entrance: &Entrance,
    parties: &[RelyingParty; 2],
    rounds: u32,
    chance: &mut Chance,
) -> Outcome {
    let (began, nodes) = (Instant::now(), entrance.nodes.len());
    let mut contenders: Vec<Connection> =
        (0..CONTENDERS).map(|number| entrance.door(number % nodes)).collect();
    let mut counts = Counts::default();
    for (round, party) in (0..rounds).zip(parties.iter().cycle()) {
        let (pid, node) = (chance.pick(&PERSONS).copied().unwrap_or_default(), chance.below(nodes as u64));
        let judge = entrance.door(usize::try_from(node).unwrap_or(0));
        let mut family = Family { party, contenders: &mut contenders, judge, counts: &mut counts };
        let done = if round % 4 == 3 { family.fork(pid) } else { family.retries(pid, round % 2 == 0) };
        done.map_err(|why| format!("refresh token used, round {round}, at {}: {why}", party.at.token))?;
    }
    let Counts { attempts, given, refused, unanswered, retried, forked } = counts;
    let retries = retried.lived + retried.ended;
    println!(
        "refresh token used, on {place}: two living branches: 0, in {attempts} attempts ({rounds} rounds of {CONTENDERS} connections over \
         {nodes} node(s)); tokens given {given} times, refused {refused}, {unanswered} attempts without an answer; one branch lived in \
         {} of {retries} rounds of retries ({:.1} %), and in {} of {} with its successor presented too; nothing lived after a replay; \
         {:.1} s",
        retried.lived,
        100.0 * retried.lived as f64 / retries.max(1) as f64,
        forked.lived,
        forked.lived + forked.ended,
        began.elapsed().as_secs_f64()
    );
    if unanswered * 50 > attempts {
        return Err(format!("{unanswered} of {attempts} attempts got no answer"));
    }
    match retries > 0 && retried.lived * 2 <= retries {
        true => Err(format!("a branch lived in only {} of {retries} rounds of retries", retried.lived)),
        false => Ok(()),
    }
}

/// One login's tokens, and those who want them.
struct Family<'a> {
    party: &'a RelyingParty,
    contenders: &'a mut [Connection],
    judge: Connection,
    counts: &'a mut Counts,
}

impl Family<'_> {
    /// All use one token: one branch lives, and is the one that gives tokens. What was replaced ends it, presented before or after it.
    fn retries(&mut self, pid: &str, lives_first: bool) -> Outcome {
        let first = self.log_in(pid)?;
        let token = refresh_token(&first)?;
        let requests = vec![self.party.refreshing(&token); self.contenders.len()];
        let (given, unanswered) = self.contest(&requests, false)?;
        let living = self.living(&given)?;
        let [living] = living.as_slice() else {
            if living.is_empty() && unanswered > 0 {
                self.counts.retried.ended += 1;
                return Ok(());
            }
            return Err(format!("{} of {} branches live", living.len(), given.len()));
        };
        self.counts.retried.lived += 1;
        let dead: Vec<&Tokens> =
            given.iter().filter(|tokens| tokens.access_token != living.access_token).collect();
        let mut all: Vec<Tokens> = vec![first, living.clone()];
        if lives_first {
            let next = self.party.refresh(&mut self.judge, &refresh_token(living)?);
            all.push(next.map_err(|miss| format!("the living branch gives nothing: {miss}"))?);
        }
        if let Some(replaced) = dead.first() {
            self.is_refused(replaced)?;
            all.extend(dead.into_iter().cloned());
            self.is_dead(&all)?;
        }
        Ok(())
    }

    /// Half use a token that was spent, half its successor: whoever comes second replays.
    fn fork(&mut self, pid: &str) -> Outcome {
        let first = self.log_in(pid)?;
        let old = refresh_token(&first)?;
        let next = self.party.refresh(&mut self.judge, &old).map_err(|miss| miss.to_string())?;
        let new = refresh_token(&next)?;
        let pair = [self.party.refreshing(&old), self.party.refreshing(&new)];
        let requests: Vec<Vec<u8>> = pair.iter().cycle().take(self.contenders.len()).cloned().collect();
        let (given, _) = self.contest(&requests, true)?;
        let living = self.living(&given)?.len();
        match living {
            0 => self.counts.forked.ended += 1,
            1 => self.counts.forked.lived += 1,
            _ => return Err(format!("{living} of {} branches live", given.len())),
        }
        // The old one is a replay now, whatever came first: its successor was used, or replaced by one that may be.
        let all: Vec<Tokens> = [first, next].into_iter().chain(given).collect();
        let tokens: Vec<Vec<u8>> = all
            .iter()
            .filter_map(|one| one.refresh_token.as_ref())
            .map(|one| self.party.refreshing(one))
            .collect();
        let mut gave = 0;
        for token in tokens {
            gave += u32::from(told(self.judge_send(&token)?, true)?.is_given());
        }
        if gave > 1 {
            return Err(format!("{gave} refresh tokens of one family gave tokens"));
        }
        self.is_dead(&all)
    }

    fn log_in(&mut self, pid: &str) -> Result<Tokens, String> {
        log_in(self.party, &mut self.judge, pid)
    }

    fn judge_send(&mut self, request: &[u8]) -> Result<Answer, String> {
        self.judge.send_bytes(request).map_err(|fault| fault.to_string())
    }

    /// Every contender sends its request at once. What they were given, and how many were not answered.
    fn contest(&mut self, requests: &[Vec<u8>], may_lose: bool) -> Result<(Vec<Tokens>, u64), String> {
        let mut given = Vec::new();
        let mut unanswered = 0;
        for answer in at_once(self.contenders, requests)? {
            self.counts.attempts += 1;
            match told(answer, may_lose)? {
                Told::Given(tokens) => given.push(*tokens),
                Told::Refused => self.counts.refused += 1,
                Told::Nothing => unanswered += 1,
            }
        }
        self.counts.given += given.len() as u64;
        self.counts.unanswered += unanswered;
        Ok((given, unanswered))
    }

    /// Those whose access token is good.
    fn living(&mut self, given: &[Tokens]) -> Result<Vec<Tokens>, String> {
        let looks: Vec<Vec<u8>> =
            given.iter().map(|tokens| self.party.look_up(&tokens.access_token)).collect();
        let mut living = Vec::new();
        for (tokens, answer) in given.iter().zip(at_once(self.contenders, &looks)?) {
            match answer.status {
                200 => living.push(tokens.clone()),
                401 => {}
                _ => return Err(Miss::Answered(answer).to_string()),
            }
        }
        Ok(living)
    }

    fn is_refused(&mut self, tokens: &Tokens) -> Outcome {
        match told(self.judge_send(&self.party.refreshing(&refresh_token(tokens)?))?, true)? {
            Told::Refused => Ok(()),
            Told::Nothing => Err("a replay was not answered".to_owned()),
            Told::Given(_) => Err("a refresh token that was replaced gives tokens".to_owned()),
        }
    }

    /// Nothing of the family gives anything any more.
    fn is_dead(&mut self, all: &[Tokens]) -> Outcome {
        let requests: Vec<Vec<u8>> = all
            .iter()
            .filter_map(|tokens| tokens.refresh_token.as_ref())
            .map(|token| self.party.refreshing(token))
            .collect();
        for requests in requests.chunks(self.contenders.len()) {
            for answer in at_once(self.contenders, requests)? {
                if told(answer, true)?.is_given() {
                    return Err("a refresh token gives tokens after a replay was seen".to_owned());
                }
            }
        }
        for tokens in all.chunks(self.contenders.len()) {
            if !self.living(tokens)?.is_empty() {
                return Err("an access token works after a replay was seen".to_owned());
            }
        }
        Ok(())
    }
}

/// What an attempt at a refresh token was told.
enum Told {
    Given(Box<Tokens>),
    Refused,
    /// 503: nobody knows.
    Nothing,
}

impl Told {
    fn is_given(&self) -> bool {
        matches!(self, Self::Given(_))
    }
}

fn told(answer: Answer, may_lose: bool) -> Result<Told, String> {
    match answer.status {
        503 => Ok(Told::Nothing),
        400 if may_lose && answer.error() == "invalid_grant" => Ok(Told::Refused),
        _ => Tokens::of(answer).map(|tokens| Told::Given(Box::new(tokens))).map_err(|miss| miss.to_string()),
    }
}

fn refresh_token(tokens: &Tokens) -> Result<String, String> {
    tokens.refresh_token.clone().ok_or_else(|| "a token answer without a refresh token".to_owned())
}

fn log_in(party: &RelyingParty, server: &mut Connection, pid: &str) -> Result<Tokens, String> {
    let code = party.log_in(server, pid).map_err(|miss| miss.to_string())?;
    party.redeem(server, &code).map_err(|miss| miss.to_string())
}

/// Each request by a connection of its own: all but the last byte of each goes ahead, so that one byte each is all that keeps them apart.
fn at_once(connections: &mut [Connection], requests: &[Vec<u8>]) -> Result<Vec<Answer>, String> {
    let lost = |fault: std::io::Error| Miss::from(fault).to_string();
    for (connection, request) in connections.iter_mut().zip(requests) {
        let (_, head) = request.split_last().ok_or("an empty request")?;
        connection.write(head).map_err(lost)?;
    }
    for (connection, request) in connections.iter_mut().zip(requests) {
        let (last, _) = request.split_last().ok_or("an empty request")?;
        connection.write(&[*last]).map_err(lost)?;
    }
    connections.iter_mut().zip(requests).map(|(connection, _)| connection.answer().map_err(lost)).collect()
}
