//! A relying party with its persons' browsers: the steps of one login, each as one call.

use serde_json::Value;

use super::{Answer, Connection, Miss, Request, Server, basic, form};

/// A verifier and its challenge: the pair of RFC 7636 Appendix B. What is loaded here is not PKCE's secrecy.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Where an issuer's endpoints are, as request targets.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints {
    /// Host and port of all of them.
    pub(crate) authority: String,
    /// The issuer's own, which is its page.
    pub(crate) issuer: String,
    /// The discovery document's own.
    pub(crate) discovery: String,
    /// The authorization endpoint's.
    pub(crate) authorization: String,
    /// The token endpoint's.
    pub(crate) token: String,
    /// The UserInfo endpoint's.
    pub(crate) userinfo: String,
    /// The JWK Set's.
    pub(crate) jwks: String,
    /// The introspection endpoint's, where clients may ask one.
    pub(crate) introspection: Option<String>,
    /// The revocation endpoint's.
    pub(crate) revocation: String,
}

impl Endpoints {
    /// Asks the issuer's discovery document (OpenID Connect Discovery 1.0 §4).
    ///
    /// # Errors
    /// It does not answer, or names an endpoint elsewhere.
    pub(crate) fn discover(issuer: &str) -> Result<Self, String> {
        let (authority, _) = split(issuer).ok_or_else(|| format!("not an http issuer: {issuer}"))?;
        Self::discover_by(issuer, &mut Connection::to(authority))
    }

    /// As [`Endpoints::discover`], by whoever answers for the issuer.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn discover_by(issuer: &str, server: &mut dyn Server) -> Result<Self, String> {
        let (authority, path) = split(issuer).ok_or_else(|| format!("not an http issuer: {issuer}"))?;
        let discovery = format!("{}/.well-known/openid-configuration", path.trim_end_matches('/'));
        let answer = server
            .send(&Request::get(&discovery))
            .map_err(Miss::from)
            .and_then(|answer| answer.expect(200))
            .map_err(|miss| format!("{issuer} has no discovery document: {miss}"))?;
        let document = answer.json();
        let target = |member: &str| {
            let url = document.get(member).and_then(Value::as_str).unwrap_or_default();
            split(url)
                .filter(|(at, _)| *at == authority)
                .map(|(_, target)| target.to_owned())
                .ok_or_else(|| format!("{member} of {issuer} is not at {authority}: {url}"))
        };
        // The pilot's document does not tell of its revocation endpoint (contract §11).
        let untold = || format!("{}/revoke", path.trim_end_matches('/'));
        Ok(Self {
            introspection: target("introspection_endpoint").ok(),
            revocation: target("revocation_endpoint").unwrap_or_else(|_| untold()),
            authorization: target("authorization_endpoint")?,
            token: target("token_endpoint")?,
            userinfo: target("userinfo_endpoint")?,
            jwks: target("jwks_uri")?,
            authority: authority.to_owned(),
            issuer: path.to_owned(),
            discovery,
        })
    }
}

/// Authority and target of an `http` URL.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let end = rest.find('/').unwrap_or(rest.len());
    rest.split_at_checked(end)
        .map(|(authority, target)| (authority, if target.is_empty() { "/" } else { target }))
}

/// A registered confidential client, authenticating by `client_secret_basic`.
#[derive(Clone, Debug)]
pub(crate) struct RelyingParty {
    /// Its issuer's endpoints.
    pub(crate) at: Endpoints,
    /// `client_id`.
    pub(crate) client_id: String,
    /// `client_secret`.
    pub(crate) secret: String,
    /// One registered redirect URI.
    pub(crate) redirect_uri: String,
    /// Whether its requests carry a PKCE challenge.
    pub(crate) pkce: bool,
    /// The scopes that it asks for.
    pub(crate) scope: String,
}

/// The scopes of login alone.
pub(crate) const LOGIN_SCOPES: &str = "openid profile";

/// A login under way in one browser.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    cookie: String,
    action: String,
    form_token: String,
    acr: String,
    resume: Option<String>,
}

/// What a code was redeemed for.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    /// `access_token`.
    pub(crate) access_token: String,
    /// `refresh_token`, if there is one.
    pub(crate) refresh_token: Option<String>,
}

