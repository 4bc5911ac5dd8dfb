//! The keys that protect what is stored: a master key from outside, and under it three keys of the store's own. Changing
//! the master key seals those three anew and changes nothing that they were used for: no handle, no `sub`, no row.

use std::fmt;

use portvakt_crypto::digest::{HmacKey, Sha256};
use portvakt_crypto::encoding::{base64url_decode, base64url_encode, hex_decode};
use portvakt_crypto::random::Random;
use portvakt_crypto::seal::SealingKey;
use portvakt_protocol::person::{PersonHandle, Pid};
use zeroize::{Zeroize, Zeroizing};

use crate::error::Broken;

/// The key that a store's own keys are sealed under: 256 bits that the operator keeps outside the data folder.
pub struct MasterKey {
    bytes: Zeroizing<[u8; 32]>,
}

/// Why a text is no master key. It carries nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyFault {
    /// Neither of the two forms.
    #[error("must be 32 bytes, as 43 base64url characters without padding or as 64 hex digits")]
    Form,
    /// Too few different bytes: a placeholder, not a key.
    #[error("must be 32 random bytes; this text repeats itself")]
    Placeholder,
}

impl MasterKey {
    /// Reads a key as a file or the environment holds it: 32 bytes as 43 base64url characters without padding, or as 64 hex
    /// digits; white space at both ends, such as a file's last newline, is ignored. A passphrase is refused: nothing here
    /// stretches one.
    ///
    /// # Errors
    /// [`MasterKeyFault`].
    pub fn parse(text: &str) -> Result<Self, MasterKeyFault> {
        let text = text.trim_ascii();
        let decoded = match text.len() {
            43 => base64url_decode(text),
            64 => hex_decode(text),
            _ => return Err(MasterKeyFault::Form),
        };
        let decoded = Zeroizing::new(decoded.map_err(|_| MasterKeyFault::Form)?);
        let mut bytes = Zeroizing::new([0; 32]);
        if decoded.len() != bytes.len() {
            return Err(MasterKeyFault::Form);
        }
        bytes.copy_from_slice(&decoded);
        let mut seen: Vec<u8> = bytes.to_vec();
        seen.sort_unstable();
        seen.dedup();
        let different = seen.len();
        seen.zeroize();
        // 32 random bytes have fewer than 16 different values less than once in 10^13 draws.
        if different < 16 {
            return Err(MasterKeyFault::Placeholder);
        }
        Ok(Self { bytes })
    }

    /// A new one, for the first start in development.
    pub fn draw(random: &Random) -> Self {
        Self { bytes: Zeroizing::new(random.bytes()) }
    }

    /// The 43 characters that [`MasterKey::parse`] reads, for the file it is kept in.
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(base64url_encode(self.bytes.as_slice()))
    }

    /// The key as a sealing key. Its number is taken from a digest of it, so that a vault tells a wrong master key from a
    /// damaged row.
    fn sealing(&self) -> SealingKey {
        let digest = Sha256::of_parts(&[b"master key number", self.bytes.as_slice()]);
        let number = digest.as_bytes().first_chunk().map_or(0, |four| u32::from_be_bytes(*four));
        SealingKey::new(number, *self.bytes)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("MasterKey(***)")
    }
}

/// What a key of the vault's is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Sealing values in rows.
    Sealing,
    /// Looking a person up ([`PersonHandle`]).
    Lookup,
    /// Pairwise `sub`.
    Pairwise,
}

impl Purpose {
    pub(crate) const ALL: [Self; 3] = [Self::Sealing, Self::Lookup, Self::Pairwise];

    /// Its name, as a column holds it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sealing => "sealing",
            Self::Lookup => "lookup",
            Self::Pairwise => "pairwise",
        }
    }
}

/// A key of the vault's as it is kept: sealed under a master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SealedKey {
    pub(crate) purpose: &'static str,
    /// The number under which the key itself seals.
    pub(crate) key_id: u32,
    pub(crate) sealed: Vec<u8>,
}

/// Why a vault does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VaultFault {
    /// Sealed under a key that was not given.
    WrongMasterKey,
    /// A key is missing, or its row was changed.
    Damaged,
}

