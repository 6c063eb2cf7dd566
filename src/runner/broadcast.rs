//! Tells everybody who looks: the event stream on disk and the listener of this process.

use std::fmt::{self, Debug, Formatter};
use std::path::Path;
use std::sync::Mutex;

use crate::os::clock;
use crate::os::fs::FileError;
use crate::run::RunId;
use crate::store::event_stream::{EventStream, Level, StreamEvent, StreamEventKind};
use crate::task::TaskId;

/// Takes every event as it happens. It must not block.
pub type Listener = Box<dyn Fn(&StreamEvent) + Send + Sync>;

/// The way out for all that a runner has to tell.
pub(crate) struct Broadcast {
    stream: Mutex<EventStream>,
    listener: Listener,
}

impl Debug for Broadcast {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl Broadcast {
    /// Opens the stream of a repository.
    pub(crate) fn open(path: &Path, listener: Listener) -> Result<Self, FileError> {
        Ok(Self { stream: Mutex::new(EventStream::open(path)?), listener })
    }

    /// Tells what happened to a task or a run.
    pub(crate) fn tell(&self, task: Option<&TaskId>, run: Option<RunId>, kind: StreamEventKind) {
        let event = StreamEvent { at: clock::now(), task: task.cloned(), run, kind };
        (self.listener)(&event);
        let Ok(mut stream) = self.stream.lock() else { return };
        if let Err(error) = stream.append(&event) {
            // The stream decides nothing, so a disk that is full does not stop a run here; who listens
            // is told, because whoever follows the file would see nothing.
            let message = format!("the event stream cannot be written: {error}");
            let kind = StreamEventKind::WorkerLog { level: Level::Warning, message };
            (self.listener)(&StreamEvent { at: event.at, task: None, run: None, kind });
        }
    }

    /// Tells something that is about the runner itself.
    pub(crate) fn log(&self, level: Level, message: impl Into<String>) {
        self.tell(None, None, StreamEventKind::WorkerLog { level, message: message.into() });
    }
}
