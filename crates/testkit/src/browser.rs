//! A browser as far as a provider can tell: a cookie jar, the headers that say where a request comes from, and forms.

use http::Method;

use crate::call::{Call, Reply, encode, origin, split};
use crate::form::Form;
use crate::wire::Wire;

/// A browser with cookies of its own.
#[derive(Clone)]
pub struct Browser {
    wire: Wire,
    cookies: Vec<Cookie>,
}

/// A cookie as the jar keeps it (RFC 6265bis §5.7): host-only, since ours name no domain.
#[derive(Clone, Debug)]
struct Cookie {
    name: String,
    value: String,
    host: String,
    path: String,
    secure: bool,
    lax: bool,
    ends: Option<i64>,
}

/// So many redirects in a row are a loop.
const MOST_REDIRECTS: usize = 10;

impl Browser {
    /// A new browser.
    pub fn new(wire: &Wire) -> Self {
        Self { wire: wire.clone(), cookies: Vec::new() }
    }

    /// Goes to a URL from a page elsewhere, and follows redirects until a page, or a redirect that leaves the house.
    pub async fn visit(&mut self, url: &str) -> Reply {
        let reply = self.call(Call::get(url), "https://rp.example.no").await;
        self.follow(reply).await
    }

    /// Submits a form of a page of the server's own, and follows as [`Browser::visit`] does.
    pub async fn submit(&mut self, form: &Form) -> Reply {
        let reply = self.post_from(&origin(&form.action), &form.action, &form.fields).await;
        self.follow(reply).await
    }

    /// Posts a form that stands on a page of `initiator`, and follows nothing.
    pub async fn post_from<N: AsRef<str>, V: AsRef<str>>(
        &mut self,
        initiator: &str,
        url: &str,
        fields: &[(N, V)],
    ) -> Reply {
        let body = encode(fields);
        let call = Call::new(Method::POST, url).body("application/x-www-form-urlencoded", body);
        self.call(call.header("origin", initiator), initiator).await
    }

    /// Logs in with TestID on the page that a visit led to.
    pub async fn log_in(&mut self, page: &Reply, pid: &str, acr: &str) -> Reply {
        self.wire.keep_secret(pid);
        self.submit(&page.form().with("pid", pid).with("acr", acr).with("action", "login")).await
    }

    /// Logs in with TestID at the level that the page has picked.
    pub async fn log_in_as(&mut self, page: &Reply, pid: &str) -> Reply {
        self.wire.keep_secret(pid);
        self.submit(&page.form().with("pid", pid).with("action", "login")).await
    }

    /// Presses the cancel button of a login page.
    pub async fn cancel(&mut self, page: &Reply) -> Reply {
        self.submit(&page.form().with("action", "cancel")).await
    }

    /// Follows redirects as long as they stay in the house.
    pub async fn follow(&mut self, mut reply: Reply) -> Reply {
        for _ in 0..MOST_REDIRECTS {
            let Some(location) = reply.location().map(str::to_owned) else { return reply };
            if !self.wire.serves(&location) {
                return reply;
            }
            let from = origin(&reply.url);
            reply = self.call(Call::get(&location), &from).await;
        }
        panic!("{} redirects in a row end at {}", MOST_REDIRECTS, reply.url)
    }

    /// One exchange, started by a page of `initiator`: cookies go with it as that allows, and those set are kept.
    pub async fn call(&mut self, call: Call, initiator: &str) -> Reply {
        let site = if origin(&call.url) == initiator {
            "same-origin"
        } else if site_of(&call.url) == site_of(initiator) {
            "same-site"
        } else {
            "cross-site"
        };
        let cookies = self.cookies_for(&call.url, site == "cross-site" && call.method != Method::GET);
        let mut call = call.header("sec-fetch-site", site);
        if !cookies.is_empty() {
            call = call.header("cookie", &cookies);
        }
        let reply = self.wire.call(call).await;
        for set in reply.headers("set-cookie") {
            self.keep(&reply.url, set);
        }
        reply
    }

    /// The cookies that this browser holds for a host, as `name=value`.
    pub fn cookies(&self, host: &str) -> Vec<String> {
        let of_host = self.cookies.iter().filter(|cookie| cookie.host == host);
        of_host.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect()
    }

    /// Puts a cookie into the jar, as a neighbouring page on the same host could.
    pub fn plant(&mut self, host: &str, name: &str, value: &str) {
        self.cookies.push(Cookie {
            name: name.to_owned(),
            value: value.to_owned(),
            host: host.to_owned(),
            path: "/".to_owned(),
            secure: false,
            lax: true,
            ends: None,
        });
    }

    /// The `Cookie` field for a request.
    fn cookies_for(&self, url: &str, cross_site_post: bool) -> String {
        let (scheme, authority, target) = split(url);
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let now = self.wire.now();
        let goes = |cookie: &&Cookie| {
            cookie.host == host_of(authority)
                && covers(&cookie.path, path)
                && (!cookie.secure || scheme == "https")
                && !(cookie.lax && cross_site_post)
                && cookie.ends.is_none_or(|ends| now < ends)
        };
        let pairs: Vec<_> = self.cookies.iter().filter(goes).collect();
        pairs.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect::<Vec<_>>().join("; ")
    }

    /// What a browser does with a `Set-Cookie` field.
    fn keep(&mut self, url: &str, field: &str) {
        let (scheme, authority, _) = split(url);
        let mut parts = field.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let attributes: Vec<(String, &str)> = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let find = |name| attributes.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        let secure = find("secure").is_some();
        let path = find("path").unwrap_or("/");
        let https = scheme == "https";
        let host_bound = secure && https && path == "/" && find("domain").is_none();
        if secure && !https || name.starts_with("__Host-") && !host_bound || find("domain").is_some() {
            return;
        }
        let host = host_of(authority).to_owned();
        self.cookies.retain(|known| !(known.name == name && known.host == host && known.path == path));
        let max_age: Option<i64> = find("max-age").and_then(|age| age.parse().ok());
        if max_age.is_some_and(|age| age <= 0) {
            return;
        }
        self.wire.keep_secret(value);
        let lax = !find("samesite").is_some_and(|site| site.eq_ignore_ascii_case("none"));
        let ends = max_age.map(|age| self.wire.now() + age);
        let (name, value, path) = (name.to_owned(), value.to_owned(), path.to_owned());
        self.cookies.push(Cookie { name, value, host, path, secure, lax, ends });
    }
}

/// RFC 6265 §5.1.4.
fn covers(cookie: &str, path: &str) -> bool {
    path == cookie
        || path.strip_prefix(cookie).is_some_and(|rest| cookie.ends_with('/') || rest.starts_with('/'))
}

/// Cookies know no port.
fn host_of(authority: &str) -> &str {
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

/// Scheme and the last two labels of the host: near enough to a registrable domain for the hosts of a scene.
fn site_of(url: &str) -> String {
    let (scheme, authority, _) = split(url);
    let labels: Vec<&str> = host_of(authority).rsplit('.').take(2).collect();
    format!("{scheme}://{}", labels.join("."))
}
