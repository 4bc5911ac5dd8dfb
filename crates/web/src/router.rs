//! From a request to the issuer it is for and the handler that answers. An issuer is matched by scheme, host and path among
//! those configured; nothing is ever built from a request.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::routing::{MethodRouter, get, post};
use http::{Request, Response, StatusCode};
use portvakt_protocol::features::{Endpoint, Place, places};
use portvakt_protocol::issuer::Scheme;
use portvakt_store::Store;
use tokio::time::Instant;
use tower::Service;

use crate::clock::Clock;
use crate::reply::text;
use crate::site::{PATIENCE, Site};
use crate::unserved::{host_unknown, method_unserved, path_unknown};
use crate::{
    assets, authorize, end_session, introspect, issuer_page, language, listen, login, metadata, revoke,
    rule_page, token, userinfo,
};

/// Everything that is served: each configured host with its routes.
#[derive(Clone)]
pub struct Front(Arc<Hosts>);

struct Hosts {
    routers: HashMap<(listen::Scheme, String), Router>,
    sites: Vec<Arc<Site>>,
    store: Store,
    clock: Clock,
}

/// Two configured issuers want the same URL.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("two issuers are configured to answer at {0}")]
pub struct Collision(pub String);

impl Front {
    /// The routes of these sites.
    ///
    /// # Errors
    /// [`Collision`] if two issuers would answer at one URL.
    pub fn new(sites: &[Arc<Site>], store: Store, clock: Clock) -> Result<Self, Collision> {
        let mut routes: HashMap<(listen::Scheme, String), HashMap<String, MethodRouter>> = HashMap::new();
        for site in sites {
            site.meet(sites);
            for Place { endpoint, base, path } in places(&site.provider) {
                let host = (scheme(base.scheme()), base.authority().to_owned());
                let handler = handler(endpoint, Arc::clone(site));
                if routes.entry(host).or_default().insert(path.clone(), handler).is_some() {
                    return Err(Collision(format!("{}{path}", base.authority())));
                }
            }
        }
        let routers = routes
            .into_iter()
            .map(|(host, paths)| {
                let here: Arc<[Arc<Site>]> =
                    sites.iter().filter(|site| is_at(site, &host)).cloned().collect();
                let router = paths
                    .into_iter()
                    .fold(Router::new(), |router, (path, handler)| router.route(&path, handler));
                let router = router
                    .fallback(move |request: Request<Body>| async move { path_unknown(&here, &request) });
                (host, router)
            })
            .collect();
        Ok(Self(Arc::new(Hosts { routers, sites: sites.to_vec(), store, clock })))
    }
}

/// Whether an issuer, or its front, is at this host.
fn is_at(site: &Site, (named, authority): &(listen::Scheme, String)) -> bool {
    let bases = [site.provider.issuer(), site.provider.front()];
    bases.iter().any(|base| scheme(base.scheme()) == *named && base.authority() == authority)
}

fn scheme(scheme: Scheme) -> listen::Scheme {
    match scheme {
        Scheme::Http => listen::Scheme::Http,
        Scheme::Https => listen::Scheme::Https,
    }
}

/// The methods of an endpoint, in the order in which `Allow` has them. HEAD is none of them where a GET begins, answers or ends a
/// login: its reply would be read by nobody.
fn methods(endpoint: Endpoint) -> &'static [&'static str] {
    match endpoint {
        Endpoint::Discovery
        | Endpoint::Jwks
        | Endpoint::IssuerPage
        | Endpoint::Asset
        | Endpoint::RuleList
        | Endpoint::RulePage => &["GET", "HEAD"],
        Endpoint::Authorization | Endpoint::EndSession | Endpoint::Login => &["GET", "POST"],
        Endpoint::Token | Endpoint::Introspection | Endpoint::Tokeninfo | Endpoint::Revocation => {
            &["POST", "OPTIONS"]
        }
        Endpoint::Userinfo => &["GET", "HEAD", "POST", "OPTIONS"],
        Endpoint::Resume => &["GET"],
        Endpoint::Language => &["POST"],
    }
}

