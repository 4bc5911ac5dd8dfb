//! A process and whatever it starts, ended together.
#![expect(clippy::unwrap_used, reason = "a scene that cannot go on fails where it stands")]

use std::time::{Duration, Instant};

use portvakt_cluster::{Folder, Launch, Process, Signal};

const LONG: Duration = Duration::from_secs(20);

/// A shell in a folder of its own.
fn shell(folder: &Folder, script: &str) -> Process {
    Launch::new("shell", "sh", folder.path()).args(["-c", script]).start().unwrap()
}

#[test]
fn a_program_that_is_missing_is_told_by_the_log() {
    let folder = Folder::temporary("missing").unwrap();
    let mut missing = Launch::new("missing", "portvakt-no-such-program", folder.path()).start().unwrap();
    let told = missing.wait_ready(LONG, || false).unwrap_err();
    assert!(told.contains("ended at once"), "{told}");
    assert!(told.contains("portvakt-no-such-program: not found"), "{told}");
}

#[test]
fn one_that_does_not_become_ready_is_told_with_the_end_of_its_log() {
    let folder = Folder::temporary("slow").unwrap();
    let mut slow = shell(&folder, "seq 1 5000; echo still thinking; sleep 60");
    let log = folder.path().join("shell.log");
    let thinks = || std::fs::read_to_string(&log).is_ok_and(|text| text.ends_with("thinking\n"));
    slow.wait_ready(LONG, thinks).unwrap();
    let told = slow.wait_ready(Duration::from_millis(100), || false).unwrap_err();
    assert!(told.contains("not ready after 100"), "{told}");
    assert!(told.ends_with("5000\nstill thinking"), "{told}");
    assert!(told.lines().count() < 40, "{told}");
}

#[test]
fn what_it_has_sent_away_ends_with_it() {
    let folder = Folder::temporary("orphans").unwrap();
    // A session of its own, and a parent that is gone: neither a group nor a family tree would find it.
    let script = "setsid sh -c 'sleep 60 & echo $! >orphan' & wait; echo >ready; sleep 60";
    let mut parent = shell(&folder, script);
    parent.wait_ready(LONG, || folder.path().join("ready").exists()).unwrap();
    let orphan = std::fs::read_to_string(folder.path().join("orphan")).unwrap();
    let orphan = std::path::Path::new("/proc").join(orphan.trim());
    assert!(orphan.exists());
    parent.kill();
    assert!(std::fs::read_link(orphan.join("cwd")).is_err(), "{} lives", orphan.display());
    assert!(parent.ended().is_some());
    assert!(parent.signal(Signal::TERM).is_err());
}

#[test]
fn one_that_does_not_end_when_asked_is_killed() {
    let folder = Folder::temporary("stubborn").unwrap();
    let mut stubborn = shell(&folder, "trap '' TERM; echo >ready; while :; do sleep 1; done");
    stubborn.wait_ready(LONG, || folder.path().join("ready").exists()).unwrap();
    let told = stubborn.end(Signal::TERM, Duration::from_millis(300)).unwrap_err();
    assert!(told.contains("did not end within 300"), "{told}");
    assert!(stubborn.ended().is_some());

    let folder = Folder::temporary("polite").unwrap();
    let script = "trap 'echo bye >bye; exit' TERM; echo >ready; while :; do sleep 0.05; done";
    let mut polite = shell(&folder, script);
    polite.wait_ready(LONG, || folder.path().join("ready").exists()).unwrap();
    polite.end(Signal::TERM, LONG).unwrap();
    assert!(folder.path().join("bye").exists());
}

#[test]
fn a_paused_one_does_nothing_and_goes_on_later() {
    let folder = Folder::temporary("paused").unwrap();
    let mut ticking = shell(&folder, "while :; do echo >>ticks; sleep 0.01; done");
    let ticks = || std::fs::read(folder.path().join("ticks")).map_or(0, |ticks| ticks.len());
    ticking.wait_ready(LONG, || ticks() > 5).unwrap();
    ticking.pause();
    let then = ticks();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(ticks(), then);
    ticking.resume();
    ticking.wait_ready(LONG, || ticks() > then + 5).unwrap();
}

#[test]
fn a_dropped_one_is_asked_first_if_it_is_to_be_asked() {
    let folder = Folder::temporary("asked").unwrap();
    // Not INT: a shell that began with it ignored, as one in the background does, cannot trap it.
    let script = "trap 'echo bye >bye; exit' TERM; echo >ready; while :; do sleep 0.05; done";
    let launch = Launch::new("shell", "sh", folder.path()).args(["-c", script]).ends_by(Signal::TERM);
    let mut asked = launch.start().unwrap();
    asked.wait_ready(LONG, || folder.path().join("ready").exists()).unwrap();
    asked.pause();
    let started = Instant::now();
    drop(asked);
    assert!(folder.path().join("bye").exists());
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}
