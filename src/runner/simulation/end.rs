//! The end of every case: nothing goes wrong any more, and one runner drains the queue.

use super::agent::{Space, Step};
use super::people::task;
use super::runner::Cause;
use super::world::{Look, Pid, Process, Promise, Service, World};
use crate::run::{Outcome, StoredState};
use crate::runner::signals::Told;
use crate::schedule::{Hold, Standing, WaitingBecause};
use crate::task::TaskId;

/// More steps than anything here takes.
const STEPS_MAX: usize = 20_000;

/// How often runners are told to stop, for those that wait for the one before them.
const STOPS_MAX: usize = 3;

/// A run that is taken up may tell of a login that was missing then, and ends the drain that hears of it.
const DRAINS_MAX: usize = 2 + super::people::TASKS;

impl World {
    /// Leaves everything alone for long enough, then drains the queue, then looks.
    pub(super) fn leave_alone(&mut self) {
        self.service = Service::Works;
        self.settle();
        // One that had not begun when it was told to stop did not hear it.
        for _ in 0..STOPS_MAX {
            self.stop_runners(Told::ByProgram);
            self.settle();
        }
        let is_quiet = self.runners().is_empty();
        self.require(is_quiet, Promise::EverythingEnds, || "a runner that was told to stop stays".to_owned());
        self.wall += 3_600_000;
        for _ in 0..DRAINS_MAX {
            let pid = self.start_runner(2);
            self.settle();
            let is_over = !self.processes.contains_key(&pid);
            self.require(is_over, Promise::EverythingEnds, || "a drain does not end".to_owned());
            let is_queued = |standing: &Standing| matches!(standing, Standing::Queued { .. });
            if self.broken.is_some() || !self.standings().values().any(is_queued) {
                break;
            }
        }
        if self.broken.is_none() {
            self.check_tasks();
            self.check_folders();
        }
    }

    /// Lets all processes go on until none of them can.
    fn settle(&mut self) {
        for _ in 0..STEPS_MAX {
            if self.broken.is_some() || !(self.step_all() || self.let_time_pass()) {
                break;
            }
            self.check_processes();
            self.check_work();
        }
        let stuck: Vec<Pid> = self.processes.keys().copied().collect();
        for pid in stuck {
            self.with(pid, |world, process| {
                if let Process::Canceller(canceller) = process {
                    canceller.check_stuck(world);
                }
                Step::Waits
            });
        }
    }

    fn step_all(&mut self) -> bool {
        let pids: Vec<Pid> = self.processes.keys().copied().collect();
        let mut moved = false;
        for pid in pids {
            let units = match self.processes.get(&pid) {
                Some(Process::Runner(runner)) => runner.units(),
                Some(Process::Canceller(_) | Process::Supervisor(_) | Process::Agent(_)) | None => 1,
            };
            for unit in 0..units {
                moved |= self.step(pid, unit, Space::Free);
            }
        }
        moved
    }

    /// Lets the time pass that a runner waits for.
    fn let_time_pass(&mut self) -> bool {
        let hears = |process: &Process| matches!(process, Process::Runner(runner) if runner.hears(self));
        if self.processes.values().any(hears) {
            self.wake_runners(Cause::Time);
            return true;
        }
        let wakes = self.processes.values().filter_map(|process| match process {
            Process::Runner(runner) if !runner.stays() => runner.wake_at,
            Process::Runner(_) | Process::Canceller(_) | Process::Supervisor(_) | Process::Agent(_) => None,
        });
        let Some(moment) = wakes.min() else { return false };
        self.wall = self.wall.max(moment.unix_milliseconds());
        self.wake_runners(Cause::Time);
        true
    }

    /// Each task has ended, or is held for a reason that is true.
    fn check_tasks(&mut self) {
        for (id, standing) in self.standings() {
            let is_well = match &standing {
                Standing::Ended { .. } => true,
                Standing::Draft => self.looks(&id) == Some(Look::Draft),
                Standing::Held { hold } => self.is_true(&id, hold),
                Standing::Queued { .. }
                | Standing::Running
                | Standing::Interrupted
                | Standing::Elsewhere { .. } => false,
            };
            self.require(is_well, Promise::NoTaskIsLost, || format!("{id} is {standing:?} at the end"));
        }
        for number in 0..super::people::TASKS {
            let id = task(number);
            let known = !self.disk.files.contains_key(&id) || self.standings().contains_key(&id);
            self.require(known, Promise::NoTaskIsLost, || format!("{id} is unknown at the end"));
        }
    }

    fn looks(&self, id: &TaskId) -> Option<Look> {
        self.disk.files.get(id).map(|file| file.look)
    }

    fn is_true(&self, id: &TaskId, hold: &Hold) -> bool {
        match hold {
            Hold::Invalid => self.looks(id) == Some(Look::Invalid),
            Hold::Unsettled { .. } => self.looks(id) == Some(Look::Unsettled),
            Hold::Untrusted => self.looks(id) == Some(Look::Brought),
            Hold::FileMissing => self.looks(id).is_none(),
            Hold::Waiting { on, because: WaitingBecause::Unknown } => {
                !self.disk.files.contains_key(on) && !self.disk.histories.contains_key(on)
            }
            Hold::Waiting { on, because: WaitingBecause::NotDone | WaitingBecause::NotYetDone } => {
                !matches!(self.stored(on), StoredState::Ended { outcome: Outcome::Done, .. })
            }
            Hold::Refused { .. } | Hold::Unreadable { .. } | Hold::Service { .. } => false,
        }
    }

    /// A run's folder goes when its claim is over.
    fn check_folders(&mut self) {
        let left = self.disk.runs.keys().next().copied();
        self.require(left.is_none(), Promise::EverythingEnds, || {
            format!("the folder of run {left:?} stays for ever")
        });
    }
}
