//! The fields of a client's registration as a command names them.

use clap::{Args, ValueEnum};
use portvakt_protocol::catalogue::{RawClient, RawOnBehalfOf};
use serde::{Deserialize, Serialize};

/// The fields of a client's registration, by the wire's names.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ClientFields {
    /// The number of the organisation that it belongs to.
    #[arg(long, value_name = "ORGNO")]
    client_orgno: Option<String>,
    /// The name shown to people.
    #[arg(long, visible_alias = "client-name", value_name = "NAME")]
    display_name: Option<String>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Where a person is led back to.
    #[arg(long, value_name = "URI")]
    client_uri: Option<String>,
    /// idporten (openid and profile alone) or api_klient; it stays once it is registered.
    #[arg(long, value_name = "TYPE")]
    integration_type: Option<String>,
    /// authorization_code or refresh_token; once for each. Where any is said, that decides: with refresh_token it gets refresh tokens,
    /// without it none. Where none is, a client of exactly the pilot's ten fields gets them unless its refresh_token_lifetime is 0, and
    /// any other gets none.
    #[arg(long = "grant-type", alias = "grant-types", value_name = "GRANT")]
    grant_types: Option<Vec<String>>,
    /// ONETIME (without it) or REUSE: what becomes of a refresh token that is used.
    #[arg(long, value_name = "USAGE")]
    refresh_token_usage: Option<String>,
    /// The number of the organisation that runs it for the one that it belongs to.
    #[arg(long, value_name = "ORGNO")]
    supplier_orgno: Option<String>,
    /// A customer that it logs people in for: the value of the parameter onbehalfof, the customer's number, the name shown to
    /// people, and where they are led back to, which may be left out; once for each.
    #[arg(long, value_name = "NAME=ORGNO,DISPLAY_NAME[,URL]", value_parser = customer)]
    onbehalfof: Option<Vec<Customer>>,
    /// web, browser or native; without it: web.
    #[arg(long, value_name = "TYPE")]
    application_type: Option<String>,
    /// client_secret_basic, client_secret_post or none.
    #[arg(long, value_name = "METHOD")]
    token_endpoint_auth_method: Option<String>,
    /// Where it may be answered; once for each.
    #[arg(long = "redirect-uri", alias = "redirect-uris", value_name = "URI")]
    redirect_uris: Option<Vec<String>>,
    /// Where a logout may return to; once for each.
    #[arg(long = "post-logout-redirect-uri", alias = "post-logout-redirect-uris", value_name = "URI")]
    post_logout_redirect_uris: Option<Vec<String>>,
    /// What it may ask for; once for each.
    #[arg(long = "scope", alias = "scopes", value_name = "SCOPE")]
    scopes: Option<Vec<String>>,
    /// S256 or none; without it: as the issuer's profile says.
    #[arg(long, value_name = "METHOD")]
    code_challenge_method: Option<String>,
    /// string or array; without it: as the issuer's profile says.
    #[arg(long, value_name = "SHAPE")]
    amr_claim: Option<String>,
    /// Whether userinfo answers it without the scope profile.
    #[arg(long, value_name = "BOOL")]
    userinfo_without_profile: Option<bool>,
    /// Seconds from a login to the end of all it gave.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    authorization_lifetime: Option<i64>,
    /// Seconds.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    access_token_lifetime: Option<i64>,
    /// Seconds; 0: no refresh tokens.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    refresh_token_lifetime: Option<i64>,
}

/// A customer of a client's, as a command names one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Customer {
    onbehalfof: String,
    orgno: String,
    display_name: String,
    url: Option<String>,
}

/// A name for people may have commas: what follows the last one is a URL if it begins like one. Whether the parts hold is the rules' to
/// say.
fn customer(text: &str) -> Result<Customer, String> {
    let shape = || "must be NAME=ORGNO,DISPLAY_NAME or NAME=ORGNO,DISPLAY_NAME,URL".to_owned();
    let (onbehalfof, rest) = text.split_once('=').ok_or_else(shape)?;
    let (orgno, shown) = rest.split_once(',').ok_or_else(shape)?;
    let is_url = |end: &str| end.starts_with("https://") || end.starts_with("http://");
    let (display_name, url) = match shown.rsplit_once(',') {
        Some((display_name, end)) if is_url(end) => (display_name, Some(end.to_owned())),
        _ => (shown, None),
    };
    let [onbehalfof, orgno, display_name] = [onbehalfof, orgno, display_name].map(str::to_owned);
    Ok(Customer { onbehalfof, orgno, display_name, url })
}

