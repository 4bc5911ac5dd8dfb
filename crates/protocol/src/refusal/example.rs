//! Examples: what a rule's page shows that works. They are data, and each issuer's page shows them with that issuer's own addresses,
//! levels and names, in one piece to be pasted: a page that led to another issuer's paths would be one more thing to mend.

use crate::features::Endpoint;
use crate::provider::{Environment, Provider};

/// A name and its value.
type Pair = (&'static str, &'static str);

/// Something that works, issuer by issuer.
#[derive(Debug, PartialEq, Eq)]
pub enum Example {
    /// The authorization request of a login, with these parameters more. `{high}` is the issuer's word for the level high.
    Login(&'static [Pair]),
    /// The same; but where TestID is not offered, that of a plain login.
    TestLogin(&'static [Pair]),
    /// The token request that redeems the login's code.
    Redemption,
    /// The same with a secret that holds what HTTP Basic cannot carry as it is.
    EncodedRedemption,
    /// The token request that refreshes, with these parameters more.
    Refresh(&'static [Pair]),
    /// A revocation.
    Revocation,
    /// A request for claims.
    Userinfo,
    /// A look at the discovery document.
    Discovery,
    /// A command on the issuer's registry: its arguments, as a shell reads them.
    Command(&'static str),
    /// The commands that say what stops the client `web`, and that let it be used again.
    Activation,
    /// The same, and the one for a test person where there are any.
    ActivationOrPerson,
    /// The command that lets a test person log in again; where there are none, a plain login.
    Person,
    /// A catalogue with the client `web`: more lines of the client's, and what else stands in it.
    Catalogue(&'static str, &'static str),
    /// The configuration of an issuer that offers TestID.
    TestId,
}

/// What an example is made of: it says what to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExampleKind {
    /// A command line of curl.
    Request,
    /// A command line of the operator's.
    Command,
    /// Several: the first says which of the others is needed.
    Commands,
    /// A catalogue, for `portvakt apply`.
    Catalogue,
    /// A part of the configuration.
    Configuration,
}

/// An example as one issuer's page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownExample {
    /// What it is.
    pub kind: ExampleKind,
    /// The text, to be pasted in one piece.
    pub text: String,
}

/// Where alone a rule can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// Where a request without `response_type` does not mean `code`.
    ResponseTypeDemanded,
    /// Where there are words for levels that no eID meets.
    LevelsUnmet,
    /// Where TestID is offered.
    TestId,
    /// Where it is not.
    NoTestId,
}

impl Only {
    /// Whether the rule can be broken at this issuer.
    pub(super) fn at(self, provider: &Provider) -> bool {
        match self {
            Self::ResponseTypeDemanded => !provider.profile().response_type_implied,
            Self::LevelsUnmet => !provider.profile().acr.unmet.is_empty(),
            Self::TestId => provider.test_id().is_some(),
            Self::NoTestId => provider.test_id().is_none(),
        }
    }
}

impl Example {
    /// The example at this issuer. What the reader puts in stands in capitals.
    pub fn at(&self, provider: &Provider) -> ShownExample {
        let (kind, text) = match self {
            Self::Login(more) => (ExampleKind::Request, login(provider, more)),
            Self::TestLogin(more) => {
                let more = if provider.test_id().is_some() { more } else { [].as_slice() };
                (ExampleKind::Request, login(provider, more))
            }
            Self::Redemption => (ExampleKind::Request, form(provider, Endpoint::Token, REDEMPTION)),
            Self::EncodedRedemption => {
                (ExampleKind::Request, form_by("FORM_ENCODED_SECRET", provider, Endpoint::Token, REDEMPTION))
            }
            Self::Refresh(more) => {
                (ExampleKind::Request, form(provider, Endpoint::Token, REFRESH.iter().chain(*more)))
            }
            Self::Revocation => (ExampleKind::Request, form(provider, Endpoint::Revocation, REVOCATION)),
            Self::Userinfo => {
                let bearer = "--header 'Authorization: Bearer ACCESS_TOKEN'".to_owned();
                (ExampleKind::Request, curl("", &provider.url(Endpoint::Userinfo), [bearer]))
            }
            Self::Discovery => (ExampleKind::Request, curl("", &provider.url(Endpoint::Discovery), [])),
            Self::Command(arguments) => (ExampleKind::Command, at_issuer(provider, arguments)),
            Self::Activation => {
                (ExampleKind::Commands, ACTIVATION.map(|it| at_issuer(provider, it)).join("\n\n"))
            }
            Self::ActivationOrPerson => {
                let commands = ACTIVATION.map(|it| at_issuer(provider, it)).into_iter();
                let commands: Vec<_> = commands.chain(person(provider)).collect();
                (ExampleKind::Commands, commands.join("\n\n"))
            }
            Self::Person => match person(provider) {
                Some(command) => (ExampleKind::Command, command),
                None => (ExampleKind::Request, login(provider, &[])),
            },
            Self::Catalogue(client, more) => (ExampleKind::Catalogue, catalogue(provider, client, more)),
            Self::TestId => (ExampleKind::Configuration, test_id(provider)),
        };
        ShownExample { kind, text }
    }
}

/// What every login asks with. Challenge and verifier are the pair of RFC 7636 appendix B.
const LOGIN: &[Pair] = &[
    ("response_type", "code"),
    ("client_id", "web"),
    ("redirect_uri", REDIRECT_URI),
    ("scope", "openid profile"),
    ("state", "af0ifjsldkj"),
    ("nonce", "n-0S6_WzA2Mj"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ("code_challenge_method", "S256"),
];

const REDIRECT_URI: &str = "https://rp.example.no/cb";

const REDEMPTION: &[Pair] = &[
    ("grant_type", "authorization_code"),
    ("code", "CODE"),
    ("redirect_uri", REDIRECT_URI),
    ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
];

const REFRESH: &[Pair] = &[("grant_type", "refresh_token"), ("refresh_token", "REFRESH_TOKEN")];

const REVOCATION: &[Pair] = &[("token", "ACCESS_TOKEN")];

/// What stops a client may be its own, its organisation's or its supplier's.
const ACTIVATION: [&str; 4] = [
    "client show web",
    "client activate web",
    "organisation accept-terms 910753614 --accepted-by 'Kari Nordmann'",
    "organisation activate 910753614",
];

/// A synthetic number: nobody has it.
const PERSON: &str = "person activate 21879498012";

/// An authorization request. Its answer is a redirect, which stands in the headers.
fn login(provider: &Provider, more: &[Pair]) -> String {
    let high = provider.profile().acr.rungs.last().map_or("", |(word, _)| *word);
    let parameters = LOGIN.iter().chain(more).map(|(name, value)| data(name, &value.replace("{high}", high)));
    curl("--include --get ", &provider.url(Endpoint::Authorization), parameters)
}

/// A form of the client `web`, which authenticates by HTTP Basic.
fn form<'a>(provider: &Provider, endpoint: Endpoint, fields: impl IntoIterator<Item = &'a Pair>) -> String {
    form_by("CLIENT_SECRET", provider, endpoint, fields)
}

/// The same, with this for the secret. Curl encodes neither half of `--user`: what stands there is form-encoded already.
fn form_by<'a>(
    secret: &str,
    provider: &Provider,
    endpoint: Endpoint,
    fields: impl IntoIterator<Item = &'a Pair>,
) -> String {
    let fields = fields.into_iter().map(|(name, value)| data(name, value));
    let user = format!("--user 'web:{secret}'");
    curl("", &provider.url(endpoint), std::iter::once(user).chain(fields))
}

