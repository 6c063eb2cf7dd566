//! The parts of the screen: which tasks stand in which, with what beside them and which next command.

use super::gather::Status;
use super::running::{Details, Running};
use super::surroundings::Unpushed;
use super::text::Screen;
use crate::schedule::{Hold, Standing, WaitingBecause};
use crate::store::history::{RunSummary, TaskHistory};
use crate::store::push_note::PushState;
use crate::store::runner_lock::Presence;
use crate::task::TaskId;
use crate::ui::figures::{count, dollars};
use crate::ui::table::{Cell, Column};
use crate::ui::{BOLD, CYAN, DIM, GREEN, PLAIN, RED, YELLOW, standing};

/// A part: its heading, its next commands, its rows.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) heading: &'a str,
    pub(super) style: anstyle::Style,
    pub(super) hints: &'a [&'a str],
    pub(super) columns: &'a [Column],
    pub(super) rows: Vec<Vec<Cell>>,
}

/// Why tasks are held, and what can be done about it.
struct Reason {
    heading: &'static str,
    hints: &'static [&'static str],
    is_it: fn(&Hold) -> bool,
}

const REASONS: [Reason; 6] = [
    Reason {
        heading: "Held until a limit of the service is lifted",
        hints: &[],
        is_it: |hold| matches!(hold, Hold::Service { until: Some(_), .. }),
    },
    Reason {
        heading: "Held until the next start",
        hints: &["use \"git claudedo run\" to try again"],
        is_it: |hold| matches!(hold, Hold::Service { until: None, .. }),
    },
    Reason {
        heading: "Held for good",
        hints: &["use \"git claudedo edit TASK\" to change what it waits for or asks for"],
        is_it: |hold| {
            matches!(
                hold,
                Hold::Refused { .. }
                    | Hold::FileMissing
                    | Hold::Waiting { because: WaitingBecause::NotDone | WaitingBecause::Unknown, .. }
            )
        },
    },
    Reason {
        heading: "Waiting for other tasks",
        hints: &[],
        is_it: |hold| matches!(hold, Hold::Waiting { because: WaitingBecause::NotYetDone, .. }),
    },
    Reason {
        heading: "Still being written",
        hints: &[],
        is_it: |hold| matches!(hold, Hold::Unsettled { .. }),
    },
    Reason {
        heading: "Tasks whose records cannot be read",
        hints: &["use \"git fsck\" to look for damage; another clone or a newer git-claudedo may help"],
        is_it: |hold| matches!(hold, Hold::Unreadable { .. }),
    },
];

/// What a person is to read to the end is not cut.
const EXPLAINED: &[Column] = &[Column::Left, Column::Left];
const NAMED: &[Column] = &[Column::Left, Column::Flexible];
const ENDED: &[Column] = &[Column::Left, Column::Left, Column::Right, Column::Flexible];
const RUNNING: &[Column] = &[Column::Left, Column::Left, Column::Left, Column::Right, Column::Flexible];

