//! A token response judged before it leaves, where `verify_tokens` says so: by the independent verifier, which has the JWK Set's bytes and
//! what is stored of the login, and neither the claims as they were written nor the code that signed them.

use portvakt_protocol::client::Client;
use portvakt_protocol::grant::Grant;
use portvakt_protocol::profile::{AmrShape, TokenType};
use portvakt_protocol::scope::{ScopeRecord, Scopes};
use portvakt_protocol::time::{Seconds, Timestamp};
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
    // How long it was decided to live is not asked: that is what is judged.
    let (issued, _) = issuance.span();
    let lifetimes = Lifetimes::of(client, grant, issuance.scopes(), issued);
    let scope = issuance.scopes().to_string();
    let consumer = format!("0192:{}", client.organisation());
    let supplier = client.supplier().map(|supplier| format!("0192:{supplier}"));
    // Asked of each scope that was granted, whatever this response was narrowed to.
    let withheld =
        grant.pseudonymous || records(client, &grant.scopes).any(|known| known.requires_pseudonymous_tokens);
    let inactivity = lifetimes.refresh_token.get().to_string();
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
        lifetime: Some(lifetimes.access_token.get()),
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

/// How long what is issued may live, by what is registered and stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lifetimes {
    access_token: Seconds,
    refresh_token: Seconds,
}

impl Lifetimes {
    /// Everything under a grant ends with it: what was stored of its end, and `authorization_lifetime` from the login, and what each of
    /// its scopes allows. Besides, an access token has its client's lifetime and each of its own scopes' `at_max_age` (contract §7).
    fn of(client: &Client, grant: &Grant, scopes: &Scopes, issued: Timestamp) -> Self {
        let authorized = bounds(records(client, &grant.scopes).map(|known| known.authorization_max_lifetime));
        let authorized = authorized.fold(client.authorization_lifetime(), Seconds::min);
        let left = grant.expires.min(grant.auth_time + authorized).since(issued);
        let ages = bounds(records(client, scopes).map(|known| known.at_max_age));
        Self {
            access_token: ages.fold(client.access_token_lifetime(scopes).min(left), Seconds::min),
            refresh_token: client.refresh_token_lifetime().min(left),
        }
    }
}

/// What the client has registered of these scopes.
fn records<'a>(client: &'a Client, scopes: &'a Scopes) -> impl Iterator<Item = &'a ScopeRecord> {
    scopes.iter().filter_map(|scope| client.scope(scope))
}

/// Without those that say 0: no limit.
fn bounds(spans: impl Iterator<Item = Seconds>) -> impl Iterator<Item = Seconds> {
    spans.filter(|span| span.get() > 0)
}

#[cfg(test)]
mod tests {
    use portvakt_protocol::acr::Assurance;
    use portvakt_protocol::client::ClientId;
    use portvakt_protocol::evidence::Method;
    use portvakt_protocol::grant::{Echo, GrantId};
    use portvakt_protocol::organisation::{OrgNumber, Organisation, Standing};
    use portvakt_protocol::person::Pid;
    use portvakt_protocol::profile::IDPORTEN;
    use portvakt_protocol::provider::{Environment, Provider};
    use portvakt_protocol::registration::{Beside, ClientRegistration};
    use portvakt_protocol::scope::Scope;
    use serde_json::json;

    use super::*;

    const LOGIN: Timestamp = Timestamp::from_unix(1_480_593_600);

    fn after(seconds: u32) -> Timestamp {
        LOGIN + Seconds::new(seconds)
    }

    /// A client with these lifetimes of authorization, access token and refresh token, and a scope with those of its own.
    fn client((authorization, access, refresh): (u32, u32, u32), (age, grant): (u32, u32)) -> Client {
        let registration: ClientRegistration = serde_json::from_value(json!({
            "client_id": "web", "client_orgno": "991825827", "display_name": "Web", "application_type": "web",
            "token_endpoint_auth_method": "client_secret_basic", "redirect_uris": ["https://rp.example.no/cb"],
            "post_logout_redirect_uris": [], "scopes": ["openid", "example:short"], "code_challenge_method": null,
            "amr_claim": null, "userinfo_without_profile": false, "authorization_lifetime": authorization,
            "access_token_lifetime": access, "refresh_token_lifetime": refresh,
        }))
        .unwrap();
        let organisation = Organisation {
            orgno: OrgNumber::parse("991825827").unwrap(),
            name: "Eksempeletaten".to_owned(),
            terms: None,
            standing: Standing::Active,
        };
        let short = ScopeRecord {
            accessible_for_all: true,
            at_max_age: Seconds::new(age),
            authorization_max_lifetime: Seconds::new(grant),
            ..ScopeRecord::open(Scope::parse("example:short").unwrap())
        };
        let provider =
            Provider::new("http://localhost:8080", None, &IDPORTEN, Environment::Test, None, "1").unwrap();
        let beside = Beside {
            organisation: &organisation,
            supplier: None,
            scopes: &[short],
            access: &[],
            secrets: vec![],
            active: true,
            not_before: Timestamp::from_unix(0),
        };
        registration.client(&provider, beside).unwrap()
    }

    /// One of both scopes that was stored to end after so many seconds.
    fn grant(ends: u32) -> Grant {
        Grant {
            id: GrantId([0; 16]),
            client_id: ClientId::parse("web").unwrap(),
            pid: Pid::parse_synthetic("21879498012").unwrap(),
            scopes: Scopes::parse("openid example:short").unwrap(),
            method: Method::TestId,
            assurance: Assurance::High,
            auth_time: LOGIN,
            issued: LOGIN,
            expires: after(ends),
            echo: Echo { nonce: None, locale: None, onbehalfof: None },
            pseudonymous: false,
        }
    }

    #[test]
    fn nothing_lives_past_its_grant_its_scopes_or_what_is_registered() {
        let none = (0, 0);
        // What bounds it; the seconds from the login to the issue; and what may live how long then.
        for (registered, scope, ends, issued, access, refresh) in [
            ((7200, 120, 600), none, 7200, 0, 120, 600),
            ((7200, 120, 600), none, 7200, 7100, 100, 100),
            ((7200, 120, 600), none, 900, 850, 50, 50),
            ((900, 120, 600), none, 7200, 850, 50, 50),
            ((7200, 120, 600), (60, 0), 7200, 0, 60, 600),
            ((7200, 120, 600), (0, 300), 7200, 250, 50, 50),
            ((7200, 120, 600), none, 900, 901, 0, 0),
        ] {
            let (client, grant) = (client(registered, scope), grant(ends));
            let found = Lifetimes::of(&client, &grant, &grant.scopes, after(issued));
            let told = (found.access_token.get(), found.refresh_token.get());
            assert_eq!(told, (access, refresh), "{registered:?} {scope:?} {ends} {issued}");
        }
        // Narrowed to a scope without a limit, an access token has the client's lifetime; a grant keeps its own end.
        let (client, grant) = (client((7200, 120, 600), (60, 0)), grant(7200));
        let narrowed = Lifetimes::of(&client, &grant, &Scopes::parse("openid").unwrap(), LOGIN);
        assert_eq!(narrowed.access_token.get(), 120);
    }
}
