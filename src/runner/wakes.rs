//! What wakes a runner between two events of its own: changes in the folders that matter.
//!
//! A wake-up says that a look is worth it and nothing more. Many changes in a row are one: a look waits for
//! a moment of quiet, and not for long. Where the operating system tells of no changes, all that is left is to look
//! more often.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::os::clock;
use crate::os::watch::{Folder, Folders};

/// How long nothing must have changed before a look.
const QUIET: Duration = Duration::from_millis(20);

/// How long a look waits for quiet.
const QUIET_WAIT_MAX: Duration = Duration::from_millis(200);

/// The longest time between two looks, whatever is told.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// The longest time between two looks where changes are not told.
const LOOK_EVERY_BLIND: Duration = Duration::from_secs(2);

/// The way in for whoever wakes a runner.
#[derive(Debug)]
pub struct Wakes {
    hint: Arc<Notify>,
    folders: Folders,
    sight: Sight,
    /// When the first change was told that no look has followed yet.
    pending: Option<Instant>,
    renewed: Option<Instant>,
}

/// Whether changes are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Told,
    Blind,
}

impl Wakes {
    /// Returns what hears of changes in these folders.
    pub fn of(folders: Vec<Folder>) -> Self {
        let hint = Arc::new(Notify::new());
        let told = Arc::clone(&hint);
        let folders = Folders::new(folders, Arc::new(move || told.notify_one()));
        Self { hint, folders, sight: Sight::Told, pending: None, renewed: None }
    }

    /// Listens to the folders that are there now. Returns what a person should know if that is not possible,
    /// once for each time that it becomes so.
    pub(crate) fn renew(&mut self) -> Option<String> {
        if self.sight == Sight::Blind && self.is_recent() {
            return None;
        }
        self.renewed = Some(clock::monotonic());
        let before = self.sight;
        let result = self.folders.renew();
        self.sight = if result.is_ok() { Sight::Told } else { Sight::Blind };
        match result {
            Err(error) if before == Sight::Told => Some(words(&anyhow::Error::from(error))),
            Ok(()) | Err(_) => None,
        }
    }

    /// Returns the longest time until the next look.
    pub(crate) fn look_every(&self) -> Duration {
        match self.sight {
            Sight::Told => LOOK_EVERY,
            Sight::Blind => LOOK_EVERY_BLIND,
        }
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

fn words(error: &anyhow::Error) -> String {
    format!(
        "failed to {error:#}; looking for new tasks every {} s instead. If a limit is reached, raise it: \
         sudo sysctl fs.inotify.max_user_instances=1024 fs.inotify.max_user_watches=524288",
        LOOK_EVERY_BLIND.as_secs()
    )
}
