//! Follows the log of a run while it is written, to tell what the agent is doing.
//!
//! Only for people who look: the end of a run is judged from the whole log afterwards.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::engine::Engine;
use super::plan::Plan;
use crate::agent::{tally::Tally, transcript};
use crate::run::RunId;
use crate::store::event_stream::{Spent, StreamEventKind};
use crate::task::TaskId;

/// How often the log is looked at. A person does not see a shorter delay.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The longest line that is told and counted. A longer one holds a file, not a message.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// The most that is read at one look, so that a fast writer cannot fill the memory.
const CHUNK_BYTES_MAX: u64 = 1024 * 1024;

/// The most of the supervisor's own words that stand in a message.
const WORDS_BYTES_MAX: usize = 2000;

/// A log that is being followed.
#[derive(Debug)]
pub(crate) struct Watching {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Watching {
    /// Starts to follow the log of a run.
    pub(crate) fn start(engine: Arc<Engine>, plan: &Plan) -> Self {
        let (stop, mut stopped) = watch::channel(());
        let mut follower = Follower::new(&engine, plan);
        let task = tokio::spawn(async move {
            loop {
                let over = tokio::select! {
                    _ = stopped.changed() => true,
                    () = tokio::time::sleep(LOOK_EVERY) => false,
                };
                follower.look(&engine);
                if over {
                    return;
                }
            }
        });
        Self { stop, task }
    }

    /// Tells what is left and ends.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        // A follower that panicked has nothing more to tell; the run does not depend on it.
        drop(self.task.await);
    }
}

struct Follower {
    task: TaskId,
    run: RunId,
    path: PathBuf,
    offset: u64,
    line: Vec<u8>,
    skipping: Skipping,
    tally: Tally,
    told: Option<Spent>,
}

/// Whether the line that is being read is too long to be told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Skipping {
    No,
    Yes,
}

impl Follower {
    fn new(engine: &Engine, plan: &Plan) -> Self {
        Self {
            task: plan.intent.task.clone(),
            run: plan.intent.run,
            path: engine.state.run_directory(plan.intent.run).log_path(),
            offset: 0,
            line: Vec::new(),
            skipping: Skipping::No,
            tally: Tally::default(),
            told: None,
        }
    }

    fn look(&mut self, engine: &Engine) {
        loop {
            // A log that cannot be read is told when the run is judged.
            let Ok(chunk) = self.load_chunk() else { return };
            if chunk.is_empty() {
                return;
            }
            for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
                self.take(engine, piece);
            }
        }
    }

    fn load_chunk(&mut self) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut chunk = Vec::new();
        file.take(CHUNK_BYTES_MAX).read_to_end(&mut chunk)?;
        self.offset += chunk.len() as u64;
        Ok(chunk)
    }

    fn take(&mut self, engine: &Engine, piece: &[u8]) {
        let ends = piece.ends_with(b"\n");
        if self.line.len() + piece.len() > LINE_BYTES_MAX {
            self.skipping = Skipping::Yes;
            self.line.clear();
        }
        if self.skipping == Skipping::No {
            self.line.extend_from_slice(piece);
        }
        if ends {
            if self.skipping == Skipping::No {
                self.tell(engine);
            }
            self.line.clear();
            self.skipping = Skipping::No;
        }
    }

    fn tell(&mut self, engine: &Engine) {
        self.tally.take(&self.line);
        for item in transcript::items(&self.line) {
            let message = item.summary();
            if !message.is_empty() {
                let kind = StreamEventKind::TaskMessage { message, spent: self.untold() };
                engine.broadcast.tell(Some(&self.task), Some(self.run), kind);
            }
        }
    }

    /// Returns what the run has used so far, if that was not told yet.
    fn untold(&mut self) -> Option<Spent> {
        let spent = Spent::of(&self.tally.usage());
        if spent == self.told {
            return None;
        }
        self.told = spent;
        spent
    }
}

/// Loads the end of a small log, on one line, for a message.
pub(crate) fn load_end_of(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let end = &text[text.len().saturating_sub(WORDS_BYTES_MAX)..];
    let words = String::from_utf8_lossy(end);
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "it said nothing".to_owned() } else { line }
}
