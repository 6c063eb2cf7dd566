//! Which commit changed a file last, and what that commit says of itself.
//!
//! For a few files git is asked about each. For many, one walk through the history of their folder answers for nearly
//! all: the newest commit that left a file as the current one has it. Where a merge took another side, git is asked.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use gix::ObjectId;

use super::content::FileContent;
use super::{BlobId, CommitId, EntryKind, GitError, GitProgram, Repository};
use crate::timestamp::Timestamp;

/// What `git log` is to say of a commit: each part ends in a NUL, which no name can hold.
const FORMAT: &str = "--format=%H%x00%an%x00%ae%x00%at%x00";

/// How many files git is asked about one by one. A walk through all of a long history costs more than these.
const ONE_BY_ONE_MAX: usize = 16;

/// The most that a walk may say: some hundred thousand changes.
const WALK_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The last commit that changed a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathCommit {
    /// The commit.
    pub id: CommitId,
    /// The author's name, as the commit has it; anybody can write any.
    pub author: String,
    /// The author's address, likewise.
    pub email: String,
    /// When, likewise.
    pub authored: Timestamp,
    /// Whether the file in the work tree is what the current commit has.
    pub holds_the_file: bool,
}

/// Answers which commit of the current branch changed each of some files of a folder last.
#[derive(Debug)]
pub struct LastChanges<'a> {
    repository: &'a Repository,
    folder: &'a str,
    is_for_many: bool,
    present: OnceCell<BTreeMap<String, BlobId>>,
    walked: OnceCell<BTreeMap<String, Change>>,
}

/// What the newest commit that touched a file made of it: a blob, or nothing.
#[derive(Debug, Clone)]
struct Change {
    commit: PathCommit,
    blob: Option<BlobId>,
}

impl Repository {
    /// Returns who answers for about `count` files of a folder, which has `/` between names. Nothing is asked yet.
    pub fn last_changes<'a>(&'a self, folder: &'a str, count: usize) -> LastChanges<'a> {
        LastChanges {
            repository: self,
            folder,
            is_for_many: count > ONE_BY_ONE_MAX,
            present: OnceCell::new(),
            walked: OnceCell::new(),
        }
    }

    /// Returns the current commit, or `None` when there is none yet.
    fn head(&self) -> Result<Option<CommitId>, GitError> {
        match self.head_commit_id() {
            Ok(head) => Ok(Some(head)),
            Err(GitError::NoCommitYet { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl LastChanges<'_> {
    /// Returns the last commit that changed a file of the folder; `None` when none did.
    pub fn of(&self, name: &str, content: &FileContent) -> Result<Option<PathCommit>, GitError> {
        let Some(head) = self.repository.head()? else { return Ok(None) };
        let path = format!("{}/{name}", self.folder);
        let present = self.present(head)?.get(name).copied();
        let holds_the_file = present.is_some_and(|blob| content.blobs.contains(&blob));
        let known = self.walked(head).get(&path).filter(|change| change.blob == present);
        let commit = match known {
            Some(change) => Some(change.commit.clone()),
            None => self.ask(head, &path)?,
        };
        Ok(commit.map(|commit| PathCommit { holds_the_file, ..commit }))
    }

    /// Returns the files that the current commit has in the folder. To look one up is to read through them all.
    fn present(&self, head: CommitId) -> Result<&BTreeMap<String, BlobId>, GitError> {
        if let Some(present) = self.present.get() {
            return Ok(present);
        }
        let entries = self.repository.list_folder(self.repository.tree_of(head)?, self.folder)?;
        let file = |entry: super::Entry| match entry.kind {
            EntryKind::File(blob) => Some((entry.name, blob)),
            EntryKind::Folder(_) | EntryKind::Submodule(_) => None,
        };
        Ok(self.present.get_or_init(|| entries.into_iter().filter_map(file).collect()))
    }

    fn walked(&self, head: CommitId) -> &BTreeMap<String, Change> {
        // What the walk cannot tell is asked file by file.
        let walk = || self.is_for_many.then(|| self.walk(head).ok().flatten()).flatten();
        self.walked.get_or_init(|| walk().unwrap_or_default())
    }

    fn walk(&self, head: CommitId) -> Result<Option<BTreeMap<String, Change>>, GitError> {
        let program = GitProgram::new(self.repository).with_output_max(WALK_BYTES_MAX);
        let options = ["-z", "--raw", "--no-abbrev", "--no-renames"];
        let said = program.capture(words(&options, &head.to_string(), self.folder))?;
        if !said.is_whole() {
            return Ok(None);
        }
        Ok(changes(&String::from_utf8_lossy(&said.require_success()?)))
    }

    fn ask(&self, head: CommitId, path: &str) -> Result<Option<PathCommit>, GitError> {
        let said = GitProgram::new(self.repository).capture(words(&["-1"], &head.to_string(), path))?;
        let said = said.require_success()?;
        Ok(path_commit(&mut String::from_utf8_lossy(&said).split('\0')))
    }
}

fn words<'a>(options: &[&'a str], head: &'a str, path: &'a str) -> Vec<&'a str> {
    let always = ["--literal-pathspecs", "log", "--no-show-signature", "--no-notes", FORMAT];
    [&always[..], options, &[head, "--", path]].concat()
}

/// Reads a walk: each commit, and after it each file that it changed. `None` when it is not understood.
fn changes(said: &str) -> Option<BTreeMap<String, Change>> {
    let mut changes = BTreeMap::new();
    let mut parts = said.split('\0').peekable();
    let mut commit = None;
    while let Some(part) = parts.peek() {
        match part.trim_start_matches('\n').strip_prefix(':') {
            Some(change) => {
                let blob: ObjectId = change.split(' ').nth(3)?.parse().ok()?;
                let blob = (!blob.is_null()).then(|| BlobId::new(blob));
                parts.next();
                let change = Change { commit: Option::clone(&commit)?, blob };
                changes.entry(parts.next()?.to_owned()).or_insert(change);
            }
            None if part.trim().is_empty() => drop(parts.next()),
            None => commit = Some(path_commit(&mut parts)?),
        }
    }
    Some(changes)
}

fn path_commit<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<PathCommit> {
    let id = parts.next()?.trim().parse().ok()?;
    let (author, email) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let seconds: i64 = parts.next()?.parse().ok()?;
    let authored = Timestamp::from_unix_milliseconds(seconds.saturating_mul(1000))?;
    Some(PathCommit { id, author, email, authored, holds_the_file: false })
}
