//! `git-claudedo look`: what a watcher starts to look at the tasks for it. The answer is for that watcher alone.

use std::ffi::OsStr;
use std::process::ExitCode;

use super::arguments::{ColorWish, GlobalArguments};
use super::context::Context;
use super::error::CommandError;
use super::internal::plain_ui;
use crate::runner::answer;
use crate::store::overview::Sources;

/// Looks, and prints what was found; `most` says how many tasks may be named.
pub(super) fn run(most: &OsStr) -> ExitCode {
    match print(most) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(&plain_ui()),
    }
}

fn print(most: &OsStr) -> Result<(), CommandError> {
    let global =
        GlobalArguments { start: None, json: true, quiet: true, color: ColorWish::Never, no_pager: true };
    let context = Context::new(&global).map_err(|refused| refused.1)?;
    let tasks = context.require_tasks("look at tasks")?;
    let (records, state, user) = (context.records()?, context.state()?, context.user_entries()?);
    let sources = Sources { tasks: &tasks, records: &records, state: &state, user: &user };
    let most = most.to_str().and_then(|most| most.parse().ok()).unwrap_or(usize::MAX);
    let answer = answer(&sources, most).map_err(anyhow::Error::from)?;
    context.ui.write_answer(|out| writeln!(out, "{answer}"));
    Ok(())
}
