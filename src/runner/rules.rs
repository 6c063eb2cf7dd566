//! What the traces of a run mean for whoever finds them. Pure: the simulation walks by the same rules.

use super::follow::Following;
use super::plan::Intent;
use crate::agent::judge::Cancel;
use crate::run::{EventKind, Judgement, MachineId, Outcome, StoredState, TaskEvent};
use crate::store::history::TaskHistory;

/// Runs that were found with a plan, sorted out.
#[derive(Debug)]
pub(crate) struct SortedOut<P> {
    /// The run of each task that may not be over yet.
    pub(crate) latest: Vec<P>,
    /// Those that have a later one, and so have their records already.
    pub(crate) earlier: Vec<P>,
}

/// Tells the last run of each task from those that came before it. Ids of runs are times, and clocks are set back: their
/// numbers count.
pub(crate) fn sorted_out<P>(mut plans: Vec<P>, intent: impl Fn(&P) -> &Intent) -> SortedOut<P> {
    plans.sort_by_key(|plan| (intent(plan).number, intent(plan).run));
    let mut sorted = SortedOut { latest: Vec::<P>::new(), earlier: Vec::new() };
    for plan in plans {
        let of_task = |found: &P| intent(found).task == intent(&plan).task;
        match sorted.latest.iter().position(of_task) {
            Some(place) => sorted.earlier.push(std::mem::replace(&mut sorted.latest[place], plan)),
            None => sorted.latest.push(plan),
        }
    }
    sorted
}

/// Whether the claim of a run stands in the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claiming {
    /// It does.
    Written,
    /// It does not, and is to be written before anything else happens.
    Missing,
    /// It does, and so does its end: nothing of it is to be run any more.
    Over,
}

/// Says whether the claim of a run whose agent was never started has to be written down.
pub(crate) fn claiming(history: &TaskHistory, intent: &Intent) -> Claiming {
    if matches!(&history.state, StoredState::Claimed { claim, .. } if *claim == intent.claim) {
        return Claiming::Written;
    }
    let is_claim =
        |event: &TaskEvent| matches!(event.kind, EventKind::Claimed { claim } if claim == intent.claim);
    if history.events.iter().any(is_claim) { Claiming::Over } else { Claiming::Missing }
}

/// Returns whether a claim was planned and nothing else: its file may say something else by now, so it is planned anew.
/// Who was asked to end it has its claim written and ended, as was promised.
pub(crate) fn is_only_planned(history: &TaskHistory, intent: &Intent, cancel: Cancel) -> bool {
    intent.run == intent.claim
        && cancel == Cancel::NotRequested
        && claiming(history, intent) == Claiming::Missing
}

/// What the records say of a run whose agent is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// Nothing yet: its record is to be written, with the end of the claim if this was its last run.
    Nothing,
    /// Its record, and the claim is not over.
    Record,
    /// Its record, and the claim is over.
    RecordAndEnd,
    /// The claim is over, and the run has no record. It gets one; the end stays as it is.
    End,
}

/// Says what the records say of a run.
pub(crate) fn written(history: &TaskHistory, intent: &Intent) -> Written {
    let is_recorded = history.runs.iter().any(|run| run.run == intent.run);
    let is_open = claiming(history, intent) == Claiming::Written;
    match (is_recorded, is_open) {
        (false, true) => Written::Nothing,
        (true, true) => Written::Record,
        (true, false) => Written::RecordAndEnd,
        (false, false) => Written::End,
    }
}

/// Returns what an end means once its work is kept, which may take a while: whoever cancelled meanwhile was promised that
/// no success follows.
pub(crate) fn judged_at_last(judgement: Judgement, cancel: Cancel) -> Judgement {
    match cancel {
        Cancel::Requested => Judgement::Cancelled,
        Cancel::NotRequested => judgement,
    }
}

/// Returns what is still to follow a run. Once the claim is over, nothing does, whatever its folder says by now: a log may
/// have been cut by a power cut, a cancel may have come too late. A hold without a known end was for the runner
/// that saw it.
pub(crate) fn left_to_follow(following: Following, written: Written) -> Following {
    match (written, following) {
        (Written::Nothing | Written::Record, following)
        | (Written::RecordAndEnd | Written::End, following @ Following::Hold { until: Some(_), .. }) => {
            following
        }
        (
            Written::RecordAndEnd | Written::End,
            Following::Again { .. } | Following::End | Following::Hold { .. },
        ) => Following::End,
    }
}

/// Returns how a task is cancelled that nobody works on and that has no run to be ended.
pub(crate) fn withdrawal(history: &TaskHistory, here: &MachineId, message: String) -> EventKind {
    if let Some(EventKind::Finished { claim, run, .. }) = end_of_lost(history, here) {
        return EventKind::Finished { claim, run, outcome: Outcome::Cancelled, reason: None, message };
    }
    EventKind::Cancelled { message }
}

