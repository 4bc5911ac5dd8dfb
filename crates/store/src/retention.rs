//! How long what has ended is kept.

use portvakt_protocol::time::Seconds;

/// For this long after its end a login's browser is told that it expired, rather than that there is none.
pub(crate) const LOGIN_LINGERS: Seconds = Seconds::new(3600);
/// For this long after its end a client secret still shows in the registry.
pub(crate) const SECRET_LINGERS: Seconds = Seconds::days(365);
/// For this long it shows of what an owner was warned.
pub(crate) const WARNING_LINGERS: Seconds = Seconds::days(90);
