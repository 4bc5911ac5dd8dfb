//! What an access token may say is at most what was granted: a refresh may ask for fewer scopes, never for others (RFC 6749 §6).

use super::sealed::shown;
use super::{Checked, Finding, TOLD};
use crate::copy::rows::Value;
use crate::row;

/// Tokens with scopes of their own, beside those of their grant, in a folder.
pub(super) const IN_FOLDER: &str = "SELECT t.issuer, t.digest, t.narrowed, g.scopes
     FROM access_token t JOIN login_grant g ON g.id = t.grant_id WHERE t.narrowed IS NOT NULL";

/// And in a database.
pub(super) const IN_DATABASE: &str = "SELECT t.issuer, t.digest, t.narrowed, g.scopes
     FROM access_token t JOIN login_grant g ON g.name = t.login_grant WHERE t.narrowed IS NOT NULL";

/// A row that one of them finds.
#[derive(Debug)]
pub(super) struct Narrowed {
    pub(super) issuer: i64,
    pub(super) digest: Vec<u8>,
    pub(super) narrowed: String,
    pub(super) granted: String,
}

/// Judges what was found.
pub(super) fn judge(tokens: impl IntoIterator<Item = Narrowed>, checked: &mut Checked) {
    checked.statements += 1;
    let wider = tokens.into_iter().filter(|token| !token.is_within());
    checked.findings.extend(wider.take(TOLD).map(|token| Finding {
        invariant: "I3",
        rule: "an access token has no scope that was not granted",
        table: "access_token",
        key: format!(
            "{} {}",
            shown("issuer", &Value::Int(token.issuer)),
            shown("digest", &Value::Bytes(token.digest))
        ),
        remedy: "the row was changed by hand, or a refresh gave too much: revoke the grant, and report it",
    }));
}

impl Narrowed {
    fn is_within(&self) -> bool {
        let (Ok(own), Ok(granted)) =
            (row::scopes("access_token", &self.narrowed), row::scopes("login_grant", &self.granted))
        else {
            return false;
        };
        own.iter().all(|scope| granted.contains(scope.as_str()))
    }
}
