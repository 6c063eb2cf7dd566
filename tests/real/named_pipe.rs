//! A named pipe through which a command tells its test that it runs, and by its end that it is gone.
//!
//! This is how tests wait for what a tool call does without watching the clock or the process table: the
//! pipe ends when the last process that holds it does.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// Longer than the CLI takes to start a command on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A pipe that the test reads, by a thread so that it never waits for ever.
#[derive(Debug)]
pub(crate) struct NamedPipe {
    lines: Receiver<String>,
}

impl NamedPipe {
    /// Makes a pipe and starts to read it.
    pub(crate) fn create(path: &Path) -> Self {
        make(path);
        let path: PathBuf = path.to_owned();
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            // Opening blocks until somebody writes.
            for line in BufReader::new(File::open(path).unwrap()).lines().map_while(Result::ok) {
                sender.send(line).ok();
            }
        });
        Self { lines }
    }

    /// Makes a pipe that the test writes, and opens it both ways, which does not wait for a reader.
    pub(crate) fn writer(path: &Path) -> File {
        make(path);
        OpenOptions::new().read(true).write(true).open(path).unwrap()
    }

    /// Returns the next line, or `None` once every writer is gone.
    pub(crate) fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("neither a line nor an end within {PATIENCE:?}"),
        }
    }
}

fn make(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}
