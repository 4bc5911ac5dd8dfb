//! How a load reaches a site: by one address, or by any of several nodes behind one authority, another at every step.

use std::io;
use std::time::Duration;

use super::chance::Chance;
use crate::client::{Answer, Connection, Request, Server};

/// Longer than any request takes that is answered at all. Whoever waits this long gives up, and knows nothing.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Where the nodes of a site answer.
#[derive(Clone, Debug)]
pub(super) struct Entrance {
    /// Host and port in the issuers' URLs.
    pub(super) authority: String,
    /// The nodes' names and ports on the loopback.
    pub(super) nodes: Vec<(String, u16)>,
}

impl Entrance {
    /// One server, which answers where its URLs say.
    pub(super) fn alone(authority: &str) -> Self {
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(80);
        Self { authority: authority.to_owned(), nodes: vec![("server".to_owned(), port)] }
    }

    /// Whether something may break at one node while others go on.
    pub(super) fn is_several(&self) -> bool {
        self.nodes.len() > 1
    }

    /// Doors to every node; each request takes one by chance.
    pub(super) fn doors(&self, chance: &mut Chance) -> Doors {
        let door = |(name, port): &(String, u16)| {
            (name.clone(), Connection::through(*port, &self.authority).patient_for(PATIENCE))
        };
        let doors = self.nodes.iter().map(door).collect();
        Doors { doors, chance: Chance::seeded(chance.next()), only: None, last: 0 }
    }

    /// A connection to one node.
    pub(super) fn door(&self, node: usize) -> Connection {
        let port = self.nodes.get(node % self.nodes.len().max(1)).map_or(0, |(_, port)| *port);
        Connection::through(port, &self.authority).patient_for(PATIENCE)
    }
}

/// Connections to every node.
pub(super) struct Doors {
    doors: Vec<(String, Connection)>,
    chance: Chance,
    only: Option<usize>,
    last: usize,
}

impl Doors {
    /// From now on by this node alone, or by any again.
    pub(super) fn only(&mut self, node: Option<usize>) {
        self.only = node;
    }

    /// Whether there are several nodes.
    pub(super) fn is_several(&self) -> bool {
        self.doors.len() > 1
    }

    /// The node that was asked last.
    pub(super) fn last(&self) -> &str {
        self.doors.get(self.last).map_or("", |(name, _)| name.as_str())
    }

    fn next(&mut self) -> io::Result<&mut Connection> {
        let any = usize::try_from(self.chance.below(self.doors.len() as u64)).unwrap_or(0);
        self.last = self.only.unwrap_or(any);
        self.doors.get_mut(self.last).map(|(_, door)| door).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Server for Doors {
    fn send(&mut self, request: &Request<'_>) -> io::Result<Answer> {
        self.next()?.send(request)
    }

    fn send_bytes(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.next()?.send_bytes(request)
    }
}
