//! Several processes side by side: none begins a round before all of them can.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What a process says when it can begin a round.
const READY: &str = "ready";

/// A process that contends. It is killed if it is let go of before it has ended.
#[derive(Debug)]
struct Contender {
    child: Child,
    gate: ChildStdin,
    lines: BufReader<ChildStdout>,
    last: String,
}

impl Drop for Contender {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and is none the worse for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Contender {
    fn start(mut command: Command) -> Result<Self, String> {
        let told = |fault: std::io::Error| format!("a contender does not start: {fault}");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(told)?;
        let (Some(gate), Some(lines)) = (child.stdin.take(), child.stdout.take()) else {
            let _ = child.kill();
            return Err("a contender has no input or output".to_owned());
        };
        Ok(Self { child, gate, lines: BufReader::new(lines), last: String::new() })
    }

    /// Whether it stands before the gate; if not, it has ended, and its last line is kept.
    fn is_ready(&mut self) -> Result<bool, String> {
        loop {
            let mut line = String::new();
            match self.lines.read_line(&mut line).map_err(|fault| fault.to_string())? {
                0 => return Ok(false),
                _ if line.trim_end() == READY => return Ok(true),
                _ => self.last = line.trim_end().to_owned(),
            }
        }
    }
}

/// Runs these processes, each a `contest --paced`, round by round, and answers the last line that each wrote.
///
/// # Errors
/// One that does not start, or ends otherwise than well: the others are killed.
pub fn lockstep(commands: Vec<Command>) -> Result<Vec<String>, String> {
    let mut contenders = Vec::with_capacity(commands.len());
    for command in commands {
        contenders.push(Contender::start(command)?);
    }
    for first in 0_usize.. {
        let mut ready = 0;
        for contender in &mut contenders {
            ready += usize::from(contender.is_ready()?);
        }
        match ready {
            0 => break,
            some if some < contenders.len() => return Err("a contender ended before the others".to_owned()),
            _ => {}
        }
        // Whoever is let in first is ahead: each in turn.
        let count = contenders.len();
        let (behind, ahead) = contenders.split_at_mut(first % count.max(1));
        for contender in ahead.iter_mut().chain(behind) {
            contender.gate.write_all(b"\n").map_err(|fault| format!("a contender is gone: {fault}"))?;
        }
    }
    for contender in &mut contenders {
        let ended = contender.child.wait().map_err(|fault| fault.to_string())?;
        if !ended.success() {
            return Err(format!("a contender found a breach, or failed: {}", contender.last));
        }
    }
    Ok(contenders.iter_mut().map(|contender| std::mem::take(&mut contender.last)).collect())
}
