//! What a watcher that outlives this command is started from: the program, the folder, the state.
//!
//! The variables that led this command to its repository (it may be an alias or a hook) do not live on in such a
//! watcher. So the work tree alone must lead to the same repository, or there is none.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::error::CommandError;
use crate::os::env;
use crate::os::fs::FileError;
use crate::store::state_directory::StateDirectory;
use crate::trigger::service::lasting_path;

/// What a watcher in the background is started from.
#[derive(Debug)]
pub(super) struct Background {
    /// This program, by the path that survives an upgrade.
    pub(super) program: PathBuf,
    /// The folder it starts in.
    pub(super) work_tree: PathBuf,
    /// What this clone knows.
    pub(super) state: StateDirectory,
}

impl Background {
    /// Returns it for the repository of this command.
    pub(super) fn of(context: &Context) -> Result<Self, CommandError> {
        let work_tree = context.require_tasks("watch tasks")?.work_tree().to_owned();
        if !context.repository()?.is_found_from_its_work_tree() {
            return Err(CommandError::fatal(format!(
                "A watcher in the background would not find this repository from {}",
                work_tree.display()
            ))
            .hint(
                "It starts there without GIT_DIR and GIT_WORK_TREE. To watch with them: git claudedo watch",
            ));
        }
        Ok(Self { program: lasting_program()?, work_tree, state: context.state()? })
    }

    /// Returns the file for what the watcher says.
    pub(super) fn log(&self) -> PathBuf {
        log_path(&self.state)
    }
}

/// Returns the file for what a watcher without a terminal says.
pub(super) fn log_path(state: &StateDirectory) -> PathBuf {
    state.path().join("watch.log")
}

/// Returns this program as the search path has it. Where that is a symbolic link, an upgrade changes what it leads
/// to and leaves it where it is.
fn lasting_program() -> Result<PathBuf, CommandError> {
    let running =
        std::env::current_exe().map_err(FileError::on("find the program", Path::new("git-claudedo")))?;
    let resolved = running.canonicalize().unwrap_or_else(|_| running.clone());
    let path = env::path("PATH").and_then(|path| lasting_path(path.as_os_str())).unwrap_or_default();
    let named = std::env::split_paths(&path).map(|folder| folder.join("git-claudedo"));
    let same = |path: &PathBuf| path.canonicalize().is_ok_and(|found| found == resolved);
    Ok(named.into_iter().find(same).unwrap_or(running))
}
