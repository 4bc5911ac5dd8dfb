//! What is wrong with a request whose answer has no address: shown to the person, never redirected.

use crate::client::{ClientId, Stopped, unknown_client_fix};
use crate::issuer::Issuer;
use crate::refusal::{Fault, Malformed, Received, Refusal, beginning, rules};

/// A fault found before the answer had an address: a page, never a redirect (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageFault {
    /// How the request is written.
    Malformed(Malformed),
    /// No `client_id`.
    ClientIdMissing,
    /// No such client at this issuer, and the other issuers that may be named because they know it.
    ClientUnknown(String, Vec<Issuer>),
    /// The client may not be used at present.
    ClientStopped(ClientId, Stopped),
    /// No `redirect_uri`.
    RedirectUriMissing,
    /// The `redirect_uri` is not one of the client's.
    RedirectUriUnregistered(ClientId, String),
}

impl PageFault {
    /// The client that the request named, as far as that may be told.
    pub fn named(&self) -> Option<String> {
        match self {
            Self::ClientUnknown(sent, _) => Some(beginning(sent)),
            Self::ClientStopped(id, _) | Self::RedirectUriUnregistered(id, _) => Some(id.to_string()),
            Self::Malformed(_) | Self::ClientIdMissing | Self::RedirectUriMissing => None,
        }
    }

    /// A `client_id` that nobody registered here, be it for its characters or for want of a registration.
    pub(super) fn unknown_client(sent: &str) -> Self {
        Self::ClientUnknown(sent.to_owned(), Vec::new())
    }

    /// The same; of an unknown client it is told at which other issuers it is known.
    #[must_use]
    pub fn known_at(mut self, issuers: Vec<Issuer>) -> Self {
        if let Self::ClientUnknown(_, elsewhere) = &mut self {
            *elsewhere = issuers;
        }
        self
    }

    /// The HTTP status of its page (RFC 9110 §15.5).
    pub fn status(&self) -> u16 {
        if matches!(self, Self::Malformed(Malformed::ContentType(_))) {
            415
        } else {
            self.refusal().rule.status()
        }
    }
}

impl From<Malformed> for PageFault {
    fn from(fault: Malformed) -> Self {
        Self::Malformed(fault)
    }
}

impl Fault for PageFault {
    fn refusal(&self) -> Refusal {
        let row = |rule, parameter, expected: &'static str, received, fix| {
            Refusal::of(rule, Some(parameter), expected, received, fix)
        };
        match self {
            Self::Malformed(fault) => fault.refusal(),
            Self::ClientIdMissing => row(
                &rules::CLIENT_ID_MISSING,
                "client_id",
                "the client_id registered at this issuer",
                Received::Absent,
                "send the client_id that was registered",
            ),
            Self::ClientUnknown(sent, elsewhere) => Refusal {
                fix: unknown_client_fix(elsewhere),
                ..row(
                    &rules::CLIENT_UNKNOWN,
                    "client_id",
                    "a client registered at this issuer",
                    Received::beginning(sent),
                    "",
                )
            },
            Self::ClientStopped(id, stopped) => row(
                &rules::CLIENT_STOPPED,
                "client_id",
                stopped.expected(),
                Received::text(id.as_str()),
                stopped.fix(),
            ),
            Self::RedirectUriMissing => row(
                &rules::REDIRECT_URI_MISSING,
                "redirect_uri",
                "a redirect URI registered for the client",
                Received::Absent,
                "send one of the client's registered redirect URIs",
            ),
            Self::RedirectUriUnregistered(_, sent) => row(
                &rules::REDIRECT_URI_UNREGISTERED,
                "redirect_uri",
                "a redirect URI registered for the client, character for character",
                Received::text(sent),
                "register this exact URI, or send one that is registered; case, port, trailing slash and query all count",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_named_in_the_log_as_far_as_it_may_be() {
        let id = ClientId::parse("web").unwrap();
        let named = |fault: PageFault| fault.named();
        assert_eq!(named(PageFault::ClientIdMissing), None);
        let secret = "x.21879498012@skole.example.no".to_owned();
        assert_eq!(
            named(PageFault::ClientUnknown(secret, Vec::new())).as_deref(),
            Some("... (30 characters)")
        );
        assert_eq!(
            named(PageFault::ClientStopped(id.clone(), Stopped::ClientDeactivated)).as_deref(),
            Some("web")
        );
        assert_eq!(named(PageFault::RedirectUriUnregistered(id, "x".into())).as_deref(), Some("web"));
    }
    #[test]
    fn a_client_of_another_development_issuer_is_told_where_it_is_registered() {
        let known = Issuer::parse("http://localhost:8080/idporten-oidc-provider/").unwrap();
        let refusal = PageFault::ClientUnknown("web".into(), vec![known]).refusal();
        assert!(refusal.fix.contains("http://localhost:8080/idporten-oidc-provider/;"), "{}", refusal.fix);
        let nowhere = PageFault::ClientUnknown("web".into(), Vec::new()).refusal();
        assert!(nowhere.fix.starts_with("check the spelling"), "{}", nowhere.fix);
    }
}
