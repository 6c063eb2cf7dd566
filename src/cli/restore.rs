//! `git claudedo restore`: the files of a snapshot, in the task's worktree or in a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::error::CommandError;
use super::snapshots::{LeftOutJson, left_out_json, named, repository_of};
use crate::git::Restored;
use crate::runner::restore::{Found, RestoreError, restore_worktree};
use crate::store::snapshots::TaskSnapshot;
use crate::ui::Format;
use crate::ui::figures::count;
use crate::ui::safe::safe;

/// Bring back the files of a snapshot
///
/// Makes the files of the task's worktree those of the snapshot, and makes the
/// worktree again where it is gone. What was in it is kept as a snapshot first.
/// What git ignores stays as it is. With --to, a folder gets the files instead.
#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// Task, or one of its snapshots; without a number, the newest
    #[arg(value_name = "TASK[@N]")]
    snapshot: String,
    /// Write the files to DIR, which must be empty or not there
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// `git claudedo restore --json`.
#[derive(Debug, Serialize)]
struct RestoredJson<'a> {
    name: String,
    commit: String,
    path: &'a Path,
    written: usize,
    removed: usize,
    left: Vec<LeftOutJson>,
    before: Option<String>,
}

pub(crate) fn run(args: &RestoreArguments, context: &Context) -> Result<(), CommandError> {
    let snapshot = named(&args.snapshot, context)?;
    match &args.to {
        Some(folder) => to_folder(&snapshot, &context.start().join(folder), context),
        None => to_worktree(&snapshot, context),
    }
}

fn to_folder(snapshot: &TaskSnapshot, folder: &Path, context: &Context) -> Result<(), CommandError> {
    require_empty(folder)?;
    let repository = repository_of(&snapshot.task, context)?;
    let restored = repository.write_tree_to(snapshot.tree, folder)?;
    tell(snapshot, folder, &restored, None, context);
    context.ui.hint(format_args!("To see what it changed: git claudedo diff {}", snapshot.name()));
    Ok(())
}

/// Refuses what might hold somebody's files, and a link, which might lead to them later.
fn require_empty(folder: &Path) -> Result<(), CommandError> {
    let refused = |why: &str| {
        CommandError::fatal(format!("{} {why}.", folder.display()))
            .hint("To write the files elsewhere, name a folder that is not there yet.")
    };
    let Ok(metadata) = folder.symlink_metadata() else { return Ok(()) };
    if metadata.is_symlink() {
        return Err(refused("is a symbolic link"));
    }
    if !metadata.is_dir() {
        return Err(refused("is not a folder"));
    }
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(refused("is not empty")),
        Err(error) => Err(refused(&format!("cannot be read: {error}"))),
    }
}

fn to_worktree(snapshot: &TaskSnapshot, context: &Context) -> Result<(), CommandError> {
    let engine = context.engine("restore a worktree", Arc::new(()))?;
    let done = restore_worktree(&engine, snapshot).map_err(with_hint)?;
    if done.found == Found::Made {
        context.ui.status(format_args!("Made the worktree {} again", done.path.display()));
    }
    tell(snapshot, &done.path, &done.restored, done.before.as_ref(), context);
    if let Some(before) = &done.before {
        context.ui.hint(format_args!("To take it back: git claudedo restore {}", before.name()));
        for one in &before.left_out {
            let (path, reason) = (safe(&one.path), safe(&one.reason));
            context.ui.warning(format_args!("{}: {path} {reason}", before.name()));
        }
    }
    context.ui.hint(format_args!("To go on from there: git claudedo continue {}", snapshot.task));
    Ok(())
}

fn tell(
    snapshot: &TaskSnapshot,
    path: &Path,
    restored: &Restored,
    before: Option<&TaskSnapshot>,
    context: &Context,
) {
    match context.ui.format() {
        Format::Json => context.ui.json(&RestoredJson {
            name: snapshot.name(),
            commit: snapshot.commit.to_string(),
            path,
            written: restored.written,
            removed: restored.removed,
            left: left_out_json(&restored.left),
            before: before.map(TaskSnapshot::name),
        }),
        Format::Text => context.ui.answer(format_args!("{}", safe(&path.display().to_string()))),
    }
    let (written, removed) = (count(restored.written, "file"), restored.removed);
    context.ui.status(format_args!("Restored {}: {written} written, {removed} removed", snapshot.name()));
    for one in &restored.left {
        context.ui.warning(format_args!("{} was not restored: {}", safe(&one.path), safe(&one.reason)));
    }
    for one in &snapshot.left_out {
        context.ui.warning(format_args!("The snapshot lacks {}: it {}", safe(&one.path), safe(&one.reason)));
    }
}

/// Adds what can be done instead.
fn with_hint(error: anyhow::Error) -> CommandError {
    let hint = match error.downcast_ref::<RestoreError>() {
        Some(RestoreError::Running { task }) => Some(format!(
            "To end the run first: git claudedo cancel {task}\nTo have the files elsewhere: git claudedo restore {task} --to DIR"
        )),
        Some(
            RestoreError::Sandbox { task }
            | RestoreError::NeverRan { task }
            | RestoreError::NoBranch { task },
        ) => Some(format!("To have the files elsewhere: git claudedo restore {task} --to DIR")),
        None => None,
    };
    let error = CommandError::from(error);
    match hint {
        Some(hint) => hint.lines().fold(error, CommandError::hint),
        None => error,
    }
}
