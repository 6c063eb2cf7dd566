//! Finds the agent's program before anything depends on it.
//!
//! The absolute path is written into the plan, so that the run starts what was found now, whatever the
//! search path is then.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Why a program cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// No name was given.
    #[error("find the agent's program: no name was given; set one, as in claude")]
    Blank,
    /// No folder of the search path holds it.
    #[error("find program {program}: no folder of PATH holds it; {hint}")]
    NotFound {
        /// What was looked for.
        program: String,
        /// What to do.
        hint: &'static str,
    },
    /// There is nothing at the path given.
    #[error("find program {}: there is no such file; correct the path", path.display())]
    Absent {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is something that cannot be started.
    #[error("start program {}: it is no executable file; run chmod +x on it, or name another", path.display())]
    NotExecutable {
        /// What was found.
        path: PathBuf,
    },
}

/// Returns the absolute path of a program, which is looked for in the folders of `search_path` (the value of
/// `PATH`) when it is a bare name, and from `folder` when it is a relative path.
pub fn require_program(program: &str, search_path: &OsStr, folder: &Path) -> Result<PathBuf, ProgramError> {
    if program.trim().is_empty() {
        return Err(ProgramError::Blank);
    }
    if program.contains('/') {
        let path = folder.join(program);
        return match usability(&path) {
            Usability::Executable => Ok(path),
            Usability::Other => Err(ProgramError::NotExecutable { path }),
            Usability::Absent => Err(ProgramError::Absent { path }),
        };
    }
    let mut unusable = None;
    for entry in search_path.as_bytes().split(|byte| *byte == b':').filter(|entry| entry.starts_with(b"/")) {
        let path = Path::new(OsStr::from_bytes(entry)).join(program);
        match usability(&path) {
            Usability::Executable => return Ok(path),
            Usability::Other => unusable = unusable.or(Some(path)),
            Usability::Absent => {}
        }
    }
    Err(match unusable {
        Some(path) => ProgramError::NotExecutable { path },
        None => ProgramError::NotFound { program: program.to_owned(), hint: hint(program) },
    })
}

/// Returns the value of `PATH` in an environment, or an empty one.
pub fn search_path(environment: &BTreeMap<OsString, OsString>) -> OsString {
    environment.get(OsStr::new("PATH")).cloned().unwrap_or_default()
}

enum Usability {
    Executable,
    Other,
    Absent,
}

fn usability(path: &Path) -> Usability {
    match path.metadata() {
        Ok(file) if file.is_file() && access(path, Access::EXEC_OK).is_ok() => Usability::Executable,
        Ok(_) => Usability::Other,
        Err(_) => Usability::Absent,
    }
}

fn hint(program: &str) -> &'static str {
    if program == "claude" {
        "install Claude Code (npm install --global @anthropic-ai/claude-code), or give its absolute path"
    } else {
        "install it, or give its absolute path"
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(path: &Path, mode: u32) {
        fs::File::create(path).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_bare_name_is_found_on_the_search_path_where_it_can_be_started() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        fs::create_dir(&first).unwrap();
        fs::create_dir_all(second.join("folder")).unwrap();
        file(&first.join("agent"), 0o644);
        file(&second.join("agent"), 0o755);
        let path = OsString::from(format!(":relative:{}:{}", first.display(), second.display()));
        let require = |program: &str, path: &OsStr| require_program(program, path, folder.path());
        assert_eq!(require("agent", &path), Ok(second.join("agent")));
        assert_eq!(
            require("agent", first.as_os_str()),
            Err(ProgramError::NotExecutable { path: first.join("agent") })
        );
        assert_eq!(
            require("folder", &path),
            Err(ProgramError::NotExecutable { path: second.join("folder") })
        );
        assert_eq!(require(" ", &path), Err(ProgramError::Blank));
        assert_eq!(
            require("claude", OsStr::new("")).unwrap_err().to_string(),
            "find program claude: no folder of PATH holds it; install Claude Code \
             (npm install --global @anthropic-ai/claude-code), or give its absolute path"
        );
    }

    #[test]
    fn a_path_is_taken_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("folder");
        fs::create_dir(&folder).unwrap();
        file(&folder.join("agent"), 0o755);
        let require = |program: &str| require_program(program, OsStr::new("/bin"), &folder);
        assert_eq!(require("./agent"), Ok(folder.join("./agent")));
        assert_eq!(require("../none"), Err(ProgramError::Absent { path: folder.join("../none") }));
    }
}
