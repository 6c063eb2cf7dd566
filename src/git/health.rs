//! What is unusual about a repository, and what git itself complains of. Nothing is changed, nothing is fetched.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{GitError, GitProgram, Repository, TrackingTip};
use crate::os::env;
use crate::os::process::CapturedCommand;
use crate::timestamp::Timestamp;

/// How long git may take to say what it thinks of a folder.
const TIME_MAX: Duration = Duration::from_secs(5);

/// More than any complaint needs.
const OUTPUT_BYTES_MAX: usize = 16 << 10;

/// Folders below `$GIT_COMMON_DIR` in which git leaves no lock, or which are too large to look through.
const UNLOCKED_FOLDERS: [&str; 5] = ["objects", "claudedo", "logs", "hooks", "lfs"];

/// How deep refs are looked through for locks.
const LOCK_DEPTH_MAX: usize = 12;

/// What not every repository is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peculiarity {
    /// There is no main worktree.
    Bare,
    /// Objects are named by SHA-256.
    Sha256,
    /// The history ends before its beginning.
    Shallow,
    /// Objects are missing until git fetches them.
    Partial,
    /// The checkout leaves files out.
    Sparse,
    /// There are repositories inside of it.
    Submodules,
    /// Large files are kept by Git LFS.
    Lfs,
    /// Worktrees are registered by relative paths.
    RelativeWorktrees,
}

impl Repository {
    /// Returns what is unusual about the repository.
    pub fn peculiarities(&self) -> Vec<Peculiarity> {
        let repository = self.local();
        let config = repository.config_snapshot();
        let is_true = |key: &str| config.boolean(key).unwrap_or(false);
        let in_work_tree = |name: &str| self.work_tree().map(|root| root.join(name));
        let attributes = in_work_tree(".gitattributes").and_then(|path| std::fs::read_to_string(path).ok());
        [
            (Peculiarity::Bare, self.is_bare()),
            (Peculiarity::Sha256, self.object_hash() == gix::hash::Kind::Sha256),
            (Peculiarity::Shallow, self.common_dir().join("shallow").exists()),
            (Peculiarity::Partial, super::worktree::is_partial_clone(&repository)),
            (Peculiarity::Sparse, is_true("core.sparseCheckout")),
            (Peculiarity::Submodules, in_work_tree(".gitmodules").is_some_and(|path| path.exists())),
            (Peculiarity::Lfs, attributes.is_some_and(|text| text.contains("filter=lfs"))),
            (Peculiarity::RelativeWorktrees, is_true("extensions.relativeWorktrees")),
        ]
        .into_iter()
        .filter_map(|(peculiarity, found)| found.then_some(peculiarity))
        .collect()
    }

    /// Returns whether git's configuration or environment names the author of commits, so that nothing of it has
    /// to be made up.
    pub fn knows_author(&self) -> bool {
        matches!(self.local().author(), Some(Ok(_))) && !self.author_identity().is_made_up()
    }

    /// Returns why git itself would refuse to commit here, in its own words, or `None` when it would not.
    pub fn author_refusal(&self) -> Option<String> {
        let answer = GitProgram::new(self).capture(["var", "GIT_AUTHOR_IDENT"]).ok()?;
        match answer.require_success() {
            Err(GitError::Program { reason, .. }) => Some(reason),
            Ok(_) | Err(_) => None,
        }
    }

    /// Returns the moment of the newest of these: the commit that is checked out, and the tips of the records.
    pub fn newest_moment(&self) -> Result<Option<Timestamp>, GitError> {
        let tips = self.tracking_tips()?;
        let head = self.local().head_commit().ok().map(|commit| super::CommitId::new(commit.id));
        let commits = tips.iter().map(|TrackingTip { tip, .. }| *tip).chain(head);
        // One that cannot be read is not what is asked for here.
        Ok(commits.filter_map(|commit| self.commit_summary(commit).ok()).map(|found| found.committed).max())
    }

    /// Returns git's lock files: of the index, of HEAD, of the configuration, of refs.
    ///
    /// Those of this program are locks of the kernel and not among them. Objects are not looked through.
    pub fn lock_files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect_locks(&self.common_dir(), LOCK_DEPTH_MAX, &mut found);
        found.sort();
        found
    }
}

fn collect_locks(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 0 && !UNLOCKED_FOLDERS.iter().any(|folder| name == *folder) {
            collect_locks(&path, depth - 1, found);
        }
        if kind.is_file() && path.extension().is_some_and(|extension| extension == "lock") {
            found.push(path);
        }
    }
}

/// Returns what git says of the repository around a folder when it refuses it, in its own words: the file and
/// the line of a broken configuration, the setting that a stranger's repository needs. `None` when it does not.
pub fn complaint(folder: &Path) -> Option<String> {
    let asked = CapturedCommand {
        program: PathBuf::from("git"),
        arguments: ["rev-parse", "--git-dir"].map(OsString::from).to_vec(),
        environment: env::all(),
        working_directory: folder.to_owned(),
        time_max: TIME_MAX,
        output_bytes_max: OUTPUT_BYTES_MAX,
    }
    .run()
    .ok()?;
    let words = String::from_utf8_lossy(&asked.stderr).trim().to_owned();
    (!asked.status.success() && !words.is_empty()).then_some(words)
}
