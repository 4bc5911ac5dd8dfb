//! Which request loses its connection, and on which side of its commit.

/// Where the connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server never gets the request: nothing is saved.
    NeverSent,
    /// The server has done and committed it, and the client never gets the answer.
    AnswerLost,
}

/// Which requests are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Each that executes something.
    Any,
    /// Those that write, by the words in their text: INSERT, UPDATE, DELETE, MERGE, COMMIT.
    Write,
    /// COMMIT or END.
    Commit,
    /// Those whose text contains this, letter for letter.
    Containing(String),
}

impl Target {
    /// Whether a request that executes `text` is meant.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => !text.trim().is_empty(),
            Self::Write => writes(text),
            Self::Commit => text.split(';').any(|statement| {
                let first = words(statement).next();
                first.is_some_and(|word| ["COMMIT", "END"].iter().any(|end| word.eq_ignore_ascii_case(end)))
            }),
            Self::Containing(part) => text.contains(part),
        }
    }
}

/// A cut that waits for its victim.
#[derive(Clone, Debug)]
pub struct Ambush {
    /// On which side of the commit.
    pub fate: Fate,
    /// Which requests.
    pub target: Target,
    /// It strikes at each so-manieth of them; 1 at the first, and 0 means the same.
    pub every: u32,
    /// And so often; then it is over.
    pub times: u32,
}

impl Ambush {
    /// The next request that is meant, and no other.
    #[must_use]
    pub fn once(fate: Fate, target: Target) -> Self {
        Self { fate, target, every: 1, times: 1 }
    }
}

/// An ambush that has been laid.
#[derive(Debug)]
pub(crate) struct Laid {
    ambush: Ambush,
    seen: u32,
}

impl Laid {
    pub(crate) fn new(ambush: Ambush) -> Self {
        Self { ambush, seen: 0 }
    }

    /// Whether it can strike at such a request.
    pub(crate) fn awaits(&self, fate: Fate, text: &str) -> bool {
        self.ambush.times > 0 && self.ambush.fate == fate && self.ambush.target.matches(text)
    }

    /// A request has come; whether it is struck.
    pub(crate) fn strikes(&mut self, fate: Fate, text: &str) -> bool {
        if !self.awaits(fate, text) {
            return false;
        }
        self.seen += 1;
        let struck = self.seen >= self.ambush.every;
        if struck {
            self.seen = 0;
            self.ambush.times -= 1;
        }
        struck
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}

/// Whether the words of a text say that it writes. A word in quotes counts too; `FOR UPDATE` does not.
fn writes(text: &str) -> bool {
    let mut before = "";
    words(text).any(|word| {
        let locks = before.eq_ignore_ascii_case("FOR") || before.eq_ignore_ascii_case("KEY");
        before = word;
        let write = ["INSERT", "UPDATE", "DELETE", "MERGE", "COMMIT"]
            .iter()
            .any(|write| word.eq_ignore_ascii_case(write));
        write && !locks
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads_or_locks_is_no_write() {
        assert!(!Target::Write.matches("SELECT updated FROM insertion"));
        assert!(!Target::Write.matches("SELECT 1 FROM code FOR UPDATE"));
        assert!(!Target::Write.matches("SELECT 1 FROM code FOR NO KEY UPDATE"));
        assert!(!Target::Write.matches(""));
        assert!(
            Target::Write
                .matches("WITH spent AS (update code SET spent = true RETURNING 1) SELECT * FROM spent")
        );
    }

    #[test]
    fn a_commit_is_the_first_word_of_a_statement() {
        assert!(!Target::Commit.matches("SELECT 'commit'"));
        assert!(!Target::Commit.matches("BEGIN"));
        assert!(Target::Commit.matches("commit"));
        assert!(Target::Commit.matches("INSERT INTO a VALUES (1); END"));
    }

    #[test]
    fn it_strikes_each_third_and_only_so_often() {
        let ambush = Ambush { fate: Fate::AnswerLost, target: Target::Any, every: 3, times: 2 };
        let mut laid = Laid::new(ambush);
        assert!(!laid.strikes(Fate::NeverSent, "SELECT 1"), "the other fate");
        let struck: Vec<u32> = (1..=12).filter(|_| laid.strikes(Fate::AnswerLost, "SELECT 1")).collect();
        assert_eq!(struck, [3, 6]);
    }
}
