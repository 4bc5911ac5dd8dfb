//! The rules of a client's registration (contract §13.1; redirect and logout URIs by RFC 6749 §3.1.2 and RFC 8252). They run
//! when it is created, when it is changed, and each time it is loaded: what is stored is parsed, not trusted.

use std::collections::BTreeSet;

use super::fault::{Faults, Shown, has_eleven_digits};
use super::{
    ClientRegistration, CodeChallengeMethod, GrantType, IntegrationType, RefreshRight, RegistrationFault,
};
use crate::client::{
    ApplicationType, AuthMethod, Client, ClientScope, PkcePolicy, RefreshUse, ScopeRefused, Stopped,
    StoredSecret,
};
use crate::organisation::Organisation;
use crate::profile::PkceDefault;
use crate::provider::{Environment, Provider};
use crate::redirect_uri::RedirectUri;
use crate::scope::{MOST_SCOPES, ScopeAccess, ScopeRecord};
use crate::time::{Seconds, Timestamp};

/// The longest `access_token_lifetime`, and the greatest `at_max_age`: one day.
pub const LONGEST_ACCESS_TOKEN: Seconds = Seconds::days(1);

/// The longest `authorization_lifetime` and `refresh_token_lifetime`: one year.
pub const LONGEST_AUTHORIZATION: Seconds = Seconds::days(365);

/// A client has this many redirect URIs at most, and as many for logout.
pub const MOST_URIS: usize = 50;

/// A display name is at most this long, in characters.
pub const LONGEST_NAME: usize = 100;

/// A description is at most this long, in characters.
pub const LONGEST_DESCRIPTION: usize = 1000;

/// A client has this many customers at most.
pub const MOST_CUSTOMERS: usize = 500;

/// What a registration is judged by: what is registered beside it.
#[derive(Debug)]
pub struct Beside<'a> {
    /// The organisation that it is registered under.
    pub organisation: &'a Organisation,
    /// The organisation that runs it for that one, if one does and is registered.
    pub supplier: Option<&'a Organisation>,
    /// The scopes registered at the issuer; a deactivated one stays on the client and is refused when asked for.
    pub scopes: &'a [ScopeRecord],
    /// What was said of organisations' access to scopes: all of it, or at least this client's organisation's.
    pub access: &'a [ScopeAccess],
    /// Its secrets.
    pub secrets: Vec<StoredSecret>,
    /// Whether it may be used: false for a client that was deactivated.
    pub active: bool,
    /// The latest of what was taken back of its issuer, its organisations and itself.
    pub not_before: Timestamp,
}

impl ClientRegistration {
    /// The client as the rules of the protocol see it: every URI parsed, every scope and default resolved.
    ///
    /// # Errors
    /// Every [`RegistrationFault`] of it, with paths such as `redirect_uris[2]`.
    pub fn client(&self, provider: &Provider, beside: Beside<'_>) -> Result<Client, Vec<RegistrationFault>> {
        let Beside { organisation, supplier, scopes, access, secrets, active, not_before } = beside;
        let mut faults = Faults::under("");
        let environment = provider.environment();
        if organisation.orgno != self.client_orgno {
            let rule =
                format!("must be the organisation that it is registered under, {}", organisation.orgno);
            faults.refuse("client_orgno", Shown::text(self.client_orgno.as_str()), rule);
        }
        people_read(&mut faults, "display_name", &self.display_name, LONGEST_NAME);
        if let Some(description) = &self.description {
            people_read(&mut faults, "description", description, LONGEST_DESCRIPTION);
        }
        if let Some(uri) = &self.client_uri
            && let Err(fault) = RedirectUri::register(uri, ApplicationType::Web, environment)
        {
            faults.refuse("client_uri", Shown::text(uri), fault.to_string());
        }
        self.check_authentication(&mut faults);
        self.check_lifetimes(&mut faults);
        if self.redirect_uris.is_empty() {
            faults.refuse("redirect_uris", Shown::Absent, "must name at least one URI");
        }
        let redirect_uris = self.uris(&mut faults, "redirect_uris", &self.redirect_uris, environment);
        let post_logout_redirect_uris =
            self.uris(&mut faults, "post_logout_redirect_uris", &self.post_logout_redirect_uris, environment);
        let scopes = self.known_scopes(&mut faults, scopes, access);
        self.check_grants(&mut faults);
        self.check_customers(&mut faults, environment);
        if !faults.is_empty() {
            return Err(faults.into_found());
        }
        // Whoever runs it stands for it as its organisation does.
        let is_run = self.supplier_orgno.as_ref().is_none_or(|orgno| {
            supplier.is_some_and(|supplier| supplier.orgno == *orgno && supplier.may_have_clients())
        });
        let stopped = match (active, organisation.may_have_clients(), is_run) {
            (false, _, _) => Some(Stopped::ClientDeactivated),
            (true, false, _) => Some(Stopped::OrganisationStopped),
            (true, true, false) => Some(Stopped::SupplierStopped),
            (true, true, true) => None,
        };
        Ok(Client {
            id: self.client_id.clone(),
            organisation: self.client_orgno.clone(),
            display_name: self.display_name.clone(),
            client_uri: self.client_uri.clone(),
            application_type: self.application_type,
            auth_method: self.token_endpoint_auth_method,
            redirect_uris,
            post_logout_redirect_uris,
            scopes,
            refreshes: self.refreshes(),
            supplier: self.supplier_orgno.clone(),
            on_behalf_of: self.onbehalfof.clone(),
            not_before,
            pkce: self.pkce(provider.profile().pkce),
            state_required: self.state_required(provider.profile().pkce),
            amr: self.amr_claim.map_or(provider.profile().amr, Into::into),
            userinfo_without_profile: self.userinfo_without_profile,
            access_token_lifetime: self.access_token_lifetime,
            refresh_token_lifetime: self.refresh_token_lifetime,
            authorization_lifetime: self.authorization_lifetime,
            // Whoever authenticates without a secret has none, whatever was stored before.
            secrets: if self.token_endpoint_auth_method.has_secret() { secrets } else { Vec::new() },
            stopped,
        })
    }

