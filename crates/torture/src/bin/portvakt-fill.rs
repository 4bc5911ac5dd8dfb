//! Fills a data folder with as many rows as are asked for, through the store's own verbs, so that every row is as a server writes it: logins
//! at each of their stages, codes spent, unspent and replayed.

#![expect(clippy::print_stdout, reason = "what was made goes to standard output")]

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use portvakt_crypto::random::Random;
use portvakt_protocol::grant::GrantId;
use portvakt_protocol::secret::{AccessToken, BrowserSecret, Code, LoginHandle, RefreshToken};
use portvakt_store::{CodeSpending, Store};
use portvakt_torture::journal::Clock;
use portvakt_torture::world::{
    World, access_token, evidence, master, new_login, open, refresh_token, signing_key,
};
use tokio::task::JoinSet;

/// How many logins are under way at once: enough that one sync serves many of them.
const TASKS: u64 = 512;

/// Fills a data folder.
#[derive(Parser)]
#[command(about = "Fills a data folder through the store's own verbs", disable_help_subcommand = true)]
struct Asked {
    /// The folder; made where it is not there.
    #[arg(long)]
    store: PathBuf,
    /// Where the master key is written that it was made with.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// How many rows its tables have at least, when it is full.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Makes the same choices again.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What is shared by all who fill.
struct Filling {
    store: Store,
    world: World,
    clock: Clock,
    random: Random,
    /// Rows so far.
    rows: AtomicU64,
    wanted: u64,
    next: AtomicU64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match fill(&Asked::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("portvakt-fill: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn fill(asked: &Asked) -> Result<(), String> {
    let began = Instant::now();
    if let Some(path) = &asked.key {
        write_key(path).map_err(|fault| format!("{}: {fault}", path.display()))?;
    }
    let clock = Clock::start();
    let store = open(&asked.store.display().to_string(), clock.now()).await?;
    let world = World::new("fill", 20)?;
    world.register(&store, clock.now()).await?;
    let key = signing_key("fill", clock.now());
    store.add_signing_key(world.issuer(), key, clock.now()).await.map_err(|broken| broken.to_string())?;
    let filling = Arc::new(Filling {
        store: store.clone(),
        world,
        clock,
        random: Random::danger_seeded(asked.seed),
        rows: AtomicU64::new(0),
        wanted: asked.rows,
        next: AtomicU64::new(0),
    });
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS.min(asked.rows / 8 + 1) {
        let filling = Arc::clone(&filling);
        tasks.spawn(async move {
            while filling.rows.load(Ordering::Relaxed) < filling.wanted {
                let rows = filling.login(filling.next.fetch_add(1, Ordering::Relaxed)).await?;
                filling.rows.fetch_add(rows, Ordering::Relaxed);
            }
            Ok::<_, String>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|fault| fault.to_string())??;
    }
    store.close().await.map_err(|broken| broken.to_string())?;
    let rows = filling.rows.load(Ordering::Relaxed);
    println!("{rows} rows in {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Writes the master key that every proof's store is opened with, for its owner alone.
fn write_key(path: &Path) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(master().reveal().as_bytes())
}

impl Filling {
    /// One login, as far as its number says, and how many rows it left.
    async fn login(&self, number: u64) -> Result<u64, String> {
        let (store, issuer, now) = (&self.store, self.world.issuer(), self.clock.now());
        let told = |broken: portvakt_store::Broken| broken.to_string();
        let pick = |of: usize| usize::try_from(number).unwrap_or(0) % of;
        let client_id = self.world.clients().get(pick(20)).ok_or("no client")?;
        let person = self.world.persons().get(pick(8)).ok_or("no person")?;
        let (login, browser) =
            (LoginHandle::draw(&self.random).digest(), BrowserSecret::draw(&self.random).digest());
        store.begin_login(issuer, new_login(login, browser, client_id, now)).await.map_err(told)?;
        let stage = number % 16;
        if stage == 0 {
            return Ok(1);
        }
        if stage == 1 {
            store.refuse_login(issuer, login, browser, "access_denied", now).await.map_err(told)?;
            return Ok(2);
        }
        let evidence = evidence(&person.pid, now);
        store.record_evidence(issuer, login, browser, evidence.clone(), now).await.map_err(told)?;
        if stage == 2 {
            return Ok(2);
        }
        let code = Code::draw(&self.random).digest();
        let issue = self.world.issue(code, GrantId(self.random.bytes()), client_id, &evidence, now);
        store.finish_login(issuer, login, browser, issue, now).await.map_err(told)?;
        if stage == 3 {
            return Ok(5);
        }
        let spending = || CodeSpending {
            client_id: client_id.clone(),
            code,
            access_token: access_token(AccessToken::draw(&self.random).digest(), now),
            refresh_token: Some(refresh_token(RefreshToken::draw(&self.random).digest(), now)),
        };
        store.spend_code(issuer, spending(), now).await.map_err(told)?;
        if stage == 4 {
            store.spend_code(issuer, spending(), now).await.map_err(told)?;
            return Ok(9);
        }
        Ok(8)
    }
}
