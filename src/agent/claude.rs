//! Claude Code's arguments, and what it would refuse before it starts.
//!
//! Everything is passed every time: on resume Claude Code takes nothing but the conversation and the agent
//! from the session, so a flag that is left out is a flag that is lost. An empty value is never passed,
//! because an empty `--model` is taken for a model. The prompt is not an argument; it goes to standard
//! input, which has no limit of 128 KiB.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::json::pick;
use crate::run::SessionId;

/// The longest argument in bytes: `MAX_ARG_STRLEN` of Linux, 32 pages of 4 KiB with the final NUL, execve(2).
pub const ARGUMENT_BYTES_MAX: usize = (128 << 10) - 1;

/// The longest prompt in bytes: more on standard input is refused.
pub const PROMPT_BYTES_MAX: usize = 10_000_000;

/// No `Co-Authored-By` in commits: the runner writes its own trailers, and that one breaks contributor-licence checks.
const SETTINGS: &str = r#"{"attribution":{"commit":"","pr":""}}"#;

/// How one run of Claude Code is started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// Which conversation.
    pub session: Session,
    /// The model's name or alias.
    pub model: Option<String>,
    /// The limit of turns of this run; 0 means none.
    pub max_turns: Option<u32>,
    /// The limit of money of this run in US dollars.
    pub max_budget_usd: Option<f64>,
    /// What it may do without asking, as in `acceptEdits`.
    pub permission_mode: Option<String>,
    /// Tools allowed beyond that, as in `Bash(cargo test:*)`.
    pub allowed_tools: Vec<String>,
    /// A file whose text is added to the system prompt.
    pub instructions_file: Option<PathBuf>,
    /// The agent to be used.
    pub agent: Option<AgentChoice>,
    /// The JSON schema that the answer has to fit, as JSON text.
    pub result_schema: Option<String>,
    /// Whether the settings of the repository count.
    pub project_settings: ProjectSettings,
}

/// Which conversation a run is part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Session {
    /// A new one, under an id that is known before the agent starts.
    New(SessionId),
    /// An earlier one goes on.
    Resume(SessionId),
}

/// An agent, and the file that defines it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentChoice {
    /// A JSON file in the form of `AgentDefinition::to_agents_json`.
    pub file: PathBuf,
    /// Which of the agents in it.
    pub name: String,
}

/// Whether the agent loads the settings, hooks and MCP servers of the repository it works in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProjectSettings {
    /// It does. They run without a question: headless, there is no trust dialog.
    Load,
    /// It does not: the user's own settings only.
    Off,
}

/// Who the agent will run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// The superuser, on a machine that does not say that it is a sandbox.
    Root,
    /// Anybody else, or the superuser of a sandbox (`IS_SANDBOX=1`).
    Ordinary,
}

/// What Claude Code would refuse, or what cannot be passed to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvocationError {
    /// The prompt holds nothing.
    #[error("use a blank prompt: write a title or a description into the task")]
    PromptBlank,
    /// The prompt would be taken for a command of Claude Code.
    #[error(
        "use a prompt that starts with a slash: put words before it, or Claude Code takes it for a command"
    )]
    PromptIsCommand,
    /// The prompt is too long.
    #[error(
        "use a prompt of {bytes} bytes: Claude Code takes {PROMPT_BYTES_MAX}; name files instead of quoting them"
    )]
    PromptTooLong {
        /// How long it is.
        bytes: usize,
    },
    /// The schema is too long for an argument.
    #[error(
        "use a result schema of {bytes} bytes: an argument holds {ARGUMENT_BYTES_MAX}; drop descriptions and indentation"
    )]
    SchemaTooLong {
        /// How long it is.
        bytes: usize,
    },
    /// The schema is no JSON.
    #[error("use the result schema: it is no JSON: {problem}")]
    SchemaNotJson {
        /// What is wrong, and where.
        problem: String,
    },
    /// The schema can never be met.
    #[error(
        "use the result schema: its outermost \"type\" has to be \"object\"; wrap the value, as in \
         {{\"type\":\"object\",\"properties\":{{\"value\":…}},\"required\":[\"value\"]}}"
    )]
    SchemaNotObject,
    /// Permissions cannot be bypassed by the superuser.
    #[error(
        "bypass permissions as root: Claude Code refuses to; use another account or permission mode, \
         or set IS_SANDBOX=1 where this machine is a throw-away sandbox"
    )]
    BypassAsRoot,
    /// The limit of money is no amount.
    #[error("use {amount} as max_budget_usd: it has to be more than 0")]
    BudgetNotPositive {
        /// What was given.
        amount: String,
    },
    /// The id of a new session has the wrong form.
    #[error("start session {session}: Claude Code takes only UUIDs as ids of new sessions")]
    SessionNotUuid {
        /// What was given.
        session: SessionId,
    },
    /// An allowed tool would be taken for an option.
    #[error("allow tool {tool:?}: a tool's name cannot start with a hyphen")]
    ToolIsOption {
        /// What was given.
        tool: String,
    },
    /// A path that is not UTF-8.
    #[error("pass path {}: it is not UTF-8", path.display())]
    PathNotUtf8 {
        /// Which.
        path: PathBuf,
    },
    /// An argument that the operating system does not take.
    #[error("pass argument {start:?}…: it holds a NUL character or more than {ARGUMENT_BYTES_MAX} bytes")]
    ArgumentImpossible {
        /// How it starts.
        start: String,
    },
}

