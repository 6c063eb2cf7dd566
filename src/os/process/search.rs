//! Finds the processes of a run, wherever they went.

#[cfg(target_os = "linux")]
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use super::children::ChildrenLeft;
use super::identity::ProcessIdentity;
#[cfg(target_os = "linux")]
use super::{identity::own_pid, procfs};

/// How the processes of a run are told from all others: by an entry in their environment, or by being a
/// root or one of its descendants.
///
/// Neither alone is enough: a process may clear its environment, and one whose parent ended is adopted
/// by somebody else. This process itself is never among them.
#[derive(Debug, Clone)]
pub struct RunProcesses {
    /// `NAME=value` as it stands in the environment.
    pub marker: String,
    /// Processes that belong to the run with all their descendants.
    pub roots: Vec<ProcessIdentity>,
    /// A file whose lock only processes of the run can have inherited. Looked for once nobody else is found.
    pub inherited: Option<PathBuf>,
}

/// A process that belongs to the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProcess {
    /// Which one.
    pub identity: ProcessIdentity,
    /// Its command line, cut to 200 characters.
    pub command: String,
}

/// How often the list of processes is read again within one search, when new ones have appeared in it. A
/// process that lives on only in its child is new every time.
#[cfg(target_os = "linux")]
const ROUNDS_MAX: u32 = 4;

#[cfg(target_os = "linux")]
impl RunProcesses {
    /// Returns those that run now. While this process has children, they and their descendants belong to them.
    ///
    /// Reads the environment of every process that may be read, and who is whose child only when there
    /// is somebody to be a descendant of: this is most of what ending a run costs.
    pub fn find(&self, children: ChildrenLeft) -> io::Result<Vec<FoundProcess>> {
        let boot_id = procfs::load_boot_id()?;
        let mut found = self.find_marked(&boot_id)?;
        found.extend(self.roots.iter().filter(|root| root.is_alive()).cloned());
        if children == ChildrenLeft::Some {
            found.push(ProcessIdentity::of_self()?);
        }
        if found.is_empty() {
            found.extend(self.find_heirs(&boot_id)?);
        }
        if !found.is_empty() {
            add_descendants(&mut found, &procfs::load_pids()?, &boot_id);
        }
        found.retain(|identity| identity.pid != own_pid());
        found.sort_by_key(|identity| identity.pid);
        found.dedup();
        let describe = |identity: ProcessIdentity| {
            let command = procfs::load_command(identity.pid);
            FoundProcess { identity, command }
        };
        Ok(found.into_iter().map(describe).collect())
    }

    /// Returns the processes that inherited the lock.
    fn find_heirs(&self, boot_id: &str) -> io::Result<Vec<ProcessIdentity>> {
        let Some(lock) = self.inherited.as_ref().and_then(|path| std::fs::metadata(path).ok()) else {
            return Ok(Vec::new());
        };
        let heir = |pid: i32| {
            let stat = procfs::load_stat(pid).filter(|stat| !stat.has_ended())?;
            let identity =
                ProcessIdentity { pid, start_ticks: stat.start_ticks, boot_id: boot_id.to_owned() };
            (procfs::has_inherited_lock(pid, &lock) && identity.is_alive()).then_some(identity)
        };
        Ok(procfs::load_pids()?.into_iter().filter_map(heir).collect())
    }

    /// Returns the processes that carry the marker, also those that start while it looks.
    fn find_marked(&self, boot_id: &str) -> io::Result<Vec<ProcessIdentity>> {
        let mut buffer = Vec::new();
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let mut is_new = false;
            for pid in procfs::load_pids()? {
                if seen.insert(pid) {
                    is_new = true;
                    found.extend(self.marked(pid, boot_id, &mut buffer));
                }
            }
            if !is_new {
                break;
            }
        }
        Ok(found)
    }

    /// Returns the process with this number when it carries the marker.
    ///
    /// The identity is taken before the look that counts, so that it belongs to the process that was
    /// looked at or to nobody.
    fn marked(&self, pid: i32, boot_id: &str, buffer: &mut Vec<u8>) -> Option<ProcessIdentity> {
        let marker = self.marker.as_bytes();
        if !procfs::has_in_environment(pid, marker, buffer) {
            return None;
        }
        let stat = procfs::load_stat(pid).filter(|stat| !stat.has_ended())?;
        procfs::has_in_environment(pid, marker, buffer).then(|| ProcessIdentity {
            pid,
            start_ticks: stat.start_ticks,
            boot_id: boot_id.to_owned(),
        })
    }
}

/// Adds the children of those found, and theirs. A child is never older than its parent: one that is has
/// a parent that only took over the number.
#[cfg(target_os = "linux")]
fn add_descendants(found: &mut Vec<ProcessIdentity>, pids: &[i32], boot_id: &str) {
    let mut children: BTreeMap<i32, Vec<ProcessIdentity>> = BTreeMap::new();
    for &pid in pids {
        if let Some(stat) = procfs::load_stat(pid).filter(|stat| !stat.has_ended()) {
            let child = ProcessIdentity { pid, start_ticks: stat.start_ticks, boot_id: boot_id.to_owned() };
            children.entry(stat.parent).or_default().push(child);
        }
    }
    let mut known: BTreeSet<i32> = found.iter().map(|identity| identity.pid).collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).cloned() {
        for child in children.remove(&parent.pid).unwrap_or_default() {
            if child.start_ticks >= parent.start_ticks && known.insert(child.pid) {
                found.push(child);
            }
        }
        next += 1;
    }
}

#[cfg(not(target_os = "linux"))]
impl RunProcesses {
    /// Returns nothing: without `/proc` there is no way to look.
    pub fn find(&self, _children: ChildrenLeft) -> io::Result<Vec<FoundProcess>> {
        Ok(Vec::new())
    }
}
