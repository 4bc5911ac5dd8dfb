//! The page where a person logs in with TestID, and the one point that every page returns to.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use http::{HeaderMap, Method, Request, StatusCode};
use portvakt_eid::test_id::{Entry, EntryFault, offered};
use portvakt_protocol::authorize::{AuthorizeFault, LoginFault, Validated, login_url};
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::grant::GrantId;
use portvakt_protocol::interaction::{Decision, Granted};
use portvakt_protocol::language::Language;
use portvakt_protocol::params::RawParams;
use portvakt_protocol::secret::{BrowserSecret, Code, LoginHandle};
use portvakt_store::{FoundLogin, Issue, LoginWrite, OpenLogin};

use crate::authorize::weigh;
use crate::form::{FormFault, form};
use crate::pages::{Level, LoginPage, Texts, entry_fault, page};
use crate::refuse::{Notice, Stop, stop};
use crate::reply::{Reply, see_other};
use crate::site::{Site, Trace};
use crate::{cookies, csrf, listen};

/// `GET` shows the login page; `POST` is what the person typed there, or a cancellation.
pub(crate) async fn login(
    State(site): State<Arc<Site>>,
    Path(handle): Path<String>,
    request: Request<Body>,
) -> Reply {
    let trace = Trace::begin(&site, request.extensions().get::<listen::Peer>().map(|peer| peer.address));
    let (head, body) = request.into_parts();
    let mut step = match Step::load(&site, &trace, &head.headers, handle).await {
        Ok(step) => step,
        Err(refused) => return stop(&site, &trace, "login", Language::Nb, refused),
    };
    let language = step.language();
    let reply = if head.method == Method::POST {
        step.posted(&head.headers, body).await
    } else {
        step.show(None).await
    };
    reply.unwrap_or_else(|refused| step.refuse(language, refused))
}

/// The resume point: decides again, and answers the client once the person has logged in well enough.
pub(crate) async fn resume(
    State(site): State<Arc<Site>>,
    Path(handle): Path<String>,
    request: Request<Body>,
) -> Reply {
    let trace = Trace::begin(&site, request.extensions().get::<listen::Peer>().map(|peer| peer.address));
    let mut step = match Step::load(&site, &trace, request.headers(), handle).await {
        Ok(step) => step,
        Err(refused) => return stop(&site, &trace, "resume", Language::Nb, refused),
    };
    let language = step.language();
    let reply = step.resume().await;
    reply.unwrap_or_else(|refused| step.refuse(language, refused))
}

/// One step of a login: the login as stored, in the browser that began it.
struct Step<'a> {
    site: &'a Site,
    trace: &'a Trace,
    handle: LoginHandle,
    browser: BrowserSecret,
    params: RawParams,
    open: OpenLogin,
}

impl<'a> Step<'a> {
    async fn load(
        site: &'a Site,
        trace: &'a Trace,
        headers: &HeaderMap,
        handle: String,
    ) -> Result<Self, Stop> {
        let handle = LoginHandle::presented(&handle);
        let browser = cookies::browser(headers, &site.provider, &handle).ok_or(Notice::CookieGone)?;
        let found =
            site.store.login(site.provider.issuer(), handle.digest(), browser.digest(), trace.now).await?;
        let open = match found {
            FoundLogin::Open(open) => *open,
            FoundLogin::Finished => return Err(Notice::Finished.into()),
            FoundLogin::Expired | FoundLogin::Unknown => return Err(Notice::Expired.into()),
        };
        let params =
            RawParams::parse(open.request.as_bytes()).map_err(|fault| Stop::Broken(fault.to_string()))?;
        Ok(Self { site, trace, handle, browser, params, open })
    }

    fn language(&self) -> Language {
        Language::choose(self.params.first("ui_locales"))
    }

    fn refuse(&self, language: Language, refused: Stop) -> Reply {
        stop(self.site, self.trace, "login", language, refused)
    }

    /// The rules' decision as if nobody had logged in yet: the page is shown, and its form judged, only where a login is asked.
    async fn asked(&mut self) -> Result<Validated, Stop> {
        match weigh(self.site, self.params.clone(), None).await? {
            Decision::AskLogin(validated) => Ok(validated),
            Decision::Refuse(validated, fault) => self.finish_refused(&validated, fault.into()).await,
            Decision::Proceed(_) => Err(Stop::Broken("a login without evidence".into())),
        }
    }

    /// Ends the login without a grant, and tells the client.
    async fn finish_refused<T>(&mut self, validated: &Validated, refusal: Refusal) -> Result<T, Stop> {
        let written = self
            .site
            .store
            .refuse_login(
                self.site.provider.issuer(),
                self.handle.digest(),
                self.browser.digest(),
                refusal.reason,
                self.trace.now,
            )
            .await?;
        done(written)?;
        Err(Stop::Redirect(Box::new(validated.addressed().clone()), refusal.fault))
    }

    async fn show(&mut self, fault: Option<EntryFault>) -> Result<Reply, Stop> {
        if self.open.evidence.is_some() {
            return Ok(see_other(&login_url(&self.site.provider, Endpoint::Resume, &self.handle)));
        }
        let validated = self.asked().await?;
        Ok(self.login_page(&validated, fault))
    }

