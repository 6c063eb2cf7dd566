//! Which lines are shown, and what gives way where there is no room for all.
//!
//! ```text
//! ── 2 running, 16 queued, 3 held, 4 done, 1 failed, $1.24 ──
//! fix-login-7k3f  3m05s  4 turns, $0.12  Bash: cargo test -q
//! colours-2m9c      12s  1 turn          Read: src/main.rs
//! next: greeting-1a2b, moon-9d2w and 14 more
//! 1 invalid: fix-x-1a2b: line 3: unknown key "modle"
//! 2 waiting: docs-3c4d for fix-login-7k3f, release-5e6f for docs-3c4d
//! Ctrl-C: start no more; twice: cancel what runs
//! ```

use anstyle::Style;

use super::line::Line;
use super::model::{Model, OUTCOMES, Row};
use super::words::{clock, group, groups, names, queue_hold};
use crate::os::process::TerminalSize;
use crate::runner::{Phase, Sight};
use crate::store::runner_lock::RunnerKind;
use crate::timestamp::Timestamp;
use crate::ui::figures::dollars;
use crate::ui::stream_words::spent;
use crate::ui::width::display_width;
use crate::ui::{BOLD, CYAN, DIM, PLAIN, YELLOW, standing};

/// Narrower than this, what a run has used gives way to what it does.
const SPENT_COLUMNS_MIN: usize = 60;

/// Returns the lines, each short enough for one row and all together fewer than the terminal has.
pub(crate) fn lines(model: &Model, size: TerminalSize, now: Timestamp) -> Vec<Line> {
    // The last column stays free: some terminals go on to the next line when it is written.
    let columns = size.columns.saturating_sub(1);
    let Some(sight) = &model.sight else { return Vec::new() };
    let mut room = Room::new(size.rows);
    let header = room.take(vec![header(model, sight)]);
    let notice = room.take(notice(model, sight));
    let hold: Vec<Line> = sight.hold.iter().map(|hold| Line::of(YELLOW, &queue_hold(hold, now))).collect();
    let hold = room.take(hold);
    let rows =
        if model.rows.is_empty() { idle(model, sight, now) } else { rows(model, now, (columns, room.left)) };
    let rows = room.take(rows);
    let next = room.take(next(sight, columns));
    // One line for all that is held is enough where the hint would have no room otherwise.
    let waiting = room.take(held(sight, now, (columns, room.left.saturating_sub(1).max(1))));
    let hint = room.take(hint(model, sight));
    let lines = [header, rows, next, waiting, hold, notice, hint];
    lines.into_iter().flatten().map(|line| line.cut(columns)).collect()
}

/// How many lines there is room for.
struct Room {
    left: usize,
}

impl Room {
    /// A quarter of the terminal stays for what scrolls by, and the line that the cursor stands in.
    fn new(rows: usize) -> Self {
        Self { left: rows.saturating_sub((rows / 4).max(1)).max(1) }
    }

    fn take(&mut self, mut lines: Vec<Line>) -> Vec<Line> {
        lines.truncate(self.left);
        self.left -= lines.len();
        lines
    }
}

/// Counts everything. The rule is short: one across the screen would be broken where it is made narrower.
fn header(model: &Model, sight: &Sight) -> Line {
    let held: usize = sight.held.iter().map(|group| group.count).sum();
    let running = match model.rows.len() {
        0 => (PLAIN, "nothing running".to_owned()),
        count => (CYAN, format!("{count} running")),
    };
    let counts = [(sight.queued, "queued", PLAIN), (held, "held", YELLOW)];
    let counts = counts.into_iter().filter(|(count, _, _)| *count > 0);
    let counts = counts.map(|(count, word, style)| (style, format!("{count} {word}")));
    let parts: Vec<_> = [running].into_iter().chain(counts).chain(ended(model)).collect();
    joined(Line::of(DIM, "── "), parts).with(DIM, " ──")
}

/// Returns what ended while this runner was at work, as in `9 done, 1 cancelled, $1.24`, where its parts tell less:
/// more than one task did, and it had a cost.
pub(crate) fn summary(model: &Model) -> Option<Line> {
    let tasks: usize = model.ended.iter().sum();
    model.spent().cost_usd.filter(|_| tasks > 1).map(|_| joined(Line::default(), ended(model)))
}

