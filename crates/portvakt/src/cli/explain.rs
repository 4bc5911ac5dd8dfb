//! `portvakt explain …`.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use rustix::fs::OFlags;
use rustix::process::geteuid;
use serde_json::json;

use super::{table, tell};
use crate::dev::TEMPORARY;
use crate::explain::{Explained, Kind, Read, TraceId, read};
use crate::failure::Failure;
use crate::telemetry::{FILES, legible};

/// What is to be explained, and from where.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The trace id: 32 hexadecimal digits, or what it came in: an error_description, the whole URL of a redirect, a page's text.
    trace_id: TraceId,
    /// The log, as JSON lines: a file, or - for standard input. Without it: that of `portvakt dev`.
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    log: Option<PathBuf>,
    /// The data folder of a `dev --data DIR`, with its log.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
}

/// What was read, and what came of it.
struct Reading {
    /// The logs, as people would name them.
    places: Vec<String>,
    read: Read,
}

/// Finds the request's events, and tells them.
///
/// # Errors
/// There is no log, it cannot be read, or nothing of the request is in it.
pub(super) fn perform(asked: Explain) -> Result<(), Failure> {
    let Explain { trace_id, log, data, json } = asked;
    let Reading { places, read } = match (log, data) {
        (Some(file), _) if file.as_os_str() == "-" => {
            let name = "standard input".to_owned();
            let read = from(io::stdin().lock(), &name, &trace_id)?;
            Reading { places: vec![name], read }
        }
        (Some(file), _) => {
            let name = file.display().to_string();
            let opened = File::open(&file).map_err(|why| unreadable(&name, &why))?;
            let read = from(BufReader::new(opened), &name, &trace_id)?;
            Reading { places: vec![name], read }
        }
        (None, Some(folder)) => kept(&[folder], &trace_id)?,
        (None, None) => kept(&temporary_folders(), &trace_id)?,
    };
    if read.events.is_empty() {
        return Err(unknown(&trace_id, &places, &read));
    }
    let value = json.then(|| json!({ "trace_id": trace_id, "events": read.events }));
    tell(value, |out| read.events.iter().try_for_each(|event| write(out, &trace_id, event)))
}

fn from(log: impl BufRead, name: &str, id: &TraceId) -> Result<Read, Failure> {
    read(log, id).map_err(|why| unreadable(name, &why))
}

fn unreadable(name: &str, why: &io::Error) -> Failure {
    Failure::new(format!("{name}: {why}"))
        .hint("name the server's log with --log FILE, or hand it over with --log -")
}

/// Reads the logs that `dev` keeps in these folders, until the request is found.
fn kept(folders: &[PathBuf], id: &TraceId) -> Result<Reading, Failure> {
    let mut all = Reading { places: Vec::new(), read: Read::default() };
    for file in folders.iter().flat_map(|folder| FILES.map(|name| folder.join(name))) {
        let Some(log) = own(&file) else { continue };
        let name = file.display().to_string();
        let part = from(BufReader::new(log), &name, id)?;
        all.places.push(name);
        all.read.lines += part.lines;
        all.read.structured += part.structured;
        all.read.events = part.events;
        if !all.read.events.is_empty() {
            break;
        }
    }
    if all.places.is_empty() {
        let (what, hint) = match folders {
            [folder] => {
                (format!("{} has no log of `portvakt dev`", folder.display()), "name its data folder")
            }
            _ => ("no log of `portvakt dev` is there".to_owned(), "a temporary folder goes with its `dev`"),
        };
        return Err(
            Failure::new(what).hint(format!("{hint}; another log is named with --log FILE, or --log -"))
        );
    }
    Ok(all)
}

