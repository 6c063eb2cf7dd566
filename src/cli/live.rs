//! The run of a task that is not over, from its folder on this machine.

use serde::Deserialize;

use super::context::Context;
use super::error::CommandError;
use crate::store::run_directory::RunDirectory;
use crate::task::TaskId;

/// A run that is not over.
#[derive(Debug)]
pub(crate) struct LiveRun {
    /// 1, 2, 3 … within the task.
    pub(crate) number: u32,
    /// Its folder.
    pub(crate) directory: RunDirectory,
    /// Where its branch began, if it has one.
    pub(crate) base: Option<String>,
}

/// The part of `plan.json` that is needed here; the runner owns the rest.
#[derive(Debug, Deserialize)]
struct Plan {
    intent: Intent,
    workspace: Workspace,
}

#[derive(Debug, Deserialize)]
struct Intent {
    task: TaskId,
    number: u32,
}

#[derive(Debug, Deserialize)]
struct Workspace {
    base: Option<String>,
}

/// Returns the newest run of a task that has a folder.
pub(crate) fn live_run(context: &Context, task: &TaskId) -> Result<Option<LiveRun>, CommandError> {
    let state = context.state()?;
    for run in state.load_runs()?.into_iter().rev() {
        let directory = state.run_directory(run);
        if let Some(plan) = directory.load::<Plan>("plan.json")?
            && plan.intent.task == *task
        {
            return Ok(Some(LiveRun { number: plan.intent.number, directory, base: plan.workspace.base }));
        }
    }
    Ok(None)
}
