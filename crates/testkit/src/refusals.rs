//! Refusals as scenes assert them: where they arrive, what they carry, and that they changed nothing.

use crate::browser::Browser;
use crate::call::Reply;
use crate::canaries::log;
use crate::redemption::{Redemption, Tokens};
use crate::relying_party::{Answer, Asking, RelyingParty};
use crate::world::World;

impl World {
    /// An authorization request that must be refused at its redirect URI: the `error`. It carries `state` as sent and `iss` as
    /// promised, no code and no cookie, and nothing was written.
    ///
    /// # Panics
    /// If any of that is otherwise.
    pub async fn refused(&self, asking: &Asking) -> String {
        let before = self.rows();
        let reply = asking.send().await;
        assert_eq!(reply.status, 303, "{:?}: {}", asking.params, reply.text());
        let answer = asking.answer(&reply);
        assert!(answer.get("code").is_none() && reply.headers("set-cookie").is_empty());
        assert_marks(asking, &answer);
        self.assert_untouched(&before);
        answer.get("error").expect("an error").to_owned()
    }

    /// An authorization request that must be refused on a page, never by a redirect, and change nothing.
    ///
    /// # Panics
    /// If any of that is otherwise.
    pub async fn refused_on_page(&self, asking: &Asking) -> Reply {
        let before = self.rows();
        let reply = asking.send().await;
        assert!(reply.is_page_with(400), "{} {:?}: {}", reply.status, reply.location(), asking.url());
        assert_eq!(reply.header("location"), "");
        assert!(reply.headers("set-cookie").is_empty());
        self.assert_untouched(&before);
        reply
    }

    /// The same, by this rule of the log.
    ///
    /// # Panics
    /// If any of that is otherwise.
    pub async fn refused_on_page_by(&self, asking: &Asking, rule: &str) -> Reply {
        let reply = self.refused_on_page(asking).await;
        assert_eq!(logged_rule(&reply), rule, "{}", asking.url());
        reply
    }

    /// An authorization request that must be refused at its redirect URI with this `error`, by this rule of the log.
    ///
    /// # Panics
    /// If any of that is otherwise.
    pub async fn refused_at_redirect_by(&self, asking: &Asking, error: &str, rule: &str) {
        assert_eq!(self.refused(asking).await, error, "{}", asking.url());
        assert_eq!(logged_rule(&asking.send().await), rule, "{}", asking.url());
    }

    /// An authorization request that must lead to a login page, in a browser of its own.
    ///
    /// # Panics
    /// If it does not.
    pub async fn accepted(&self, asking: &Asking) -> Reply {
        let page = self.browser().visit(&asking.url()).await;
        assert!(page.is_page_with(200), "{} {:?} for {:?}", page.status, page.location(), asking.params);
        assert!(!page.form().offers("acr").is_empty(), "no login page, but {}", page.text());
        page
    }

    /// A token request that must be refused, and change nothing: the `error`.
    ///
    /// # Panics
    /// If any of that is otherwise.
    pub async fn refused_at_token(&self, redemption: &Redemption) -> String {
        let before = self.rows();
        let reply = redemption.send().await;
        assert_token_refusal(&reply);
        self.assert_untouched(&before);
        reply.error()
    }

    /// A client's request that must be refused by this rule with this `error`, and change nothing.
    ///
    /// # Panics
    /// If any of that is otherwise.
    pub async fn refused_by(&self, request: &Redemption, error: &str, rule: &str) -> Reply {
        let before = self.rows();
        let reply = request.send().await;
        assert_rule(&reply, error, rule);
        self.assert_untouched(&before);
        reply
    }

    /// A userinfo request that must be refused with `invalid_token`, and change nothing.
    ///
    /// # Panics
    /// If any of that is otherwise.
    pub async fn refused_at_userinfo(&self, service: &RelyingParty, token: &str) {
        let before = self.rows();
        let reply = service.userinfo(token).await;
        assert_eq!(reply.status, 401, "{}", reply.text());
        assert_eq!(reply.error(), "invalid_token");
        self.assert_untouched(&before);
    }

    /// The same, by this rule: userinfo tells that the token is not good, the log why.
    ///
    /// # Panics
    /// If any of that is otherwise.
    pub async fn refused_at_userinfo_by(&self, service: &RelyingParty, token: &str, rule: &str) {
        let before = self.rows();
        let reply = service.userinfo(token).await;
        assert_eq!(
            (reply.status.as_u16(), reply.error().as_str()),
            (401, "invalid_token"),
            "{}",
            reply.text()
        );
        assert!(reply.error_uri().ends_with("/errors/token-not-good"), "{}", reply.error_uri());
        assert_eq!(logged_rule(&reply), rule);
        self.assert_untouched(&before);
    }

    /// An introspection that must tell nothing but that the token is not active, and change nothing. The log has this reason; it finds
    /// the last that `reader` was told, so each scene has a reader of its own name.
    ///
    /// # Panics
    /// If any of that is otherwise.
    pub async fn inactive(&self, reader: &RelyingParty, token: &str, reason: &str) {
        let before = self.rows();
        assert_inactive(&reader.introspecting(token).send().await);
        let (log, client) = (log(), format!(" client=\"{}\"", reader.service().client_id));
        let mut lines = log.lines().filter(|line| line.contains(" inactive: ") && line.contains(&client));
        let line = lines.next_back().unwrap_or_default();
        assert!(line.contains(&format!(" reason=\"{reason}\"")), "{reason}: {line}");
        self.assert_untouched(&before);
    }

