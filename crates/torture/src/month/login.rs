//! One login from its beginning to whatever end it has, and the answers that a sound store gives on the way.

use std::sync::Mutex;

use portvakt_crypto::encoding::hex_encode;
use portvakt_crypto::random::Random;
use portvakt_protocol::acr::Assurance;
use portvakt_protocol::client::{ClientId, RefreshUse};
use portvakt_protocol::evidence::{Evidence, Method};
use portvakt_protocol::grant::{Echo, Grant, GrantId, NewCode};
use portvakt_protocol::person::Pid;
use portvakt_protocol::pkce::CodeChallenge;
use portvakt_protocol::profile::{CODE_LIFETIME, LOGIN_LIFETIME, PILOT};
use portvakt_protocol::scope::Scopes;
use portvakt_protocol::secret::{
    BrowserDigest, BrowserSecret, Code, CodeDigest, LoginDigest, LoginHandle, RefreshTokenDigest,
};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_protocol::witness::Spending;
use portvakt_store::{Broken, CodeSpending, Issue, LoginWrite, NewLogin, Store};

use super::Counts;
use super::family::{Kept, Pair};
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
    /// Refresh tokens that were spent, and are presented again after a sweep.
    pub(super) kept: Mutex<Vec<Kept>>,
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
    /// What it gave is revoked (RFC 7009).
    Revoked,
    /// A refresh token is presented whose successor was used (RFC 9700 §4.14.2).
    RefreshReplayed,
    /// A refresh token is presented that nobody used for as long as it lasts.
    RefreshExpired,
}

const OTHER_ENDINGS: [Ending; 10] = [
    Ending::Replayed,
    Ending::Unredeemed,
    Ending::Abandoned,
    Ending::Left,
    Ending::Late,
    Ending::Refused,
    Ending::LoggedOut,
    Ending::Revoked,
    Ending::RefreshReplayed,
    Ending::RefreshExpired,
];

impl Ending {
    /// What a login can come to at a client with such refresh tokens: one that stays is never spent, and one that there is not never ends.
    fn at(self, refreshes: Option<RefreshUse>) -> Self {
        match (self, refreshes) {
            (Self::RefreshReplayed | Self::RefreshExpired, None)
            | (Self::RefreshReplayed, Some(RefreshUse::Reuse)) => Self::Revoked,
            (ending, _) => ending,
        }
    }

    fn is_redeemed(self) -> bool {
        match self {
            Self::Redeemed
            | Self::Replayed
            | Self::Revoked
            | Self::RefreshReplayed
            | Self::RefreshExpired => true,
            Self::Unredeemed
            | Self::Abandoned
            | Self::Left
            | Self::Late
            | Self::Refused
            | Self::LoggedOut => false,
        }
    }
}

/// Why a login went no further.
pub(super) enum Halt {
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
pub(super) struct Visitor {
    pub(super) client: ClientId,
    /// What becomes of the client's refresh tokens, if it gets any.
    pub(super) refreshes: Option<RefreshUse>,
    evidence: Evidence,
    login: LoginDigest,
    browser: BrowserDigest,
    code: CodeDigest,
    grant: GrantId,
    pub(super) random: Random,
    pub(super) chance: Chance,
    /// The tokens that it was given; the last refresh token is the one that can be used.
    pub(super) held: Vec<Pair>,
    /// The refresh tokens that it has used up, the first one first.
    pub(super) spent: Vec<RefreshTokenDigest>,
    /// What came of it.
    pub(super) counts: Counts,
}

impl Stage {
    /// The login of that number, which begins at that instant.
    ///
    /// # Errors
    /// An answer that no sound store gives, or a failure that no busy machine explains.
    pub(super) async fn live(&self, number: u64, at: Timestamp) -> Result<Counts, String> {
        let mut visitor = self.visitor(number, at).ok_or("the world has no clients")?;
        let drawn = if number % ONE_OTHER_IN == ONE_OTHER_IN - 1 {
            visitor.chance.pick(&OTHER_ENDINGS).copied().unwrap_or(Ending::Abandoned)
        } else {
            Ending::Redeemed
        };
        let ending = drawn.at(visitor.refreshes);
        match self.play(&mut visitor, ending, at).await {
            Ok(()) if ending == Ending::Redeemed => visitor.counts.whole += 1,
            Ok(()) => visitor.counts.otherwise += 1,
            Err(Halt::Broke(Broken::Busy | Broken::Unreachable(_) | Broken::Unknown(_))) => {
                visitor.counts.broken += 1;
            }
            Err(Halt::Broke(broken)) => return Err(told(&broken)),
            Err(Halt::Wrong(what)) => return Err(format!("login {number}, {ending:?}: {what}")),
        }
        Ok(visitor.counts)
    }

    /// A login that leads to tokens, and is not counted; when it has them.
    pub(super) async fn log_in(&self, number: u64, at: Timestamp) -> Result<Visitor, Halt> {
        let mut visitor = self.visitor(number, at).ok_or(Halt::Wrong("the world has no clients"))?;
        self.come_to(&mut visitor, Ending::Redeemed, at).await?;
        self.redeem(&mut visitor, at + AFTERWARDS).await?;
        Ok(visitor)
    }

