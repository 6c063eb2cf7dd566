//! `git claudedo snapshots`: what was kept of the worktrees of tasks while runs went on, and a snapshot taken now.

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use crate::git::{DiffStat, Repository, SkippedFile};
use crate::os::env;
use crate::run::RunId;
use crate::runner::{self, resolve_outside};
use crate::store::snapshots::{Snapshots, TaskSnapshot};
use crate::task::TaskId;
use crate::timestamp::Timestamp;
use crate::ui::figures::{age, count};
use crate::ui::safe::safe;
use crate::ui::table::{Cell, Column, Table};
use crate::ui::width::screen_width;
use crate::ui::{DIM, Format, PLAIN, YELLOW};

/// How many hexadecimal digits of a commit's id a table shows.
const SHORT_ID: usize = 10;

/// List snapshots of worktrees
///
/// While a run goes on, its worktree is kept as a snapshot every few minutes,
/// and before anything is done to it that cannot be taken back. The oldest of
/// a task is TASK@1. `git claudedo restore` brings one back.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SnapshotsArguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// Task; a unique part of the id is enough. Without it, all of this repository
    task: Option<String>,
}

/// What else is to be done.
#[derive(Debug, Subcommand)]
enum Action {
    /// Take a snapshot now, if anything changed since the last
    Create {
        /// Task; a unique part of the id is enough
        task: String,
    },
}

/// One snapshot of `git claudedo snapshots --json`.
#[derive(Debug, Serialize)]
pub(crate) struct SnapshotJson {
    name: String,
    task: TaskId,
    number: u32,
    run: RunId,
    taken: Timestamp,
    why: String,
    commit: String,
    tree: String,
    tip: Option<String>,
    changes: Option<ChangesJson>,
    left_out: Vec<LeftOutJson>,
}

#[derive(Debug, Serialize)]
struct ChangesJson {
    files: u64,
    insertions: u64,
    deletions: u64,
}

/// Something that is not as it was.
#[derive(Debug, Serialize)]
pub(crate) struct LeftOutJson {
    path: String,
    reason: String,
}

pub(crate) fn run(args: &SnapshotsArguments, context: &Context) -> Result<(), CommandError> {
    match (&args.action, &args.task) {
        (Some(Action::Create { task }), _) => create(task, context),
        (None, Some(task)) => {
            let task = context.resolve(task)?;
            let found = of_task(&task, context)?;
            if found.is_empty() {
                return Err(none(&task));
            }
            print(&found, &repository_of(&task, context)?, context)
        }
        (None, None) => {
            let repository = context.repository()?;
            let all = Snapshots::new(repository, &context.state()?).load_all()?;
            let found: Vec<TaskSnapshot> = all.into_values().flatten().collect();
            if found.is_empty() {
                context.ui.hint(format_args!("There are none. They are taken while a run goes on."));
            }
            print(&found, repository, context)
        }
    }
}

fn create(part: &str, context: &Context) -> Result<(), CommandError> {
    let task = context.resolve(part)?;
    let engine = context.engine("take a snapshot", Arc::new(()))?;
    let Some(taken) = runner::restore::take_snapshot(&engine, &task)? else {
        if context.ui.format() == Format::Json {
            context.ui.json(&Option::<SnapshotJson>::None);
        }
        context.ui.status(format_args!("Nothing has changed in the worktree of {task}"));
        return Ok(());
    };
    if context.ui.format() == Format::Json {
        context.ui.json(&json(&taken, &repository_of(&task, context)?));
    }
    context.ui.status(format_args!("Took snapshot {}", taken.name()));
    tell_left_out(&taken.left_out, context);
    Ok(())
}

/// Warns of what a snapshot lacks.
fn tell_left_out(left_out: &[SkippedFile], context: &Context) {
    for one in left_out {
        context.ui.warning(format_args!("{} {}", safe(&one.path), safe(&one.reason)));
    }
}

/// Returns the error for a task without any.
pub(crate) fn none(task: &TaskId) -> CommandError {
    CommandError::new(ErrorKind::Negative, format!("Task {task} has no snapshots."))
        .hint(format!("To see where it stands: git claudedo show {task}"))
}

/// Loads the snapshots of a task, the oldest first.
pub(crate) fn of_task(task: &TaskId, context: &Context) -> Result<Vec<TaskSnapshot>, CommandError> {
    let repository = repository_of(task, context)?;
    Ok(Snapshots::new(&repository, &context.state()?).load(task)?)
}

/// Finds the snapshot that `TASK` or `TASK@N` names.
pub(crate) fn named(words: &str, context: &Context) -> Result<TaskSnapshot, CommandError> {
    let (part, digits) = words.rsplit_once('@').map_or((words, None), |(part, digits)| (part, Some(digits)));
    let number = digits.map(str::parse::<u32>).transpose().map_err(|_| {
        CommandError::new(ErrorKind::Usage, format!("{words:?} does not end in the number of a snapshot."))
            .hint(format!("To see them all: git claudedo snapshots {part}"))
    })?;
    let task = context.resolve(part)?;
    let mut found = of_task(&task, context)?;
    if found.is_empty() {
        return Err(none(&task));
    }
    let Some(number) = number else { return found.pop().ok_or_else(|| none(&task)) };
    found.into_iter().find(|snapshot| snapshot.number == number).ok_or_else(|| {
        CommandError::new(ErrorKind::Negative, format!("Task {task} has no snapshot {number}."))
            .hint(format!("To see them all: git claudedo snapshots {task}"))
    })
}

