//! `cargo xtask torture gone`: the database is gone for a while, under load. It is stopped, then it is there and says nothing, then
//! its wires are dead. Meanwhile every answer that needs it is a 503 with `Retry-After`, in time; what would go back to the service goes
//! back with the error that stands for a 503 there (RFC 6749 §4.1.2.1: `temporarily_unavailable`). Discovery and the JWK Sets go on,
//! nothing grows, and afterwards logins succeed by themselves.

use std::io;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::chance::Chance;
use super::checker::Checker;
use super::doors::Entrance;
use super::faults::{Crowd, recovered};
use super::history::Journal;
use super::nodes::{DATABASE, Nodes, PairSite};
use super::server::PERSONS;
use crate::client::{Answer, Connection, Miss, RelyingParty, Request};
use crate::house::Outcome;

/// Connections that ask all the time, beside the usual load.
const ASKING: usize = 32;

/// Their client.
const ASKER: &str = "asker";

/// Between two questions of one of them.
const BREATH: Duration = Duration::from_millis(20);

/// The longest that any answer may take.
const LONGEST: Duration = Duration::from_secs(2);

/// By how much a node may grow meanwhile, in bytes: buffers of every connection, and no queue.
const GROWTH: u64 = 96 << 20;

/// How the database is gone.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Stopped,
    Silent,
    CutOff,
}

/// Runs it in each manner for that long.
///
/// # Errors
/// An answer that is no 503, or late; a node that ends, panics or grows; or one that does not come back.
pub(super) fn run(site: &mut PairSite, checker: &Checker, time: Duration, chance: &mut Chance) -> Outcome {
    let journal = Journal::create(&site.file("history.jsonl"))?;
    let mut crowd = Crowd::new(&site.site, journal, chance)?;
    // The history knows nothing of those who only ask.
    if !(site.site.desk().register)(ASKER) {
        return Err("`portvakt apply` does not work here".to_owned());
    }
    let asker = |party| RelyingParty { client_id: ASKER.to_owned(), ..party };
    let [pilot, current] = site.site.parties()?.map(asker);
    let mut life = 0;
    for manner in [Manner::Stopped, Manner::Silent, Manner::CutOff] {
        let askers: Vec<Asker> = [&pilot, &current]
            .into_iter()
            .cycle()
            .take(ASKING)
            .enumerate()
            .map(|(number, party)| Asker::new(&site.site.entrance, number, party, chance))
            .collect::<Result<_, _>>()?;
        let watch = Watch::default();
        let mut outage = None;
        let back = crowd.under_load(life, |prober, journal| {
            let (stop, entrance) = (AtomicBool::new(false), site.site.entrance.clone());
            thread::scope(|scope| {
                let (stop, watch) = (&stop, &watch);
                for asker in askers {
                    scope.spawn(move || asker.ask_on(watch, stop));
                }
                for node in 0..entrance.nodes.len() {
                    let (parties, entrance) = ([pilot.clone(), current.clone()], entrance.clone());
                    scope.spawn(move || watch_documents(&entrance, node, &parties, watch, stop));
                }
                let done = outage_of(site, manner, time, watch, journal, life).and_then(|(seen, since)| {
                    outage = Some(seen);
                    recovered(
                        &mut site.site,
                        prober,
                        0..entrance.nodes.len(),
                        (since, "the database's return"),
                        life,
                    )
                });
                stop.store(true, Ordering::Relaxed);
                done
            })
        })?;
        life += 1;
        crowd.settle(life)?;
        if let Some(outage) = outage {
            outage.judged(&watch, manner, back)?;
        }
        site.site.without_panics()?;
    }
    crowd.close(checker, life, |ask| {
        let records = site.pair.primary().sql(DATABASE, ask)?;
        Ok(records
            .lines()
            .filter(|record| !record.contains(ASKER))
            .fold(String::new(), |all, record| all + record + "\n"))
    })
}

/// When it was gone, and what the nodes held meanwhile.
struct Outage {
    from: Instant,
    to: Instant,
    before: Vec<u64>,
    peak: Vec<u64>,
    after: Vec<u64>,
    not_ready: bool,
}