    fn login_page(&self, validated: &Validated, fault: Option<EntryFault>) -> Reply {
        let language = validated.language();
        let texts = Texts::of(language);
        let levels = offered(&self.site.provider.profile().acr, validated.minimum())
            .enumerate()
            .map(|(at, (word, _))| Level { word, picked: at == 0 })
            .collect();
        let action = login_url(&self.site.provider, Endpoint::Login, &self.handle);
        let login_page = LoginPage {
            language,
            texts,
            service: validated.addressed().client().display_name(),
            action: &action,
            form_token: &self.browser.form_token(&self.handle),
            levels,
            fault: fault.map(|fault| entry_fault(texts, fault)),
            fault_in_level: fault == Some(EntryFault::Level),
        };
        let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        page(status, &login_page, &format!("'self' {}", validated.addressed().redirect_uri().origin()))
    }

    async fn posted(&mut self, headers: &HeaderMap, body: Body) -> Result<Reply, Stop> {
        if !csrf::is_same_origin(headers, &self.site.provider) {
            return Err(Notice::FormStale.into());
        }
        let form = form(headers, body).await.map_err(|fault| match fault {
            FormFault::ContentType(_) => Stop::Unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            FormFault::TooLarge => Stop::Unreadable(StatusCode::PAYLOAD_TOO_LARGE),
            FormFault::Encoding(_) | FormFault::Broken => Stop::Unreadable(StatusCode::BAD_REQUEST),
        })?;
        let token = form.one("form_token").ok().flatten().unwrap_or_default();
        if form.repeated().is_some() || !self.browser.admits_form(&self.handle, token) {
            return Err(Notice::FormStale.into());
        }
        let validated = self.asked().await?;
        if form.first("action") == Some("cancel") {
            let fault = AuthorizeFault::from(LoginFault::Cancelled);
            return self.finish_refused(&validated, fault.into()).await;
        }
        self.log_in(&validated, &form).await
    }

    /// TestID: what was typed becomes evidence, or the page again with what is wrong.
    async fn log_in(&mut self, validated: &Validated, form: &RawParams) -> Result<Reply, Stop> {
        let field = |name| form.first(name).unwrap_or_default();
        let ladder = &self.site.provider.profile().acr;
        let entry = match Entry::parse(field("pid"), field("acr"), ladder, validated.minimum()) {
            Ok(entry) => entry,
            Err(fault) => return Ok(self.login_page(validated, Some(fault))),
        };
        let stopped = self.site.is_stopped(entry.pid()).await?;
        let evidence = match entry.evidence(stopped, self.trace.now) {
            Ok(evidence) => evidence,
            Err(fault) => return Ok(self.login_page(validated, Some(fault))),
        };
        let issuer = self.site.provider.issuer();
        let written = self
            .site
            .store
            .record_evidence(issuer, self.handle.digest(), self.browser.digest(), evidence, self.trace.now)
            .await?;
        done(written)?;
        Ok(see_other(&login_url(&self.site.provider, Endpoint::Resume, &self.handle)))
    }

    async fn resume(&mut self) -> Result<Reply, Stop> {
        let evidence = self.open.evidence.take();
        let stopped = match &evidence {
            Some(evidence) => self.site.is_stopped(&evidence.pid).await?,
            None => false,
        };
        if stopped {
            let validated = self.asked().await?;
            return self
                .finish_refused(&validated, AuthorizeFault::from(LoginFault::PersonStopped).into())
                .await;
        }
        match weigh(self.site, self.params.clone(), evidence).await? {
            Decision::AskLogin(_) => {
                Ok(see_other(&login_url(&self.site.provider, Endpoint::Login, &self.handle)))
            }
            Decision::Refuse(validated, fault) => self.finish_refused(&validated, fault.into()).await,
            Decision::Proceed(authenticated) => self.grant(&authenticated.grant()).await,
        }
    }

    async fn grant(&mut self, granted: &Granted) -> Result<Reply, Stop> {
        let code = Code::draw(&self.site.random);
        let (new_code, grant) = granted.issue(&code, GrantId(self.site.random.bytes()), self.trace.now);
        let issue = Issue { code: new_code, grant };
        let issuer = self.site.provider.issuer();
        let written = self
            .site
            .store
            .finish_login(issuer, self.handle.digest(), self.browser.digest(), issue, self.trace.now)
            .await?;
        done(written)?;
        let mut reply = see_other(&granted.reply(&self.site.provider, &code));
        cookies::end(&mut reply, &self.site.provider, &self.handle);
        Ok(reply)
    }
}

/// A refusal that ends a login, with the word that the audit keeps.
struct Refusal {
    reason: &'static str,
    fault: AuthorizeFault,
}

impl From<AuthorizeFault> for Refusal {
    fn from(fault: AuthorizeFault) -> Self {
        Self { reason: portvakt_protocol::refusal::Fault::refusal(&fault).rule, fault }
    }
}

fn done(written: LoginWrite) -> Result<(), Stop> {
    match written {
        LoginWrite::Done => Ok(()),
        LoginWrite::Finished => Err(Notice::Finished.into()),
        LoginWrite::Unknown => Err(Notice::Expired.into()),
    }
}
