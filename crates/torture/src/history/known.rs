//! What an onlooker knows, who has to decide what to ask next.

use super::effect::Effect;
use super::standing::Standings;
use super::{Bounds, Event, Kind, Operation, login};

/// What is known about an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// It is not there.
    #[default]
    No,
    /// It was asked for, and no answer came.
    Maybe,
    /// It is there.
    Yes,
}

/// What is known about one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// A login is under way.
    pub begun: Known,
    /// The login holds evidence.
    pub evident: Known,
    /// The login gave a code.
    pub code: Known,
    /// The code was redeemed.
    pub redeemed: Known,
    /// A replay has revoked what the code gave.
    pub revoked: Known,
    /// The client is registered.
    pub registered: Known,
}

/// What the events about one thing say of it.
pub fn known(events: &[Event], bounds: &Bounds) -> State {
    let mut sorted: Vec<&Event> = events.iter().collect();
    sorted.sort_by_key(|event| (event.start, event.end));
    let logins: Vec<&Event> =
        sorted.iter().copied().filter(|event| event.operation.kind() == Kind::Login).collect();
    let login = login::read(&logins, &Standings::of(&sorted, bounds), bounds);
    let mut registered = Effect::default();
    for event in &sorted {
        match event.operation {
            Operation::Register => registered.attempted(event, bounds),
            Operation::Authenticate if event.is_done() => registered.seen(event.end),
            _ => {}
        }
    }
    let of = |effect: &Effect<'_>| match (effect.is_sure_in_the_end(), effect.is_possible_in_the_end()) {
        (true, _) => Known::Yes,
        (false, true) => Known::Maybe,
        (false, false) => Known::No,
    };
    // Nothing is given to an onlooker who has not asked yet.
    let asked = |effect: &Effect<'_>| if effect.is_given() { Known::No } else { of(effect) };
    State {
        begun: asked(&login.begun),
        evident: asked(&login.evident),
        code: asked(&login.coded),
        redeemed: asked(&login.redeemed),
        revoked: of(&login.revoked),
        registered: of(&registered),
    }
}
