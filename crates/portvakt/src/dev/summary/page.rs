//! The page that a developer sees first: where to click, what to copy, and what to try next.

use std::io::{self, Write};

use super::{Client, Served, Summary};
use crate::telemetry;

impl Summary {
    pub(super) fn write_page(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Portvakt is ready at {}\n", self.base)?;
        writeln!(out, "Issuers (each is a page too: open it to see what it is, and what it refused last)")?;
        for Served { issuer, profile, discovery, .. } in &self.issuers {
            writeln!(out, "  {issuer}  (profile {profile})\n    {discovery}")?;
        }
        for Served { issuer, .. } in &self.issuers {
            writeln!(out, "\nClients at {issuer}")?;
            for client in self.clients.iter().filter(|client| client.issuer == *issuer) {
                self.write_client(out, client)?;
            }
        }
        let persons: Vec<_> = self.persons.iter().map(|person| person.pid.as_str()).collect();
        writeln!(out, "\nTest persons (any other synthetic number works too)")?;
        for row in persons.chunks(4) {
            writeln!(out, "  {}", row.join("  "))?;
        }
        self.write_trial(out)?;
        self.write_next(out)
    }

    fn write_client(&self, out: &mut dyn Write, client: &Client) -> io::Result<()> {
        let own = self.own.as_ref() == Some(&client.client_id);
        let secret = match (&client.client_secret, client.token_endpoint_auth_method) {
            (Some(secret), _) => secret,
            (None, "none") => "no secret: PKCE",
            (None, _) if own => "its secret was shown when it was made; --secret gives it another",
            (None, _) => "its secret is not shown again",
        };
        writeln!(out, "  {:<14} {secret}", client.client_id)?;
        writeln!(out, "  {:<14} {}", "", client.redirect_uris.join("  "))
    }

    fn write_trial(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(trial) = &self.trial else { return Ok(()) };
        if self.demo.is_none() {
            writeln!(
                out,
                "\nTry a login in a browser (nobody has to be at the redirect URI to see what comes back)\n  {}",
                trial.login
            )?;
        }
        writeln!(
            out,
            "\nTry a login without a browser, as tests do (login_hint=testid:<number>_<level>), and its tokens"
        )?;
        trial.lines().iter().try_for_each(|line| writeln!(out, "  {line}"))
    }

    fn write_next(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\nNext")?;
        if self.own.is_none() {
            writeln!(
                out,
                "  Your own service: start again with --client my-service --redirect-uri http://localhost:5000/callback,\n  \
                 and give it one of the issuers and the secret that is shown then."
            )?;
        } else {
            writeln!(out, "  Give your service one of the issuers, its client_id and its secret as listed.")?;
        }
        writeln!(
            out,
            "  What is refused is told here, on the error page and on the issuer's page: rule, expected, received, fix."
        )?;
        let explained = telemetry::explaining().words("TRACE_ID");
        writeln!(out, "  A trace_id that your service logged is explained by\n    {explained}")?;
        match &self.file {
            Some(file) if self.is_followed => writeln!(out, "  {file} is read again when it changes.")?,
            Some(file) => writeln!(out, "  {file} is no regular file: it was read once.")?,
            None => writeln!(
                out,
                "  --catalogue FILE registers your own clients, and again whenever the file changes."
            )?,
        }
        writeln!(out, "  --json and --ready-file FILE tell scripts all this, --data DIR keeps the data.")?;
        self.write_last(out)
    }

    /// The last line is the one that a terminal surely shows: where to click.
    fn write_last(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(demo) = &self.demo else { return writeln!(out, "\nCtrl-C ends it.") };
        let leads_back = |client: &Client| client.redirect_uris.iter().any(|uri| is_under(uri, demo));
        if self.clients.iter().any(leads_back) {
            writeln!(
                out,
                "\nOpen {demo} and click Log in: every request, answer and token is explained there. Ctrl-C ends it."
            )
        } else {
            writeln!(
                out,
                "\nThe demo service runs at {demo}, where no client of this catalogue has a redirect URI. Ctrl-C ends it."
            )
        }
    }
}

/// Whether a URI is of the service at `base`, which has no path.
fn is_under(uri: &str, base: &str) -> bool {
    uri.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_of_another_port_is_not_the_demos() {
        for (uri, expected) in [
            ("http://localhost:30001/callback", false),
            ("http://127.0.0.1:3000/callback", false),
            ("http://localhost:3000/callback", true),
            ("http://localhost:3000", true),
        ] {
            assert_eq!(is_under(uri, "http://localhost:3000"), expected, "{uri}");
        }
    }
}
