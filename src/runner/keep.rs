//! What a run made is kept: on its branch when it succeeded, on a snapshot ref when it did not.
//!
//! The tree is taken from the files as they lie there, through a private index: whatever the agent did to
//! its own index, branch or `.git` changes nothing. Doing it twice gives the same result.

use std::path::Path;

use super::engine::Engine;
use super::plan::{Plan, WorkspacePlan};
use crate::git::{
    BranchName, CommitId, DiffStat, GitError, NestedKind, NewCommit, Repository, Signing, Snapshot, TreeId,
    WorktreeState,
};
use crate::os::fault::{FaultPoint, pass};
use crate::run::{Changes, Judgement, WorkspaceRecord};
use crate::store::snapshots::{NewSnapshot, Snapshots, Why};
use crate::store::state_directory::StateDirectory;
use crate::template::{CommitMessage, TemplateName, commit_message};

/// What was kept of a run.
#[derive(Debug)]
pub(crate) struct Kept {
    /// For the record.
    pub(crate) workspace: WorkspaceRecord,
    /// What could not be kept the usual way.
    pub(crate) warnings: Vec<String>,
    /// Why the branch does not have what a successful run made.
    pub(crate) missing: Option<String>,
}

impl Kept {
    /// Returns the value for a run whose work could not be kept: it is where the agent left it.
    pub(crate) fn failed(error: &anyhow::Error) -> Self {
        let warning =
            format!("what the agent left was not kept apart from its worktree: failed to {error:#}");
        Self { workspace: WorkspaceRecord::None, warnings: vec![warning], missing: None }
    }

    /// Returns what a successful run changed, in a few words.
    pub(crate) fn summary(&self) -> String {
        match &self.workspace {
            WorkspaceRecord::Worktree { changes: Changes { files: 0, .. }, .. } => "no change".to_owned(),
            WorkspaceRecord::Worktree { changes, .. } => format!(
                "{} file{}, +{} -{}",
                changes.files,
                if changes.files == 1 { "" } else { "s" },
                changes.insertions,
                changes.deletions
            ),
            WorkspaceRecord::Sandbox { .. } => "done in its sandbox".to_owned(),
            WorkspaceRecord::None => "done".to_owned(),
        }
    }
}

/// What the agent said of its work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'a> {
    /// Its last words.
    pub(crate) answer: &'a str,
    /// The model that did it.
    pub(crate) model: Option<&'a str>,
}

/// Keeps what a run made.
pub(crate) fn keep(
    engine: &Engine,
    plan: &Plan,
    judgement: &Judgement,
    work: &Work<'_>,
) -> anyhow::Result<Kept> {
    match &plan.workspace {
        WorkspacePlan::Sandbox { path } => Ok(Kept {
            workspace: WorkspaceRecord::Sandbox { path: path.display().to_string() },
            warnings: Vec::new(),
            missing: None,
        }),
        WorkspacePlan::Worktree { repository, path, branch, base, tip_before } => {
            let repository = engine.repository_at(repository.as_deref())?;
            let site = Site {
                repository: &repository,
                state: &engine.state,
                path,
                branch,
                base: *base,
                tip_before: *tip_before,
            };
            let template = engine.tasks.load_template(TemplateName::CommitMessage)?;
            let message = CommitMessage {
                title: &plan.intent.title,
                body: work.answer,
                task: &plan.intent.task,
                run: plan.intent.run,
                agent: &plan.agent_name(),
                model: work.model,
            };
            let message = commit_message(&message, &template)?;
            Ok(site.keep(plan, judgement, &message)?)
        }
    }
}

struct Site<'a> {
    repository: &'a Repository,
    state: &'a StateDirectory,
    path: &'a Path,
    branch: &'a BranchName,
    base: CommitId,
    tip_before: CommitId,
}

