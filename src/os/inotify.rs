//! How many changes of files the kernel is willing to tell (`inotify(7)`). There is nothing to know elsewhere than
//! on Linux.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Where the kernel keeps the limits.
const LIMITS: &str = "/proc/sys/fs/inotify";

/// What one user may have, and what this one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InotifyUse {
    /// How many listeners a user may have.
    pub instances_max: u64,
    /// How many files and folders a user may listen to.
    pub watches_max: u64,
    /// How many events wait for a listener before the rest is dropped.
    pub queued_events_max: u64,
    /// Listeners that this user has now.
    pub instances: u64,
    /// Files and folders that this user listens to now.
    pub watches: u64,
}

/// Counts, or returns `None` where the kernel does not tell.
///
/// Processes that may not be looked at are not counted, so more may be in use, never less.
pub fn load_use() -> Option<InotifyUse> {
    let limit = |name: &str| fs::read_to_string(format!("{LIMITS}/{name}")).ok()?.trim().parse().ok();
    let mut found = InotifyUse {
        instances_max: limit("max_user_instances")?,
        watches_max: limit("max_user_watches")?,
        queued_events_max: limit("max_queued_events")?,
        instances: 0,
        watches: 0,
    };
    let own = rustix::process::getuid().as_raw();
    for process in fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.path()) {
        if process.metadata().is_ok_and(|folder| folder.uid() == own) {
            count(&process, &mut found);
        }
    }
    Some(found)
}

fn count(process: &Path, found: &mut InotifyUse) {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return };
    for descriptor in descriptors.flatten() {
        if fs::read_link(descriptor.path()).is_ok_and(|target| target == Path::new("anon_inode:inotify")) {
            found.instances += 1;
            let lines = fs::read_to_string(process.join("fdinfo").join(descriptor.file_name()));
            let lines = lines.unwrap_or_default();
            found.watches += lines.lines().filter(|line| line.starts_with("inotify wd:")).count() as u64;
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::os::watch::Changes;

    #[test]
    fn a_listener_of_this_process_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let _changes = Changes::of(folder.path()).unwrap();
        let found = load_use().unwrap();
        assert!(found.instances >= 1 && found.watches >= 1, "{found:?}");
        assert!(found.instances_max > 0);
    }
}
