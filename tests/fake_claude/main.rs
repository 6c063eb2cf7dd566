//! A stand-in for the Claude Code CLI that plays a script, so that tests need no account and no clock.
//!
//! It takes the arguments of Claude Code 2.1.330 and refuses what that refuses, prints the same event shapes
//! (measured, not guessed), and does what the lines of its prompt say that start with `@fake `:
//!
//! | step | what happens |
//! |---|---|
//! | `write FILE TEXT` · `append FILE TEXT` · `delete FILE` | the file is changed, with the events of a tool call |
//! | `sh COMMAND` | a command runs in a process group of its own, as the CLI's Bash tool does |
//! | `background setsid [COMMAND]` · `background group [COMMAND]` | a process is left behind; its pid is in `background` of the record |
//! | `text TEXT` · `raw LINE` · `stderr TEXT` | an assistant text · a line as it is · a line on stderr |
//! | `print-file FILE` | a recorded stream takes the place of the events of our own (relative: from the package's root) |
//! | `big-line BYTES` · `garbage` · `cut` | a huge line · bytes that are no JSON · half a line without its end |
//! | `rate-limit STATUS EPOCH` | a `rate_limit_event` |
//! | `schema-answer JSON` | the structured answer of the next result |
//! | `result ok\|error [KEY=VALUE…] [text=TEXT]` | a result; keys: `subtype terminal_reason api_error status turns denied` |
//! | `init` · `no-init` | a further init event · none at the start |
//! | `wait-for FILE` | goes on when the file exists |
//! | `hang` | does nothing, for ever |
//! | `exit CODE` · `kill SIGNAL` | ends at once, without a result |
//! | `ignore-term` · `term-success` | SIGTERM is ignored · SIGTERM prints a good result and ends with 0 |
//! | `unknown-session` | a resume finds no conversation |
//! | `on-resume STEP` · `on-fresh STEP` | the step counts only there |
//!
//! A script that ends without a result gets a good one. A session remembers its script, so a follow-up without
//! `@fake` lines plays it again. Each start leaves a record in `$FAKE_CLAUDE_DIR/<n>/` (without that variable,
//! `$HOME/.claude/fake/<n>/`): `argv.json`, `environment.json`, `cwd`, `pid`, `stdin`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test tool: it fails by panicking and is itself outside the doors"
)]

mod arguments;
mod player;
mod script;
mod state;
mod stream;

use std::io::Read;
use std::process::ExitCode;

use arguments::Arguments;
use script::{Beginning, Step};
use state::{Session, State};
use stream::Stream;

/// The exit code for a script or a use of the fake that makes no sense: none that the real CLI has.
const EXIT_MISUSE: u8 = 97;

/// What a built-in command such as `/help` comes to: a success without a turn.
const COMMAND_SCRIPT: &str = "@fake result ok turns=0 terminal_reason=";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words == ["--version"] {
        println!("2.1.330 (Claude Code)");
        return ExitCode::SUCCESS;
    }
    let state = State::open();
    state.record_start(&words);
    let mut stdin = Vec::new();
    std::io::stdin().read_to_end(&mut stdin).unwrap();
    state.record("stdin", &stdin);
    let prompt = String::from_utf8_lossy(&stdin);
    match start(&state, &words, &prompt) {
        Ok((session, steps)) => {
            let stream = Stream::new(session);
            player::play(&state, stream, steps).await
        }
        Err(Refusal { code, message }) => {
            eprintln!("{message}");
            ExitCode::from(code)
        }
    }
}

/// Why nothing starts: words for stderr and the exit code.
struct Refusal {
    code: u8,
    message: String,
}

impl Refusal {
    fn real(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    fn misuse(message: impl Into<String>) -> Self {
        Self { code: EXIT_MISUSE, message: format!("fake-claude: {}", message.into()) }
    }
}

/// Decides, as the real CLI does, whether there is anything to play.
fn start(state: &State, words: &[String], prompt: &str) -> Result<(Session, Vec<Step>), Refusal> {
    let arguments = Arguments::parse(words)?;
    if prompt.trim().is_empty() {
        return Err(Refusal::real(
            "Error: Input must be provided either through stdin or as a prompt argument",
        ));
    }
    let session = state.open_session(&arguments, prompt)?;
    let steps = script::steps(session.script(), session.beginning()).map_err(Refusal::misuse)?;
    if session.beginning() == Beginning::Resumed && steps.contains(&Step::UnknownSession) {
        return Err(stream::unknown_session(session.id()));
    }
    if prompt.starts_with('/') {
        return Ok((session, script::steps(COMMAND_SCRIPT, Beginning::Fresh).unwrap()));
    }
    session.save();
    Ok((session, steps))
}
