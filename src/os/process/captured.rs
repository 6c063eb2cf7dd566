//! Runs a command to its end and keeps what it printed: bounded in time and in memory.
//!
//! A command may hang, print without end, or leave a child behind that keeps its pipes open. None of
//! these may hold up the caller: after the time limit its group is ended, output beyond the limit is
//! read and dropped from the front, and pipes are given up soon after the command itself is gone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::identity::raw;
use crate::os::clock;

/// Between SIGTERM and SIGKILL after the time limit: short commands have little to tidy up.
const KILL_GRACE: Duration = Duration::from_secs(2);

/// How long pipes may stay open after the command ended and its group was killed, when a process that
/// left the group holds them.
const PIPE_GRACE: Duration = Duration::from_millis(500);

/// How much is read from a pipe at once: the size of a pipe on Linux (`pipe(7)`).
const CHUNK_BYTES: usize = 64 << 10;

/// How many chunks may wait to be taken; then the command waits.
const CHUNKS_WAITING_MAX: usize = 8;

/// A command to run. Its standard input is empty and its process group its own.
#[derive(Debug, Clone)]
pub struct CapturedCommand {
    /// The program: a path, or a name that is looked up in `PATH` of this process.
    pub program: PathBuf,
    /// Its arguments, without the program's name.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: BTreeMap<OsString, OsString>,
    /// The folder it starts in.
    pub working_directory: PathBuf,
    /// The time after which its group is ended.
    pub time_max: Duration,
    /// How many bytes of each of its two streams are kept.
    pub output_bytes_max: usize,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Captured {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// The end of its standard output.
    pub stdout: Vec<u8>,
    /// The end of its standard error.
    pub stderr: Vec<u8>,
    /// Bytes dropped from the front of either because the limit was reached. Who parses the output must see 0 here.
    pub omitted_bytes: u64,
    /// From start to end.
    pub duration: Duration,
}

/// Why there is nothing captured.
#[derive(Debug, thiserror::Error)]
pub enum CapturedError {
    /// It did not start.
    #[error("start {} in {}", program.display(), working_directory.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The folder it was to start in.
        working_directory: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It took too long and was ended.
    #[error("run {} within {:?}: it was ended after that time", program.display(), time_max)]
    TimeOut {
        /// The program.
        program: PathBuf,
        /// The limit.
        time_max: Duration,
        /// What it printed until then.
        captured: Box<Captured>,
    },
    /// It could not be waited for.
    #[error("wait for {}", program.display())]
    Wait {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl CapturedCommand {
    /// Runs the command to its end or to its time limit.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn run(&self) -> Result<Captured, CapturedError> {
        let begin = clock::monotonic();
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(&self.working_directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|source| self.start_error(source))?;
        let mut collector = Collector {
            events: Self::watch(&mut child),
            output: Tail::new(self.output_bytes_max),
            errors: Tail::new(self.output_bytes_max),
        };
        let collected = collector.collect_until_end(begin + self.time_max);
        if collected == Collected::TimeOut {
            signal_group(&child, Signal::TERM);
            collector.collect_until_end(clock::monotonic() + KILL_GRACE);
        }
        // The command itself is dead or dies now, but was not waited for, so the group is still its own.
        signal_group(&child, Signal::KILL);
        let program = self.program.clone();
        let status = child.wait().map_err(|source| CapturedError::Wait { program, source })?;
        collector.collect_until_closed(clock::monotonic() + PIPE_GRACE);
        let captured = collector.captured(status, clock::monotonic().duration_since(begin));
        match collected {
            Collected::Ended | Collected::Closed => Ok(captured),
            Collected::TimeOut => Err(self.time_out(captured)),
        }
    }

    fn start_error(&self, source: io::Error) -> CapturedError {
        let (program, working_directory) = (self.program.clone(), self.working_directory.clone());
        CapturedError::Start { program, working_directory, source }
    }

    fn time_out(&self, captured: Captured) -> CapturedError {
        let (program, time_max) = (self.program.clone(), self.time_max);
        CapturedError::TimeOut { program, time_max, captured: Box::new(captured) }
    }

    /// Starts a thread for each thing that blocks. They end by themselves once the command and all who
    /// hold its pipes are gone, or once nobody listens.
    fn watch(child: &mut Child) -> Receiver<Event> {
        let (sender, events) = mpsc::sync_channel(CHUNKS_WAITING_MAX);
        if let Some(pipe) = child.stdout.take() {
            let sender = sender.clone();
            thread::spawn(move || send_chunks(pipe, &sender, Event::Output));
        }
        if let Some(pipe) = child.stderr.take() {
            let sender = sender.clone();
            thread::spawn(move || send_chunks(pipe, &sender, Event::Errors));
        }
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(raw) {
            thread::spawn(move || send_end(pid, &sender));
        }
        events
    }
}

enum Event {
    Output(Vec<u8>),
    Errors(Vec<u8>),
    Ended,
}

fn send_chunks(mut pipe: impl Read, sender: &SyncSender<Event>, event: fn(Vec<u8>) -> Event) {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        match pipe.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
            Ok(length) => {
                chunk.truncate(length);
                if sender.send(event(chunk)).is_err() {
                    return;
                }
            }
        }
    }
}