impl Account {
    /// Returns the account of this process, given the environment that the agent will have.
    pub fn current(environment: &BTreeMap<OsString, OsString>) -> Self {
        let sandbox = environment.get(OsStr::new("IS_SANDBOX")).is_some_and(|value| value == "1");
        if rustix::process::geteuid().is_root() && !sandbox { Self::Root } else { Self::Ordinary }
    }
}

/// Returns the arguments that follow the program's name.
pub fn arguments(invocation: &Invocation) -> Vec<String> {
    let mut arguments = Arguments::default();
    arguments.flags(&["-p", "--output-format", "stream-json", "--verbose"]);
    match &invocation.session {
        Session::New(session) => arguments.option("--session-id", session.as_str()),
        Session::Resume(session) => arguments.option("--resume", session.as_str()),
    }
    arguments.option("--model", invocation.model.as_deref().unwrap_or_default());
    if let Some(turns) = invocation.max_turns.filter(|turns| *turns > 0) {
        arguments.option("--max-turns", &turns.to_string());
    }
    if let Some(dollars) = invocation.max_budget_usd {
        arguments.option("--max-budget-usd", &dollars.to_string());
    }
    arguments.option("--permission-mode", invocation.permission_mode.as_deref().unwrap_or_default());
    let tools: Vec<&str> =
        invocation.allowed_tools.iter().map(|tool| tool.trim()).filter(|tool| !tool.is_empty()).collect();
    if !tools.is_empty() {
        arguments.flags(&["--allowedTools"]);
        arguments.flags(&tools);
    }
    if let Some(file) = &invocation.instructions_file {
        arguments.option("--append-system-prompt-file", &file.to_string_lossy());
    }
    if let Some(agent) = &invocation.agent {
        arguments.option("--agents", &agent.file.to_string_lossy());
        arguments.option("--agent", &agent.name);
    }
    arguments.option("--json-schema", invocation.result_schema.as_deref().unwrap_or_default());
    match invocation.project_settings {
        ProjectSettings::Load => {}
        ProjectSettings::Off => arguments.flags(&["--setting-sources", "user", "--strict-mcp-config"]),
    }
    // Last, so that the list of tools, which takes all that follows, ends at an option.
    arguments.option("--settings", SETTINGS);
    arguments.0
}

/// Returns everything that Claude Code would refuse or that cannot be passed to it; nothing when it can start.
pub fn problems(invocation: &Invocation, prompt: &str, account: Account) -> Vec<InvocationError> {
    let mut problems = Vec::new();
    problems.extend(prompt_problem(prompt));
    problems.extend(invocation.result_schema.as_deref().and_then(schema_problem));
    if account == Account::Root && invocation.permission_mode.as_deref() == Some("bypassPermissions") {
        problems.push(InvocationError::BypassAsRoot);
    }
    if let Some(amount) = invocation.max_budget_usd.filter(|amount| !(amount.is_finite() && *amount > 0.0)) {
        problems.push(InvocationError::BudgetNotPositive { amount: amount.to_string() });
    }
    if let Session::New(session) = &invocation.session
        && Uuid::try_parse(session.as_str()).is_err()
    {
        problems.push(InvocationError::SessionNotUuid { session: session.clone() });
    }
    let options = invocation.allowed_tools.iter().filter(|tool| tool.trim().starts_with('-'));
    problems.extend(options.map(|tool| InvocationError::ToolIsOption { tool: tool.clone() }));
    let paths = invocation.instructions_file.iter().chain(invocation.agent.iter().map(|agent| &agent.file));
    let bad_paths = paths.filter(|path| path.to_str().is_none());
    problems.extend(bad_paths.map(|path| InvocationError::PathNotUtf8 { path: path.clone() }));
    let schema = invocation.result_schema.as_deref();
    problems.extend(
        arguments(invocation)
            .iter()
            .filter(|argument| argument.contains('\0') || argument.len() > ARGUMENT_BYTES_MAX)
            .filter(|argument| Some(argument.as_str()) != schema)
            .map(|argument| InvocationError::ArgumentImpossible {
                start: argument.chars().take(40).collect(),
            }),
    );
    problems
}

