//! Several nodes on one database: servers as an operator starts them, a balancer that sends each request to the next, and a network
//! that goes away.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portvakt_cluster::{Proxy, shared};
use portvakt_crypto::random::Random;
use portvakt_testkit::{Answer, Browser, Call, PERSONS, RelyingParty, Reply, Service, Wire};
use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::registered::{CATALOGUE, ORGNO};
use crate::server::{Desk, Server, complaint, told};
use crate::warnings::{told_owners, warnings};

const HOST: &str = "localhost:8080";
const ISSUER: &str = "http://localhost:8080/idporten-oidc-provider/";
const MASTER_KEY: &str = "5e0c9a47d1f83b26a7749c1de2b85f306d4be8f9012a63c5178fd0a4b9e37c61";

/// Within this time whoever asks is told that the database is gone.
const TOLD: Duration = Duration::from_secs(2);

/// How long a scene waits for what must come by itself.
const PATIENCE: Duration = Duration::from_secs(20);

/// The configuration of a node.
fn configuration(url: &str, more: &str) -> String {
    format!(
        r#"
data = "{url}"
master_key = {{ file = "master.key" }}

[[listeners]]
address = "127.0.0.1:0"

[[issuers]]
issuer = "{ISSUER}"
profile = "pilot"
environment = "development"
terms = "1"
testid = {{ pools = ["a"] }}
key_lead = "1s"
{more}
"#
    )
}

/// Nodes on a database of their own.
struct Nodes {
    /// Where commands are given.
    desk: Desk,
    /// One for each node: its own folder, and its own way to the database.
    desks: Vec<Desk>,
    servers: Vec<Server>,
}

