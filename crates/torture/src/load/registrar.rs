//! Whoever withdraws clients and a scope, and stops persons, while others log in with them.

use std::time::Duration;

use portvakt_protocol::registration::Change;
use portvakt_protocol::time::Seconds;
use portvakt_store::Broken;
use tokio::sync::oneshot;

use super::shell::Shell;
use super::{Node, Stage, about, refused};
use crate::chance::Chance;
use crate::history::{Event, Operation, Outcome};
use crate::world::{actor, signing_key};

/// The longest rest between two changes.
const REST_MILLIS: u64 = 40;

/// How long other nodes may go by their copies.
const BOUND: Duration = Duration::from_secs(1);

/// How long a new signing key is shown before it signs, and how much longer the old one is.
const SHOWN_BEFORE: Seconds = Seconds::new(2);
const SHOWN_AFTER: Seconds = Seconds::new(10);

/// The registrar, with the choices it has yet to make.
#[derive(Debug)]
pub(super) struct Registrar {
    chance: Chance,
}

impl Default for Registrar {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Registrar {
    pub(super) fn new(seed: u64) -> Self {
        Self { chance: Chance::seeded(seed) }
    }

    /// Changes one thing after another until the players have ended.
    pub(super) async fn live(&mut self, stage: &Stage, mut ended: oneshot::Receiver<()>) {
        loop {
            let rest = Duration::from_millis(self.chance.below(REST_MILLIS));
            if tokio::time::timeout(rest, &mut ended).await.is_ok() || stage.stop.is_stopped() {
                return;
            }
            self.change(stage).await;
            self.look(stage).await;
        }
    }

    /// Two ask for the issuer's first signing key at once, at two nodes.
    pub(super) async fn first_key(&mut self, stage: &Stage) {
        let Some((one, two)) = stage.node(&mut self.chance).zip(stage.node(&mut self.chance)) else { return };
        tokio::join!(first_key(stage, &one, "first"), first_key(stage, &two, "other"));
        look_at_keys(stage, &one).await;
        look_at_keys(stage, &two).await;
    }

    /// Withdraws a client and stops a person, looks at them at every node, takes everything back that is withdrawn, and looks again.
    pub(super) async fn settle(&mut self, stage: &Stage) {
        let Some(node) = stage.node(&mut self.chance) else { return };
        self.set_client(stage, &node, 0, false).await;
        self.set_person(stage, &node, 0, false).await;
        set_scope(stage, &node, false).await;
        look_everywhere(stage).await;
        for number in 0..stage.world.clients().len() {
            self.set_client(stage, &node, number, true).await;
        }
        for number in 0..stage.world.persons().len() {
            self.set_person(stage, &node, number, true).await;
        }
        set_scope(stage, &node, true).await;
        look_everywhere(stage).await;
    }

    /// Two of the clients and two of the persons come and go, and the scope; the others stay.
    async fn change(&mut self, stage: &Stage) {
        let Some(node) = stage.node(&mut self.chance) else { return };
        if self.chance.once_in(32) {
            rotate(stage, &node, &format!("{:016x}", self.chance.next())).await;
        }
        let (number, active) = (usize::from(self.chance.once_in(2)), self.chance.once_in(2));
        match self.chance.below(5) {
            0 | 1 => self.set_client(stage, &node, number, active).await,
            2 | 3 => self.set_person(stage, &node, number, active).await,
            _ => set_scope(stage, &node, active).await,
        }
    }

    async fn look(&mut self, stage: &Stage) {
        let Some(node) = stage.node(&mut self.chance) else { return };
        let number = usize::from(self.chance.once_in(2));
        look_at_client(stage, &node, number).await;
        look_at_person(stage, &node, number).await;
        look_at_scope(stage, &node).await;
        look_at_keys(stage, &node).await;
    }

    async fn set_client(&mut self, stage: &Stage, node: &Node, number: usize, active: bool) {
        let Some(client) = stage.world.clients().get(number) else { return };
        let Ok(change) = stage.world.client(client, active) else { return };
        let operation = if active { Operation::Activate } else { Operation::Deactivate };
        let event = about(client.as_str(), operation);
        stage.ask(node, event, register(stage, node, change)).await;
    }

