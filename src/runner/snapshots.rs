//! While a run goes on, its worktree is kept as a snapshot now and then, whoever started the run.
//!
//! One at a time for each run, on a thread of its own. A snapshot that is under way when the run ends is stopped, and
//! that is waited for, so that none of them is added after what the run has left. One that fails is a warning, told
//! once: the run and its end do not depend on it. Nothing is written where nothing has changed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::engine::Engine;
use super::plan::{Plan, WorkspacePlan};
use super::threads::blocking;
use crate::git::{BranchName, CommitId, GitError, Repository, Snapshot, WorktreeState};
use crate::run::RunId;
use crate::store::event_stream::{Level, StreamEventKind};
use crate::store::snapshots::{NewSnapshot, Snapshots, TaskSnapshot, Why};
use crate::store::state_directory::StateDirectory;
use crate::store::tasks::SettingsSource;
use crate::task::{Interval, Span, TaskId};

/// How often, where the settings cannot be read.
const INTERVAL: Interval = Interval::Every(Span::minutes(5));

/// A run whose worktree is kept as a snapshot now and then.
#[derive(Debug)]
pub(crate) struct Snapshotting {
    halt: Halt,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

/// Stops a snapshot that is under way, also when nobody waits any more.
#[derive(Debug)]
struct Halt(Arc<AtomicBool>);

impl Drop for Halt {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Snapshotting {
    /// Begins. A plain folder has no history to keep a snapshot in, so for a sandbox nothing is done.
    pub(crate) fn start(engine: &Arc<Engine>, plan: &Plan) -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        let (stop, stopped) = watch::channel(());
        let watch = Watch {
            engine: Arc::clone(engine),
            plan: plan.clone(),
            stop: Arc::clone(&flag),
            told: BTreeSet::new(),
        };
        Self { halt: Halt(flag), stop, task: tokio::spawn(watch.go_on(stopped)) }
    }

    /// Ends it, and a snapshot that is under way.
    pub(crate) async fn stop(self) {
        drop(self.halt);
        drop(self.stop);
        // One that panicked has taken nothing; the run does not depend on it.
        drop(self.task.await);
    }
}

/// One run, and what was told of it.
struct Watch {
    engine: Arc<Engine>,
    plan: Plan,
    stop: Arc<AtomicBool>,
    told: BTreeSet<String>,
}

impl Watch {
    async fn go_on(mut self, mut stopped: watch::Receiver<()>) {
        if !matches!(self.plan.workspace, WorkspacePlan::Worktree { .. }) {
            return;
        }
        let loaded = blocking(&self.engine, |engine| Ok(interval(engine))).await;
        let Interval::Every(pause) = loaded.unwrap_or(INTERVAL) else { return };
        while self.is_time(&mut stopped, pause.duration()).await {
            let (plan, stop) = (self.plan.clone(), Arc::clone(&self.stop));
            let taken = blocking(&self.engine, move |engine| Ok(take(engine, &plan, &stop)?)).await;
            match taken {
                Ok(taken) => self.tell_left_out(taken.as_ref()),
                Err(error) if !self.stop.load(Ordering::Relaxed) => {
                    self.tell_once(&format!("no snapshot was taken: failed to {error:#}"));
                }
                Err(_) => return,
            }
        }
    }

