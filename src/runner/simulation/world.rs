//! The world: what is on the disk, which locks the kernel holds for whom, which processes live, what time it is.

use std::collections::{BTreeMap, BTreeSet};

use super::Bug;
use super::agent::{Agent, Fate, Said, Supervisor};
use super::people::Canceller;
use super::runner::Runner;
use crate::agent::judge::{Answer, Cancel, Conversation, End, Protocol, judge};
use crate::run::{EndedBy, Judgement, MachineId, Resumed, RunId, StoredState};
use crate::runner::plan::{Intent, RunPatience, SessionPlan, WorktreeWhenDone};
use crate::store::history::TaskHistory;
use crate::store::run_directory::ExitReport;
use crate::supervisor::Supervision;
use crate::task::TaskId;
use crate::timestamp::Timestamp;

pub(super) type Pid = u32;

/// Something that an agent wrote.
pub(super) type Piece = u32;

/// A lock of the kernel: free when all who hold it are gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lock {
    Runner,
    Task(TaskId),
    Supervisor(RunId),
}

/// A task's file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) priority: i32,
    pub(super) after: Vec<TaskId>,
    pub(super) since: Timestamp,
    pub(super) look: Look,
}

/// How the file looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Ready,
    Draft,
    Brought,
    Invalid,
    Unsettled,
}

/// What `plan.json` says, as far as the rules need it.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) intent: Intent,
    pub(super) session: SessionPlan,
    pub(super) patience: RunPatience,
    /// Who made it.
    pub(super) by: Pid,
}

/// A run's folder with the files that exist so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Folder {
    pub(super) plan: Option<Plan>,
    pub(super) log: Option<Said>,
    /// What of the log would survive a power cut.
    pub(super) log_synced: Option<Said>,
    pub(super) is_cancelled: bool,
    pub(super) exit: Option<ExitReport>,
}

#[derive(Debug, Default)]
pub(super) struct Disk {
    pub(super) files: BTreeMap<TaskId, File>,
    pub(super) histories: BTreeMap<TaskId, TaskHistory>,
    pub(super) runs: BTreeMap<RunId, Folder>,
    pub(super) worktrees: BTreeMap<TaskId, BTreeSet<Piece>>,
    pub(super) branches: BTreeMap<TaskId, BTreeSet<Piece>>,
    pub(super) snapshots: BTreeMap<RunId, BTreeSet<Piece>>,
    pub(super) wake: u64,
    /// Goes up with every change of files or records.
    pub(super) version: u64,
}

/// What the service says to agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Works,
    NoLogin,
    LimitUntil(Timestamp),
}

#[derive(Debug)]
pub(super) enum Process {
    Runner(Box<Runner>),
    Canceller(Canceller),
    Supervisor(Supervisor),
    Agent(Agent),
}

/// What must never be otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    OneEndAClaim,
    EventsFit,
    WorkUnderALock,
    OneAgentATask,
    OneRunner,
    EndedStaysEnded,
    NoTaskIsLost,
    WorkIsKept,
    SlotsHold,
    EverythingEnds,
    CancelledIsNeverDone,
    NothingStartsTwice,
    RunsWhatIsThere,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) bug: Option<Bug>,
    pub(super) wall: i64,
    pub(super) disk: Disk,
    pub(super) service: Service,
    pub(super) fates: Vec<Fate>,
    pub(super) when_done: WorktreeWhenDone,
    pub(super) processes: BTreeMap<Pid, Process>,
    pub(super) locks: BTreeMap<Lock, BTreeSet<Pid>>,
    pub(super) broken: Option<(Promise, String)>,
    /// What agents wrote, and power cuts did not take.
    pub(super) written: BTreeMap<Piece, TaskId>,
    /// Tasks whose cancelling was written down before they ended.
    pub(super) cancelled: BTreeSet<TaskId>,
    /// Supervisors that a signal ended.
    pub(super) killed: BTreeSet<Pid>,
    latest_ids: BTreeMap<Pid, i64>,
    count: u32,
}

pub(super) fn here() -> MachineId {
    "0123456789abcdef".parse().unwrap()
}

pub(super) fn moment(milliseconds: i64) -> Timestamp {
    Timestamp::from_unix_milliseconds(milliseconds).unwrap()
}

