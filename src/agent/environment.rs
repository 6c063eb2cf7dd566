//! Which environment an agent gets. Pure: the caller gives the environment of this process.
//!
//! An agent inherits what a person at the same prompt would have, except what would send it to another
//! repository or another session: `GIT_DIR` and its kin are exported by hooks and aliases, and an agent
//! that starts this program would pass its own session on. Logins, endpoints and the user's settings stay.
//! What is inherited may be secret and is never written down; what is added is not, and is part of the plan.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::run::RunId;

/// The variable that marks every process of a run.
pub const RUN_VARIABLE: &str = "CLAUDEDO_RUN";

/// The variable that names the task of a run.
pub const TASK_VARIABLE: &str = "CLAUDEDO_TASK";

/// Says which run of its task it is.
pub const RUN_NUMBER_VARIABLE: &str = "CLAUDEDO_RUN_NUMBER";

/// Names the session, for an agent that is not Claude Code.
pub const SESSION_VARIABLE: &str = "CLAUDEDO_SESSION";

/// Says whether that session is there already: `1` or `0`.
pub const RESUME_VARIABLE: &str = "CLAUDEDO_RESUME";

/// What Claude Code 2.1.330 sets for its children, and what would make one session take part in another.
const SESSION_VARIABLES: [&str; 16] = [
    "AI_AGENT",
    "CLAUDECODE",
    "CLAUDE_CODE_CHILD_NOTES_DIR",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_MESSAGING_SOCKET",
    "CLAUDE_CODE_MESSAGING_TOKEN",
    "CLAUDE_CODE_RESUME_INTERRUPTED_TURN",
    "CLAUDE_CODE_SESSION_ATTENDED",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_EFFORT",
    "CLAUDE_PID",
    RUN_VARIABLE,
    TASK_VARIABLE,
];

/// Returns what an agent inherits of an environment. Holds secrets: never write it down.
pub fn inherited(process: &BTreeMap<OsString, OsString>) -> BTreeMap<OsString, OsString> {
    process
        .iter()
        .filter(|(name, _)| !is_foreign(name))
        .filter_map(|(name, value)| {
            let value = if name == "PATH" { absolute_entries(value)? } else { value.clone() };
            Some((name.clone(), value))
        })
        .collect()
}

/// Returns what is set for an agent on top of what it inherits. Holds no secrets.
pub fn added(run: &RunId, task: &str, worktree: &Path) -> BTreeMap<String, String> {
    let mut added: BTreeMap<String, String> = [
        // Nobody is there to answer: git must fail at once, not ask.
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_EDITOR", "true"),
        // Reading the status must not take locks that the runner waits for.
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("DISABLE_AUTOUPDATER", "1"),
        (TASK_VARIABLE, task),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    added.insert(RUN_VARIABLE.to_owned(), run.to_string());
    // A worktree that lost its `.git` is an error then, and not the repository around it.
    if let Some(parent) = worktree.parent().and_then(Path::to_str).filter(|parent| !parent.is_empty()) {
        added.insert("GIT_CEILING_DIRECTORIES".to_owned(), parent.to_owned());
    }
    added
}

fn is_foreign(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"GIT_") || SESSION_VARIABLES.iter().any(|foreign| name == *foreign)
}

/// Returns the search path without entries that depend on the current folder, or `None` when none is left.
///
/// An empty entry means the current folder, environ(7), which is one that an agent or a stranger has written to.
fn absolute_entries(path: &OsStr) -> Option<OsString> {
    let entries: Vec<&[u8]> =
        path.as_bytes().split(|byte| *byte == b':').filter(|entry| entry.starts_with(b"/")).collect();
    if entries.is_empty() { None } else { Some(OsString::from_vec(entries.join(&b':'))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inherited_of(variables: &[(&str, &str)]) -> Vec<String> {
        let process = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        inherited(&process)
            .into_iter()
            .map(|(name, value)| format!("{}={}", name.display(), value.display()))
            .collect()
    }

    #[test]
    fn what_would_lead_to_another_repository_or_session_is_dropped() {
        let foreign = SESSION_VARIABLES.map(|name| (name, "x"));
        assert_eq!(inherited_of(&foreign), [""; 0]);
        assert_eq!(inherited_of(&[("GIT_DIR", "/r"), ("GIT_CONFIG_KEY_0", "core.hooksPath")]), [""; 0]);
    }

    #[test]
    fn logins_endpoints_and_settings_of_the_user_stay() {
        let kept = [
            ("ANTHROPIC_API_KEY", "k"),
            ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1"),
            ("CLAUDE_CODE_MAX_RETRIES", "2"),
            ("CLAUDE_CODE_OAUTH_TOKEN", "t"),
            ("CLAUDE_CODE_USE_BEDROCK", "1"),
            ("CLAUDE_CONFIG_DIR", "/c"),
            ("GITHUB_TOKEN", "g"),
            ("HOME", "/home/dev"),
        ];
        assert_eq!(inherited_of(&kept), kept.map(|(name, value)| format!("{name}={value}")));
    }

    #[test]
    fn programs_are_not_looked_for_in_the_worktree() {
        assert_eq!(inherited_of(&[("PATH", ":/usr/bin:.:bin:/bin:")]), ["PATH=/usr/bin:/bin"]);
        assert_eq!(inherited_of(&[("PATH", ".")]), [""; 0]);
    }

    #[test]
    fn every_process_of_a_run_is_marked() {
        let run = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let added = added(&run, "fix-login-7k3f", Path::new("/state/fix-login-7k3f"));
        let lines: Vec<String> = added.iter().map(|(name, value)| format!("{name}={value}")).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        CLAUDEDO_RUN=01890a5d-ac96-774b-bcce-b302099a8057
        CLAUDEDO_TASK=fix-login-7k3f
        DISABLE_AUTOUPDATER=1
        GIT_CEILING_DIRECTORIES=/state
        GIT_EDITOR=true
        GIT_OPTIONAL_LOCKS=0
        GIT_TERMINAL_PROMPT=0
        ");
    }
}
