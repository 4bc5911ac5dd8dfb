//! What nobody serves.

use std::net::SocketAddr;
use std::path::Path;

use portvakt_protocol::refusal::rules;
use portvakt_testkit::{At, Call, Process, Wire, World};

use crate::Provoked;

pub(crate) async fn provoke(world: &World, provoked: &mut Provoked) {
    let url = format!("{}/nowhere", At::Current.issuer());
    let lost = world.call(Call::get(&url)).await;
    provoked.told_by(&rules::PATH_UNKNOWN, &lost);
    provoked.by(&rules::PATH_UNKNOWN, &lost);
    let service = world.service(At::Current).await;
    let wrong = world.call(Call::get(service.url("token_endpoint"))).await;
    provoked.told_by(&rules::METHOD_NOT_ALLOWED, &wrong);
    provoked.by(&rules::METHOD_NOT_ALLOWED, &wrong);

    // Only a process of development issuers alone tells a stranger whom it serves.
    let process = Process::dev(Path::new(env!("CARGO_BIN_EXE_portvakt")), &[]);
    let port: u16 =
        process.issuers().iter().find_map(|issuer| issuer.rsplit_once(':')?.1.parse().ok()).unwrap();
    let stranger = format!("127.0.0.1:{port}");
    let wire = Wire::sockets([(stranger.clone(), SocketAddr::from(([127, 0, 0, 1], port)))]);
    let reply = wire.call(Call::get(&format!("http://{stranger}/authorize"))).await;
    provoked.told_by(&rules::HOST_UNKNOWN, &reply);
}
