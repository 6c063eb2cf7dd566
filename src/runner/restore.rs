//! A task at rest: a snapshot of its worktree when somebody asks, and its files brought back from one.
//!
//! Only the task's own worktree is touched, under the task's lock. What is in it is kept as a snapshot first, so that
//! bringing files back can be taken back.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::engine::Engine;
use super::place::{branch_of, repository_of, worktree_path};
use super::plan::{Plan, WorkspacePlan};
use super::snapshots::Site;
use crate::git::{BranchName, CommitId, Repository, Restored, Snapshot, WorktreeState};
use crate::os::clock;
use crate::run::RunId;
use crate::store::snapshots::{NewSnapshot, Snapshots, TaskSnapshot, Why};
use crate::store::tasks::SettingsSource;
use crate::task::{TaskId, Workspace};

/// Why nothing was done with a worktree.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A run is at work in it.
    #[error("use the worktree of {task}: a run is at work in it")]
    Running {
        /// The task.
        task: TaskId,
    },
    /// It never had one.
    #[error("use the worktree of {task}: the task has not run yet")]
    NeverRan {
        /// The task.
        task: TaskId,
    },
    /// It works in a plain folder.
    #[error("use the worktree of {task}: the task works in a sandbox, which has none")]
    Sandbox {
        /// The task.
        task: TaskId,
    },
    /// Its branch is gone, and nobody knows where it was.
    #[error(
        "make the worktree of {task} again: its branch is gone, and the snapshot does not say where it was"
    )]
    NoBranch {
        /// The task.
        task: TaskId,
    },
}

/// What came back to a worktree.
#[derive(Debug)]
pub struct RestoredWorktree {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it had to be made.
    pub found: Found,
    /// What was in it before, unless it had to be made.
    pub before: Option<TaskSnapshot>,
    /// What was done.
    pub restored: Restored,
}

/// Whether a worktree was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It was.
    There,
    /// It was made anew.
    Made,
}

/// Where a task works, and its last run.
struct Workplace {
    repository: Repository,
    path: PathBuf,
    branch: BranchName,
    run: RunId,
    begins: Option<CommitId>,
}

/// Takes a snapshot of a task's worktree now, whether a run is at work in it or not. `None`: nothing changed.
pub fn take_snapshot(engine: &Engine, task: &TaskId) -> anyhow::Result<Option<TaskSnapshot>> {
    let place = workplace(engine, task)?;
    let Some(begins) = place.repository.branch_tip(&place.branch)?.or(place.begins) else {
        return Err(RestoreError::NoBranch { task: task.clone() }.into());
    };
    let site = place.site(engine, begins);
    Ok(site.take_again(task, place.run, Why::Asked, &AtomicBool::new(false))?)
}

/// Makes the files of a task's worktree those of a snapshot. A worktree that is gone is made again.
pub fn restore_worktree(engine: &Engine, wanted: &TaskSnapshot) -> anyhow::Result<RestoredWorktree> {
    let task = &wanted.task;
    let Some(_lock) = engine.state.try_lock_task(task)? else {
        return Err(RestoreError::Running { task: task.clone() }.into());
    };
    let place = workplace(engine, task)?;
    let is_there = matches!(place.repository.worktree_state(&place.path)?, WorktreeState::Present(_));
    let (found, taken, before) = if is_there {
        place.repository.repair_worktree(&place.path)?;
        let (taken, before) = place.keep(engine, wanted)?;
        (Found::There, taken, Some(before))
    } else {
        (Found::Made, place.make(wanted)?, None)
    };
    let restored = place.repository.restore_worktree(&place.path, &taken, wanted.tree)?;
    Ok(RestoredWorktree { path: place.path, found, before, restored })
}

impl Workplace {
    fn site<'a>(&'a self, engine: &'a Engine, begins: CommitId) -> Site<'a> {
        Site {
            repository: &self.repository,
            state: &engine.state,
            path: &self.path,
            branch: &self.branch,
            begins,
        }
    }

    /// Keeps what is in the worktree, under a number of its own or one that holds the very same.
    fn keep(&self, engine: &Engine, wanted: &TaskSnapshot) -> anyhow::Result<(Snapshot, TaskSnapshot)> {
        let begins = self.begins.or(wanted.tip).unwrap_or(wanted.commit);
        let tip = self.site(engine, begins).tip()?;
        let taken = self.repository.snapshot(&self.path, tip)?;
        let new = NewSnapshot {
            task: &wanted.task,
            run: self.run,
            why: Why::BeforeRestore,
            taken: &taken,
            tip,
            head: self.repository.worktree_head(&self.path)?,
        };
        let before = Snapshots::new(&self.repository, &engine.state).add_to_task(&new)?;
        Ok((taken, before))
    }

    /// Makes the worktree again, and the branch where it is gone.
    fn make(&self, wanted: &TaskSnapshot) -> anyhow::Result<Snapshot> {
        self.repository.outwait_stale_lock(self.branch.as_str())?;
        let tip = match (self.repository.branch_tip(&self.branch)?, wanted.tip) {
            (Some(tip), _) => tip,
            (None, Some(tip)) => {
                let message = format!("claudedo: branch for task {}", wanted.task);
                self.repository.create_branch(&self.branch, tip, &message)?;
                tip
            }
            (None, None) => return Err(RestoreError::NoBranch { task: wanted.task.clone() }.into()),
        };
        let reason = format!("git-claudedo task {}", wanted.task);
        self.repository.add_worktree(&self.path, &self.branch, &reason)?;
        self.repository.unlock_worktree(&self.path)?;
        Ok(self.repository.snapshot(&self.path, tip)?)
    }
}

/// Finds where a task works: as the run says that is not over, or else as the next run would choose.
fn workplace(engine: &Engine, task: &TaskId) -> anyhow::Result<Workplace> {
    for run in engine.state.load_runs()?.into_iter().rev() {
        if let Some(plan) = Plan::load(&engine.state.run_directory(run))?
            && plan.intent.task == *task
        {
            return of_plan(engine, plan);
        }
    }
    let history = engine.records.load_task(task)?;
    let Some(run) = history.last_run() else {
        return Err(RestoreError::NeverRan { task: task.clone() }.into());
    };
    // Without its file, a task works where one does that says nothing of its own.
    let file = engine.tasks.load(task, clock::now()).ok().flatten().map(|found| found.task);
    let settings = SettingsSource::load(&engine.tasks, &engine.user_config())?.of(file.as_ref())?;
    if settings.resolved.workspace.value == Workspace::Sandbox {
        return Err(RestoreError::Sandbox { task: task.clone() }.into());
    }
    Ok(Workplace {
        repository: repository_of(engine, &settings)?,
        path: worktree_path(engine, task, &settings),
        branch: branch_of(task)?,
        run: run.run,
        begins: run.commit.as_ref().and_then(|commit| commit.parse().ok()),
    })
}

fn of_plan(engine: &Engine, plan: Plan) -> anyhow::Result<Workplace> {
    match plan.workspace {
        WorkspacePlan::Sandbox { .. } => Err(RestoreError::Sandbox { task: plan.intent.task }.into()),
        WorkspacePlan::Worktree { repository, path, branch, tip_before, .. } => Ok(Workplace {
            repository: engine.repository_at(repository.as_deref())?,
            path,
            branch,
            run: plan.intent.run,
            begins: Some(tip_before),
        }),
    }
}