fn data(name: &str, value: &str) -> String {
    format!("--data-urlencode {}", quoted(&format!("{name}={value}")))
}

/// A command line with an argument a line.
fn curl(options: &str, url: &str, arguments: impl IntoIterator<Item = String>) -> String {
    let begun = format!("curl {options}{}", quoted(url));
    arguments.into_iter().fold(begun, |line, argument| format!("{line} \\\n  {argument}"))
}

fn at_issuer(provider: &Provider, arguments: &str) -> String {
    command(arguments, "--issuer", provider.issuer().as_str())
}

/// The command for a person of the first pool, where there is one.
fn person(provider: &Provider) -> Option<String> {
    let pool = provider.test_id()?.pools.first()?;
    Some(command(PERSON, "--pool", &pool.0))
}

fn command(arguments: &str, option: &str, value: &str) -> String {
    format!("portvakt {arguments} \\\n  --config portvakt.toml {option} {}", quoted(value))
}

/// One word of a shell's command line, whatever stands in it (POSIX.1-2017, Shell Command Language §2.2.2).
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A catalogue with all that it needs: `portvakt apply` takes it where nothing is registered. Its organisation is not that of the demo
/// of `portvakt dev`, which would be renamed by it.
fn catalogue(provider: &Provider, client: &str, more: &str) -> String {
    let (issuer, terms) = (text(provider.issuer().as_str()), text(provider.terms()));
    format!(
        "issuer = [{issuer}]\n\n\
         [[organisations]]\norgno = \"910753614\"\nname = \"Eksempeletaten\"\n\
         terms = {{ version = {terms}, accepted_at = \"2016-12-01T12:00:00Z\", accepted_by = \"Kari Nordmann\" }}\n\n\
         [[clients]]\nclient_id = \"web\"\nclient_orgno = \"910753614\"\ndisplay_name = \"Eksempeltjenesten\"\n\
         redirect_uris = [\"{REDIRECT_URI}\"]\n{client}{more}"
    )
}

