//! Which task files may be run here: nobody else's prompt runs until this machine's user approved those exact bytes.
//!
//! An approval is a file `trust/<sha256 of the bytes>` of the local state. Its name says all that counts, so one look
//! at the folder is enough; its content is for people. `trust/<sha256>.revoked` says that the user wants these bytes held.
//! An edit makes other bytes, so it needs no revocation.
//!
//! Bytes that nobody approved are run only when they were *saved here*: git never had them (see `git::provenance`). The
//! runner approves such a file as soon as it sees it ready, so that committing it later changes nothing. While somebody
//! changes the index, nothing can be said of a new file, and it counts as changing. What cannot be found out counts as
//! brought.
//!
//! What a claim runs are the bytes that were checked: it takes a [`TrustedTask`], which only [`admit`] makes.
//!
//! What is not covered:
//! * What else has a say in a run: lists, `.claudedo/config.yaml`, agent files, templates, and Claude Code's own files
//!   (`CLAUDE.md`, `.claude/`, `.mcp.json`). Commands in them need the user's `allowRepositoryCommands`; texts do not.
//! * Files that arrive without git: an unpacked archive, `git apply`, a synchronised folder, a program that the user ran.
//!   They look like an editor's work, and so does what an agent without a sandbox writes into the user's own work tree.
//! * Whoever can write `$GIT_COMMON_DIR/claudedo` can approve; that is every process of this user outside a sandbox.
//! * A second git whose work tree lies over this one with its objects elsewhere, unless its `.git` is in `.claudedo`.
//! * Bytes that git brought, that no ref leads to any more, and whose objects were pruned.
//! * Follow-ups that another machine asked for. Records that somebody fetched count (`refs/claudedo-remotes/*`), and the
//!   prompt of a `requested` event among them is nobody's approved bytes. Nothing fetches such refs by itself yet.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::state_directory::StateDirectory;
use super::tasks::{LoadedTask, TaskFolder, TaskWithText};
use crate::git::{ContentId, FileContent, KnownContents, KnownNames, Repository};
use crate::os::fs::{self, FileError};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// The version of an approval's content. The name is what counts, so a reader of a newer one still trusts it.
const APPROVAL_VERSION: u32 = 1;

/// What ends the name of a revocation.
const REVOKED: &str = ".revoked";

/// The folder of task files as git names it.
pub const TASKS_FOLDER: &str = ".claudedo/tasks";

/// For how long a lock of the index says that files may be arriving. Whoever died with it never lets go.
const ARRIVAL_MAX: Duration = Duration::from_mins(1);

/// Whether the bytes of a task file may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The user approved them.
    Approved,
    /// They were written here, and git does not know them.
    Saved,
    /// They came from elsewhere, or that cannot be ruled out.
    Brought,
    /// Files may be arriving at this moment; look again.
    Arriving,
}

/// How bytes came to be approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovedBy {
    /// `add` wrote them.
    Added,
    /// `edit` wrote them.
    Edited,
    /// `run`, `retry` or `continue` was asked for them.
    Run,
    /// `approve` was answered with yes.
    Approved,
    /// A runner found them saved here.
    Saved,
}

/// An approval, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    version: u32,
    /// The task that had the bytes.
    pub task: TaskId,
    /// When.
    pub when: Timestamp,
    /// How.
    pub how: ApprovedBy,
    /// The bytes, to show later what was changed since.
    pub text: String,
}

/// What the user of this clone approved and revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approvals {
    approved: BTreeSet<ContentId>,
    revoked: BTreeSet<ContentId>,
}

/// A task file with bytes that may be run.
#[derive(Debug, Clone, PartialEq)]
pub struct TrustedTask {
    task: TaskWithText,
}

impl Approvals {
    /// Returns whether bytes are approved.
    pub fn contains(&self, content: ContentId) -> bool {
        self.approved.contains(&content) && !self.is_revoked(content)
    }

    /// Returns whether the user wants bytes held.
    pub fn is_revoked(&self, content: ContentId) -> bool {
        self.revoked.contains(&content)
    }
}

