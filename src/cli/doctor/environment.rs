//! Check of the environment: variables that change what is done, told by name and never by value.

use super::facts::Facts;
use super::finding::Finding;
use crate::agent::environment::RUN_VARIABLE;

/// Variables that lead git, and this program with it, elsewhere than the folder says.
const LEADING: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
];

/// Variables by which Claude Code is paid otherwise than by the login that it keeps.
const PAYING: [&str; 6] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
];

/// Variables that change something else, and what.
const CHANGING: [(&str, &str); 8] = [
    ("ANTHROPIC_BASE_URL", "Claude Code talks to another service than Anthropic's."),
    ("ANTHROPIC_MODEL", "Claude Code takes its model from there where no task says one."),
    ("CLAUDE_CONFIG_DIR", "Claude Code keeps its login, settings and sessions there."),
    ("IS_SANDBOX", "Claude Code takes the machine for a sandbox, and root for an ordinary user."),
    ("GIT_CONFIG_GLOBAL", "git reads the user's settings from there."),
    ("GIT_CEILING_DIRECTORIES", "git does not look for a repository above these folders."),
    ("GIT_AUTHOR_NAME", "It names the author of commits, whatever the settings say."),
    ("GIT_AUTHOR_EMAIL", "It names the author of commits, whatever the settings say."),
];

/// What the variables change.
pub(super) fn environment(facts: &Facts) -> Vec<Finding> {
    let mut findings = homes(facts);
    let set = |names: &[&'static str]| -> Vec<&'static str> {
        names.iter().copied().filter(|name| facts.has_variable(name)).collect()
    };
    let leading = set(&LEADING);
    if !leading.is_empty() {
        let finding = Finding::warning(format!("Set in the environment: {}", leading.join(", ")))
            .why("git and this program work with the repository named there, whatever the folder is.")
            .mend(format!("unset {}", leading.join(" ")));
        findings.push(finding);
    }
    findings.extend(set(&PAYING).into_iter().map(|name| {
        Finding::info(format!("{name} is set.")).why("Claude Code uses it before the login that it keeps.")
    }));
    let changing = CHANGING.iter().filter(|(name, _)| facts.has_variable(name));
    findings.extend(changing.map(|(name, why)| Finding::info(format!("{name} is set.")).why(why)));
    if facts.has_variable(RUN_VARIABLE) {
        let what = format!("{RUN_VARIABLE} is set: this was started by the agent of a task.");
        findings.push(Finding::info(what).why("Hooks of git start nothing from there."));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("No variable of the environment changes what is done."));
    }
    findings
}

fn homes(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !facts.has_variable("HOME") {
        let finding = if facts.has_variable("XDG_STATE_HOME") {
            Finding::warning("HOME is not set.").why("Claude Code and git look there for login and settings.")
        } else {
            Finding::problem("HOME is not set, nor is XDG_STATE_HOME.")
                .why("There is no folder for worktrees.")
        };
        findings.push(finding.mend("export HOME=~"));
    }
    let state = facts.environment.get(std::ffi::OsStr::new("XDG_STATE_HOME"));
    if state.is_some_and(|value| !value.is_empty() && !std::path::Path::new(value).is_absolute()) {
        let finding = Finding::warning("XDG_STATE_HOME is a relative path, so it does not count.");
        findings.push(finding.mend("unset XDG_STATE_HOME"));
    }
    findings
}
