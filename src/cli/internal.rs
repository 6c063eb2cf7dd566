//! What this program starts for itself, and what must answer at once.
//!
//! None of it builds the command line's definition: a supervisor is started for every run, git waits for a hook,
//! and `--version` is what scripts ask first.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::agent::demo::DemoAgent;
use crate::agent::environment::{RESUME_VARIABLE, SESSION_VARIABLE};
use crate::os::env;
use crate::runner::LOOK_WORD;
use crate::trigger::hook::{DRAIN_WORD, PUSH_WORD};
use crate::ui::{Format, Narration, Ui};

/// Does what is asked when it is one of these, or returns `None`. `words` starts with the program's name.
pub(super) fn run(words: &[OsString]) -> Option<ExitCode> {
    let word = words.get(1)?.to_str()?;
    match (word, &words[2..]) {
        ("--version" | "-V", []) => Some(version()),
        ("supervise", [run_directory]) => Some(supervise(Path::new(run_directory))),
        ("hook", [event, arguments @ ..]) => Some(super::hook::run(event, arguments)),
        (LOOK_WORD, [most]) => Some(super::look::run(most)),
        (DRAIN_WORD, []) => Some(super::hook_background::drain()),
        (PUSH_WORD, [remote, pushing]) => Some(super::hook_background::push(remote, pushing)),
        ("demo-agent", arguments) => Some(demo_agent(arguments)),
        _ => None,
    }
}

fn version() -> ExitCode {
    plain_ui().answer(format_args!("git-claudedo {}", env!("CARGO_PKG_VERSION")));
    ExitCode::SUCCESS
}

fn supervise(run_directory: &Path) -> ExitCode {
    match crate::supervisor::run(run_directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::CommandError::from(error).report(&plain_ui()),
    }
}

fn demo_agent(arguments: &[OsString]) -> ExitCode {
    let directory = std::env::current_dir().unwrap_or_default();
    let agent = DemoAgent::new(session().into_iter().chain(arguments.iter().cloned()), &directory);
    ExitCode::from(agent.run(io::stdin().lock(), io::stdout().lock()))
}

/// Returns the session that the runner names to a command used as the agent, as arguments.
fn session() -> Vec<OsString> {
    let Some(session) = env::variable(SESSION_VARIABLE) else { return Vec::new() };
    let option = match env::variable(RESUME_VARIABLE).as_deref() {
        Some("1") => "--resume",
        Some(_) | None => "--session-id",
    };
    vec![option.into(), session.into()]
}

pub(super) fn plain_ui() -> Ui {
    Ui::new(Format::Text, anstream::ColorChoice::Auto, Narration::Normal)
}
