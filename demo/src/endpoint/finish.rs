//! The end of a login: the answer is checked, the code redeemed, the tokens checked, userinfo asked; and all of it told.

use serde_json::Value;

use crate::jwt::{claims, member};
use crate::login::Login;
use crate::mistake::Mistake;
use crate::pages::{Failure, Logout, PageName, Person, StoryPage};
use crate::relying_party::{Check, Metadata, RelyingParty};
use crate::story::{self, Step};
use crate::summary::{Issuer, Registered};
use crate::wire::{Exchange, Pairs, Wire};

use super::{first, levels, told};

/// How a login ended.
#[derive(Default)]
pub(super) struct Told {
    steps: Vec<Step>,
    failure: Option<Failure>,
    person: Option<Person>,
    id_token: Option<String>,
    end_session: Option<String>,
}

impl Told {
    /// The page that tells it.
    pub(super) fn page<'a>(
        mut self,
        login: &'a Login,
        registered: &'a Registered,
        back: Option<&'a str>,
    ) -> StoryPage<'a> {
        let failure = self.failure.take();
        let page = if failure.is_some() { PageName::Failed } else { PageName::Result };
        let logout = self.end_session.zip(self.id_token).map(|(endpoint, id_token)| Logout {
            endpoint,
            id_token,
            client_id: &registered.client_id,
            back,
        });
        StoryPage {
            page,
            issuer: &login.issuer,
            client_id: &registered.client_id,
            mistake: told(login.asked.mistake),
            failure,
            person: self.person,
            steps: self.steps,
            logout,
        }
    }

    /// This service refuses: the first reason is the one that is told on top.
    fn refuse(&mut self, sentence: impl Into<String>) {
        self.failure.get_or_insert(Failure { who: "This service", code: None, sentence: sentence.into() });
    }

    /// Portvakt refused.
    fn refused(&mut self, code: Option<&str>, description: Option<&str>) {
        let meaning = code.map_or("", story::error_meaning);
        let sentence =
            description.map_or_else(|| meaning.to_owned(), |text| format!("{meaning} Portvakt says: {text}"));
        self.failure.get_or_insert(Failure { who: "Portvakt", code: code.map(str::to_owned), sentence });
    }

    /// The next step. A check of it that failed is a refusal.
    fn step(&mut self, step: Step) {
        let wrong = step.checks.iter().find_map(|check| Some((check.what.clone(), check.wrong.clone()?)));
        if let Some((what, wrong)) = wrong {
            self.refuse(format!("A check failed. Expected: {what} Found: {wrong}."));
        }
        self.steps.push(step);
    }
}

/// Follows a login to its end, as far as it goes, at `now`, in seconds since 1970.
pub(super) async fn finish(
    login: &Login,
    at: &Issuer,
    registered: &Registered,
    callback: &str,
    came: &Pairs,
    now: i64,
) -> Told {
    let mut told = Told::default();
    told.steps.extend(story::metadata(&login.read, None));
    told.steps.push(story::request(&login.request));
    let metadata = &login.metadata;
    let endpoint = metadata.additional_metadata().end_session_endpoint.as_ref();
    told.end_session = endpoint.map(|url| url.as_str().to_owned());
    told.step(
        story::answer(callback, came).checked([state_checked(login, came), issuer_checked(metadata, came)]),
    );
    if told.failure.is_some() {
        return told;
    }
    if let Some(code) = first(came, "error") {
        told.refused(Some(code), first(came, "error_description"));
        return told;
    }
    let Some(code) = first(came, "code") else {
        told.refuse("The answer has neither a code nor an error.");
        return told;
    };
    match RelyingParty::new(metadata.clone(), registered, callback, login.asked.mistake) {
        Ok(party) => redeem(&mut told, &party, login, at, code, now).await,
        Err(why) => told.refuse(why),
    }
    told
}

fn state_checked(login: &Login, came: &Pairs) -> Check {
    let state = first(came, "state");
    if state.is_none() && login.asked.mistake == Mistake::StateControl {
        let what =
            "The state that was sent cannot come back, so the login was found by the browser's cookie alone.";
        return Check::of(what, true, String::new);
    }
    let what = "state is the one that this service sent from this browser, and it came for the first time.";
    Check::of(what, state == Some(login.state.as_str()), || state.unwrap_or("nothing").to_owned())
}

