//! The demo agent: what `git claudedo demo` runs in place of Claude Code.
//!
//! It needs no account and no network, reads a prompt on stdin, speaks Claude Code's `stream-json` on stdout
//! and really edits the files of its folder, so a demonstration exercises the same path as real work:
//! worktree, supervisor, log, verdict, commit, record. It does what the `demo:` lines of its prompt say:
//!
//! | line | what happens |
//! |---|---|
//! | `demo: write FILE TEXT` | the file is written (`\n` in the text is a line break) |
//! | `demo: append FILE TEXT` | a line is added to the file |
//! | `demo: say TEXT` | the agent says so |
//! | `demo: wait 800ms` | it thinks for that long (`ms` or `s`) |
//! | `demo: fail-once` | it fails, unless its session is resumed |
//! | `demo: fail REASON` | it fails |
//!
//! Of the arguments it heeds `--session-id ID`, `--resume ID` and `--no-pauses`; the others of Claude Code it
//! takes and ignores.

mod script;
mod stream;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use self::script::Step;
use self::stream::Stream;
use crate::os::fs;

/// How long the agent seems to think before each event: slow enough to watch, fast enough not to wait.
const PAUSE: Duration = Duration::from_millis(250);

/// The longest prompt that is read. Claude Code 2.1.330 refuses more than 10 MB, measured.
const PROMPT_BYTES_MAX: u64 = 10_000_000;

/// The agent and how it was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoAgent {
    session: Session,
    pace: Pace,
    directory: PathBuf,
}

impl DemoAgent {
    /// Reads the arguments of the command, without the program's own name. Files are edited in `directory`.
    pub fn new(arguments: impl IntoIterator<Item = OsString>, directory: &Path) -> Self {
        let mut agent =
            Self { session: Session::fresh(), pace: Pace::Lively, directory: directory.to_owned() };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--session-id") => agent.session = Session::Fresh(next_text(&mut arguments)),
                Some("--resume") => agent.session = Session::Resumed(next_text(&mut arguments)),
                Some("--no-pauses") => agent.pace = Pace::Hurried,
                _ => {}
            }
        }
        agent
    }

    /// Follows the prompt and returns the exit code: 0 when the work is done, 1 when it failed.
    pub fn run(&self, input: impl Read, output: impl Write) -> u8 {
        let mut stream = Stream::new(output, self.session.id(), self.directory.clone());
        match self.play(input, &mut stream) {
            Ok(Verdict::Done) => 0,
            // Whoever read the stream is gone, so there is nobody to tell.
            Ok(Verdict::Failed) | Err(_) => 1,
        }
    }

    fn play<W: Write>(&self, input: impl Read, stream: &mut Stream<W>) -> io::Result<Verdict> {
        stream.init()?;
        let mut prompt = Vec::new();
        input.take(PROMPT_BYTES_MAX).read_to_end(&mut prompt)?;
        let steps = match script::steps(&String::from_utf8_lossy(&prompt), &self.session) {
            Ok(steps) => steps,
            Err(error) => return fail(stream, &error.to_string()),
        };
        for step in &steps {
            self.pause();
            if let Err(reason) = self.perform(step, stream)? {
                return fail(stream, &reason);
            }
        }
        self.pause();
        let summary = summary(&steps);
        stream.text(&summary)?;
        stream.result(Ok(&summary))?;
        Ok(Verdict::Done)
    }

    /// Performs one step. The inner result is the agent's own: why it gives up.
    fn perform<W: Write>(&self, step: &Step, stream: &mut Stream<W>) -> io::Result<Result<(), String>> {
        match step {
            Step::Write { path, text } => self.write(path, text, stream),
            Step::Append { path, text } => self.append(path, text, stream),
            Step::Say(text) => stream.text(text).map(Ok),
            Step::Wait(duration) => {
                wait(*duration);
                Ok(Ok(()))
            }
            Step::FailOnce => match self.session {
                Session::Fresh(_) => Ok(Err("The first attempt fails, as asked.".to_owned())),
                Session::Resumed(_) => stream.text("Trying again where the last attempt ended.").map(Ok),
            },
            Step::Fail(reason) => Ok(Err(reason.clone())),
        }
    }

    fn write<W: Write>(
        &self,
        path: &Path,
        text: &str,
        stream: &mut Stream<W>,
    ) -> io::Result<Result<(), String>> {
        let full_path = self.directory.join(path);
        let id = stream.tool_use("Write", &json!({"file_path": full_path, "content": text}))?;
        self.pause();
        report(stream, &id, &write_file(&full_path, text.as_bytes()), path)
    }

    fn append<W: Write>(
        &self,
        path: &Path,
        text: &str,
        stream: &mut Stream<W>,
    ) -> io::Result<Result<(), String>> {
        let full_path = self.directory.join(path);
        let input = json!({"file_path": full_path, "old_string": "", "new_string": text});
        let id = stream.tool_use("Edit", &input)?;
        self.pause();
        let appended = fs::read_optional(&full_path).and_then(|old| {
            let mut bytes = old.unwrap_or_default();
            bytes.extend_from_slice(text.as_bytes());
            write_file(&full_path, &bytes)
        });
        report(stream, &id, &appended, path)
    }

    fn pause(&self) {
        match self.pace {
            Pace::Lively => wait(PAUSE),
            Pace::Hurried => {}
        }
    }
}

/// How the session began, and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Session {
    Fresh(String),
    Resumed(String),
}

