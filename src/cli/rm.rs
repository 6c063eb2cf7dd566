//! `git claudedo rm`: take a task's file away.

use clap::Args;

use super::context::Context;
use super::error::CommandError;
use crate::store::tasks::TaskFolder;
use crate::task::TaskId;

/// Remove task files
///
/// Removes the file only: the records of its runs and its branch stay. A task
/// that is running is refused; `git claudedo cancel` ends it.
#[derive(Debug, Args)]
pub(crate) struct RmArguments {
    /// Tasks; a unique part of the id is enough
    #[arg(required = true, value_name = "TASK")]
    tasks: Vec<String>,
}

pub(crate) fn run(args: &RmArguments, context: &Context) -> Result<(), CommandError> {
    let folder = context.require_tasks("remove a task")?;
    let tasks: Vec<TaskId> = args.tasks.iter().map(|part| context.resolve(part)).collect::<Result<_, _>>()?;
    for task in &tasks {
        require_at_rest(task, &folder, context)?;
    }
    for task in &tasks {
        folder.remove(task)?;
        let kept = match context.records()?.load_task(task)?.runs.len() {
            0 => String::new(),
            1 => "; the record of its run and its branch stay".to_owned(),
            runs => format!("; the records of its {runs} runs and its branch stay"),
        };
        context.ui.status(format_args!("Removed {task}{kept}"));
    }
    Ok(())
}

fn require_at_rest(task: &TaskId, folder: &TaskFolder, context: &Context) -> Result<(), CommandError> {
    if context.state()?.is_at_work(task)? {
        return Err(CommandError::fatal(format!("Task {task} is running."))
            .hint(format!("To end it first: git claudedo cancel {task}")));
    }
    if !folder.task_path(task).exists() {
        return Err(CommandError::fatal(format!("Task {task} has no file any more, only records."))
            .hint(format!("To see them: git claudedo show {task}")));
    }
    Ok(())
}
