//! Starts this program again, for what goes on after the hook and the git command that called it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::{HookError, Site};
use crate::git::{for_remotes, without_git};
use crate::os::fs::FileError;
use crate::os::{env, process};

/// The first word of a process that runs tasks.
pub const DRAIN_WORD: &str = "drain-in-background";

/// The first word of a process that pushes records; a remote and the git process to wait for follow.
pub const PUSH_WORD: &str = "push-in-background";

/// Starts a runner.
///
/// Nothing that git told the hook reaches it: git names the index, the repository and the author of the commit in
/// the environment, and all that is started later would inherit them.
pub fn start_drain(site: &Site) -> Result<(), HookError> {
    start(site, &[DRAIN_WORD.into()], &without_git(env::all()))
}

/// Starts a process that pushes the records to a remote once the git process above this one is gone.
///
/// It gets what says how remotes are reached, and nothing else that git told the hook.
pub fn start_push(site: &Site, remote: &OsString, pushing: &str) -> Result<(), HookError> {
    start(site, &[PUSH_WORD.into(), remote.clone(), pushing.into()], &for_remotes(env::all()))
}

fn start(
    site: &Site,
    words: &[OsString],
    environment: &BTreeMap<OsString, OsString>,
) -> Result<(), HookError> {
    let program =
        std::env::current_exe().map_err(FileError::on("find the program", Path::new("git-claudedo")))?;
    process::start_in_background(&program, words, environment, &site.folder(), None)
        .map(drop)
        .map_err(FileError::on("start", &program))?;
    Ok(())
}