/// Tells when the process has ended, without waiting for it: that would let go of its number, which is
/// also its group's.
fn send_end(pid: Pid, sender: &SyncSender<Event>) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
    drop(sender.send(Event::Ended));
}

/// What came in so far.
struct Collector {
    events: Receiver<Event>,
    output: Tail,
    errors: Tail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collected {
    /// The command has ended.
    Ended,
    /// All pipes are closed and the end of the command was seen.
    Closed,
    /// The time was over before either.
    TimeOut,
}

impl Collector {
    /// Takes what comes in until the command has ended.
    fn collect_until_end(&mut self, until: Instant) -> Collected {
        self.collect(until, Collected::Ended)
    }

    /// Takes what comes in until nobody can write any more.
    fn collect_until_closed(&mut self, until: Instant) -> Collected {
        self.collect(until, Collected::Closed)
    }

    fn collect(&mut self, until: Instant, wanted: Collected) -> Collected {
        loop {
            let left = until.saturating_duration_since(clock::monotonic());
            match self.events.recv_timeout(left) {
                Ok(Event::Output(chunk)) => self.output.push(&chunk),
                Ok(Event::Errors(chunk)) => self.errors.push(&chunk),
                Ok(Event::Ended) if wanted == Collected::Ended => return Collected::Ended,
                Ok(Event::Ended) => {}
                Err(RecvTimeoutError::Disconnected) => return Collected::Closed,
                Err(RecvTimeoutError::Timeout) => return Collected::TimeOut,
            }
        }
    }

    fn captured(mut self, status: ExitStatus, duration: Duration) -> Captured {
        self.output.cut();
        self.errors.cut();
        let omitted_bytes = self.output.omitted + self.errors.omitted;
        Captured { status, stdout: self.output.bytes, stderr: self.errors.bytes, omitted_bytes, duration }
    }
}

/// The last bytes of a stream. Holds up to twice what is kept, so that it seldom moves them.
struct Tail {
    bytes: Vec<u8>,
    bytes_max: usize,
    omitted: u64,
}

impl Tail {
    fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max, omitted: 0 }
    }

    fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
        if self.bytes.len() > self.bytes_max.saturating_mul(2) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let excess = self.bytes.len().saturating_sub(self.bytes_max);
        self.bytes.drain(..excess);
        self.omitted += excess as u64;
    }
}

/// Signals the group of a command that was not waited for. A group without members counts as signalled.
fn signal_group(child: &Child, signal: Signal) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(raw) {
        kill_process_group(group, signal).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> CapturedCommand {
        CapturedCommand {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
            working_directory: "/".into(),
            time_max: Duration::from_secs(20),
            output_bytes_max: 1000,
        }
    }

    #[test]
    fn both_streams_and_the_exit_code_are_kept() {
        let captured = shell("echo out; echo err >&2; exit 3").run().unwrap();
        assert_eq!(captured.status.code(), Some(3));
        assert_eq!((captured.stdout.as_slice(), captured.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
        assert_eq!(captured.omitted_bytes, 0);
    }

    #[test]
    fn the_end_of_a_long_output_is_kept() {
        let captured =
            shell("i=0; while [ $i -lt 9000 ]; do echo 123456789; i=$((i+1)); done; echo last").run();
        let captured = captured.unwrap();
        assert!(captured.stdout.ends_with(b"123456789\nlast\n"));
        assert_eq!(captured.stdout.len(), 1000);
        assert_eq!(captured.omitted_bytes, 90_005 - 1000);
    }

    #[test]
    fn every_byte_is_either_kept_or_counted() {
        for length in [0_usize, 1, 999, 1000, 1001, 1999, 2000, 2001, 5000] {
            let mut tail = Tail::new(1000);
            (0..length).for_each(|_| tail.push(b"x"));
            tail.cut();
            assert_eq!(
                (tail.bytes.len(), tail.omitted),
                (length.min(1000), length.saturating_sub(1000) as u64)
            );
        }
    }

    #[test]
    fn a_command_that_ignores_sigterm_is_killed_after_its_time() {
        let command = CapturedCommand {
            time_max: Duration::from_millis(100),
            ..shell("trap '' TERM; echo started; while :; do sleep 1; done")
        };
        let Err(CapturedError::TimeOut { captured, .. }) = command.run() else {
            panic!("it ended by itself");
        };
        assert_eq!(captured.stdout, b"started\n");
        assert!(captured.status.code().is_none(), "{:?}", captured.status);
    }

    #[test]
    fn a_child_left_behind_does_not_hold_up_the_caller() {
        let captured = shell("sleep 30 & echo done").run().unwrap();
        assert_eq!(captured.stdout, b"done\n");
        assert!(captured.duration < Duration::from_secs(10), "{:?}", captured.duration);
    }

    #[test]
    fn nothing_of_the_own_environment_leaks_in() {
        let captured = shell("echo ${HOME-unset}").run().unwrap();
        assert_eq!(captured.stdout, b"unset\n");
    }

    #[test]
    fn a_missing_program_is_named() {
        let command = CapturedCommand { program: "/nowhere/git".into(), ..shell("") };
        assert_eq!(command.run().unwrap_err().to_string(), "start /nowhere/git in /");
    }
}
