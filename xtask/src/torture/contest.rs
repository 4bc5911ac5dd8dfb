//! `cargo xtask torture contest`: many connections redeem one code at the same moment; one of them gets tokens, and those
//! are revoked, since all the others were replays (RFC 6749 §4.1.2).

use std::collections::BTreeSet;
use std::time::Instant;

use super::chance::Chance;
use super::server::{CLIENT, PERSONS, Site};
use crate::client::{Connection, Miss, RelyingParty, Tokens};
use crate::house::Outcome;

/// How many connections redeem one code.
const CONTENDERS: usize = 64;

/// Runs that many rounds, at the two issuers in turn.
///
/// # Errors
/// A round with another number of winners than one, a loser told anything but `invalid_grant`, or a token that lives on.
pub(super) fn run(site: &Site, rounds: u32, chance: &mut Chance) -> Outcome {
    let began = Instant::now();
    let (server, ready) = site.start()?;
    let pilot = ready.relying_party("pilot", &CLIENT)?;
    let current = ready.relying_party("idporten", &CLIENT)?;
    let mut contenders: Vec<Connection> =
        (0..CONTENDERS).map(|_| Connection::to(&pilot.at.authority)).collect();
    let mut judge = Connection::to(&pilot.at.authority);
    let mut winners = BTreeSet::new();
    for round in 0..rounds {
        let party = if round % 2 == 0 { &pilot } else { &current };
        let pid = chance.pick(&PERSONS).copied().unwrap_or_default();
        let winner = one_round(party, &mut contenders, &mut judge, pid)
            .map_err(|why| format!("round {round}, of {}: {why}", party.at.token))?;
        winners.insert(winner);
    }
    server.end()?;
    println!(
        "{rounds} rounds of {CONTENDERS} connections for one code: one success each, its tokens revoked; \
         {} of the connections won at least once; {:.1} s",
        winners.len(),
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// One round; answers which contender won.
fn one_round(
    party: &RelyingParty,
    contenders: &mut [Connection],
    judge: &mut Connection,
    pid: &str,
) -> Result<usize, String> {
    let failed = |miss: Miss| miss.to_string();
    let code = party.log_in(judge, pid).map_err(failed)?;
    let request = party.redemption(&code);
    let (last, head) = request.split_last().ok_or("an empty request")?;
    // Every request but its last byte goes ahead, so that one byte each is all that keeps them apart.
    for contender in contenders.iter_mut() {
        contender.write(head).map_err(|fault| failed(fault.into()))?;
    }
    for contender in contenders.iter_mut() {
        contender.write(&[*last]).map_err(|fault| failed(fault.into()))?;
    }
    let mut winners = Vec::new();
    for (at, contender) in contenders.iter_mut().enumerate() {
        match contender.answer().map_err(Miss::from).and_then(Tokens::of) {
            Ok(tokens) => winners.push((at, tokens)),
            Err(Miss::Answered(answer)) if answer.status == 400 && answer.error() == "invalid_grant" => {}
            Err(miss) => return Err(format!("a loser was told: {miss}")),
        }
    }
    let [(winner, tokens)] = winners.as_slice() else {
        return Err(format!("{} of {CONTENDERS} got tokens", winners.len()));
    };
    match party.userinfo(judge, &tokens.access_token) {
        Err(Miss::Answered(answer)) if answer.status == 401 => Ok(*winner),
        Err(miss) => Err(miss.to_string()),
        Ok(_) => Err("the tokens of a replayed code still work".to_owned()),
    }
}