/// Returns the first of the [`problems`].
pub fn require_valid(invocation: &Invocation, prompt: &str, account: Account) -> Result<(), InvocationError> {
    problems(invocation, prompt, account).into_iter().next().map_or(Ok(()), Err)
}

#[derive(Default)]
struct Arguments(Vec<String>);

impl Arguments {
    fn flags(&mut self, flags: &[&str]) {
        self.0.extend(flags.iter().map(|&flag| flag.to_owned()));
    }

    /// Adds an option with its value, or nothing when the value is blank.
    fn option(&mut self, name: &str, value: &str) {
        if !value.trim().is_empty() {
            self.flags(&[name, value]);
        }
    }
}

fn prompt_problem(prompt: &str) -> Option<InvocationError> {
    // A byte-order mark is no whitespace in Rust, and blank to JavaScript.
    let start =
        prompt.trim_start_matches(|character: char| character.is_whitespace() || character == '\u{feff}');
    if start.is_empty() {
        Some(InvocationError::PromptBlank)
    } else if start.starts_with('/') {
        Some(InvocationError::PromptIsCommand)
    } else if prompt.len() > PROMPT_BYTES_MAX {
        Some(InvocationError::PromptTooLong { bytes: prompt.len() })
    } else {
        None
    }
}

fn schema_problem(schema: &str) -> Option<InvocationError> {
    if schema.len() > ARGUMENT_BYTES_MAX {
        return Some(InvocationError::SchemaTooLong { bytes: schema.len() });
    }
    if let Err(error) = serde_json::from_str::<IgnoredAny>(schema) {
        return Some(InvocationError::SchemaNotJson { problem: error.to_string() });
    }
    let kind = pick(schema.trim(), ["type"]).and_then(|[kind]| kind);
    let is_object = kind.map(RawValue::get) == Some(r#""object""#);
    (!is_object).then_some(InvocationError::SchemaNotObject)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smallest(session: Session) -> Invocation {
        Invocation {
            session,
            model: None,
            max_turns: None,
            max_budget_usd: None,
            permission_mode: None,
            allowed_tools: Vec::new(),
            instructions_file: None,
            agent: None,
            result_schema: None,
            project_settings: ProjectSettings::Load,
        }
    }

    fn session() -> SessionId {
        "11111111-1111-4111-8111-111111111111".parse().unwrap()
    }

    fn largest() -> Invocation {
        Invocation {
            model: Some("opus".to_owned()),
            max_turns: Some(40),
            max_budget_usd: Some(2.5),
            permission_mode: Some("acceptEdits".to_owned()),
            allowed_tools: vec!["Bash(cargo test:*)".to_owned(), " ".to_owned(), "Read".to_owned()],
            instructions_file: Some("/runs/1/instructions.md".into()),
            agent: Some(AgentChoice { file: "/runs/1/agents.json".into(), name: "reviewer".to_owned() }),
            result_schema: Some(r#"{"type":"object"}"#.to_owned()),
            project_settings: ProjectSettings::Off,
            ..smallest(Session::New(session()))
        }
    }

    #[test]
    fn what_is_not_asked_for_is_not_passed() {
        let invocation = Invocation {
            model: Some(String::new()),
            max_turns: Some(0),
            allowed_tools: vec![String::new()],
            ..smallest(Session::Resume(session()))
        };
        insta::assert_snapshot!(arguments(&invocation).join("\n"), @r#"
        -p
        --output-format
        stream-json
        --verbose
        --resume
        11111111-1111-4111-8111-111111111111
        --settings
        {"attribution":{"commit":"","pr":""}}
        "#);
    }

    #[test]
    fn a_resume_passes_everything_again() {
        let begun = largest();
        let resumed = Invocation { session: Session::Resume(session()), ..largest() };
        insta::assert_snapshot!(arguments(&begun).join("\n"), @r#"
        -p
        --output-format
        stream-json
        --verbose
        --session-id
        11111111-1111-4111-8111-111111111111
        --model
        opus
        --max-turns
        40
        --max-budget-usd
        2.5
        --permission-mode
        acceptEdits
        --allowedTools
        Bash(cargo test:*)
        Read
        --append-system-prompt-file
        /runs/1/instructions.md
        --agents
        /runs/1/agents.json
        --agent
        reviewer
        --json-schema
        {"type":"object"}
        --setting-sources
        user
        --strict-mcp-config
        --settings
        {"attribution":{"commit":"","pr":""}}
        "#);
        let rest = |invocation: &Invocation| arguments(invocation).split_off(6);
        assert_eq!(rest(&begun), rest(&resumed));
        assert_eq!(problems(&begun, "Task: mend it", Account::Root), []);
    }

    #[test]
    fn what_claude_code_would_refuse_is_said_before_it_starts() {
        let problem = |change: &dyn Fn(&mut Invocation)| {
            let mut invocation = smallest(Session::New(session()));
            change(&mut invocation);
            require_valid(&invocation, "Task: mend it", Account::Root)
        };
        let schema = |text: &str| {
            let text = text.to_owned();
            problem(&|invocation| invocation.result_schema = Some(text.clone()))
        };
        assert_eq!(problem(&|_| {}), Ok(()));
        assert_eq!(
            problem(&|invocation| invocation.permission_mode = Some("bypassPermissions".to_owned())),
            Err(InvocationError::BypassAsRoot)
        );
        assert_eq!(
            problem(&|invocation| invocation.max_budget_usd = Some(f64::NAN)),
            Err(InvocationError::BudgetNotPositive { amount: "NaN".to_owned() })
        );
        assert_eq!(
            problem(&|invocation| invocation.allowed_tools = vec!["--agent".to_owned()]),
            Err(InvocationError::ToolIsOption { tool: "--agent".to_owned() })
        );
        assert_eq!(
            problem(&|invocation| invocation.session = Session::New("thread_1".parse().unwrap())),
            Err(InvocationError::SessionNotUuid { session: "thread_1".parse().unwrap() })
        );
        assert_eq!(
            problem(&|invocation| invocation.model = Some("a\0b".to_owned())),
            Err(InvocationError::ArgumentImpossible { start: "a\0b".to_owned() })
        );
        assert_eq!(schema(r#" { "type" : "object" } "#), Ok(()));
        for text in [r#"{"type":"array"}"#, r#"{"type":["object"]}"#, "{}", "[]"] {
            assert_eq!(schema(text), Err(InvocationError::SchemaNotObject), "{text}");
        }
        assert_eq!(
            schema("{\"type\":\n\"object\"").unwrap_err().to_string(),
            "use the result schema: it is no JSON: EOF while parsing an object at line 2 column 8"
        );
        let long = format!(r#"{{"type":"object","title":"{}"}}"#, "x".repeat(128 << 10));
        assert_eq!(schema(&long), Err(InvocationError::SchemaTooLong { bytes: long.len() }));
    }

    #[test]
    fn a_prompt_that_would_not_reach_the_model_is_refused() {
        let problem = |prompt: &str| {
            require_valid(&smallest(Session::New(session())), prompt, Account::Ordinary).unwrap_err()
        };
        assert_eq!(problem(" \n\u{feff}"), InvocationError::PromptBlank);
        assert_eq!(problem("\n /clear"), InvocationError::PromptIsCommand);
        let long = "x".repeat(PROMPT_BYTES_MAX + 1);
        assert_eq!(problem(&long), InvocationError::PromptTooLong { bytes: long.len() });
    }

    #[test]
    fn a_sandbox_says_so_itself() {
        let sandbox = BTreeMap::from([(OsString::from("IS_SANDBOX"), OsString::from("1"))]);
        assert_eq!(Account::current(&sandbox), Account::Ordinary);
    }
}
