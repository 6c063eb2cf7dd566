//! What a runner does, for a log: a line for each headline, and one when a task is held or may run again.

use std::collections::BTreeMap;

use super::layout::summary;
use super::line::Look;
use super::model::Model;
use crate::runner::Sight;
use crate::runner::sight::HeldTask;
use crate::schedule::{Hold, Standing, Unfinished, WaitingBecause};
use crate::store::event_stream::{StreamEvent, StreamEventKind, TaskUpdate};
use crate::task::TaskId;
use crate::timestamp::Timestamp;
use crate::ui::safe::safe;
use crate::ui::standing;
use crate::ui::stream_words::{Weight, line, weight};

/// What was told already, so that nothing is told at every scan.
#[derive(Debug)]
pub(crate) struct Log {
    model: Model,
    held: BTreeMap<TaskId, String>,
}

impl Log {
    /// Returns the log of a runner that has told nothing yet.
    pub(crate) fn new(model: Model) -> Self {
        Self { model, held: BTreeMap::new() }
    }

    /// Returns the line of an event, if it is worth one.
    pub(crate) fn event(&mut self, event: &StreamEvent) -> Option<String> {
        if let (Some(task), StreamEventKind::TaskUpdated { update: TaskUpdate::Held, .. }) =
            (&event.task, &event.kind)
        {
            self.held.insert(task.clone(), String::new());
        }
        self.model.event(event);
        (weight(event) == Weight::Headline).then(|| line(event))
    }

    /// Returns the lines of what is other than when it was looked at last.
    pub(crate) fn sight(&mut self, sight: &Sight, now: Timestamp) -> Vec<String> {
        self.model.sight(sight, now);
        let held: BTreeMap<TaskId, String> = sight
            .held
            .iter()
            .flat_map(|group| &group.first)
            .filter_map(|held| Some((held.task.clone(), words(held)?)))
            .collect();
        let mut told = Vec::new();
        for (task, words) in &held {
            // An empty text: the event of the hold has told it.
            if self.held.get(task).is_none_or(|known| !known.is_empty() && known != words) {
                told.push(format!("{} {task} {words}", now.to_local_time()));
            }
        }
        let released = self.held.keys().filter(|task| !held.contains_key(task) && sight.queue.contains(task));
        told.extend(released.map(|task| format!("{} {task} may run now", now.to_local_time())));
        self.held = held;
        told
    }

    /// Returns what the runner has done, once it is over.
    pub(crate) fn finish(&self) -> Option<String> {
        summary(&self.model).map(|line| line.show(Look::Plain))
    }
}

/// Returns why a task is held, or `None` where that passes in a moment or goes on by itself in its turn.
fn words(held: &HeldTask) -> Option<String> {
    let passes = matches!(
        held.hold,
        Hold::Unsettled { because: Unfinished::Changing }
            | Hold::Waiting { because: WaitingBecause::NotYetDone, .. }
    );
    if passes {
        return None;
    }
    let standing = Standing::Held { hold: held.hold.clone() };
    let why = held.problem.clone().unwrap_or_else(|| standing::explanation(&standing));
    let word = standing::word(&standing);
    Some(safe(&format!("{word}: {why}")).replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{at, event, held, id, sight};
    use super::*;
    use crate::run::FailureReason;
    use crate::runner::sight::HeldGroup;
    use crate::store::runner_lock::RunnerKind;

    fn log() -> Log {
        Log::new(Model::new(RunnerKind::Watch))
    }

    /// Returns the lines without their time.
    fn told(log: &mut Log, groups: &[HeldGroup], queue: &[&str]) -> Vec<String> {
        let mut sight = sight(&[], queue);
        sight.held = groups.to_vec();
        log.sight(&sight, at(0)).iter().map(|line| line[9..].to_owned()).collect()
    }

    #[test]
    fn a_hold_is_told_once_and_again_when_its_reason_changes() {
        let mut log = log();
        let invalid = |problem| [held("a", Hold::Invalid, Some(problem))];
        assert_eq!(told(&mut log, &invalid("line 3: bad"), &[]), ["a invalid: line 3: bad"]);
        assert_eq!(told(&mut log, &invalid("line 3: bad"), &["b"]), [""; 0]);
        assert_eq!(told(&mut log, &invalid("line 4: worse"), &[]), ["a invalid: line 4: worse"]);
        assert_eq!(told(&mut log, &[], &["a"]), ["a may run now"]);
        assert_eq!(told(&mut log, &[], &["a"]), [""; 0]);
    }

    #[test]
    fn a_task_that_is_gone_is_not_released() {
        let mut log = log();
        let on = Hold::Waiting { on: id("b"), because: WaitingBecause::NotDone };
        assert_eq!(
            told(&mut log, &[held("a", on, None)], &[]),
            ["a waiting: Waits for b, which ended without being done."]
        );
        assert_eq!(told(&mut log, &[], &[]), [""; 0]);
    }

    #[test]
    fn what_passes_by_itself_is_not_told() {
        let changing = Hold::Unsettled { because: Unfinished::Changing };
        let next = Hold::Waiting { on: id("b"), because: WaitingBecause::NotYetDone };
        for hold in [changing, next] {
            assert_eq!(told(&mut log(), &[held("a", hold, None)], &[]), [""; 0]);
        }
    }

    #[test]
    fn a_limit_that_an_event_told_is_not_told_again_by_the_scan() {
        let mut log = log();
        let message = "held: too much".to_owned();
        let kind =
            StreamEventKind::TaskUpdated { update: TaskUpdate::Held, message: message.clone(), spent: None };
        assert!(log.event(&event("a", 0, kind)).unwrap().ends_with("a held: too much"));
        let hold = Hold::Service { until: None, reason: FailureReason::UsageLimit, message };
        let groups = [held("a", hold, None)];
        assert_eq!(told(&mut log, &groups, &[]), [""; 0]);
        assert_eq!(told(&mut log, &groups, &[]), [""; 0]);
    }
}
