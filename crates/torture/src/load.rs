//! Clients on the store's verbs: many tasks begin, finish and redeem logins at any node, race each other for what is used once,
//! use refresh tokens and revoke, and withdraw clients,
//! persons and a scope meanwhile. What they ask and are told is a history.
//!
//! Every step goes about a verb as the server does: it loads the client and where the person stands first, and calls the verb that
//! decides last.

mod player;
mod registrar;
mod shell;
mod story;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portvakt_store::{Broken, Store};

use self::player::Player;
use self::registrar::Registrar;
use crate::chance::Chance;
use crate::history::{Event, Kind, Operation, Outcome, Place, Recorded};
use crate::journal::{Clock, Journal};
use crate::world::{World, told};

/// How long a step waits for its answer. A sound store gives up long before.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many audit records are read at a time.
const PAGE: u32 = 1000;

/// A node: one process's store, or one of several handles on the same data.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name in the history.
    pub name: String,
    /// Its store.
    pub store: Store,
}

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// So many logins by each player.
    Logins(u64),
    /// Until [`Load::stop`] is called.
    Stopped,
}

/// Players, and the one who registers and withdraws, between the lives of the nodes.
#[derive(Debug)]
pub struct Load {
    world: Arc<World>,
    journal: Journal,
    players: Vec<Player>,
    registrar: Registrar,
    stop: Stop,
}

/// Ends a load: it can be kept by whoever breaks something meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Every player ends after the step it is at.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What all players share while they live.
#[derive(Clone, Debug)]
struct Stage {
    world: Arc<World>,
    journal: Journal,
    nodes: Arc<[Node]>,
    life: u32,
    stop: Stop,
}

impl Load {
    /// So many players on a world of that name, of which a store may have several. The same seed makes the same choices; what
    /// the choices meet is the machine's own.
    ///
    /// # Errors
    /// A name that no client may have.
    pub fn new(name: &str, players: usize, seed: u64, journal: Journal) -> Result<Self, String> {
        let mut chance = Chance::seeded(seed);
        let world = Arc::new(World::new(name, 6)?);
        let player = |number| Player::new(format!("{name}, player {number}"), chance.next());
        let players = (0..players).map(player).collect();
        let registrar = Registrar::new(chance.next());
        Ok(Self { world, journal, players, registrar, stop: Stop::default() })
    }

    /// Registers what the players need. Once, before anything else.
    ///
    /// # Errors
    /// The store's.
    pub async fn prepare(&mut self, node: &Node) -> Result<(), String> {
        let names = self.world.clients().iter().map(|client| (Operation::Register, client.as_str()));
        let persons = self.world.persons().iter().map(|person| (Operation::Admit, person.name.as_str()));
        let place = || Place { node: node.name.clone(), life: 0 };
        let asked: Vec<_> = names
            .chain(persons)
            .chain([(Operation::GiveScope, self.world.scope().as_str())])
            .map(|(operation, name)| self.journal.ask(Event::asked(name, operation, place(), 0)))
            .collect();
        let done = self.world.register(&node.store, self.journal.clock().now()).await;
        for asked in asked {
            self.journal.tell(asked, if done.is_ok() { Outcome::Done } else { Outcome::Unknown });
        }
        let stage = self.stage(std::slice::from_ref(node), 0);
        self.registrar.first_key(&stage).await;
        done
    }

    /// Takes up what an earlier process of the same name, number of players and seed had asked, as its log tells. It is yet to be
    /// settled.
    pub fn recall(&mut self, events: &[Event]) {
        for player in &mut self.players {
            player.recall(&self.world, events);
        }
    }

