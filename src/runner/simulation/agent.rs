//! The two processes of a run: the supervisor and its agent, one step at a time.

use std::collections::BTreeSet;

use super::Bug;
use super::world::{Lock, Pid, Process, Service, World};

use crate::agent::stream::{Progress, RateLimit, Reading, ResultEvent};
use crate::run::{EndedBy, ExitStatus, RunId};
use crate::store::run_directory::ExitReport;
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// What an agent is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Succeeds,
    Fails,
    CrashesEarly,
    CrashesLate,
    ServiceBusy,
    OutOfMoney,
    Hangs,
}

/// What the log says so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Said {
    #[default]
    Nothing,
    Started,
    Worked,
    Done,
    Failed,
    Busy,
    OutOfMoney,
    NoLogin,
    Limited(Timestamp),
}

impl Said {
    /// Returns what reading such a log gives.
    pub(super) fn reading(self) -> Reading {
        let result = |result: ResultEvent| Reading {
            progress: Progress::Worked,
            result: Some(ResultEvent { turns: 1, ..result }),
            ..Reading::default()
        };
        let error =
            || ResultEvent { is_error: true, subtype: "success".to_owned(), ..ResultEvent::default() };
        let api = |status| ResultEvent {
            api_error_status: Some(status),
            terminal_reason: Some("api_error".to_owned()),
            ..error()
        };
        match self {
            Self::Nothing => Reading::default(),
            Self::Started => Reading { progress: Progress::Started, ..Reading::default() },
            Self::Worked => Reading { progress: Progress::Worked, ..Reading::default() },
            Self::Done => result(ResultEvent::default()),
            Self::Failed => result(ResultEvent { subtype: "error_max_turns".to_owned(), ..error() }),
            Self::Busy => result(api(429)),
            Self::OutOfMoney => result(ResultEvent { subtype: "error_max_budget_usd".to_owned(), ..error() }),
            Self::NoLogin => result(api(401)),
            Self::Limited(until) => Reading {
                rate_limit: Some(RateLimit { status: "rejected".to_owned(), resets_at: Some(until) }),
                ..result(ResultEvent { api_error: Some("usage_limit_reached".to_owned()), ..api(429) })
            },
        }
    }
}

/// What became of a process in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It did something.
    Done,
    /// It waits for others.
    Waits,
    /// It is over.
    Over,
}

/// Whether the disk is full during a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Free,
    Full,
}

#[derive(Debug)]
pub(super) struct Agent {
    pub(super) run: RunId,
    pub(super) task: TaskId,
    fate: Fate,
    steps: u32,
}

impl Agent {
    pub(super) fn step(&mut self, world: &mut World, space: Space) -> Step {
        self.steps += 1;
        match (self.steps, self.fate) {
            (1, Fate::CrashesEarly) => return Step::Over,
            (1, _) => self.say(world, Said::Started),
            (2, _) => match world.service {
                Service::NoLogin => return self.last_words(world, Said::NoLogin),
                Service::LimitUntil(until) if until > world.now() => {
                    return self.last_words(world, Said::Limited(until));
                }
                Service::Works | Service::LimitUntil(_) => self.work(world, space),
            },
            (3, Fate::CrashesLate) => return Step::Over,
            (3, _) => self.work(world, space),
            (4, Fate::Hangs) => {}
            (_, Fate::Hangs) => return Step::Waits,
            (_, Fate::Succeeds) => return self.last_words(world, Said::Done),
            (_, Fate::Fails) => return self.last_words(world, Said::Failed),
            (_, Fate::ServiceBusy) => return self.last_words(world, Said::Busy),
            (_, Fate::OutOfMoney) => return self.last_words(world, Said::OutOfMoney),
            (_, Fate::CrashesEarly | Fate::CrashesLate) => return Step::Over,
        }
        Step::Done
    }

    fn hangs(&self) -> bool {
        self.steps > 3 && self.fate == Fate::Hangs
    }

    fn say(&self, world: &mut World, said: Said) {
        if let Some(folder) = world.disk.runs.get_mut(&self.run) {
            folder.log = Some(said);
        }
    }

    fn last_words(&self, world: &mut World, said: Said) -> Step {
        self.say(world, said);
        Step::Over
    }

    fn work(&self, world: &mut World, space: Space) {
        self.say(world, Said::Worked);
        let piece = world.count();
        if space == Space::Free
            && let Some(worktree) = world.disk.worktrees.get_mut(&self.task)
        {
            worktree.insert(piece);
            world.written.insert(piece, self.task.clone());
        }
    }
}

impl World {
    /// Starts an agent that holds its task's lock, as if nobody else did.
    pub(super) fn start_agent_of(&mut self, task: &TaskId) {
        let run = self.run_id(0);
        let agent = Agent { run, task: task.clone(), fate: Fate::Succeeds, steps: 0 };
        let pid = self.start(Process::Agent(agent));
        self.share(pid, Lock::Task(task.clone()));
    }
}

