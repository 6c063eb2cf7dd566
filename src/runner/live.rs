//! Follows the log of a run while it is written, to tell what the agent is doing.
//!
//! Only for people who look: the end of a run is judged from the whole log afterwards.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::engine::Engine;
use super::plan::Plan;
use crate::agent::tally::Tally;
use crate::agent::transcript::{self, TranscriptItem};
use crate::os::log::{Line, Lines, LogFile};
use crate::run::RunId;
use crate::store::event_stream::{Spent, StreamEventKind};
use crate::task::TaskId;

/// How often the log is looked at. A person does not see a shorter delay.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The longest line that is told and counted. A longer one holds a file, not a message.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// The most that is read at one look, so that a fast writer cannot keep the runner from its work.
const LOOK_BYTES_MAX: u64 = 4 << 20;

/// How far behind the end a look may begin. What lies further back is not told.
const BEHIND_BYTES_MAX: u64 = 64 << 20;

/// How many messages one look tells. A person reads no more; the rest is counted.
const MESSAGES_MAX: usize = 200;

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
                follower.look(&engine, if over { BEHIND_BYTES_MAX } else { LOOK_BYTES_MAX });
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
    log: Option<Lines<LogFile>>,
    tally: Tally,
    told: Option<Spent>,
}

impl Follower {
    fn new(engine: &Engine, plan: &Plan) -> Self {
        Self {
            task: plan.intent.task.clone(),
            run: plan.intent.run,
            path: engine.state.run_directory(plan.intent.run).log_path(),
            log: None,
            tally: Tally::default(),
            told: None,
        }
    }

    fn look(&mut self, engine: &Engine, bytes_max: u64) {
        if self.log.is_none() {
            self.log = LogFile::open(&self.path).ok().map(|log| Lines::with_max(log, LINE_BYTES_MAX));
        }
        let Some(mut log) = self.log.take() else { return };
        // A log that cannot be read is told when the run is judged.
        if self.read(engine, &mut log, bytes_max).is_ok() {
            self.log = Some(log);
        }
    }

    fn read(&mut self, engine: &Engine, log: &mut Lines<LogFile>, bytes_max: u64) -> std::io::Result<()> {
        let (size, position) = (log.input().size()?, log.input().position());
        if size.saturating_sub(position) > BEHIND_BYTES_MAX {
            log.input().omit(position..size - LOOK_BYTES_MAX);
        }
        log.input().grant(bytes_max);
        let (mut told, mut untold) = (0, 0_u64);
        while let Some(line) = log.next_ended_line()? {
            let Line::Whole(line) = line else { continue };
            if told < MESSAGES_MAX {
                told += self.tell(engine, line);
            } else {
                self.tally.take(line);
                untold += 1;
            }
        }
        if untold > 0 {
            self.say(engine, format!("{untold} more lines"));
        }
        Ok(())
    }

    /// Tells what a line says, and returns how many messages that were.
    fn tell(&mut self, engine: &Engine, line: &[u8]) -> usize {
        self.tally.take(line);
        let messages: Vec<String> = transcript::items(line).iter().map(TranscriptItem::summary).collect();
        let messages: Vec<String> = messages.into_iter().filter(|message| !message.is_empty()).collect();
        let count = messages.len();
        for message in messages {
            self.say(engine, message);
        }
        count
    }

    fn say(&mut self, engine: &Engine, message: String) {
        let kind = StreamEventKind::TaskMessage { message, spent: self.untold() };
        engine.broadcast.tell(Some(&self.task), Some(self.run), kind);
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
