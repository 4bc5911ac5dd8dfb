//! Files that hold a private key, a master key or a password, and who may use them beside their owner.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use portvakt_protocol::registration::Shown;

use super::fault::{ConfigFault, Place};

/// Anything for everybody, or for the group more than reading.
const OPEN: u32 = 0o037;

/// Reading, for the group. Supervisors hand keys to a service so: by the group that owns a mounted secret, or by an access
/// control list, which a mode shows as the group's.
const GROUP_READS: u32 = 0o040;

/// A file with a secret in it.
#[derive(Debug)]
pub(super) struct KeyFile {
    /// What names it.
    pub(super) place: Place,
    /// Where it is.
    pub(super) path: PathBuf,
    /// What is in it: "a key".
    pub(super) holds: &'static str,
}

/// What is to be said of a key file that not its owner alone may use.
#[derive(Debug)]
pub(super) enum Exposed {
    /// Nothing is started with it.
    Refused(ConfigFault),
    /// An operator should know.
    Warned(String),
}

impl KeyFile {
    /// Judges the file's mode; `None` if it is its owner's alone, or is not there.
    pub(super) fn exposed(&self, production: bool) -> Option<Exposed> {
        let mode = std::fs::metadata(&self.path).ok()?.permissions().mode();
        let told = |who: &str| {
            let (path, mode) = (self.path.display(), mode & 0o777);
            format!("{path} holds {} and is open to {who} (mode {mode:03o})", self.holds)
        };
        if mode & OPEN != 0 {
            let told = told("more than its owner");
            return Some(if production {
                let fault = ConfigFault::new(&self.place, Shown::Absent, told);
                Exposed::Refused(fault.with_fix("make it its owner's alone with `chmod 600`"))
            } else {
                Exposed::Warned(format!("{}: {told}", self.place.path))
            });
        }
        (mode & GROUP_READS != 0)
            .then(|| Exposed::Warned(format!("{}: {}", self.place.path, told("its group"))))
    }
}
