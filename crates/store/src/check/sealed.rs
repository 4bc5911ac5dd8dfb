//! What the rules above the rows say, and what only the keys can show: that every sealed value opens in its own row, and is of whom the row
//! names.

use std::collections::HashMap;

use portvakt_crypto::encoding::hex_encode;
use portvakt_protocol::evidence::Method;
use portvakt_protocol::grant::GrantId;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::provider::Pool;
use portvakt_protocol::secret::LoginDigest;
use portvakt_protocol::time::Timestamp;

use super::{Checked, Finding, TOLD};
use crate::copy::rows::Value;
use crate::copy::tables::Table;
use crate::row;
use crate::sealed::SealedSigningKey;
use crate::vault::Vault;

/// What is done about a row that cannot be read.
const UNREADABLE: &str = "the row was changed, or moved from another store: what it stands for does not work; restore a backup, or remove the row";

/// Reads rows as the store itself would.
pub(super) struct Reading<'a> {
    vault: &'a Vault,
    /// Issuers by their numbers.
    issuers: HashMap<i64, Issuer>,
    checked: &'a mut Checked,
    told: usize,
}

impl<'a> Reading<'a> {
    pub(super) fn new(vault: &'a Vault, checked: &'a mut Checked) -> Self {
        Self { vault, issuers: HashMap::new(), checked, told: 0 }
    }

    /// The tables that are read, issuers before what is theirs.
    pub(super) fn tables(&self) -> impl Iterator<Item = &'static Table> + use<> {
        let read = ["issuer", "client", "person", "login", "login_grant", "signing_key"];
        crate::copy::tables::TABLES.iter().filter(move |table| read.contains(&table.name))
    }

    /// Reads a row of such a table.
    pub(super) fn row(&mut self, table: &'static Table, values: &[Value]) {
        let row = Columns { table, values };
        self.checked.rows += 1;
        if self.holds(table.name, &row).is_none() {
            self.told += 1;
            if self.told <= TOLD {
                self.checked.findings.push(Finding {
                    invariant: "sealed",
                    rule: "a row can be read, and what is sealed in it opens and is its own",
                    table: table.name,
                    key: row.key(),
                    remedy: UNREADABLE,
                });
            }
        }
    }

    /// `None` if it does not.
    fn holds(&mut self, table: &str, row: &Columns<'_>) -> Option<()> {
        match table {
            "issuer" => {
                self.issuers.insert(row.int("id")?, Issuer::parse(row.text("url")?).ok()?);
                Some(())
            }
            "client" => {
                let registration = row::registration(row.text("registration")?).ok()?;
                (registration.client_id.as_str() == row.text("client_id")?
                    && registration.client_orgno.as_str() == row.text("orgno")?)
                .then_some(())
            }
            "person" => {
                let (pool, person) = (Pool(row.text("pool")?.to_owned()), row.bytes("person")?);
                let pid = self.vault.open_person_pid(&pool, person, row.bytes("pid_sealed")?).ok()?;
                (self.vault.handle(&pid).as_bytes() == person).then_some(())
            }
            "login" => self.login(row),
            "login_grant" => {
                let grant = GrantId(row.bytes("name")?.try_into().ok()?);
                let sealed = row.bytes("pid_sealed")?;
                let pid = self.vault.open_grant_pid(row.int("issuer")?, grant, sealed).ok()?;
                row::scopes("login_grant", row.text("scopes")?).ok()?;
                Method::named(row.text("method")?)?;
                (self.vault.handle(&pid).as_bytes() == row.bytes("person")?).then_some(())
            }
            "signing_key" => self.signing_key(row),
            _ => Some(()),
        }
    }

    fn login(&self, row: &Columns<'_>) -> Option<()> {
        let (issuer, login) = (row.int("issuer")?, LoginDigest::from_slice(row.bytes("digest")?)?);
        self.vault.open_request(issuer, login, row.bytes("request_sealed")?).ok()?;
        let Some(sealed) = row.bytes("evidence_sealed") else { return Some(()) };
        let evidence = self.vault.open_evidence(issuer, login, sealed).ok()?;
        // The embedded store has no tag: it compares the evidence itself.
        let tag = row.bytes("evidence_tag");
        tag.is_none_or(|tag| self.vault.evidence_tag(&evidence).as_slice() == tag).then_some(())
    }

    fn signing_key(&self, row: &Columns<'_>) -> Option<()> {
        let issuer = row.int("issuer")?;
        let key = SealedSigningKey {
            issuer,
            kid: row.text("kid")?.to_owned(),
            private_sealed: row.bytes("private_sealed")?.to_owned(),
            chain: row.bytes("chain")?.to_owned(),
            published: Timestamp::from_unix(row.int("published")?),
            signs_from: Timestamp::from_unix(row.int("signs_from")?),
            signs_until: row::instant(row.int("signs_until")),
            removed: row::instant(row.int("removed")),
        };
        self.vault.open_signing_key(self.issuers.get(&issuer)?, key).ok().map(drop)
    }
}

/// A row by its columns' names.
struct Columns<'a> {
    table: &'static Table,
    values: &'a [Value],
}

impl Columns<'_> {
    fn value(&self, name: &str) -> Option<&Value> {
        let at = self.table.columns.iter().position(|column| column.name == name)?;
        self.values.get(at)
    }

    fn int(&self, name: &str) -> Option<i64> {
        if let Some(Value::Int(number)) = self.value(name) { Some(*number) } else { None }
    }

    fn text(&self, name: &str) -> Option<&str> {
        if let Some(Value::Text(text)) = self.value(name) { Some(text) } else { None }
    }

    fn bytes(&self, name: &str) -> Option<&[u8]> {
        if let Some(Value::Bytes(bytes)) = self.value(name) { Some(bytes) } else { None }
    }

    /// What identifies the row, and nobody in it.
    fn key(&self) -> String {
        let names = ["issuer", "id", "pool", "person", "client_id", "digest", "name", "kid"];
        let key = names.into_iter().filter_map(|name| Some(shown(name, self.value(name)?)));
        key.collect::<Vec<_>>().join(" ")
    }
}

/// A value of a key, as it is told: digests in hexadecimal.
pub(super) fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::Null => format!("{name}=none"),
        Value::Int(number) => format!("{name}={number}"),
        Value::Text(text) => format!("{name}={text}"),
        Value::Bytes(bytes) => format!("{name}={}", hex_encode(bytes)),
        Value::Bool(yes) => format!("{name}={yes}"),
    }
}