/// Has the database gone, and come back; the moment of its return.
fn outage_of(
    site: &mut PairSite,
    manner: Manner,
    time: Duration,
    watch: &Watch,
    journal: &Journal,
    life: u32,
) -> Result<(Outage, Instant), String> {
    // So that everybody has a connection and everything its cache.
    thread::sleep(Duration::from_millis(1500));
    let before = memory(&site.site);
    let from_micros = journal.micros();
    match manner {
        Manner::Stopped => site.pair.primary_mut().stop()?,
        Manner::Silent => site.pair.primary_mut().pause(),
        Manner::CutOff => site.ways.iter().flatten().for_each(portvakt_cluster::Proxy::swallow),
    }
    let from = Instant::now();
    let mut peak = before.clone();
    let mut not_ready = false;
    while from.elapsed() < time {
        thread::sleep(Duration::from_millis(200));
        for (most, now) in peak.iter_mut().zip(memory(&site.site)) {
            *most = now.max(*most);
        }
        not_ready |= watch.not_ready.load(Ordering::Relaxed) > 0;
    }
    let to = Instant::now();
    match manner {
        Manner::Stopped => site.pair.primary_mut().restart()?,
        Manner::Silent => site.pair.primary_mut().resume(),
        Manner::CutOff => site.ways.iter().flatten().for_each(portvakt_cluster::Proxy::forward),
    }
    let since = Instant::now();
    journal.fault(&format!("{manner:?}"), from_micros, life);
    if memory(&site.site).contains(&0) {
        return Err("a node has ended by itself".to_owned());
    }
    let after = memory(&site.site);
    Ok((Outage { from, to, before, peak, after, not_ready }, since))
}

fn memory(site: &Nodes) -> Vec<u64> {
    site.nodes.iter().map(super::nodes::Node::resident).collect()
}

impl Outage {
    /// Holds every answer against the bars, and tells them.
    fn judged(&self, watch: &Watch, manner: Manner, back: Duration) -> Outcome {
        let seen = watch.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut refused, mut sent_back) = (0_u64, 0_u64);
        let (mut slowest, mut slowest_any) = (Duration::ZERO, Duration::ZERO);
        for one in seen.iter() {
            let took = one.end.duration_since(one.start);
            if one.end >= self.from && one.start <= self.to {
                slowest_any = slowest_any.max(took);
            }
            if one.start < self.from || one.end > self.to {
                continue;
            }
            slowest = slowest.max(took);
            match one.refusal {
                Some(Refusal::Unavailable) => refused += 1,
                Some(Refusal::ToTheService) => sent_back += 1,
                None => {
                    let (what, told) = (one.what, &one.told);
                    return Err(format!("while the database was {manner:?}, {what} was answered {told}"));
                }
            }
        }
        let mib =
            |all: &[u64]| all.iter().map(|bytes| format!("{}", bytes >> 20)).collect::<Vec<_>>().join("/");
        println!(
            "database {manner:?} for {:.1} s: {refused} answers 503 with Retry-After and {sent_back} temporarily_unavailable \
             to the service, no other, the slowest after {:.2} s (with those on their way when it went or came: {:.2} s; \
             bar {} s); discovery and JWK Sets 200 {} times, the slowest after {:.2} s; nodes' memory {} MiB before, {} at most, \
             {} after; logins again {:.1} s after its return",
            self.to.duration_since(self.from).as_secs_f64(),
            slowest.as_secs_f64(),
            slowest_any.as_secs_f64(),
            LONGEST.as_secs(),
            watch.documents.load(Ordering::Relaxed),
            Duration::from_micros(watch.slowest_document.load(Ordering::Relaxed)).as_secs_f64(),
            mib(&self.before),
            mib(&self.peak),
            mib(&self.after),
            back.as_secs_f64(),
        );
        if refused == 0 {
            return Err("nobody asked while the database was gone".to_owned());
        }
        if slowest_any > LONGEST {
            return Err(format!("an answer took {slowest_any:.2?}"));
        }
        if !self.not_ready {
            return Err("/health/ready never said that the node is not".to_owned());
        }
        if self.before.iter().zip(&self.peak).any(|(before, peak)| *peak > before + GROWTH) {
            return Err(format!("a node grew by more than {} MiB", GROWTH >> 20));
        }
        watch.fault.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }
}

/// What those who ask have seen.
#[derive(Default)]
struct Watch {
    seen: Mutex<Vec<Seen>>,
    documents: AtomicU64,
    slowest_document: AtomicU64,
    not_ready: AtomicU64,
    fault: Mutex<Option<String>>,
}

