//! What would be lost with a worktree or a snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::measure::{Measure, measure};
use super::thing::Content;
use crate::git::{
    BranchName, CommitId, GitError, NestedKind, Repository, Snapshot, TreeId, Worktree, WorktreeLook,
};
use crate::store::history::TaskHistory;
use crate::task::TaskId;

/// Where unfinished work is kept.
pub(super) const SNAPSHOTS: &str = "refs/claudedo/snapshots/";

/// How far back on a branch is looked for the files of a worktree.
pub(super) const COMMITS_BACK_MAX: usize = 200;

/// The refs of snapshots and what they name.
pub(super) type Snapshots = BTreeMap<String, CommitId>;

/// A worktree to be looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) repository: &'a Repository,
    pub(super) worktree: &'a Worktree,
    /// Where its files lie.
    pub(super) folder: &'a Path,
    pub(super) task: &'a TaskId,
    pub(super) history: &'a TaskHistory,
    pub(super) snapshots: &'a Snapshots,
}

/// What was found in a worktree.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) content: Content,
    pub(super) measure: Measure,
}

/// A tree that somebody can have again, with the ref that leads to it.
struct Source {
    tree: TreeId,
    reference: String,
}

/// Returns the branch of a task.
pub(super) fn branch_of(task: &TaskId) -> Result<BranchName, GitError> {
    let name = format!("refs/heads/claudedo/{task}");
    name.parse().map_err(|_| GitError::InvalidName { name })
}

impl Subject<'_> {
    /// Looks at everything in the worktree. Nothing is written.
    pub(super) fn look(&self) -> Result<Found, GitError> {
        let branch = branch_of(self.task)?;
        let tip = self.repository.branch_tip(&branch)?;
        let mut reasons = Vec::new();
        let private = self.repository.worktree_private_state(&self.worktree.git_dir, branch.as_str())?;
        reasons.extend(private.unfinished.iter().map(|what| format!("has an unfinished {what}")));
        reasons.extend(private.unclear.iter().cloned());
        let unreached = self.unreached(private.commits, tip)?;
        if let Some(first) = unreached.first() {
            reasons.push(format!(
                "has commits that no ref leads to: {} ({})",
                unreached.len(),
                short(*first)
            ));
        }
        let sources = self.sources(&branch, tip)?;
        let base = match tip {
            Some(tip) => Some(tip),
            None => self.recorded()?.into_iter().next_back(),
        };
        if self.folder.symlink_metadata().is_err() {
            let trees: Vec<TreeId> = sources.iter().map(|source| source.tree).collect();
            reasons.extend(self.staged(&trees)?);
            return Ok(Found {
                content: content(reasons, tip.map(|_| branch.as_str())),
                measure: Measure::default(),
            });
        }
        let Some(base) = base else {
            reasons.push("its branch is gone and no run of it is recorded".to_owned());
            let measure = measure(self.folder, &[]);
            return Ok(Found { content: Content::Lost { reasons }, measure });
        };
        let look = self.repository.look_at_worktree(&self.worktree.path, self.folder, base)?;
        let measure = measure(self.folder, &look.ignored);
        reasons.extend(unstorable(&look.snapshot));
        reasons.extend(ignored_dangers(&measure));
        let source = self.source_of(look.snapshot.tree, sources, base)?;
        match &source {
            Some(source) => {
                let head = private.head;
                reasons.extend(self.tracked_elsewhere(head.filter(|head| *head != base))?);
                let mut trees = vec![source.tree, self.repository.tree_of(base)?];
                trees.extend(head.map(|head| self.repository.tree_of(head)).transpose()?);
                reasons.extend(self.staged(&trees)?);
            }
            None => reasons.push(changes(&look)),
        }
        let content = content(reasons, source.as_ref().map(|source| source.reference.as_str()));
        Ok(Found { content, measure })
    }

    /// Most of the time the branch has them all, and asking every ref takes long where there are many.
    fn unreached(
        &self,
        mut commits: BTreeSet<CommitId>,
        tip: Option<CommitId>,
    ) -> Result<BTreeSet<CommitId>, GitError> {
        if let Some(tip) = tip {
            commits.retain(|commit| !self.repository.is_ancestor(*commit, tip).unwrap_or(false));
        }
        self.repository.unreached(&commits)
    }

    /// Returns the trees that are kept for sure, those of the branch first.
    fn sources(&self, branch: &BranchName, tip: Option<CommitId>) -> Result<Vec<Source>, GitError> {
        let mut sources = Vec::new();
        if let Some(tip) = tip {
            let tree = self.repository.tree_of(tip)?;
            sources.push(Source { tree, reference: branch.as_str().to_owned() });
        }
        for run in &self.history.runs {
            let prefix = format!("{SNAPSHOTS}{}", run.run);
            for (name, commit) in self.snapshots.range(prefix.clone()..) {
                if !name.starts_with(&prefix) {
                    break;
                }
                let tree = self.repository.tree_of(*commit)?;
                sources.push(Source { tree, reference: name.clone() });
            }
        }
        Ok(sources)
    }

    /// Finds the files of the worktree among what is kept.
    fn source_of(
        &self,
        tree: TreeId,
        sources: Vec<Source>,
        base: CommitId,
    ) -> Result<Option<Source>, GitError> {
        if let Some(source) = sources.into_iter().find(|source| source.tree == tree) {
            return Ok(Some(source));
        }
        let branch = branch_of(self.task)?;
        let is_kept = self.repository.unreached(&BTreeSet::from([base]))?.is_empty();
        let back =
            if is_kept { self.repository.trees_back_from(base, COMMITS_BACK_MAX)? } else { Vec::new() };
        let has_branch = self.repository.branch_tip(&branch)?.is_some();
        let found = back.into_iter().find(|(_, earlier)| *earlier == tree);
        Ok(found.map(|(commit, tree)| Source {
            tree,
            reference: if has_branch { branch.as_str().to_owned() } else { commit.to_string() },
        }))
    }

    /// Returns the commits that the task's runs left and that a ref leads to, the latest last.
    fn recorded(&self) -> Result<Vec<CommitId>, GitError> {
        let runs = self.history.runs.iter();
        let commits: Vec<CommitId> = runs.filter_map(|run| run.commit.as_ref()?.parse().ok()).collect();
        let unreached = self.repository.unreached(&commits.iter().copied().collect())?;
        let mut kept = Vec::new();
        for commit in commits.into_iter().filter(|commit| !unreached.contains(commit)) {
            if self.repository.tree_of(commit).is_ok() {
                kept.push(commit);
            }
        }
        Ok(kept)
    }

    /// A file that git ignores and that another commit of the worktree tracks may have changed since.
    fn tracked_elsewhere(&self, head: Option<CommitId>) -> Result<Option<String>, GitError> {
        let Some(head) = head else { return Ok(None) };
        let look = self.repository.look_at_worktree(&self.worktree.path, self.folder, head)?;
        let (branch, tree) = (branch_of(self.task)?, self.repository.tree_of(head)?);
        let mut sources = self.sources(&branch, self.repository.branch_tip(&branch)?)?;
        sources.push(Source { tree, reference: head.to_string() });
        let is_kept = sources.iter().any(|source| source.tree == look.snapshot.tree);
        Ok((!is_kept).then(|| changes(&look)))
    }

    fn staged(&self, trees: &[TreeId]) -> Result<Option<String>, GitError> {
        let staged = self.repository.staged_elsewhere(&self.worktree.git_dir, trees)?;
        Ok(staged
            .first()
            .map(|first| format!("has staged content that is on no ref: {}", files(staged.len(), first))))
    }
}

