//! One login from its beginning to whatever end it has, and the answers that a sound store gives on the way.

use portvakt_crypto::encoding::hex_encode;
use portvakt_crypto::random::Random;
use portvakt_protocol::acr::Assurance;
use portvakt_protocol::client::ClientId;
use portvakt_protocol::evidence::{Evidence, Method};
use portvakt_protocol::grant::{Echo, Grant, GrantId, NewAccessToken, NewCode};
use portvakt_protocol::pkce::CodeChallenge;
use portvakt_protocol::profile::{CODE_LIFETIME, LOGIN_LIFETIME, PILOT};
use portvakt_protocol::scope::Scopes;
use portvakt_protocol::secret::{
    AccessToken, BrowserDigest, BrowserSecret, Code, CodeDigest, LoginDigest, LoginHandle,
};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::witness::Spending;
use portvakt_store::{Broken, CodeSpending, Issue, LoginWrite, NewLogin, Store};

use crate::chance::Chance;
use crate::world::{World, told};

/// One login in so many does not lead to a token, or to more than that.
pub(super) const ONE_OTHER_IN: u64 = 13;

const REDIRECT_URI: &str = "https://demo.example/callback";

/// How long a person takes to log in.
const LOGGING_IN: Seconds = Seconds::new(40);
/// How long everything after that takes.
const AFTERWARDS: Seconds = Seconds::new(42);

/// Where logins happen.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) store: Store,
    pub(super) world: World,
    pub(super) seed: u64,
}

/// What came of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// A token, once.
    Whole,
    /// Something else, as it was meant to.
    Otherwise,
    /// Nobody knows: an answer did not come in time.
    Broke,
}

/// How a login ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// The code is redeemed.
    Redeemed,
    /// It is redeemed twice.
    Replayed,
    /// Nobody redeems it.
    Unredeemed,
    /// Nobody logs in.
    Abandoned,
    /// Somebody logs in and goes away.
    Left,
    /// Somebody logs in when the login is over.
    Late,
    /// It is cancelled.
    Refused,
    /// It is ended by logout.
    LoggedOut,
}

const OTHER_ENDINGS: [Ending; 7] = [
    Ending::Replayed,
    Ending::Unredeemed,
    Ending::Abandoned,
    Ending::Left,
    Ending::Late,
    Ending::Refused,
    Ending::LoggedOut,
];

/// Why a login went no further.
enum Halt {
    Broke(Broken),
    /// No sound store answers that.
    Wrong(&'static str),
}

impl From<Broken> for Halt {
    fn from(broken: Broken) -> Self {
        Self::Broke(broken)
    }
}

/// Who logs in, and what is drawn for it.
struct Visitor {
    client: ClientId,
    evidence: Evidence,
    login: LoginDigest,
    browser: BrowserDigest,
    code: CodeDigest,
    grant: GrantId,
    random: Random,
    chance: Chance,
}

impl Stage {
    /// The login of that number, which begins at that instant.
    ///
    /// # Errors
    /// An answer that no sound store gives, or a failure that no busy machine explains.
    pub(super) async fn live(&self, number: u64, at: Timestamp) -> Result<Came, String> {
        let mut visitor = self.visitor(number, at).ok_or("the world has no clients")?;
        let ending = if number % ONE_OTHER_IN == ONE_OTHER_IN - 1 {
            visitor.chance.pick(&OTHER_ENDINGS).copied().unwrap_or(Ending::Abandoned)
        } else {
            Ending::Redeemed
        };
        match self.play(&mut visitor, ending, at).await {
            Ok(()) if ending == Ending::Redeemed => Ok(Came::Whole),
            Ok(()) => Ok(Came::Otherwise),
            Err(Halt::Broke(Broken::Busy | Broken::Unreachable(_) | Broken::Unknown(_))) => Ok(Came::Broke),
            Err(Halt::Broke(broken)) => Err(told(&broken)),
            Err(Halt::Wrong(what)) => Err(format!("login {number}, {ending:?}: {what}")),
        }
    }

    fn visitor(&self, number: u64, at: Timestamp) -> Option<Visitor> {
        let mut chance = Chance::seeded(self.seed ^ number.rotate_left(24));
        let random = Random::danger_seeded(chance.next());
        let auth_time = at + LOGGING_IN;
        Some(Visitor {
            client: chance.pick(self.world.clients())?.clone(),
            evidence: Evidence {
                pid: chance.pick(self.world.persons())?.pid.clone(),
                method: Method::TestId,
                assurance: Assurance::High,
                auth_time,
            },
            login: LoginHandle::draw(&random).digest(),
            browser: BrowserSecret::draw(&random).digest(),
            code: Code::draw(&random).digest(),
            grant: GrantId(random.bytes()),
            random,
            chance,
        })
    }