/// The folders of `dev` without `--data`, as far as they are this user's, the one that was written last first. Those of a `dev` that
/// was killed are among them.
fn temporary_folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().map_while(Result::ok);
    let mut folders: Vec<(Option<SystemTime>, PathBuf)> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(TEMPORARY))
        .filter(|entry| entry.metadata().is_ok_and(|it| it.is_dir() && it.uid() == geteuid().as_raw()))
        .map(|entry| {
            let written = std::fs::metadata(entry.path().join(FILES[0])).and_then(|log| log.modified());
            (written.ok(), entry.path())
        })
        .filter(|(written, _)| written.is_some())
        .collect();
    folders.sort();
    folders.into_iter().rev().map(|(_, folder)| folder).collect()
}

/// A log that is there. Nothing is followed out of the folder.
fn own(file: &Path) -> Option<File> {
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).ok()?;
    OpenOptions::new().read(true).custom_flags(flags).open(file).ok()
}

/// Nothing of it is in the log.
fn unknown(id: &TraceId, places: &[String], read: &Read) -> Failure {
    let places = among(places);
    if read.lines > 0 && read.structured == 0 {
        return Failure::new(format!("no line of {places} is an event as JSON"))
            .hint("`serve` logs JSON unless [log] format says otherwise");
    }
    let looked = match read.structured {
        1 => format!("1 event of {places}"),
        many => format!("{many} events of {places}"),
    };
    Failure::new(format!("no event of trace id {} is among {looked}", id.as_str())).hint(
        "look in the log of the node that answered, and in older ones: refusals are logged from level info on, each once. \
         `dev` without --data takes its log along when it ends",
    )
}

/// The logs that were read: the one, or how many and which. Of many the first are named, which were written last.
fn among(places: &[String]) -> String {
    const NAMED: usize = 4;
    let named = places.get(..NAMED).unwrap_or(places).join(", ");
    match places.len().saturating_sub(NAMED) {
        0 if places.len() == 1 => named,
        0 => format!("{} logs: {named}", places.len()),
        more => format!("{} logs: {named} and {more} more", places.len()),
    }
}

/// An event for people: what happened, and a fact to a line.
fn write(out: &mut dyn Write, id: &TraceId, event: &Explained) -> io::Result<()> {
    let of = |field: &Option<String>| field.clone().unwrap_or_else(|| "?".to_owned());
    let place = format!("{} of {}", of(&event.endpoint), of(&event.issuer));
    let heading = match event.kind {
        Kind::Refusal => format!("refused at {place}: {}", of(&event.code)),
        Kind::Broken => format!("failed at {place}: the server's fault, not the request's"),
        Kind::Login => format!("no page at {place}: {}", of(&event.notice)),
        Kind::Inactive => format!("{} at {place}: {}", of(&event.message), of(&event.reason)),
        Kind::Other => of(&event.message),
    };
    writeln!(out, "{}", legible(&heading))?;
    let fact = |field: &Option<String>| field.as_deref().map(|text| legible(text).into_owned());
    let fields = vec![
        ("  time", fact(&event.time)),
        ("  trace_id", Some(id.as_str().to_owned())),
        ("  issuer", fact(&event.issuer)),
        ("  environment", fact(&event.environment)),
        ("  endpoint", fact(&event.endpoint)),
        ("  client", fact(&event.client)),
        ("  organisation", fact(&event.organisation)),
        ("  code", fact(&event.code)),
        ("  rule", fact(&event.rule)),
        ("  clause", fact(&event.clause)),
        ("  parameter", fact(&event.parameter)),
        ("  expected", fact(&event.expected)),
        ("  received", fact(&event.received)),
        ("  reason", fact(&event.reason)),
        ("  meaning", fact(&event.meaning)),
        ("  fix", fact(&event.fix)),
        ("  page", fact(&event.page)),
        ("  cause", fact(&event.cause)),
    ];
    table::write_fields(out, fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logs_that_were_read_are_counted_and_as_many_named_as_can_be_read() {
        let places: Vec<_> = (1..=9).map(|at| format!("log{at}")).collect();
        assert_eq!(among(&places[..1]), "log1");
        assert_eq!(among(&places[..4]), "4 logs: log1, log2, log3, log4");
        assert_eq!(among(&places), "9 logs: log1, log2, log3, log4 and 5 more");
    }
}
