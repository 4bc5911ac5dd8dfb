//! The page where a person logs in with TestID, and the one point that every page returns to.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Request, StatusCode, Uri};
use portvakt_eid::test_id::{Entry, EntryFault, offered};
use portvakt_protocol::authorize::{Addressed, LoginFault, Refused, Validated, login_url};
use portvakt_protocol::client::ClientId;
use portvakt_protocol::evidence::{Evidence, Method};
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::grant::GrantId;
use portvakt_protocol::interaction::{Decision, Granted, Login, ask, decide};
use portvakt_protocol::params::RawParams;
use portvakt_protocol::person::Pid;
use portvakt_protocol::refusal::Fault;
use portvakt_protocol::secret::{BrowserSecret, Code, LoginHandle};
use portvakt_store::{FoundLogin, Issue, LoginWrite, OpenLogin, Store};

use crate::authorize::address;
use crate::form::form;
use crate::here::Here;
use crate::pages::{Level, LoginPage, PageName, Service, entry_fault, page};
use crate::refuse::{Notice, Stop, stop};
use crate::reply::{Reply, see_other};
use crate::site::{Site, Trace};
use crate::{cookies, csrf};

/// The login page offers so many test persons to pick from.
pub(crate) const MOST_PERSONS: u32 = 24;

/// `GET` shows the login page; `POST` is what the person typed there, or a cancellation.
pub(crate) async fn login(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let (head, body) = request.into_parts();
    let here = here(&site, Endpoint::Login, &head.uri, &head.headers);
    let form =
        if head.method == http::Method::POST { Some(posted(&site, &head.headers, body).await) } else { None };
    let trace = Trace::begin(&site);
    let mut step = match LoginStep::load(&trace, &here, &head.headers, handle(head.uri.path())).await {
        Ok(step) => step,
        Err(refused) => return stop(&trace, "login", &here, refused),
    };
    let reply = match form {
        None => step.show().await,
        Some(Ok(form)) => step.take(&form).await,
        Some(Err(refused)) => Err(refused),
    };
    step.reply("login", reply)
}

/// The resume point: decides again, and answers the client once the person has logged in well enough.
pub(crate) async fn resume(State(site): State<Arc<Site>>, request: Request<Body>) -> Reply {
    let trace = Trace::begin(&site);
    let here = here(&site, Endpoint::Resume, request.uri(), request.headers());
    let mut step = match LoginStep::load(&trace, &here, request.headers(), handle(request.uri().path())).await
    {
        Ok(step) => step,
        Err(refused) => return stop(&trace, "resume", &here, refused),
    };
    let reply = step.resume().await;
    step.reply("resume", reply)
}

/// The handle in a page's path: its last segment, as it stands there.
fn handle(path: &str) -> LoginHandle {
    LoginHandle::presented(path.rsplit('/').next().unwrap_or_default())
}

/// Where the browser stands, before the login is known and with it the language that its request asked for.
fn here<'a>(site: &'a Site, endpoint: Endpoint, uri: &Uri, headers: &HeaderMap) -> Here<'a> {
    Here::at(site, endpoint, headers, uri.path().to_owned(), None)
}

/// Reads what was posted from our own page.
async fn posted(site: &Site, headers: &HeaderMap, body: Body) -> Result<RawParams, Stop> {
    if !csrf::is_same_origin(headers, site.provider.base(Endpoint::Login)) {
        return Err(Notice::FormStale.into());
    }
    form(headers, body).await.map_err(|fault| Stop::Unreadable(fault.into()))
}

/// One step of a login: the login as stored, in the browser that began it.
pub(crate) struct LoginStep<'a> {
    site: &'a Site,
    trace: &'a Trace,
    here: Here<'a>,
    handle: LoginHandle,
    browser: BrowserSecret,
    client_id: ClientId,
    params: RawParams,
    evidence: Option<Evidence>,
    /// Whether this step ended the login.
    ended: bool,
}

impl<'a> LoginStep<'a> {
    async fn load(
        trace: &'a Trace,
        here: &Here<'a>,
        headers: &HeaderMap,
        handle: LoginHandle,
    ) -> Result<Self, Stop> {
        let provider = &here.site().provider;
        let browser = cookies::browser(headers, provider, &handle).ok_or(Notice::CookieGone)?;
        Self::open(trace, here, headers, (handle, browser)).await
    }