/// The three keys, as raw bytes, on their way from one seal to another.
pub(crate) struct VaultKeys {
    keys: [Zeroizing<[u8; 32]>; 3],
}

/// The number of the sealing key that new vaults have.
const FIRST_KEY: u32 = 1;

impl VaultKeys {
    /// Three new keys, for a new store.
    pub(crate) fn draw(random: &Random) -> Self {
        Self { keys: Purpose::ALL.map(|_| Zeroizing::new(random.bytes())) }
    }

    /// Opens the three keys.
    pub(crate) fn open(master: &MasterKey, rows: &[SealedKey]) -> Result<Self, VaultFault> {
        let master = master.sealing();
        let mut keys = Purpose::ALL.map(|_| Zeroizing::new([0; 32]));
        for (purpose, key) in Purpose::ALL.iter().zip(&mut keys) {
            let row = rows.iter().find(|row| row.purpose == purpose.as_str()).ok_or(VaultFault::Damaged)?;
            if portvakt_crypto::seal::key_id_of(&row.sealed).is_some_and(|number| number != master.key_id()) {
                return Err(VaultFault::WrongMasterKey);
            }
            let opened = master.open(&vault_row(*purpose), &row.sealed).map_err(|_| VaultFault::Damaged)?;
            let opened = Zeroizing::new(opened);
            if opened.len() != key.len() {
                return Err(VaultFault::Damaged);
            }
            key.copy_from_slice(&opened);
        }
        Ok(Self { keys })
    }

    /// The three keys sealed under `master`.
    pub(crate) fn seal(&self, master: &MasterKey, random: &Random) -> Vec<SealedKey> {
        let master = master.sealing();
        let seal = |(purpose, key): (&Purpose, &Zeroizing<[u8; 32]>)| SealedKey {
            purpose: purpose.as_str(),
            key_id: FIRST_KEY,
            sealed: master.seal(random, &vault_row(*purpose), key.as_slice()),
        };
        Purpose::ALL.iter().zip(&self.keys).map(seal).collect()
    }

    /// The vault that works with these keys.
    pub(crate) fn into_vault(self, random: Random) -> Vault {
        let [sealing, lookup, pairwise] = &self.keys;
        Vault {
            sealing: SealingKey::new(FIRST_KEY, **sealing),
            lookup: HmacKey::from_bytes(**lookup),
            pairwise: HmacKey::from_bytes(**pairwise),
            random,
        }
    }
}

fn vault_row(purpose: Purpose) -> Vec<u8> {
    Column { table: "vault", column: "sealed" }.of_row(&[purpose.as_str().as_bytes()])
}

/// A column of sealed values. Its name is part of what every seal in it is bound to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
}

impl Column {
    /// What binds a sealed value to its row: the column's name and the row's key, each preceded by its length, so that no
    /// other division of the same bytes reads alike.
    pub(crate) fn of_row(self, key: &[&[u8]]) -> Vec<u8> {
        let mut bound = Vec::with_capacity(96);
        for part in [self.table.as_bytes(), self.column.as_bytes()].iter().chain(key) {
            bound.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            bound.extend_from_slice(part);
        }
        bound
    }
}

/// The opened keys of a store, and the randomness they seal with.
pub(crate) struct Vault {
    sealing: SealingKey,
    lookup: HmacKey,
    pairwise: HmacKey,
    random: Random,
}

impl Vault {
    /// The key for pairwise `sub`.
    pub(crate) fn pairwise(&self) -> &HmacKey {
        &self.pairwise
    }

    /// The handle that rows know `pid` by.
    pub(crate) fn handle(&self, pid: &Pid) -> PersonHandle {
        PersonHandle::of(pid, &self.lookup)
    }

    /// A tag of values of one kind, under the lookup key.
    pub(crate) fn lookup_tag(&self, kind: &[u8], values: &[&[u8]]) -> [u8; 32] {
        let mut parts = Vec::with_capacity(values.len() + 1);
        parts.push(kind);
        parts.extend_from_slice(values);
        self.lookup.mac_parts(&parts)
    }

    /// Seals a value for the row of `column` that `key` names.
    pub(crate) fn seal(&self, column: Column, key: &[&[u8]], plain: &[u8]) -> Vec<u8> {
        self.sealing.seal(&self.random, &column.of_row(key), plain)
    }

