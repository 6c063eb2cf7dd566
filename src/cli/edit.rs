//! `git claudedo edit`: change a task's file, and never leave a broken one.

use std::path::{Path, PathBuf};

use clap::Args;

use super::approve::approve_written;
use super::context::Context;
use super::error::CommandError;
use super::text::{editing_path, load_file, load_standard_input, run_editor};
use crate::os::fs;
use crate::store::tasks::{TaskFolder, TaskFolderError};
use crate::store::trust::ApprovedBy;
use crate::task::TaskId;

/// Edit a task
///
/// Opens a copy of the task's file in an editor. The file is replaced only by
/// what can be read as a task; anything else is kept aside and named.
#[derive(Debug, Args)]
pub(crate) struct EditArguments {
    /// Task; a unique part of the id is enough
    task: String,
    /// Take the new text from FILE, or - for standard input
    #[arg(short = 'F', long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(crate) fn run(args: &EditArguments, context: &Context) -> Result<(), CommandError> {
    let folder = context.require_tasks("edit a task")?;
    let task = context.resolve(&args.task)?;
    let path = folder.task_path(&task);
    let before = require_file(&task, &path)?;
    let copy = editing_path(context, &format!("{task}.yaml"))?;
    let after = match &args.file {
        Some(file) if file == Path::new("-") => load_standard_input()?,
        Some(file) => load_file(file)?,
        None => {
            fs::write_private(&copy, &before)?;
            run_editor(context, &copy)?;
            load_file(&copy)?
        }
    };
    if after.as_bytes() == before {
        fs::remove_file(&copy)?;
        context.ui.status(format_args!("Nothing was changed in {}", path.display()));
        return Ok(());
    }
    if require_file(&task, &path)? != before {
        let error =
            CommandError::fatal(format!("{} was changed by somebody else meanwhile.", path.display()));
        return Err(keep(error, &task, &copy, &after)?);
    }
    replace(&folder, &task, &copy, &after)?;
    approve_written(&task, &after, ApprovedBy::Edited, context)?;
    fs::remove_file(&copy)?;
    context.ui.status(format_args!("Changed {}", path.display()));
    Ok(())
}

fn require_file(task: &TaskId, path: &Path) -> Result<Vec<u8>, CommandError> {
    fs::read_optional(path)?.ok_or_else(|| {
        CommandError::fatal(format!("Task {task} has no file any more, only records."))
            .hint(format!("To see them: git claudedo show {task}"))
    })
}

fn replace(folder: &TaskFolder, task: &TaskId, copy: &Path, text: &str) -> Result<(), CommandError> {
    match folder.replace(task, text) {
        Ok(_) => Ok(()),
        Err(TaskFolderError::Invalid(error)) => Err(keep(CommandError::from(error), task, copy, text)?),
        Err(
            error @ (TaskFolderError::File(_)
            | TaskFolderError::NotFound { .. }
            | TaskFolderError::NoFreeId { .. }),
        ) => Err(keep(CommandError::from(error), task, copy, text)?),
    }
}

/// Keeps an edit that cannot be used, and says where.
fn keep(error: CommandError, task: &TaskId, copy: &Path, text: &str) -> Result<CommandError, CommandError> {
    fs::write_private(copy, text.as_bytes())?;
    Ok(error
        .hint(format!("The task is as it was. The edit is kept in {}", copy.display()))
        .hint(format!("To use it once it is mended: git claudedo edit {task} --file {}", copy.display())))
}