impl RelyingParty {
    /// The target of an authorization request (RFC 6749 §4.1.1).
    pub(crate) fn authorization(&self) -> String {
        let mut pairs = vec![
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("response_type", "code"),
            ("scope", &self.scope),
            ("state", "4bJxYcW2zQ8fT1kR"),
            ("nonce", "hV6nM3sG9dL0uP5e"),
        ];
        if self.pkce {
            pairs.extend([("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]);
        }
        format!("{}?{}", self.at.authorization, form(&pairs))
    }

    /// Sends the browser to the authorization endpoint, and on to the login page.
    ///
    /// # Errors
    /// [`Miss`].
    pub(crate) fn begin(&self, server: &mut dyn Server) -> Result<Login, Miss> {
        let answer = server.send(&Request::get(&self.authorization()))?.expect(303)?;
        let cookie = answer.field("set-cookie").and_then(|cookie| cookie.split(';').next());
        let Some((cookie, login)) = cookie.map(str::to_owned).zip(self.own(&answer)) else {
            return Err(Miss::Answered(answer));
        };
        let page = server.send(&Request::get(&login).with("cookie", cookie.clone()))?.expect(200)?;
        let found = {
            let text = page.text();
            let action = after(testid(&text), "action=\"").and_then(split).map(|(_, at)| at.to_owned());
            let form_token = after(&text, "name=\"form_token\" value=\"").map(str::to_owned);
            let acr = text
                .split_once("name=\"acr\"")
                .and_then(|(_, rest)| after(rest, "value=\""))
                .map(str::to_owned);
            action.zip(form_token).zip(acr)
        };
        match found {
            Some(((action, form_token), acr)) => Ok(Login { cookie, action, form_token, acr, resume: None }),
            None => Err(Miss::Answered(page)),
        }
    }

    /// The bytes of one more look at the login's page, to be sent by [`Connection::send_bytes`].
    pub(crate) fn look(&self, login: &Login) -> Vec<u8> {
        Request::get(&login.action).with("cookie", login.cookie.clone()).bytes(&self.at.authority)
    }

    /// The bytes of the resume point's request, to be sent by [`Connection::send_bytes`] and read by [`RelyingParty::code_of`].
    pub(crate) fn collection(&self, login: &Login) -> Vec<u8> {
        let resume = login.resume.as_deref().unwrap_or("/");
        Request::get(resume).with("cookie", login.cookie.clone()).bytes(&self.at.authority)
    }

    /// The bytes of the form's other button, by which the person gives the login up.
    pub(crate) fn cancellation(&self, login: &Login) -> Vec<u8> {
        let pairs = [("form_token", login.form_token.as_str()), ("action", "cancel")];
        Request::form(&login.action, &pairs)
            .with("cookie", login.cookie.clone())
            .with("origin", format!("http://{}", self.at.authority))
            .bytes(&self.at.authority)
    }

    /// The person types the number `pid` and submits: the login then holds evidence.
    ///
    /// # Errors
    /// [`Miss`].
    pub(crate) fn identify(&self, server: &mut dyn Server, login: &mut Login, pid: &str) -> Result<(), Miss> {
        let pairs = [
            ("form_token", login.form_token.as_str()),
            ("pid", pid),
            ("acr", &login.acr),
            ("action", "login"),
        ];
        let request = Request::form(&login.action, &pairs)
            .with("cookie", login.cookie.clone())
            .with("origin", format!("http://{}", self.at.authority));
        let answer = server.send(&request)?.expect(303)?;
        match self.own(&answer) {
            Some(resume) => {
                login.resume = Some(resume);
                Ok(())
            }
            None => Err(Miss::Answered(answer)),
        }
    }

    /// The browser goes on to the resume point, and brings home the code.
    ///
    /// # Errors
    /// [`Miss`].
    pub(crate) fn collect(&self, server: &mut dyn Server, login: &Login) -> Result<String, Miss> {
        self.code_of(server.send_bytes(&self.collection(login))?)
    }

    /// The code that an answer of the resume point holds.
    ///
    /// # Errors
    /// [`Miss`].
    pub(crate) fn code_of(&self, answer: Answer) -> Result<String, Miss> {
        let answer = answer.expect(303)?;
        self.brought(&answer, "code").ok_or(Miss::Answered(answer))
    }

    /// What a redirect brings home to the client, by its name.
    pub(crate) fn brought(&self, answer: &Answer, name: &str) -> Option<String> {
        let query = answer.field("location")?.strip_prefix(self.redirect_uri.as_str())?.strip_prefix('?')?;
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|pair| pair.0 == name)
            .map(|pair| pair.1.to_owned())
    }

    /// A whole login: from the authorization request to the code.
    ///
    /// # Errors
    /// [`Miss`].
    pub(crate) fn log_in(&self, server: &mut dyn Server, pid: &str) -> Result<String, Miss> {
        let mut login = self.begin(server)?;
        self.identify(server, &mut login, pid)?;
        self.collect(server, &login)
    }

    /// The bytes of a redemption, to be sent by [`Connection::send_bytes`] and read by [`Tokens::of`].
    pub(crate) fn redemption(&self, code: &str) -> Vec<u8> {
        let mut pairs =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &self.redirect_uri)];
        if self.pkce {
            pairs.push(("code_verifier", VERIFIER));
        }
        self.asking(&self.at.token, &pairs)
    }

    /// Redeems a code.
    ///
    /// # Errors
    /// [`Miss`].
    pub(crate) fn redeem(&self, server: &mut dyn Server, code: &str) -> Result<Tokens, Miss> {
        Tokens::of(server.send_bytes(&self.redemption(code))?)
    }

