//! What `cargo xtask bench` asks of a server that it started itself: its CPU time, to the nanosecond, and what of it was spent
//! inside signatures, which nobody outside the process can see. It asks on standard input, one word a line, and is answered with
//! one line of JSON on standard output; only who started the process holds those, so there is no door here for anybody else.

use std::cell::LazyCell;
use std::io::{self, Write as _};
use std::time::Duration;

use portvakt_crypto::signing::{
    EcKey, KeyFault, RsaKey, Signer, measure_signatures, signature_count, signature_cpu_nanos,
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::failure::Failure;

/// Signatures in one set of each kind: about a tenth of a second each.
const RSA_SET: u32 = 200;
const EC_SET: u32 = 3000;

/// As long as the signing input of an ordinary ID token.
const SIGNING_INPUT: [u8; 700] = [b'a'; 700];

/// Measures every signature from now on, and answers until standard input ends.
///
/// # Errors
/// The operating system has no thread to give.
pub(crate) fn begin() -> Result<(), Failure> {
    attend().map_err(|why| Failure::new(format!("signatures cannot be measured: {why}")))
}

fn attend() -> io::Result<()> {
    measure_signatures(true);
    std::thread::Builder::new().name("measure".to_owned()).spawn(|| {
        let mut answers = io::stdout();
        let keys = LazyCell::new(|| Ok((RsaKey::generate()?, EcKey::generate()?)));
        for question in io::stdin().lines().map_while(Result::ok) {
            let answer = match question.as_str() {
                "totals" => totals(),
                "yardstick" => yardstick(&keys),
                _ => json!({ "error": "the questions are: totals, yardstick" }),
            };
            if writeln!(answers, "{answer}").and_then(|()| answers.flush()).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// Since the start: CPU time of the process, of all its threads that are or were, and the signatures.
fn totals() -> Value {
    let cpu = cpu(ClockId::ProcessCPUTime).as_nanos();
    json!({
        "cpu_nanos": u64::try_from(cpu).unwrap_or(u64::MAX),
        "signatures": signature_count(),
        "signature_cpu_nanos": signature_cpu_nanos(),
    })
}

/// What a signature costs in a loop that does nothing else, read from the thread's CPU clock around the loop.
fn yardstick(keys: &Result<(RsaKey, EcKey), KeyFault>) -> Value {
    match keys {
        Ok((rsa, ec)) => {
            json!({ "rsa2048_us": micros_each(rsa, RSA_SET), "es256_us": micros_each(ec, EC_SET) })
        }
        Err(fault) => json!({ "error": fault.to_string() }),
    }
}

/// One tenth is signed before the clock is read: a key's first signatures also compute what the others reuse.
fn micros_each(key: &impl Signer, count: u32) -> f64 {
    let sign = |count| (0..count).for_each(|_| drop(std::hint::black_box(key.sign(&SIGNING_INPUT))));
    sign(count / 10);
    let before = cpu(ClockId::ThreadCPUTime);
    sign(count);
    (cpu(ClockId::ThreadCPUTime) - before).as_secs_f64() * 1e6 / f64::from(count)
}

fn cpu(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
