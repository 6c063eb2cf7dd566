//! What may happen next, drawn at random.

use proptest::prelude::*;

use crate::run::RunKind;
use crate::runner::signals::Told;

use super::agent::{Fate, Space, Step};
use super::people::{Canceller, TASKS, task};
use super::runner::Cause;
use super::world::{Pid, Process, Service, World, moment};

/// Which processes die.
#[derive(Debug, Clone, Copy)]
pub(super) enum Victim {
    Runner,
    Supervisor,
    Agent,
    Canceller,
    /// The power is cut: all of them, and what was not synced.
    All,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    /// One step of one process.
    Step(u16),
    /// Many steps, of whoever can take one.
    Steps(u8),
    /// One step that meets a full disk.
    FullDisk(u16),
    Kill(Victim),
    /// The wall clock jumps by so many hours.
    SetClock(i32),
    /// So many minutes pass.
    Pass(u16),
    /// Runners hear of a change: once more, late, or without one.
    Disturb,
    /// Runners look up by themselves.
    Wake,
    Add(usize, u8),
    Remove(usize),
    Cancel(usize),
    Retry(usize),
    Continue(usize),
    StartRunner(u8),
    /// A signal, from a person or a program.
    Stop(Told),
    /// A hook: a wish to look, and a runner where there is none.
    Hook,
    Serve(u8),
}

pub(super) fn any_action() -> impl Strategy<Value = Action> {
    let victim = prop_oneof![
        3 => Just(Victim::Runner), 2 => Just(Victim::Supervisor), 1 => Just(Victim::Agent),
        1 => Just(Victim::Canceller), 2 => Just(Victim::All)
    ];
    prop_oneof![
        30 => any::<u16>().prop_map(Action::Step),
        20 => (1u8..40).prop_map(Action::Steps),
        3 => any::<u16>().prop_map(Action::FullDisk),
        6 => victim.prop_map(Action::Kill),
        2 => prop_oneof![Just(-8766), Just(8766), -30i32..30].prop_map(Action::SetClock),
        3 => (1u16..90).prop_map(Action::Pass),
        2 => Just(Action::Disturb),
        3 => Just(Action::Wake),
        8 => (0..TASKS, any::<u8>()).prop_map(|(task, kind)| Action::Add(task, kind)),
        1 => (0..TASKS).prop_map(Action::Remove),
        4 => (0..TASKS).prop_map(Action::Cancel),
        3 => (0..TASKS).prop_map(Action::Retry),
        2 => (0..TASKS).prop_map(Action::Continue),
        8 => any::<u8>().prop_map(Action::StartRunner),
        3 => prop_oneof![Just(Told::ByPerson), Just(Told::ByProgram)].prop_map(Action::Stop),
        2 => Just(Action::Hook),
        2 => any::<u8>().prop_map(Action::Serve),
    ]
}

pub(super) fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Succeeds), 2 => Just(Fate::Fails), 1 => Just(Fate::CrashesEarly),
        1 => Just(Fate::CrashesLate), 1 => Just(Fate::ServiceBusy), 1 => Just(Fate::OutOfMoney), 1 => Just(Fate::Hangs)
    ]
}