impl Session {
    fn fresh() -> Self {
        Self::Fresh(uuid::Uuid::new_v4().to_string())
    }

    fn id(&self) -> &str {
        match self {
            Self::Fresh(id) | Self::Resumed(id) => id,
        }
    }
}

/// Whether the agent pauses between its events. A `demo: wait` is kept either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Lively,
    Hurried,
}

/// How a prompt ended, once the stream has said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Done,
    Failed,
}

fn fail<W: Write>(stream: &mut Stream<W>, reason: &str) -> io::Result<Verdict> {
    stream.result(Err(reason))?;
    Ok(Verdict::Failed)
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), fs::FileError> {
    if let Some(folder) = path.parent() {
        fs::create_directory(folder)?;
    }
    fs::write_atomic(path, bytes)
}

fn report<W: Write>(
    stream: &mut Stream<W>,
    id: &str,
    written: &Result<(), fs::FileError>,
    path: &Path,
) -> io::Result<Result<(), String>> {
    match written {
        Ok(()) => stream.tool_result(id, Ok(&format!("Wrote {}", path.display()))).map(Ok),
        Err(error) => {
            let reason = format!("failed to {error}: {}", error.source);
            stream.tool_result(id, Err(&reason))?;
            Ok(Err(reason))
        }
    }
}

fn summary(steps: &[Step]) -> String {
    let mut files: Vec<String> = Vec::new();
    for step in steps {
        if let Step::Write { path, .. } | Step::Append { path, .. } = step {
            let name = format!("`{}`", path.display());
            if !files.contains(&name) {
                files.push(name);
            }
        }
    }
    if files.is_empty() { "Done.".to_owned() } else { format!("Done: wrote {}.", files.join(", ")) }
}

/// Waits by a message that never comes: the one clock that ordinary, non-async code may wait on here.
fn wait(duration: Duration) {
    let (_sender, receiver) = mpsc::channel::<()>();
    // Nobody sends, so the only way this ends is the timeout.
    let _ = receiver.recv_timeout(duration);
}

fn next_text(arguments: &mut impl Iterator<Item = OsString>) -> String {
    arguments.next().map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    struct Played {
        code: u8,
        events: Vec<Value>,
    }

    fn play(arguments: &[&str], directory: &Path, prompt: &str) -> Played {
        let arguments = arguments.iter().chain(&["--no-pauses"]).map(OsString::from);
        let mut output = Vec::new();
        let code = DemoAgent::new(arguments, directory).run(prompt.as_bytes(), &mut output);
        let text = String::from_utf8(output).unwrap();
        Played { code, events: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect() }
    }

    #[test]
    fn it_edits_files_and_ends_with_a_result() {
        let folder = tempfile::tempdir().unwrap();
        let prompt = "T\n\ndemo: write a/hello.txt Hello\ndemo: append a/hello.txt World";
        let played = play(&["--session-id", "s1", "--verbose"], folder.path(), prompt);
        assert_eq!(played.code, 0);
        assert_eq!(std::fs::read_to_string(folder.path().join("a/hello.txt")).unwrap(), "Hello\nWorld\n");
        let types: Vec<_> = played.events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(
            types,
            ["system", "assistant", "user", "assistant", "user", "assistant", "result"],
            "each call is followed by what came of it"
        );
        assert!(played.events.iter().all(|event| event["session_id"] == "s1"));
        let result = played.events.last().unwrap();
        assert_eq!(
            (&result["is_error"], &result["result"]),
            (&false.into(), &"Done: wrote `a/hello.txt`.".into())
        );
        assert_eq!(result["usage"]["input_tokens"], 300);
    }

    #[test]
    fn it_fails_once_and_succeeds_when_its_session_is_resumed() {
        let folder = tempfile::tempdir().unwrap();
        let prompt = "demo: fail-once\ndemo: write done.txt yes";
        let first = play(&["--session-id", "s1"], folder.path(), prompt);
        assert_eq!((first.code, &first.events.last().unwrap()["is_error"]), (1, &true.into()));
        assert!(!folder.path().join("done.txt").exists());
        let second = play(&["--resume", "s1"], folder.path(), prompt);
        assert_eq!((second.code, &second.events.last().unwrap()["subtype"]), (0, &"success".into()));
        assert!(folder.path().join("done.txt").exists());
    }

    #[test]
    fn a_failure_says_why_in_the_result() {
        let folder = tempfile::tempdir().unwrap();
        for (prompt, reason) in [
            ("demo: fail no luck", "no luck"),
            ("", "the prompt is empty"),
            (
                "demo: write /etc/x y",
                "demo step \"write /etc/x y\" names a path outside the worktree, or in .git",
            ),
        ] {
            let played = play(&[], folder.path(), prompt);
            let result = played.events.last().unwrap();
            assert_eq!((played.code, &result["errors"]), (1, &json!([reason])));
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_fails_the_call_and_the_run() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("taken")).unwrap();
        let played = play(&[], folder.path(), "demo: write taken x");
        assert_eq!(played.code, 1);
        assert_eq!(played.events[2]["message"]["content"][0]["is_error"], true);
    }

    #[test]
    fn a_session_without_an_id_gets_one_of_its_own() {
        let agents = [DemoAgent::new([], Path::new(".")), DemoAgent::new([], Path::new("."))];
        assert_ne!(agents[0].session.id(), agents[1].session.id());
    }
}