    /// The login of this handle and browser, as it stands in the store.
    ///
    /// # Errors
    /// [`Stop`] if there is none, or no longer.
    pub(crate) async fn open(
        trace: &'a Trace,
        here: &Here<'a>,
        headers: &HeaderMap,
        (handle, browser): (LoginHandle, BrowserSecret),
    ) -> Result<Self, Stop> {
        let site = here.site();
        let found = site
            .by(trace)
            .login(site.provider.issuer(), handle.digest(), browser.digest(), trace.now)
            .await?;
        let OpenLogin { client_id, request, evidence, .. } = match found {
            FoundLogin::Open(open) => *open,
            FoundLogin::Finished(client) => return Err(Notice::Finished.about(site, trace, &client).await),
            FoundLogin::Expired(client) => return Err(Notice::Expired.about(site, trace, &client).await),
            FoundLogin::Unknown => return Err(Notice::Expired.into()),
        };
        let params =
            RawParams::parse(request.as_bytes()).map_err(|fault| Stop::Broken(fault.to_string(), None))?;
        let here = here.clone().asked(headers, params.first("ui_locales"));
        let here = here.answered_at(params.first("redirect_uri"));
        Ok(Self { site, trace, here, handle, browser, client_id, params, evidence, ended: false })
    }

    /// The reply to this step. The login's cookie outlives the login: whoever goes back is told that it is over.
    fn reply(&self, endpoint: &'static str, outcome: Result<Reply, Stop>) -> Reply {
        outcome.unwrap_or_else(|refused| stop(self.trace, endpoint, &self.here, refused))
    }

