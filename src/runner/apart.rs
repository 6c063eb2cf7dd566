//! A look in a process of its own, so that what it needs goes back to the operating system when it is over.
//!
//! A runner that stays for days looks at ten thousand tasks in a moment, and no allocator gives all of that back.
//! So it starts this program again, which looks and prints what it found, and takes over the little that a decision
//! needs.

use std::ffi::OsString;
use std::sync::Once;
use std::time::Duration;

use anyhow::anyhow;

use super::engine::Engine;
use super::scan::{Found, Selection, look};
use crate::os::process::{Captured, CapturedCommand, CapturedError};
use crate::store::event_stream::Level;
use crate::store::overview::Sources;

/// The first word of a process that looks; how many tasks it may name follows.
pub const LOOK_WORD: &str = "look";

/// After how long a look counts as hung.
const LOOK_MAX: Duration = Duration::from_mins(5);

/// The most that a look may say. The tasks that it names are counted; what is asked of them is of any length.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// What a look in another process came to, as it is printed.
type Answer = Result<Found, String>;

/// Looks at all tasks, and returns what to print for the process that wants to know.
pub fn answer(sources: &Sources<'_>, most: usize) -> serde_json::Result<String> {
    let answer: Answer = look(sources, &Selection::All, most).map_err(|error| format!("{error:#}"));
    serde_json::to_string(&answer)
}

/// Looks at all tasks in another process.
///
/// Where the program has gone or was replaced by one that speaks otherwise, this one looks by itself.
pub(crate) fn look_apart(engine: &Engine, most: usize) -> anyhow::Result<Found> {
    let captured = match command(engine, most).run() {
        Err(error @ CapturedError::Start { .. }) => {
            return look_here(engine, most, &format!("failed to {:#}", anyhow!(error)));
        }
        captured => captured?,
    };
    let Captured { status, stdout, omitted_bytes, .. } = captured;
    if omitted_bytes > 0 {
        return Err(anyhow!(
            "look at the tasks: what may run is described in more than {ANSWER_BYTES_MAX} bytes"
        ));
    }
    match serde_json::from_slice::<Answer>(&stdout) {
        Ok(answer) => answer.map_err(|message| anyhow!(message)),
        Err(_) if status.code().is_some() => {
            look_here(engine, most, "the program was replaced by one of another version")
        }
        Err(_) => Err(anyhow!("look at the tasks: the process that looks ended with {status}")),
    }
}

/// Says once why: it costs memory that this process does not give back until it is started anew.
fn look_here(engine: &Engine, most: usize, why: &str) -> anyhow::Result<Found> {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let message = format!("{why}; this process looks at the tasks itself until it is started anew");
        engine.broadcast.log(Level::Warning, message);
    });
    let user = engine.user_config();
    look(&engine.sources(&user), &Selection::All, most)
}

/// It finds what this process has found, wherever either was started.
fn command(engine: &Engine, most: usize) -> CapturedCommand {
    let mut environment = engine.environment.clone();
    environment.insert("GIT_DIR".into(), engine.repository.git_dir().into());
    environment.insert("GIT_WORK_TREE".into(), engine.tasks.work_tree().into());
    CapturedCommand {
        program: engine.executable.clone(),
        arguments: vec![LOOK_WORD.into(), OsString::from(most.to_string())],
        environment,
        working_directory: engine.tasks.work_tree().to_owned(),
        time_max: LOOK_MAX,
        output_bytes_max: ANSWER_BYTES_MAX,
    }
}
