//! `portvakt db check`.

use std::io::{self, Write};

use clap::Args;
use portvakt_crypto::random::Random;
use portvakt_store::{Checked, Opening, check, check_statements};
use portvakt_web::clock::Clock;
use serde_json::json;

use super::Configured;
use crate::cli::tell;
use crate::failure::Failure;
use crate::house::not_opened;
use crate::serve::{master_keys, store_url};

#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    #[command(flatten)]
    configured: Configured,
    /// Do not check: tell the statements, each with what should hold. What one finds should not be there.
    #[arg(long, conflicts_with = "json")]
    sql: bool,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
}

/// Checks the configured store, beside any server.
///
/// # Errors
/// It could not be checked, or something was found.
pub(super) async fn perform(asked: Check) -> Result<(), Failure> {
    let settings = asked.configured.settings()?;
    let (url, now) = (store_url(&settings)?, Clock::system().now());
    if asked.sql {
        return tell(None, |out| {
            for (rule, statement) in check_statements(&url, now) {
                writeln!(out, "-- {rule}\n{statement};\n")?;
            }
            Ok(())
        });
    }
    let random = Random::system();
    let (master, previous_master) = master_keys(&settings, &random)?;
    let checked = check(Opening { url: url.clone(), master, previous_master, random, now }).await;
    let checked = checked.map_err(|fault| not_opened(&url, &fault))?;
    let findings = checked.findings.iter().map(|found| {
        json!({
            "invariant": found.invariant,
            "rule": found.rule,
            "table": found.table,
            "key": found.key,
            "remedy": found.remedy,
        })
    });
    let told = json!({
        "data": settings.data.to_string(),
        "statements": checked.statements,
        "rows": checked.rows,
        "findings": findings.collect::<Vec<_>>(),
    });
    tell(asked.json.then_some(told), |out| page(&checked, out))?;
    match checked.findings.len() {
        0 => Ok(()),
        found => Err(Failure::new(format!("{}: {found} findings", settings.data))
            .hint("docs/operations.md, \"Checking\", says what each means")),
    }
}

fn page(checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
    for found in &checked.findings {
        writeln!(out, "{}  {}: {}", found.invariant, found.table, found.key)?;
        writeln!(out, "    should hold: {}", found.rule)?;
        writeln!(out, "    {}", found.remedy)?;
    }
    let Checked { statements, rows, findings } = checked;
    writeln!(out, "{statements} statements asked, {rows} rows read, {} findings", findings.len())
}