    /// Opens a value of that row.
    ///
    /// # Errors
    /// [`Broken::Row`] if it was sealed for another row or changed.
    pub(crate) fn open(
        &self,
        column: Column,
        key: &[&[u8]],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Broken> {
        let opened = self.sealing.open(&column.of_row(key), sealed);
        opened
            .map(Zeroizing::new)
            .map_err(|_| Broken::Row { table: column.table, what: "a sealed value does not open" })
    }

    /// Opens the `pid` of that row.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub(crate) fn open_pid(&self, column: Column, key: &[&[u8]], sealed: &[u8]) -> Result<Pid, Broken> {
        let plain = self.open(column, key, sealed)?;
        let pid = std::str::from_utf8(&plain).ok().and_then(|text| Pid::parse(text).ok());
        pid.ok_or(Broken::Row { table: column.table, what: "a sealed value is no pid" })
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Vault(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(seed: u64) -> MasterKey {
        MasterKey::draw(&Random::danger_seeded(seed))
    }

    #[test]
    fn what_is_no_master_key_is_refused() {
        for text in [
            "",
            "a passphrase that somebody thought of, and liked",
            &"A".repeat(42),
            &"g".repeat(64),
            &"+".repeat(43),
        ] {
            assert_eq!(MasterKey::parse(text).unwrap_err(), MasterKeyFault::Form, "{text}");
        }
        for text in ["0".repeat(64), "0123456789abcdef".repeat(4), "A".repeat(43)] {
            assert_eq!(MasterKey::parse(&text).unwrap_err(), MasterKeyFault::Placeholder, "{text}");
        }
    }

    #[test]
    fn both_forms_of_one_key_are_one_key() {
        let key = master(1);
        let rows = VaultKeys::draw(&Random::danger_seeded(2)).seal(&key, &Random::danger_seeded(3));
        let hex = portvakt_crypto::encoding::hex_encode(key.bytes.as_slice());
        for text in
            [key.reveal().to_string(), format!("{}\n", *key.reveal()), hex.clone(), hex.to_uppercase()]
        {
            assert!(VaultKeys::open(&MasterKey::parse(&text).unwrap(), &rows).is_ok());
        }
        assert_eq!(format!("{key:?}"), "MasterKey(***)");
    }

    #[test]
    fn another_master_key_and_a_damaged_row_are_told_apart() {
        let rows = VaultKeys::draw(&Random::danger_seeded(2)).seal(&master(1), &Random::danger_seeded(3));
        assert_eq!(VaultKeys::open(&master(4), &rows).err(), Some(VaultFault::WrongMasterKey));
        assert_eq!(VaultKeys::open(&master(1), &rows[1..]).err(), Some(VaultFault::Damaged));
        let mut flipped = rows.clone();
        *flipped[2].sealed.last_mut().unwrap() ^= 1;
        assert_eq!(VaultKeys::open(&master(1), &flipped).err(), Some(VaultFault::Damaged));
        let mut swapped = rows.clone();
        swapped[0].sealed.clone_from(&rows[1].sealed);
        assert_eq!(
            VaultKeys::open(&master(1), &swapped).err(),
            Some(VaultFault::Damaged),
            "a key in another's place"
        );
        assert!(VaultKeys::open(&master(1), &rows).is_ok());
    }

    #[test]
    fn a_value_opens_in_its_own_row_alone() {
        let vault = VaultKeys::draw(&Random::danger_seeded(2)).into_vault(Random::danger_seeded(3));
        let (pid, other) = (
            Column { table: "login_grant", column: "pid_sealed" },
            Column { table: "person", column: "pid_sealed" },
        );
        let sealed = vault.seal(pid, &[b"a", b"bc"], b"21879498012");
        for (column, key) in [(other, [&b"a"[..], b"bc"]), (pid, [b"ab", b"c"]), (pid, [b"a", b"bd"])] {
            assert!(vault.open(column, &key, &sealed).is_err());
        }
        assert_eq!(vault.open_pid(pid, &[b"a", b"bc"], &sealed).unwrap().reveal(), "21879498012");
        assert!(vault.open_pid(pid, &[b"x"], &vault.seal(pid, &[b"x"], b"nobody")).is_err());
    }
}