/// An issuer's part of the configuration. Nobody may offer TestID in production: what stands there is a test environment.
fn test_id(provider: &Provider) -> String {
    let is_production = provider.environment().is_production();
    let environment = if is_production { Environment::Test } else { provider.environment() };
    let issuer = if is_production { "https://test.example.no" } else { provider.issuer().as_str() };
    let front = if is_production || provider.front() == provider.issuer() {
        String::new()
    } else {
        format!("front = {}\n", text(provider.front().as_str()))
    };
    let assigned_only = provider.test_id().is_some_and(|offered| offered.assigned_only);
    let pools: Vec<_> =
        provider.test_id().into_iter().flat_map(|offered| &offered.pools).map(|pool| text(&pool.0)).collect();
    let pools = if pools.is_empty() { text("test") } else { pools.join(", ") };
    let (issuer, terms, profile) = (text(issuer), text(provider.terms()), provider.profile().name);
    format!(
        "[[issuers]]\nissuer = {issuer}\n{front}profile = \"{profile}\"\nenvironment = \"{environment}\"\nterms = {terms}\n\
         testid = {{ pools = [{pools}], assigned_only = {assigned_only} }}"
    )
}

/// A text in TOML.
fn text(value: &str) -> String {
    toml::Value::from(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{IDPORTEN, PILOT, Profile};
    use crate::provider::{Pool, TestIdSettings};

    fn provider(profile: &'static Profile, environment: Environment) -> Provider {
        let pools = vec![Pool("it's ours".to_owned())];
        let test_id = TestIdSettings { pools, assigned_only: false };
        let test_id = (!environment.is_production()).then_some(test_id);
        let (issuer, front) = ("https://test.example.no/op/", Some("https://login.example.no"));
        Provider::new(issuer, front, profile, environment, test_id, "\"2016\"").unwrap()
    }

    #[test]
    fn a_request_has_the_issuers_own_address_and_level() {
        for (profile, level) in [(&PILOT, "Level4"), (&IDPORTEN, "idporten-loa-high")] {
            let here = provider(profile, Environment::Test);
            let shown = Example::Login(&[("acr_values", "{high}")]).at(&here).text;
            assert!(
                shown.starts_with("curl --include --get 'https://login.example.no/authorize' \\\n"),
                "{shown}"
            );
            assert!(shown.ends_with(&format!(" \\\n  --data-urlencode 'acr_values={level}'")), "{shown}");
            let url = here.url(Endpoint::Revocation);
            let shown = Example::Revocation.at(&here).text;
            assert!(shown.starts_with(&format!("curl '{url}' \\\n  --user 'web:CLIENT_SECRET'")), "{shown}");
        }
    }

    #[test]
    fn where_there_are_no_test_persons_no_example_has_one() {
        let production = provider(&IDPORTEN, Environment::Production);
        let plain = Example::Login(&[]).at(&production);
        assert_eq!(Example::TestLogin(&[("login_hint", "testid:21879498012_{high}")]).at(&production), plain);
        assert_eq!(Example::Person.at(&production), plain);
        let shown = Example::TestId.at(&production).text;
        assert!(shown.contains("environment = \"test\"") && !shown.contains("login.example.no"), "{shown}");
    }

    #[test]
    fn what_is_quoted_is_one_word_and_one_text() {
        let test = provider(&PILOT, Environment::Test);
        let shown = Example::Person.at(&test).text;
        assert!(shown.ends_with(r"--pool 'it'\''s ours'"), "{shown}");
        for shown in [Example::TestId.at(&test), Example::Catalogue("scopes = [\"openid\"]", "").at(&test)] {
            let table: toml::Table = shown.text.parse().unwrap();
            assert!(!table.is_empty() && shown.text.contains(r#"'"2016"'"#), "{}", shown.text);
        }
    }
}
