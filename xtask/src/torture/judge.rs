//! The judge: reads a history and says what no sound server would have answered. Pure, and knows nothing of how the
//! answers were had.

use super::log::{Event, History, Outcome, Step};

/// What an onlooker knows about an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Known {
    /// It is not there.
    #[default]
    No,
    /// It was asked for, and no answer came.
    Maybe,
    /// It was acknowledged.
    Yes,
}

/// What the history says about the server's state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    /// A login is under way.
    pub(super) begun: Known,
    /// The login holds evidence.
    pub(super) evident: Known,
    /// The login gave a code.
    pub(super) code: Known,
    /// The code was redeemed.
    pub(super) redeemed: Known,
    /// A replay has revoked what the code gave.
    pub(super) revoked: Known,
    /// The client is registered.
    pub(super) registered: Known,
}

/// An answer that no sound server gives.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Breach {
    /// Which rule it breaks.
    pub(super) rule: Rule,
    /// The history that shows it, one event a line.
    pub(super) shown: String,
}

/// What must hold whenever the server is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// A step of a login that was acknowledged is gone.
    LoginLost,
    /// A code that was handed out is not redeemable, though nobody redeemed it.
    CodeLost,
    /// A token that was handed out does not work, though nothing revoked it.
    TokenLost,
    /// A registration that was acknowledged is gone.
    RegistrationLost,
    /// A login gave two codes.
    TwoCodes,
    /// A code gave tokens twice.
    TwoRedemptions,
    /// A replay was refused for another reason than RFC 6749 §5.2 has.
    WrongRefusal,
    /// A token works after a replay of its code (RFC 6749 §4.1.2).
    TokenOutlivesReplay,
    /// The server failed, or answered what nobody should see.
    Failed,
}

/// Reads a history from its beginning.
///
/// # Errors
/// The first [`Breach`].
pub(super) fn judge(history: &History) -> Result<State, Breach> {
    let mut state = State::default();
    for (at, event) in history.events().iter().enumerate() {
        state.next(event).map_err(|rule| Breach { rule, shown: shown(history, at) })?;
    }
    Ok(state)
}

impl State {
    fn next(&mut self, event: &Event) -> Result<(), Rule> {
        let told = match &event.outcome {
            Outcome::Failed(_) => return Err(Rule::Failed),
            Outcome::Done => Told::Done,
            Outcome::Refused(reason) => Told::Refused(reason),
            Outcome::Unknown => Told::Nothing,
        };
        match event.step {
            Step::Begin => gained(&mut self.begun, told, Known::Yes, Rule::LoginLost),
            Step::Identify => gained(&mut self.evident, told, self.begun, Rule::LoginLost),
            Step::Collect => {
                if self.code == Known::Yes && told == Told::Done {
                    return Err(Rule::TwoCodes);
                }
                gained(&mut self.code, told, self.evident, Rule::LoginLost)
            }
            Step::Redeem => self.redeemed(told),
            Step::Userinfo => match (told, self.revoked) {
                (Told::Done, Known::Yes) => Err(Rule::TokenOutlivesReplay),
                (Told::Refused(_), Known::No) => Err(Rule::TokenLost),
                (Told::Done, Known::No | Known::Maybe) => {
                    self.revoked = Known::No;
                    Ok(())
                }
                (Told::Refused(_), Known::Maybe | Known::Yes) => {
                    self.revoked = Known::Yes;
                    Ok(())
                }
                (Told::Nothing, _) => Ok(()),
            },
            Step::Register => gained(&mut self.registered, told, Known::Yes, Rule::RegistrationLost),
            Step::Authenticate => match (told, self.registered) {
                (Told::Refused(_), Known::Yes) => Err(Rule::RegistrationLost),
                (Told::Done | Told::Nothing, _) | (Told::Refused(_), _) => Ok(()),
            },
        }
    }

