//! Where this machine's state lies, so that a copy of it is not taken for the original.
//!
//! Somebody may copy a whole repository, `.git/claudedo` included, while runs are at work. The runs belong to the
//! original: their processes hold the original's locks, and their worktrees are registered there. A copy that took
//! them up would end them. It also must not write the original's tracking ref, which has one writer. So the folder
//! remembers its path and its inode: one that lies elsewhere while the original is still there goes on as a machine
//! of its own, without the original's runs. One that was moved or restored stays what it was.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::state_directory::StateDirectory;
use crate::os::fs::{self, FileError};
use crate::os::lock::FileLock;
use crate::run::MachineId;

/// `place.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// What a copy left behind when it became a machine of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The original.
    pub from: PathBuf,
    /// Where the copies of the folders of its runs are kept, if it had any.
    pub runs: Option<PathBuf>,
}

impl StateDirectory {
    /// Makes sure that this is no copy of a state that is in use elsewhere; one that is becomes a machine of its own.
    pub fn settle(&self) -> Result<Option<Copied>, FileError> {
        let here = Place::of(self.path())?;
        if self.load_place()?.as_ref() == Some(&here) {
            return Ok(None);
        }
        let _alone = FileLock::take(&self.path().join("locks/place"))?;
        let copied = match self.load_place()? {
            Some(before) if before != here && self.is_copy_of(&before, &here)? => Some(self.part(before)?),
            Some(_) | None => None,
        };
        self.set_place(&here)?;
        Ok(copied)
    }

    /// The original is a copy's when it lies elsewhere, is the folder that was noted, and is the same machine.
    fn is_copy_of(&self, original: &Place, here: &Place) -> Result<bool, FileError> {
        let same_folder = (original.device, original.inode) == (here.device, here.inode);
        if same_folder
            || original.path == here.path
            || Place::of(&original.path).ok().as_ref() != Some(original)
        {
            return Ok(false);
        }
        let machine = self.load_machine()?;
        Ok(machine.is_some()
            && Self::at(original.path.clone()).load_machine().is_ok_and(|found| found == machine))
    }

    /// Puts the original's runs aside and takes a new id. Each step may find itself done.
    fn part(&self, original: Place) -> Result<Copied, FileError> {
        let machine = MachineId::new_unique();
        let aside = self.path().join(format!("copied/{machine}"));
        let had_runs = !self.load_runs()?.is_empty();
        if had_runs {
            fs::create_private_directory(&self.path().join("copied"))?;
            fs::rename(&self.runs_path(), &aside)?;
            self.create()?;
        }
        self.set_machine(&machine)?;
        Ok(Copied { from: original.path, runs: had_runs.then_some(aside) })
    }

    fn load_place(&self) -> Result<Option<Place>, FileError> {
        // One that cannot be read says nothing, and is written again.
        Ok(fs::read_optional(&self.place_path())?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn set_place(&self, place: &Place) -> Result<(), FileError> {
        let text = serde_json::to_vec(place)
            .map_err(|error| FileError::on("encode", &self.place_path())(error.into()))?;
        fs::write_private(&self.place_path(), &text)
    }

    fn place_path(&self) -> PathBuf {
        self.path().join("place.json")
    }
}

impl Place {
    fn of(path: &Path) -> Result<Self, FileError> {
        let failed = |error| FileError::on("look at", path)(error);
        let resolved = path.canonicalize().map_err(failed)?;
        let metadata = resolved.metadata().map_err(|error| FileError::on("look at", path)(error))?;
        Ok(Self { path: resolved, device: metadata.dev(), inode: metadata.ino() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a state that has run, and the folder around it.
    fn state() -> (tempfile::TempDir, StateDirectory) {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::new(&folder.path().join("one"));
        state.create().unwrap();
        state.require_machine().unwrap();
        let run = crate::run::RunId::new_unique();
        fs::create_private_directory(state.run_directory(run).path()).unwrap();
        (folder, state)
    }

    fn copy(from: &Path, to: &Path) {
        fs::create_private_directory(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }

    #[test]
    fn a_copy_becomes_a_machine_of_its_own_and_leaves_the_runs_alone() {
        let (folder, state) = state();
        let other = StateDirectory::new(&folder.path().join("two"));
        copy(state.path(), other.path());
        let copied = other.settle().unwrap().unwrap();
        assert_eq!(copied.from, state.path().canonicalize().unwrap());
        assert_ne!(other.require_machine().unwrap(), state.require_machine().unwrap());
        assert_eq!(other.load_runs().unwrap(), Vec::new());
        assert_eq!(std::fs::read_dir(copied.runs.unwrap()).unwrap().count(), 1);
        assert_eq!((other.settle().unwrap(), state.settle().unwrap()), (None, None));
        assert_eq!(state.load_runs().unwrap().len(), 1);
    }

    #[test]
    fn what_was_moved_or_restored_stays_what_it_was() {
        let (folder, state) = state();
        let (machine, runs) = (state.require_machine().unwrap(), state.load_runs().unwrap());
        let moved = StateDirectory::new(&folder.path().join("two"));
        std::fs::create_dir(folder.path().join("two")).unwrap();
        std::fs::rename(state.path(), moved.path()).unwrap();
        assert_eq!(moved.settle().unwrap(), None);
        let restored = StateDirectory::new(&folder.path().join("three"));
        copy(moved.path(), restored.path());
        fs::remove_directory(moved.path()).unwrap();
        assert_eq!(restored.settle().unwrap(), None);
        assert_eq!((restored.require_machine().unwrap(), restored.load_runs().unwrap()), (machine, runs));
    }
}