fn ended(model: &Model) -> Vec<(Style, String)> {
    let outcomes = OUTCOMES.iter().zip(model.ended).filter(|(_, count)| *count > 0);
    let counts = outcomes
        .map(|(outcome, count)| (standing::outcome_style(*outcome), format!("{count} {}", outcome.name())));
    let cost = model.spent().cost_usd.filter(|cost| *cost > 0.0).map(|cost| (BOLD, dollars(cost)));
    counts.chain(cost).collect()
}

fn joined(start: Line, parts: Vec<(Style, String)>) -> Line {
    parts.into_iter().enumerate().fold(start, |line, (index, (style, text))| {
        if index > 0 { line.with(DIM, ", ") } else { line }.with(style, &text)
    })
}

/// What the runner was told, which must not be overlooked.
fn notice(model: &Model, sight: &Sight) -> Vec<Line> {
    let running = model.rows.len();
    let words = match sight.phase {
        Phase::Open => return Vec::new(),
        Phase::Draining if running == 0 => "Ending".to_owned(),
        Phase::Draining => "Starting no more; waiting for what runs. Ctrl-C: cancel it".to_owned(),
        Phase::Cancelling => "Cancelling what runs; everything is kept".to_owned(),
    };
    vec![Line::of(YELLOW, &words)]
}

fn hint(model: &Model, sight: &Sight) -> Vec<Line> {
    let words = match sight.phase {
        Phase::Open if model.rows.is_empty() => "Ctrl-C: end",
        Phase::Open => "Ctrl-C: start no more; twice: cancel what runs",
        Phase::Draining | Phase::Cancelling => return Vec::new(),
    };
    vec![Line::of(DIM, words)]
}

/// What a runner waits for that runs nothing.
fn idle(model: &Model, sight: &Sight, now: Timestamp) -> Vec<Line> {
    let release = sight.next_release.map(|release| release.to_local_short(now));
    let words = match (model.kind, release) {
        _ if sight.phase != Phase::Open || sight.hold.is_some() => return Vec::new(),
        // One task is over and the next one about to start.
        _ if sight.queued > 0 || !sight.running.is_empty() => return Vec::new(),
        (RunnerKind::Watch, None) => "Waiting for tasks in .claudedo/tasks".to_owned(),
        (RunnerKind::Watch, Some(at)) => {
            format!("Waiting for tasks in .claudedo/tasks, and until {at} for those held")
        }
        (RunnerKind::Run | RunnerKind::Hook, Some(at)) => format!("Waiting until {at} for those held"),
        (RunnerKind::Run | RunnerKind::Hook, None) => return Vec::new(),
    };
    vec![Line::of(PLAIN, &words)]
}

/// The tasks at work, as a table, and how many more there are.
fn rows(model: &Model, now: Timestamp, (columns, left): (usize, usize)) -> Vec<Line> {
    let shown = if model.rows.len() > left { left.saturating_sub(1).max(1) } else { model.rows.len() };
    let cells: Vec<[String; 3]> = model.rows[..shown].iter().map(|row| cells(row, now)).collect();
    let width =
        |index: usize| cells.iter().map(|row: &[String; 3]| display_width(&row[index])).max().unwrap_or(0);
    let task_width = width(0).min((columns / 3).max(12));
    let spent_width = if columns < SPENT_COLUMNS_MIN { 0 } else { width(2) };
    let mut lines: Vec<Line> = model.rows[..shown]
        .iter()
        .zip(&cells)
        .map(|(row, [task, time, spent])| {
            let task = Line::of(CYAN, task).cut(task_width);
            let gap = " ".repeat(task_width - task.width() + 2 + width(1) - time.len());
            let line = task.with(PLAIN, &format!("{gap}{time}"));
            let line =
                if spent_width == 0 { line } else { line.with(DIM, &format!("  {spent:spent_width$}")) };
            line.with(PLAIN, &format!("  {}", action(row)))
        })
        .collect();
    if model.rows.len() > shown {
        lines.push(Line::of(DIM, &format!("and {} more", model.rows.len() - shown)));
    }
    lines
}

