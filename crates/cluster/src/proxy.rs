//! A proxy before one server that breaks connections in ways a test can choose: slow, cut, refused, swallowed, or cut exactly
//! between a commit and its answer.

mod heard;

use std::collections::{HashMap, VecDeque};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use crate::ambush::{Ambush, Fate, Laid};
use crate::ports::free_port;
use crate::postgres::OWNER;
use crate::wire::{Conversation, Frames, Heard};

/// How long the server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// What happens to bytes and new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// They go on.
    Forward,
    /// New connections are closed at once; the others go on.
    Refuse,
    /// They are accepted, and no answer ever comes.
    Swallow,
}

/// What a test has asked for.
#[derive(Debug)]
struct Steering {
    upstream: SocketAddr,
    manner: Manner,
    to_server: Duration,
    to_client: Duration,
    ambushes: Vec<Laid>,
    struck: u64,
    accepted: u64,
    /// What has been asked, while somebody listens in.
    heard: Option<Vec<String>>,
    over: bool,
}

/// One client's connection, and the one to the server once there is one.
#[derive(Debug)]
struct Line {
    client: TcpStream,
    server: Option<TcpStream>,
    /// Bytes have been swallowed: it cannot go on.
    torn: bool,
}

/// What the threads share.
#[derive(Debug)]
struct Shared {
    steering: Mutex<Steering>,
    lines: Mutex<HashMap<u64, Line>>,
}

/// A proxy before one PostgreSQL server. It does not encrypt. Dropping it cuts all connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 and forwards to `upstream`, a port there.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(upstream: u16) -> Result<Self, String> {
        let port = free_port()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = listener.map_err(|error| format!("the proxy's port {port}: {error}"))?;
        let steering = Steering {
            upstream: loopback(upstream),
            manner: Manner::Forward,
            to_server: Duration::ZERO,
            to_client: Duration::ZERO,
            ambushes: Vec::new(),
            struck: 0,
            accepted: 0,
            heard: None,
            over: false,
        };
        let shared = Arc::new(Shared { steering: Mutex::new(steering), lines: Mutex::default() });
        let for_thread = Arc::clone(&shared);
        let listening = thread::spawn(move || listen(&listener, &for_thread));
        Ok(Self { port, shared, listening: Some(listening) })
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of `database` through it, as the superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{OWNER}@127.0.0.1:{}/{database}", self.port)
    }

    /// New connections go to this port from now on.
    pub fn point_to(&self, upstream: u16) {
        self.shared.steer().upstream = loopback(upstream);
    }

    /// Everything goes on as it comes: no refusing, no swallowing, no delay. Connections that lost bytes are cut. Ambushes stay.
    pub fn forward(&self) {
        let mut steering = self.shared.steer();
        steering.manner = Manner::Forward;
        steering.to_server = Duration::ZERO;
        steering.to_client = Duration::ZERO;
        drop(steering);
        self.shared.cut(|line| line.torn);
    }

    /// Whatever arrives waits this long in each direction.
    pub fn delay(&self, to_server: Duration, to_client: Duration) {
        let mut steering = self.shared.steer();
        steering.to_server = to_server;
        steering.to_client = to_client;
    }

    /// Cuts all connections; new ones are taken.
    pub fn cut(&self) {
        self.shared.cut(|_| true);
    }

    /// New connections are closed at once, until [`Proxy::forward`]; those that stand go on.
    pub fn refuse(&self) {
        self.shared.steer().manner = Manner::Refuse;
    }

    /// A black hole, until [`Proxy::forward`]: connections stand and new ones are accepted, and nothing comes through.
    pub fn swallow(&self) {
        self.shared.steer().manner = Manner::Swallow;
    }

    /// Lays an ambush beside those that wait already.
    pub fn ambush(&self, ambush: Ambush) {
        self.shared.steer().ambushes.push(Laid::new(ambush));
    }

    /// Takes all ambushes back.
    pub fn stand_down(&self) {
        self.shared.steer().ambushes.clear();
    }

    /// How many requests have been struck by an ambush.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.shared.steer().struck
    }

    /// How many connections have been accepted, the refused ones too.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.shared.steer().accepted
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.steer().over = true;
        self.shared.cut(|_| true);
        // It waits for a connection: this is the last one.
        let _last = TcpStream::connect(loopback(self.port));
        if let Some(listening) = self.listening.take() {
            let _ended = listening.join();
        }
        self.shared.cut(|_| true);
    }
}

impl Shared {
    fn steer(&self) -> MutexGuard<'_, Steering> {
        self.steering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<u64, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(&self, meant: impl Fn(&Line) -> bool) {
        self.lines().values().filter(|line| meant(line)).for_each(Line::cut);
    }

    fn cut_one(&self, id: u64) {
        self.lines().get(&id).into_iter().for_each(Line::cut);
    }

    /// Bytes have arrived. Answers how long they wait; nothing when they are swallowed.
    fn wait_for(&self, id: u64, direction: impl Fn(&Steering) -> Duration) -> Option<Duration> {
        let steering = self.steer();
        if steering.manner == Manner::Swallow {
            if let Some(line) = self.lines().get_mut(&id) {
                line.torn = true;
            }
            return None;
        }
        Some(direction(&steering))
    }

    fn awaits(&self, fate: Fate, text: &str) -> bool {
        self.steer().ambushes.iter().any(|laid| laid.awaits(fate, text))
    }

