//! Tells everybody who looks: the event stream on disk and the listener of this process.

use std::fmt::{self, Debug, Formatter};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::decide::State;
use super::sight::{Seen, Sight};
use crate::os::clock;
use crate::os::fs::FileError;
use crate::run::RunId;
use crate::store::event_stream::{EventStream, Level, StreamEvent, StreamEventKind};
use crate::task::TaskId;

/// Who looks on while a runner works. Called from any thread, and must not block.
pub trait Listener: Send + Sync {
    /// Takes an event as it happens.
    fn event(&self, event: &StreamEvent);

    /// Takes what the runner sees, whenever that is other than before.
    fn sight(&self, sight: &Sight);
}

/// Nobody.
impl Listener for () {
    fn event(&self, _: &StreamEvent) {}

    fn sight(&self, _: &Sight) {}
}

/// The way out for all that a runner has to tell.
pub(crate) struct Broadcast {
    stream: Mutex<EventStream>,
    listener: Arc<dyn Listener>,
    lookout: Mutex<Lookout>,
}

/// What was found last, and what was shown last.
#[derive(Debug, Default)]
struct Lookout {
    found: Seen,
    shown: Option<Sight>,
}

impl Debug for Broadcast {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl Broadcast {
    /// Opens the stream of a repository.
    pub(crate) fn open(path: &Path, listener: Arc<dyn Listener>) -> Result<Self, FileError> {
        Ok(Self { stream: Mutex::new(EventStream::open(path)?), listener, lookout: Mutex::default() })
    }

    /// Tells what happened to a task or a run.
    pub(crate) fn tell(&self, task: Option<&TaskId>, run: Option<RunId>, kind: StreamEventKind) {
        let event = StreamEvent { at: clock::now(), task: task.cloned(), run, kind };
        self.listener.event(&event);
        let Ok(mut stream) = self.stream.lock() else { return };
        if let Err(error) = stream.append(&event) {
            // The stream decides nothing, so a disk that is full does not stop a run here; who listens
            // is told, because whoever follows the file would see nothing.
            let message = format!("the event stream cannot be written: {error}");
            let kind = StreamEventKind::WorkerLog { level: Level::Warning, message };
            self.listener.event(&StreamEvent { at: event.at, task: None, run: None, kind });
        }
    }

    /// Takes what a scan found, to be shown with the decision that follows it.
    pub(crate) fn note(&self, found: Seen) {
        if let Ok(mut lookout) = self.lookout.lock() {
            lookout.found = found;
        }
    }

    /// Shows what the runner sees, if it is other than what was shown last.
    pub(crate) fn show(&self, state: &State) {
        let Ok(mut lookout) = self.lookout.lock() else { return };
        let sight = Sight::of(state, &lookout.found);
        if lookout.shown.as_ref() != Some(&sight) {
            self.listener.sight(&sight);
            lookout.shown = Some(sight);
        }
    }

    /// Tells something that is about the runner itself.
    pub(crate) fn log(&self, level: Level, message: impl Into<String>) {
        self.tell(None, None, StreamEventKind::WorkerLog { level, message: message.into() });
    }
}