    /// A whole login and its tokens, in a browser of its own.
    ///
    /// # Panics
    /// If any step goes another way.
    pub async fn tokens(&self, service: &RelyingParty, pid: &str) -> Tokens {
        let answer = service.login(&mut self.browser(), pid).await;
        service.tokens(&answer).await
    }

    /// The same for these scopes.
    ///
    /// # Panics
    /// If any step goes another way.
    pub async fn tokens_for(&self, service: &RelyingParty, pid: &str, scope: &str) -> Tokens {
        let asking = service.request().with("scope", scope);
        let answer = service.login_with(&mut self.browser(), pid, asking).await;
        service.tokens(&answer).await
    }

    /// A whole login, to its answer, in a browser of its own.
    ///
    /// # Panics
    /// If any step goes another way.
    pub async fn answer(&self, service: &RelyingParty, pid: &str) -> Answer {
        service.login(&mut self.browser(), pid).await
    }

    /// A login that was begun in `browser`: its page.
    ///
    /// # Panics
    /// If there is none.
    pub async fn page(&self, browser: &mut Browser, asking: &Asking) -> Reply {
        let page = browser.visit(&asking.url()).await;
        assert!(page.is_page_with(200), "{} for {:?}", page.status, asking.params);
        page
    }
}

/// What every answer at a redirect URI carries beside its content: `state` as it was sent, and `iss` where it is promised.
///
/// # Panics
/// If it is otherwise.
#[track_caller]
pub fn assert_marks(asking: &Asking, answer: &Answer) {
    let states: Vec<_> = asking.params.iter().filter(|(name, _)| name == "state").collect();
    let sent = match states.as_slice() {
        [(_, state)] if !state.is_empty() => Some(state.as_str()),
        _ => None,
    };
    let printable = sent.filter(|state| state.bytes().all(|byte| (0x20..=0x7E).contains(&byte)));
    assert_eq!(answer.get("state"), printable, "state comes back as it was sent");
    assert_eq!(answer.get("iss"), asking.promised_iss(), "RFC 9207 §2");
}

/// A refusal of an endpoint where clients authenticate, by this rule: its page, its words, and its name in the log. Of a failed
/// authentication the page tells no more than that, and the rule stands in the log.
///
/// # Panics
/// If it is otherwise.
#[track_caller]
pub fn assert_rule(reply: &Reply, error: &str, rule: &str) {
    assert_token_refusal(reply);
    assert_eq!(
        (reply.error().as_str(), logged_rule(reply).as_str()),
        (error, rule),
        "{}",
        reply.description()
    );
    let told = reply.error_uri().rsplit('/').next().map(str::to_owned).unwrap_or_default();
    let hidden = told == "client-authentication";
    assert!(told == rule || hidden, "{told} is told, {rule} was meant");
}

/// An answer that a token is not active, which says nothing else (RFC 7662 §2.2).
///
/// # Panics
/// If it is otherwise.
#[track_caller]
pub fn assert_inactive(reply: &Reply) {
    assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, r#"{"active":false}"#));
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
}

/// The trace id of a refusal, in whatever form it came: at the end of a description, or on a page.
///
/// # Panics
/// If it has none.
#[track_caller]
pub fn trace_id(reply: &Reply) -> String {
    if reply.is_page() {
        let text = reply.text();
        let is_id = |word: &&str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let found = text.split(|character: char| !character.is_ascii_alphanumeric()).find(is_id);
        return found.unwrap_or_else(|| panic!("no trace id in {text}")).to_owned();
    }
    let description = reply.description();
    let (_, id) =
        description.rsplit_once(" (trace_id: ").unwrap_or_else(|| panic!("no trace id in {description}"));
    id.trim_end_matches(')').to_owned()
}

/// The rule that the log names for a refusal.
///
/// # Panics
/// If the log does not have it.
#[track_caller]
pub fn logged_rule(reply: &Reply) -> String {
    let (log, trace) = (log(), trace_id(reply));
    let mut lines = log.lines().filter(|line| line.contains(&trace) && line.contains(" refusal: "));
    let line = lines.next().unwrap_or_else(|| panic!("the log does not tell of {trace}"));
    let rule = line.split(" rule=\"").nth(1).and_then(|rest| rest.split('"').next());
    rule.unwrap_or_else(|| panic!("no rule in {line}")).to_owned()
}

/// A refusal of the token endpoint as RFC 6749 §5.2 has it: JSON, not stored, with a challenge where the client did not
/// authenticate.
///
/// # Panics
/// If it is otherwise.
#[track_caller]
pub fn assert_token_refusal(reply: &Reply) {
    assert!(matches!(reply.status.as_u16(), 400 | 401), "{}: {}", reply.status, reply.text());
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert!(!reply.error().is_empty() && !reply.description().is_empty());
    assert_eq!(reply.status == 401, reply.error() == "invalid_client");
    assert_eq!(reply.status == 401, !reply.header("www-authenticate").is_empty());
}