    /// Waits for the next moment; returns whether it came before the end.
    async fn is_time(&self, stopped: &mut watch::Receiver<()>, pause: Duration) -> bool {
        tokio::select! {
            _ = stopped.changed() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }

    fn tell_left_out(&mut self, taken: Option<&TaskSnapshot>) {
        for one in taken.into_iter().flat_map(|snapshot| &snapshot.left_out) {
            self.tell_once(&format!("a snapshot lacks a part of its worktree: {} {}", one.path, one.reason));
        }
    }

    fn tell_once(&mut self, message: &str) {
        if self.told.insert(message.to_owned()) {
            let intent = &self.plan.intent;
            let kind = StreamEventKind::WorkerLog { level: Level::Warning, message: message.to_owned() };
            self.engine.broadcast.tell(Some(&intent.task), Some(intent.run), kind);
        }
    }
}

fn interval(engine: &Engine) -> Interval {
    let settings = SettingsSource::load(&engine.tasks, &engine.user_config());
    let settings = settings.and_then(|mut source| source.of(None));
    settings.map_or(INTERVAL, |settings| settings.resolved.snapshot_interval.value)
}

/// Takes a snapshot of a run that goes on, if anything changed since the last.
fn take(engine: &Engine, plan: &Plan, stop: &AtomicBool) -> Result<Option<TaskSnapshot>, GitError> {
    let WorkspacePlan::Worktree { repository, path, branch, tip_before, .. } = &plan.workspace else {
        return Ok(None);
    };
    let repository = engine.repository_at(repository.as_deref())?;
    let site = Site { repository: &repository, state: &engine.state, path, branch, begins: *tip_before };
    site.take_again(&plan.intent.task, plan.intent.run, Why::Periodic, stop)
}

/// A worktree of a task, for whoever is about to take a snapshot of it.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The repository that it belongs to.
    pub repository: &'a Repository,
    /// What the clone knows whose task it is.
    pub state: &'a StateDirectory,
    /// Where it lies.
    pub path: &'a Path,
    /// The task's branch.
    pub branch: &'a BranchName,
    /// What counts as the branch's tip where the branch is gone.
    pub begins: CommitId,
}

/// What is known of a worktree before something is done to it that cannot be taken back.
#[derive(Debug)]
pub struct Secured {
    /// The snapshot that holds what was on no ref before, if there was anything.
    pub snapshot: Option<TaskSnapshot>,
    /// All that is in the worktree.
    pub taken: Snapshot,
}

impl Site<'_> {
    /// Makes sure that everything in the worktree that git does not ignore is on a ref.
    ///
    /// For whoever is about to remove the worktree and holds the task's lock. What could not be stored is listed in
    /// [`Snapshot::left_out`] of what was taken: where that is not empty, the worktree must stay. An absent worktree
    /// is nothing to secure.
    pub fn secure(&self, task: &TaskId, run: RunId, why: Why) -> Result<Option<Secured>, GitError> {
        if !matches!(self.repository.worktree_state(self.path)?, WorktreeState::Present(_)) {
            return Ok(None);
        }
        let tip = self.tip()?;
        let taken = self.repository.snapshot(self.path, tip)?;
        let head = self.repository.worktree_head(self.path)?;
        let snapshot = self.add(&NewSnapshot { task, run, why, taken: &taken, tip, head })?;
        Ok(Some(Secured { snapshot, taken }))
    }

    /// Takes a snapshot at little cost, if anything changed since the last one. `None` as well when `stop` was set meanwhile.
    pub fn take_again(
        &self,
        task: &TaskId,
        run: RunId,
        why: Why,
        stop: &AtomicBool,
    ) -> Result<Option<TaskSnapshot>, GitError> {
        let tip = self.tip()?;
        let last = Snapshots::new(self.repository, self.state).load_newest(run)?;
        let kept = last.map(|last| last.tree);
        let Some(taken) = self.repository.snapshot_again(self.path, tip, kept, stop)? else {
            return Ok(None);
        };
        let head = self.repository.worktree_head(self.path)?;
        self.add(&NewSnapshot { task, run, why, taken: &taken, tip, head })
    }

    /// Without its branch, nothing but a snapshot leads to what the branch named.
    fn add(&self, new: &NewSnapshot<'_>) -> Result<Option<TaskSnapshot>, GitError> {
        let snapshots = Snapshots::new(self.repository, self.state);
        match self.repository.branch_tip(self.branch)? {
            Some(_) => snapshots.add_changed(new),
            None => snapshots.add_to_run(new).map(Some),
        }
    }

    pub(crate) fn tip(&self) -> Result<CommitId, GitError> {
        Ok(self.repository.branch_tip(self.branch)?.unwrap_or(self.begins))
    }
}