    /// The bytes of a use of a refresh token (RFC 6749 §6), to be read by [`Tokens::of`].
    pub(crate) fn refreshing(&self, refresh_token: &str) -> Vec<u8> {
        self.asking(&self.at.token, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
    }

    /// Uses a refresh token.
    ///
    /// # Errors
    /// [`Miss`].
    pub(crate) fn refresh(&self, server: &mut dyn Server, refresh_token: &str) -> Result<Tokens, Miss> {
        Tokens::of(server.send_bytes(&self.refreshing(refresh_token))?)
    }

    /// The bytes of a revocation (RFC 7009 §2.1).
    pub(crate) fn revocation(&self, token: &str) -> Vec<u8> {
        self.asking(&self.at.revocation, &[("token", token)])
    }

    /// Has a token's whole grant revoked.
    ///
    /// # Errors
    /// [`Miss`].
    pub(crate) fn revoke(&self, server: &mut dyn Server, token: &str) -> Result<(), Miss> {
        server.send_bytes(&self.revocation(token))?.expect(200).map(drop)
    }

    /// The bytes of a question about a token (RFC 7662 §2.1), if the issuer answers such.
    pub(crate) fn introspection(&self, token: &str) -> Option<Vec<u8>> {
        self.at.introspection.as_ref().map(|at| self.asking(at, &[("token", token)]))
    }

    /// Asks about a token: done if it is active.
    ///
    /// # Errors
    /// [`Miss`], also when the token is told to be not active.
    pub(crate) fn introspect(&self, server: &mut dyn Server, token: &str) -> Result<(), Miss> {
        let none = || Miss::Lost(std::io::Error::other("the issuer names no introspection endpoint"));
        let answer = server.send_bytes(&self.introspection(token).ok_or_else(none)?)?.expect(200)?;
        match answer.is_active() {
            true => Ok(()),
            false => Err(Miss::Answered(answer)),
        }
    }

    /// The bytes of a form that the client authenticates with.
    fn asking(&self, target: &str, pairs: &[(&str, &str)]) -> Vec<u8> {
        Request::form(target, pairs)
            .with("authorization", basic(&self.client_id, &self.secret))
            .bytes(&self.at.authority)
    }

    /// Asks the UserInfo endpoint.
    ///
    /// # Errors
    /// [`Miss`].
    pub(crate) fn userinfo(&self, server: &mut dyn Server, access_token: &str) -> Result<Answer, Miss> {
        server.send_bytes(&self.look_up(access_token))?.expect(200)
    }

    /// The bytes of a question to the UserInfo endpoint.
    pub(crate) fn look_up(&self, access_token: &str) -> Vec<u8> {
        Request::get(&self.at.userinfo)
            .with("authorization", format!("Bearer {access_token}"))
            .bytes(&self.at.authority)
    }

    /// The target of a redirect that stays in the house.
    fn own(&self, answer: &Answer) -> Option<String> {
        let (authority, target) = split(answer.field("location")?)?;
        (authority == self.at.authority).then(|| target.to_owned())
    }
}

impl Tokens {
    /// What a token answer holds.
    ///
    /// # Errors
    /// [`Miss::Answered`] when it is a refusal.
    pub(crate) fn of(answer: Answer) -> Result<Self, Miss> {
        let answer = answer.expect(200)?;
        let body = answer.json();
        let member = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        match member("access_token").filter(|_| member("id_token").is_some()) {
            Some(access_token) => Ok(Self { access_token, refresh_token: member("refresh_token") }),
            None => Err(Miss::Answered(answer)),
        }
    }
}

/// The start tag of the form that a person logs in with; a page has others.
fn testid(page: &str) -> &str {
    let mut tags = page.split("<form").skip(1).filter_map(|rest| rest.split('>').next());
    tags.find(|tag| tag.contains("id=\"testid\"")).unwrap_or_default()
}

/// What stands between `start` and the next quotation mark; nothing when that would have to be unescaped.
fn after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once('"').map(|(value, _)| value).filter(|value| !value.contains('&'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_splits_into_authority_and_target() {
        assert_eq!(split("http://localhost:1/a?b=c"), Some(("localhost:1", "/a?b=c")));
        assert_eq!(split("http://localhost:1"), Some(("localhost:1", "/")));
        assert_eq!(split("https://localhost:1/"), None);
    }

    #[test]
    fn the_form_to_log_in_with_is_found_among_others() {
        let page =
            "<form action=\"/language\" id=\"language\"></form><form action=\"/x\" id=\"testid\" novalidate>";
        assert_eq!(after(testid(page), "action=\""), Some("/x"));
        assert_eq!(testid("<form action=\"/language\">"), "");
    }

    #[test]
    fn what_would_have_to_be_unescaped_is_not_read() {
        assert_eq!(after("<a href=\"x\" b>", "href=\""), Some("x"));
        assert_eq!(after("<a href=\"x&amp;y\">", "href=\""), None);
        assert_eq!(after("<a href=\"x", "href=\""), None);
    }
}
