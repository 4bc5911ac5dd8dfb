//! Revocations that race uses of a refresh token: whichever token of the login they name, nothing lives after their 200 (RFC 7009 §2.1).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::super::chance::Chance;
use super::super::doors::Entrance;
use super::super::server::PERSONS;
use super::{Told, at_once, log_in, refresh_token, told};
use crate::client::{Connection, Miss, RelyingParty, Tokens};
use crate::house::Outcome;

/// Revocations that race rotations at once, each on a login of its own.
const LANES: usize = 8;

/// So many revocations, each beside two uses of a refresh token of the same login: nothing lives after the 200.
///
/// # Errors
/// Something does.
pub(in super::super) fn race(
    place: &str,
    entrance: &Entrance,
    parties: &[RelyingParty; 2],
    rounds: u32,
    chance: &mut Chance,
) -> Outcome {
    let began = Instant::now();
    let next = AtomicU32::new(0);
    let seeds: Vec<u64> = (0..LANES).map(|_| chance.next()).collect();
    let raced = std::thread::scope(|scope| {
        let next = &next;
        let lanes: Vec<_> = seeds
            .into_iter()
            .map(|seed| {
                scope.spawn(move || {
                    let mut lane = Lane::new(entrance, Chance::seeded(seed));
                    loop {
                        let round = next.fetch_add(1, Ordering::Relaxed);
                        let Some(party) = parties.get(round as usize % 2).filter(|_| round < rounds) else {
                            return Ok(lane.raced);
                        };
                        lane.race(party, round)
                            .map_err(|why| format!("revocation races rotation, round {round}: {why}"))?;
                    }
                })
            })
            .collect();
        lanes
            .into_iter()
            .map(|lane| lane.join().unwrap_or_else(|_| Err("a lane panicked".to_owned())))
            .collect::<Result<Vec<Raced>, String>>()
    })?;
    let of = |count: fn(&Raced) -> u64| raced.iter().map(count).sum::<u64>();
    let unanswered = of(|raced| raced.unanswered);
    println!(
        "revocation races rotation, on {place}: {} rounds over {} node(s) ({} by the refresh token, {} by the code's access token, {} by a \
         rotation's, {} by one that a retry replaced), {} rotations given before the revocation and {} refused after it; living after its \
         200: 0; {unanswered} revocations without an answer; {:.1} s",
        of(|raced| raced.rounds.iter().sum()),
        entrance.nodes.len(),
        of(|raced| raced.by(Named::Refresh)),
        of(|raced| raced.by(Named::Redeemed)),
        of(|raced| raced.by(Named::Rotated)),
        of(|raced| raced.by(Named::Replaced)),
        of(|raced| raced.given),
        of(|raced| raced.refused),
        began.elapsed().as_secs_f64()
    );
    match unanswered * 50 > u64::from(rounds) {
        true => Err(format!("{unanswered} revocations got no answer")),
        false => Ok(()),
    }
}

/// The token that a revocation names (RFC 7009 §2.1): whichever it is, its whole grant ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// The refresh token that the others use.
    Refresh,
    /// The access token that came with the code.
    Redeemed,
    /// The access token that a rotation gave.
    Rotated,
    /// One that a rotation gave, and a retry of the lost answer replaced.
    Replaced,
}

const NAMED: [Named; 4] = [Named::Refresh, Named::Redeemed, Named::Rotated, Named::Replaced];

#[derive(Debug, Default)]
struct Raced {
    /// By what the revocation named.
    rounds: [u64; NAMED.len()],
    given: u64,
    refused: u64,
    unanswered: u64,
}

impl Raced {
    fn by(&self, named: Named) -> u64 {
        self.rounds.get(named as usize).copied().unwrap_or(0)
    }
}

/// One login at a time, and those who race for it: two who use its refresh token, and who revokes it.
struct Lane {
    racers: Vec<Connection>,
    judge: Connection,
    chance: Chance,
    raced: Raced,
}

impl Lane {
    fn new(entrance: &Entrance, mut chance: Chance) -> Self {
        let first = usize::try_from(chance.below(entrance.nodes.len() as u64)).unwrap_or(0);
        let racers = (0..3).map(|at| entrance.door(first + at)).collect();
        Self { racers, judge: entrance.door(first + 1), chance, raced: Raced::default() }
    }

    /// A login with what came of it so far, the refresh token that can be used, and the token that the revocation names.
    fn held(
        &mut self,
        party: &RelyingParty,
        pid: &str,
        named: Named,
    ) -> Result<(Vec<Tokens>, String, String), String> {
        let first = log_in(party, &mut self.judge, pid)?;
        let token = refresh_token(&first)?;
        let mut rotated = || party.refresh(&mut self.judge, &token).map_err(|miss| miss.to_string());
        let more = match named {
            Named::Refresh => return Ok((vec![first], token.clone(), token)),
            Named::Redeemed => {
                let access = first.access_token.clone();
                return Ok((vec![first], token, access));
            }
            Named::Rotated => vec![rotated()?],
            Named::Replaced => vec![rotated()?, rotated()?],
        };
        let revoked = more.first().map(|given| given.access_token.clone()).unwrap_or_default();
        let token = refresh_token(more.last().unwrap_or(&first))?;
        Ok(([vec![first], more].concat(), token, revoked))
    }

    fn race(&mut self, party: &RelyingParty, round: u32) -> Outcome {
        let pid = self.chance.pick(&PERSONS).copied().unwrap_or_default();
        // At each of the two issuers by each of the tokens in turn, and in any order.
        let named = NAMED.get((round / 2) as usize % NAMED.len()).copied().unwrap_or(Named::Refresh);
        let (mut all, token, revoked) = self.held(party, pid, named)?;
        let mut requests = vec![party.refreshing(&token), party.refreshing(&token)];
        let at = usize::try_from(self.chance.below(3)).unwrap_or(0);
        requests.insert(at, party.revocation(&revoked));
        let mut done = None;
        for (number, answer) in at_once(&mut self.racers, &requests)?.into_iter().enumerate() {
            if number == at {
                done = Some(answer);
                continue;
            }
            match told(answer, true)? {
                Told::Given(tokens) => {
                    self.raced.given += 1;
                    all.push(*tokens);
                }
                Told::Refused => self.raced.refused += 1,
                Told::Nothing => {}
            }
        }
        match done {
            Some(answer) if answer.status == 200 => {
                self.raced.rounds.iter_mut().skip(named as usize).take(1).for_each(|rounds| *rounds += 1);
            }
            Some(answer) if answer.status == 503 => {
                self.raced.unanswered += 1;
                return Ok(());
            }
            Some(answer) => return Err(Miss::Answered(answer).to_string()),
            None => return Err("nobody revoked".to_owned()),
        }
        for tokens in &all {
            match party.userinfo(&mut self.judge, &tokens.access_token) {
                Err(Miss::Answered(answer)) if answer.status == 401 => {}
                Err(miss) => return Err(miss.to_string()),
                Ok(_) => return Err("an access token works after its grant's revocation".to_owned()),
            }
            let token = refresh_token(tokens)?;
            let answer =
                self.judge.send_bytes(&party.refreshing(&token)).map_err(|fault| fault.to_string())?;
            if told(answer, true)?.is_given() {
                return Err("a refresh token gives tokens after its grant's revocation".to_owned());
            }
        }
        Ok(())
    }
}
