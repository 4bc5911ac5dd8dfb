//! `portvakt config check`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use portvakt_protocol::features::Endpoint;
use portvakt_web::listen::{Listener, ListenerConfig};
use serde_json::{Value, json};

use super::tell;
use crate::config::{FOR_EVER, IssuerSettings, Settings, duration};
use crate::failure::Failure;

/// Reads a configuration and everything it names, as `serve` would, and tells what it says.
///
/// # Errors
/// Every fault of it.
pub(super) async fn check(file: &Path, json: bool) -> Result<(), Failure> {
    let settings = Settings::read(file).map_err(Failure::new)?;
    settings.check_references().map_err(Failure::new)?;
    for listener in settings.listeners.iter().filter(|listener| listener.tls.is_some()) {
        // A free port for a moment: binding is what judges the certificate.
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let tried = Listener::bind(ListenerConfig { address: nowhere, ..listener.clone() }).await;
        tried.map_err(|fault| Failure::new(fault).hint("correct listeners.tls"))?;
    }
    let warnings = settings.warnings();
    for warning in &warnings {
        eprintln!("warning: {warning}");
    }
    tell(json.then(|| summary(&settings, &warnings)), |out| page(&settings, out))
}

fn summary(settings: &Settings, warnings: &[String]) -> Value {
    let listeners: Vec<_> = settings
        .listeners
        .iter()
        .map(|listener| {
            json!({
                "address": listener.address.to_string(),
                "tls": listener.tls.is_some(),
                "trusted_proxies": listener.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        })
        .collect();
    let issuers: Vec<_> = settings.issuers.iter().map(issuer).collect();
    json!({
        "data": settings.data.to_string(),
        "listeners": listeners,
        "issuers": issuers,
        "audit_retention": settings.audit_retention.map_or_else(|| FOR_EVER.to_owned(), duration::spelled),
        "warnings": warnings,
    })
}

fn issuer(settings: &IssuerSettings) -> Value {
    let provider = &settings.provider;
    let pools =
        provider.test_id().map(|door| door.pools.iter().map(|pool| pool.0.clone()).collect::<Vec<_>>());
    json!({
        "issuer": provider.issuer().as_str(),
        "front": provider.front().as_str(),
        "profile": provider.profile().name,
        "environment": provider.environment().as_str(),
        "terms": provider.terms(),
        "discovery": provider.url(Endpoint::Discovery),
        "authorization_endpoint": provider.url(Endpoint::Authorization),
        "testid_pools": pools,
        "key_lead": duration::spelled(settings.key_lead),
        "key_rotation": settings.key_rotation.map(duration::spelled),
        "verify_tokens": settings.verify_tokens,
    })
}

fn page(settings: &Settings, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    writeln!(out, "{} is in order", settings.file.display())?;
    writeln!(out, "data       {}", settings.data)?;
    for listener in &settings.listeners {
        let tls = if listener.tls.is_some() { "https" } else { "http" };
        let proxies = match listener.trusted_proxies.len() {
            0 => String::new(),
            count => format!(", behind proxies of {count} networks"),
        };
        writeln!(out, "listens    {} ({tls}{proxies})", listener.address)?;
    }
    for settings in &settings.issuers {
        let provider = &settings.provider;
        let eid = if provider.test_id().is_some() { "TestID" } else { "no eID" };
        writeln!(
            out,
            "issuer     {}\n           profile {}, {}, {eid}, terms {}",
            provider.issuer(),
            provider.profile().name,
            provider.environment(),
            provider.terms()
        )?;
    }
    Ok(())
}
