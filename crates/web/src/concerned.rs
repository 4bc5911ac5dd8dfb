//! Whom a refusal concerns, as far as it is known when it is logged.

use std::fmt;

use portvakt_protocol::client::Client;
use portvakt_protocol::organisation::OrgNumber;
use portvakt_protocol::refusal::{Received, inert, shown};

/// Whom a refusal concerns. Only a registered client has an organisation, and only its refusals are counted: whatever else stands in
/// a request may be anybody's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Concerned<'a> {
    /// No client was named.
    Nobody,
    /// A client by this name, as it was sent, or as much of it as may be told.
    Named(&'a str),
    /// A registered client, stopped ones included.
    Registered(&'a Client),
}

impl<'a> Concerned<'a> {
    /// The registered client, if one was found; else the name, if one was sent.
    pub(crate) fn of(client: Option<&'a Client>, named: Option<&'a str>) -> Self {
        client.map_or_else(|| named.into(), Self::Registered)
    }

    /// The client's identifier as it may be shown, without quotes; empty if there is none.
    pub(crate) fn shown(self) -> String {
        match self {
            Self::Nobody => String::new(),
            Self::Named(name) => inert(&shown(name)),
            // Registered, so nobody's secret, whatever it looks like.
            Self::Registered(client) => client.id().to_string(),
        }
    }

    /// The registered client.
    pub(crate) fn client(self) -> Option<&'a Client> {
        match self {
            Self::Registered(client) => Some(client),
            Self::Nobody | Self::Named(_) => None,
        }
    }

    /// The registered client's organisation.
    pub(crate) fn organisation(self) -> Option<&'a OrgNumber> {
        self.client().map(Client::organisation)
    }
}

impl fmt::Display for Concerned<'_> {
    /// As the log has it: in quotes, or `nothing`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => Received::Absent.fmt(out),
            Self::Named(_) | Self::Registered(_) => write!(out, "\"{}\"", self.shown()),
        }
    }
}

impl<'a> From<Option<&'a str>> for Concerned<'a> {
    fn from(named: Option<&'a str>) -> Self {
        named.map_or(Self::Nobody, Self::Named)
    }
}

impl<'a> From<&'a Client> for Concerned<'a> {
    fn from(client: &'a Client) -> Self {
        Self::Registered(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_sent_breaks_no_line_and_tells_no_number() {
        for (sent, told) in [
            ("a\nb\u{202e}c", "a\\u{a}b\\u{202e}c"),
            ("web 21879498012", "web [identity number: 11 characters, not shown]"),
            ("web", "web"),
        ] {
            let concerned = Concerned::Named(sent);
            assert_eq!((concerned.shown(), concerned.to_string()), (told.to_owned(), format!("\"{told}\"")));
        }
        assert_eq!(
            (Concerned::Nobody.shown().as_str(), Concerned::Nobody.to_string().as_str()),
            ("", "nothing")
        );
    }
}