/// What a supervisor does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Lock,
    Log,
    Start,
    Report(Pid),
    Watch(Pid),
    Sweep(Pid, EndedBy),
    Exit(EndedBy),
}

#[derive(Debug)]
pub(super) struct Supervisor {
    pub(super) run: RunId,
    task: TaskId,
    next: Next,
}

impl Supervisor {
    pub(super) fn new(run: RunId, task: TaskId) -> Self {
        Self { run, task, next: Next::Lock }
    }

    pub(super) fn step(&mut self, world: &mut World, pid: Pid, space: Space) -> Step {
        let Some(next) = self.turn(world, pid, space) else { return Step::Over };
        if next == self.next {
            return Step::Waits;
        }
        self.next = next;
        Step::Done
    }

    fn turn(&mut self, world: &mut World, pid: Pid, space: Space) -> Option<Next> {
        match self.next {
            Next::Lock => self.begin(world, pid),
            Next::Log if space == Space::Full => None,
            Next::Log => {
                world.disk.runs.get_mut(&self.run)?.log = Some(Said::Nothing);
                Some(Next::Start)
            }
            Next::Start => Some(Next::Report(self.start(world))),
            // Without process.json it gives up, and ends the agent first.
            Next::Report(agent) if space == Space::Full => {
                world.end(agent);
                None
            }
            Next::Report(agent) => Some(Next::Watch(agent)),
            Next::Watch(agent) => Some(self.watch(world, agent)),
            Next::Sweep(agent, ended_by) => {
                world.end(agent);
                let folder = world.disk.runs.get_mut(&self.run)?;
                folder.log_synced = folder.log;
                Some(Next::Exit(ended_by))
            }
            Next::Exit(_) if space == Space::Full => None,
            Next::Exit(ended_by) => {
                let now = world.now();
                let folder = world.disk.runs.get_mut(&self.run)?;
                let ended_by = if folder.is_cancelled { EndedBy::Cancel } else { ended_by };
                folder.exit = Some(report(now, ExitStatus::Code(0), ended_by));
                None
            }
        }
    }

    fn begin(&self, world: &mut World, pid: Pid) -> Option<Next> {
        let is_mine = world.try_lock(pid, Lock::Supervisor(self.run));
        let now = world.now();
        let folder = world.disk.runs.get_mut(&self.run)?;
        if !is_mine || folder.exit.is_some() || folder.log.is_some() {
            return None;
        }
        if folder.is_cancelled {
            let status = ExitStatus::NotStarted("cancelled before the start".to_owned());
            folder.exit = Some(report(now, status, EndedBy::Cancel));
            return None;
        }
        Some(Next::Log)
    }

    fn start(&self, world: &mut World) -> Pid {
        let number =
            world.disk.runs.get(&self.run).map_or(0, |_| world.written.len() + world.disk.runs.len());
        let fate = world.fates.get(number % world.fates.len().max(1)).copied().unwrap_or(Fate::Succeeds);
        let agent = Agent { run: self.run, task: self.task.clone(), fate, steps: 0 };
        let pid = world.start(Process::Agent(agent));
        if !world.has_bug(Bug::HandsOnNoLock) {
            world.share(pid, Lock::Task(self.task.clone()));
        }
        pid
    }

    fn watch(&self, world: &World, agent: Pid) -> Next {
        let is_cancelled = world.disk.runs.get(&self.run).is_some_and(|folder| folder.is_cancelled);
        match world.processes.get(&agent) {
            None => Next::Sweep(agent, EndedBy::Itself),
            Some(_) if is_cancelled => Next::Sweep(agent, EndedBy::Cancel),
            Some(Process::Agent(state)) if state.hangs() => Next::Sweep(agent, EndedBy::Silence),
            Some(_) => Next::Watch(agent),
        }
    }
}

pub(super) fn report(now: Timestamp, status: ExitStatus, ended_by: EndedBy) -> ExitReport {
    ExitReport {
        started: now,
        finished: now,
        status,
        ended_by,
        swept: Vec::new(),
        refusal: None,
        warnings: Vec::new(),
    }
}

/// Ends what is left of a run whose supervisor is gone, and reports it. Fails where a supervisor has its lock.
pub(super) fn end_orphan(world: &mut World, run: RunId, space: Space) -> Option<ExitReport> {
    if world.is_held(&Lock::Supervisor(run)) {
        return None;
    }
    if let Some(exit) = world.disk.runs.get(&run)?.exit.clone() {
        return Some(exit);
    }
    let left: BTreeSet<Pid> = world.agent_of(run).into_iter().collect();
    for pid in left {
        world.end(pid);
    }
    let now = world.now();
    let folder = world.disk.runs.get_mut(&run)?;
    let ended_by = if folder.is_cancelled { EndedBy::Cancel } else { EndedBy::SupervisorLost };
    if space == Space::Full {
        return None;
    }
    let exit = report(now, ExitStatus::Unknown, ended_by);
    folder.exit = Some(exit.clone());
    Some(exit)
}
