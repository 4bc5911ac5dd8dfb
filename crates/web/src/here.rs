//! Where a browser stands: at which of the issuer's endpoints, in which language, and where it comes back to in another one.

use http::HeaderMap;
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::language::Language;
use portvakt_protocol::provider::Environment;

use crate::pages::{Frame, PageName, Texts};
use crate::site::Site;
use crate::{cookies, form_action};

/// The longest way back, in bytes: what a request line may hold (see `Limits::target_bytes`). A posted request may be longer.
pub(crate) const LONGEST_BACK: usize = 8 * 1024;

/// Where a browser stands.
#[derive(Clone, Debug)]
pub(crate) struct Here<'a> {
    site: &'a Site,
    base: &'a Issuer,
    language: Language,
    back: String,
    about: String,
    rules: String,
    form_action: String,
}

impl<'a> Here<'a> {
    /// At this endpoint. `back` is the path and query that a GET finds this place by again; nothing stands in it that must not
    /// stand in a page.
    pub(crate) fn at(
        site: &'a Site,
        endpoint: Endpoint,
        headers: &HeaderMap,
        back: String,
        ui_locales: Option<&str>,
    ) -> Self {
        let language = Language::choose(cookies::language(headers), ui_locales);
        let about = site.provider.issuer().as_str().to_owned();
        let rules = site.provider.url(Endpoint::RuleList);
        let form_action = match endpoint {
            // The form of a login leads to the service; so may the language switch, by the GET that it comes back with.
            Endpoint::Authorization | Endpoint::Login | Endpoint::Resume => {
                form_action::to_service(site.provider.environment(), None)
            }
            Endpoint::Discovery
            | Endpoint::Jwks
            | Endpoint::Token
            | Endpoint::Userinfo
            | Endpoint::Introspection
            | Endpoint::Tokeninfo
            | Endpoint::Revocation
            | Endpoint::EndSession
            | Endpoint::IssuerPage
            | Endpoint::Language
            | Endpoint::Asset
            | Endpoint::RuleList
            | Endpoint::RulePage => String::new(),
        };
        Self { site, base: site.provider.base(endpoint), language, back, about, rules, form_action }
    }

    /// The same place in the language that a request, read later, asks for.
    pub(crate) fn asked(mut self, headers: &HeaderMap, ui_locales: Option<&str>) -> Self {
        self.language = Language::choose(cookies::language(headers), ui_locales);
        self
    }

    /// The same place, come back to with this query; without one that only a form could hold.
    pub(crate) fn back_by(mut self, query: &str) -> Self {
        let back = format!("{}?{query}", self.back);
        if back.len() <= LONGEST_BACK {
            self.back = back;
        }
        self
    }

    /// The same place, in a request whose answer goes to this redirect URI.
    pub(crate) fn answered_at(mut self, redirect_uri: Option<&str>) -> Self {
        self.form_action = form_action::to_service(self.site.provider.environment(), redirect_uri);
        self
    }

    /// The issuer's site.
    pub(crate) fn site(&self) -> &'a Site {
        self.site
    }

    /// The language.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// The texts in that language.
    pub(crate) fn texts(&self) -> &'static Texts {
        Texts::of(self.language)
    }

    /// Where a GET finds this place again.
    pub(crate) fn back(&self) -> &str {
        &self.back
    }

    /// The list of the rules that refusals name.
    pub(crate) fn rules(&self) -> &str {
        &self.rules
    }

    /// Where the forms of this place's pages may lead, besides our own origin.
    pub(crate) fn form_action(&self) -> &str {
        &self.form_action
    }

    /// The frame of a page.
    pub(crate) fn frame(&self, page: PageName) -> Frame<'_> {
        let texts = self.texts();
        let environment = match self.site.provider.environment() {
            Environment::Development => Some(texts.development),
            Environment::Test => Some(texts.test),
            Environment::Production => None,
        };
        Frame {
            page,
            language: self.language,
            texts,
            name: self.site.face.name(),
            environment,
            base: self.base.path(),
            about: &self.about,
            rules: &self.rules,
            back: &self.back,
            assets: &self.site.face.assets,
        }
    }
}
