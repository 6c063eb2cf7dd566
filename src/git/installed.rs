//! Which gits are installed. Several may be, and the user's hooks, editor and shell need not take the same.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use super::GitVersion;
use crate::os::env;
use crate::os::executable::find_all;
use crate::os::process::CapturedCommand;

/// The folder where git keeps its own commands, among them itself. It comes first in the `PATH` of a subcommand.
const GIT_COMMANDS: &str = "git-core";

/// `git --exec-path` reads nothing; it took 4 ms.
const TIME_MAX: Duration = Duration::from_secs(5);

/// More than any path needs.
const OUTPUT_BYTES_MAX: usize = 8192;

/// A git on the search path.
#[derive(Debug, Clone)]
pub struct InstalledGit {
    /// Where it is.
    pub path: PathBuf,
    version: OnceLock<Option<GitVersion>>,
}

impl InstalledGit {
    /// Returns its version, unless it does not tell. It is asked once, when somebody wants to know.
    pub fn version(&self) -> Option<GitVersion> {
        *self.version.get_or_init(|| GitVersion::load(&self.path).ok())
    }
}

/// Returns every git on the search path, the one that is used first.
pub fn installed_gits() -> Vec<InstalledGit> {
    let programs = git_programs(&env::path("PATH").unwrap_or_default().into_os_string());
    programs.into_iter().map(|path| InstalledGit { path, version: OnceLock::new() }).collect()
}

/// Returns every git in the folders of `search_path` (the value of `PATH`), without the folder that git keeps for its
/// own commands, in which lies often a hard link to the program itself.
pub fn git_programs(search_path: &OsStr) -> Vec<PathBuf> {
    let folders = std::env::split_paths(search_path).filter(|folder| !folder.ends_with(GIT_COMMANDS));
    // What was taken apart can be joined again.
    find_all("git", &std::env::join_paths(folders).unwrap_or_default())
}

/// Returns the folder in which a git looks for its subcommands before it looks on the search path.
pub fn commands_folder(git: &Path) -> Option<PathBuf> {
    let captured = CapturedCommand {
        program: git.to_owned(),
        arguments: vec!["--exec-path".into()],
        environment: env::all(),
        working_directory: "/".into(),
        time_max: TIME_MAX,
        output_bytes_max: OUTPUT_BYTES_MAX,
    };
    let captured = captured.run().ok().filter(|captured| captured.status.success())?;
    let path = String::from_utf8(captured.stdout).ok()?;
    Some(PathBuf::from(path.trim_end_matches('\n'))).filter(|path| path.is_absolute())
}
