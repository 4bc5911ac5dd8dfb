//! The master key that a data folder keeps for itself, where no environment is production: drawn at the first start, in a file
//! that only its owner reads. It protects backups of the database alone; production keeps its key elsewhere.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use portvakt_crypto::encoding::hex_encode;
use portvakt_crypto::random::Random;
use portvakt_store::MasterKey;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::house;

/// The file's name in the data folder.
pub(crate) const FILE: &str = "master.key";

/// The folder's own master key, drawn if the folder is new.
///
/// # Errors
/// The key cannot be read or written, or is gone while what it sealed is still there.
pub(crate) fn own(data: &Path, random: &Random) -> Result<MasterKey, Failure> {
    let file = data.join(FILE);
    match read(&file)? {
        Some(key) => return Ok(key),
        None if house::is_used(data) => {
            return Err(Failure::new(format!(
                "{} is missing, and the store was sealed under a master key",
                file.display()
            ))
            .hint("restore the file, or name the key with master_key in the configuration"));
        }
        None => {}
    }
    let drawn = MasterKey::draw(random);
    let written = keep(data, &file, &drawn, random);
    written.map_err(|why| {
        Failure::new(format!("{}: the master key cannot be kept: {why}", file.display()))
            .hint("check that the folder exists, has room, and belongs to this user")
    })?;
    // Of two first starts at once one file comes, and it may be the other's.
    read(&file)?.ok_or_else(|| Failure::new(format!("{} was removed while starting", file.display())))
}

fn read(file: &Path) -> Result<Option<MasterKey>, Failure> {
    let text = match fs::read_to_string(file) {
        Ok(text) => Zeroizing::new(text),
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(Failure::new(format!("{}: {why}", file.display()))),
    };
    let key = MasterKey::parse(&text).map_err(|fault| {
        Failure::new(format!("{} holds no master key: it {fault}", file.display()))
            .hint("restore it from a backup")
    })?;
    Ok(Some(key))
}

/// Writes the key whole or not at all: under another name, made durable, then linked where nothing may stand yet.
fn keep(data: &Path, file: &Path, key: &MasterKey, random: &Random) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(data)?;
    let draft = data.join(format!("{FILE}.{}", hex_encode(&random.bytes::<8>())));
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let text = Zeroizing::new(format!("{}\n", key.reveal().as_str()));
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    let linked = match fs::hard_link(&draft, file) {
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    };
    fs::remove_file(&draft)?;
    linked?;
    File::open(data)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn no_second_key_is_drawn_for_a_store_that_has_lost_its_own() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("portvakt.db"), b"").unwrap();
        let told = own(folder.path(), &Random::system()).unwrap_err().to_string();
        assert!(told.contains("master.key is missing"), "{told}");
        assert!(!folder.path().join(FILE).exists());
    }

    #[test]
    fn a_placeholder_in_the_file_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "correct horse battery staple").unwrap();
        let told = own(folder.path(), &Random::system()).unwrap_err().to_string();
        assert!(told.contains("holds no master key") && !told.contains("horse"), "{told}");
    }

    #[test]
    fn the_key_is_drawn_once_and_read_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new");
        let first = own(&data, &Random::system()).unwrap();
        let second = own(&data, &Random::system()).unwrap();
        assert_eq!(first.reveal().as_str(), second.reveal().as_str());
        assert_eq!(fs::metadata(data.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no draft is left");
    }
}
