//! Logins under way: what a service must remember between the request and its answer, once each, and not for ever.

use std::collections::VecDeque;

use openidconnect::Nonce;
use openidconnect::url::Url;

use crate::mistake::Mistake;
use crate::relying_party::Metadata;
use crate::wire::Exchange;

/// So many are remembered, oldest out first: a visitor who begins logins and finishes none takes no more than this.
const MOST_KEPT: usize = 256;

/// What was asked for on the first page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// A level, or what the issuer thinks right.
    pub(crate) acr: Option<String>,
    /// The language of its pages.
    pub(crate) ui_locales: Option<String>,
    /// `none` or `login`.
    pub(crate) prompt: Option<String>,
    /// What to do wrong.
    pub(crate) mistake: Mistake,
}

/// A login under way.
#[derive(Debug)]
pub(crate) struct Login {
    /// The browser that began it, by its cookie.
    pub(crate) browser: String,
    /// The state that was sent.
    pub(crate) state: String,
    /// The nonce that must come back in the ID token.
    pub(crate) nonce: Nonce,
    /// The verifier that the challenge was made of; none where no challenge was sent.
    pub(crate) verifier: Option<String>,
    /// Where the person was sent.
    pub(crate) issuer: String,
    /// What that issuer said of itself then: the answer is judged by it.
    pub(crate) metadata: Metadata,
    /// How it said it.
    pub(crate) read: Vec<Exchange>,
    /// The whole authorization request.
    pub(crate) request: Url,
    /// What was asked for.
    pub(crate) asked: Asked,
}

/// What a state turns out to be.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Of this login, which is now forgotten.
    Login(Box<Login>),
    /// Of a login whose answer has been here before.
    Used,
    /// Of no login of this browser.
    Strange,
}

/// The logins under way, and the states of those that are over.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    under_way: VecDeque<Login>,
    over: VecDeque<(String, String)>,
}

impl Logins {
    /// Remembers a login.
    pub(crate) fn begin(&mut self, login: Login) {
        self.under_way.push_back(login);
        if self.under_way.len() > MOST_KEPT {
            self.under_way.pop_front();
        }
    }

    /// Takes the login of this browser and state. It is there once.
    pub(crate) fn take(&mut self, browser: &str, state: &str) -> Taken {
        let place = self.under_way.iter().position(|login| login.browser == browser && login.state == state);
        if let Some(login) = place.and_then(|place| self.under_way.remove(place)) {
            return self.end(login);
        }
        let known = self.over.iter().any(|(known, over)| known == browser && over == state);
        if known { Taken::Used } else { Taken::Strange }
    }

    /// Takes the last login of this browser if it sent a state that cannot come back.
    pub(crate) fn take_without_state(&mut self, browser: &str) -> Taken {
        let place = self.under_way.iter().rposition(|login| login.browser == browser);
        let place = place.filter(|place| {
            self.under_way.get(*place).is_some_and(|login| login.asked.mistake == Mistake::StateControl)
        });
        match place.and_then(|place| self.under_way.remove(place)) {
            Some(login) => self.end(login),
            None => Taken::Strange,
        }
    }

    fn end(&mut self, login: Login) -> Taken {
        self.over.push_back((login.browser.clone(), login.state.clone()));
        if self.over.len() > MOST_KEPT {
            self.over.pop_front();
        }
        Taken::Login(Box::new(login))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least that Discovery 1.0 §3 lets an issuer say.
    fn metadata() -> Metadata {
        serde_json::from_value(serde_json::json!({
            "issuer": "http://localhost:8080",
            "authorization_endpoint": "http://localhost:8080/authorize",
            "jwks_uri": "http://localhost:8080/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"]
        }))
        .unwrap()
    }

    fn login(browser: &str, state: &str, mistake: Mistake) -> Login {
        Login {
            browser: browser.to_owned(),
            state: state.to_owned(),
            nonce: Nonce::new("n".to_owned()),
            verifier: None,
            issuer: "http://localhost:8080".to_owned(),
            metadata: metadata(),
            read: Vec::new(),
            request: "http://localhost:8080/authorize".parse().unwrap(),
            asked: Asked { mistake, ..Asked::default() },
        }
    }

    #[test]
    fn rfc6749_s10_12_a_state_counts_in_the_browser_that_got_it_and_once() {
        let mut logins = Logins::default();
        logins.begin(login("a", "1", Mistake::Nothing));
        assert!(matches!(logins.take("b", "1"), Taken::Strange), "another browser");
        assert!(matches!(logins.take("a", "2"), Taken::Strange), "another state");
        assert!(matches!(logins.take("a", "1"), Taken::Login(_)));
        assert!(matches!(logins.take("a", "1"), Taken::Used));
        assert!(matches!(logins.take("b", "1"), Taken::Strange));
    }

    #[test]
    fn an_answer_without_state_is_taken_only_where_none_could_come_back() {
        let mut logins = Logins::default();
        logins.begin(login("a", "1", Mistake::Nothing));
        assert!(matches!(logins.take_without_state("a"), Taken::Strange));
        logins.begin(login("a", "2", Mistake::StateControl));
        assert!(matches!(logins.take_without_state("b"), Taken::Strange));
        assert!(matches!(logins.take_without_state("a"), Taken::Login(_)));
    }

    #[test]
    fn logins_that_nobody_finishes_are_forgotten() {
        let mut logins = Logins::default();
        for number in 0..=MOST_KEPT {
            logins.begin(login("a", &number.to_string(), Mistake::Nothing));
        }
        assert!(matches!(logins.take("a", "0"), Taken::Strange));
        assert!(matches!(logins.take("a", "1"), Taken::Login(_)));
    }
}
