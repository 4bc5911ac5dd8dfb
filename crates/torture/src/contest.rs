//! What is used once, wanted by many at the same moment. A thing is one code, login, refresh token or issuer without a key; a contest is one
//! attempt at a thing, among others at the same thing. Of a refresh token many may be told that they have it, for each may be the retry of
//! a lost answer: what one of them alone has in the end is a token that lives. Contenders are tasks of one process, and processes that agree on the things
//! by a seed.

mod lockstep;
mod rivals;
mod settled;
mod tally;

use portvakt_protocol::grant::GrantId;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::secret::{
    AccessToken, AccessTokenDigest, BrowserDigest, BrowserSecret, Code, CodeDigest, LoginDigest, LoginHandle,
    RefreshToken, RefreshTokenDigest,
};
use portvakt_protocol::time::Timestamp;

pub use self::lockstep::lockstep;
pub use self::rivals::{Gate, prepare, run};
pub use self::tally::{Counts, Ruling, add_up, read_wins, write_wins};

use crate::world::World;

/// The instant of every attempt: the things of a seed are the same whenever they are contested.
const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// Issuers stay in every node's memory: so many at most get their first key contested.
const MOST_ISSUERS: u32 = 256;

/// Who contends for how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Makes the same things in every process.
    pub seed: u64,
    /// Contests: attempts of all processes taken together, at least.
    pub attempts: u64,
    /// Tasks of each process.
    pub tasks: u32,
    /// How many of a process's tasks want the same thing.
    pub contenders: u32,
    /// How many processes want the same thing.
    pub processes: u32,
    /// Which of them this is, counted from 0.
    pub process: u32,
}

/// What can be used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    /// A code is spent.
    Code,
    /// A login is finished with a code.
    Login,
    /// A login gets one answer: a code, a refusal or a logout.
    Answer,
    /// An issuer gets its first signing key.
    FirstKey,
    /// A refresh token is used: each of its uses may be a retry, and the tokens of one of them live.
    Refresh,
    /// A refresh token and its successor are used: the tokens of one use live at most.
    Fork,
    /// A refresh token is used while its grant is revoked: nothing lives.
    Revocation,
}

/// Every kind.
const THINGS: [Thing; 7] = [
    Thing::Code,
    Thing::Login,
    Thing::Answer,
    Thing::FirstKey,
    Thing::Refresh,
    Thing::Fork,
    Thing::Revocation,
];

/// The tokens that one attempt at a refresh token brings, or that were there before.
#[derive(Clone, Copy, Debug)]
struct Pair {
    access: AccessTokenDigest,
    refresh: RefreshTokenDigest,
}

impl Plan {
    /// How many things there are.
    pub fn things(&self) -> u32 {
        let rivals = u64::from(self.contenders.max(1)) * u64::from(self.processes.max(1));
        u32::try_from(self.attempts.div_ceil(rivals)).unwrap_or(u32::MAX)
    }

    /// What a thing is: a quarter of them codes, a quarter refresh tokens in three ways, a quarter logins, a quarter answers, and a first key
    /// now and then.
    pub fn thing(&self, number: u32) -> Thing {
        match number % 32 {
            0 if number / 32 < MOST_ISSUERS => Thing::FirstKey,
            7 | 23 => Thing::Fork,
            15 | 31 => Thing::Revocation,
            at if at % 4 == 1 => Thing::Code,
            at if at % 4 == 3 => Thing::Refresh,
            at if at % 4 == 0 => Thing::Login,
            _ => Thing::Answer,
        }
    }

    fn world(&self) -> Result<World, String> {
        World::new(&format!("contest-{}", self.seed), 1)
    }

    fn name(&self, number: u32) -> String {
        format!("contest {} {number}", self.seed)
    }

    fn login(&self, number: u32) -> (LoginDigest, BrowserDigest) {
        let name = self.name(number);
        (LoginHandle::presented(&name).digest(), BrowserSecret::presented(&name).digest())
    }

    /// The code of a thing, or the one that a rival brings.
    fn code(&self, number: u32, rival: Option<u32>) -> (CodeDigest, GrantId) {
        let name = match rival {
            None => self.name(number),
            Some(rival) => format!("{} {}.{rival}", self.name(number), self.process),
        };
        let digest = Code::presented(&name).digest();
        let mut grant = [0; 16];
        grant.iter_mut().zip(Code::presented(&format!("grant of {name}")).digest().as_bytes()).for_each(
            |(to, from)| {
                *to = *from;
            },
        );
        (digest, GrantId(grant))
    }

    /// The access token that a rival at a code brings.
    fn token(&self, number: u32, rival: u32) -> AccessTokenDigest {
        self.pair(number, Some((self.process, rival))).access
    }

    /// The tokens that a rival of one process brings; those of nobody are there before.
    fn pair(&self, number: u32, by: Option<(u32, u32)>) -> Pair {
        let name = match by {
            None => self.name(number),
            Some((process, rival)) => format!("{} {process}.{rival}", self.name(number)),
        };
        Pair {
            access: AccessToken::presented(&name).digest(),
            refresh: RefreshToken::presented(&format!("{name} refresh")).digest(),
        }
    }

    /// The successor that a token has before anybody contends for them.
    fn successor(&self, number: u32) -> Pair {
        self.pair(number, Some((u32::MAX, 0)))
    }

    fn issuer(&self, number: u32) -> Result<Issuer, String> {
        Issuer::parse(&format!("https://contest-{}.example/{number}/", self.seed))
            .map_err(|_| "a contest's issuer is none".to_owned())
    }
}
