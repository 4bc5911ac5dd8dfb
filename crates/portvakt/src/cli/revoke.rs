//! `portvakt revoke`.

use std::io::{self, BufRead, Write};

use clap::Args;
use portvakt_protocol::person::Pid;

use super::applied::told;
use super::{At, other_answer};
use crate::desk::reach::have;
use crate::desk::{Answer, Command};
use crate::failure::Failure;
use crate::registry::carried::Carried;
use crate::registry::not_before::{From, TakenBack, Whose};

/// Whose everything is taken back.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    subject: Of,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct Of {
    /// What this client was given.
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<String>,
    /// What the clients of this organisation were given, and those that it runs for others.
    #[arg(long, value_name = "ORGNO")]
    organisation: Option<String>,
    /// What was given in this person's name: - reads the number from standard input; only a synthetic one may stand here.
    #[arg(long, value_name = "-|NUMBER", value_parser = carried)]
    person: Option<Carried>,
}

/// Nothing is judged here: a refusal by the command line would show what was typed.
#[expect(clippy::unnecessary_wraps, reason = "what the command line expects of a parser")]
fn carried(text: &str) -> Result<Carried, String> {
    Ok(Carried::new(text))
}

/// Carries it out, and returns when nothing that was given before lives.
///
/// # Errors
/// Why it was not; nothing is taken back then.
pub(super) async fn perform(asked: Revoke) -> Result<(), Failure> {
    let Revoke { subject, at } = asked;
    let whose = match (subject.client, subject.organisation, subject.person) {
        (Some(client_id), _, _) => Whose::Client(client_id),
        (_, Some(orgno), _) => Whose::Organisation(orgno),
        (_, _, Some(person)) => Whose::Person(number(person)?),
        (None, None, None) if at.issuer.is_some() => Whose::Issuer,
        (None, None, None) => {
            return Err(Failure::new("it was not said whose everything is to be taken back")
                .hint("name --client ID, --organisation ORGNO or --person -, or with --issuer URL alone all that the issuer gave"));
        }
    };
    let command = Command::Revoke { issuer: at.issuer, whose };
    let Answer::TakenBack(taken) = have(at.whose.target()?, command).await? else {
        return Err(other_answer());
    };
    told(&taken, at.json, write)
}

/// Arguments are every process's to read, so a real person's number is none.
fn number(person: Carried) -> Result<Carried, Failure> {
    if person.reveal() == "-" {
        return read(io::stdin().lock()).map_err(|why| {
            Failure::new(format!("standard input: {why}"))
                .hint("write the person's number to it, on one line")
        });
    }
    match Pid::parse_synthetic(person.reveal()) {
        Ok(_) => Ok(person),
        Err(_) => Err(Failure::new("a person's number is no argument, unless it is synthetic")
            .hint("name --person - and write the number to standard input")),
    }
}

/// A line of no more than a number needs.
fn read(from: impl BufRead) -> io::Result<Carried> {
    let mut line = zeroize::Zeroizing::new(String::new());
    from.take(64).read_line(&mut line)?;
    Ok(Carried::new(line.trim_end_matches(['\r', '\n'])))
}

fn write(taken: &TakenBack, out: &mut dyn Write) -> io::Result<()> {
    let TakenBack { issuer, from, not_before } = taken;
    let from = match from {
        From::Issuer => String::new(),
        From::Client { client_id } => format!(" to the client {client_id}"),
        From::Organisation { orgno } => {
            format!(" to clients of {orgno}, and to those that it runs for others")
        }
        From::Person => " in the person's name".to_owned(),
    };
    writeln!(out, "Everything that {issuer} gave{from} before {not_before} is taken back.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_standard_input_is_the_number_and_no_more_is_read_than_one_needs() {
        for text in ["21879498012", "21879498012\n", "21879498012\r\nmore"] {
            assert_eq!(read(text.as_bytes()).unwrap().reveal(), "21879498012");
        }
        assert_eq!(read("7".repeat(1000).as_bytes()).unwrap().reveal().len(), 64);
    }
}
