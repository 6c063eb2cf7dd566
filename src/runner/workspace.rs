//! The place where an agent works: a linked worktree on a branch of its own, or a plain folder.
//!
//! Every step may find its work done already, since the runner before this one may have been killed
//! right after it. Nothing here ever falls back to the user's own checkout.

use std::path::Path;

use super::engine::Engine;
use super::plan::{Intent, Plan, WorkspacePlan, WorktreeWhenDone};
use super::refusal::Refusal;
use crate::git::{BranchName, CommitId, GitError, Repository, WorktreeState};
use crate::os::fs;
use crate::run::Outcome;
use crate::store::event_stream::{StreamEventKind, WorktreeChange};

/// Makes the workspace of a plan, or finds it made.
pub(crate) fn ensure(engine: &Engine, intent: &Intent, workspace: &WorkspacePlan) -> Result<(), Refusal> {
    let made = match workspace {
        WorkspacePlan::Sandbox { path } => fs::create_directory(path)
            .map(|()| WorktreeChange::Reused)
            .map_err(|error| Refusal::workspace("Sandbox creation failed", &error)),
        WorkspacePlan::Worktree { repository, path, branch, base, .. } => ensure_worktree(
            engine,
            intent,
            &Site { repository: repository.as_deref(), path, branch, base: *base },
        ),
    };
    let change = made?;
    let path = workspace.path().to_owned();
    engine.broadcast.tell(
        Some(&intent.task),
        Some(intent.run),
        StreamEventKind::WorktreeUpdated { path, change },
    );
    Ok(())
}

/// Gives a worktree back to its user: it stays where it is and is no longer locked.
///
/// That of a task that is done goes, where the user wants that and everything in it is on the branch.
pub(crate) fn release(engine: &Engine, plan: &Plan, outcome: Outcome) -> Result<(), GitError> {
    match &plan.workspace {
        WorkspacePlan::Sandbox { .. } => Ok(()),
        WorkspacePlan::Worktree { repository, path, branch, .. } => {
            let repository = engine.repository_at(repository.as_deref())?;
            if outcome == Outcome::Done
                && plan.when_done == WorktreeWhenDone::Remove
                && is_on_branch(&repository, path, branch)?
            {
                repository.remove_worktree(path)?;
                let kind =
                    StreamEventKind::WorktreeUpdated { path: path.clone(), change: WorktreeChange::Removed };
                engine.broadcast.tell(Some(&plan.intent.task), Some(plan.intent.run), kind);
                return Ok(());
            }
            match repository.worktree_state(path)? {
                WorktreeState::Present(_) => {
                    repository.repair_worktree(path)?;
                    repository.unlock_worktree(path)
                }
                WorktreeState::Absent
                | WorktreeState::Missing(_)
                | WorktreeState::Unfinished(_)
                | WorktreeState::NotOurs => Ok(()),
            }
        }
    }
}

fn is_on_branch(repository: &Repository, path: &Path, branch: &BranchName) -> Result<bool, GitError> {
    let Some(tip) = repository.branch_tip(branch)? else { return Ok(false) };
    if !matches!(repository.worktree_state(path)?, WorktreeState::Present(_)) {
        return Ok(false);
    }
    let snapshot = repository.snapshot(path, tip)?;
    let is_whole = snapshot.skipped.is_empty() && snapshot.nested.is_empty();
    Ok(is_whole && snapshot.tree == repository.tree_of(tip)?)
}

struct Site<'a> {
    repository: Option<&'a Path>,
    path: &'a Path,
    branch: &'a BranchName,
    base: CommitId,
}

fn ensure_worktree(engine: &Engine, intent: &Intent, site: &Site<'_>) -> Result<WorktreeChange, Refusal> {
    make_worktree(engine, intent, site)
        .map_err(|error| Refusal::workspace("Worktree creation failed", &error))
}

fn make_worktree(engine: &Engine, intent: &Intent, site: &Site<'_>) -> Result<WorktreeChange, GitError> {
    let repository = engine.repository_at(site.repository)?;
    // The task's lock is ours, so a lock file that stays on its branch was left by somebody who is gone.
    repository.outwait_stale_lock(site.branch.as_str())?;
    if repository.branch_tip(site.branch)?.is_none() {
        let message = format!("claudedo: branch for task {}", intent.task);
        repository.create_branch(site.branch, site.base, &message)?;
    }
    let reason = format!("git-claudedo task {}", intent.task);
    if matches!(repository.worktree_state(site.path)?, WorktreeState::Present(_)) {
        repository.repair_worktree(site.path)?;
        repository.set_worktree_lock(site.path, Some(&reason))?;
        return Ok(WorktreeChange::Reused);
    }
    repository.add_worktree(site.path, site.branch, &reason)?;
    Ok(WorktreeChange::Created)
}

impl WorkspacePlan {
    /// Returns the folder that the agent starts in.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Worktree { path, .. } | Self::Sandbox { path } => path,
        }
    }
}