    /// Who can keep a secret authenticates with one, and who cannot has PKCE instead (RFC 6749 §2.1, RFC 8252 §8.4 and §8.1).
    fn check_authentication(&self, faults: &mut Faults) {
        let method = self.token_endpoint_auth_method;
        match (self.application_type, method.has_secret()) {
            (ApplicationType::Web, true) | (ApplicationType::Browser | ApplicationType::Native, false) => {}
            (ApplicationType::Web, false) => faults.refuse(
                "token_endpoint_auth_method",
                Shown::text(method.as_str()),
                "must be client_secret_basic or client_secret_post for the application_type web; \
                 none is for browser and native",
            ),
            (ApplicationType::Browser | ApplicationType::Native, true) => faults.refuse(
                "token_endpoint_auth_method",
                Shown::text(method.as_str()),
                "must be none for the application_type browser or native, which cannot keep a secret",
            ),
        }
        if self.code_challenge_method == Some(CodeChallengeMethod::None) && !method.has_secret() {
            let rule = "must be S256 for a client without a secret (RFC 7636)";
            faults.refuse("code_challenge_method", Shown::text("none"), rule);
        }
    }

    /// Whether it is another's than `before`: its organisation's, or run by another. What it was given was not given to that one.
    pub fn has_moved(&self, before: &Self) -> bool {
        self.client_orgno != before.client_orgno || self.supplier_orgno != before.supplier_orgno
    }

    /// Whether it may use refresh tokens: [`ClientRegistration::refresh_right`] says why.
    pub fn may_refresh(&self) -> bool {
        self.refresh_right().is_allowed()
    }

    /// Why it may use refresh tokens, or may not. Where `grant_types` is registered, that decides. A client registered with exactly the
    /// pilot's ten fields has none: its `refresh_token_lifetime` is the registration of the grant, and 0 means none.
    pub fn refresh_right(&self) -> RefreshRight {
        match &self.grant_types {
            Some(grants) if grants.contains(&GrantType::RefreshToken) => RefreshRight::Granted,
            Some(_) => RefreshRight::NotGranted,
            None if !self.has_ten_fields() => RefreshRight::MoreThanTenFields,
            None if self.refresh_token_lifetime.get() == 0 => RefreshRight::NoLifetime,
            None => RefreshRight::TenFields,
        }
    }

    /// Whether nothing but the pilot's ten fields was registered.
    fn has_ten_fields(&self) -> bool {
        let plain = Self {
            client_id: self.client_id.clone(),
            client_orgno: self.client_orgno.clone(),
            display_name: self.display_name.clone(),
            redirect_uris: self.redirect_uris.clone(),
            post_logout_redirect_uris: self.post_logout_redirect_uris.clone(),
            scopes: self.scopes.clone(),
            authorization_lifetime: self.authorization_lifetime,
            access_token_lifetime: self.access_token_lifetime,
            refresh_token_lifetime: self.refresh_token_lifetime,
            description: None,
            client_uri: None,
            integration_type: None,
            supplier_orgno: None,
            grant_types: None,
            refresh_token_usage: None,
            onbehalfof: Vec::new(),
            application_type: ApplicationType::Web,
            token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
            code_challenge_method: None,
            amr_claim: None,
            userinfo_without_profile: false,
        };
        *self == plain
    }

