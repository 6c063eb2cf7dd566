//! What is known of a runner from all that it told so far.

use std::collections::BTreeSet;

use crate::run::Outcome;
use crate::runner::Sight;
use crate::store::event_stream::{Spent, StreamEvent, StreamEventKind, TaskUpdate};
use crate::store::runner_lock::RunnerKind;
use crate::task::TaskId;
use crate::timestamp::Timestamp;
use crate::ui::stream_words::words;

/// All that is shown, before it is known how much room there is.
#[derive(Debug)]
pub(crate) struct Model {
    /// What kind of runner it is.
    pub(crate) kind: RunnerKind,
    /// What runs, by slot.
    pub(crate) rows: Vec<Row>,
    /// What the runner saw last.
    pub(crate) sight: Option<Sight>,
    /// How the tasks ended, in the order of [`OUTCOMES`].
    pub(crate) ended: [usize; OUTCOMES.len()],
    /// What the runs used that are over.
    spent: Spent,
    /// Tasks that are over although a sight may still show them with a slot.
    over: BTreeSet<TaskId>,
}

/// The outcomes, the best first.
pub(crate) const OUTCOMES: [Outcome; 4] =
    [Outcome::Done, Outcome::Failed, Outcome::Cancelled, Outcome::Interrupted];

/// A task that runs.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Which.
    pub(crate) task: TaskId,
    /// Its run: 1, 2, 3 … within the task.
    pub(crate) number: u32,
    /// When that began.
    pub(crate) since: Timestamp,
    /// What happened last.
    pub(crate) action: String,
    /// What that run has used.
    now: Spent,
    /// What the runs before it in this session used.
    before: Spent,
}

impl Row {
    fn new(task: &TaskId, since: Timestamp, title: &str) -> Self {
        Self {
            task: task.clone(),
            number: 1,
            since,
            action: title.to_owned(),
            now: Spent::default(),
            before: Spent::default(),
        }
    }

    /// Returns what the task has used in this session.
    pub(crate) fn spent(&self) -> Spent {
        let mut spent = self.before;
        spent.add(self.now);
        spent
    }
}

impl Model {
    /// Returns what is known of a runner that has said nothing yet.
    pub(crate) fn new(kind: RunnerKind) -> Self {
        Self {
            kind,
            rows: Vec::new(),
            sight: None,
            ended: [0; OUTCOMES.len()],
            spent: Spent::default(),
            over: BTreeSet::new(),
        }
    }

    /// Takes in an event.
    pub(crate) fn event(&mut self, event: &StreamEvent) {
        let Some(task) = &event.task else { return };
        match &event.kind {
            StreamEventKind::TaskStarted { title, .. } => {
                self.over.remove(task);
                self.rows.retain(|row| row.task != *task);
                self.rows.push(Row::new(task, event.at, title));
                self.sort();
            }
            StreamEventKind::TaskFinished { outcome, spent, .. } => {
                self.end(task, *spent);
                for (known, count) in OUTCOMES.iter().zip(&mut self.ended) {
                    *count += usize::from(known == outcome);
                }
            }
            StreamEventKind::TaskUpdated { update: TaskUpdate::Held, spent, .. } => self.end(task, *spent),
            StreamEventKind::WorkerLog { .. }
            | StreamEventKind::TaskUpdated { .. }
            | StreamEventKind::RunCreated { .. }
            | StreamEventKind::TaskMessage { .. }
            | StreamEventKind::WorktreeUpdated { .. } => {
                if let Some(row) = self.rows.iter_mut().find(|row| row.task == *task) {
                    row.take(&event.kind, event.at);
                }
            }
        }
    }

    /// Takes in what the runner sees. Whatever has no slot any more does not run.
    pub(crate) fn sight(&mut self, sight: &Sight, now: Timestamp) {
        self.rows.retain(|row| sight.running.iter().any(|running| running.task == row.task));
        self.over.retain(|task| sight.running.iter().any(|running| running.task == *task));
        for running in &sight.running {
            let Some(run) = &running.run else { continue };
            if self.over.contains(&running.task) || self.rows.iter().any(|row| row.task == running.task) {
                continue;
            }
            // An earlier runner started it, so no event told of it.
            let since = run.since.min(now);
            self.rows.push(Row { number: run.number, ..Row::new(&running.task, since, &run.title) });
        }
        self.sight = Some(sight.clone());
        self.sort();
    }

    /// A row keeps its place while others come and go.
    fn sort(&mut self) {
        let Some(sight) = &self.sight else { return };
        self.rows.sort_by_key(|row| sight.running.iter().position(|running| running.task == row.task));
    }

    /// Returns what all runs of this session used so far.
    pub(crate) fn spent(&self) -> Spent {
        self.rows.iter().fold(self.spent, |mut sum, row| {
            sum.add(row.spent());
            sum
        })
    }

