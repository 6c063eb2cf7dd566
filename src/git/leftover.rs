//! What would be lost with a worktree besides its files: commits that only it names, and what only its index holds.
//!
//! All of it is in the worktree's private git directory, which goes when the worktree does. Nothing is written here,
//! and what cannot be read counts as something that would be lost.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::index::entry::{Mode, Stage};
use gix::revision::walk::Sorting;
use gix::traverse::commit::simple::CommitTimeOrder;

use super::{CommitId, GitError, Repository, TreeId};
use crate::os::fs::{self, FileError};

/// Files and folders that git keeps while something goes on, and what that is (gitrepository-layout(5)).
const UNFINISHED: [(&str, &str); 7] = [
    ("MERGE_HEAD", "merge"),
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisection"),
    ("sequencer", "series of picks"),
];

/// Refs that other people's work and ours is reachable from. A stash is not among them: it is forgotten in time.
const LASTING_REFS: [&str; 5] =
    ["refs/heads/", "refs/tags/", "refs/remotes/", "refs/claudedo/", "refs/claudedo-remotes/"];

/// The most commits that are looked at; what is not found among them counts as lost.
const COMMITS_MAX: usize = 200_000;

/// How far the clocks of those who make commits may disagree.
const CLOCK_SKEW_SECONDS: i64 = 24 * 60 * 60;

/// The most bytes of a reflog that are read.
const REFLOG_BYTES_MAX: usize = 16 << 20;

/// What the private git directory of a worktree holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrivateState {
    /// The commit that is checked out.
    pub head: Option<CommitId>,
    /// The commits that it names: its HEAD, what that was before, and refs that the worktree has for itself.
    pub commits: BTreeSet<CommitId>,
    /// What was begun and not finished, as in "merge".
    pub unfinished: Vec<&'static str>,
    /// What could not be understood, as a fragment.
    pub unclear: Vec<String>,
}

impl Repository {
    /// Reads the private git directory of a worktree. `branch` is the full name of the branch whose own log stays, so
    /// that what stands in it is not named here.
    pub fn worktree_private_state(&self, git_dir: &Path, branch: &str) -> Result<PrivateState, GitError> {
        let mut state = PrivateState::default();
        for (name, what) in UNFINISHED {
            if git_dir.join(name).symlink_metadata().is_ok() && !state.unfinished.contains(&what) {
                state.unfinished.push(what);
            }
        }
        if git_dir.join("modules").symlink_metadata().is_ok() {
            state.unclear.push("it has submodules with a history of their own".to_owned());
        }
        self.add_head(git_dir, &mut state)?;
        state.commits.extend(state.head);
        for path in files_below(&git_dir.join("refs")) {
            let text = fs::read_optional(&path)?.unwrap_or_default();
            match commit_of(text.trim_ascii()) {
                Some(commit) => drop(state.commits.insert(commit)),
                None => state.unclear.push(format!("{} cannot be understood", path.display())),
            }
        }
        let own = self.logged(&git_dir.join("logs/HEAD"))?;
        let kept = self.logged(&self.common_dir().join("logs").join(branch))?;
        state.commits.extend(own.difference(&kept));
        Ok(state)
    }

    /// Returns those of the commits that no branch, tag or ref of this program leads to. One that is no longer there
    /// at all cannot be lost any more and is left out.
    pub fn unreached(&self, commits: &BTreeSet<CommitId>) -> Result<BTreeSet<CommitId>, GitError> {
        let repository = self.local();
        let present: Vec<ObjectId> = commits
            .iter()
            .map(|commit| commit.object_id())
            .filter(|id| gix::objs::Exists::exists(&repository.objects, id))
            .collect();
        if present.is_empty() {
            return Ok(BTreeSet::new());
        }
        let failed = "look for the refs that lead to a commit";
        let tips = lasting_tips(&repository)?;
        let mut unreached: BTreeSet<CommitId> =
            present.into_iter().filter(|id| !tips.contains(id)).map(CommitId::new).collect();
        let mut oldest = i64::MAX;
        for commit in &unreached {
            let found = repository.find_commit(commit.object_id()).map_err(GitError::on(failed))?;
            oldest = oldest.min(found.time().map_err(GitError::on(failed))?.seconds);
        }
        // What follows a commit was made after it, but for clocks that disagree.
        let seconds = oldest.saturating_sub(CLOCK_SKEW_SECONDS);
        let order = CommitTimeOrder::NewestFirst;
        let walk = repository
            .rev_walk(tips)
            .sorting(Sorting::ByCommitTimeCutoff { order, seconds })
            .all()
            .map_err(GitError::on(failed))?;
        for found in walk.take(COMMITS_MAX) {
            // The history of a shallow clone ends where it was cut off.
            let Ok(found) = found else { break };
            unreached.remove(&CommitId::new(found.id));
            if unreached.is_empty() {
                break;
            }
        }
        Ok(unreached)
    }

