//! Faults in how a request is written, at the endpoints that read it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;

use portvakt_protocol::refusal::rules;
use portvakt_testkit::{At, Call, Process, World};

use crate::{PERSON, Provoked};

pub(crate) async fn provoke(world: &World, provoked: &mut Provoked) {
    for at in At::PROFILES {
        let service = world.service(at).await;
        let asking = service.request();
        provoked.by(&rules::PARAMETER_REPEATED, &asking.clone().again("scope", "openid").send().await);
        let long = "n".repeat(2049);
        provoked.by(&rules::PARAMETER_TOO_LONG, &asking.clone().with("nonce", &long).send().await);
        for (name, rule) in [
            ("request", &rules::REQUEST_OBJECT_UNSUPPORTED),
            ("request_uri", &rules::REQUEST_URI_UNSUPPORTED),
            ("resource", &rules::RESOURCE_UNSUPPORTED),
            ("authorization_details", &rules::AUTHORIZATION_DETAILS_UNSUPPORTED),
        ] {
            provoked.by(rule, &asking.clone().with(name, "x").send().await);
        }
        let broken = format!("{}?client_id=web&scope=%zz", service.url("authorization_endpoint"));
        provoked.by(&rules::PARAMETERS_ENCODING, &world.call(Call::get(&broken)).await);

        let answer = world.answer(&service, PERSON).await;
        let redemption = service.redemption(&answer);
        let json = redemption.call();
        let json = Call { headers: Vec::new(), ..json }.body("application/json; charset=utf-8", "{}");
        for (call, told) in [
            (json, "Content-Type: expected application/x-www-form-urlencoded, received 'application/json'"),
            (
                redemption.call().header("content-type", "text/plain"),
                "Content-Type: expected application/x-www-form-urlencoded, received several",
            ),
            (
                redemption.call().header("content-encoding", "gzip"),
                "Content-Encoding: expected a form as it is, received an encoded one",
            ),
        ] {
            let reply = world.call(call).await;
            assert!(reply.description().starts_with(told), "{}", reply.description());
            provoked.by(&rules::CONTENT_TYPE, &reply);
        }
        let mut queried = redemption.call();
        queried.url.push_str("?client_id=web");
        provoked.by(&rules::PARAMETERS_IN_QUERY, &world.call(queried).await);
        provoked.by(&rules::PARAMETER_MISSING, &redemption.clone().without("code").send().await);
        service.tokens(&answer).await;
    }
    over_a_socket(provoked);
}

/// What the listener has its hand in: a body that is larger than a form may be, and one that never comes whole.
fn over_a_socket(provoked: &mut Provoked) {
    let process = Process::dev(Path::new(env!("CARGO_BIN_EXE_portvakt")), &[]);
    let issuers = process.issuers();
    let issuer = issuers.iter().find(|issuer| !issuer.ends_with('/')).unwrap();
    let large = format!("grant_type={}", "x".repeat(64 * 1024));
    for (rule, announced, sent) in [
        (&rules::BODY_TOO_LARGE, large.len(), large.as_str()),
        (&rules::BODY_INCOMPLETE, 100, "grant_type=authorization_code"),
    ] {
        let answer = answered(issuer, announced, sent);
        assert!(answer.starts_with(&format!("HTTP/1.1 {} ", rule.status())), "{answer}");
        assert!(answer.contains(&format!("\"error_uri\":\"{issuer}/errors/{}\"", rule.name)), "{answer}");
        assert!(
            answer.contains(&format!("; rule {}, environment development (trace_id: ", rule.name)),
            "{answer}"
        );
        provoked.0.insert(rule.name);
    }
}

/// The answer of a token endpoint to so much of a form of `announced` bytes.
fn answered(issuer: &str, announced: usize, sent: &str) -> String {
    let port: u16 = issuer.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap();
    let mut socket = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    let head = format!(
        "POST /token HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Connection: close\r\nContent-Length: {announced}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(sent.as_bytes()).unwrap();
    if sent.len() < announced {
        socket.shutdown(Shutdown::Write).unwrap();
    }
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}