fn content(reasons: Vec<String>, reference: Option<&str>) -> Content {
    if reasons.is_empty() {
        Content::Safe { refs: reference.map(str::to_owned).into_iter().collect() }
    } else {
        Content::Lost { reasons }
    }
}

fn unstorable(snapshot: &Snapshot) -> Vec<String> {
    let nested = snapshot.nested.iter().map(|nested| match nested.kind {
        NestedKind::Files => format!("has a repository of its own in it: {}", nested.path),
        NestedKind::Submodule => format!("has a submodule in it: {}", nested.path),
    });
    let skipped = snapshot.skipped.iter().map(|file| format!("{} {}", file.path, file.reason));
    nested.chain(skipped).collect()
}

/// What git ignores is derived, but for a history and for what nobody can look at.
fn ignored_dangers(measure: &Measure) -> Vec<String> {
    let shown = |path: &PathBuf| path.display().to_string();
    let nested =
        measure.repositories.iter().map(|path| format!("has a repository of its own in it: {}", shown(path)));
    let closed = measure.closed.iter().map(|path| format!("{} cannot be looked into", shown(path)));
    nested.chain(closed).collect()
}

fn changes(look: &WorktreeLook) -> String {
    let first = look.changed.first().map_or("", String::as_str);
    format!("has changes that are on no ref: {}", files(look.changed.len(), first))
}

fn files(count: usize, first: &str) -> String {
    if count == 1 { format!("1 file ({first})") } else { format!("{count} files ({first} …)") }
}

pub(super) fn short(commit: CommitId) -> String {
    commit.to_string().chars().take(10).collect()
}
