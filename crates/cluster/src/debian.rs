//! Programs where Debian puts them: some lie in `/usr/sbin`, which is on root's `PATH` alone.

use std::path::{Path, PathBuf};

const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

/// The path of `program`, which the Debian package `package` brings.
///
/// # Errors
/// When it is not there: the message holds the command that brings it, with the service left off.
pub(crate) fn program(program: &str, package: &str) -> Result<PathBuf, String> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.is_file()).ok_or_else(
        || {
            format!(
                "{program} is missing. Run this, then try again:\n  \
             sudo apt-get install --no-install-recommends {package}\n\
             Only the program is used: its own service is not needed and may stay off."
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_lacks_a_program_is_told_its_package() {
        assert!(
            program("portvakt-no-such-program", "no-such-package").unwrap_err().contains("no-such-package")
        );
        assert!(program("sh", "dash").is_ok());
    }
}
