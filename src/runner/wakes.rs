//! What wakes a runner between two events of its own: changes in the folders that matter.
//!
//! A wake-up says that a look is worth it and nothing more. Many changes in a row are one: a look waits for
//! a moment of quiet, and not for long. Where the operating system tells of no changes, all that is left is to look
//! more often.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::os::clock;
use crate::os::watch::{Folder, Folders, is_remote};

/// How long nothing must have changed before a look.
const QUIET: Duration = Duration::from_millis(20);

/// How long a look waits for quiet.
const QUIET_WAIT_MAX: Duration = Duration::from_millis(200);

/// The longest time between two looks, whatever is told.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// The longest time between two looks where changes are not told.
const LOOK_EVERY_BLIND: Duration = Duration::from_secs(2);

/// How long a runner that ends by itself does not listen. When such a one is over sooner, that is a price saved: the
/// kernel takes some 10 ms to let go of what was listened to, and a process waits for it at its end.
const LISTEN_AFTER: Duration = Duration::from_secs(1);

/// The way in for whoever wakes a runner.
#[derive(Debug)]
pub struct Wakes {
    hint: Arc<Notify>,
    folders: Folders,
    /// What can be heard of these folders at best.
    best: Hearing,
    hearing: Hearing,
    /// What a person should know about that, and was not told yet.
    warning: Option<String>,
    /// When the first change was told that no look has followed yet.
    pending: Option<Instant>,
    renewed: Option<Instant>,
    /// Before this moment nothing is listened to.
    listen_at: Option<Instant>,
}

/// Whether changes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hearing {
    /// All of them.
    Full,
    /// Those of this machine; the folders are on a file system that others share.
    Partial,
    /// None.
    None,
}

impl Wakes {
    /// Returns what hears of changes in these folders.
    pub fn of(wanted: Vec<Folder>) -> Self {
        let hint = Arc::new(Notify::new());
        let told = Arc::clone(&hint);
        let remote = wanted.iter().find(|folder| is_remote(&folder.path));
        let warning = remote.map(|folder| shared(&folder.path));
        let best = if warning.is_some() { Hearing::Partial } else { Hearing::Full };
        let folders = Folders::new(wanted, Arc::new(move || told.notify_one()));
        Self { hint, folders, best, hearing: best, warning, pending: None, renewed: None, listen_at: None }
    }

    /// Begins to listen only after a while. What changes until then is found by the look that begins it.
    pub(crate) fn put_off(&mut self) {
        self.listen_at = Some(clock::monotonic() + LISTEN_AFTER);
    }

    /// Listens to the folders that are there now. Returns what a person should know if that is not possible,
    /// once for each time that it becomes so.
    pub(crate) fn renew(&mut self) -> Option<String> {
        if !self.put_off_for().is_zero() || (self.hearing == Hearing::None && self.is_recent()) {
            return None;
        }
        self.renewed = Some(clock::monotonic());
        match self.folders.renew() {
            Ok(()) => self.hearing = self.best,
            Err(error) if self.hearing != Hearing::None => {
                self.hearing = Hearing::None;
                self.warning = Some(unheard(&error.into()));
            }
            Err(_) => {}
        }
        self.warning.take()
    }

    /// Returns the longest time until the next look.
    pub(crate) fn look_every(&self) -> Duration {
        match (self.put_off_for(), self.hearing) {
            (Duration::ZERO, Hearing::Full) => LOOK_EVERY,
            (Duration::ZERO, Hearing::Partial | Hearing::None) => LOOK_EVERY_BLIND,
            (wait, _) => wait.max(QUIET),
        }
    }

    fn put_off_for(&self) -> Duration {
        let moment = self.listen_at;
        moment.map_or(Duration::ZERO, |moment| moment.saturating_duration_since(clock::monotonic()))
    }

    /// Waits for a change, and for a moment of quiet after it. May be dropped and called again.
    pub(crate) async fn next(&mut self) {
        let first = if let Some(first) = self.pending {
            first
        } else {
            self.hint.notified().await;
            *self.pending.insert(clock::monotonic())
        };
        while clock::monotonic().saturating_duration_since(first) < QUIET_WAIT_MAX
            && timeout(QUIET, self.hint.notified()).await.is_ok()
        {}
        self.pending = None;
    }

    /// Listening anew is tried once a minute, not with every look.
    fn is_recent(&self) -> bool {
        self.renewed.is_some_and(|last| clock::monotonic().saturating_duration_since(last) < LOOK_EVERY)
    }
}

fn unheard(error: &anyhow::Error) -> String {
    format!(
        "failed to {error:#}; looking for new tasks every {} s instead. If a limit is reached, raise it: \
         sudo sysctl fs.inotify.max_user_instances=1024 fs.inotify.max_user_watches=524288",
        LOOK_EVERY_BLIND.as_secs()
    )
}

fn shared(folder: &Path) -> String {
    format!(
        "{} is on a file system that does not tell what other machines change; looking for new tasks every {} s",
        folder.display(),
        LOOK_EVERY_BLIND.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(path: &Path) -> Folders {
        Folders::new(vec![Folder { path: path.to_owned(), only: None }], Arc::new(|| ()))
    }

    #[test]
    fn after_a_failure_a_shared_folder_is_heard_as_far_as_before_and_no_further() {
        let folder = tempfile::tempdir().unwrap();
        let mut wakes = Wakes::of(Vec::new());
        (wakes.best, wakes.hearing) = (Hearing::Partial, Hearing::Partial);
        // No file system knows a name of that length.
        wakes.folders = folders(&folder.path().join("x".repeat(5_000)));
        assert!(wakes.renew().is_some_and(|warning| warning.starts_with("failed to listen")));
        assert_eq!(wakes.hearing, Hearing::None);
        assert_eq!(wakes.renew(), None, "it was told twice");
        wakes.folders = folders(folder.path());
        wakes.renewed = None;
        assert_eq!(wakes.renew(), None);
        assert_eq!(wakes.hearing, Hearing::Partial);
    }
}
