//! What the fake leaves on disk: a record of each start, and what each session remembers.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::script::Beginning;
use crate::{Refusal, stream};

/// The most starts that one folder records; a test that comes near it starts the agent in a loop.
const STARTS_MAX: u32 = 10_000;

/// The folder of this start, and that of all sessions.
#[derive(Debug)]
pub(crate) struct State {
    record: PathBuf,
    sessions: PathBuf,
}

impl State {
    /// Takes the next free number for the record of this start. Creating a folder is atomic, so parallel starts
    /// never share one.
    pub(crate) fn open() -> Self {
        let folder = std::env::var_os("FAKE_CLAUDE_DIR").map_or_else(
            || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".claude/fake"),
            PathBuf::from,
        );
        let sessions = folder.join("sessions");
        fs::create_dir_all(&sessions).unwrap();
        let record = (1..STARTS_MAX)
            .map(|number| folder.join(format!("{number}")))
            .find(|record| match fs::create_dir(record) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
                created => {
                    created.unwrap();
                    true
                }
            })
            .unwrap();
        Self { record, sessions }
    }

    pub(crate) fn record_start(&self, words: &[String]) {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        self.record("argv.json", json!(words).to_string().as_bytes());
        self.record("environment.json", json!(environment).to_string().as_bytes());
        self.record("cwd", std::env::current_dir().unwrap().as_os_str().as_encoded_bytes());
        self.record("pid", std::process::id().to_string().as_bytes());
    }

    /// Writes one file of this start's record, as one step.
    pub(crate) fn record(&self, name: &str, bytes: &[u8]) {
        replace(&self.record.join(name), bytes);
    }

    pub(crate) fn open_session(&self, arguments: &Arguments, prompt: &str) -> Result<Session, Refusal> {
        let resume = arguments.value("--resume");
        let id = resume.or(arguments.value("--session-id")).map_or_else(
            || Ok(uuid::Uuid::new_v4()),
            |id| id.parse().map_err(|_| Refusal::real("Error: Invalid session ID. Must be a valid UUID.")),
        )?;
        let stored = fs::read(self.session_file(&id.to_string()))
            .ok()
            .map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap());
        let own_script = prompt.lines().any(|line| line.trim_start().starts_with("@fake "));
        let (beginning, script, turns) = match (resume, stored) {
            (None, None) => (Beginning::Fresh, prompt.to_owned(), 0),
            (None, Some(_)) => {
                return Err(Refusal::real(format!("Error: Session ID {id} is already in use.")));
            }
            (Some(_), None) => return Err(stream::unknown_session(&id.to_string())),
            (Some(_), Some(stored)) => {
                let script = if own_script { prompt } else { stored["script"].as_str().unwrap() };
                (Beginning::Resumed, script.to_owned(), stored["turns"].as_u64().unwrap())
            }
        };
        let model = arguments.value("--model").unwrap_or("claude-opus-5-5").to_owned();
        let permission_mode = arguments.value("--permission-mode").unwrap_or("default").to_owned();
        let file = self.session_file(&id.to_string());
        let turns = Cell::new(turns);
        Ok(Session { id: id.to_string(), model, permission_mode, script, turns, beginning, file })
    }

    fn session_file(&self, id: &str) -> PathBuf {
        self.sessions.join(format!("{id}.json"))
    }
}

/// One conversation, as far as it outlives a process.
#[derive(Debug)]
pub(crate) struct Session {
    id: String,
    pub(crate) model: String,
    pub(crate) permission_mode: String,
    script: String,
    turns: Cell<u64>,
    beginning: Beginning,
    file: PathBuf,
}

impl Session {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn script(&self) -> &str {
        &self.script
    }

    pub(crate) fn beginning(&self) -> Beginning {
        self.beginning
    }

    /// Adds the turns of a result and returns those of the whole session, earlier processes included.
    pub(crate) fn add_turns(&self, turns: u64) -> u64 {
        self.turns.set(self.turns.get() + turns);
        self.save();
        self.turns.get()
    }

    pub(crate) fn save(&self) {
        let text = json!({"script": self.script, "turns": self.turns.get()}).to_string();
        replace(&self.file, text.as_bytes());
    }
}

/// Replaces a file as one step: a test may be waiting for it to appear.
fn replace(path: &Path, bytes: &[u8]) {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&temporary, bytes).unwrap();
    fs::rename(&temporary, path).unwrap();
}
