//! Real servers from Debian's packages, each in a folder of its own, on the loopback, ended with whoever started it: PostgreSQL with
//! standbys, what stands before it, and a proxy that breaks the connection in ways that can be chosen. Nothing here knows
//! Portvakt: it is what an operator would set up.
//!
//! - [`Process`] is a server that ends when we do, [`Folder`] a folder that goes when we do, [`free_port`] a port nobody else takes.
//! - [`Postgres`] is one server; [`shared`] the one that a test binary's scenes share; [`Pair`] a primary with its synchronous standby.
//! - [`Proxy`] stands before a server and breaks connections, by an [`Ambush`] exactly between a commit and its answer.
//! - [`WorkedExample`] is what an operator of several nodes sets up: three PostgreSQL servers under Patroni and etcd, PgBouncer, HAProxy.
//! - [`shim`] puts a disk under a server that is slow, refuses or is full, and a clock that is stepped; [`power`] says what such a
//!   disk holds after its power was cut.

pub mod power;
pub mod shim;

mod account;
mod ambush;
mod asked;
mod debian;
mod etcd;
mod guard;
mod haproxy;
mod pair;
mod password;
mod patroni;
mod pgbouncer;
mod ports;
mod postgres;
mod process;
mod programs;
mod proxy;
mod settings;
mod standby;
mod template;
mod wire;
mod worked_example;

pub use account::Account;
pub use ambush::{Ambush, Fate, Target};
pub use guard::Folder;
pub use pair::Pair;
pub use password::Password;
pub use patroni::MemberName;
pub use ports::free_port;
pub use postgres::{Address, OWNER, Postgres, shared};
pub use process::{Launch, Process, Signal};
pub use programs::Programs;
pub use proxy::Proxy;
pub use settings::{Durability, Settings};
pub use template::fitted;
pub use worked_example::{Failover, Killed, WorkedExample};