    /// RFC 9700 §2.2.2: who cannot keep a secret has its refresh tokens rotated, whatever is registered.
    fn refreshes(&self) -> Option<RefreshUse> {
        let usage = match self.token_endpoint_auth_method.has_secret() {
            true => self.refresh_token_usage.unwrap_or(RefreshUse::OneTime),
            false => RefreshUse::OneTime,
        };
        self.may_refresh().then_some(usage)
    }

    fn check_grants(&self, faults: &mut Faults) {
        let Some(grants) = &self.grant_types else { return };
        if !grants.contains(&GrantType::AuthorizationCode) {
            faults.refuse("grant_types", Shown::Absent, "must name authorization_code: people log in by it");
        }
        if grants.contains(&GrantType::RefreshToken) && self.refresh_token_lifetime.get() == 0 {
            let rule = "must be at least 1 for a client with the grant refresh_token";
            faults.refuse("refresh_token_lifetime", Shown::number(0), rule);
        }
        if self.refresh_token_usage == Some(RefreshUse::Reuse)
            && !self.token_endpoint_auth_method.has_secret()
        {
            let rule = "must be ONETIME for a client without a secret (RFC 9700 §2.2.2)";
            faults.refuse("refresh_token_usage", Shown::text("REUSE"), rule);
        }
    }

    /// The customers of a client (contract §14): each name once, and each shown to people.
    fn check_customers(&self, faults: &mut Faults, environment: Environment) {
        if self.onbehalfof.len() > MOST_CUSTOMERS {
            let shown = Shown::Withheld { kind: "array", length: self.onbehalfof.len() };
            faults.refuse("onbehalfof", shown, format!("must name at most {MOST_CUSTOMERS}"));
            return;
        }
        let mut seen = BTreeSet::new();
        for (at, customer) in self.onbehalfof.iter().enumerate() {
            let name = &customer.onbehalfof;
            let field = format!("onbehalfof[{at}].onbehalfof");
            let allowed =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':');
            if !(1..=100).contains(&name.len()) || !name.bytes().all(allowed) || has_eleven_digits(name) {
                let rule = "must have 1 to 100 letters, digits, or - . _ ~ :, and hold no identity number";
                faults.refuse(&field, Shown::text(name), rule);
            } else if !seen.insert(name) {
                faults.refuse(&field, Shown::text(name), "must be named once");
            }
            people_read(
                faults,
                &format!("onbehalfof[{at}].display_name"),
                &customer.display_name,
                LONGEST_NAME,
            );
            if let Some(url) = &customer.url
                && let Err(fault) = RedirectUri::register(url, ApplicationType::Web, environment)
            {
                faults.refuse(&format!("onbehalfof[{at}].url"), Shown::text(url), fault.to_string());
            }
        }
    }

    fn check_lifetimes(&self, faults: &mut Faults) {
        for (field, span, least, most) in [
            ("authorization_lifetime", self.authorization_lifetime, 1, LONGEST_AUTHORIZATION),
            ("access_token_lifetime", self.access_token_lifetime, 1, LONGEST_ACCESS_TOKEN),
            ("refresh_token_lifetime", self.refresh_token_lifetime, 0, LONGEST_AUTHORIZATION),
        ] {
            if !(least..=most.get()).contains(&span.get()) {
                faults.refuse(field, Shown::number(span.get().into()), seconds_rule(least, most));
            }
        }
    }

    fn uris(
        &self,
        faults: &mut Faults,
        field: &str,
        texts: &[String],
        environment: Environment,
    ) -> Vec<RedirectUri> {
        if texts.len() > MOST_URIS {
            let shown = Shown::Withheld { kind: "array", length: texts.len() };
            faults.refuse(field, shown, format!("must name at most {MOST_URIS} URIs"));
            return Vec::new();
        }
        let mut seen = BTreeSet::new();
        let mut uris = Vec::with_capacity(texts.len());
        for (at, text) in texts.iter().enumerate() {
            let field = format!("{field}[{at}]");
            match RedirectUri::register(text, self.application_type, environment) {
                Err(fault) => faults.refuse(&field, Shown::text(text), fault.to_string()),
                Ok(_) if !seen.insert(text) => faults.refuse(&field, Shown::text(text), "must be named once"),
                Ok(uri) => uris.push(uri),
            }
        }
        uris
    }

    /// What is known of its scopes. Only what is registered can ever be asked for.
    fn known_scopes(
        &self,
        faults: &mut Faults,
        registered: &[ScopeRecord],
        access: &[ScopeAccess],
    ) -> Vec<ClientScope> {
        if self.scopes.is_empty() {
            faults.refuse("scopes", Shown::Absent, "must name at least one scope");
        }
        let count = self.scopes.iter().count();
        if count > MOST_SCOPES {
            let shown = Shown::Withheld { kind: "array", length: count };
            faults.refuse("scopes", shown, format!("must name at most {MOST_SCOPES} scopes"));
        }
        let login_alone = self.integration_type == Some(IntegrationType::Idporten);
        let reserved = ScopeRecord::reserved();
        let mut known = Vec::with_capacity(count);
        for (at, scope) in self.scopes.iter().enumerate() {
            match reserved.iter().chain(registered).find(|record| record.scope == *scope) {
                Some(record) if login_alone && !ScopeRecord::is_of_login(record.scope.as_str()) => faults.refuse(
                    &format!("scopes[{at}]"),
                    Shown::text(scope.as_str()),
                    "must be openid or profile for the integration_type idporten; api_klient may have others",
                ),
                Some(record) => {
                    known.push(ClientScope { record: record.clone(), refused: self.refused(record, access) });
                }
                None => faults.refuse(
                    &format!("scopes[{at}]"),
                    Shown::text(scope.as_str()),
                    "must be openid, profile, or a scope registered at the issuer",
                ),
            }
        }
        known
    }

    /// Why it may not use a scope of its own at present. A client of which no integration type was said is one of those that have other
    /// scopes than login's.
    fn refused(&self, record: &ScopeRecord, access: &[ScopeAccess]) -> Option<ScopeRefused> {
        let integration = self.integration_type.unwrap_or(IntegrationType::ApiKlient);
        let said = access
            .iter()
            .find(|said| said.scope == record.scope && said.consumer_orgno == self.client_orgno)
            .map(|said| said.state);
        if !record.active {
            Some(ScopeRefused::Deactivated)
        } else if !(record.allowed_integration_types.is_empty()
            || record.allowed_integration_types.contains(&integration))
        {
            Some(ScopeRefused::IntegrationType)
        } else if !record.is_open_to(&self.client_orgno, said) {
            Some(ScopeRefused::NotGranted(said))
        } else {
            None
        }
    }

    /// Contract §2: `state` is demanded of public clients, and of one that downgraded PKCE where it is the default.
    fn state_required(&self, default: PkceDefault) -> bool {
        let opted_out = self.code_challenge_method == Some(CodeChallengeMethod::None);
        !self.token_endpoint_auth_method.has_secret() || opted_out && default == PkceDefault::Required
    }

    fn pkce(&self, default: PkceDefault) -> PkcePolicy {
        if self.token_endpoint_auth_method == AuthMethod::None {
            return PkcePolicy::Required;
        }
        match (self.code_challenge_method, default) {
            (Some(CodeChallengeMethod::S256), _) | (None, PkceDefault::Required) => PkcePolicy::Required,
            (Some(CodeChallengeMethod::None), _) | (None, PkceDefault::WhenSent) => PkcePolicy::WhenSent,
        }
    }
}