impl StateDirectory {
    /// Loads which bytes are approved: one look at a folder.
    pub fn load_approvals(&self) -> Result<Approvals, FileError> {
        let mut approvals = Approvals::default();
        let folder = self.trust_path();
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(approvals),
            Err(error) => return Err(FileError::on("read folder", &folder)(error)),
        };
        for entry in entries {
            let name = entry.map_err(FileError::on("read folder", &folder))?.file_name();
            let Some(name) = name.to_str() else { continue };
            match name.strip_suffix(REVOKED) {
                Some(stem) => approvals.revoked.extend(stem.parse::<ContentId>()),
                None => approvals.approved.extend(name.parse::<ContentId>()),
            }
        }
        Ok(approvals)
    }

    /// Approves the bytes of a task file. A revocation of the same bytes is over.
    pub fn approve(&self, task: &TaskWithText, how: ApprovedBy, now: Timestamp) -> Result<(), FileError> {
        self.approve_all([task], how, now)
    }

    /// Approves the bytes of task files. A power cut before the end may undo any of it, which holds a task again.
    pub fn approve_all<'a>(
        &self,
        tasks: impl IntoIterator<Item = &'a TaskWithText>,
        how: ApprovedBy,
        now: Timestamp,
    ) -> Result<(), FileError> {
        let folder = self.trust_path();
        fs::create_private_directory(&folder)?;
        let written = tasks.into_iter().try_for_each(|task| {
            let content = task.task.content.id;
            let approval = Approval {
                version: APPROVAL_VERSION,
                task: task.id.clone(),
                when: now,
                how,
                text: String::from_utf8_lossy(&task.bytes).into_owned(),
            };
            let path = self.approval_path(content);
            let bytes = serde_json::to_vec(&approval).map_err(io::Error::from);
            fs::write_private_in_batch(&path, &bytes.map_err(FileError::on("write", &path))?)?;
            fs::remove_file(&self.revocation_path(content))
        });
        // The names are synced at once, also of those that were written before one failed.
        fs::sync_directory(&folder).and(written)
    }

    /// Holds the bytes of a task file until they are approved, also if they were saved here.
    pub fn revoke(&self, content: ContentId) -> Result<(), FileError> {
        fs::create_private_directory(&self.trust_path())?;
        // The revocation counts from its first moment on; the approval stays behind it for the words it holds.
        fs::write_private(&self.revocation_path(content), b"")
    }

    /// Loads the last approval of each task, whichever bytes it was for. Reads them all.
    pub fn load_last_approvals(&self) -> Result<BTreeMap<TaskId, Approval>, FileError> {
        let mut last: BTreeMap<TaskId, Approval> = BTreeMap::new();
        for content in self.load_approvals()?.approved {
            let Some(bytes) = fs::read_optional(&self.approval_path(content))? else { continue };
            // One that cannot be read still counts as an approval; there is only nothing to show of it.
            let Ok(approval) = serde_json::from_slice::<Approval>(&bytes) else { continue };
            if last.get(&approval.task).is_none_or(|last| last.when < approval.when) {
                last.insert(approval.task.clone(), approval);
            }
        }
        Ok(last)
    }

    /// Returns the folder of the approvals.
    pub fn trust_path(&self) -> PathBuf {
        self.path().join("trust")
    }

    fn approval_path(&self, content: ContentId) -> PathBuf {
        self.trust_path().join(content.to_string())
    }

    fn revocation_path(&self, content: ContentId) -> PathBuf {
        self.trust_path().join(format!("{content}{REVOKED}"))
    }
}

impl TrustedTask {
    /// Returns what the bytes say.
    pub fn task(&self) -> &LoadedTask {
        &self.task.task
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.task.bytes
    }
}

/// Lets a task that was just read from its file be run, or returns why not. Approves what was saved here.
pub fn admit(
    repository: &Repository,
    state: &StateDirectory,
    folder: &TaskFolder,
    task: TaskWithText,
    now: Timestamp,
) -> Result<Result<TrustedTask, Trust>, FileError> {
    let judge = Judge::load(repository, state, folder)?;
    match judge.trust(&task.id, &task.task.content) {
        Trust::Approved => Ok(Ok(TrustedTask { task })),
        Trust::Saved => {
            state.approve(&task, ApprovedBy::Saved, now)?;
            Ok(Ok(TrustedTask { task }))
        }
        refused @ (Trust::Brought | Trust::Arriving) => Ok(Err(refused)),
    }
}

