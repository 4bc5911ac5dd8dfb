//! A token response judged before it leaves, where `verify_tokens` says so: by the independent verifier, which has the JWK Set's bytes and
//! what is stored of the login, and neither the claims as they were written nor the code that signed them.

use portvakt_protocol::profile::{AmrShape, TokenType};
use portvakt_protocol::token::Issuance;
use portvakt_verifier::{Expected, Format, Want};

use crate::keys::{InForce, NotSigned};
use crate::site::Site;

/// Judges `body`, whose tokens `key` has signed.
///
/// # Errors
/// [`NotSigned::Misread`]; then it must not leave.
pub(crate) fn judge(site: &Site, key: &InForce, issuance: &Issuance, body: &[u8]) -> Result<(), NotSigned> {
    if !site.verifies {
        return Ok(());
    }
    let (profile, client, grant) = (site.provider.profile(), issuance.client(), issuance.grant());
    let (issued, lifetime) = issuance.span();
    let scope = issuance.scopes().to_string();
    let consumer = format!("0192:{}", client.organisation());
    let supplier = client.supplier().map(|supplier| format!("0192:{supplier}"));
    // Asked of each scope that was granted, whatever this response was narrowed to.
    let mut records = grant.scopes.iter().map(|scope| client.scope(scope));
    let withheld = records.any(|record| record.is_none_or(|known| known.requires_pseudonymous_tokens));
    let inactivity = client.refresh_token_lifetime().min(grant.expires.since(issued)).get().to_string();
    let refreshes = client.refreshes().is_some();
    let expected = Expected {
        issuer: site.provider.issuer().as_str(),
        client_id: client.id().as_str(),
        issued: issued.unix()..=issued.unix(),
        pid: if withheld { Want::Absent } else { Want::Any },
        person: Some(grant.pid.reveal()),
        sub: Want::Any,
        acr: Want::exactly(profile.acr.word(grant.assurance)),
        scope: &scope,
        nonce: Want::exactly(grant.echo.nonce.as_deref()),
        amr: Want::Is(grant.method.as_str()),
        amr_shape: Some(match client.amr() {
            AmrShape::String => portvakt_verifier::AmrShape::String,
            AmrShape::Array => portvakt_verifier::AmrShape::Array,
        }),
        auth_time: Some(grant.auth_time.unix()),
        locale: Want::exactly(grant.echo.locale.as_deref()),
        onbehalfof: Want::exactly(grant.echo.onbehalfof.as_deref()),
        format: match client.token_type(issuance.scopes(), profile.token_type) {
            TokenType::Opaque => Format::Opaque,
            TokenType::SelfContained => Format::SelfContained,
        },
        lifetime: Some(lifetime.get()),
        access_token_typ: profile.access_token_typ,
        access_token_aud: Want::exactly(profile.access_token_aud),
        client_amr: Want::Is(client.auth_method().as_str()),
        consumer: Want::Is(&consumer),
        supplier: Want::exactly(supplier.as_deref()),
        refresh_token: if refreshes { Want::Any } else { Want::Absent },
        refresh_token_expires_in: if refreshes && profile.refresh_token_expires_in {
            Want::Is(&inactivity)
        } else {
            Want::Absent
        },
    };
    key.judge(body, &expected)
}
