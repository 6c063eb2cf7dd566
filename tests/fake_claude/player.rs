//! Plays the steps, and answers SIGTERM while it does.
//!
//! SIGTERM behaves as in Claude Code 2.1.330, measured: the running tool's whole group is killed, no result is
//! printed, the exit code is 143.

use std::cell::{Cell, RefCell};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde_json::json;
use tokio::signal::unix::SignalKind;

use crate::script::{Detachment, OnTerm, ResultEvent, Step};
use crate::state::State;
use crate::stream::{self, Stream};

/// How often `wait-for` looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// Plays all steps and returns how the process ends.
pub(crate) async fn play(state: &State, stream: Stream, steps: Vec<Step>) -> ExitCode {
    // Before the first event, so that a test that has seen one may send the signal.
    let mut signals = tokio::signal::unix::signal(SignalKind::terminate()).unwrap();
    let player = Player {
        state,
        stream: RefCell::new(stream),
        on_term: Cell::new(OnTerm::Die),
        tool: Cell::new(None),
    };
    let code = tokio::select! {
        code = player.run(&steps) => code,
        code = player.terminated(&mut signals) => code,
    };
    ExitCode::from(code)
}

struct Player<'a> {
    state: &'a State,
    stream: RefCell<Stream>,
    on_term: Cell<OnTerm>,
    tool: Cell<Option<Pid>>,
}

impl Player<'_> {
    async fn run(&self, steps: &[Step]) -> u8 {
        // What SIGTERM does is settled before the first event as well.
        for step in steps {
            if let Step::OnTerm(on_term) = step {
                self.on_term.set(*on_term);
            }
        }
        let recorded = steps.iter().any(|step| matches!(step, Step::PrintFile(_)));
        if !recorded && !steps.contains(&Step::NoInit) {
            self.stream.borrow_mut().init();
        }
        for step in steps {
            if let Some(code) = self.perform(step).await {
                return code;
            }
        }
        let mut stream = self.stream.borrow_mut();
        if !recorded && stream.results() == 0 {
            stream.result(&ResultEvent::default());
        }
        stream.exit_code()
    }

    async fn terminated(&self, signals: &mut tokio::signal::unix::Signal) -> u8 {
        loop {
            signals.recv().await;
            match self.on_term.get() {
                OnTerm::Ignore => {}
                OnTerm::Die => {
                    self.kill_tool();
                    return 143;
                }
                OnTerm::Succeed => {
                    self.kill_tool();
                    self.stream.borrow_mut().result(&ResultEvent::default());
                    return 0;
                }
            }
        }
    }

    /// Performs one step and returns the exit code when it ends the process.
    async fn perform(&self, step: &Step) -> Option<u8> {
        match step {
            Step::Write { path, text } => self.edit("Write", path, text, |_| text.clone()),
            Step::Append { path, text } => self.edit("Edit", path, text, |old| format!("{old}{text}")),
            Step::Delete { path } => {
                std::fs::remove_file(path).unwrap();
                let input = json!({"command": format!("rm {}", path.display())});
                self.stream.borrow_mut().tool("Bash", &input, Ok(""));
            }
            Step::Shell(command) => self.shell(command).await,
            Step::Background { detachment, command } => self.background(*detachment, command),
            Step::Text(text) => self.stream.borrow_mut().text(text),
            Step::Raw(line) => stream::print_bytes(format!("{line}\n").as_bytes()),
            Step::Stderr(text) => eprintln!("{text}"),
            Step::PrintFile(path) => return stream::print_file(path),
            Step::BigLine(bytes) => self.stream.borrow_mut().text(&"x".repeat(*bytes)),
            Step::Garbage => stream::print_bytes(b"\xff\xfe not json {\n\n[1,2\n\"a string\"\n"),
            Step::Cut => stream::print_bytes(br#"{"duration_api_ms":283,"is_error":false,"type":"res"#),
            Step::RateLimit { status, resets_at } => self.stream.borrow_mut().rate_limit(status, *resets_at),
            Step::SchemaAnswer(answer) => self.stream.borrow_mut().set_structured(answer.clone()),
            Step::Result(event) => self.stream.borrow_mut().result(event),
            Step::Init => self.stream.borrow_mut().init(),
            Step::WaitFor(path) => {
                while !path.exists() {
                    tokio::time::sleep(LOOK_INTERVAL).await;
                }
            }
            Step::Hang => std::future::pending().await,
            Step::Exit(code) => return Some(*code),
            Step::Kill(signal) => {
                let signal = Signal::from_named_raw(*signal).unwrap();
                rustix::process::kill_process(rustix::process::getpid(), signal).unwrap();
                std::future::pending::<()>().await;
            }
            Step::NoInit | Step::OnTerm(_) | Step::UnknownSession => {}
        }
        None
    }

    fn edit(&self, tool: &str, path: &Path, text: &str, new: impl FnOnce(String) -> String) {
        let full_path = std::env::current_dir().unwrap().join(path);
        std::fs::create_dir_all(full_path.parent().unwrap()).unwrap();
        let old = std::fs::read_to_string(&full_path).unwrap_or_default();
        std::fs::write(&full_path, new(old)).unwrap();
        let input = json!({"file_path": full_path, "content": text});
        let outcome = format!("File written successfully at: {}", full_path.display());
        self.stream.borrow_mut().tool(tool, &input, Ok(&outcome));
    }

    async fn shell(&self, command: &str) {
        let id = self.stream.borrow_mut().tool_use("Bash", &json!({"command": command}));
        let child = self
            .command("sh")
            .args(["-c", command])
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.tool.set(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
        let output = child.wait_with_output().await.unwrap();
        self.tool.set(None);
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        let outcome = if output.status.success() { Ok(text.trim_end()) } else { Err(text.trim_end()) };
        self.stream.borrow_mut().tool_result(&id, outcome);
    }

    fn background(&self, detachment: Detachment, command: &str) {
        let mut start = match detachment {
            Detachment::OwnSession => {
                let mut start = self.command("setsid");
                start.arg("sh");
                start
            }
            Detachment::SameGroup => self.command("sh"),
        };
        let child = start.args(["-c", command]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.state.record("background", child.id().unwrap().to_string().as_bytes());
        let input = json!({"command": command, "run_in_background": true});
        self.stream.borrow_mut().tool("Bash", &input, Ok("Command running in background with ID: b1"));
    }

    /// Returns a command with the variables that the real CLI gives to its tools.
    fn command(&self, program: impl AsRef<OsStr>) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(program);
        command
            .stdin(Stdio::null())
            .env("CLAUDECODE", "1")
            .env("CLAUDE_PID", std::process::id().to_string())
            .env("CLAUDE_CODE_SESSION_ID", self.stream.borrow().session_id());
        command
    }

    fn kill_tool(&self) {
        if let Some(group) = self.tool.get() {
            // It may be gone already, which is what was wanted.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }
}