impl Site<'_> {
    fn keep(&self, plan: &Plan, judgement: &Judgement, message: &str) -> Result<Kept, GitError> {
        // The task's lock is ours and the agent is gone: a lock that stays belongs to nobody.
        self.repository.outwait_stale_lock(self.branch.as_str())?;
        let Some(tip) = self.repository.branch_tip(self.branch)? else {
            return self.without_branch(plan);
        };
        let WorktreeState::Present(worktree) = self.repository.worktree_state(self.path)? else {
            let missing = self.gone()?;
            let kept = self.describe(tip, None, vec![missing.clone()])?;
            return Ok(Kept { missing: Some(missing), ..kept });
        };
        if tip != self.tip_before {
            // The agent made commits of its own, and git does not sync what it writes.
            self.repository.sync_all_objects()?;
        }
        let snapshot = self.repository.snapshot(self.path, tip)?;
        pass(FaultPoint::TreeWritten)?;
        let mut warnings = warnings(&snapshot);
        warnings.extend(self.stashed()?);
        warnings.extend(self.keep_head(plan, tip)?);
        warnings.extend(self.told_history(tip)?);
        if worktree.git_dir.join("MERGE_HEAD").exists() {
            warnings.push("the agent left a merge unfinished; look for conflict markers".to_owned());
        }
        if snapshot.tree == self.repository.tree_of(tip)? {
            if tip != self.tip_before {
                warnings.extend(self.refresh_index(snapshot.tree));
            }
            return self.describe(tip, None, warnings);
        }
        match judgement {
            Judgement::Success => {
                if let Some(elsewhere) = self.repository.other_worktree_on(self.branch, self.path)? {
                    let commit = self.keep_aside(plan, &snapshot, tip)?;
                    let kept = self.describe(tip, Some(commit), warnings)?;
                    return Ok(Kept { missing: Some(self.not_moved(&elsewhere, commit)), ..kept });
                }
                let commit = self.commit(snapshot.tree, tip, message)?;
                pass(FaultPoint::CommitWritten)?;
                self.repository.move_branch(self.branch, tip, commit, "claudedo: commit")?;
                pass(FaultPoint::BranchMoved)?;
                warnings.extend(self.refresh_index(snapshot.tree));
                self.describe(commit, None, warnings)
            }
            Judgement::Failure { .. } | Judgement::Cancelled => {
                let commit = self.keep_aside(plan, &snapshot, tip)?;
                self.describe(tip, Some(commit), warnings)
            }
        }
    }

    /// Says that the worktree is not where it was, and where its branch is now.
    fn gone(&self) -> Result<String, GitError> {
        let gone = format!("the worktree {} was gone when the run ended", self.path.display());
        Ok(match self.repository.other_worktree_on(self.branch, self.path)? {
            Some(path) => format!("{gone}; its branch is checked out in {}", path.display()),
            None => gone,
        })
    }

    /// Says that the agent left work in the stash, which no branch and no snapshot has.
    fn stashed(&self) -> Result<Option<String>, GitError> {
        let count = self.repository.newest_stashed_on(self.branch)?;
        Ok((count > 0).then(|| "the agent left work in git's stash: `git stash list` shows it".to_owned()))
    }

    /// The branch was deleted while the agent worked: its files are kept aside, nothing is made anew.
    fn without_branch(&self, plan: &Plan) -> Result<Kept, GitError> {
        let snapshot = self.repository.snapshot(self.path, self.tip_before)?;
        let mut warnings = warnings(&snapshot);
        let missing = format!("the branch {} was deleted during the run", self.branch.short());
        warnings.push(missing.clone());
        let commit = self.keep_aside(plan, &snapshot, self.tip_before)?;
        let kept = self.describe(self.tip_before, Some(commit), warnings)?;
        Ok(Kept { missing: Some(format!("{missing}; its files are kept as {commit}")), ..kept })
    }

    fn not_moved(&self, elsewhere: &Path, commit: CommitId) -> String {
        format!(
            "the branch {} is checked out in {}, so it was not moved; the files are kept as {commit}",
            self.branch.short(),
            elsewhere.display()
        )
    }

    /// Says that somebody gave the branch another history while the agent worked: the work goes on top of it.
    fn told_history(&self, tip: CommitId) -> Result<Option<String>, GitError> {
        if tip == self.tip_before || self.repository.is_ancestor(self.tip_before, tip)? {
            return Ok(None);
        }
        let (branch, before) = (self.branch.short(), self.tip_before);
        Ok(Some(format!(
            "the branch {branch} was moved to another history during the run; it began at {before}"
        )))
    }

    /// Keeps commits that the agent made beside its branch: their files are in the snapshot, they are not.
    fn keep_head(&self, plan: &Plan, tip: CommitId) -> Result<Option<String>, GitError> {
        let Some(head) = self.repository.worktree_head(self.path)? else { return Ok(None) };
        if head == tip || self.repository.is_ancestor(head, tip)? {
            return Ok(None);
        }
        let name = format!("refs/claudedo/snapshots/{}-head", plan.intent.run);
        self.repository.sync_all_objects()?;
        self.repository.outwait_stale_lock(&name)?;
        self.repository.move_own_ref(&name, self.repository.own_ref(&name)?, Some(head))?;
        pass(FaultPoint::HeadKept)?;
        Ok(Some(format!("the agent left its worktree at a commit beside its branch, kept as {name}")))
    }

    /// Brings the worktree's index in step with its branch. The work is on the branch by then, so an index that
    /// cannot be written is no failure, but whoever works on there has to know.
    fn refresh_index(&self, tree: TreeId) -> Option<String> {
        let refreshed = self.repository.set_worktree_index(self.path, tree);
        let error = refreshed.and_then(|()| Ok(pass(FaultPoint::IndexRefreshed)?)).err()?;
        Some(format!("the worktree's index is out of step, `git reset` there mends it: failed to {error}"))
    }

    fn commit(&self, tree: TreeId, parent: CommitId, message: &str) -> Result<CommitId, GitError> {
        self.repository.commit_tree(&NewCommit {
            tree,
            parents: &[parent],
            message,
            author: &self.repository.author_identity(),
            signing: Signing::AsConfigured,
        })
    }

    fn keep_aside(&self, plan: &Plan, taken: &Snapshot, tip: CommitId) -> Result<CommitId, GitError> {
        let new = NewSnapshot {
            task: &plan.intent.task,
            run: plan.intent.run,
            why: Why::UnfinishedWork,
            taken,
            tip,
            // What it is beside the branch has a ref of its own.
            head: None,
        };
        Ok(Snapshots::new(self.repository, self.state).add_to_run(&new)?.commit)
    }

    fn describe(
        &self,
        tip: CommitId,
        snapshot: Option<CommitId>,
        warnings: Vec<String>,
    ) -> Result<Kept, GitError> {
        let stat = self.stat(snapshot.unwrap_or(tip))?;
        let changes = Changes { files: stat.files, insertions: stat.insertions, deletions: stat.deletions };
        let workspace = WorkspaceRecord::Worktree {
            branch: self.branch.as_str().to_owned(),
            base: self.base.to_string(),
            commit: tip.to_string(),
            tree: self.repository.tree_of(tip)?.to_string(),
            snapshot: snapshot.map(|commit| commit.to_string()),
            changes,
        };
        Ok(Kept { workspace, warnings, missing: None })
    }
}

impl Site<'_> {
    fn stat(&self, to: CommitId) -> Result<DiffStat, GitError> {
        self.repository.diff_stat(self.repository.tree_of(self.tip_before)?, self.repository.tree_of(to)?)
    }
}

fn warnings(snapshot: &Snapshot) -> Vec<String> {
    let nested = snapshot.nested.iter().map(|nested| match nested.kind {
        NestedKind::Files => {
            format!("{} is a repository of its own; its files were kept, its history was not", nested.path)
        }
        NestedKind::Submodule => {
            format!("{} is a submodule; what was changed in it was not kept", nested.path)
        }
    });
    let skipped = snapshot.skipped.iter().map(|file| format!("{} was not kept: {}", file.path, file.reason));
    nested.chain(skipped).collect()
}
