//! What can be wrong with any request, at whichever endpoint, before anything in it is read for its meaning.

use super::{Fault, Received, Refusal, is_shown_whole, rules};
use crate::params::{ParamsFault, Repeated};

/// A fault in how a request's parameters are written or sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The body is no form: what it is said to be.
    ContentType(Sent),
    /// The body is larger than a form may be.
    TooLarge,
    /// The body broke off.
    BrokeOff,
    /// The query or form cannot be read.
    Encoding(ParamsFault),
    /// A parameter stands more than once. Its name is the caller's, so it may be anything.
    Repeated(Repeated),
    /// The query holds parameters where the body is read: credentials never stand in a URL.
    Query,
    /// A parameter that the request needs is missing.
    Missing(&'static str),
}

/// What a body that is no form is said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Nothing.
    Unsaid,
    /// Several things.
    Several,
    /// Another media type, without its parameters.
    Type(String),
    /// A form, in another `Content-Encoding` than none. A small body that unpacks to a large one is not unpacked at all.
    Encoded,
}

impl From<ParamsFault> for Malformed {
    fn from(fault: ParamsFault) -> Self {
        Self::Encoding(fault)
    }
}

impl From<Repeated> for Malformed {
    fn from(again: Repeated) -> Self {
        Self::Repeated(again)
    }
}

impl Malformed {
    /// The query of an endpoint that reads its body: nothing may stand there (RFC 6749 §2.3.1).
    ///
    /// # Errors
    /// [`Malformed::Query`] if something does.
    pub fn no_query(query: Option<&str>) -> Result<(), Self> {
        if query.is_none_or(str::is_empty) { Ok(()) } else { Err(Self::Query) }
    }

    /// A parameter that the request needs.
    ///
    /// # Errors
    /// [`Malformed::Missing`] if it is not there.
    pub fn required<'a>(name: &'static str, value: Option<&'a str>) -> Result<&'a str, Self> {
        value.ok_or(Self::Missing(name))
    }
}

/// Whether a name is one that a parameter could have, and nobody's secret or number.
fn is_parameter_name(name: &str) -> bool {
    let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.len() <= MOST_NAMED && name.bytes().all(of_a_name) && is_shown_whole(name)
}

/// No parameter of the protocols has a longer name.
const MOST_NAMED: usize = 40;

impl Fault for Malformed {
    fn refusal(&self) -> Refusal {
        match self {
            Self::ContentType(sent) => {
                let form = "application/x-www-form-urlencoded";
                let as_form = "send the parameters as a form, not as JSON or multipart";
                let (header, expected, received, fix) = match sent {
                    Sent::Unsaid => ("Content-Type", form, Received::Absent, as_form),
                    Sent::Several => {
                        ("Content-Type", form, Received::State("several"), "send the header once")
                    }
                    Sent::Type(media_type) => ("Content-Type", form, Received::text(media_type), as_form),
                    Sent::Encoded => (
                        "Content-Encoding",
                        "a form as it is",
                        Received::State("an encoded one"),
                        "send the form without compressing it",
                    ),
                };
                Refusal::of(&rules::CONTENT_TYPE, Some(header), expected, received, fix)
            }
            Self::TooLarge => Refusal::of(
                &rules::BODY_TOO_LARGE,
                None,
                "a form of at most 64 KiB",
                Received::State("a larger one"),
                "send a smaller form",
            ),
            Self::BrokeOff => Refusal::of(
                &rules::BODY_INCOMPLETE,
                None,
                "a body to its announced end",
                Received::State("a body that broke off"),
                "send the whole body",
            ),
            Self::Encoding(_) => Refusal::of(
                &rules::PARAMETERS_ENCODING,
                None,
                "at most 64 parameters, encoded as application/x-www-form-urlencoded in UTF-8",
                Received::State("something else"),
                "encode each name and value with your language's form encoder",
            ),
            Self::Repeated(Repeated(name)) => {
                // A stranger's link may have anything for a name, and a service may show this to a person.
                let nameable = is_parameter_name(name);
                let length = name.chars().count();
                Refusal {
                    parameter: nameable.then(|| name.clone().into()),
                    ..Refusal::of(
                        &rules::PARAMETER_REPEATED,
                        None,
                        "the parameter once",
                        if nameable {
                            Received::State("it more than once")
                        } else {
                            Received::Kind("more than once a name", length)
                        },
                        "send each parameter once",
                    )
                }
            }
            Self::Query => Refusal::of(
                &rules::PARAMETERS_IN_QUERY,
                None,
                "parameters in the body, and none in the URL",
                Received::State("a query"),
                "move the parameters from the URL into the form body",
            ),
            Self::Missing(name) => Refusal::of(
                &rules::PARAMETER_MISSING,
                Some(name),
                "a value",
                Received::Absent,
                "send the parameter",
            ),
        }
    }
}