/// Judges what is registered of an organisation.
pub(crate) fn judge_organisation(faults: &mut Faults, organisation: &Organisation) {
    people_read(faults, "name", &organisation.name, LONGEST_NAME);
    if let Some(terms) = &organisation.terms {
        people_read(faults, "terms.version", &terms.version, LONGEST_NAME);
        people_read(faults, "terms.accepted_by", &terms.accepted_by, LONGEST_NAME);
    }
}

/// The rule of a field that is a span of seconds.
pub(crate) fn seconds_rule(least: u32, most: Seconds) -> String {
    format!("must be a whole number of seconds from {least} to {}", most.get())
}

/// Judges a text that people read: some page, log or terminal will show it, so nothing in it may steer one.
pub(super) fn people_read(faults: &mut Faults, field: &str, text: &str, longest: usize) {
    let length = text.chars().count();
    if length == 0 || length > longest || text.trim() != text {
        let rule = format!("must have 1 to {longest} characters, neither first nor last a space");
        faults.refuse(field, Shown::text(text), rule);
    } else if text.chars().any(steers_text) {
        let rule = "must have no control, direction or invisible characters";
        faults.refuse(field, Shown::text(text), rule);
    } else if has_eleven_digits(text) {
        faults.refuse(field, Shown::text(text), "must hold no identity number, nor anything like one");
    }
}

/// Control characters, the bidirectional controls (UAX #9 §2) and what has no width: in a name they mislead whoever reads it.
fn steers_text(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
