//! Passwords of the roles, drawn anew for each cluster.

use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::account::Account;

/// A password: 32 hexadecimal digits, so that no file format needs to quote it.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Draws one of 128 bits.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn draw() -> Result<Self, String> {
        let mut bytes = [0_u8; 16];
        File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut bytes))
            .map_err(|error| format!("no randomness: {error}"))?;
        let mut text = String::with_capacity(32);
        for byte in bytes {
            // Writing to a string does not fail.
            let _written = write!(text, "{byte:02x}");
        }
        Ok(Self(text))
    }

    /// The password itself, for a file of mode 0600, an environment or a connection.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Writes a file that only `account` can read, in place of what stood there.
pub(crate) fn write_secret(path: &Path, text: &str, account: Account) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    account.give(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_to_nobody_and_is_never_the_same() {
        let (one, other) = (Password::draw().unwrap(), Password::draw().unwrap());
        assert!(!format!("{one:?}").contains(one.expose()));
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), 32);
    }
}