/// One question and its answer.
struct Seen {
    start: Instant,
    end: Instant,
    what: &'static str,
    refusal: Option<Refusal>,
    told: String,
}

/// How somebody was told that nothing can be had now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// 503, with `Retry-After`.
    Unavailable,
    /// A redirect to the service, with `temporarily_unavailable`.
    ToTheService,
}

impl Watch {
    fn saw(&self, start: Instant, what: &'static str, answer: &io::Result<Answer>) {
        let (refusal, told) = match answer {
            Ok(answer) => {
                let (retry, location) = (answer.field("retry-after"), answer.field("location"));
                let goes_back = location.is_some_and(|to| to.contains("error=temporarily_unavailable"));
                let refusal = match answer.status {
                    503 if retry.is_some() => Some(Refusal::Unavailable),
                    303 if goes_back => Some(Refusal::ToTheService),
                    _ => None,
                };
                (refusal, format!("{}, Retry-After {retry:?}, to {location:?}", answer.status))
            }
            Err(fault) => (None, fault.to_string()),
        };
        let seen = Seen { start, end: Instant::now(), what, refusal, told };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }
}

/// One who asks for everything that needs the database, again and again.
struct Asker {
    questions: Vec<(&'static str, Vec<u8>)>,
    server: Connection,
    chance: Chance,
}

impl Asker {
    fn new(
        entrance: &Entrance,
        number: usize,
        party: &RelyingParty,
        chance: &mut Chance,
    ) -> Result<Self, String> {
        let mut server = entrance.door(number);
        let mut made = || {
            let pid = PERSONS.first().copied().unwrap_or_default();
            let open = party.begin(&mut server)?;
            let mut answered = party.begin(&mut server)?;
            party.identify(&mut server, &mut answered, pid)?;
            let code = party.log_in(&mut server, pid)?;
            let used = party.log_in(&mut server, pid)?;
            let tokens = party.redeem(&mut server, &used)?;
            let refreshing = tokens.refresh_token.clone().unwrap_or_default();
            // What a client gives back that the database cannot take back is not told to be gone.
            let revoking = party.revocation(&refreshing);
            let authority = &party.at.authority;
            let bearer = format!("Bearer {}", tokens.access_token);
            let introspection =
                party.introspection(&tokens.access_token).map(|question| ("introspection", question));
            let questions = vec![
                ("a use of a refresh token", party.refreshing(&refreshing)),
                ("a revocation", revoking),
                ("an authorization request", Request::get(&party.authorization()).bytes(authority)),
                ("a login page", party.look(&open)),
                ("a resume point", party.collection(&answered)),
                ("a redemption", party.redemption(&code)),
                ("UserInfo", Request::get(&party.at.userinfo).with("authorization", bearer).bytes(authority)),
            ];
            Ok::<_, Miss>(questions.into_iter().chain(introspection).collect::<Vec<_>>())
        };
        let questions = made().map_err(|miss| miss.to_string())?;
        Ok(Self { questions, server, chance: Chance::seeded(chance.next()) })
    }

    fn ask_on(mut self, watch: &Watch, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let Some((what, question)) = self.chance.pick(&self.questions) else { return };
            let start = Instant::now();
            let answer = self.server.send_bytes(question);
            watch.saw(start, what, &answer);
            thread::sleep(BREATH);
        }
    }
}

/// Reads what must be there whatever happens, and asks whether the node is ready.
fn watch_documents(
    entrance: &Entrance,
    node: usize,
    parties: &[RelyingParty; 2],
    watch: &Watch,
    stop: &AtomicBool,
) {
    let mut server = entrance.door(node);
    while !stop.load(Ordering::Relaxed) {
        for target in parties.iter().flat_map(|party| [&party.at.discovery, &party.at.jwks]) {
            let start = Instant::now();
            let answer = server.send(&Request::get(target));
            let took = start.elapsed();
            watch
                .slowest_document
                .fetch_max(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
            let fault = match answer {
                Ok(answer) if answer.status == 200 && took <= LONGEST => {
                    watch.documents.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                Ok(answer) => format!("{target} was answered {} after {took:.2?}", answer.status),
                Err(fault) => format!("{target} was not answered: {fault}"),
            };
            watch.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
        }
        if server.send(&Request::get("/health/ready")).is_ok_and(|answer| answer.status == 503) {
            watch.not_ready.fetch_add(1, Ordering::Relaxed);
        }
        thread::sleep(Duration::from_millis(100));
    }
}