    fn visitor(&self, number: u64, at: Timestamp) -> Option<Visitor> {
        let mut chance = Chance::seeded(self.seed ^ number.rotate_left(24));
        let random = Random::danger_seeded(chance.next());
        let auth_time = at + LOGGING_IN;
        let client = chance.pick(self.world.clients())?.clone();
        Some(Visitor {
            refreshes: self.world.refreshes(&client),
            client,
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
            held: Vec::new(),
            spent: Vec::new(),
            counts: Counts::default(),
        })
    }

    async fn play(&self, visitor: &mut Visitor, ending: Ending, at: Timestamp) -> Result<(), Halt> {
        self.come_to(visitor, ending, at).await?;
        if !ending.is_redeemed() {
            return Ok(());
        }
        let redeemed = at + AFTERWARDS;
        self.redeem(visitor, redeemed).await?;
        match ending {
            Ending::Replayed => {
                let (again, now) = (visitor.pair(), redeemed);
                let again =
                    self.store.spend_code(self.world.issuer(), visitor.spending(again, now), now).await?;
                right(matches!(again, Spending::Replayed), "its code can be spent twice")
            }
            Ending::Revoked => {
                let now = self.refresh_some(visitor, redeemed).await?;
                self.revoke(visitor, now).await
            }
            Ending::RefreshReplayed => self.replay(visitor, redeemed).await,
            Ending::RefreshExpired => {
                let now = self.refresh_some(visitor, redeemed).await?;
                self.outlast(visitor, now).await
            }
            Ending::Redeemed => self.refresh_some(visitor, redeemed).await.map(drop),
            Ending::Unredeemed
            | Ending::Abandoned
            | Ending::Left
            | Ending::Late
            | Ending::Refused
            | Ending::LoggedOut => Ok(()),
        }
    }

    /// As far as a code, if the login is to have one.
    async fn come_to(&self, visitor: &mut Visitor, ending: Ending, at: Timestamp) -> Result<(), Halt> {
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
            Ending::Redeemed
            | Ending::Replayed
            | Ending::Revoked
            | Ending::RefreshReplayed
            | Ending::RefreshExpired
            | Ending::Unredeemed
            | Ending::Left
            | Ending::LoggedOut => {
                let written = self.store.record_evidence(issuer, login, browser, evidence, logged_in).await?;
                done(written, "it takes no evidence")?;
            }
        }
        match ending {
            Ending::LoggedOut => {
                let ended = self.store.end_logins(issuer, &[browser], logged_in).await?;
                right(ended == 1, "logout ends another number of logins than one")
            }
            Ending::Redeemed
            | Ending::Replayed
            | Ending::Revoked
            | Ending::RefreshReplayed
            | Ending::RefreshExpired
            | Ending::Unredeemed => {
                let finished =
                    self.store.finish_login(issuer, login, browser, visitor.issue(), logged_in).await?;
                done(finished, "it cannot be finished")
            }
            Ending::Abandoned | Ending::Left | Ending::Late | Ending::Refused => Ok(()),
        }
    }

    async fn redeem(&self, visitor: &mut Visitor, now: Timestamp) -> Result<(), Halt> {
        let issuer = self.world.issuer();
        let loaded = self.store.code(issuer, &visitor.code).await?;
        right(loaded.is_some_and(|code| !code.spent && !code.revoked), "its code is not there")?;
        let pair = visitor.pair();
        let spent = self.store.spend_code(issuer, visitor.spending(pair, now), now).await?;
        right(matches!(spent, Spending::Spent(_)), "its code cannot be spent")?;
        visitor.held.push(pair);
        if visitor.chance.once_in(2) {
            let loaded = self.store.access_token(issuer, &pair.access).await?;
            right(loaded.is_some_and(|token| !token.revoked), "its token is not there")?;
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
                expires: self.grant_ends(),
                pseudonymous: false,
                echo: Echo {
                    nonce: Some(hex_encode(&self.random.bytes::<16>())),
                    locale: Some("nb".to_owned()),
                    onbehalfof: None,
                },
            },
        }
    }

    /// Who logs in.
    pub(super) fn person(&self) -> Pid {
        self.evidence.pid.clone()
    }

    /// The end of the grant.
    pub(super) fn grant_ends(&self) -> Timestamp {
        self.evidence.auth_time + PILOT.defaults.authorization_lifetime
    }

    fn spending(&self, pair: Pair, now: Timestamp) -> CodeSpending {
        CodeSpending {
            client_id: self.client.clone(),
            code: self.code,
            access_token: pair.access_token(now, self.grant_ends()),
            refresh_token: self.refreshes.map(|_| pair.refresh_token(now, self.grant_ends())),
        }
    }
}

fn done(written: LoginWrite, otherwise: &'static str) -> Result<(), Halt> {
    right(written == LoginWrite::Done, otherwise)
}

pub(super) fn right(right: bool, otherwise: &'static str) -> Result<(), Halt> {
    if right { Ok(()) } else { Err(Halt::Wrong(otherwise)) }
}
