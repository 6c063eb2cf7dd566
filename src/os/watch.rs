//! Hears of changes in a folder.
//!
//! A change that is told is a hint to look again, never a fact: file systems forget some and tell
//! others twice, and some (NFS) tell none at all. So whoever waits gives a longest time as well.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// Listens to the changes of the files that are directly in a folder.
#[derive(Debug)]
pub struct Changes {
    receiver: Receiver<()>,
    _watcher: RecommendedWatcher,
}

/// The folder cannot be listened to.
#[derive(Debug, thiserror::Error)]
#[error("listen for changes in {}", folder.display())]
pub struct WatchError {
    /// The folder.
    pub folder: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: notify::Error,
}

impl Changes {
    /// Starts to listen.
    pub fn of(folder: &Path) -> Result<Self, WatchError> {
        let failed = |source| WatchError { folder: folder.to_owned(), source };
        // Room for one: a second hint before anybody looked says nothing new.
        let (sender, receiver) = sync_channel(1);
        let mut watcher = notify::recommended_watcher(move |_| {
            // No room means that a hint waits already.
            if sender.try_send(()).is_err() {}
        })
        .map_err(failed)?;
        watcher.watch(folder, RecursiveMode::NonRecursive).map_err(failed)?;
        Ok(Self { receiver, _watcher: watcher })
    }

    /// Waits for a change, or for the longest time.
    pub fn wait(&self, time_max: Duration) {
        // A watcher that has died leaves the longest time.
        if self.receiver.recv_timeout(time_max).is_err() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_ends_the_wait() {
        let folder = tempfile::tempdir().unwrap();
        let changes = Changes::of(folder.path()).unwrap();
        super::super::fs::write_derived(&folder.path().join("file"), b"x").unwrap();
        changes.receiver.recv_timeout(Duration::from_secs(50)).unwrap();
    }
}
