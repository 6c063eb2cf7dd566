//! The runner of another process: who it is beyond doubt, and telling it to end.
//!
//! A process id is only a number. It is in a file that may be old, and numbers are used again. A process is signalled
//! only when the lock is held, the file that is locked is open in that very process, and it still is the process that
//! was looked at when the signal is sent. Where `/proc` is missing (macOS) the held lock and the number must do.

use std::io;
use std::time::Duration;

use crate::os::clock;
use crate::os::fs::FileError;
use crate::os::process::ProcessIdentity;
use crate::store::runner_lock::{Presence, RunnerHolder, RunnerKind};
use crate::store::state_directory::StateDirectory;

/// How often a note that is not there yet is looked for again. It is written right after the lock is taken.
const NOTE_LOOKS: u32 = 50;

/// The pause between two looks.
const NOTE_PAUSE: Duration = Duration::from_millis(20);

/// Who holds the runner's lock, as far as it can be proven.
#[derive(Debug)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// Somebody, and this process cannot be sure who: the note is unreadable, or names a process that does not hold
    /// the lock, such as one in another container.
    Doubtful(Option<RunnerHolder>),
    /// This process.
    Proven(ProvenHolder),
}

/// A process that holds the runner's lock.
#[derive(Debug, Clone)]
pub struct ProvenHolder {
    /// Its process id.
    pub process: u32,
    /// What keeps it alive.
    pub kind: RunnerKind,
    identity: ProcessIdentity,
}

impl Holder {
    /// Looks who it is.
    pub fn load(state: &StateDirectory) -> Result<Self, FileError> {
        let mut found = Self::load_once(state)?;
        for _ in 0..NOTE_LOOKS {
            match found {
                Self::Doubtful(_) => clock::pause(NOTE_PAUSE),
                Self::Nobody | Self::Proven(_) => break,
            }
            found = Self::load_once(state)?;
        }
        Ok(found)
    }

    fn load_once(state: &StateDirectory) -> Result<Self, FileError> {
        let holder = match state.load_runner()? {
            Presence::Absent => return Ok(Self::Nobody),
            Presence::Unknown => return Ok(Self::Doubtful(None)),
            Presence::Known(holder) => holder,
        };
        let identity = i32::try_from(holder.process).ok().and_then(|pid| ProcessIdentity::of(pid).ok()?);
        let proven = identity.filter(|identity| identity.has_open(&state.runner_lock_path()));
        match (proven, state.load_runner()?) {
            (Some(identity), Presence::Known(still)) if still == holder => {
                Ok(Self::Proven(ProvenHolder { process: holder.process, kind: holder.kind, identity }))
            }
            (_, Presence::Absent) => Ok(Self::Nobody),
            (_, Presence::Known(_) | Presence::Unknown) => Ok(Self::Doubtful(Some(holder))),
        }
    }
}

impl ProvenHolder {
    /// Tells it to start no more tasks, and to end when those that run have ended. Twice is the same as once.
    pub fn tell_to_end(&self) -> io::Result<()> {
        self.identity.terminate()
    }

    /// Ends it at once. What it started goes on, and the next runner takes that up.
    pub fn end_at_once(&self) -> io::Result<()> {
        self.identity.kill()
    }

    /// Returns whether it still is the runner. The lock decides, and not whether the process lives: the kernel frees
    /// the lock of one that was killed a moment after it counts as dead.
    pub fn is_runner(&self, state: &StateDirectory) -> Result<bool, FileError> {
        Ok(match state.load_runner()? {
            Presence::Absent => false,
            Presence::Unknown => self.identity.is_alive(),
            Presence::Known(holder) => holder.process == self.process,
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn who_holds_the_lock_is_proven_by_its_open_file() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::new(folder.path());
        assert!(matches!(Holder::load(&state).unwrap(), Holder::Nobody));
        let lock = state.try_lock_runner(RunnerKind::Watch).unwrap().unwrap();
        let Holder::Proven(holder) = Holder::load(&state).unwrap() else { panic!("it is this process") };
        assert_eq!((holder.process, holder.kind), (std::process::id(), RunnerKind::Watch));
        assert!(holder.is_runner(&state).unwrap());
        drop(lock);
        assert!(!holder.is_runner(&state).unwrap());
    }

    #[test]
    fn a_note_that_names_another_process_proves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::new(folder.path());
        let _lock = state.try_lock_runner(RunnerKind::Watch).unwrap().unwrap();
        // The first process of the machine is there, and does not have the file open.
        crate::os::fs::write_derived(&folder.path().join("note"), br#"{"process":1,"kind":"watch"}"#)
            .unwrap();
        std::fs::copy(folder.path().join("note"), state.runner_lock_path()).unwrap();
        let Holder::Doubtful(Some(named)) = Holder::load_once(&state).unwrap() else { panic!("it lies") };
        assert_eq!(named.process, 1);
    }
}