impl World {
    pub(super) fn new(bug: Option<Bug>, fates: Vec<Fate>, when_done: WorktreeWhenDone) -> Self {
        Self {
            bug,
            wall: 1_800_000_000_000,
            disk: Disk::default(),
            service: Service::Works,
            fates,
            when_done,
            processes: BTreeMap::new(),
            locks: BTreeMap::new(),
            broken: None,
            written: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            killed: BTreeSet::new(),
            latest_ids: BTreeMap::new(),
            count: 0,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        moment(self.wall)
    }

    pub(super) fn has_bug(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Notes the first promise that was broken.
    #[expect(clippy::fn_params_excessive_bools, reason = "an assertion is a truth value")]
    pub(super) fn require(&mut self, holds: bool, promise: Promise, words: impl FnOnce() -> String) {
        if !holds && self.broken.is_none() {
            self.broken = Some((promise, words()));
        }
    }

    pub(super) fn count(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    /// Returns a new id: of the wall clock, but rising within one process.
    pub(super) fn run_id(&mut self, pid: Pid) -> RunId {
        let latest = self.latest_ids.entry(pid).or_insert(i64::MIN);
        *latest = (*latest).max(self.wall);
        let time = u64::try_from(*latest).unwrap();
        let count = self.count();
        let (high, low) = (time >> 16, time & 0xffff);
        format!("{high:08x}-{low:04x}-7{:03x}-8000-{count:012x}", count & 0xfff).parse().unwrap()
    }

    // Processes and locks.

    pub(super) fn start(&mut self, process: Process) -> Pid {
        let pid = self.count();
        self.processes.insert(pid, process);
        pid
    }

    /// Ends a process: the kernel lets go of its locks.
    pub(super) fn end(&mut self, pid: Pid) {
        self.processes.remove(&pid);
        self.locks.retain(|_, holders| {
            holders.remove(&pid);
            !holders.is_empty()
        });
    }

    pub(super) fn is_held(&self, lock: &Lock) -> bool {
        self.locks.contains_key(lock)
    }

    pub(super) fn holds(&self, pid: Pid, lock: &Lock) -> bool {
        self.locks.get(lock).is_some_and(|holders| holders.contains(&pid))
    }

    pub(super) fn try_lock(&mut self, pid: Pid, lock: Lock) -> bool {
        let ignores = match lock {
            Lock::Runner => self.has_bug(Bug::IgnoresTheRunnerLock),
            Lock::Task(_) => self.has_bug(Bug::IgnoresTaskLocks),
            Lock::Supervisor(_) => false,
        };
        if self.is_held(&lock) && !ignores {
            return false;
        }
        self.share(pid, lock);
        true
    }

    pub(super) fn share(&mut self, pid: Pid, lock: Lock) {
        self.locks.entry(lock).or_default().insert(pid);
    }

    pub(super) fn unlock(&mut self, pid: Pid, lock: &Lock) {
        if let Some(holders) = self.locks.get_mut(lock) {
            holders.remove(&pid);
            if holders.is_empty() {
                self.locks.remove(lock);
            }
        }
    }

    pub(super) fn agent_of(&self, run: RunId) -> Option<Pid> {
        let is_of = |process: &Process| matches!(process, Process::Agent(agent) if agent.run == run);
        self.processes.iter().find(|(_, process)| is_of(process)).map(|(pid, _)| *pid)
    }

    // Runs.

    pub(super) fn supervision(&self, run: RunId) -> Supervision {
        if self.is_held(&Lock::Supervisor(run)) {
            return Supervision::Supervised;
        }
        let folder = self.disk.runs.get(&run).cloned().unwrap_or_default();
        match folder.exit {
            Some(exit) => Supervision::Ended(exit),
            None if folder.log.is_some() => Supervision::Orphaned,
            None => Supervision::NeverStarted,
        }
    }

    /// Writes the wish that a run ends.
    pub(super) fn request_end(&mut self, run: RunId) {
        let Some(folder) = self.disk.runs.get_mut(&run) else { return };
        folder.is_cancelled = true;
        let Some(plan) = &folder.plan else { return };
        let Intent { task, claim, .. } = plan.intent.clone();
        if matches!(self.stored(&task), StoredState::Claimed { claim: open, .. } if open == claim) {
            self.cancelled.insert(task);
        }
    }

    /// As `cancel::hand_on_request`.
    pub(super) fn hand_on_request(&mut self, from: RunId, to: RunId) {
        if self.disk.runs.get(&from).is_some_and(|folder| folder.is_cancelled) {
            self.request_end(to);
        }
    }

    pub(super) fn cancel(&self, run: RunId) -> Cancel {
        let is_cancelled = self.disk.runs.get(&run).is_some_and(|folder| folder.is_cancelled);
        if is_cancelled && !self.has_bug(Bug::ForgetsCancels) {
            Cancel::Requested
        } else {
            Cancel::NotRequested
        }
    }

    pub(super) fn judged(
        &self,
        plan: &Plan,
        exit: &ExitReport,
    ) -> (Judgement, Option<crate::run::SessionId>) {
        let folder = self.disk.runs.get(&plan.intent.run).cloned().unwrap_or_default();
        let reading = folder.log.unwrap_or_default().reading();
        let forgets = self.has_bug(Bug::ForgetsCancels);
        let ended_by =
            if forgets && exit.ended_by == EndedBy::Cancel { EndedBy::Itself } else { exit.ended_by };
        let judgement = judge(&End {
            exit: &exit.status,
            refusal: exit.refusal,
            ended_by,
            cancel: self.cancel(plan.intent.run),
            reading: &reading,
            answer: Answer::Text,
            error_output: "",
            protocol: Protocol::Claude,
            conversation: match plan.session.resumed {
                Resumed::Fresh => Conversation::Begun,
                Resumed::Resumed => Conversation::Resumed,
            },
        });
        (judgement, crate::runner::seen::session(&reading, &plan.session, ended_by))
    }
}
