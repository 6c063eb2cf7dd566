//! Where a task's agent will work: which repository, which branch from where, which folder.

use std::path::PathBuf;

use super::engine::Engine;
use super::plan::{Intent, WorkspacePlan};
use super::refusal::Refusal;
use crate::config::Origin;
use crate::git::{BranchName, CommitId, GitError, Repository};
use crate::store::tasks::{LoadedTask, TaskSettings};
use crate::task::{OutsidePath, TaskId, Workspace};

/// How much of the machine's id tells the folders of two clones with the same name apart.
const MACHINE_PREFIX: usize = 8;

/// Chooses the place. Nothing is made yet.
pub(crate) fn place(
    engine: &Engine,
    intent: &Intent,
    task: &LoadedTask,
    settings: &TaskSettings,
) -> Result<WorkspacePlan, Refusal> {
    match settings.resolved.workspace.value {
        Workspace::Sandbox => {
            let path = state_folder(engine).join("sandboxes").join(intent.task.as_str());
            Ok(WorkspacePlan::Sandbox { path })
        }
        Workspace::Worktree => worktree(engine, &intent.task, task, settings)
            .map_err(|error| Refusal::workspace("Worktree creation failed", &error)),
    }
}

fn worktree(
    engine: &Engine,
    id: &TaskId,
    task: &LoadedTask,
    settings: &TaskSettings,
) -> Result<WorkspacePlan, GitError> {
    let repository = match &settings.list.repository {
        Some(path) => Repository::discover(&resolved(engine, path))?,
        None => engine.repository.clone(),
    };
    let branch = branch_of(id)?;
    let tip = repository.branch_tip(&branch)?;
    let base = match tip {
        Some(tip) => tip,
        None => base(&repository, task, settings)?,
    };
    let root = settings.resolved.worktree_root.value.as_ref().map(|path| resolved(engine, path));
    let folder = match root {
        Some(root) => root.join(clone_name(engine)),
        None => state_folder(engine).join("worktrees"),
    };
    Ok(WorkspacePlan::Worktree {
        repository: Some(repository.common_dir()).filter(|path| *path != engine.common_dir()),
        path: folder.join(id.as_str()),
        branch,
        base,
        tip_before: tip.unwrap_or(base),
    })
}

/// Where the branch begins: what the task says, else the branch of a task it comes after, else HEAD.
fn base(repository: &Repository, task: &LoadedTask, settings: &TaskSettings) -> Result<CommitId, GitError> {
    if settings.resolved.base.origin == Origin::BuiltIn {
        for earlier in &task.file.after {
            if let Some(tip) = repository.branch_tip(&branch_of(earlier)?)? {
                return Ok(tip);
            }
        }
    }
    repository.resolve_commit(settings.resolved.base.value.as_str())
}

/// Where the branches of tasks are.
const BRANCHES: &str = "refs/heads/claudedo/";

/// Returns the task whose branch has this full name, if it is one.
pub fn task_of_branch(name: &str) -> Option<TaskId> {
    name.strip_prefix(BRANCHES)?.parse().ok()
}

/// Returns the branch of a task.
pub(crate) fn branch_of(task: &TaskId) -> Result<BranchName, GitError> {
    let name = format!("{BRANCHES}{task}");
    name.parse().map_err(|_| GitError::InvalidName { name })
}

fn state_folder(engine: &Engine) -> PathBuf {
    engine.state_home.join("git-claudedo").join(clone_name(engine))
}

fn clone_name(engine: &Engine) -> String {
    format!("{}-{}", engine.repository.name(), &engine.machine.as_str()[..MACHINE_PREFIX])
}

fn resolved(engine: &Engine, path: &OutsidePath) -> PathBuf {
    let path = path.as_path();
    match (path.strip_prefix("~"), engine.home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        (Ok(_) | Err(_), _) => engine.tasks.work_tree().join(path),
    }
}