/// Tells of files that were read before whether they may be run.
///
/// What git knows is asked at the first file that nobody approved, so that the usual look asks nothing; of a file whose
/// bytes git has, no more is asked, since that is what keeps a watcher cheap that has such files before it for days.
#[derive(Debug)]
pub struct Judge<'a> {
    approvals: Approvals,
    repository: &'a Repository,
    folder: &'a TaskFolder,
    contents: OnceCell<KnownContents>,
    names: OnceCell<Names>,
}

#[derive(Debug)]
enum Names {
    /// Somebody is changing the index.
    Locked,
    /// Nothing can be said, so nothing is let through.
    Unknown,
    Known(KnownNames),
}

impl<'a> Judge<'a> {
    /// Loads the approvals.
    pub fn load(
        repository: &'a Repository,
        state: &StateDirectory,
        folder: &'a TaskFolder,
    ) -> Result<Self, FileError> {
        let (contents, names) = (OnceCell::new(), OnceCell::new());
        Ok(Self { approvals: state.load_approvals()?, repository, folder, contents, names })
    }

    /// Returns whether a task's bytes may be run. All files that are asked about were read before the first question.
    pub fn trust(&self, task: &TaskId, content: &FileContent) -> Trust {
        if self.approvals.is_revoked(content.id) {
            return Trust::Brought;
        }
        if self.approvals.contains(content.id) {
            return Trust::Approved;
        }
        if self.contents.get_or_init(|| self.repository.known_contents()).contains(content) {
            return Trust::Brought;
        }
        match self.names.get_or_init(|| self.names()) {
            Names::Locked => Trust::Arriving,
            Names::Unknown => Trust::Brought,
            Names::Known(names) if names.contains(&format!("{task}.yaml")) => Trust::Brought,
            Names::Known(_) => Trust::Saved,
        }
    }

    /// The lock is looked at before the index is: a checkout that is over by then has written its index.
    fn names(&self) -> Names {
        let is_of_the_repository =
            self.repository.work_tree().is_some_and(|work_tree| work_tree == self.folder.work_tree());
        let has_its_own_git = [self.folder.path(), self.folder.tasks_path()]
            .iter()
            .any(|folder| folder.join(".git").symlink_metadata().is_ok());
        if !is_of_the_repository || has_its_own_git {
            return Names::Unknown;
        }
        match self.repository.index_locked_for() {
            Some(age) if age < ARRIVAL_MAX => Names::Locked,
            Some(_) => Names::Unknown,
            None => self.repository.known_names(TASKS_FOLDER).map_or(Names::Unknown, Names::Known),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::os::clock;

    #[test]
    fn an_approval_is_a_private_file_that_a_revocation_overrules_and_a_new_approval_restores() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDirectory::new(&root.path().join("common"));
        let folder = TaskFolder::new(root.path(), state.path());
        let task = crate::task::TaskFile::parse("a.yaml".as_ref(), b"title: Fix it\n").unwrap();
        let id: TaskId = "fix-it-1a2b".parse().unwrap();
        folder.create(&task, || id.clone()).unwrap();
        let task = folder.load(&id, clock::now()).unwrap().unwrap();
        let content = task.task.content.id;
        assert_eq!(state.load_approvals().unwrap(), Approvals::default());
        state.approve(&task, ApprovedBy::Added, clock::now()).unwrap();
        assert!(state.load_approvals().unwrap().contains(content));
        let path = state.trust_path().join(content.to_string());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        state.revoke(content).unwrap();
        assert!(!state.load_approvals().unwrap().contains(content));
        state.approve(&task, ApprovedBy::Approved, clock::now()).unwrap();
        assert!(state.load_approvals().unwrap().contains(content));
        let last = &state.load_last_approvals().unwrap()[&id];
        assert_eq!((last.how, last.text.as_str()), (ApprovedBy::Approved, "title: Fix it\n"));
    }

    #[test]
    fn files_that_are_no_approvals_approve_nothing() {
        let root = tempfile::tempdir().unwrap();
        let state = StateDirectory::new(root.path());
        fs::create_private_directory(&state.trust_path()).unwrap();
        for name in [".claudedo-x.tmp", "README", "ce013625030ba8dba906f756967f9e9ca394464a"] {
            fs::write_private(&state.trust_path().join(name), b"").unwrap();
        }
        assert_eq!(state.load_approvals().unwrap(), Approvals::default());
    }
}
