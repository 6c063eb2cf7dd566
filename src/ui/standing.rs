//! Where a task stands, in words: one for a table, a sentence for a page, and what to do next.

use anstyle::Style;

use super::{CYAN, DIM, GREEN, PLAIN, RED, YELLOW};
use crate::run::{FailureReason, Outcome, RunKind};
use crate::schedule::{Hold, Standing, Unfinished, WaitingBecause};
use crate::task::TaskId;

/// Returns the one word for a standing.
pub fn word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Draft => "draft",
        Standing::Held { hold: Hold::Invalid } => "invalid",
        Standing::Held { hold: Hold::Unreadable { .. } } => "unreadable",
        Standing::Held { hold: Hold::Waiting { .. } } => "waiting",
        Standing::Held {
            hold:
                Hold::Unsettled { .. }
                | Hold::Refused { .. }
                | Hold::Untrusted
                | Hold::FileMissing
                | Hold::Service { .. },
        } => "held",
        Standing::Queued { .. } => "queued",
        Standing::Running => "running",
        Standing::Interrupted => "interrupted",
        Standing::Elsewhere { .. } => "elsewhere",
        Standing::Ended { outcome, .. } => outcome.name(),
    }
}

/// Returns how the word looks.
pub fn style(standing: &Standing) -> Style {
    match standing {
        Standing::Draft | Standing::Elsewhere { .. } => DIM,
        Standing::Held { hold: Hold::Invalid | Hold::Unreadable { .. } } => RED,
        Standing::Held { .. } | Standing::Interrupted => YELLOW,
        Standing::Queued { .. } => PLAIN,
        Standing::Running => CYAN,
        Standing::Ended { outcome, .. } => outcome_style(*outcome),
    }
}

/// Returns how an outcome looks.
pub fn outcome_style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Done => GREEN,
        Outcome::Failed => RED,
        Outcome::Cancelled | Outcome::Interrupted => YELLOW,
    }
}

/// Returns what the word leaves out, as a sentence, or an empty text when it says it all.
pub fn explanation(standing: &Standing) -> String {
    match standing {
        Standing::Draft => "Kept out of the queue by `draft: true`.".to_owned(),
        Standing::Held { hold } => hold_explanation(hold),
        Standing::Queued { run_kind: RunKind::First } => "Runs when a slot is free.".to_owned(),
        Standing::Queued { run_kind } => format!("Runs when a slot is free, as a {}.", run_kind.name()),
        Standing::Running => String::new(),
        Standing::Interrupted => "The runner was stopped in the middle.".to_owned(),
        Standing::Elsewhere { machine } => format!("The runner of machine {machine} has it."),
        Standing::Ended { message, .. } => message.clone(),
    }
}

/// Returns the command that comes next, or `None` when there is nothing to do but wait.
pub fn next_step(task: &TaskId, standing: &Standing) -> Option<String> {
    let command = |words: String| Some(format!("git claudedo {words}"));
    match standing {
        Standing::Draft | Standing::Held { hold: Hold::Invalid | Hold::FileMissing } => {
            command(format!("edit {task}"))
        }
        Standing::Held { hold: Hold::Waiting { on, because: WaitingBecause::NotDone } } => {
            command(format!("retry {on}"))
        }
        Standing::Held { hold: Hold::Untrusted } => command(format!("approve {task}")),
        Standing::Held {
            hold:
                Hold::Unsettled { .. } | Hold::Refused { .. } | Hold::Unreadable { .. } | Hold::Waiting { .. },
        }
        | Standing::Elsewhere { .. } => None,
        Standing::Held { hold: Hold::Service { .. } } | Standing::Queued { .. } | Standing::Interrupted => {
            command("run".to_owned())
        }
        Standing::Running => command(format!("logs --follow {task}")),
        Standing::Ended { outcome: Outcome::Done, .. } => command(format!("diff {task}")),
        Standing::Ended { outcome: Outcome::Failed, .. } => command(format!("logs {task}")),
        Standing::Ended { outcome: Outcome::Cancelled | Outcome::Interrupted, .. } => {
            command(format!("retry {task}"))
        }
    }
}

/// Returns which limit of the service holds the queue, as a fragment.
pub fn service_words(reason: FailureReason) -> &'static str {
    if reason == FailureReason::Login {
        "the agent is not logged in"
    } else if reason == FailureReason::Billing {
        "the agent's account cannot pay"
    } else if reason == FailureReason::UsageLimit {
        "the agent's usage limit is reached"
    } else {
        "the agent's service takes no work"
    }
}

fn hold_explanation(hold: &Hold) -> String {
    match hold {
        Hold::Invalid => "Its file cannot be read.".to_owned(),
        Hold::Unsettled { because: Unfinished::Changing } => "Its file was changed a moment ago.".to_owned(),
        Hold::Unsettled { because: Unfinished::NoFinalNewline } => {
            "Its file does not end in a newline, so somebody may still be writing it.".to_owned()
        }
        Hold::Refused { message } => format!("{message}."),
        Hold::Untrusted => {
            "Nobody on this machine approved what its file says, or the approval was revoked.".to_owned()
        }
        Hold::Unreadable { message } => format!("{message}."),
        Hold::FileMissing => "Its file is gone.".to_owned(),
        Hold::Waiting { on, because: WaitingBecause::NotYetDone } => {
            format!("Waits for {on}, which is not done yet.")
        }
        Hold::Waiting { on, because: WaitingBecause::NotDone } => {
            format!("Waits for {on}, which ended without being done.")
        }
        Hold::Waiting { on, because: WaitingBecause::Unknown } => {
            format!("Waits for {on}, and no such task is known.")
        }
        Hold::Service { until: Some(until), message, .. } => {
            format!("Goes on after {}: {message}", until.to_local_minutes())
        }
        Hold::Service { until: None, message, .. } => format!("Goes on with the next start: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standing_that_a_person_can_change_names_the_next_command() {
        let task: TaskId = "fix-it-1a2b".parse().unwrap();
        let waiting = |because| Standing::Held { hold: Hold::Waiting { on: task.clone(), because } };
        let steps = [
            (Standing::Draft, Some("git claudedo edit fix-it-1a2b")),
            (Standing::Queued { run_kind: RunKind::First }, Some("git claudedo run")),
            (Standing::Running, Some("git claudedo logs --follow fix-it-1a2b")),
            (Standing::Interrupted, Some("git claudedo run")),
            (Standing::Held { hold: Hold::Untrusted }, Some("git claudedo approve fix-it-1a2b")),
            (waiting(WaitingBecause::NotDone), Some("git claudedo retry fix-it-1a2b")),
            (waiting(WaitingBecause::NotYetDone), None),
        ];
        for (standing, step) in steps {
            assert_eq!(next_step(&task, &standing).as_deref(), step, "{standing:?}");
        }
    }
}
