//! Cookies. A login has a cookie of its own, named by issuer and login, whose value ties the login to the browser: two logins
//! in one browser do not meet, and a form posted from another site (without cookies) cannot overwrite one under way. The value is
//! random and the form's token is made of it, so no process has a secret of its own in either: any node takes the next step.

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue, SET_COOKIE};
use portvakt_protocol::language::Language;
use portvakt_protocol::provider::Provider;
use portvakt_protocol::secret::{BrowserSecret, LoginHandle};
use portvakt_protocol::time::Seconds;

use crate::reply::Reply;

/// So many logins may be under way in one browser at one issuer; a further one ends the oldest cookie.
const MOST_LOGINS: usize = 16;

/// A login's cookie outlives the login, so that one which took too long, or is over, can be told from another browser's.
const LIFETIME: Seconds = Seconds::days(1);

/// The start of every login cookie's name at this issuer. `__Host-` binds it to this host, to https and to the whole
/// path (RFC 6265bis §4.1.3.2), so no subdomain or path can plant one; over http browsers refuse that prefix.
fn prefix(provider: &Provider) -> String {
    let host = if provider.is_https() { "__Host-" } else { "" };
    format!("{host}portvakt-{}-", provider.issuer().id())
}

/// The cookie's name: the start of the handle tells logins apart and is no secret.
fn name(provider: &Provider, login: &LoginHandle) -> String {
    format!("{}{}", prefix(provider), login.reveal().get(..8).unwrap_or_default())
}

fn attributes(provider: &Provider) -> &'static str {
    if provider.is_https() {
        "; Path=/; HttpOnly; SameSite=Lax; Secure"
    } else {
        "; Path=/; HttpOnly; SameSite=Lax"
    }
}

/// Name and value of each cookie that came; one that cannot be read is not there.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

/// A cookie's value must be as long as the ones we set: 256 bits in base64url.
fn is_ours(value: &str) -> bool {
    value.len() == 43 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The cookie of the language that a person picked: contract §2 has its name.
const LANGUAGE: &str = "IDPORTEN_SELECTED_LANGUAGE";

/// The language that the person picked on our pages, if any (contract §2).
pub(crate) fn language(headers: &HeaderMap) -> Option<&str> {
    pairs(headers).find(|(name, _)| *name == LANGUAGE).map(|(_, value)| value)
}

/// Keeps the language that the person picked, for a year.
pub(crate) fn pick_language(reply: &mut Reply, provider: &Provider, language: Language) {
    let attributes = attributes(provider);
    append(reply, &format!("{LANGUAGE}={}{attributes}; Max-Age=31536000", language.tag()));
}

/// The browser's secret for a login. Two cookies of one name are no answer: one of them was planted.
pub(crate) fn browser(
    headers: &HeaderMap,
    provider: &Provider,
    login: &LoginHandle,
) -> Option<BrowserSecret> {
    let name = name(provider, login);
    let mut found = pairs(headers).filter(|(known, _)| *known == name).map(|(_, value)| value);
    let first = found.next()?;
    (found.next().is_none() && is_ours(first)).then(|| BrowserSecret::presented(first))
}

/// The secrets of every login that this browser has under way at this issuer.
pub(crate) fn browsers(headers: &HeaderMap, provider: &Provider) -> Vec<(String, BrowserSecret)> {
    let prefix = prefix(provider);
    pairs(headers)
        .filter(|(name, value)| name.starts_with(&prefix) && is_ours(value))
        .take(MOST_LOGINS)
        .map(|(name, value)| (name.to_owned(), BrowserSecret::presented(value)))
        .collect()
}

/// Sets the cookie of a login that has begun, and ends the oldest of too many.
pub(crate) fn begin(
    reply: &mut Reply,
    headers: &HeaderMap,
    provider: &Provider,
    login: &LoginHandle,
    browser: &BrowserSecret,
) {
    let cookie = format!(
        "{}={}{}; Max-Age={}",
        name(provider, login),
        browser.reveal(),
        attributes(provider),
        LIFETIME.get()
    );
    append(reply, &cookie);
    let known = browsers(headers, provider);
    for (name, _) in known.iter().take((known.len() + 1).saturating_sub(MOST_LOGINS)) {
        end_named(reply, provider, name);
    }
}

/// Ends a cookie by its name.
pub(crate) fn end_named(reply: &mut Reply, provider: &Provider, name: &str) {
    append(reply, &format!("{name}={}; Max-Age=0", attributes(provider)));
}

fn append(reply: &mut Reply, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        reply.headers_mut().append(SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portvakt_protocol::profile::PILOT;
    use portvakt_protocol::provider::Environment;

    fn provider(issuer: &str) -> Provider {
        Provider::new(issuer, None, &PILOT, Environment::Test, None, "1").unwrap()
    }

    fn headers(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookie).unwrap())])
    }

    #[test]
    fn a_cookie_that_stands_twice_or_is_not_ours_is_not_there() {
        let provider = provider("https://eid-exttest.difi.no/idporten-oidc-provider/");
        let login = LoginHandle::presented(&"L".repeat(43));
        let name = name(&provider, &login);
        let value = "v".repeat(43);
        for cookie in [
            String::new(),
            format!("{name}=short"),
            format!("{name}={value}x"),
            format!("{name}={value}; {name}={value}"),
            format!("{}={value}", name.replace("__Host-", "")),
            format!("{name}={}", "å".repeat(21)),
        ] {
            let headers = HeaderValue::from_bytes(cookie.as_bytes())
                .map(|value| HeaderMap::from_iter([(COOKIE, value)]));
            assert!(browser(&headers.unwrap(), &provider, &login).is_none(), "{cookie}");
        }
        let found = browser(&headers(&format!("a=b; {name}={value}")), &provider, &login);
        assert_eq!(found.unwrap().reveal(), value);
    }

    #[test]
    fn over_https_the_cookie_is_host_bound_and_over_http_it_says_so() {
        let login = LoginHandle::presented(&"L".repeat(43));
        for (issuer, secure) in [("https://idporten.no", true), ("http://localhost:8080", false)] {
            let provider = provider(issuer);
            let mut reply = Reply::default();
            begin(
                &mut reply,
                &HeaderMap::new(),
                &provider,
                &login,
                &BrowserSecret::presented(&"v".repeat(43)),
            );
            let cookie = reply.headers()[SET_COOKIE].to_str().unwrap();
            assert_eq!(cookie.starts_with("__Host-"), secure, "{cookie}");
            assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
            assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
            assert!(cookie.contains(provider.issuer().id()), "{cookie}");
        }
    }

    #[test]
    fn a_seventeenth_login_ends_the_oldest_cookie() {
        let provider = provider("http://localhost:8080");
        let value = "v".repeat(43);
        let all: Vec<_> = (0..16).map(|n| format!("{}{n:08}={value}", prefix(&provider))).collect();
        let mut reply = Reply::default();
        let login = LoginHandle::presented(&"L".repeat(43));
        begin(&mut reply, &headers(&all.join("; ")), &provider, &login, &BrowserSecret::presented(&value));
        let set: Vec<_> =
            reply.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(set.len(), 2);
        assert!(set[1].contains("-00000000=;") && set[1].contains("Max-Age=0"), "{}", set[1]);
    }
}
