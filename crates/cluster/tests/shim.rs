//! The shim under a program that it knows nothing of, and the reader of its journal.
#![expect(clippy::unwrap_used, reason = "a scene that cannot go on fails where it stands")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portvakt_cluster::power::{Files, survivors};
use portvakt_cluster::shim::{Call, Control, Refusal, Shim};

/// Does what its words say, in the folder it stands in. The first word that fails is told by its error number.
const PROGRAM: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
int main(int n, char **words) {
    char path[4096], other[4096];
    int fd = -1, folder = open(words[1], O_RDONLY);
    for (int i = 2; i < n; i++) {
        char *word = words[i];
        long done = 0;
        snprintf(path, sizeof path, "%s/%s", words[1], word + 1);
        if (word[0] == 'o') done = fd = open64(path, O_RDWR | O_CREAT, 0600);
        if (word[0] == 'w') done = write(fd, word + 1, strlen(word + 1));
        if (word[0] == 'p') done = pwrite64(fd, word + 2, strlen(word + 2), word[1] - '0');
        if (word[0] == 'v') {
            struct iovec parts[2] = { { word + 1, 1 }, { word + 2, strlen(word + 2) } };
            done = writev(fd, parts, 2);
        }
        if (word[0] == 't') done = ftruncate64(fd, word[1] - '0');
        if (word[0] == 's') done = fdatasync(fd);
        if (word[0] == 'S') done = fsync(folder);
        if (word[0] == 'u') done = unlink(path);
        if (word[0] == 'r' || word[0] == 'l') {
            char *to = strchr(word, '=');
            snprintf(path, sizeof path, "%s/%.*s", words[1], (int)(to - word - 1), word + 1);
            snprintf(other, sizeof other, "%s/%s", words[1], to + 1);
            done = word[0] == 'r' ? rename(path, other) : link(path, other);
        }
        if (word[0] == 'c') printf("%ld\n", (long)time(NULL));
        if (done < 0) {
            printf("%s: %d\n", word, errno);
            return 1;
        }
    }
    return 0;
}
"#;

struct Stand {
    all: tempfile::TempDir,
    shim: Shim,
    control: Control,
    program: PathBuf,
}

impl Stand {
    fn new() -> Self {
        let all = tempfile::tempdir().unwrap();
        let shim = Shim::built(all.path()).unwrap();
        let control = Control::sound(all.path().join("control")).unwrap();
        let program = all.path().join("program");
        let mut cc = Command::new("cc");
        cc.args(["-x", "c", "-", "-o"]).arg(&program).stdin(Stdio::piped());
        let mut compiler = cc.spawn().unwrap();
        compiler.stdin.take().unwrap().write_all(PROGRAM.as_bytes()).unwrap();
        assert!(compiler.wait().unwrap().success());
        std::fs::create_dir(all.path().join("data")).unwrap();
        Self { all, shim, control, program }
    }

    fn folder(&self) -> PathBuf {
        self.all.path().canonicalize().unwrap().join("data")
    }

    fn run(&self, words: &[&str], journal: Option<&Path>) -> String {
        let mut command = Command::new(&self.program);
        command.arg(self.folder()).args(words);
        self.shim.preload(&mut command, &self.folder(), &self.control, journal);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    }

    /// What may be left of a file after those words and a power cut.
    fn left_of(&self, name: &str, words: &[&str]) -> BTreeSet<Option<String>> {
        let journal = self.all.path().join("journal");
        let _ = std::fs::remove_file(&journal);
        let before = Files::read(&self.folder()).unwrap();
        assert_eq!(self.run(words, Some(&journal)), "");
        let journal = std::fs::read(journal).unwrap();
        let outcome = |seed: u64| {
            let mut state = seed;
            let mut draw = |end: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % end.max(1)
            };
            let (files, _) = survivors(&before, &journal, &mut draw).unwrap();
            files.0.get(name).map(|bytes| String::from_utf8(bytes.clone()).unwrap())
        };
        (1..200).map(outcome).collect()
    }
}

fn only(text: &str) -> BTreeSet<Option<String>> {
    [Some(text.to_owned())].into()
}

#[test]
fn what_is_not_synced_may_be_lost_whichever_call_wrote_it_and_what_is_synced_may_not() {
    let stand = Stand::new();
    assert_eq!(stand.left_of("f", &["of", "wab", "s", "S"]), only("ab"));
    for call in ["wX", "p0X", "vX"] {
        let left = stand.left_of("f", &["of", call]);
        assert_eq!(left, &only("ab") | &only("Xb"), "{call}");
        assert_eq!(stand.left_of("f", &["of", call, "s"]), only("Xb"), "{call}");
        assert_eq!(stand.left_of("f", &["of", "wab", "s"]), only("ab"), "{call}");
    }
    assert!(stand.left_of("f", &["of", "t1"]).contains(&Some("ab".to_owned())));
    assert_eq!(stand.left_of("f", &["of", "t1", "s"]), only("a"));
}

#[test]
fn names_last_once_their_folder_is_synced() {
    let stand = Stand::new();
    assert_eq!(stand.left_of("new", &["onew", "wx", "s"]), &only("x") | &[None].into());
    assert_eq!(stand.left_of("kept", &["odraft", "wy", "s", "rdraft=kept", "S"]), only("y"));
    assert_eq!(stand.left_of("other", &["lkept=other", "ukept", "S"]), only("y"));
    assert_eq!(stand.left_of("other", &["uother"]), &only("y") | &[None].into());
}

#[test]
fn calls_fail_as_they_are_told_and_work_again_when_they_are_mended() {
    let stand = Stand::new();
    stand.control.fail(Call::Write, Refusal::Eio, 1, 1).unwrap();
    assert_eq!(stand.run(&["of", "wa", "wb", "wc"], None), "wb: 5\n");
    assert_eq!(stand.run(&["of", "wa", "wb"], None), "", "it was only the second");
    stand.control.fail(Call::Sync, Refusal::Eio, 0, u32::MAX).unwrap();
    assert_eq!(stand.run(&["of", "wa", "s"], None), "s: 5\n");
    stand.control.mend().unwrap();
    stand.control.room(Some(3)).unwrap();
    assert_eq!(stand.run(&["og", "wabc", "p0abc", "wd"], None), "wd: 28\n", "old bytes need no room");
    assert_eq!(stand.control.refused().unwrap(), 3);
    stand.control.mend().unwrap();
    assert_eq!(stand.run(&["og", "wabcdef", "s"], None), "");
}

#[test]
fn the_disk_is_slow_and_the_clock_is_stepped_as_they_are_told() {
    let stand = Stand::new();
    stand.control.slow(Call::Sync, Duration::from_millis(120)).unwrap();
    let began = Instant::now();
    assert_eq!(stand.run(&["of", "s"], None), "");
    assert!(began.elapsed() >= Duration::from_millis(120));
    let clock = || stand.run(&["c"], None).trim().parse::<i64>().unwrap();
    let now = clock();
    stand.control.step_clock(-86_400).unwrap();
    assert!((clock() - now + 86_400).abs() < 60);
    stand.control.step_clock(3600).unwrap();
    assert!((clock() - now - 3600).abs() < 60);
}