    /// Whether this step ended the login.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    fn store(&self) -> Store {
        self.site.by(self.trace)
    }

    fn url(&self, endpoint: Endpoint) -> String {
        login_url(&self.site.provider, endpoint, &self.handle)
    }

    async fn addressed(&self) -> Result<Addressed, Stop> {
        address(self.site, self.trace, self.params.clone()).await
    }

    /// Decides anew: the rules run on the stored request and the client as it is now.
    async fn decide(&mut self) -> Result<Decision, Stop> {
        let addressed = self.addressed().await?;
        let login = match self.evidence.take() {
            Some(evidence) => {
                Some(Login { standing: self.site.standing(self.trace, &evidence.pid).await?, evidence })
            }
            None => None,
        };
        match decide(addressed, login, self.site.reach(), &self.site.provider, self.trace.now) {
            Ok(decision) => Ok(decision),
            Err(refused) => self.refuse(refused).await,
        }
    }

    /// Ends the login without a grant, and tells the client.
    async fn refuse<T>(&mut self, refused: Box<Refused>) -> Result<T, Stop> {
        let (login, browser) = (self.handle.digest(), self.browser.digest());
        let reason = refused.fault.refusal().rule.name;
        let (store, issuer) = (self.store(), self.site.provider.issuer());
        let written = store.refuse_login(issuer, login, browser, reason, self.trace.now).await?;
        self.done(written).await?;
        self.ended = true;
        Err(refused.into())
    }

    async fn show(&mut self) -> Result<Reply, Stop> {
        match self.decide().await? {
            Decision::AskLogin(validated) => self.login_page(&validated, None, "").await,
            Decision::Proceed(_) => Ok(see_other(&self.url(Endpoint::Resume))),
        }
    }

    /// The login page, with the level that was picked before, if it is one of those offered; else the lowest.
    async fn login_page(
        &self,
        validated: &Validated,
        fault: Option<EntryFault>,
        picked: &str,
    ) -> Result<Reply, Stop> {
        let texts = self.here.texts();
        let pools = self.site.provider.test_id().map_or(&[][..], |settings| &settings.pools);
        let persons = self.store().some_persons(pools, MOST_PERSONS).await?;
        let rungs: Vec<_> = offered(&self.site.provider.profile().acr, validated.minimum()).collect();
        let picked = rungs.iter().position(|(word, _)| *word == picked).unwrap_or(0);
        let levels = rungs.into_iter().enumerate().map(|(at, rung)| Level::of(texts, rung, at == picked));
        let service = Service::asked_for(validated);
        let fault_in_level = fault == Some(EntryFault::Level);
        let name = match fault {
            None => PageName::Login,
            Some(EntryFault::Level) => PageName::LoginFaultLevel,
            Some(EntryFault::Pid(_) | EntryFault::Stopped) => PageName::LoginFaultPid,
        };
        let login_page = LoginPage {
            frame: self.here.frame(name),
            name: &service.name.clone(),
            service: Some(service),
            action: &self.url(Endpoint::Login),
            form_token: &self.browser.form_token(&self.handle),
            levels: levels.collect(),
            persons: persons.iter().map(Pid::reveal).collect(),
            fault: fault.map(|fault| entry_fault(texts, fault)),
            fault_in_pid: fault.is_some() && !fault_in_level,
            fault_in_level,
        };
        let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(page(status, &login_page, self.here.form_action()))
    }

    /// Takes what was posted: a cancellation, or TestID's entry, which becomes evidence or the page again with what is wrong.
    async fn take(&mut self, form: &RawParams) -> Result<Reply, Stop> {
        let token = form.first("form_token").unwrap_or_default();
        if form.repeated().is_some() || !self.browser.admits_form(&self.handle, token) {
            return Err(Notice::FormStale.into());
        }
        let asked = ask(self.addressed().await?, self.site.reach(), &self.site.provider);
        let validated = match asked {
            Ok(validated) => validated,
            Err(refused) => return self.refuse(refused).await,
        };
        if form.first("action") == Some("cancel") {
            let addressed = validated.addressed().clone();
            return self.refuse(Box::new(Refused { addressed, fault: LoginFault::Cancelled.into() })).await;
        }
        let Some(settings) = self.site.provider.test_id() else { return Err(Notice::FormStale.into()) };
        let field = |name| form.first(name).unwrap_or_default();
        let ladder = &self.site.provider.profile().acr;
        // A person's own button says who; what was typed counts for the form's.
        let pid = if field("person").is_empty() { field("pid") } else { field("person") };
        let level = field("acr");
        let entry = match Entry::parse(settings, (pid, level), ladder, validated.minimum()) {
            Ok(entry) => entry,
            Err(fault) => return self.login_page(&validated, Some(fault), level).await,
        };
        let standing = self.site.standing(self.trace, entry.pid()).await?;
        let evidence =
            match entry.evidence(self.site.provider.stops(Method::TestId, standing), self.trace.now) {
                Ok(evidence) => evidence,
                Err(fault) => return self.login_page(&validated, Some(fault), level).await,
            };
        let (login, browser) = (self.handle.digest(), self.browser.digest());
        let issuer = self.site.provider.issuer();
        let written = self.store().record_evidence(issuer, login, browser, evidence, self.trace.now).await?;
        self.done(written).await?;
        Ok(see_other(&self.url(Endpoint::Resume)))
    }

    /// Decides again: the answer to the client, or where the browser goes next.
    ///
    /// # Errors
    /// [`Stop`]: the login has ended without an answer.
    pub(crate) async fn resume(&mut self) -> Result<Reply, Stop> {
        match self.decide().await? {
            Decision::AskLogin(_) => Ok(see_other(&self.url(Endpoint::Login))),
            Decision::Proceed(authenticated) => self.grant(&authenticated.grant()).await,
        }
    }

    async fn grant(&mut self, granted: &Granted) -> Result<Reply, Stop> {
        let code = Code::draw(&self.site.random);
        let id = GrantId(self.site.random.bytes());
        let (new_code, grant) = granted.issue(&code, id, self.here.language(), self.trace.now);
        let issue = Issue { code: new_code, grant };
        let (login, browser) = (self.handle.digest(), self.browser.digest());
        let issuer = self.site.provider.issuer();
        let written = self.store().finish_login(issuer, login, browser, issue, self.trace.now).await;
        let written = written
            .map_err(|broken| Stop::Broken(broken.to_string(), Some(Box::new(granted.addressed().clone()))));
        let written = written?;
        if written == LoginWrite::Superseded {
            return Ok(see_other(&self.url(Endpoint::Resume)));
        }
        self.done(written).await?;
        self.ended = true;
        Ok(see_other(&granted.reply(&self.site.provider, &code)))
    }

    async fn done(&self, written: LoginWrite) -> Result<(), Stop> {
        match written {
            LoginWrite::Done => Ok(()),
            LoginWrite::Finished => Err(Notice::Finished.about(self.site, self.trace, &self.client_id).await),
            LoginWrite::Unknown | LoginWrite::Superseded => {
                Err(Notice::Expired.about(self.site, self.trace, &self.client_id).await)
            }
        }
    }
}