impl Nodes {
    /// A migrated database with a client, without any node yet.
    fn none(more: &str) -> (Self, String) {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("nodes_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let server = shared().unwrap();
        server.create_database(&name).unwrap();
        let desk = desk(&configuration(&server.url(&name), more));
        told(&desk.run(&["db", "migrate", "--json"]));
        let applied = desk.apply(CATALOGUE, &[]);
        assert!(applied.status.success(), "{}", complaint(&applied));
        (Self { desk, desks: Vec::new(), servers: Vec::new() }, name)
    }

    /// Three nodes, each on its own way to the database.
    fn three(more: &str) -> Self {
        let (mut nodes, name) = Self::none(more);
        let url = shared().unwrap().url(&name);
        nodes.start(&[url.clone(), url.clone(), url], more);
        nodes
    }

    /// Starts a node for each of these ways, all at once.
    fn start(&mut self, urls: &[String], more: &str) {
        self.desks = urls.iter().map(|url| desk(&configuration(url, more))).collect();
        self.servers = std::thread::scope(|scope| {
            let starting: Vec<_> = self.desks.iter().map(|desk| scope.spawn(|| desk.serve())).collect();
            starting.into_iter().map(|starting| starting.join().unwrap()).collect()
        });
    }

    /// The wire to one node.
    fn wire(&self, node: usize) -> Wire {
        self.servers[node].wire(&[HOST])
    }

    /// The service, by one node.
    async fn service(&self, node: usize) -> RelyingParty {
        service(&self.wire(node)).await
    }

    /// The `kid`s that each node publishes.
    async fn kids(&self) -> Vec<Vec<String>> {
        let mut kids = Vec::new();
        for node in 0..self.servers.len() {
            kids.push(kids_of(&self.wire(node)).await);
        }
        kids
    }

    /// A command that must succeed.
    fn told(&self, arguments: &[&str]) -> Value {
        self.desk.told(arguments)
    }
}

fn desk(configuration: &str) -> Desk {
    let desk = Desk::with(configuration);
    desk.write("master.key", MASTER_KEY);
    desk
}

async fn service(wire: &Wire) -> RelyingParty {
    let service = Service {
        client_id: "skjema".to_owned(),
        secret: Some("the-secret-of-skjema".to_owned()),
        method: "client_secret_basic".to_owned(),
        redirect_uri: "https://skjema.example/callback".to_owned(),
    };
    RelyingParty::discover(wire, ISSUER, service, Random::system()).await
}

async fn kids_of(wire: &Wire) -> Vec<String> {
    crate::server::kids(&wire.call(Call::get(&format!("{ISSUER}jwk"))).await.json())
}

/// A login to its code.
async fn code(service: &RelyingParty, wire: &Wire) -> Answer {
    service.login(&mut Browser::new(wire), PERSONS[0]).await
}

/// A balancer that sends each connection to the next node.
async fn balancer(nodes: &Nodes) -> (Wire, &'static [AtomicUsize; 3]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ends: Vec<SocketAddr> = nodes.servers.iter().map(|server| server.address).collect();
    let served: &'static [AtomicUsize; 3] = Box::leak(Box::default());
    tokio::spawn(async move {
        for node in (0..ends.len()).cycle() {
            let (mut near, _) = listener.accept().await.unwrap();
            let end = ends[node];
            tokio::spawn(async move {
                let mut far = TcpStream::connect(end).await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
                served[node].fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    (Wire::sockets([(HOST.to_owned(), address)]), served)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_goes_through_another_node_at_every_step() {
    let nodes = Nodes::three("");
    let (wire, served) = balancer(&nodes).await;
    let service = service(&wire).await;
    for pid in &PERSONS[..4] {
        let answer = service.login(&mut Browser::new(&wire), pid).await;
        let tokens = service.tokens(&answer).await;
        let userinfo = service.userinfo(&tokens.access_token).await;
        assert_eq!(userinfo.json()["sub"], tokens.claim("sub"), "one person to all nodes");
        assert_eq!(service.redeem(&answer).await.error(), "invalid_grant");
        assert_eq!(service.userinfo(&tokens.access_token).await.status, 401);
    }
    let served: Vec<_> = served.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    assert!(served.iter().all(|count| *count >= 8), "{served:?}");
    for server in nodes.servers {
        server.stop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_redeemed_on_one_node_is_a_replay_on_another_and_its_token_dead_on_the_third() {
    let nodes = Nodes::three("");
    let [one, two, three] = [nodes.service(0).await, nodes.service(1).await, nodes.service(2).await];
    let answer = code(&one, &nodes.wire(0)).await;
    let tokens = one.tokens(&answer).await;
    assert_eq!(three.userinfo(&tokens.access_token).await.status, 200);
    assert_eq!(two.redeem(&answer).await.error(), "invalid_grant");
    assert_eq!(three.userinfo(&tokens.access_token).await.status, 401, "RFC 6749 §4.1.2");
    // Nobody but its client may do that: as an unknown one it is nothing on any node.
    let answer = code(&one, &nodes.wire(2)).await;
    let stranger = two.pretending(|service| service.client_id = "stranger".to_owned());
    assert_eq!(stranger.redeem(&answer).await.error(), "invalid_client");
    three.tokens(&answer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_nodes_that_refuse_a_client_often_one_warns_its_owner() {
    let nodes = Nodes::three("");
    for node in 0..3 {
        let service = nodes.service(node).await;
        let wrong = service.pretending(|service| service.secret = Some("another".to_owned()));
        let answer = code(&service, &nodes.wire(node)).await;
        for _ in 0..10 {
            assert_eq!(wrong.redeem(&answer).await.error(), "invalid_client");
        }
    }
    assert_eq!(warnings(&nodes.desk).as_array().map(Vec::len), Some(1));
    // Every node has looked at what it counted by then.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut told = Vec::new();
    for server in nodes.servers {
        server.terminate();
        told.extend(told_owners(&server.ended().1));
    }
    let [event] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((&event["client"], &event["level"]), (&"skjema".into(), &"WARN".into()));
    assert_eq!(
        nodes.desk.told(&["organisation", "report", ORGNO])["warnings"].as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_a_command_deactivated_is_refused_on_every_node_when_the_command_has_returned() {
    let nodes = Nodes::three("");
    let mut held = Vec::new();
    for node in 0..3 {
        let (service, wire) = (nodes.service(node).await, nodes.wire(node));
        let token = service.tokens(&code(&service, &wire).await).await.access_token;
        assert_eq!(service.userinfo(&token).await.status, 200);
        held.push((service.clone(), code(&service, &wire).await, token));
    }
    nodes.told(&["client", "deactivate", "skjema"]);
    for (service, answer, token) in &held {
        assert_eq!(service.redeem(answer).await.error(), "invalid_client");
        assert_eq!(service.userinfo(token).await.status, 401);
        let asked = Browser::new(&nodes.wire(0)).visit(&service.request().url()).await;
        assert!(asked.is_page_with(400), "{}", asked.status);
    }
    nodes.told(&["client", "activate", "skjema"]);
    for (service, answer, _) in &held {
        service.tokens(answer).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_before_is_nothing_on_every_node_when_the_command_has_returned() {
    let nodes = Nodes::three("");
    for subject in [&["--client", "skjema"][..], &["--organisation", ORGNO], &["--person", PERSONS[0]]] {
        let mut held = Vec::new();
        for node in 0..3 {
            let (service, wire) = (nodes.service(node).await, nodes.wire(node));
            let token = service.tokens(&code(&service, &wire).await).await.access_token;
            assert_eq!(service.userinfo(&token).await.status, 200);
            held.push((service.clone(), code(&service, &wire).await, token));
        }
        nodes.told(&[&["revoke"], subject].concat());
        for (node, (service, answer, token)) in held.iter().enumerate() {
            assert_eq!(service.userinfo(token).await.status, 401, "{subject:?}");
            assert_eq!(service.redeem(answer).await.error(), "invalid_grant", "{subject:?}");
            let again = service.tokens(&code(service, &nodes.wire(node)).await).await;
            assert_eq!(service.userinfo(&again.access_token).await.status, 200, "{subject:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_is_given_and_withdrawn_on_every_node_when_the_command_has_returned() {
    let nodes = Nodes::three("");
    nodes.told(&["organisation", "add", "889640782", "--name", "Etaten"]);
    nodes.told(&["scope", "add", "skatt:inntekt", "--owner-orgno", "889640782"]);
    nodes.told(&["client", "update", "skjema", "--scope", "openid", "--scope", "skatt:inntekt"]);
    for (deed, given) in [("request", false), ("approve", true), ("withdraw", false), ("approve", true)] {
        nodes.told(&["scope", "access", deed, "skatt:inntekt", ORGNO]);
        for node in 0..3 {
            let asking = nodes.service(node).await.request().with("scope", "openid skatt:inntekt");
            let reply = asking.send().await;
            if given {
                assert!(reply.location().is_some_and(|to| to.contains("/login/")), "{deed} at node {node}");
            } else {
                let error = asking.answer(&reply).get("error").map(str::to_owned);
                assert_eq!(error.as_deref(), Some("invalid_scope"), "{deed} at node {node}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawn_key_signs_nowhere_when_the_command_has_returned_and_the_jwk_sets_agree() {
    let (mut nodes, name) = Nodes::none("");
    let server = shared().unwrap();
    let proxy = Proxy::start(server.port()).unwrap();
    nodes.start(&[server.url(&name), server.url(&name), proxy.url(&name)], "");
    let [one, _, cut] = [nodes.service(0).await, nodes.service(1).await, nodes.service(2).await];
    let old = kids_of(&nodes.wire(0)).await;
    assert_eq!(nodes.kids().await, vec![old.clone(); 3], "of three first starts at once one key came");
    let answer = code(&one, &nodes.wire(1)).await;

    // One node is cut off, and cannot know.
    proxy.swallow();
    let rotated = nodes.told(&["key", "rotate", "--now", "--withdraw"]);
    let new = vec![rotated[0]["kid"].as_str().unwrap().to_owned()];
    for node in [0, 1] {
        assert_eq!(kids_of(&nodes.wire(node)).await, new);
        let service = nodes.service(node).await;
        let tokens = service.tokens(&code(&service, &nodes.wire(node)).await).await;
        assert_eq!(tokens.header()["kid"], new[0].as_str());
    }
    assert_eq!(kids_of(&nodes.wire(2)).await, old, "what anybody may have kept is still told");
    is_told_to_come_back(&cut.redeem(&answer).await);

    proxy.forward();
    let begun = Instant::now();
    while kids_of(&nodes.wire(2)).await != new {
        assert!(begun.elapsed() < PATIENCE, "it does not hear again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Nothing was spent for a signature that could not be made.
    let tokens = cut.tokens(&answer).await;
    assert_eq!(tokens.header()["kid"], new[0].as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_nodes_one_makes_the_next_key_and_all_have_it() {
    let nodes = Nodes::three("key_rotation = \"1s\"");
    let begun = Instant::now();
    let kids = loop {
        let kids = nodes.kids().await;
        if kids.iter().all(|kids| kids.len() >= 2) {
            break kids;
        }
        assert!(begun.elapsed() < PATIENCE, "no key came: {kids:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(kids.iter().all(|other| *other == kids[0] && other.len() == 2), "{kids:?}");
    let listed = nodes.told(&["key", "list"]);
    assert_eq!(listed[0]["keys"].as_array().unwrap().len(), 2, "{listed}");
}

/// A reply that asks its reader to come back: RFC 9110 §15.6.4.
#[track_caller]
fn is_told_to_come_back(reply: &Reply) {
    assert_eq!(reply.status, 503, "{}: {}", reply.url, reply.text());
    assert!(!reply.header("retry-after").is_empty(), "{}", reply.url);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_database_gone_everybody_is_told_so_in_time_and_what_is_public_is_still_told() {
    let (mut nodes, name) = Nodes::none("");
    let proxy = Proxy::start(shared().unwrap().port()).unwrap();
    nodes.start(&[proxy.url(&name)], "");
    let (wire, service) = (nodes.wire(0), nodes.service(0).await);
    let token = service.tokens(&code(&service, &wire).await).await.access_token;
    let mut browser = Browser::new(&wire);
    let page = browser.visit(&service.request().url()).await;
    let answer = code(&service, &wire).await;

    // Without a word, and with its port closed.
    for gone in [Proxy::swallow, |proxy: &Proxy| (proxy.refuse(), proxy.cut()).1] {
        gone(&proxy);
        let begun = Instant::now();
        let flood: Vec<_> = (0..48)
            .map(|_| {
                let redemption = service.redemption(&answer);
                tokio::spawn(async move {
                    let asked = Instant::now();
                    (redemption.send().await, asked.elapsed())
                })
            })
            .collect();
        for one in flood {
            let (reply, took) = one.await.unwrap();
            is_told_to_come_back(&reply);
            assert_eq!(reply.error(), "temporarily_unavailable");
            assert!(took < TOLD, "{took:?}");
        }
        let ready = || wire.call(Call::get(&format!("http://{HOST}/health/ready")));
        assert_eq!(timed(ready()).await.status, 503, "after {:?}", begun.elapsed());
        assert!(is_excused_page(&timed(browser.visit(&service.request().url())).await));
        assert!(is_excused_page(&timed(browser.visit(&page.url)).await));
        assert!(is_excused_page(&timed(browser.log_in_as(&page, PERSONS[0])).await));
        assert!(is_excused_page(&timed(browser.visit(service.url("end_session_endpoint"))).await));
        assert!(is_excused_page(&timed(browser.visit(ISSUER)).await));
        is_told_to_come_back(&timed(service.userinfo(&token)).await);
        for public in ["/health/live", "/idporten-oidc-provider/.well-known/openid-configuration"] {
            assert_eq!(timed(wire.call(Call::get(&format!("http://{HOST}{public}")))).await.status, 200);
        }
        assert_eq!(timed(kids_of(&wire)).await.len(), 1);

        proxy.forward();
        let begun = Instant::now();
        while ready().await.status != 200 {
            assert!(begun.elapsed() < PATIENCE, "not ready again");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // By itself, and nothing of what was refused was done.
        service.tokens(&code(&service, &wire).await).await;
    }
    service.tokens(&answer).await;
    let left = browser.log_in_as(&page, PERSONS[0]).await;
    assert!(left.location().is_some_and(|location| location.contains("code=")), "{}", left.status);
}

/// The page that says to try again, or the service's answer that it should, where the client was known within the last second.
fn is_excused_page(reply: &Reply) -> bool {
    if reply.location().is_some_and(|location| location.contains("error=temporarily_unavailable")) {
        return true;
    }
    is_told_to_come_back(reply);
    reply.is_page()
}

/// What comes of a call, in time.
async fn timed<T>(call: impl Future<Output = T>) -> T {
    let asked = Instant::now();
    let came = call.await;
    assert!(asked.elapsed() < TOLD, "{:?}", asked.elapsed());
    came
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_told_nowhere() {
    let (nodes, name) = Nodes::none("");
    let server = shared().unwrap();
    let database = "[database]\npassword = { file = \"database.password\" }\nconnections = 3\n";
    let log = "[log]\nlevel = \"trace\"\n";
    for (port, works) in [(server.port(), true), (portvakt_cluster::free_port().unwrap(), false)] {
        let url = server.url(&name).replace(&format!(":{}", server.port()), &format!(":{port}"));
        let inside = url.replace('@', ":swordfish-in-the-url@");
        for (configuration, file) in [
            (configuration(&url, log).replace("[[listeners]]", &format!("{database}\n[[listeners]]")), true),
            (configuration(&inside, log), false),
        ] {
            let desk = desk(&configuration);
            if file {
                desk.write("database.password", "swordfish-in-a-file\n");
            }
            let mut said = String::new();
            for arguments in [&["config", "check"][..], &["config", "check", "--json"], &["key", "list"]] {
                let output = desk.run(arguments);
                said.push_str(&complaint(&output));
                said.push_str(&String::from_utf8_lossy(&output.stdout));
            }
            let (served, log) = desk.try_serve();
            said.push_str(&log.concat());
            match served {
                Ok(node) => {
                    assert!(works);
                    node.terminate();
                    said.push_str(&node.ended().1.concat());
                }
                Err(code) => {
                    assert!(!works && code == Some(1), "{code:?}: {said}");
                    assert!(said.contains("cannot be reached"), "{said}");
                }
            }
            assert!(said.contains(&format!("127.0.0.1:{port}/{name}")), "where it is, is told: {said}");
            assert!(!said.contains("swordfish"), "{said}");
        }
    }
    drop(nodes);
}
