//! `portvakt db copy`.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use portvakt_crypto::random::Random;
use portvakt_store::{Copying, Opening, StoreUrl, copy};
use portvakt_web::clock::Clock;

use super::Configured;
use crate::cli::tell;
use crate::failure::Failure;
use crate::serve::{master_keys, store_url};

/// How many rows arrive between two lines about them.
const LINE: u64 = 50_000;

#[derive(Debug, Args)]
pub(in crate::cli) struct Copy {
    #[command(flatten)]
    configured: Configured,
    /// The data folder of the embedded store that is copied. No server may have it open.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Remove what an unfinished copy has left in the database, and begin anew.
    #[arg(long)]
    again: bool,
    /// Tell what was copied as JSON.
    #[arg(long)]
    json: bool,
}

/// Copies an embedded store into the configuration's database.
///
/// # Errors
/// Why it is not copied.
pub(super) async fn perform(asked: Copy) -> Result<(), Failure> {
    let settings = asked.configured.settings()?;
    let url = store_url(&settings)?;
    let StoreUrl::Postgres(target) = &url else {
        return Err(Failure::new(format!(
            "{} is a folder: a store is copied into a database",
            settings.data
        ))
        .hint("name a configuration with data = \"postgres://…\""));
    };
    let random = Random::system();
    let (master, previous_master) = master_keys(&settings, &random)?;
    let opening = Opening { url: url.clone(), master, previous_master, random, now: Clock::system().now() };
    eprintln!("{} → {target}", asked.from.display());
    let began = Instant::now();
    let mut progress = Progress::default();
    let copied = Box::pin(copy(&asked.from, target, opening, asked.again, |step| progress.tell(step))).await;
    let copied = copied.map_err(Failure::new)?;
    let rows: u64 = copied.tables.iter().map(|(_, rows)| rows).sum();
    let seconds = began.elapsed().as_secs_f64();
    let told = serde_json::json!({
        "rows": rows,
        "resumed": copied.resumed,
        "seconds": seconds,
        "tables": copied.tables.iter().map(|(name, rows)| ((*name).to_owned(), (*rows).into())).collect::<serde_json::Map<_, _>>(),
    });
    tell(asked.json.then_some(told), |out| {
        writeln!(
            out,
            "{rows} rows copied, {} of them before, in {seconds:.1} s; both stores come to the same",
            copied.resumed
        )?;
        writeln!(out, "never serve {} again: it would take what is spent in {target}", asked.from.display())
    })
}

/// Lines about how far it is: one for each table, and more for a large one.
#[derive(Debug, Default)]
struct Progress {
    told: u64,
}

impl Progress {
    fn tell(&mut self, step: Copying) {
        match step {
            Copying::Arrived { table, rows, of } => {
                self.told = if rows < self.told { 0 } else { self.told };
                if rows == of || rows - self.told >= LINE {
                    self.told = if rows == of { 0 } else { rows };
                    eprintln!("{table:<14}{rows:>10} of {of}");
                }
            }
            Copying::Verifying => eprintln!("reading both from end to end …"),
        }
    }
}
