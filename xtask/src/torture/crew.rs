//! Everybody who uses one server while its machine is tortured: clients who log persons in, and an operator who registers. They
//! work until the server dies, or through an ordeal that it survives, and call in afterwards what they were promised.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::chance::Chance;
use super::checker::Checker;
use super::doors::Entrance;
use super::history::Journal;
use super::load::{Client, clients, each};
use super::registrar::{Desk, Registrar};
use super::server::{Ready, Site};
use crate::house::Outcome;

/// Clients at a time, of every kind.
const CLIENTS: usize = 8;

/// How long a client waits that was told that the server cannot serve.
const AGAIN: Duration = Duration::from_millis(5);

/// The clients and the operator of one run.
pub(super) struct Crew {
    clients: Vec<Client>,
    registrar: Registrar,
    journal: Journal,
    /// The power is gone: what somebody hears from now on, nobody heard.
    dark: Arc<AtomicBool>,
    /// The server's lives; the first is 0.
    life: u32,
}

impl Crew {
    /// Has nothing done yet. The history of what it does goes into a file of the site.
    ///
    /// # Errors
    /// The server has not the issuers that it should have, or the file cannot be made.
    pub(super) fn new(site: &Site, ready: &Ready, chance: &mut Chance) -> Result<Self, String> {
        let journal = Journal::create(&site.file("history.jsonl"))?;
        let parties = ready.parties()?;
        let [pilot, ..] = parties.clients.clone();
        let entrance = Entrance::alone(&pilot.at.authority);
        let clients = clients(&parties, CLIENTS, &entrance, &journal, chance);
        let dark = Arc::new(AtomicBool::new(false));
        // A command that finds the server dead opens the folder itself, which will be another after a power cut.
        let Desk { register, give_scope } = site.desk();
        let heard = [Arc::clone(&dark), Arc::clone(&dark)];
        let [of_register, of_scope] = heard;
        let desk = Desk {
            register: Arc::new(move |id| register(id) && !of_register.load(Ordering::SeqCst)),
            give_scope: Arc::new(move |given| give_scope(given) && !of_scope.load(Ordering::SeqCst)),
        };
        let registrar = Registrar::new(desk, pilot, &entrance, &journal);
        Ok(Self { clients, registrar, journal, dark, life: 0 })
    }

    /// One life: load until `moment`, then the power goes and `end` ends the server. Returns when everybody has seen it.
    pub(super) fn work_until_dark(&mut self, moment: Duration, end: impl FnOnce()) {
        let dark = Arc::clone(&self.dark);
        let start = self.journal.micros();
        self.work(|| {
            thread::sleep(moment);
            dark.store(true, Ordering::SeqCst);
            end();
        });
        self.journal.fault("power cut", start, self.life);
        self.dark.store(false, Ordering::SeqCst);
        self.life += 1;
    }

    /// Load for as long as `ordeal` takes. The server lives, but may say that it cannot serve.
    pub(super) fn work_through<T>(&mut self, name: &str, ordeal: impl FnOnce() -> T) -> T {
        let start = self.journal.micros();
        let ended = self.work(ordeal);
        self.journal.fault(name, start, self.life);
        ended
    }

    fn work<T>(&mut self, meanwhile: impl FnOnce() -> T) -> T {
        let stop = AtomicBool::new(false);
        let life = self.life;
        thread::scope(|scope| {
            let stop = &stop;
            for client in &mut self.clients {
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        client.live(life, stop);
                        thread::sleep(AGAIN);
                    }
                });
            }
            let registrar = &mut self.registrar;
            scope.spawn(move || registrar.live(life, stop));
            let ended = meanwhile();
            stop.store(true, Ordering::Relaxed);
            ended
        })
    }

    /// When nothing is wrong any more: everything that was promised since the last time, and a few older promises.
    ///
    /// # Errors
    /// No answer.
    pub(super) fn settle(&mut self) -> Outcome {
        let life = self.life;
        self.registrar.settle(life)?;
        each(&mut self.clients, |client| client.settle(life))
    }

    /// At the end: every promise there ever was, and the judgement of the whole history.
    ///
    /// # Errors
    /// As [`Crew::settle`]; every breach; or nothing was registered or logged in, which proves nothing.
    pub(super) fn judged(&mut self, checker: &Checker) -> Outcome {
        let life = self.life;
        each(&mut self.clients, |client| client.settle_all(life, 7))?;
        self.registrar.settle_all(life)?;
        checker.judge(&self.journal)
    }

    /// Tells what was acknowledged, and how much of it held.
    ///
    /// # Errors
    /// Nothing was registered, or nobody logged in.
    pub(super) fn tell(&self) -> Outcome {
        self.journal.tell()
    }

    /// Nobody was told that the server failed.
    ///
    /// # Errors
    /// Somebody was.
    pub(super) fn without_failures(&self) -> Outcome {
        self.journal.without_failures()
    }
}
