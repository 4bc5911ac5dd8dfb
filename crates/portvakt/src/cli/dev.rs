//! `portvakt dev …`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use portvakt_protocol::secret::ClientSecret;

use crate::dev::{self, Base, Loopback, OwnClient, Wish};
use crate::failure::Failure;

/// What `dev` can be asked for.
#[derive(Debug, Args)]
pub(super) struct Dev {
    /// The port of localhost to listen on; 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "localhost:8080")]
    listen: Loopback,
    /// Keep the data in this folder; otherwise it is removed at the end.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Register what this catalogue names instead of the demo, and again when it changes. http://localhost:8080 in it
    /// stands for the real address.
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Register your own client beside the catalogue's: its client_id.
    #[arg(long, value_name = "ID", requires = "redirect_uris", help_heading = "Your own client")]
    client: Option<String>,
    /// Where your client may be answered; once for each.
    #[arg(long = "redirect-uri", value_name = "URL", requires = "client", help_heading = "Your own client")]
    redirect_uris: Vec<String>,
    /// Its secret; without it one is generated and shown, if the client needs one.
    #[arg(long, value_name = "SECRET", requires = "client", value_parser = secret, help_heading = "Your own client")]
    secret: Option<ClientSecret>,
    /// The issuer that it is registered at; without it: at every one.
    #[arg(long, value_name = "URL", requires = "client", help_heading = "Your own client")]
    issuer: Option<String>,
    /// What kind of client it is.
    #[arg(
        long,
        value_name = "TYPE",
        requires = "client",
        default_value = "web",
        value_parser = PossibleValuesParser::new(["web", "browser", "native"]),
        help_heading = "Your own client"
    )]
    application_type: String,
    /// Print one line of JSON when ready.
    #[arg(long)]
    json: bool,
    /// Write that line to this file when ready, and remove the file at the end.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Where the demo service runs: the demo catalogue is written for it.
    #[arg(long, value_name = "URL")]
    demo: Option<Base>,
    /// Answer questions about signatures on standard input, for `cargo xtask bench`.
    #[arg(long, hide = true)]
    measure: bool,
    /// Print the names of every page that people meet, as a JSON array, and end: for the tests that visit them all.
    #[arg(long, hide = true)]
    pages: bool,
}

/// Serves until it is asked to end.
///
/// # Errors
/// Why it could not start.
pub(super) async fn perform(asked: Dev) -> Result<(), Failure> {
    if asked.pages {
        return super::tell(Some(portvakt_web::pages_shown().into()), |_| Ok(()));
    }
    let Dev { redirect_uris, secret, issuer, application_type, .. } = asked;
    let own = asked.client.map(|client_id| OwnClient {
        client_id,
        redirect_uris,
        secret,
        issuer,
        application_type,
    });
    let Dev { listen, data, catalogue, json, ready_file, demo, measure, .. } = asked;
    dev::dev(Wish { listen, data, catalogue, own, demo, ready_file, json, measure }).await
}

fn secret(text: &str) -> Result<ClientSecret, String> {
    Ok(ClientSecret::presented(text))
}
