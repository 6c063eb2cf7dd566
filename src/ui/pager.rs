//! Which pager, by git's rules (git-var(1), `GIT_PAGER`), and how it is started.
//!
//! A pager is for a person: whoever calls [`start`] has made sure that stdout is a terminal. One that
//! cannot be started is done without, and one that is left early ends the output quietly.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use crate::os::env;
use crate::os::process::{Pager, start_pager};

/// What git passes to less and lv where the user has said nothing (git-config(1), `core.pager`).
const DEFAULTS: [(&str, &str); 2] = [("LESS", "FRX"), ("LV", "-c")];

/// A command with one of these is for the shell (git's `prepare_shell_cmd`, 2.47).
const SHELL_CHARACTERS: &[char] = &[
    '|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '"', '\'', ' ', '\t', '\n', '*', '?', '[', '#', '~',
    '=', '%',
];

/// Returns the command of the pager, or `None` when none is wanted. `configured` is `core.pager`.
pub fn command(configured: Option<&str>) -> Option<String> {
    choose([env::variable("GIT_PAGER").as_deref(), configured, env::variable("PAGER").as_deref()])
}

/// Returns whether git itself has started a pager for this program (`pager.claudedo`).
pub fn is_in_use_by_git() -> bool {
    env::variable("GIT_PAGER_IN_USE").is_some_and(|value| value == "true" || value == "1")
}

/// Starts a pager, or returns `None` when that is not possible.
pub(super) fn start(command: &str) -> Option<Pager> {
    let environment: BTreeMap<OsString, OsString> = DEFAULTS
        .iter()
        .filter(|(name, _)| env::variable(name).is_none())
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let started = if command.contains(SHELL_CHARACTERS) {
        start_pager(Path::new("sh"), &["-c".into(), command.into()], &environment)
    } else {
        start_pager(Path::new(command), &[], &environment)
    };
    started.ok()
}

fn choose(wishes: [Option<&str>; 3]) -> Option<String> {
    let wish = wishes.into_iter().flatten().next().unwrap_or("less");
    (!wish.is_empty() && wish != "cat").then(|| wish.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pager_is_chosen_as_git_chooses_it() {
        assert_eq!(choose([Some("a"), Some("b"), Some("c")]).as_deref(), Some("a"));
        assert_eq!(choose([None, Some("b"), Some("c")]).as_deref(), Some("b"));
        assert_eq!(choose([None, None, Some("c -x")]).as_deref(), Some("c -x"));
        assert_eq!(choose([None, None, None]).as_deref(), Some("less"));
        assert_eq!(choose([Some("cat"), Some("b"), None]), None);
        assert_eq!(choose([Some(""), Some("b"), None]), None);
    }
}