    fn strikes(&self, fate: Fate, text: &str) -> bool {
        let mut steering = self.steer();
        let struck = steering.ambushes.iter_mut().any(|laid| laid.strikes(fate, text));
        steering.struck += u64::from(struck);
        struck
    }
}

impl Line {
    fn cut(&self) {
        for stream in std::iter::once(&self.client).chain(&self.server) {
            // Closed already by the other side, perhaps.
            let _closed = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A connection's end, in either direction: nobody has anything to be told.
struct Ended;

impl<E: std::error::Error> From<E> for Ended {
    fn from(_: E) -> Self {
        Self
    }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        let mut steering = shared.steer();
        if steering.over {
            return;
        }
        steering.accepted += 1;
        let id = steering.accepted;
        let refuses = steering.manner == Manner::Refuse;
        drop(steering);
        let Ok(client) = client else {
            // No descriptors left, say: it may pass.
            sleep(Duration::from_millis(10));
            continue;
        };
        if !refuses {
            let shared = Arc::clone(shared);
            thread::spawn(move || {
                let _ended = serve(&client, id, &shared);
                if let Some(line) = shared.lines().remove(&id) {
                    line.cut();
                }
            });
        }
    }
}

/// One client's connection, until it ends.
fn serve(client: &TcpStream, id: u64, shared: &Arc<Shared>) -> Result<(), Ended> {
    client.set_nodelay(true)?;
    let line = Line { client: client.try_clone()?, server: None, torn: false };
    shared.lines().insert(id, line);
    let (upstream, swallows) = {
        let steering = shared.steer();
        if steering.over {
            return Err(Ended);
        }
        (steering.upstream, steering.manner == Manner::Swallow)
    };
    if swallows {
        return swallow(client, id, shared);
    }
    let server = TcpStream::connect_timeout(&upstream, CONNECT)?;
    server.set_nodelay(true)?;
    match shared.lines().get_mut(&id) {
        Some(line) => line.server = Some(server.try_clone()?),
        None => return Err(Ended),
    }
    let requests = Mutex::new(VecDeque::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ended = to_client(&server, client, id, shared, &requests);
            shared.cut_one(id);
        });
        let ended = to_server(client, &server, id, shared, &requests);
        shared.cut_one(id);
        ended
    })
}

/// Reads and forgets.
fn swallow(mut client: &TcpStream, id: u64, shared: &Shared) -> Result<(), Ended> {
    let mut chunk = [0; 8192];
    if let Some(line) = shared.lines().get_mut(&id) {
        line.torn = true;
    }
    while client.read(&mut chunk)? > 0 {}
    Ok(())
}

/// The texts of the requests that the server has not answered yet.
type Requests = Mutex<VecDeque<String>>;

fn to_server(
    mut client: &TcpStream,
    mut server: &TcpStream,
    id: u64,
    shared: &Shared,
    requests: &Requests,
) -> Result<(), Ended> {
    let mut chunk = vec![0; 16_384];
    let mut frames = Frames::of_client();
    let mut conversation = Conversation::default();
    // The parts of a request whose end has not come: the server gets all of it or nothing.
    let mut parts = Vec::new();
    loop {
        let length = client.read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        let Some(wait) = shared.wait_for(id, |steering| steering.to_server) else {
            continue;
        };
        sleep(wait);
        let mut out = Vec::new();
        for message in frames.whole(chunk.get(..length).unwrap_or_default()).map_err(|_| Ended)? {
            let heard = conversation.hear(&message);
            if heard == Heard::Decline {
                client.write_all(b"N")?;
                continue;
            }
            parts.extend_from_slice(&message.bytes);
            match heard {
                Heard::Part | Heard::Decline => continue,
                Heard::Pass | Heard::Flush => {}
                Heard::Ends(text) => {
                    shared.note(&text);
                    if shared.strikes(Fate::NeverSent, &text) {
                        server.write_all(&out)?;
                        return Err(Ended);
                    }
                    requests.lock().unwrap_or_else(PoisonError::into_inner).push_back(text);
                }
            }
            out.append(&mut parts);
        }
        server.write_all(&out)?;
    }
}

fn to_client(
    mut server: &TcpStream,
    mut client: &TcpStream,
    id: u64,
    shared: &Shared,
    requests: &Requests,
) -> Result<(), Ended> {
    let mut chunk = vec![0; 65_536];
    let mut frames = Frames::of_server();
    // What the open transaction has done, with the request that is being answered.
    let mut done = String::new();
    // An answer that may have to be lost; it is whole when the server is ready for the next request.
    let mut answer = Vec::new();
    let mut request: Option<String> = None;
    loop {
        let length = server.read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        let Some(wait) = shared.wait_for(id, |steering| steering.to_client) else {
            continue;
        };
        sleep(wait);
        let mut out = Vec::new();
        for message in frames.whole(chunk.get(..length).unwrap_or_default()).map_err(|_| Ended)? {
            if request.is_none() {
                request = requests.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                if let Some(text) = &request {
                    done.push_str(text);
                    done.push_str(";\n");
                }
            }
            answer.extend_from_slice(&message.bytes);
            let ready = message.tag == b'Z';
            if ready && message.is_idle() {
                if request.is_some() && shared.strikes(Fate::AnswerLost, &done) {
                    client.write_all(&out)?;
                    return Err(Ended);
                }
                done.clear();
            }
            if ready {
                request = None;
            }
            if request.is_none() || !shared.awaits(Fate::AnswerLost, &done) {
                out.append(&mut answer);
            }
        }
        client.write_all(&out)?;
    }
}
