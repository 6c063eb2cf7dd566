//! What a sight says, in words that fit on a line.

use std::time::Duration;

use super::line::Line;
use crate::runner::QueueHold;
use crate::runner::sight::{HeldGroup, HeldTask};
use crate::schedule::{Hold, Unfinished, WaitingBecause};
use crate::timestamp::Timestamp;
use crate::ui::figures::elapsed;
use crate::ui::width::display_width;
use crate::ui::{DIM, PLAIN, standing};

/// Returns a length of time in whole seconds at the finest, as in `4s`, `3m05s`, `2h07m`: it is shown once a second.
pub(crate) fn clock(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..10 => format!("{seconds}s"),
        _ => elapsed(duration),
    }
}

/// Returns as many names as fit and how many more there are, as in `a, b and 14 more`.
pub(crate) fn names(names: &[String], total: usize, columns: usize) -> String {
    let mut fitting = String::new();
    for taken in (1..=names.len()).rev() {
        fitting = names[..taken].join(", ");
        if total > taken {
            fitting = format!("{fitting} and {} more", total - taken);
        }
        if display_width(&fitting) <= columns {
            return fitting;
        }
    }
    // Not even one and the number of the others: the line is cut where it ends.
    fitting
}

/// Returns why nothing starts, as in `held until 14:30: the agent's usage limit is reached`.
pub(crate) fn queue_hold(hold: &QueueHold, now: Timestamp) -> String {
    let until = hold.until.map_or(String::new(), |until| format!(" until {}", until.to_local_short(now)));
    format!("held{until}: {}", standing::service_words(hold.reason))
}

/// Returns the line of a group of held tasks, as in `1 invalid: fix-x-1a2b: line 3: unknown key "modle"`.
pub(crate) fn group(group: &HeldGroup, now: Timestamp, columns: usize) -> Line {
    let Some(first) = group.first.first() else { return Line::default() };
    let start = format!("{} {}: ", group.count, kind(&first.hold));
    let left = columns.saturating_sub(display_width(&start));
    let reasons: Vec<String> =
        group.first.iter().take(names_max(left)).map(|held| reason(held, now)).collect();
    Line::of(standing_style(&first.hold), &start).with(PLAIN, &names(&reasons, group.count, left))
}

/// Returns all groups in one line, as in `2 waiting, 1 invalid: fix-x-1a2b: line 3: unknown key "modle"`.
pub(crate) fn groups(groups: &[HeldGroup], now: Timestamp) -> Line {
    // The most important one comes last, so that its first task can follow.
    let first = groups.iter().rev().filter_map(|group| Some((group.count, group.first.first()?)));
    let counts = first.enumerate().fold(Line::default(), |line, (index, (count, held))| {
        let line = if index > 0 { line.with(PLAIN, ", ") } else { line };
        line.with(standing_style(&held.hold), &format!("{count} {}", kind(&held.hold)))
    });
    match groups.first().and_then(|group| group.first.first()) {
        Some(held) => counts.with(PLAIN, &format!(": {}", reason(held, now))),
        None => counts,
    }
}

/// No more names than this fit, however short they are: `x, `.
fn names_max(columns: usize) -> usize {
    columns / 3 + 1
}

/// Returns what tasks are that are held like this, as in `2 waiting`.
fn kind(hold: &Hold) -> &'static str {
    match hold {
        Hold::Invalid => "invalid",
        Hold::Unreadable { .. } => "unreadable",
        Hold::Untrusted => "not approved",
        Hold::Refused { .. } => "not allowed",
        Hold::FileMissing => "without a file",
        Hold::Unsettled { .. } => "being written",
        Hold::Service { .. } => "on hold",
        Hold::Waiting { .. } => "waiting",
    }
}

/// Returns a task and what its kind does not say.
fn reason(held: &HeldTask, now: Timestamp) -> String {
    let task = &held.task;
    match &held.hold {
        Hold::Invalid => match &held.problem {
            Some(problem) => format!("{task}: {problem}"),
            None => task.to_string(),
        },
        Hold::Refused { message } | Hold::Unreadable { message } => format!("{task}: {message}"),
        Hold::Service { until: Some(until), message, .. } => {
            format!("{task} until {}: {message}", until.to_local_short(now))
        }
        Hold::Service { until: None, message, .. } => format!("{task}: {message}"),
        Hold::Waiting { on, because: WaitingBecause::NotYetDone } => format!("{task} for {on}"),
        Hold::Waiting { on, because: WaitingBecause::NotDone } => format!("{task} for {on} (not done)"),
        Hold::Waiting { on, because: WaitingBecause::Unknown } => format!("{task} for {on} (unknown)"),
        Hold::Unsettled { because: Unfinished::NoFinalNewline } => format!("{task} (no newline at the end)"),
        Hold::Unsettled { because: Unfinished::Changing } | Hold::Untrusted | Hold::FileMissing => {
            task.to_string()
        }
    }
}

fn standing_style(hold: &Hold) -> anstyle::Style {
    match hold {
        Hold::Waiting { .. } | Hold::Unsettled { .. } => DIM,
        Hold::Invalid
        | Hold::Unreadable { .. }
        | Hold::Untrusted
        | Hold::Refused { .. }
        | Hold::FileMissing
        | Hold::Service { .. } => standing::style(&crate::schedule::Standing::Held { hold: hold.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::Look;
    use super::super::samples::{at, held, id};
    use super::*;

    fn shown(hold: Hold) -> String {
        group(&held("a-task", hold, None), at(0), 80).show(Look::Plain)
    }

    #[test]
    fn names_are_left_out_from_the_end_until_they_fit() {
        let list = ["one".to_owned(), "two".to_owned(), "three".to_owned()];
        for (total, columns, fitting) in [
            (3, 15, "one, two, three"),
            (3, 14, "one and 2 more"),
            (3, 18, "one, two, three"),
            (9, 18, "one and 8 more"),
            (9, 19, "one, two and 7 more"),
            (9, 3, "one and 8 more"),
        ] {
            assert_eq!(names(&list, total, columns), fitting, "{total} in {columns}");
        }
        assert_eq!(names(&[], 0, 20), "");
    }

    #[test]
    fn each_kind_of_hold_has_its_words() {
        let waiting = |because| Hold::Waiting { on: id("b"), because };
        assert_eq!(shown(waiting(WaitingBecause::NotYetDone)), "1 waiting: a-task for b");
        assert_eq!(shown(waiting(WaitingBecause::NotDone)), "1 waiting: a-task for b (not done)");
        assert_eq!(shown(Hold::Untrusted), "1 not approved: a-task");
        assert_eq!(
            shown(Hold::Refused { message: "permission_mode asks for a yes".to_owned() }),
            "1 not allowed: a-task: permission_mode asks for a yes"
        );
        assert_eq!(shown(Hold::FileMissing), "1 without a file: a-task");
    }

    #[test]
    fn a_length_of_time_has_whole_seconds() {
        let shown = |milliseconds| clock(Duration::from_millis(milliseconds));
        assert_eq!((shown(900), shown(59_900), shown(61_000)), ("0s".into(), "59s".into(), "1m01s".into()));
    }
}
