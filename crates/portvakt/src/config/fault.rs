//! What a refused configuration is told: file, line, key, value, rule, and what to do. A secret's value is never part of it.

use std::fmt;
use std::path::PathBuf;

use portvakt_protocol::registration::Shown;

/// Where a key of the configuration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// `issuers[0].profile`; empty for the file as a whole.
    pub(crate) path: String,
    /// From 1; none for what is not there.
    pub(crate) line: Option<u32>,
}

/// A key that breaks a rule. Nothing is started with a configuration that has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigFault {
    /// The key.
    pub(crate) place: Place,
    /// What stands there.
    pub(crate) value: Shown,
    /// What it must be.
    pub(crate) rule: String,
    /// What to do about it, where the rule does not say so already.
    pub(crate) fix: Option<String>,
}

impl ConfigFault {
    /// A fault of what stands at `place`.
    pub(crate) fn new(place: &Place, value: Shown, rule: impl Into<String>) -> Self {
        Self { place: place.clone(), value, rule: rule.into(), fix: None }
    }

    /// The same, and what to do about it.
    pub(crate) fn with_fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }
}

/// Every fault of a file, in the order of its lines.
#[derive(Debug)]
pub(crate) struct ConfigFaults {
    file: PathBuf,
    faults: Vec<ConfigFault>,
}

impl ConfigFaults {
    /// The faults of `file`; at least one.
    pub(crate) fn new(file: impl Into<PathBuf>, mut faults: Vec<ConfigFault>) -> Self {
        faults.sort_by_key(|fault| fault.place.line);
        Self { file: file.into(), faults }
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, ConfigFault { place, value, rule, fix }) in self.faults.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            write!(out, "{}", self.file.display())?;
            if let Some(line) = place.line {
                write!(out, ":{line}")?;
            }
            if !place.path.is_empty() {
                write!(out, ": {}", place.path)?;
            }
            if *value != Shown::Absent {
                write!(out, " = {value}")?;
            }
            write!(out, ": {rule}")?;
            if let Some(fix) = fix {
                write!(out, "; {fix}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}