    fn end(&mut self, task: &TaskId, last: Option<Spent>) {
        self.over.insert(task.clone());
        let Some(index) = self.rows.iter().position(|row| row.task == *task) else {
            self.spent.add(last.unwrap_or_default());
            return;
        };
        let row = self.rows.remove(index);
        self.spent.add(row.before);
        self.spent.add(last.unwrap_or(row.now));
    }
}

impl Row {
    fn take(&mut self, kind: &StreamEventKind, at: Timestamp) {
        match kind {
            StreamEventKind::RunCreated { number, .. } => {
                self.number = *number;
                self.since = at;
            }
            StreamEventKind::TaskMessage { spent, .. } => {
                self.now = spent.unwrap_or(self.now);
                self.action = words(kind);
            }
            StreamEventKind::TaskUpdated { spent, .. } => {
                self.before.add(spent.unwrap_or(self.now));
                self.now = Spent::default();
                self.action = words(kind);
            }
            StreamEventKind::WorkerLog { .. } => self.action = words(kind),
            // Where a worktree lies takes the whole line, and says little while one looks.
            StreamEventKind::WorktreeUpdated { .. }
            | StreamEventKind::TaskStarted { .. }
            | StreamEventKind::TaskFinished { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{adopted, at, event, id, sight, started};
    use super::*;

    fn model(events: &[StreamEvent]) -> Model {
        let mut model = Model::new(RunnerKind::Run);
        for event in events {
            model.event(event);
        }
        model
    }

    fn used(turns: u64, cost_usd: f64) -> Spent {
        Spent { turns, cost_usd: Some(cost_usd) }
    }

    fn message(spent: Spent) -> StreamEventKind {
        StreamEventKind::TaskMessage { message: "Looking.".to_owned(), spent: Some(spent) }
    }

    fn finished(spent: Option<Spent>) -> StreamEventKind {
        StreamEventKind::TaskFinished { outcome: Outcome::Done, message: String::new(), spent }
    }

    fn run_ended(spent: Spent) -> StreamEventKind {
        let spent = Some(spent);
        StreamEventKind::TaskUpdated {
            update: TaskUpdate::RunEnded,
            message: "run 1 failed".to_owned(),
            spent,
        }
    }

    fn tasks(model: &Model) -> Vec<&str> {
        model.rows.iter().map(|row| row.task.as_str()).collect()
    }

    #[test]
    fn a_cost_is_counted_once_whether_its_run_goes_on_or_is_over() {
        let mut model = model(&[started("a", 0), event("a", 1, message(used(3, 0.5)))]);
        assert_eq!(model.spent(), used(3, 0.5));
        model.event(&event("a", 2, run_ended(used(3, 0.5))));
        assert_eq!(model.spent(), used(3, 0.5));
        model.event(&event("a", 3, message(used(1, 0.25))));
        assert_eq!(model.rows[0].spent(), used(4, 0.75));
        model.event(&event("a", 4, finished(Some(used(2, 0.5)))));
        assert_eq!(model.spent(), used(5, 1.0));
    }

    #[test]
    fn a_run_that_an_earlier_runner_started_shows_its_real_age() {
        let mut model = model(&[]);
        let mut sight = sight(&[], &[]);
        sight.running.push(adopted("old", -600));
        model.sight(&sight, at(0));
        let row = &model.rows[0];
        assert_eq!((row.since, row.number, row.action.as_str()), (at(-600), 2, "Left behind"));
    }

    #[test]
    fn a_task_that_is_over_does_not_come_back_with_a_sight_from_before() {
        let mut model = model(&[started("a", 0), event("a", 1, finished(None))]);
        let mut late = sight(&[], &[]);
        late.running.push(adopted("a", 0));
        model.sight(&late, at(2));
        assert_eq!(tasks(&model), [""; 0]);
        model.sight(&sight(&[], &[]), at(3));
        model.event(&started("a", 4));
        assert_eq!(tasks(&model), ["a"]);
    }

    #[test]
    fn a_task_whose_claim_failed_without_a_word_does_not_stay() {
        let mut model = model(&[started("a", 0), started("b", 0)]);
        model.sight(&sight(&["b"], &[]), at(1));
        assert_eq!(tasks(&model), ["b"]);
    }

    #[test]
    fn a_row_keeps_the_place_of_its_slot() {
        let mut model = model(&[]);
        model.sight(&sight(&["b", "a"], &[]), at(0));
        model.event(&started("a", 0));
        model.event(&started("b", 1));
        assert_eq!(tasks(&model), ["b", "a"]);
    }

    #[test]
    fn a_run_begins_anew_with_each_retry() {
        let created = StreamEventKind::RunCreated { number: 2, run_kind: crate::run::RunKind::Retry };
        let model = model(&[started("a", 0), event("a", 60, created)]);
        assert_eq!((model.rows[0].since, model.rows[0].number), (at(60), 2));
        assert_eq!(model.rows[0].task, id("a"));
    }
}
