//! How the wire between a node and its database breaks.

use std::time::Duration;

use portvakt_cluster::{Ambush, Fate, Proxy, Target};

use super::chance::Chance;

/// How a wire breaks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire {
    /// Everything takes longer.
    Slow,
    /// Every connection ends.
    Cut,
    /// No new one comes about.
    Refused,
    /// What is sent arrives nowhere.
    Swallowed,
    /// Writes are done, and their answers lost.
    AnswersLost,
    /// Writes are lost.
    QuestionsLost,
}

/// All of them.
pub(super) const WIRES: [Wire; 6] =
    [Wire::Slow, Wire::Cut, Wire::Refused, Wire::Swallowed, Wire::AnswersLost, Wire::QuestionsLost];

impl Wire {
    /// Has it break this way from now on.
    pub(super) fn breaks(self, way: &Proxy, chance: &mut Chance) {
        let ambush = |fate, chance: &mut Chance| Ambush {
            fate,
            target: Target::Write,
            every: 1 + u32::try_from(chance.below(5)).unwrap_or(0),
            times: 20,
        };
        match self {
            Self::Slow => {
                way.delay(chance.time(Duration::from_millis(400)), chance.time(Duration::from_millis(400)))
            }
            Self::Cut => way.cut(),
            Self::Refused => {
                way.refuse();
                way.cut();
            }
            Self::Swallowed => way.swallow(),
            Self::AnswersLost => way.ambush(ambush(Fate::AnswerLost, chance)),
            Self::QuestionsLost => way.ambush(ambush(Fate::NeverSent, chance)),
        }
    }
}