impl World {
    /// Lets one thing happen.
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Step(choice) => self.step_one(usize::from(choice), Space::Free),
            Action::Steps(count) => {
                (0..usize::from(count)).for_each(|choice| self.step_one(choice, Space::Free));
            }
            Action::FullDisk(choice) => self.step_one(usize::from(choice), Space::Full),
            Action::Kill(victim) => self.kill(victim),
            Action::SetClock(hours) => self.wall += i64::from(hours) * 3_600_000,
            Action::Pass(minutes) => self.wall += i64::from(minutes) * 60_000,
            Action::Disturb => self.wake_runners(Cause::Change),
            Action::Wake => self.wake_runners(Cause::Time),
            Action::Add(number, kind) => self.add(number, kind),
            Action::Remove(number) => self.remove(number),
            Action::Cancel(number) => {
                self.start(Process::Canceller(Canceller::new(task(number))));
            }
            Action::Retry(number) => self.ask_again(number, RunKind::Retry),
            Action::Continue(number) => self.ask_again(number, RunKind::FollowUp),
            Action::StartRunner(kind) => {
                self.start_runner(kind);
            }
            Action::Stop(told) => self.stop_runners(told),
            Action::Hook => {
                self.disk.wake += 1;
                if !self.is_held(&super::world::Lock::Runner) {
                    self.start_runner(1);
                }
            }
            Action::Serve(kind) => {
                self.service = match kind % 4 {
                    0 => Service::NoLogin,
                    1 => Service::LimitUntil(moment(self.wall + i64::from(kind) * 60_000)),
                    _ => Service::Works,
                }
            }
        }
        self.check_processes();
        self.check_work();
    }

    /// Lets one process take a step. Returns whether it did anything.
    pub(super) fn step_one(&mut self, choice: usize, space: Space) {
        let pids: Vec<Pid> = self.processes.keys().copied().collect();
        if let Some(pid) = pids.get(choice % pids.len().max(1)) {
            self.step(*pid, choice / pids.len(), space);
        }
    }

    pub(super) fn step(&mut self, pid: Pid, unit: usize, space: Space) -> bool {
        let step = self.with(pid, |world, process| match process {
            Process::Runner(runner) => runner.step(world, pid, (unit, space)),
            Process::Canceller(canceller) => canceller.step(world, pid, space),
            Process::Supervisor(supervisor) => supervisor.step(world, pid, space),
            Process::Agent(agent) => agent.step(world, space),
        });
        step != Step::Waits
    }

    /// Hands a process to somebody, and ends it when it is over.
    pub(super) fn with(&mut self, pid: Pid, of: impl FnOnce(&mut Self, &mut Process) -> Step) -> Step {
        let Some(mut process) = self.processes.remove(&pid) else { return Step::Waits };
        let step = of(self, &mut process);
        if step == Step::Over {
            self.end(pid);
        } else {
            self.processes.insert(pid, process);
        }
        step
    }

    pub(super) fn runners(&self) -> Vec<Pid> {
        let is_runner = |process: &Process| matches!(process, Process::Runner(_));
        self.processes.iter().filter(|(_, process)| is_runner(process)).map(|(pid, _)| *pid).collect()
    }

    pub(super) fn wake_runners(&mut self, cause: Cause) {
        for pid in self.runners() {
            self.with(pid, |world, process| match process {
                Process::Runner(runner) => runner.wake(world, pid, cause),
                Process::Canceller(_) | Process::Supervisor(_) | Process::Agent(_) => Step::Waits,
            });
        }
    }

    pub(super) fn stop_runners(&mut self, told: Told) {
        for pid in self.runners() {
            self.with(pid, |world, process| match process {
                Process::Runner(runner) => runner.stop(world, pid, told),
                Process::Canceller(_) | Process::Supervisor(_) | Process::Agent(_) => Step::Waits,
            });
        }
    }

    fn kill(&mut self, victim: Victim) {
        let is_hit = |process: &Process| match victim {
            Victim::Runner => matches!(process, Process::Runner(_)),
            Victim::Supervisor => matches!(process, Process::Supervisor(_)),
            Victim::Agent => matches!(process, Process::Agent(_)),
            Victim::Canceller => matches!(process, Process::Canceller(_)),
            Victim::All => true,
        };
        let hit = self.processes.iter().filter(|(_, process)| is_hit(process));
        let hit: Vec<Pid> = hit.map(|(pid, _)| *pid).collect();
        for pid in hit {
            self.killed.insert(pid);
            self.end(pid);
        }
        if let Victim::All = victim {
            self.lose_what_is_not_synced();
        }
    }

    /// What agents wrote in their last seconds was never ours to sync; what we took over was.
    fn lose_what_is_not_synced(&mut self) {
        for folder in self.disk.runs.values_mut() {
            folder.log = folder.log_synced;
        }
        for (task, worktree) in &mut self.disk.worktrees {
            let branch = self.disk.branches.get(task);
            let snapshots = &self.disk.snapshots;
            let is_kept = |piece: &u32| {
                branch.is_some_and(|branch| branch.contains(piece))
                    || snapshots
                        .values()
                        .any(|snapshot: &std::collections::BTreeSet<u32>| snapshot.contains(piece))
            };
            self.written.retain(|piece, of| of != task || !worktree.contains(piece) || is_kept(piece));
            worktree.retain(is_kept);
        }
    }
}