/// Returns the parts that have anything in them, in the order of the screen.
pub(super) fn parts(screen: &Screen, status: &Status<'_>, details: &Details) -> Vec<Part<'static>> {
    let mut parts = vec![running(screen, status, details), interrupted(status), queued(status)];
    parts.push(untrusted(status));
    parts.extend(REASONS.iter().map(|reason| held(screen, status, reason)));
    parts.extend([
        invalid(screen, status),
        review(screen, status),
        failed(screen, status),
        elsewhere(status),
        unpushed(screen, details),
    ]);
    parts.retain(|part| !part.rows.is_empty());
    parts
}

fn running(screen: &Screen, status: &Status<'_>, details: &Details) -> Part<'static> {
    let rows = status.parts.running.iter().zip(&details.running);
    Part {
        heading: "Running",
        style: CYAN,
        hints: &[
            "use \"git claudedo logs --follow TASK\" to look on",
            "use \"git claudedo cancel TASK\" to end it",
        ],
        columns: RUNNING,
        rows: rows.map(|(task, running)| running_row(screen, task, running)).collect(),
    }
}

fn running_row(screen: &Screen, task: &TaskId, running: &Running) -> Vec<Cell> {
    let number = running.number.map(|number| format!("run {number}"));
    let slot = running.slot.map(|slot| format!("slot {slot}"));
    let since = running.since.map(|since| screen.age(since));
    let last = running.last.as_deref().unwrap_or_default();
    let last = match running.cost_usd {
        Some(cost) => format!("{} so far; {last}", dollars(cost)),
        None => last.to_owned(),
    };
    vec![
        Cell::new(task.as_str(), PLAIN),
        Cell::new(&number.unwrap_or_default(), PLAIN),
        Cell::new(&slot.unwrap_or_default(), PLAIN),
        Cell::new(&since.unwrap_or_default(), DIM),
        Cell::new(&last, DIM),
    ]
}

fn interrupted(status: &Status<'_>) -> Part<'static> {
    Part {
        heading: "Interrupted",
        style: YELLOW,
        hints: match status.runner {
            Presence::Absent => &["use \"git claudedo run\" to go on"],
            Presence::Unknown | Presence::Known(_) => &[],
        },
        columns: NAMED,
        rows: status.parts.interrupted.iter().map(|task| titled(status, task)).collect(),
    }
}

fn queued(status: &Status<'_>) -> Part<'static> {
    Part {
        heading: "Queued",
        style: BOLD,
        hints: &[],
        columns: NAMED,
        rows: status.parts.queued.iter().map(|task| titled(status, task)).collect(),
    }
}

fn untrusted(status: &Status<'_>) -> Part<'static> {
    Part {
        heading: "Not approved on this machine",
        style: YELLOW,
        hints: &[
            "use \"git claudedo show TASK\" to read it",
            "use \"git claudedo approve TASK\" to let it run",
        ],
        columns: NAMED,
        rows: status.parts.untrusted.iter().map(|task| titled(status, task)).collect(),
    }
}

fn held(screen: &Screen, status: &Status<'_>, reason: &'static Reason) -> Part<'static> {
    let held = status.parts.held.iter().filter(|(_, hold)| (reason.is_it)(hold));
    let row = |(task, hold): &(&TaskId, &Hold)| {
        let explanation =
            screen.without_root(&standing::explanation(&Standing::Held { hold: (*hold).clone() }));
        vec![Cell::new(task.as_str(), PLAIN), Cell::new(&explanation, PLAIN)]
    };
    Part {
        heading: reason.heading,
        style: YELLOW,
        hints: reason.hints,
        columns: EXPLAINED,
        rows: held.map(row).collect(),
    }
}

fn invalid(screen: &Screen, status: &Status<'_>) -> Part<'static> {
    let row = |error: &&crate::task::TaskFileError| {
        let path = screen.path(&error.path).display();
        let place = match &error.place {
            Some(place) => format!("{path}:{}", place.line),
            None => path.to_string(),
        };
        vec![Cell::new(&place, PLAIN), Cell::new(&error.problem, PLAIN)]
    };
    Part {
        heading: "Files that cannot be read",
        style: RED,
        hints: &["use \"git claudedo edit TASK\" to mend one, \"git claudedo list\" to see how"],
        columns: EXPLAINED,
        rows: status.parts.invalid.iter().map(row).collect(),
    }
}

fn review(screen: &Screen, status: &Status<'_>) -> Part<'static> {
    let row = |task: &&TaskId| {
        let run = status.history(task).and_then(TaskHistory::last_run);
        let changes = Cell::new(&run.map(changes).unwrap_or_default(), GREEN);
        let [id, _, age, message] = ended(screen, status, task);
        let what = status.title(task).map_or(message, |title| Cell::new(title, PLAIN));
        vec![id, changes, age, what]
    };
    Part {
        heading: "Finished and not merged",
        style: GREEN,
        hints: &[
            "use \"git claudedo diff TASK\" to review it",
            "use \"git merge claudedo/TASK\" to take it",
            "use \"git claudedo prune --force TASK\" and \"git branch -D claudedo/TASK\" to drop it",
        ],
        columns: ENDED,
        rows: status.parts.review.iter().map(row).collect(),
    }
}

fn failed(screen: &Screen, status: &Status<'_>) -> Part<'static> {
    let row = |task: &&TaskId| ended(screen, status, task).to_vec();
    Part {
        heading: "Failed",
        style: RED,
        hints: &[
            "use \"git claudedo logs TASK\" to see why",
            "use \"git claudedo retry TASK\" to try again",
            "use \"git claudedo rm TASK\" to give it up",
        ],
        columns: ENDED,
        rows: status.parts.failed.iter().map(row).collect(),
    }
}

fn elsewhere(status: &Status<'_>) -> Part<'static> {
    let row = |(task, machine): &(&TaskId, &crate::run::MachineId)| {
        vec![Cell::new(task.as_str(), PLAIN), Cell::new(machine.as_str(), DIM)]
    };
    Part {
        heading: "At work on other machines",
        style: DIM,
        hints: &[],
        columns: NAMED,
        rows: status.parts.elsewhere.iter().map(row).collect(),
    }
}

fn unpushed(screen: &Screen, details: &Details) -> Part<'static> {
    let row = |unpushed: &Unpushed| {
        let note = &unpushed.note;
        let how = match note.state {
            PushState::Begun => "cut off",
            PushState::Pushed => "pushed",
            PushState::Refused => "refused",
            PushState::Failed => "failed",
        };
        let reason = note.reason.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
        vec![
            Cell::new(&unpushed.remote, PLAIN),
            Cell::new(how, RED),
            Cell::new(&screen.age(note.at), DIM),
            Cell::new(reason, PLAIN),
        ]
    };
    Part {
        heading: "Records not pushed",
        style: YELLOW,
        hints: &["use \"git claudedo push REMOTE\" to try again"],
        columns: ENDED,
        rows: details.unpushed.iter().map(row).collect(),
    }
}

/// Returns the task, how it ended in a word, how long ago, and in a sentence.
fn ended(screen: &Screen, status: &Status<'_>, task: &TaskId) -> [Cell; 4] {
    let standing = status.overview.standings.get(task);
    let (word, style) = standing.map_or(("", PLAIN), |it| (standing::word(it), standing::style(it)));
    let (message, age) =
        status.ending(task).map(|(message, at)| (message, screen.age(at))).unwrap_or_default();
    [Cell::new(task.as_str(), PLAIN), Cell::new(word, style), Cell::new(&age, DIM), Cell::new(message, PLAIN)]
}

fn titled(status: &Status<'_>, task: &TaskId) -> Vec<Cell> {
    vec![Cell::new(task.as_str(), PLAIN), Cell::new(status.title(task).unwrap_or_default(), PLAIN)]
}

fn changes(run: &RunSummary) -> String {
    let Some(changes) = run.changes else { return String::new() };
    let files = count(usize::try_from(changes.files).unwrap_or(usize::MAX), "file");
    format!("{files}, +{} -{}", changes.insertions, changes.deletions)
}
