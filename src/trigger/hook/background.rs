//! Starts this program again, for what goes on after the hook and the git command that called it.

use std::ffi::OsString;
use std::path::Path;

use super::{HookError, Site};
use crate::git::without_git;
use crate::os::fs::FileError;
use crate::os::{env, process};

/// Starts this program in the background with these words, in the folder where the hook was called.
///
/// Nothing that git told the hook reaches it: git names the index, the repository and the author of the commit in
/// the environment, and all that is started later would inherit them.
pub fn start_in_background(site: &Site, words: &[OsString]) -> Result<(), HookError> {
    let program =
        std::env::current_exe().map_err(FileError::on("find the program", Path::new("git-claudedo")))?;
    let environment = without_git(env::all());
    process::start_in_background(&program, words, &environment, &site.folder(), None)
        .map(drop)
        .map_err(FileError::on("start", &program))?;
    Ok(())
}
