//! The place where an agent works: a linked worktree on a branch of its own, or a plain folder.
//!
//! Every step may find its work done already, since the runner before this one may have been killed
//! right after it. Nothing here ever falls back to the user's own checkout.

use std::path::Path;

use super::engine::Engine;
use super::plan::{Intent, Plan, WorkspacePlan, WorktreeWhenDone};
use super::refusal::Refusal;
use super::snapshots;
use crate::git::{BranchName, CommitId, GitError, Repository, WorktreeState, is_short_of_something};
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs;
use crate::run::Outcome;
use crate::store::event_stream::{Level, StreamEventKind, WorktreeChange};
use crate::store::snapshots::Why;

/// Makes the workspace of a plan, or finds it made.
///
/// Fails where the machine is short of something: that is no reason to end the task.
pub(crate) fn ensure(
    engine: &Engine,
    intent: &Intent,
    workspace: &WorkspacePlan,
) -> anyhow::Result<Result<(), Refusal>> {
    let (what, made) = match workspace {
        WorkspacePlan::Sandbox { path } => {
            let made = fs::create_directory(path).map(|()| WorktreeChange::Reused);
            ("Sandbox creation failed", made.map_err(GitError::from))
        }
        WorkspacePlan::Worktree { repository, path, branch, base, .. } => {
            let site = Site { repository: repository.as_deref(), path, branch, base: *base };
            ("Worktree creation failed", make_worktree(engine, intent, &site))
        }
    };
    let change = match made {
        Ok(change) => change,
        Err(error) if is_short_of_something(&error) => return Err(error.into()),
        Err(error) => return Ok(Err(Refusal::workspace(what, &error))),
    };
    let path = workspace.path().to_owned();
    engine.broadcast.tell(
        Some(&intent.task),
        Some(intent.run),
        StreamEventKind::WorktreeUpdated { path, change },
    );
    Ok(Ok(()))
}

/// Gives a worktree back to its user: it stays where it is and is no longer locked.
///
/// That of a task that is done goes, where the user wants that and everything in it is on the branch.
pub(crate) fn release(engine: &Engine, plan: &Plan, outcome: Outcome) -> Result<(), GitError> {
    match &plan.workspace {
        WorkspacePlan::Sandbox { .. } => Ok(()),
        WorkspacePlan::Worktree { repository, path, branch, .. } => {
            let repository = engine.repository_at(repository.as_deref())?;
            let goes = outcome == Outcome::Done && plan.when_done == WorktreeWhenDone::Remove;
            if goes && may_go(&repository, path, branch)? {
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

/// Everything in it is on the branch, or was when a start before this one began to remove it.
fn may_go(repository: &Repository, path: &Path, branch: &BranchName) -> Result<bool, GitError> {
    match repository.worktree_state(path)? {
        WorktreeState::Present(_) => {}
        WorktreeState::Missing(_) => return Ok(true),
        WorktreeState::Unfinished(_) | WorktreeState::NotOurs | WorktreeState::Absent => return Ok(false),
    }
    let Some(tip) = repository.branch_tip(branch)? else { return Ok(false) };
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

fn make_worktree(engine: &Engine, intent: &Intent, site: &Site<'_>) -> Result<WorktreeChange, GitError> {
    let repository = engine.repository_at(site.repository)?;
    // The task's lock is ours, so a lock file that stays on its branch was left by somebody who is gone.
    repository.outwait_stale_lock(site.branch.as_str())?;
    if repository.branch_tip(site.branch)?.is_none() {
        let message = format!("claudedo: branch for task {}", intent.task);
        repository.create_branch(site.branch, site.base, &message)?;
        pass(FaultPoint::BranchMade)?;
    }
    let reason = format!("git-claudedo task {}", intent.task);
    if let WorktreeState::Present(worktree) = repository.worktree_state(site.path)? {
        // The task's lock is ours: who was writing there is gone.
        fs::sweep_files(&worktree.git_dir);
        repository.repair_worktree(site.path)?;
        repository.set_worktree_lock(site.path, Some(&reason))?;
        secure(engine, intent, &repository, site)?;
        return Ok(WorktreeChange::Reused);
    }
    repository.remove_half_registration(site.path)?;
    repository.add_worktree(site.path, site.branch, &reason)?;
    pass(FaultPoint::WorkspaceMade)?;
    Ok(WorktreeChange::Created)
}

/// Keeps what a person left in the worktree since the run before, which the agent may write over.
fn secure(
    engine: &Engine,
    intent: &Intent,
    repository: &Repository,
    site: &Site<'_>,
) -> Result<(), GitError> {
    let Site { path, branch, base, .. } = *site;
    let worktree = snapshots::Site { repository, state: &engine.state, path, branch, begins: base };
    let secured = worktree.secure(&intent.task, intent.run, Why::BeforeRun)?;
    if let Some(snapshot) = secured.and_then(|secured| secured.snapshot) {
        let message = format!(
            "the worktree has changes that were on no ref; they are kept as snapshot {}",
            snapshot.name()
        );
        let kind = StreamEventKind::WorkerLog { level: Level::Info, message };
        engine.broadcast.tell(Some(&intent.task), Some(intent.run), kind);
    }
    Ok(())
}

impl WorkspacePlan {
    /// Returns the folder that the agent starts in.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Worktree { path, .. } | Self::Sandbox { path } => path,
        }
    }
}