/// Returns the repository that a task works in: that of its list, or else the one that the user stands in.
pub(crate) fn repository_of(task: &TaskId, context: &Context) -> Result<Repository, CommandError> {
    let own = context.repository()?;
    let Some(folder) = context.tasks()? else { return Ok(own.clone()) };
    // A file that cannot be read says nothing of another repository.
    let Ok(Some(found)) = folder.load(task, context.now) else { return Ok(own.clone()) };
    if found.task.file.list.is_none() {
        return Ok(own.clone());
    }
    match context.settings_source(&folder)?.of(Some(&found.task))?.list.repository {
        Some(path) => {
            let home = env::path("HOME");
            Ok(Repository::discover(&resolve_outside(&path, folder.work_tree(), home))?)
        }
        None => Ok(own.clone()),
    }
}

fn print(found: &[TaskSnapshot], repository: &Repository, context: &Context) -> Result<(), CommandError> {
    match context.ui.format() {
        Format::Json => {
            let all: Vec<SnapshotJson> = found.iter().map(|snapshot| json(snapshot, repository)).collect();
            context.ui.json(&all);
        }
        Format::Text => print_table(found, repository, context)?,
    }
    for snapshot in found.iter().filter(|snapshot| !snapshot.left_out.is_empty()) {
        for one in &snapshot.left_out {
            let (path, reason) = (safe(&one.path), safe(&one.reason));
            context.ui.warning(format_args!("{}: {path} {reason}", snapshot.name()));
        }
    }
    Ok(())
}

fn print_table(
    found: &[TaskSnapshot],
    repository: &Repository,
    context: &Context,
) -> Result<(), CommandError> {
    context.start_pager()?;
    let columns = [Column::Left, Column::Right, Column::Left, Column::Left, Column::Left, Column::Left];
    let mut table = Table::new(&columns);
    if context.ui.answers_a_terminal() && !found.is_empty() {
        let headings = ["snapshot", "age", "why", "against the branch", "left out", "commit"];
        table.push(headings.map(|heading| Cell::new(heading, DIM)));
    }
    for snapshot in found {
        table.push([
            Cell::new(&snapshot.name(), PLAIN),
            Cell::new(&age(context.now.since(snapshot.taken)), DIM),
            Cell::new(&safe(&snapshot.why), PLAIN),
            Cell::new(&changes_words(snapshot, repository), PLAIN),
            Cell::new(&left_out_words(snapshot), YELLOW),
            Cell::new(&snapshot.commit.to_string()[..SHORT_ID], DIM),
        ]);
    }
    let text = table.render(screen_width());
    context.ui.write_answer(|out| out.write_all(text.as_bytes()));
    Ok(())
}

fn changes_words(snapshot: &TaskSnapshot, repository: &Repository) -> String {
    match changes(snapshot, repository) {
        Some(DiffStat { files: 0, .. }) => "none".to_owned(),
        Some(stat) => {
            let files = count(usize::try_from(stat.files).unwrap_or(usize::MAX), "file");
            format!("{files}, +{} -{}", stat.insertions, stat.deletions)
        }
        None => "-".to_owned(),
    }
}

fn left_out_words(snapshot: &TaskSnapshot) -> String {
    match snapshot.left_out.len() {
        0 => "-".to_owned(),
        more => more.to_string(),
    }
}

/// Returns what a snapshot changes against its branch; nothing where the branch's commit cannot be read.
fn changes(snapshot: &TaskSnapshot, repository: &Repository) -> Option<DiffStat> {
    let tip = repository.tree_of(snapshot.tip?).ok()?;
    repository.diff_stat(tip, snapshot.tree).ok()
}

/// Returns what is printed of one in JSON.
pub(crate) fn json(snapshot: &TaskSnapshot, repository: &Repository) -> SnapshotJson {
    SnapshotJson {
        name: snapshot.name(),
        task: snapshot.task.clone(),
        number: snapshot.number,
        run: snapshot.run,
        taken: snapshot.taken,
        why: snapshot.why.clone(),
        commit: snapshot.commit.to_string(),
        tree: snapshot.tree.to_string(),
        tip: snapshot.tip.map(|tip| tip.to_string()),
        changes: changes(snapshot, repository).map(|stat| ChangesJson {
            files: stat.files,
            insertions: stat.insertions,
            deletions: stat.deletions,
        }),
        left_out: left_out_json(&snapshot.left_out),
    }
}

/// Returns what is printed of what is not as it was.
pub(crate) fn left_out_json(left_out: &[SkippedFile]) -> Vec<LeftOutJson> {
    left_out.iter().map(|one| LeftOutJson { path: one.path.clone(), reason: one.reason.clone() }).collect()
}