    async fn play(&self, visitor: &mut Visitor, ending: Ending, at: Timestamp) -> Result<(), Halt> {
        let (issuer, login, browser) = (self.world.issuer(), visitor.login, visitor.browser);
        self.store.begin_login(issuer, visitor.new_login(at)).await?;
        let logged_in = at + LOGGING_IN;
        let evidence = visitor.evidence.clone();
        match ending {
            Ending::Abandoned => return Ok(()),
            Ending::Refused => {
                let refused = self.store.refuse_login(issuer, login, browser, "cancelled", logged_in).await?;
                return done(refused, "it cannot be refused");
            }
            Ending::Late => {
                let late = at + LOGIN_LIFETIME;
                let written = self.store.record_evidence(issuer, login, browser, evidence, late).await?;
                return right(written == LoginWrite::Unknown, "it outlives its lifetime");
            }
            Ending::Redeemed | Ending::Replayed | Ending::Unredeemed | Ending::Left | Ending::LoggedOut => {
                let written = self.store.record_evidence(issuer, login, browser, evidence, logged_in).await?;
                done(written, "it takes no evidence")?;
            }
        }
        match ending {
            Ending::LoggedOut => {
                let ended = self.store.end_logins(issuer, &[browser], logged_in).await?;
                right(ended == 1, "logout ends another number of logins than one")
            }
            Ending::Redeemed | Ending::Replayed | Ending::Unredeemed => {
                let finished =
                    self.store.finish_login(issuer, login, browser, visitor.issue(), logged_in).await?;
                done(finished, "it cannot be finished")?;
                self.redeem(visitor, ending, at + AFTERWARDS).await
            }
            Ending::Abandoned | Ending::Left | Ending::Late | Ending::Refused => Ok(()),
        }
    }

    async fn redeem(&self, visitor: &mut Visitor, ending: Ending, now: Timestamp) -> Result<(), Halt> {
        if ending == Ending::Unredeemed {
            return Ok(());
        }
        let issuer = self.world.issuer();
        let loaded = self.store.code(issuer, &visitor.code).await?;
        right(loaded.is_some_and(|code| !code.spent && !code.revoked), "its code is not there")?;
        let spending = visitor.spending(now);
        let token = spending.access_token.digest;
        let spent = self.store.spend_code(issuer, spending, now).await?;
        right(matches!(spent, Spending::Spent(_)), "its code cannot be spent")?;
        if visitor.chance.once_in(2) {
            let loaded = self.store.access_token(issuer, &token).await?;
            right(loaded.is_some_and(|token| !token.revoked), "its token is not there")?;
        }
        if ending == Ending::Replayed {
            let again = self.store.spend_code(issuer, visitor.spending(now), now).await?;
            right(matches!(again, Spending::Replayed), "its code can be spent twice")?;
        }
        Ok(())
    }
}

impl Visitor {
    /// With a request as long as they are.
    fn new_login(&self, at: Timestamp) -> NewLogin {
        let [state, nonce] = [self.random.bytes::<16>(), self.random.bytes::<16>()].map(|of| hex_encode(&of));
        let request = format!(
            "response_type=code&client_id={}&redirect_uri=https%3A%2F%2Fdemo.example%2Fcallback&scope=openid+profile&state={state}\
             &nonce={nonce}&code_challenge={}&code_challenge_method=S256&acr_values=Level4&ui_locales=nb",
            self.client.as_str(),
            self.challenge()
        );
        let expires = at + LOGIN_LIFETIME;
        let (login, browser, client_id) = (self.login, self.browser, self.client.clone());
        NewLogin { login, browser, client_id, request, started: at, expires }
    }

    /// As long as a challenge is (RFC 7636 §4.2), and of its alphabet.
    fn challenge(&self) -> String {
        let mut text = hex_encode(self.code.as_bytes());
        text.truncate(43);
        text
    }

    fn issue(&self) -> Issue {
        let auth_time = self.evidence.auth_time;
        Issue {
            code: NewCode {
                digest: self.code,
                redirect_uri: REDIRECT_URI.to_owned(),
                challenge: CodeChallenge::parse(&self.challenge()),
                expires: auth_time + CODE_LIFETIME,
            },
            grant: Grant {
                id: self.grant,
                client_id: self.client.clone(),
                pid: self.evidence.pid.clone(),
                scopes: Scopes::parse("openid profile").unwrap_or_default(),
                method: self.evidence.method,
                assurance: self.evidence.assurance,
                auth_time,
                issued: auth_time,
                expires: auth_time + PILOT.defaults.authorization_lifetime,
                echo: Echo {
                    nonce: Some(hex_encode(&self.random.bytes::<16>())),
                    locale: Some("nb".to_owned()),
                    onbehalfof: None,
                },
            },
        }
    }

    fn spending(&self, now: Timestamp) -> CodeSpending {
        let digest = AccessToken::draw(&self.random).digest();
        let expires = now + PILOT.defaults.access_token_lifetime;
        let access_token = NewAccessToken { digest, issued: now, expires, narrowed: None };
        CodeSpending { client_id: self.client.clone(), code: self.code, access_token, refresh_token: None }
    }
}

fn done(written: LoginWrite, otherwise: &'static str) -> Result<(), Halt> {
    right(written == LoginWrite::Done, otherwise)
}

fn right(right: bool, otherwise: &'static str) -> Result<(), Halt> {
    if right { Ok(()) } else { Err(Halt::Wrong(otherwise)) }
}