/// The handler of an endpoint: one exhaustive match, and an answer to every method that is not among its [`methods`].
fn handler(endpoint: Endpoint, site: Arc<Site>) -> MethodRouter {
    let served = methods(endpoint);
    let asked = Arc::clone(&site);
    let unserved = move |request: Request<Body>| async move {
        method_unserved(&asked, endpoint, served, request.method())
    };
    let router = match endpoint {
        Endpoint::Discovery => get(metadata::discovery),
        Endpoint::Jwks => get(metadata::jwks),
        Endpoint::Authorization => get(authorize::authorize).post(authorize::authorize),
        Endpoint::Token => post(token::token).options(token::preflight),
        Endpoint::Userinfo => get(userinfo::userinfo).post(userinfo::userinfo).options(userinfo::preflight),
        Endpoint::Introspection => post(introspect::introspection).options(token::preflight),
        Endpoint::Tokeninfo => post(introspect::tokeninfo).options(token::preflight),
        Endpoint::Revocation => post(revoke::revoke).options(token::preflight),
        Endpoint::EndSession => get(end_session::end_session).post(end_session::end_session),
        Endpoint::Login => get(login::login).post(login::login),
        Endpoint::Resume => get(login::resume),
        Endpoint::IssuerPage => get(issuer_page::issuer_page),
        Endpoint::Language => post(language::language),
        Endpoint::Asset => get(assets::asset),
        Endpoint::RuleList => get(rule_page::rule_list),
        Endpoint::RulePage => get(rule_page::rule_page),
    };
    let router = if served.contains(&"HEAD") { router } else { router.head(unserved.clone()) };
    router.fallback(unserved).with_state(site)
}

impl Service<Request<Body>> for Front {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let hosts = Arc::clone(&self.0);
        match request.uri().path() {
            "/health/live" => return Box::pin(async { Ok(text(StatusCode::OK, "live\n")) }),
            // Apart, as any request: what asks the store is not dropped in the middle.
            "/health/ready" => return Box::pin(apart(async move { Ok(ready(&hosts).await) })),
            _ => {}
        }
        let peer = request.extensions().get::<listen::Peer>();
        let router = peer.and_then(|peer| hosts.routers.get(&(peer.scheme, peer.authority.clone())).cloned());
        match router {
            Some(mut router) => Box::pin(async move {
                let place = request.extensions().get::<listen::Place>().cloned();
                let Ok(reply) = apart(async move {
                    let reply = router.call(request).await;
                    drop(place);
                    reply
                })
                .await;
                Ok(reply)
            }),
            None => {
                let reply = host_unknown(&hosts.sites, peer.map(|peer| peer.authority.as_str()));
                Box::pin(async { Ok(reply) })
            }
        }
    }
}

/// Runs a request in a task of its own: it runs to its end when the caller hangs up, so that no code is spent without its tokens
/// signed, and a panic in it answers 500 and ends nothing else.
async fn apart<F>(work: F) -> Result<Response<Body>, Infallible>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    tokio::spawn(work)
        .await
        .unwrap_or_else(|_| Ok(text(StatusCode::INTERNAL_SERVER_ERROR, "An error of ours.\n")))
}

/// Whether this process can serve: its store reads, and its writer's last commit went through.
async fn ready(hosts: &Hosts) -> Response<Body> {
    match hosts.store.until(Instant::now() + PATIENCE).health(hosts.clock.now()).await {
        Ok(()) => text(StatusCode::OK, "ready\n"),
        Err(broken) => {
            tracing::error!(target: "broken", cause = %broken, "not ready");
            crate::reply::retry_after(text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_answers_500_and_a_caller_that_left_stops_nothing() {
        let Ok(reply) = apart(async { panic!("planted") }).await;
        assert_eq!(reply.status(), StatusCode::INTERNAL_SERVER_ERROR);

        let (done, seen) = tokio::sync::oneshot::channel();
        let mut work = Box::pin(apart(async move {
            tokio::task::yield_now().await;
            let _ = done.send(());
            Ok(Response::default())
        }));
        // Polled once, as by a connection that then goes away.
        assert!(std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_pending())).await);
        drop(work);
        assert!(seen.await.is_ok());
    }
}
