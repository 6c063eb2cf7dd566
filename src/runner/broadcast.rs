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
    stream: Mutex<Stream>,
    listener: Arc<dyn Listener>,
    lookout: Mutex<Lookout>,
}

/// The stream on disk, and whether the last event could be written to it.
#[derive(Debug)]
struct Stream {
    file: EventStream,
    state: StreamState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StreamState {
    Works,
    Fails,
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
        let stream = Stream { file: EventStream::open(path)?, state: StreamState::Works };
        Ok(Self { stream: Mutex::new(stream), listener, lookout: Mutex::default() })
    }

    /// Tells what happened to a task or a run.
    pub(crate) fn tell(&self, task: Option<&TaskId>, run: Option<RunId>, kind: StreamEventKind) {
        let event = StreamEvent { at: clock::now(), task: task.cloned(), run, kind };
        self.listener.event(&event);
        let Ok(mut stream) = self.stream.lock() else { return };
        if let Some((level, message)) = stream.append(&event) {
            let kind = StreamEventKind::WorkerLog { level, message };
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

impl Stream {
    /// Writes an event. Returns what to tell who listens, once for each time that writing fails or works again.
    ///
    /// The stream decides nothing, so a disk that is full does not stop a run here; who listens is told, because whoever
    /// follows the file would see nothing.
    fn append(&mut self, event: &StreamEvent) -> Option<(Level, String)> {
        let (state, level, message) = match self.file.append(event) {
            Ok(()) => (StreamState::Works, Level::Info, "the event stream can be written again".to_owned()),
            Err(error) => {
                (StreamState::Fails, Level::Warning, format!("the event stream cannot be written: {error}"))
            }
        };
        (std::mem::replace(&mut self.state, state) != state).then_some((level, message))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Listener for Heard {
        fn event(&self, event: &StreamEvent) {
            if let (StreamEventKind::WorkerLog { message, .. }, Ok(mut heard)) = (&event.kind, self.0.lock())
            {
                heard.extend(message.split(':').next().map(str::to_owned));
            }
        }

        fn sight(&self, _: &Sight) {}
    }

    #[test]
    fn a_stream_that_cannot_be_written_is_told_once_until_it_can_be() {
        let heard = Arc::new(Heard::default());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.ndjson");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let broadcast = Broadcast::open(&path, Arc::clone(&heard) as _).unwrap();
        broadcast.log(Level::Info, "one");
        broadcast.log(Level::Info, "two");
        broadcast.stream.lock().unwrap().file = EventStream::open(&folder.path().join("room")).unwrap();
        broadcast.log(Level::Info, "three");
        broadcast.log(Level::Info, "four");
        let told = [
            "one",
            "the event stream cannot be written",
            "two",
            "three",
            "the event stream can be written again",
            "four",
        ];
        assert_eq!(*heard.0.lock().unwrap(), told);
    }
}
