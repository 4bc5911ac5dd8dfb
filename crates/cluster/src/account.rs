//! Under whom servers run: PostgreSQL refuses to be root, and nothing here needs to be.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

/// The account that Debian's `postgresql-common` makes.
const NAME: &str = "postgres";

/// Under whom a program is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// As ourselves: we are not root.
    Ourselves,
    /// As Debian's `postgres`, switched to by `setpriv`, since we are root.
    Postgres {
        /// Its user number.
        uid: u32,
        /// Its group number.
        gid: u32,
    },
}

impl Account {
    /// The account that servers run under on this machine.
    ///
    /// # Errors
    /// When we are root and there is no user `postgres`: the message holds the command that brings it.
    pub fn of_servers() -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        let users = fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
        numbers_of(NAME, &users).map(|(uid, gid)| Self::Postgres { uid, gid }).ok_or_else(|| {
            format!(
                "servers do not run as root, and there is no user {NAME} to run them as. {}",
                crate::programs::HOW_TO_INSTALL
            )
        })
    }

    /// `program`, started under this account.
    pub fn command(self, program: impl AsRef<OsStr>) -> Command {
        match self {
            Self::Ourselves => Command::new(program),
            Self::Postgres { uid, gid } => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={uid}"), format!("--regid={gid}")]);
                command.args(["--clear-groups", "--"]).arg(program);
                command
            }
        }
    }

    /// Gives a file or folder (not what is in it) to this account.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn give(self, path: &Path) -> Result<(), String> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Postgres { uid, gid } => chown(path, Some(uid), Some(gid))
                .map_err(|error| format!("{} cannot be given to {NAME}: {error}", path.display())),
        }
    }
}

/// User and group number of `name` in the text of `/etc/passwd`.
fn numbers_of(name: &str, users: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/bash\npostgresql:x:7:8::/:/bin/sh\npostgres:x:104:112:PostgreSQL,,,:/var:/bin/bash\n";
        assert_eq!(numbers_of("postgre", users), None);
        assert_eq!(numbers_of("postgres", users), Some((104, 112)));
        assert_eq!(numbers_of("postgres", "postgres:x:one:two::/:/bin/sh"), None);
    }
}
