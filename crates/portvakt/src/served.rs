//! The issuers as they are being served, and how changed signing keys come into use.

use std::sync::Arc;

use portvakt_web::site::Site;
use tokio::sync::Mutex;

/// The sites of a running server; none where a command opens the folder itself.
#[derive(Debug, Default)]
pub(crate) struct Served {
    sites: Vec<Arc<Site>>,
    /// Held while keys are read and taken over. Of two at once, the one that read first could else take over last, and what
    /// the other had read would be lost until the next change.
    taking_over: Mutex<()>,
}

impl Served {
    /// These sites.
    pub(crate) fn new(sites: Vec<Arc<Site>>) -> Self {
        Self { sites, taking_over: Mutex::new(()) }
    }

    /// Takes over the signing keys of every site that `wanted` picks, as they are stored now. A failure is logged, and the
    /// keys in use stay.
    pub(crate) async fn refresh_keys(&self, wanted: impl Fn(&Site) -> bool) {
        for site in self.sites.iter().filter(|site| wanted(site)) {
            let _held = self.taking_over.lock().await;
            if let Err(fault) = site.refresh_keys().await {
                let issuer = site.provider.issuer();
                tracing::error!(target: "broken", %issuer, cause = %fault, "signing keys not taken over");
            }
        }
    }
}
