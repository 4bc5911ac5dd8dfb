//! The service: what it answers at each path. It knows logins under way, and forgets them when they are over.

use std::sync::{Mutex, PoisonError};

use http::header::{COOKIE, HOST, HeaderValue, SET_COOKIE};
use http::{Method, Request, StatusCode};
use jiff::Timestamp;
use openidconnect::CsrfToken;
use openidconnect::url::{Url, form_urlencoded};

use crate::login::{Asked, Login, Logins, Taken};
use crate::mistake::Mistake;
use crate::pages::{
    Door, Failure, HomePage, NoticePage, PageName, Reply, StoryPage, page, see_other, stylesheet, text,
};
use crate::relying_party::{Metadata, RelyingParty, discover};
use crate::story;
use crate::summary::{Issuer, Source, Summary};
use crate::wire::{Pairs, Wire};

mod finish;

/// The cookie that tells browsers apart. It is SameSite=Lax, so it comes along when Portvakt sends the browser back.
const COOKIE_NAME: &str = "portvakt_demo";

/// Nothing that a person chooses is longer.
const LONGEST_CHOICE: usize = 100;

/// The demo service on one port.
#[derive(Debug)]
pub(crate) struct Service {
    port: u16,
    source: Source,
    logins: Mutex<Logins>,
}

impl Service {
    /// On this port, with what Portvakt says when it is ready.
    pub(crate) fn new(port: u16, source: Source) -> Self {
        Self { port, source, logins: Mutex::default() }
    }

    /// Where it is.
    pub(crate) fn base(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    fn callback(&self) -> String {
        format!("{}/callback", self.base())
    }

    /// The answer to a request.
    pub(crate) async fn answer<B>(&self, request: &Request<B>) -> Reply {
        if request.method() != Method::GET {
            return text(StatusCode::METHOD_NOT_ALLOWED, "Only GET is answered here.\n");
        }
        let path = request.uri().path();
        match request.headers().get(HOST).and_then(|host| host.to_str().ok()) {
            Some(host) if host == format!("localhost:{}", self.port) => {}
            // The cookie is localhost's, as the redirect URI is.
            Some(host)
                if host == format!("127.0.0.1:{}", self.port) || host == format!("[::1]:{}", self.port) =>
            {
                let rest = request.uri().path_and_query().map_or("/", |rest| rest.as_str());
                return see_other(&format!("{}{rest}", self.base()));
            }
            // A page elsewhere whose name was made to mean this machine would read tokens here.
            Some(_) | None => {
                return text(StatusCode::MISDIRECTED_REQUEST, "This is the demo service of localhost.\n");
            }
        }
        if let Some(reply) = stylesheet(path) {
            return reply;
        }
        let answered = match path {
            "/" => self.home().await,
            "/login" => self.login(request).await,
            "/callback" => self.back(request).await,
            _ => Err(Notice::NotFound),
        };
        answered.unwrap_or_else(|notice| notice.page())
    }

    async fn summary(&self) -> Result<Summary, Notice> {
        self.source.read().await.map_err(Notice::Waiting)
    }

    /// `/`: a door for each issuer.
    async fn home(&self) -> Result<Reply, Notice> {
        let summary = self.summary().await?;
        let mut doors = Vec::new();
        for at in &summary.issuers {
            let found = discover(&Wire::default(), &at.issuer).await;
            doors.push(Door {
                issuer: at.issuer.clone(),
                profile: at.profile.clone(),
                environment: at.environment.clone(),
                client_id: summary
                    .client(&at.issuer, &self.callback())
                    .map(|client| client.client_id.clone()),
                levels: found.as_ref().map(|metadata| levels(at, metadata)).unwrap_or_default(),
                trouble: found.err(),
            });
        }
        let home = HomePage { page: PageName::Home, callback: &self.callback(), doors };
        Ok(page(StatusCode::OK, &home, &origins(&summary)))
    }

    /// `/login`: the browser is sent to the issuer.
    async fn login<B>(&self, request: &Request<B>) -> Result<Reply, Notice> {
        let chosen = pairs(request);
        let choice = |name: &str| {
            first(&chosen, name)
                .filter(|value| !value.is_empty() && value.len() <= LONGEST_CHOICE)
                .map(str::to_owned)
        };
        let summary = self.summary().await?;
        let at =
            first(&chosen, "issuer").and_then(|issuer| summary.issuer(issuer)).ok_or(Notice::NotFound)?;
        let registered = summary.client(&at.issuer, &self.callback()).ok_or(Notice::NotFound)?;
        let asked = Asked {
            acr: choice("acr"),
            ui_locales: choice("ui_locales"),
            prompt: choice("prompt"),
            mistake: Mistake::of_word(&choice("mistake").unwrap_or_default()),
        };
        let wire = Wire::default();
        let party = discover(&wire, &asked.mistake.issuer(&at.issuer))
            .await
            .and_then(|found| RelyingParty::new(found, registered, &self.callback(), Mistake::Nothing));
        let party = match party {
            Ok(party) => party,
            Err(why) => {
                let refused = wire.last().is_some_and(|exchange| !exchange.status.is_success());
                let failed = StoryPage {
                    page: PageName::Failed,
                    issuer: &at.issuer,
                    client_id: &registered.client_id,
                    mistake: told(asked.mistake),
                    failure: Some(Failure {
                        who: if refused { "Portvakt" } else { "The library" },
                        code: None,
                        sentence: why.clone(),
                    }),
                    person: None,
                    steps: story::metadata(&wire.exchanges(), Some(why)),
                    logout: None,
                };
                return Ok(page(StatusCode::OK, &failed, &origins(&summary)));
            }
        };
        let sent = party.request(&asked);
        let browser = browser(request);
        let mut reply = see_other(sent.url.as_str());
        let id = browser.clone().unwrap_or_else(|| CsrfToken::new_random().into_secret());
        if browser.is_none() {
            set_cookie(&mut reply, &id);
        }
        let login = Login {
            browser: id,
            state: sent.state,
            nonce: sent.nonce,
            verifier: sent.verifier,
            issuer: at.issuer.clone(),
            metadata: party.metadata,
            read: wire.exchanges(),
            request: sent.url,
            asked,
        };
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).begin(login);
        Ok(reply)
    }

