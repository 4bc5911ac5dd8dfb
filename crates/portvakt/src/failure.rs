//! What a command says when it cannot do its work: what happened, and what to try next.

use std::fmt;

/// Why a command ends with exit code 1.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure whose text says already what to do.
    pub(crate) fn new(what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), hint: None }
    }

    /// What to try next.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.what.lines();
        if let Some(first) = lines.next() {
            write!(out, "portvakt: {first}")?;
        }
        for line in lines {
            write!(out, "\nportvakt: {line}")?;
        }
        match &self.hint {
            Some(hint) => write!(out, "\n    hint: {hint}"),
            None => Ok(()),
        }
    }
}
