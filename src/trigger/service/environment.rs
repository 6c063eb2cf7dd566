//! Which variables a service is given.
//!
//! A service manager starts programs with a small environment of its own: no shell profile is read, so `claude`,
//! `git` and what checks need would not be found. What says *where* things are is therefore written into the file,
//! as the person who installs it has it. Secrets never are: the file is no place for them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::ServiceError;

/// A process's environment.
pub type Environment = BTreeMap<OsString, OsString>;

/// What is passed on where it is set. None of them holds a secret.
const PLACES: [&str; 9] = [
    "CLAUDE_CONFIG_DIR",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// Logins of the agent that are not written into a file that others may read.
pub const UNWRITTEN_LOGINS: [&str; 3] =
    ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

/// Returns the variables for a service, by name.
pub fn service_environment(user: &Environment) -> Result<Vec<(String, String)>, ServiceError> {
    let mut variables = Vec::new();
    for name in PLACES {
        if let Some(value) = user.get(OsStr::new(name)).filter(|value| !value.is_empty()) {
            variables.push((name.to_owned(), unicode(name, value)?));
        }
    }
    if let Some(path) = user.get(OsStr::new("PATH")).and_then(|path| lasting_path(path)) {
        variables.push(("PATH".to_owned(), unicode("PATH", &path)?));
    }
    Ok(variables)
}

/// Returns the search path without what depends on the folder one is in, and without the folder of git's own
/// programs, which git puts first when it starts one of its commands.
pub fn lasting_path(path: &OsStr) -> Option<OsString> {
    let mut kept: Vec<PathBuf> = Vec::new();
    for entry in std::env::split_paths(path) {
        if entry.is_absolute() && entry.file_name() != Some(OsStr::new("git-core")) && !kept.contains(&entry)
        {
            kept.push(entry);
        }
    }
    std::env::join_paths(kept).ok().filter(|path| !path.is_empty())
}

fn unicode(name: &str, value: &OsStr) -> Result<String, ServiceError> {
    let not_unicode = || ServiceError::NotUnicode {
        what: format!("the variable {name}"),
        value: Path::new(value).to_owned(),
    };
    value.to_str().map(str::to_owned).ok_or_else(not_unicode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment_of(variables: &[(&str, &str)]) -> Vec<String> {
        let user = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let variables = service_environment(&user).unwrap();
        variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn a_service_gets_places_and_no_secrets() {
        let user = [
            ("ANTHROPIC_API_KEY", "k"),
            ("CLAUDE_CONFIG_DIR", "/c"),
            ("GIT_DIR", "/r/.git"),
            ("HOME", "/home/dev"),
            ("HTTPS_PROXY", "http://user:password@proxy"),
            ("XDG_STATE_HOME", ""),
        ];
        assert_eq!(environment_of(&user), ["CLAUDE_CONFIG_DIR=/c", "HOME=/home/dev"]);
    }

    #[test]
    fn the_search_path_is_the_same_with_and_without_git_before_the_command() {
        let direct = environment_of(&[("PATH", "/home/dev/bin:/usr/bin:bin::/usr/bin")]);
        let by_git = environment_of(&[("PATH", "/usr/lib/git-core:/home/dev/bin:/usr/bin")]);
        assert_eq!(direct, ["PATH=/home/dev/bin:/usr/bin"]);
        assert_eq!(direct, by_git);
    }
}
