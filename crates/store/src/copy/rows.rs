//! Rows on their way, and what a table's rows come to: a digest that is the same whatever order they are read in.

use portvakt_crypto::digest::Sha256;

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    Bool(bool),
}

/// What rows come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// How many there are.
    pub(crate) rows: u64,
    /// The sum of their SHA-256 digests, each read as four numbers: two tables have the same if they have the same rows.
    sum: [u64; 4],
}

impl Tally {
    /// Counts a row.
    pub(crate) fn add(&mut self, row: &[Value]) {
        let mut encoded = Vec::with_capacity(256);
        for value in row {
            value.encode(&mut encoded);
        }
        let digest = Sha256::of(&encoded);
        let (lanes, _) = digest.as_bytes().as_chunks::<8>();
        for (sum, lane) in self.sum.iter_mut().zip(lanes) {
            *sum = sum.wrapping_add(u64::from_be_bytes(*lane));
        }
        self.rows += 1;
    }
}

impl Value {
    /// Its kind and its length before it, so that no other row reads alike.
    fn encode(&self, encoded: &mut Vec<u8>) {
        let (kind, bytes): (u8, &[u8]) = match self {
            Self::Null => (b'0', &[]),
            Self::Int(number) => (b'i', &number.to_be_bytes()),
            Self::Text(text) => (b't', text.as_bytes()),
            Self::Bytes(bytes) => (b'b', bytes),
            Self::Bool(yes) => (b'y', &[u8::from(*yes)]),
        };
        encoded.push(kind);
        encoded.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        encoded.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(rows: &[Vec<Value>]) -> Tally {
        let mut tally = Tally::default();
        rows.iter().for_each(|row| tally.add(row));
        tally
    }

    #[test]
    fn every_difference_shows_but_that_of_order() {
        let text = |text: &str| Value::Text(text.to_owned());
        let one = vec![text("a"), text("bc"), Value::Null];
        let other = vec![Value::Int(1), Value::Bytes(vec![1]), Value::Bool(true)];
        let both = tally(&[one.clone(), other.clone()]);
        assert_eq!(both, tally(&[other.clone(), one.clone()]));
        let differing = [
            vec![text("ab"), text("c"), Value::Null],
            vec![text("a"), text("bc"), text("")],
            vec![text("a"), Value::Bytes(b"bc".to_vec()), Value::Null],
            vec![text("a"), text("bc"), Value::Bool(false)],
            vec![text("a"), text("bc")],
        ];
        for differing in differing {
            assert_ne!(both, tally(&[differing, other.clone()]));
        }
        assert_ne!(both, tally(&[one.clone(), one.clone(), one.clone(), other.clone()]), "more of the same");
        assert_ne!(both, tally(&[one]));
    }
}
