//! The pages: templates, what they are drawn with, and the headers that keep what they show where it is.

use askama::Template;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::mistake::{Explained, Mistake};
use crate::story::Step;

/// An answer of this service.
pub(crate) type Reply = Response<Full<Bytes>>;

/// Designsystemet, as npm has it, and what these pages add.
const STYLESHEETS: [(&str, &[u8]); 3] = [
    (
        "/designsystemet.css",
        include_bytes!("../../assets/node_modules/@digdir/designsystemet-css/dist/src/index.css"),
    ),
    (
        "/theme.css",
        include_bytes!("../../assets/node_modules/@digdir/designsystemet-css/dist/theme/designsystemet.css"),
    ),
    ("/demo.css", include_bytes!("demo.css")),
];

/// Which page it is: `data-page` on its root element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageName {
    /// Where one logs in.
    Home,
    /// Portvakt is not there.
    Waiting,
    /// A login, explained.
    Result,
    /// A login that failed, explained as far as it came.
    Failed,
    /// The answer has been here before.
    Used,
    /// The answer is of no login of this browser.
    Strange,
    /// No such page.
    NotFound,
}

impl PageName {
    const ALL: [Self; 7] =
        [Self::Home, Self::Waiting, Self::Result, Self::Failed, Self::Used, Self::Strange, Self::NotFound];

    /// The name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Home => "demo/home",
            Self::Waiting => "demo/waiting",
            Self::Result => "demo/result",
            Self::Failed => "demo/failed",
            Self::Used => "demo/used",
            Self::Strange => "demo/strange",
            Self::NotFound => "demo/not-found",
        }
    }

    /// All names, as a JSON array.
    pub(crate) fn list() -> String {
        format!("{:?}", Self::ALL.map(Self::name))
    }
}

/// One issuer on the first page.
pub(crate) struct Door {
    /// The issuer.
    pub(crate) issuer: String,
    /// Its profile, which also makes the ids of its controls.
    pub(crate) profile: String,
    /// Its environment.
    pub(crate) environment: String,
    /// The client that this service is there; none: what to register.
    pub(crate) client_id: Option<String>,
    /// Its levels, lowest first.
    pub(crate) levels: Vec<String>,
    /// Why its metadata could not be read.
    pub(crate) trouble: Option<String>,
}

impl Door {
    /// What the profile is called.
    pub(crate) fn title(&self) -> &str {
        match self.profile.as_str() {
            "pilot" => "The pilot of 2016",
            "idporten" => "ID-porten of today",
            other => other,
        }
    }
}

/// The first page.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage<'a> {
    pub(crate) page: PageName,
    pub(crate) callback: &'a str,
    pub(crate) doors: Vec<Door>,
}

impl HomePage<'_> {
    fn mistakes(&self) -> impl Iterator<Item = &'static Explained> {
        Mistake::ALL.into_iter().map(Mistake::explained)
    }
}

/// A login, explained.
#[derive(Template)]
#[template(path = "story.html")]
pub(crate) struct StoryPage<'a> {
    pub(crate) page: PageName,
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) mistake: Option<&'static Explained>,
    /// What went wrong, if anything did.
    pub(crate) failure: Option<Failure>,
    /// Who logged in, and at which level.
    pub(crate) person: Option<Person>,
    pub(crate) steps: Vec<Step>,
    pub(crate) logout: Option<Logout<'a>>,
}

/// Who logged in, for the head of the page.
pub(crate) struct Person {
    /// The national number, where the ID token has one; else `sub`.
    pub(crate) name: String,
    /// `acr`.
    pub(crate) level: String,
}

/// What went wrong, for the head of the page.
pub(crate) struct Failure {
    /// Who says so: `Portvakt` or this service.
    pub(crate) who: &'static str,
    /// The error code, where there is one.
    pub(crate) code: Option<String>,
    /// In words.
    pub(crate) sentence: String,
}

/// The form that ends the session at the issuer.
pub(crate) struct Logout<'a> {
    pub(crate) endpoint: String,
    pub(crate) id_token: String,
    pub(crate) client_id: &'a str,
    pub(crate) back: Option<&'a str>,
}

/// A page that tells something and leads back.
#[derive(Template)]
#[template(path = "notice.html")]
pub(crate) struct NoticePage<'a> {
    pub(crate) page: PageName,
    pub(crate) title: &'a str,
    pub(crate) sentence: &'a str,
}

/// A page as a reply. Its forms may lead to `issuers` beside this service: browsers apply `form-action` to redirects as well.
pub(crate) fn page(status: StatusCode, page: &impl Template, issuers: &[String]) -> Reply {
    let Ok(body) = page.render() else {
        return reply(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain; charset=utf-8",
            "An error of the demo's.\n",
        );
    };
    let mut reply = reply(status, "text/html; charset=utf-8", body);
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self' {}; frame-ancestors 'none'; base-uri 'none'",
        issuers.join(" ")
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        reply.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    reply.headers_mut().insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    reply
}

/// A stylesheet, if there is one at this path.
pub(crate) fn stylesheet(path: &str) -> Option<Reply> {
    let (_, bytes) = STYLESHEETS.into_iter().find(|(known, _)| *known == path)?;
    let mut reply = reply(StatusCode::OK, "text/css; charset=utf-8", Bytes::from_static(bytes));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
    Some(reply)
}

/// 303 to another place.
pub(crate) fn see_other(location: &str) -> Reply {
    let Ok(location) = HeaderValue::from_str(location) else {
        return reply(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain; charset=utf-8",
            "An error of the demo's.\n",
        );
    };
    let mut reply = reply(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
    reply.headers_mut().insert(LOCATION, location);
    reply
}

/// One sentence of plain text.
pub(crate) fn text(status: StatusCode, sentence: &'static str) -> Reply {
    reply(status, "text/plain; charset=utf-8", sentence)
}

fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Codes and tokens: nobody keeps them, and no address with one goes anywhere.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_text_and_never_markup() {
        let sentence = "<script>alert(1)</script>";
        let notice = NoticePage { page: PageName::Used, title: "t", sentence };
        let html = notice.render().unwrap();
        assert!(!html.contains("<script>"), "{html}");
    }

    #[test]
    fn the_list_of_pages_is_json() {
        let names: Vec<String> = serde_json::from_str(&PageName::list()).unwrap();
        assert_eq!(names.len(), PageName::ALL.len());
        assert_eq!(names[0], "demo/home");
    }
}