    /// `/callback`: the answer that the browser brings back.
    async fn back<B>(&self, request: &Request<B>) -> Result<Reply, Notice> {
        let came = pairs(request);
        let browser = browser(request).ok_or(Notice::Strange)?;
        let taken = {
            let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
            match first(&came, "state") {
                Some(state) => logins.take(&browser, state),
                None => logins.take_without_state(&browser),
            }
        };
        let login = match taken {
            Taken::Login(login) => login,
            Taken::Used => return Err(Notice::Used),
            Taken::Strange => return Err(Notice::Strange),
        };
        let summary = self.summary().await?;
        let at = summary.issuer(&login.issuer).ok_or(Notice::Strange)?;
        let registered = summary.client(&at.issuer, &self.callback()).ok_or(Notice::Strange)?;
        let told =
            finish::finish(&login, at, registered, &self.callback(), &came, Timestamp::now().as_second())
                .await;
        let back = registered.after_logout(&self.base());
        Ok(page(StatusCode::OK, &told.page(&login, registered, back), &origins(&summary)))
    }
}

/// Why there is a notice instead of what was asked for.
#[derive(Debug)]
enum Notice {
    /// Portvakt has said nothing yet, or not understandably.
    Waiting(String),
    /// The answer has been here before.
    Used,
    /// The answer is of no login of this browser.
    Strange,
    /// Nothing is here.
    NotFound,
}

impl Notice {
    fn page(&self) -> Reply {
        let (name, status, title, sentence) = match self {
            Self::Waiting(why) => {
                (PageName::Waiting, StatusCode::SERVICE_UNAVAILABLE, "Portvakt is not there", why.as_str())
            }
            Self::Used => (
                PageName::Used,
                StatusCode::BAD_REQUEST,
                "This answer has been used",
                "You came back here by the back button, or loaded the page again. A code and a state count once, and this service has \
                 forgotten them: sent again, the code would be refused, and everything it gave would be revoked. Log in again from the \
                 first page.",
            ),
            Self::Strange => (
                PageName::Strange,
                StatusCode::BAD_REQUEST,
                "This answer is of no login here",
                "Its state is none that this service gave to this browser: the login was begun in another browser, under another address, \
                 or before this service was started; or somebody made the answer up. So nothing of it is believed, and its code is not \
                 redeemed. Log in again from the first page.",
            ),
            Self::NotFound => (
                PageName::NotFound,
                StatusCode::NOT_FOUND,
                "There is no such page",
                "Or the issuer in the address is none that Portvakt serves here, or has no client for this service.",
            ),
        };
        page(status, &NoticePage { page: name, title, sentence }, &[])
    }
}