/// Returns the end of a claim of this machine that nobody works on and that has no folder to go on with.
pub(crate) fn end_of_lost(history: &TaskHistory, here: &MachineId) -> Option<EventKind> {
    match &history.state {
        StoredState::Claimed { claim, machine, .. } if machine == here => Some(EventKind::Finished {
            claim: *claim,
            run: history.last_run().map_or(*claim, |run| run.run),
            outcome: Outcome::Interrupted,
            reason: None,
            message: "Nobody can go on with the run: its folder is gone, or its plan cannot be read. Its branch and records are kept.".to_owned(),
        }),
        StoredState::New
        | StoredState::Requested { .. }
        | StoredState::Held { .. }
        | StoredState::Claimed { .. }
        | StoredState::Ended { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{FailureReason, RunId, RunKind};
    use crate::runner::decide::SlotId;
    use crate::timestamp::Timestamp;

    fn here() -> MachineId {
        "0123456789abcdef".parse().unwrap()
    }

    fn history(kinds: Vec<EventKind>) -> TaskHistory {
        let event = |(kind, lamport): (EventKind, u64)| TaskEvent {
            version: 1,
            lamport,
            machine: here(),
            task: "fix".parse().unwrap(),
            at: Timestamp::from_unix_milliseconds(0).unwrap(),
            kind,
        };
        let events = kinds.into_iter().zip(1..).map(event).collect();
        let mut history = TaskHistory { events, ..TaskHistory::default() };
        history.settle();
        history
    }

    fn intent(claim: RunId, number: u32) -> Intent {
        Intent {
            run: RunId::new_unique(),
            claim,
            task: "fix".parse().unwrap(),
            task_text: String::new(),
            title: String::new(),
            number,
            kind: RunKind::First,
            slot: SlotId(1),
            planned: Timestamp::from_unix_milliseconds(0).unwrap(),
        }
    }

    fn held(until: Option<Timestamp>) -> Following {
        Following::Hold { until, reason: FailureReason::Login, message: String::new() }
    }

    #[test]
    fn nothing_follows_a_run_whose_claim_is_over() {
        let claim = RunId::new_unique();
        let claimed = EventKind::Claimed { claim };
        let end = end_of_lost(&history(vec![claimed.clone()]), &here()).unwrap();
        let over = written(&history(vec![claimed.clone(), end]), &intent(claim, 1));
        assert_eq!(over, Written::End);
        assert_eq!(left_to_follow(held(None), over), Following::End, "the runner that saw it is gone");
        let known = held(Timestamp::from_unix_milliseconds(9));
        assert_eq!(left_to_follow(known.clone(), over), known);
        let open = written(&history(vec![claimed]), &intent(claim, 1));
        assert_eq!(open, Written::Nothing);
        assert_eq!(left_to_follow(held(None), open), held(None));
    }

    #[test]
    fn the_last_run_of_a_claim_is_known_also_when_the_clock_was_set_back_before_it() {
        let claim = RunId::new_unique();
        let mut later = intent(claim, 2);
        later.run = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        let earlier = intent(claim, 1);
        let sorted = sorted_out(vec![later.clone(), earlier.clone()], |intent| intent);
        assert_eq!((sorted.latest, sorted.earlier), (vec![later], vec![earlier]));
    }

    #[test]
    fn a_claim_that_is_over_is_not_claimed_again() {
        let claim = RunId::new_unique();
        let (claimed, next) = (EventKind::Claimed { claim }, intent(claim, 2));
        assert_eq!(claiming(&history(Vec::new()), &next), Claiming::Missing);
        assert_eq!(claiming(&history(vec![claimed.clone()]), &next), Claiming::Written);
        let held = EventKind::Held {
            claim,
            run: claim,
            until: None,
            reason: FailureReason::Login,
            message: String::new(),
        };
        assert_eq!(claiming(&history(vec![claimed, held]), &next), Claiming::Over);
    }

    #[test]
    fn a_cancel_that_comes_while_the_work_is_kept_counts() {
        assert_eq!(judged_at_last(Judgement::Success, Cancel::Requested), Judgement::Cancelled);
        assert_eq!(judged_at_last(Judgement::Success, Cancel::NotRequested), Judgement::Success);
    }

    #[test]
    fn a_claim_that_nobody_can_go_on_with_can_be_cancelled() {
        let claim = RunId::new_unique();
        let claimed = history(vec![EventKind::Claimed { claim }]);
        let end = withdrawal(&claimed, &here(), "enough".to_owned());
        assert!(
            matches!(&end, EventKind::Finished { claim: of, outcome: Outcome::Cancelled, .. } if *of == claim),
            "{end:?}"
        );
        let queued = withdrawal(&history(Vec::new()), &here(), "enough".to_owned());
        assert_eq!(queued, EventKind::Cancelled { message: "enough".to_owned() });
    }
}