    /// What ends a load that lives until it is stopped.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Everybody plays, at these nodes, in this life of theirs.
    ///
    /// # Errors
    /// A player panicked.
    pub async fn live(&mut self, nodes: &[Node], life: u32, until: Until) -> Result<(), String> {
        self.stop.0.store(false, Ordering::Relaxed);
        let stage = self.stage(nodes, life);
        let mut registrar = std::mem::take(&mut self.registrar);
        let (ended, has_ended) = tokio::sync::oneshot::channel();
        let registrars = stage.clone();
        let registering = tokio::spawn(async move {
            registrar.live(&registrars, has_ended).await;
            registrar
        });
        let playing: Vec<_> = self
            .players
            .drain(..)
            .map(|mut player| {
                let stage = stage.clone();
                tokio::spawn(async move {
                    player.live(&stage, until).await;
                    player
                })
            })
            .collect();
        for player in playing {
            self.players.push(player.await.map_err(|fault| fault.to_string())?);
        }
        drop(ended);
        self.registrar = registering.await.map_err(|fault| fault.to_string())?;
        Ok(())
    }

    /// Asks after everything that was promised since the last time, and after some older promises. Nothing may be broken.
    ///
    /// # Errors
    /// A player panicked.
    pub async fn settle(&mut self, nodes: &[Node], life: u32) -> Result<(), String> {
        let stage = self.stage(nodes, life);
        self.registrar.settle(&stage).await;
        let settling: Vec<_> = self
            .players
            .drain(..)
            .map(|mut player| {
                let stage = stage.clone();
                tokio::spawn(async move {
                    player.settle(&stage).await;
                    player
                })
            })
            .collect();
        for player in settling {
            self.players.push(player.await.map_err(|fault| fault.to_string())?);
        }
        Ok(())
    }

    /// The audit of this load's world, in the history's names. For the end, when nothing is being asked.
    ///
    /// # Errors
    /// The store's.
    pub async fn audit(&self, node: &Node) -> Result<Vec<Recorded>, String> {
        audit(&node.store, &self.world).await.map_err(|broken| told(&broken))
    }

    fn stage(&self, nodes: &[Node], life: u32) -> Stage {
        let (world, journal, stop) = (Arc::clone(&self.world), self.journal.clone(), self.stop.clone());
        Stage { world, journal, nodes: nodes.into(), life, stop }
    }
}

async fn audit(store: &Store, world: &World) -> Result<Vec<Recorded>, Broken> {
    let mut records = Vec::new();
    let mut after = 0;
    loop {
        let page = store.audit(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(records) };
        after = last.number;
        for record in page {
            let named = |name: &str| Some(record.detail.get(name)?.as_str()?.to_owned());
            // The first record of a pool's persons has no issuer; nor has the master key's.
            if record.issuer.as_deref().is_none_or(|issuer| issuer == world.issuer().as_str()) {
                records.push(Recorded {
                    client: named("client_id"),
                    grant: named("grant"),
                    kid: named("kid"),
                    event: record.event,
                });
            }
        }
    }
}

impl Stage {
    fn clock(&self) -> &Clock {
        self.journal.clock()
    }

    /// A node by chance.
    fn node(&self, chance: &mut Chance) -> Option<Node> {
        chance.pick(&self.nodes).cloned()
    }

    fn at(&self, node: &Node, event: Event) -> Event {
        Event { node: node.name.clone(), life: self.life, ..event }
    }

    /// Writes down what is asked at `node`, asks, and writes down the answer.
    async fn ask(
        &self,
        node: &Node,
        event: Event,
        call: impl Future<Output = Result<Outcome, Broken>>,
    ) -> Outcome {
        let asked = self.journal.ask(self.at(node, event));
        let outcome = match tokio::time::timeout(PATIENCE, call).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Outcome::Unknown,
        };
        self.journal.tell(asked, outcome.clone());
        outcome
    }
}

/// An event about a thing, before anybody is asked.
fn about(name: &str, operation: Operation) -> Event {
    debug_assert!(operation.kind() != Kind::Site, "what breaks is no step of a player's");
    Event::asked(name, operation, Place { node: String::new(), life: 0 }, 0)
}

fn refused(reason: &str) -> Result<Outcome, Broken> {
    Ok(Outcome::Refused(reason.to_owned()))
}