/// What a deliberate mistake is, unless it is none.
fn told(mistake: Mistake) -> Option<&'static crate::mistake::Explained> {
    (mistake != Mistake::Nothing).then(|| mistake.explained())
}

/// An issuer's levels, lowest first. The pilot's metadata names none.
fn levels(at: &Issuer, metadata: &Metadata) -> Vec<String> {
    let named = RelyingParty::levels(metadata);
    if named.is_empty() && at.profile == "pilot" {
        return ["Level3", "Level4"].map(str::to_owned).to_vec();
    }
    named
}

/// Where forms may lead.
fn origins(summary: &Summary) -> Vec<String> {
    let origin = |at: &Issuer| Some(Url::parse(&at.issuer).ok()?.origin().ascii_serialization());
    let mut origins: Vec<String> = summary.issuers.iter().filter_map(origin).collect();
    origins.dedup();
    origins
}

fn pairs<B>(request: &Request<B>) -> Pairs {
    form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn first<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The browser by its cookie.
fn browser<B>(request: &Request<B>) -> Option<String> {
    let cookies = request.headers().get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.find(|(name, _)| *name == COOKIE_NAME)?.1;
    let is_ours = (16..=64).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    is_ours.then(|| value.to_owned())
}

fn set_cookie(reply: &mut Reply, value: &str) {
    let cookie = format!("{COOKIE_NAME}={value}; Path=/; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use http::header::LOCATION;

    use super::*;
    use crate::summary::tests::JSON;

    /// The service on port 3000, and the file that Portvakt wrote.
    fn service() -> (Service, tempfile::NamedTempFile) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), JSON).unwrap();
        (Service::new(3000, Source::new(file.path().to_owned())), file)
    }

    fn get(path: &str) -> Request<()> {
        Request::get(path).header(HOST, "localhost:3000").body(()).unwrap()
    }

    #[tokio::test]
    async fn a_name_that_was_made_to_mean_this_machine_reads_nothing() {
        let (service, _file) = service();
        for host in ["evil.example", "localhost", "localhost:3001", "localhost.:3000"] {
            let request = Request::get("/").header(HOST, host).body(()).unwrap();
            assert_eq!(service.answer(&request).await.status(), StatusCode::MISDIRECTED_REQUEST, "{host}");
        }
    }

    #[tokio::test]
    async fn the_other_names_of_this_machine_lead_to_the_cookies_one() {
        let (service, _file) = service();
        let request = Request::get("/login?x=1").header(HOST, "127.0.0.1:3000").body(()).unwrap();
        let reply = service.answer(&request).await;
        assert_eq!(reply.headers()[LOCATION], "http://localhost:3000/login?x=1");
    }

    #[tokio::test]
    async fn an_answer_that_nobody_asked_for_is_not_believed() {
        let (service, _file) = service();
        let mut request = get("/callback?code=c&state=s");
        assert_eq!(service.answer(&request).await.status(), StatusCode::BAD_REQUEST, "without a cookie");
        request.headers_mut().insert(COOKIE, HeaderValue::from_static("portvakt_demo=0123456789abcdef"));
        assert_eq!(service.answer(&request).await.status(), StatusCode::BAD_REQUEST, "with one");
    }

    #[tokio::test]
    async fn nobody_is_sent_to_an_issuer_that_portvakt_does_not_serve() {
        let (service, _file) = service();
        for issuer in ["http://localhost:8080/", "https://evil.example", ""] {
            let reply = service.answer(&get(&format!("/login?issuer={issuer}"))).await;
            assert_eq!(reply.status(), StatusCode::NOT_FOUND, "{issuer}");
        }
    }

    #[tokio::test]
    async fn only_get_is_answered() {
        let (service, _file) = service();
        let request = Request::post("/login").header(HOST, "localhost:3000").body(()).unwrap();
        assert_eq!(service.answer(&request).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn a_cookie_of_another_shape_is_none() {
        for cookie in [
            "portvakt_demo=",
            "portvakt_demo=short",
            "portvakt_demo=0123456789abcde!",
            "other=0123456789abcdef",
        ] {
            let mut request = get("/");
            request.headers_mut().insert(COOKIE, HeaderValue::from_static(cookie));
            assert_eq!(browser(&request), None, "{cookie}");
        }
        let mut request = get("/");
        request.headers_mut().insert(COOKIE, HeaderValue::from_static("a=b; portvakt_demo=0123456789abcdef"));
        assert_eq!(browser(&request).as_deref(), Some("0123456789abcdef"));
    }
}
