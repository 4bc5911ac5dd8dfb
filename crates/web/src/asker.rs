//! Endpoints where clients authenticate: token, introspection and revocation. Who asks is found out in one way for all three, and what
//! went wrong is answered in one way.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use http::header::AUTHORIZATION;
use portvakt_protocol::client::Client;
use portvakt_protocol::params::RawParams;
use portvakt_protocol::refusal::{Malformed, beginning};
use portvakt_protocol::token::{
    ClientFault, ClientProof, GrantFault, RefreshFault, TokenFault, authenticate, credentials,
};
use portvakt_store::Broken;

use crate::concerned::Concerned;
use crate::form::form;
use crate::keys::NotSigned;
use crate::reply::{Reply, broken_json, refuse_json, server_error};
use crate::site::{Site, Trace};

/// Why a client does not get what it asked for.
pub(crate) enum Refused {
    /// The client's fault.
    Fault(TokenFault),
    /// The store's.
    Broken(Broken),
    /// The keys'.
    NotSigned(NotSigned),
    /// What cannot be.
    Ours(&'static str),
}

macro_rules! faults {
    ($($fault:ty),*) => {$(
        impl From<$fault> for Refused {
            fn from(fault: $fault) -> Self {
                Self::Fault(fault.into())
            }
        }
    )*};
}

faults!(TokenFault, Malformed, ClientFault, GrantFault, RefreshFault);

impl From<Broken> for Refused {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<NotSigned> for Refused {
    fn from(fault: NotSigned) -> Self {
        Self::NotSigned(fault)
    }
}

/// Who asks, as far as it is known when the answer is written.
#[derive(Default)]
pub(crate) struct Asker {
    /// Whole only once it is known to be a client's: a stranger's may be a secret in the wrong place.
    named: Option<String>,
    client: Option<Arc<Client>>,
}

impl Asker {
    /// The client, if the request names one that is registered.
    pub(crate) fn client(&self) -> Option<&Client> {
        self.client.as_deref()
    }

    /// The answer to a client that does not get what it asked for.
    pub(crate) fn refuse(
        &self,
        site: &Site,
        trace: &Trace,
        endpoint: &'static str,
        refused: Refused,
    ) -> Reply {
        let concerned = Concerned::of(self.client.as_deref(), self.named.as_deref());
        match refused {
            Refused::Fault(fault) => refuse_json(site, trace, endpoint, concerned, &fault),
            Refused::Broken(broken) => broken_json(site, trace, endpoint, &broken),
            Refused::NotSigned(fault) if fault.passes() => broken_json(site, trace, endpoint, &fault),
            Refused::NotSigned(fault) => server_error(site, trace, endpoint, &fault),
            Refused::Ours(cause) => server_error(site, trace, endpoint, &cause),
        }
    }

    /// Reads the form and authenticates the client. What the form asks for is judged after that.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) async fn authenticated(
        &mut self,
        site: &Site,
        trace: &mut Trace,
        request: Request<Body>,
    ) -> Result<(ClientProof, RawParams), Refused> {
        let (head, body) = request.into_parts();
        Malformed::no_query(head.uri.query())?;
        let params: RawParams = form(&head.headers, body).await?;
        trace.body_read(site);
        let authorization: Vec<&[u8]> =
            head.headers.get_all(AUTHORIZATION).iter().map(|value| value.as_bytes()).collect();
        self.named = params.first("client_id").map(beginning);
        let credentials = credentials(&authorization, &params)?;
        self.named = Some(beginning(credentials.client_id().as_str()));
        let client = site.by(trace).client(&site.provider, credentials.client_id()).await?;
        self.client.clone_from(&client);
        match authenticate(&credentials, client, trace.now) {
            Err(TokenFault::Client(fault @ ClientFault::Unknown(..))) => {
                Err(fault.known_at(site.elsewhere(trace, credentials.client_id()).await).into())
            }
            authenticated => Ok((authenticated?, params)),
        }
    }
}
