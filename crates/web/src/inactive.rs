//! Answers that tell nothing (catalogue T4): whoever asks reads no reason, so the log has it whole.

use portvakt_protocol::organisation::OrgNumber;
use portvakt_protocol::token::Reason;

use crate::concerned::Concerned;
use crate::site::{Site, Trace};

/// Logs why an answer told nothing, what that means and what to do about it, in one event. `told` is what was answered, in words.
pub(crate) fn log_inactive(
    site: &Site,
    trace: &Trace,
    endpoint: &'static str,
    asking: Concerned<'_>,
    reason: Reason,
    told: &'static str,
) {
    tracing::info!(
        target: "inactive",
        trace_id = %trace.id,
        issuer = %site.provider.issuer(),
        environment = site.provider.environment().as_str(),
        endpoint,
        client = %asking,
        organisation = asking.organisation().map(OrgNumber::as_str),
        reason = reason.name,
        meaning = reason.meaning,
        fix = reason.fix,
        "{told}"
    );
}