impl From<Customer> for RawOnBehalfOf {
    fn from(customer: Customer) -> Self {
        let Customer { onbehalfof, orgno, display_name, url } = customer;
        Self { onbehalfof: Some(onbehalfof), display_name: Some(display_name), orgno: Some(orgno), url }
    }
}

/// A field that a client can be without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[value(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unset {
    /// `description`.
    Description,
    /// `client_uri`.
    ClientUri,
    /// `grant_types`: as without them from then on.
    GrantTypes,
    /// `refresh_token_usage`.
    RefreshTokenUsage,
    /// `supplier_orgno`.
    SupplierOrgno,
    /// `onbehalfof`: no customer from then on.
    Onbehalfof,
    /// `post_logout_redirect_uris`.
    PostLogoutRedirectUris,
    /// `code_challenge_method`: the profile's from then on.
    CodeChallengeMethod,
    /// `amr_claim`: the profile's from then on.
    AmrClaim,
}

impl ClientFields {
    /// An entry with these fields, and for the others those of `raw`.
    pub(super) fn over(&self, raw: RawClient) -> RawClient {
        let fields = self.clone();
        RawClient {
            client_orgno: fields.client_orgno.or(raw.client_orgno),
            display_name: fields.display_name.or(raw.display_name),
            description: fields.description.or(raw.description),
            client_uri: fields.client_uri.or(raw.client_uri),
            integration_type: fields.integration_type.or(raw.integration_type),
            grant_types: fields.grant_types.or(raw.grant_types),
            refresh_token_usage: fields.refresh_token_usage.or(raw.refresh_token_usage),
            supplier_orgno: fields.supplier_orgno.or(raw.supplier_orgno),
            onbehalfof: fields
                .onbehalfof
                .map(|customers| customers.into_iter().map(RawOnBehalfOf::from).collect())
                .or(raw.onbehalfof),
            application_type: fields.application_type.or(raw.application_type),
            token_endpoint_auth_method: fields.token_endpoint_auth_method.or(raw.token_endpoint_auth_method),
            redirect_uris: fields.redirect_uris.or(raw.redirect_uris),
            post_logout_redirect_uris: fields.post_logout_redirect_uris.or(raw.post_logout_redirect_uris),
            scopes: fields.scopes.or(raw.scopes),
            code_challenge_method: fields.code_challenge_method.or(raw.code_challenge_method),
            amr_claim: fields.amr_claim.or(raw.amr_claim),
            userinfo_without_profile: fields.userinfo_without_profile.or(raw.userinfo_without_profile),
            authorization_lifetime: fields.authorization_lifetime.or(raw.authorization_lifetime),
            access_token_lifetime: fields.access_token_lifetime.or(raw.access_token_lifetime),
            refresh_token_lifetime: fields.refresh_token_lifetime.or(raw.refresh_token_lifetime),
            ..raw
        }
    }
}

impl Unset {
    /// Takes it out of an entry.
    pub(super) fn clear(self, raw: &mut RawClient) {
        match self {
            Self::Description => raw.description = None,
            Self::ClientUri => raw.client_uri = None,
            Self::GrantTypes => raw.grant_types = None,
            Self::RefreshTokenUsage => raw.refresh_token_usage = None,
            Self::SupplierOrgno => raw.supplier_orgno = None,
            Self::Onbehalfof => raw.onbehalfof = None,
            Self::PostLogoutRedirectUris => raw.post_logout_redirect_uris = None,
            Self::CodeChallengeMethod => raw.code_challenge_method = None,
            Self::AmrClaim => raw.amr_claim = None,
        }
    }
}
