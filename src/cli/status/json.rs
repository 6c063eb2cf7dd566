//! `git claudedo status --json`. Keys are added, never renamed or removed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::gather::Status;
use super::running::{Details, Running};
use super::surroundings::{Hooks, Unpushed};
use crate::os::disk::{DiskUse, Extent};
use crate::run::{Changes, MachineId};
use crate::schedule::Hold;
use crate::store::history::TaskHistory;
use crate::store::push_note::PushNote;
use crate::store::runner_lock::{Presence, RunnerKind};
use crate::task::{TaskFileError, TaskId};
use crate::timestamp::Timestamp;
use crate::trigger::hooks::HookEvent;

/// The whole answer.
#[derive(Debug, Serialize)]
pub(crate) struct StatusJson<'a> {
    /// `null` when nobody is the runner.
    runner: Option<RunnerJson>,
    /// How many things want a person.
    attention: usize,
    running: Vec<RunningJson<'a>>,
    interrupted: Vec<NamedJson<'a>>,
    /// What runs next comes first.
    queued: Vec<NamedJson<'a>>,
    untrusted: Vec<NamedJson<'a>>,
    held: Vec<HeldJson<'a>>,
    invalid: Vec<InvalidJson<'a>>,
    review: Vec<EndedJson<'a>>,
    failed: Vec<EndedJson<'a>>,
    /// The task, and whose runner has it.
    elsewhere: BTreeMap<&'a TaskId, &'a MachineId>,
    drafts: Vec<NamedJson<'a>>,
    hooks: HooksJson<'a>,
    /// Remotes that did not get the records when they were pushed last.
    unpushed: Vec<UnpushedJson<'a>>,
    /// Worktrees of tasks that have ended.
    worktrees: Vec<&'a Path>,
    /// `null` without `--verbose`.
    disk: Option<DiskJson>,
}

#[derive(Debug, Serialize)]
struct RunnerJson {
    /// `null` in the instant before it is known.
    kind: Option<RunnerKind>,
    process: Option<u32>,
    since: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct NamedJson<'a> {
    id: &'a TaskId,
    title: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct RunningJson<'a> {
    #[serde(flatten)]
    task: NamedJson<'a>,
    number: Option<u32>,
    slot: Option<u32>,
    since: Option<Timestamp>,
    /// What the runs before cost.
    cost_usd: Option<f64>,
    /// What was done last, in one line for people.
    last: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct HeldJson<'a> {
    #[serde(flatten)]
    task: NamedJson<'a>,
    #[serde(flatten)]
    hold: &'a Hold,
}

#[derive(Debug, Serialize)]
struct InvalidJson<'a> {
    path: &'a Path,
    line: Option<usize>,
    problem: &'a str,
    fix: &'a str,
}

#[derive(Debug, Serialize)]
struct EndedJson<'a> {
    #[serde(flatten)]
    task: NamedJson<'a>,
    ended: Option<Timestamp>,
    message: Option<&'a str>,
    branch: Option<&'a str>,
    changes: Option<Changes>,
}

#[derive(Debug, Serialize)]
struct HooksJson<'a> {
    /// `absent`, `installed`, `idle` or `unknown`.
    state: &'static str,
    /// Which are not installed though others are.
    missing: Vec<&'static str>,
    /// Which do not run though they are there.
    idle: Vec<&'static str>,
    /// Why it is not known.
    problem: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct UnpushedJson<'a> {
    remote: &'a str,
    #[serde(flatten)]
    note: &'a PushNote,
}

#[derive(Debug, Serialize)]
struct DiskJson {
    bytes: u64,
    /// Whether everything was counted; if not, it is more.
    complete: bool,
}

impl<'a> StatusJson<'a> {
    /// Returns the answer.
    pub(crate) fn of(status: &'a Status<'_>, details: &'a Details) -> Self {
        let parts = &status.parts;
        let running = parts.running.iter().zip(&details.running);
        let all = |tasks: &[&'a TaskId]| tasks.iter().map(|task| named(status, task)).collect();
        Self {
            runner: runner(status),
            attention: status.attention(),
            running: running.map(|(task, running)| at_work(status, task, running)).collect(),
            interrupted: all(&parts.interrupted),
            queued: parts.queued.iter().map(|task| named(status, task)).collect(),
            untrusted: all(&parts.untrusted),
            held: parts
                .held
                .iter()
                .map(|(task, hold)| HeldJson { task: named(status, task), hold })
                .collect(),
            invalid: parts.invalid.iter().map(|error| InvalidJson::of(error)).collect(),
            review: parts.review.iter().map(|task| ended(status, task)).collect(),
            failed: parts.failed.iter().map(|task| ended(status, task)).collect(),
            elsewhere: parts.elsewhere.iter().copied().collect(),
            drafts: all(&parts.drafts),
            hooks: HooksJson::of(&details.hooks),
            unpushed: details.unpushed.iter().map(UnpushedJson::of).collect(),
            worktrees: details.worktrees.iter().map(std::path::PathBuf::as_path).collect(),
            disk: details.disk.map(DiskJson::of),
        }
    }
}

impl<'a> InvalidJson<'a> {
    fn of(error: &'a TaskFileError) -> Self {
        let line = error.place.as_ref().map(|place| place.line);
        Self { path: &error.path, line, problem: &error.problem, fix: &error.fix }
    }
}

impl<'a> HooksJson<'a> {
    fn of(hooks: &'a Hooks) -> Self {
        let names = |events: &[HookEvent]| events.iter().map(|event| event.name()).collect();
        let json = |state| Self { state, missing: Vec::new(), idle: Vec::new(), problem: None };
        match hooks {
            Hooks::Absent => json("absent"),
            Hooks::Installed { missing } => Self { missing: names(missing), ..json("installed") },
            Hooks::Idle { events } => Self { idle: names(events), ..json("idle") },
            Hooks::Unknown(problem) => Self { problem: Some(problem), ..json("unknown") },
        }
    }
}

impl<'a> UnpushedJson<'a> {
    fn of(unpushed: &'a Unpushed) -> Self {
        Self { remote: &unpushed.remote, note: &unpushed.note }
    }
}

impl DiskJson {
    fn of(used: DiskUse) -> Self {
        Self { bytes: used.bytes, complete: used.extent == Extent::Whole }
    }
}

fn runner(status: &Status<'_>) -> Option<RunnerJson> {
    let since = status.runner_since;
    match status.runner {
        Presence::Absent => None,
        Presence::Unknown => Some(RunnerJson { kind: None, process: None, since }),
        Presence::Known(holder) => {
            Some(RunnerJson { kind: Some(holder.kind), process: Some(holder.process), since })
        }
    }
}

fn named<'a>(status: &'a Status<'_>, id: &'a TaskId) -> NamedJson<'a> {
    NamedJson { id, title: status.title(id) }
}

fn at_work<'a>(status: &'a Status<'_>, id: &'a TaskId, running: &'a Running) -> RunningJson<'a> {
    RunningJson {
        task: named(status, id),
        number: running.number,
        slot: running.slot,
        since: running.since,
        cost_usd: running.cost_usd,
        last: running.last.as_deref(),
    }
}

fn ended<'a>(status: &'a Status<'_>, id: &'a TaskId) -> EndedJson<'a> {
    let (message, ended) = status.ending(id).unzip();
    let run = status.history(id).and_then(TaskHistory::last_run);
    EndedJson {
        task: named(status, id),
        ended,
        message,
        branch: run.and_then(|run| run.branch.as_deref()),
        changes: run.and_then(|run| run.changes),
    }
}
