//! What is wrong with a request whose answer has no address: shown to the person, never redirected.

use crate::client::{ClientId, Stopped, unknown_client_fix};
use crate::issuer::Issuer;
use crate::params::ParamsFault;
use crate::refusal::{ErrorCode as Code, Fault, Received, Refusal};

/// A fault found before the answer had an address: a page, never a redirect (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageFault {
    /// The body is no form: the content type that it has.
    ContentType(Option<String>),
    /// The body is larger than a form may be.
    TooLarge,
    /// The body broke off.
    BrokeOff,
    /// The query or form cannot be read.
    Encoding(ParamsFault),
    /// `client_id` or `redirect_uri` stands more than once.
    Repeated(&'static str),
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
    /// The registered client that it concerns, if it got so far.
    pub fn client(&self) -> Option<&ClientId> {
        match self {
            Self::ClientStopped(id, _) | Self::RedirectUriUnregistered(id, _) => Some(id),
            Self::ContentType(_)
            | Self::TooLarge
            | Self::BrokeOff
            | Self::Encoding(_)
            | Self::Repeated(_)
            | Self::ClientIdMissing
            | Self::ClientUnknown(_, _)
            | Self::RedirectUriMissing => None,
        }
    }

    /// The HTTP status of its page (RFC 9110 §15.5).
    pub fn status(&self) -> u16 {
        match self {
            Self::ContentType(_) => 415,
            Self::TooLarge => 413,
            Self::BrokeOff
            | Self::Encoding(_)
            | Self::Repeated(_)
            | Self::ClientIdMissing
            | Self::ClientUnknown(_, _)
            | Self::ClientStopped(_, _)
            | Self::RedirectUriMissing
            | Self::RedirectUriUnregistered(_, _) => 400,
        }
    }
}

impl Fault for PageFault {
    fn refusal(&self) -> Refusal {
        let row = |rule, parameter, expected: &'static str, received, fix| {
            Refusal::row(Code::InvalidRequest, rule, Some(parameter), expected, received, fix)
        };
        match self {
            Self::ContentType(sent) => Refusal::content_type(sent.as_deref()),
            Self::TooLarge => row(
                ("body-too-large", "RFC 9110 §15.5.14"),
                "Content-Length",
                "at most 64 KiB",
                Received::State("more"),
                "send a smaller form",
            ),
            Self::BrokeOff => row(
                ("body-incomplete", "RFC 9112 §8"),
                "Content-Length",
                "a body to its announced end",
                Received::State("a body that broke off"),
                "send the whole body",
            ),
            Self::Encoding(_) => Refusal::encoding(),
            Self::Repeated(name) => Refusal::repeated(name),
            Self::ClientIdMissing => row(
                ("client-id-missing", "RFC 6749 §4.1.1"),
                "client_id",
                "the client_id registered at this issuer",
                Received::Absent,
                "send the client_id that was registered",
            ),
            Self::ClientUnknown(sent, elsewhere) => Refusal {
                fix: unknown_client_fix(elsewhere),
                ..row(
                    ("client-unknown", "RFC 6749 §4.1.2.1"),
                    "client_id",
                    "a client registered at this issuer",
                    Received::text(sent),
                    "",
                )
            },
            Self::ClientStopped(id, stopped) => Refusal {
                expected: match stopped {
                    Stopped::ClientDeactivated => "an active client".into(),
                    Stopped::OrganisationStopped => {
                        "a client of an active organisation that has accepted the terms of use".into()
                    }
                },
                ..row(
                    ("client-stopped", "RFC 6749 §4.1.2.1"),
                    "client_id",
                    "",
                    Received::text(id.as_str()),
                    "activate the client, or have its organisation accept the terms of use",
                )
            },
            Self::RedirectUriMissing => row(
                ("redirect-uri-missing", "OpenID Connect Core §3.1.2.1"),
                "redirect_uri",
                "a redirect URI registered for the client",
                Received::Absent,
                "send one of the client's registered redirect URIs",
            ),
            Self::RedirectUriUnregistered(_, sent) => row(
                ("redirect-uri-unregistered", "RFC 6749 §3.1.2.3"),
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
    fn a_registered_client_is_named_in_the_log_and_a_strangers_word_is_not() {
        let id = ClientId::parse("web").unwrap();
        assert_eq!(PageFault::ClientUnknown("web".into(), Vec::new()).client(), None);
        assert_eq!(PageFault::ClientStopped(id.clone(), Stopped::ClientDeactivated).client(), Some(&id));
        assert_eq!(PageFault::RedirectUriUnregistered(id.clone(), "x".into()).client(), Some(&id));
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