    async fn set_person(&mut self, stage: &Stage, node: &Node, number: usize, active: bool) {
        let Some(person) = stage.world.persons().get(number) else { return };
        let change = stage.world.person(person, active);
        let operation = if active { Operation::Admit } else { Operation::Stop };
        stage.ask(node, about(&person.name, operation), register(stage, node, change)).await;
    }
}

/// Once the other nodes may go by no older copy.
async fn look_everywhere(stage: &Stage) {
    if stage.nodes.len() > 1 {
        tokio::time::sleep(BOUND).await;
    }
    for node in stage.nodes.iter() {
        for number in 0..stage.world.clients().len() {
            look_at_client(stage, node, number).await;
        }
        for number in 0..stage.world.persons().len() {
            look_at_person(stage, node, number).await;
        }
        look_at_scope(stage, node).await;
        look_at_keys(stage, node).await;
    }
}

async fn set_scope(stage: &Stage, node: &Node, given: bool) {
    let Ok(change) = stage.world.access(given) else { return };
    let operation = if given { Operation::GiveScope } else { Operation::WithdrawScope };
    stage.ask(node, about(stage.world.scope().as_str(), operation), register(stage, node, change)).await;
}

/// By a client that has it and never is withdrawn.
async fn look_at_scope(stage: &Stage, node: &Node) {
    let Some(client) = stage.world.clients().last() else { return };
    let shell = Shell { store: &node.store, world: &stage.world };
    let event = about(stage.world.scope().as_str(), Operation::FindScope);
    stage.ask(node, event, shell.find_scope(client)).await;
}

async fn register(stage: &Stage, node: &Node, change: Change) -> Result<Outcome, Broken> {
    node.store.register(vec![change], None, actor(), stage.clock().now()).await?;
    Ok(Outcome::Done)
}

async fn look_at_client(stage: &Stage, node: &Node, number: usize) {
    let Some(client) = stage.world.clients().get(number) else { return };
    let shell = Shell { store: &node.store, world: &stage.world };
    stage.ask(node, about(client.as_str(), Operation::Authenticate), shell.authenticate(client)).await;
}

async fn look_at_person(stage: &Stage, node: &Node, number: usize) {
    let Some(person) = stage.world.persons().get(number) else { return };
    let shell = Shell { store: &node.store, world: &stage.world };
    stage.ask(node, about(&person.name, Operation::FindPerson), shell.find_person(&person.pid)).await;
}

/// Keys are named by their issuer too, for the audit has one namespace.
fn kid(stage: &Stage, name: &str) -> String {
    format!("{}{name}", stage.world.issuer().as_str())
}

fn about_key(stage: &Stage, operation: Operation, kids: Vec<String>) -> Event {
    let now = Some(stage.clock().now().unix());
    Event { kids, now, ..about(stage.world.issuer().as_str(), operation) }
}

async fn first_key(stage: &Stage, node: &Node, name: &str) {
    let kid = kid(stage, name);
    let now = stage.clock().now();
    let add = async {
        match node.store.add_signing_key(stage.world.issuer(), signing_key(&kid, now), now).await? {
            true => Ok(Outcome::Done),
            false => refused("kept"),
        }
    };
    stage.ask(node, about_key(stage, Operation::FirstKey, vec![kid.clone()]), add).await;
}

async fn rotate(stage: &Stage, node: &Node, name: &str) {
    let kid = kid(stage, name);
    let now = stage.clock().now();
    let mut key = signing_key(&kid, now);
    key.signs_from = now + SHOWN_BEFORE;
    let rotate = async {
        let removed = now + SHOWN_BEFORE + SHOWN_AFTER;
        node.store.rotate_signing_key(stage.world.issuer(), key, removed, &actor(), now).await?;
        Ok(Outcome::Done)
    };
    stage.ask(node, about_key(stage, Operation::Rotate, vec![kid.clone()]), rotate).await;
}

/// Reads the JWK Set, and says which key would sign now.
async fn look_at_keys(stage: &Stage, node: &Node) {
    let now = stage.clock().now();
    let asked = stage.journal.ask(stage.at(node, about_key(stage, Operation::KeySet, Vec::new())));
    let Ok(keys) = node.store.signing_keys(stage.world.issuer(), now).await else {
        return stage.journal.tell(asked, Outcome::Unknown);
    };
    stage.journal.tell(asked.showing(keys.iter().map(|key| key.kid.clone()).collect()), Outcome::Done);
    let signs = keys.iter().find(|key| key.signs_from <= now && key.signs_until.is_none_or(|end| now < end));
    if let Some(key) = signs {
        let event = about_key(stage, Operation::Verify, vec![key.kid.clone()]);
        stage.ask(node, Event { iat: Some(now.unix()), ..event }, async { Ok(Outcome::Done) }).await;
    }
}