    fn redeemed(&mut self, told: Told<'_>) -> Result<(), Rule> {
        match (told, self.redeemed) {
            (Told::Done, Known::Yes) => Err(Rule::TwoRedemptions),
            (Told::Done, Known::No | Known::Maybe) => {
                self.redeemed = Known::Yes;
                Ok(())
            }
            (Told::Refused(_), Known::No) => Err(Rule::CodeLost),
            (Told::Refused(reason), Known::Maybe | Known::Yes) => {
                if reason != "invalid_grant" {
                    return Err(Rule::WrongRefusal);
                }
                self.redeemed = Known::Yes;
                self.revoked = Known::Yes;
                Ok(())
            }
            (Told::Nothing, Known::Yes) => {
                if self.revoked == Known::No {
                    self.revoked = Known::Maybe;
                }
                Ok(())
            }
            (Told::Nothing, Known::No | Known::Maybe) => {
                self.redeemed = Known::Maybe;
                Ok(())
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Told<'a> {
    Done,
    Refused(&'a str),
    Nothing,
}

/// An effect that may be asked for again: refusing it is sound only where it may be there already, or where what it
/// rests on may be missing.
fn gained(effect: &mut Known, told: Told<'_>, ground: Known, lost: Rule) -> Result<(), Rule> {
    match told {
        Told::Done => *effect = Known::Yes,
        Told::Refused(_) if *effect == Known::No && ground == Known::Yes => return Err(lost),
        Told::Nothing if *effect == Known::No => *effect = Known::Maybe,
        Told::Refused(_) | Told::Nothing => {}
    }
    Ok(())
}

fn shown(history: &History, breach: usize) -> String {
    let mut text = format!("history of {}:", history.id);
    for (at, Event { step, life, start, end, outcome }) in history.events().iter().enumerate() {
        let mark = if at == breach { "  <-- here" } else { "" };
        let (start, end) = (start.as_secs_f64(), end.as_secs_f64());
        text.push_str(&format!("\n  life {life}  {start:.6}..{end:.6}  {step:?}: {outcome:?}{mark}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const OK: Outcome = Outcome::Done;
    const LOST: Outcome = Outcome::Unknown;

    fn no(reason: &str) -> Outcome {
        Outcome::Refused(reason.to_owned())
    }

    fn judged(events: &[(Step, Outcome)]) -> Result<State, Rule> {
        let mut history = History::of("planted".to_owned());
        for (step, outcome) in events {
            let (start, end) = (Duration::ZERO, Duration::ZERO);
            history.add(Event { step: *step, life: 0, start, end, outcome: outcome.clone() });
        }
        judge(&history).map_err(|breach| breach.rule)
    }

    /// A planted breach beside the sound history that is nearest to it.
    #[test]
    fn each_rule_refuses_a_planted_breach_and_not_its_sound_neighbour() {
        use Step::{Authenticate, Begin, Collect, Identify, Redeem, Register, Userinfo};
        let code = [(Begin, OK), (Identify, OK), (Collect, OK)];
        let with = |more: &[(Step, Outcome)]| [&code, more].concat();
        let grant = || no("invalid_grant");
        for (rule, breach, sound) in [
            (Rule::LoginLost, vec![(Begin, OK), (Identify, no("400"))], vec![(Begin, LOST)]),
            (
                Rule::LoginLost,
                vec![(Begin, OK), (Identify, OK), (Collect, no("303"))],
                vec![(Begin, OK), (Identify, LOST), (Collect, no("303"))],
            ),
            (
                Rule::TwoCodes,
                with(&[(Collect, OK)]),
                vec![(Begin, OK), (Identify, OK), (Collect, LOST), (Collect, OK)],
            ),
            (Rule::CodeLost, with(&[(Redeem, grant())]), with(&[(Redeem, LOST), (Redeem, grant())])),
            (
                Rule::TwoRedemptions,
                with(&[(Redeem, LOST), (Redeem, OK), (Redeem, OK)]),
                with(&[(Redeem, LOST), (Redeem, OK), (Redeem, grant())]),
            ),
            (
                Rule::WrongRefusal,
                with(&[(Redeem, OK), (Redeem, no("invalid_client"))]),
                with(&[(Redeem, OK), (Redeem, grant())]),
            ),
            (
                Rule::TokenLost,
                with(&[(Redeem, OK), (Userinfo, no("401"))]),
                with(&[(Redeem, OK), (Redeem, LOST), (Userinfo, no("401"))]),
            ),
            (
                Rule::TokenOutlivesReplay,
                with(&[(Redeem, OK), (Redeem, grant()), (Userinfo, OK)]),
                with(&[(Redeem, OK), (Redeem, LOST), (Userinfo, OK)]),
            ),
            (
                Rule::TokenOutlivesReplay,
                with(&[(Redeem, OK), (Redeem, LOST), (Userinfo, no("401")), (Userinfo, OK)]),
                with(&[(Redeem, OK), (Redeem, LOST), (Userinfo, OK), (Userinfo, OK)]),
            ),
            (
                Rule::RegistrationLost,
                vec![(Register, OK), (Authenticate, no("invalid_client"))],
                vec![(Register, LOST), (Authenticate, no("invalid_client"))],
            ),
            (Rule::Failed, with(&[(Redeem, Outcome::Failed("503".to_owned()))]), with(&[(Redeem, LOST)])),
        ] {
            assert_eq!(judged(&breach).map(|_| ()), Err(rule), "{breach:?}");
            assert!(judged(&sound).is_ok(), "{sound:?}");
        }
    }
}