    /// Returns the paths that a worktree's index has with a content that is in none of these trees, or that are in the
    /// middle of a merge. An index that cannot be read is an error.
    pub fn staged_elsewhere(&self, git_dir: &Path, trees: &[TreeId]) -> Result<Vec<String>, GitError> {
        let path = git_dir.join("index");
        if path.symlink_metadata().is_err() {
            return Ok(Vec::new());
        }
        let repository = self.local();
        let options = gix::index::decode::Options::default();
        let index = gix::index::File::at(&path, repository.object_hash(), false, options)
            .map_err(GitError::on(format!("read {}", path.display())))?;
        let empty = ObjectId::empty_blob(repository.object_hash());
        let mut known: Option<gix::index::File> = None;
        let mut contents: Option<BTreeSet<ObjectId>> = None;
        let mut staged = Vec::new();
        for entry in index.entries() {
            let name = entry.path(&index);
            if entry.stage() != Stage::Unconflicted {
                staged.push(name.to_string());
                continue;
            }
            if entry.id == empty {
                continue;
            }
            if known.is_none() {
                known = trees.first().map(|tree| tree_index(&repository, *tree)).transpose()?;
            }
            let same = known.as_ref().and_then(|known| known.entry_by_path(name));
            if same.is_some_and(|same| same.id == entry.id) {
                continue;
            }
            let contents = match &mut contents {
                Some(contents) => contents,
                None => contents.insert(contents_of(&repository, trees)?),
            };
            if entry.mode == Mode::COMMIT || !contents.contains(&entry.id) {
                staged.push(name.to_string());
            }
        }
        staged.dedup();
        Ok(staged)
    }

    /// Returns the trees of a commit and of those it follows by their first parents, at most `count`.
    pub fn trees_back_from(
        &self,
        commit: CommitId,
        count: usize,
    ) -> Result<Vec<(CommitId, TreeId)>, GitError> {
        let repository = self.local();
        let walk = repository
            .rev_walk([commit.object_id()])
            .first_parent_only()
            .all()
            .map_err(GitError::on(format!("walk the history of {commit}")))?;
        let mut trees = Vec::new();
        for found in walk.take(count) {
            // The history of a shallow clone ends where it was cut off.
            let Ok(found) = found else { break };
            let id = CommitId::new(found.id);
            trees.push((id, self.tree_of(id)?));
        }
        Ok(trees)
    }

    /// Returns how many bytes the files below a folder of a tree have, and how many files there are.
    pub fn tree_size(&self, tree: TreeId) -> Result<(u64, usize), GitError> {
        let repository = self.local();
        let (mut bytes, mut files) = (0_u64, 0);
        let mut failed = None;
        self.walk_tree(tree, &mut |_, kind| {
            if let super::EntryKind::File(blob) = kind {
                match repository.find_header(blob.object_id()) {
                    Ok(header) => bytes = bytes.saturating_add(header.size()),
                    Err(error) => failed = Some(error),
                }
                files += 1;
            }
            super::Visit::Enter
        })?;
        match failed {
            Some(error) => Err(GitError::on(format!("read tree {tree}"))(error)),
            None => Ok((bytes, files)),
        }
    }

    fn add_head(&self, git_dir: &Path, state: &mut PrivateState) -> Result<(), GitError> {
        let Some(text) = fs::read_optional(&git_dir.join("HEAD"))? else {
            state.unclear.push("its HEAD is missing".to_owned());
            return Ok(());
        };
        let text = text.trim_ascii();
        if let Some(commit) = commit_of(text) {
            state.head = Some(commit);
        } else if let Some(name) = text.strip_prefix(b"ref: ") {
            let name = String::from_utf8_lossy(name).trim().to_owned();
            match self.ref_target(&name) {
                Ok(Some(commit)) => state.head = Some(commit),
                Ok(None) => {}
                Err(_) => state.unclear.push("its HEAD cannot be understood".to_owned()),
            }
        } else {
            state.unclear.push("its HEAD cannot be understood".to_owned());
        }
        Ok(())
    }

    /// Reads the commits that a reflog names.
    fn logged(&self, path: &Path) -> Result<BTreeSet<CommitId>, GitError> {
        let text = fs::read_optional(path)?.unwrap_or_default();
        if text.len() > REFLOG_BYTES_MAX {
            return Err(FileError::on("read", path)(std::io::ErrorKind::FileTooLarge.into()).into());
        }
        let null = ObjectId::null(self.object_hash());
        let lines = text.split(|byte| *byte == b'\n');
        let ids = lines.flat_map(|line| line.split(|byte| *byte == b' ').take(2).filter_map(commit_of));
        Ok(ids.filter(|id| id.object_id() != null).collect())
    }
}

/// Returns all files below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut pending = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder { pending.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files
}

fn commit_of(text: &[u8]) -> Option<CommitId> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn lasting_tips(repository: &gix::Repository) -> Result<BTreeSet<ObjectId>, GitError> {
    let failed = "list the refs";
    let platform = repository.references().map_err(GitError::on(failed))?;
    let mut tips = BTreeSet::new();
    for prefix in LASTING_REFS {
        for reference in platform.prefixed(prefix).map_err(GitError::on(failed))? {
            // A ref that is broken leads nowhere.
            let Ok(mut reference) = reference else { continue };
            let Ok(id) = reference.peel_to_id().map(gix::Id::detach) else { continue };
            if repository.find_header(id).is_ok_and(|header| header.kind() == gix::objs::Kind::Commit) {
                tips.insert(id);
            }
        }
    }
    Ok(tips)
}

fn tree_index(repository: &gix::Repository, tree: TreeId) -> Result<gix::index::File, GitError> {
    repository.index_from_tree(&tree.object_id()).map_err(GitError::on(format!("read tree {tree}")))
}

fn contents_of(repository: &gix::Repository, trees: &[TreeId]) -> Result<BTreeSet<ObjectId>, GitError> {
    let mut contents = BTreeSet::new();
    for tree in trees {
        contents.extend(tree_index(repository, *tree)?.entries().iter().map(|entry| entry.id));
    }
    Ok(contents)
}
