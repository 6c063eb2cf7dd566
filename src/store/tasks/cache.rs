//! What the task files said when they were last read, so that 1,000 unchanged ones cost a `stat` each.
//!
//! Derived: it may be deleted at any time, and whatever is wrong with it means it is not there. It
//! serves lists only. Whoever runs a task reads the task's file itself, so that nothing written into
//! the cache by somebody else can ever be run.
//!
//! An entry counts while size, inode and both times are as they were. By git's racy rule
//! (`Documentation/technical/racy-git`) that proves nothing of a file that changed in the moment the
//! cache was written, so entries that were younger than two seconds then are read again.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::entry::Stamp;
use super::readiness::{LastLine, SETTLE_TIME};
use crate::git::FileContent;
use crate::os::fs;
use crate::task::{TaskFile, TaskId};
use crate::timestamp::Timestamp;

/// Changes with every release and whenever the form of an entry does.
const FORM: &str = concat!(env!("CARGO_PKG_VERSION"), "/2");

/// The largest cache that is read: a hundred times that of 1,000 tasks.
const CACHE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What is known of the task files.
#[derive(Debug)]
pub(super) struct Cache {
    /// When, or `None` where there is none.
    written: Option<Timestamp>,
    entries: HashMap<TaskId, Entry>,
}

/// What one task file said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) stamp: Stamp,
    pub(super) last_line: LastLine,
    pub(super) content: FileContent,
    /// Boxed, as it is in [`super::LoadedTask`]: entries are sorted and put into maps, and it is large.
    pub(super) task: Box<TaskFile>,
}

#[derive(Deserialize)]
struct Stored {
    form: String,
    written: Timestamp,
    entries: HashMap<TaskId, Entry>,
}

#[derive(Serialize)]
struct Storing<'a> {
    form: &'static str,
    written: Timestamp,
    entries: &'a HashMap<&'a TaskId, Entry>,
}

impl Cache {
    /// Loads the cache, or an empty one.
    pub(super) fn load(path: &Path) -> Self {
        let stored = fs::read_optional(path)
            .ok()
            .flatten()
            .filter(|bytes| bytes.len() <= CACHE_BYTES_MAX)
            .and_then(|bytes| serde_json::from_slice::<Stored>(&bytes).ok())
            .filter(|stored| stored.form == FORM);
        match stored {
            Some(stored) => Self { written: Some(stored.written), entries: stored.entries },
            None => Self { written: None, entries: HashMap::new() },
        }
    }

    /// Takes out what is known of a file, if that is certain.
    pub(super) fn take(&mut self, id: &TaskId, stamp: &Stamp) -> Option<Entry> {
        let entry = self.entries.remove(id)?;
        let changed = stamp.modified().max(stamp.changed());
        let was_quiet = self.written.is_some_and(|written| changed.plus(SETTLE_TIME) <= written);
        (entry.stamp == *stamp && was_quiet).then_some(entry)
    }

    /// Returns whether nothing is left in it that no file has.
    pub(super) fn is_used_up(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Replaces the cache. A failure changes nothing but speed, so it is not reported.
pub(super) fn set(path: &Path, entries: &HashMap<&TaskId, Entry>, now: Timestamp) {
    let Some(folder) = path.parent() else { return };
    let Ok(bytes) = serde_json::to_vec(&Storing { form: FORM, written: now, entries }) else { return };
    if fs::create_private_directory(folder).is_ok() {
        drop(fs::write_derived(path, &bytes));
    }
}