fn issuer_checked(metadata: &Metadata, came: &Pairs) -> Check {
    let issuer = metadata.issuer().as_str();
    match (first(came, "iss"), metadata.additional_metadata().authorization_response_iss_parameter_supported)
    {
        (Some(iss), _) => {
            Check::of(&format!("iss is {issuer} (RFC 9207)."), iss == issuer, || iss.to_owned())
        }
        (None, true) => {
            Check::of("iss is there, as the metadata promises (RFC 9207).", false, || "nothing".to_owned())
        }
        (None, false) => Check::of("No iss: this issuer's metadata promises none.", true, String::new),
    }
}

/// From the code to the end.
async fn redeem(told: &mut Told, party: &RelyingParty, login: &Login, at: &Issuer, code: &str, now: i64) {
    let (wire, verifier, mistake) = (Wire::default(), login.verifier.as_deref(), login.asked.mistake);
    let read = party.redeem(&wire, code, verifier, mistake).await;
    let Some(exchange) = wire.last() else {
        return told.refuse(read.err().unwrap_or_default());
    };
    for step in story::token("Token request", &exchange) {
        told.step(step);
    }
    let Some(body) = tokens(told, &exchange) else { return };
    let text = |name: &str| member(&body, name).as_str().unwrap_or_default();
    let (id_token, access_token) = (text("id_token"), text("access_token"));
    let found = claims(id_token).unwrap_or_default();
    if let (Err(why), false) = (read, member(&found, "amr").is_string()) {
        told.refuse(format!("The library cannot read the token response: {why}"));
    }
    let mut checks = party.check_id_token(id_token, &login.nonce, now);
    checks.extend(level_checked(
        login,
        &levels(at, &party.metadata),
        member(&found, "acr").as_str().unwrap_or_default(),
    ));
    told.step(story::id_token(id_token).checked(checks));
    told.id_token = Some(id_token.to_owned());
    let name = member(&found, "pid").as_str().or(member(&found, "sub").as_str()).unwrap_or_default();
    let level = member(&found, "acr").as_str().unwrap_or_default();
    told.person = Some(Person { name: name.to_owned(), level: level.to_owned() });
    told.step(story::access_token(access_token));
    if mistake == Mistake::CodeTwice {
        again(told, party, code, verifier).await;
    }
    if text("scope").split(' ').any(|scope| scope == "profile") {
        userinfo(told, party, access_token, member(&found, "sub").as_str().unwrap_or_default()).await;
    }
}

/// The members of a token response, if it is not a refusal.
fn tokens(told: &mut Told, exchange: &Exchange) -> Option<Value> {
    let body: Value = serde_json::from_str(&exchange.body).unwrap_or_default();
    if exchange.status.is_success() && body.is_object() {
        return Some(body);
    }
    told.refused(member(&body, "error").as_str(), member(&body, "error_description").as_str());
    None
}

/// The level that was asked for, or a higher one.
fn level_checked(login: &Login, ladder: &[String], reached: &str) -> Option<Check> {
    let asked = login.asked.acr.as_deref()?;
    let rung = |level: &str| ladder.iter().position(|known| known == level);
    let holds = matches!((rung(asked), rung(reached)), (Some(asked), Some(reached)) if reached >= asked);
    Some(Check::of(&format!("acr is {asked}, or higher."), holds, || reached.to_owned()))
}

/// The same code, a second time.
async fn again(told: &mut Told, party: &RelyingParty, code: &str, verifier: Option<&str>) {
    let wire = Wire::default();
    let read = party.redeem(&wire, code, verifier, Mistake::CodeTwice).await;
    let Some(exchange) = wire.last() else {
        return told.refuse(read.err().unwrap_or_default());
    };
    for step in story::token("Token request with the same code", &exchange) {
        told.step(step);
    }
    tokens(told, &exchange);
}

async fn userinfo(told: &mut Told, party: &RelyingParty, access_token: &str, sub: &str) {
    let wire = Wire::default();
    let wrong = party.userinfo(&wire, access_token, sub).await.err();
    match wire.last() {
        Some(exchange) => {
            let what = "The library read the answer, and its sub is the ID token's.";
            told.step(story::userinfo(&exchange).checked([Check { what: what.to_owned(), wrong }]));
        }
        None => told.refuse(wrong.unwrap_or_default()),
    }
}
