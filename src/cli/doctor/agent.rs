//! Checks of the agent: which program does the tasks, whether it is known, and whether it is logged in.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::Value;

use super::facts::Facts;
use super::finding::{Finding, quoted};
use crate::agent::environment::inherited;
use crate::agent::program::{ProgramError, require_program};
use crate::os::process::{Captured, CapturedCommand, CapturedError};

/// The version of Claude Code that this program was measured with (`docs/agents.md`).
const MEASURED: Version = Version([2, 1, 330]);

/// How long Claude Code may take to answer a question that needs no model. It takes 0.5 s.
const TIME_MAX: Duration = Duration::from_secs(5);

/// More than its answers need.
const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// What keeps Claude Code from using the network, and from replacing itself, for a mere question.
const QUIET: [(&str, &str); 2] =
    [("DISABLE_AUTOUPDATER", "1"), ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version([u32; 3]);

/// Who does the tasks.
enum Agent {
    Claude(PathBuf),
    Other(PathBuf),
    None(Finding),
}

/// Which program does the tasks.
pub(super) fn agent(facts: &Facts) -> Vec<Finding> {
    vec![match find(facts) {
        Agent::None(finding) => finding,
        Agent::Other(path) => Finding::info(format!("Tasks are done by {}", path.display()))
            .why("claudedo.agentCommand names it, so Claude Code and its login do not matter."),
        Agent::Claude(path) => judge_version(&path, ask(&path, &["--version"], facts)),
    }]
}

/// Whether Claude Code is logged in. It says so without asking its service.
pub(super) fn login(facts: &Facts) -> Vec<Finding> {
    let Agent::Claude(path) = find(facts) else { return Vec::new() };
    vec![match ask(&path, &["auth", "status"], facts) {
        Ok(answer) => judge_login(&path, answer.status, &answer.stdout),
        Err(error) => unanswered(&path, "whether it is logged in", error).mend(command(&path, "auth status")),
    }]
}

fn find(facts: &Facts) -> Agent {
    let settings = match facts.user_settings() {
        Ok(settings) => settings,
        Err(error) => {
            return Agent::None(Finding::failed(error).why("Which agent does the tasks is not known."));
        }
    };
    let words = settings.agent_command.value.as_ref().map(|words| words.items().to_vec());
    let (key, program) = match words {
        Some(words) => ("agentCommand", words.into_iter().next().unwrap_or_default()),
        None => ("claude", settings.claude.value.as_str().to_owned()),
    };
    match require_program(&program, &facts.search_path, &facts.root()) {
        Ok(path) if key == "claude" => Agent::Claude(path),
        Ok(path) => Agent::Other(path),
        Err(error) => Agent::None(missing(key, &program, error)),
    }
}

fn missing(key: &str, program: &str, error: ProgramError) -> Finding {
    let mend = match &error {
        ProgramError::NotExecutable { path } => format!("chmod +x {}", quoted(path.display())),
        ProgramError::NotFound { .. } if program == "claude" => {
            "npm install --global @anthropic-ai/claude-code".to_owned()
        }
        ProgramError::Blank | ProgramError::NotFound { .. } | ProgramError::Absent { .. } => {
            format!("git config --global claudedo.{key} /path/to/the/program")
        }
    };
    let finding = match &error {
        ProgramError::NotFound { .. } => {
            Finding::problem(format!("{program} is not found in any folder of PATH."))
        }
        ProgramError::Blank | ProgramError::Absent { .. } | ProgramError::NotExecutable { .. } => {
            Finding::failed(error)
        }
    };
    finding.why("No task can be done without it.").mend(mend)
}

/// Asks the program something, outside of any repository, so that none has a say in the answer.
fn ask(program: &Path, arguments: &[&str], facts: &Facts) -> Result<Captured, CapturedError> {
    let mut environment = inherited(&facts.environment);
    environment.extend(QUIET.map(|(name, value)| (name.into(), value.into())));
    CapturedCommand {
        program: program.to_owned(),
        arguments: arguments.iter().map(Into::into).collect(),
        environment,
        working_directory: "/".into(),
        time_max: TIME_MAX,
        output_bytes_max: OUTPUT_BYTES_MAX,
    }
    .run()
}

fn judge_version(path: &Path, answer: Result<Captured, CapturedError>) -> Finding {
    let text = match answer {
        Ok(answer) => String::from_utf8_lossy(&answer.stdout).trim().to_owned(),
        Err(error) => {
            return unanswered(path, "its version", error).mend(command(path, "--version"));
        }
    };
    let Some(version) = Version::parse(&text) else {
        let said = first_line(&text);
        return Finding::warning(format!("No version of Claude Code can be told from {}", path.display()))
            .why(format!("Asked for its version, it says {said:?}."))
            .mend(command(path, "--version"));
    };
    let found = format!("Claude Code {version}, at {}", path.display());
    match version.cmp(&MEASURED) {
        std::cmp::Ordering::Equal => Finding::ok(found),
        std::cmp::Ordering::Greater => Finding::info(found)
            .why(format!("It is newer than {MEASURED}, which this program was measured with.")),
        std::cmp::Ordering::Less => Finding::warning(found)
            .why(format!("It is older than {MEASURED}, which this program was measured with."))
            .mend(command(path, "update")),
    }
}

/// Decides by the answer in JSON; by the exit code alone where the answer is none, and then less surely.
fn judge_login(path: &Path, status: ExitStatus, stdout: &[u8]) -> Finding {
    let answer = serde_json::from_slice::<Value>(stdout).unwrap_or_default();
    match answer.get("loggedIn").and_then(Value::as_bool) {
        Some(true) => Finding::ok(format!("Claude Code is logged in{}.", method(&answer))),
        Some(false) => Finding::problem("Claude Code is not logged in.")
            .why("Every task would fail at its start.")
            .mend(command(path, "auth login")),
        None => Finding::warning("Whether Claude Code is logged in cannot be told.")
            .why(format!("Asked, it ended with {status} and no JSON that says so."))
            .mend(command(path, "auth status")),
    }
}

/// Says how, but never as whom: the answer may hold addresses and names.
fn method(answer: &Value) -> String {
    let text = |key: &str| answer.get(key).and_then(Value::as_str);
    match (text("authMethod"), text("apiKeySource")) {
        (Some(method), Some(source)) => format!(" ({method} from {source})"),
        (Some(method), None) => format!(" ({method})"),
        (None, _) => String::new(),
    }
}

fn unanswered(path: &Path, what: &str, error: CapturedError) -> Finding {
    let finding = Finding::warning(format!("Claude Code does not say {what}, at {}", path.display()));
    match error {
        CapturedError::TimeOut { .. } => {
            finding.why(format!("It gave no answer within {} s.", TIME_MAX.as_secs()))
        }
        error @ (CapturedError::Start { .. } | CapturedError::Wait { .. }) => {
            finding.why(format!("failed to {:#}", anyhow::Error::from(error)))
        }
    }
}

fn command(path: &Path, arguments: &str) -> String {
    format!("{} {arguments}", quoted(path.display()))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(80).collect()
}

impl Version {
    /// Reads `2.1.330 (Claude Code)`.
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().next()?.splitn(3, '.');
        let mut next = || numbers.next()?.split(['-', '+']).next()?.parse().ok();
        Some(Self([next()?, next()?, next()?]))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
    use super::*;

    #[test]
    fn the_measured_version_is_that_of_the_document() {
        let page = include_str!("../../../docs/agents.md");
        assert!(page.contains(&format!("Claude Code {MEASURED}")));
        assert_eq!(Version::parse("2.1.330 (Claude Code)\n"), Some(MEASURED));
        assert_eq!(Version::parse("v2"), None);
        assert_eq!(Version::parse("2.2.0-beta.1"), Some(Version([2, 2, 0])));
    }

    #[test]
    fn a_login_is_believed_when_it_is_said_in_json() {
        let judge =
            |stdout: &str| judge_login(Path::new("/bin/claude"), ExitStatus::default(), stdout.as_bytes());
        let found = judge(
            r#"{"loggedIn":true,"authMethod":"api_key","apiKeySource":"ANTHROPIC_API_KEY","email":"a@b"}"#,
        );
        assert_eq!(found, Finding::ok("Claude Code is logged in (api_key from ANTHROPIC_API_KEY)."));
        assert_eq!(judge(r#"{"loggedIn": false}"#).mark, Mark::Problem);
        for rubbish in ["", "Logged in!", "[]", r#"{"loggedIn":"yes"}"#] {
            assert_eq!(judge(rubbish).mark, Mark::Warning, "{rubbish}");
        }
    }
}
