//! How a disk treats what no sync covers.

use super::Draw;

/// How a disk treats what no sync covers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mood {
    /// None of it is there.
    Nothing,
    /// All of it is.
    Everything,
    /// What is older than this record.
    Until(u64),
    /// Each sector or name by itself.
    Anything,
}

impl Mood {
    /// One that fits those pending records.
    pub(super) fn drawn(draw: Draw<'_>, pending: impl Iterator<Item = u64>) -> Self {
        match draw(6) {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 => {
                let pending: Vec<u64> = pending.collect();
                let at = usize::try_from(draw(pending.len() as u64)).unwrap_or(0);
                pending.get(at).map_or(Self::Everything, |number| Self::Until(*number))
            }
            _ => Self::Anything,
        }
    }

    /// How many of those changes, oldest first, have reached the disk.
    pub(super) fn reached(self, draw: Draw<'_>, changes: &[u64]) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Everything => changes.len(),
            Self::Until(end) => changes.iter().filter(|number| **number < end).count(),
            Self::Anything => usize::try_from(draw(changes.len() as u64 + 1)).unwrap_or(0),
        }
    }
}