fn cells(row: &Row, now: Timestamp) -> [String; 3] {
    [row.task.to_string(), clock(now.since(row.since)), spent(row.spent())]
}

fn action(row: &Row) -> String {
    if row.number > 1 { format!("run {}: {}", row.number, row.action) } else { row.action.clone() }
}

/// The queue in order.
fn next(sight: &Sight, columns: usize) -> Vec<Line> {
    const START: &str = "next: ";
    if sight.queued == 0 {
        return Vec::new();
    }
    let left = columns.saturating_sub(START.len());
    let queue: Vec<String> = sight.queue.iter().take(left / 3 + 1).map(ToString::to_string).collect();
    vec![Line::of(DIM, START).with(PLAIN, &names(&queue, sight.queued, left))]
}

/// A line for each kind of reason, or one for all where there is room for one only.
fn held(sight: &Sight, now: Timestamp, (columns, left): (usize, usize)) -> Vec<Line> {
    if sight.held.len() <= left {
        sight.held.iter().map(|held| group(held, now, columns)).collect()
    } else {
        vec![groups(&sight.held, now)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::line::Look;
    use super::super::samples::{adopted, at, event, held, id, sight, started};
    use super::*;
    use crate::run::{FailureReason, Outcome};
    use crate::runner::QueueHold;
    use crate::schedule::{Hold, WaitingBecause};
    use crate::store::event_stream::{Spent, StreamEventKind};

    /// Two that run, a queue of sixteen, three that are held, five that ended.
    fn busy() -> Model {
        let mut model = Model::new(RunnerKind::Run);
        let names: Vec<String> = (1..=16).map(|number| format!("greeting-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut seen = sight(&["fix-login-7k3f", "colours-2m9c"], &names);
        let waiting = Hold::Waiting { on: id("colours-2m9c"), because: WaitingBecause::NotYetDone };
        seen.held = vec![
            held("fix-x-1a2b", Hold::Invalid, Some("line 3: unknown key \"modle\"")),
            held("docs-3c4d", waiting, None),
        ];
        model.sight(&seen, at(0));
        model.event(&started("fix-login-7k3f", 0));
        model.event(&started("colours-2m9c", 173));
        let spent = Some(Spent { turns: 4, cost_usd: Some(0.12) });
        let message = "Bash: cargo test -q".to_owned();
        model.event(&event("fix-login-7k3f", 180, StreamEventKind::TaskMessage { message, spent }));
        for (task, outcome) in [("a", Outcome::Done), ("b", Outcome::Done), ("c", Outcome::Failed)] {
            let spent = Some(Spent { turns: 1, cost_usd: Some(0.5) });
            let kind = StreamEventKind::TaskFinished { outcome, message: String::new(), spent };
            model.event(&event(task, 100, kind));
        }
        model
    }

    fn shown(model: &Model, columns: usize, rows: usize) -> String {
        let lines = lines(model, TerminalSize { columns, rows }, at(185));
        lines.iter().map(|line| line.show(Look::Plain)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn all_is_shown_where_there_is_room() {
        insta::assert_snapshot!(shown(&busy(), 80, 24), @r#"
        ── 2 running, 16 queued, 2 held, 2 done, 1 failed, $1.62 ──
        fix-login-7k3f  3m05s  4 turns, $0.12  Bash: cargo test -q
        colours-2m9c      12s                  Title of colours-2m9c
        next: greeting-1, greeting-2, greeting-3, greeting-4, greeting-5 and 11 more
        1 invalid: fix-x-1a2b: line 3: unknown key "modle"
        1 waiting: docs-3c4d for colours-2m9c
        Ctrl-C: start no more; twice: cancel what runs
        "#);
    }

    #[test]
    fn what_runs_stays_longest_where_there_is_little_room() {
        insta::assert_snapshot!(shown(&busy(), 40, 7), @r#"
        ── 2 running, 16 queued, 2 held, 2 don…
        fix-login-7k…  3m05s  Bash: cargo test…
        colours-2m9c     12s  Title of colours…
        next: greeting-1 and 15 more
        1 waiting, 1 invalid: fix-x-1a2b: line…
        Ctrl-C: start no more; twice: cancel w…
        "#);
        insta::assert_snapshot!(shown(&busy(), 40, 4), @"
        ── 2 running, 16 queued, 2 held, 2 don…
        fix-login-7k…  3m05s  Bash: cargo test…
        colours-2m9c     12s  Title of colours…
        ");
        insta::assert_snapshot!(shown(&busy(), 40, 3), @"
        ── 2 running, 16 queued, 2 held, 2 don…
        fix-login-7k…  3m05s  Bash: cargo test…
        ");
    }

    #[test]
    fn somebody_who_asked_for_the_end_reads_what_comes_next() {
        let mut model = busy();
        for (phase, last) in [
            (Phase::Draining, "Starting no more; waiting for what runs. Ctrl-C: cancel it"),
            (Phase::Cancelling, "Cancelling what runs; everything is kept"),
        ] {
            model.sight.as_mut().unwrap().phase = phase;
            for rows in [3, 6, 24] {
                assert_eq!(shown(&model, 80, rows).lines().last(), Some(last), "{rows} rows");
            }
        }
    }

    #[test]
    fn a_runner_without_work_says_what_it_waits_for() {
        let mut model = Model::new(RunnerKind::Watch);
        model.sight(&sight(&[], &[]), at(0));
        insta::assert_snapshot!(shown(&model, 80, 24), @"
        ── nothing running ──
        Waiting for tasks in .claudedo/tasks
        Ctrl-C: end
        ");
        model.sight.as_mut().unwrap().next_release = Some(at(3600));
        let until = at(3600).to_local_short(at(185));
        let waits = format!("Waiting for tasks in .claudedo/tasks, and until {until} for those held");
        assert_eq!(shown(&model, 80, 24).lines().nth(1), Some(waits.as_str()));
        model.kind = RunnerKind::Run;
        assert_eq!(
            shown(&model, 80, 24).lines().nth(1),
            Some(&*format!("Waiting until {until} for those held"))
        );
    }

    #[test]
    fn a_limit_of_the_service_is_told_with_its_end() {
        let mut model = Model::new(RunnerKind::Run);
        let mut seen = sight(&[], &["next-one"]);
        seen.hold = Some(QueueHold { until: Some(at(3600)), reason: FailureReason::UsageLimit });
        model.sight(&seen, at(0));
        let until = at(3600).to_local_short(at(185));
        let told = format!("held until {until}: the agent's usage limit is reached");
        assert_eq!(shown(&model, 80, 24).lines().nth(2), Some(told.as_str()));
    }

    #[test]
    fn a_retry_shows_its_number() {
        let mut model = Model::new(RunnerKind::Run);
        let mut seen = sight(&[], &[]);
        seen.running.push(adopted("old", -3600));
        model.sight(&seen, at(0));
        assert_eq!(shown(&model, 80, 24).lines().nth(1), Some("old  1h03m  run 2: Left behind"));
    }

    #[test]
    fn several_that_ended_are_summed_up() {
        assert_eq!(summary(&busy()).unwrap().show(Look::Plain), "2 done, 1 failed, $1.62");
        assert_eq!(summary(&Model::new(RunnerKind::Run)), None);
    }

    proptest! {
        #[test]
        fn no_size_is_too_small(columns in 1_usize..100, rows in 1_usize..30, running in 0_usize..12) {
            let mut model = busy();
            let tasks: Vec<String> = (0..running).map(|number| format!("a-rather-long-name-{number}")).collect();
            let tasks: Vec<&str> = tasks.iter().map(String::as_str).collect();
            let mut seen = sight(&tasks, &["b", "c"]);
            seen.held = model.sight.as_ref().unwrap().held.clone();
            model.sight(&seen, at(0));
            for task in &tasks {
                model.event(&started(task, 0));
            }
            let lines = lines(&model, TerminalSize { columns, rows }, at(9));
            prop_assert!(lines.len() < rows.max(2), "{} lines in {rows} rows", lines.len());
            prop_assert!(lines.iter().all(|line| line.width() < columns));
        }
    }
}
