//! What a hook starts for afterwards: a runner, and a push of the records. Nobody hears them: how it went is written down.

use std::ffi::OsStr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::arguments::{ColorWish, GlobalArguments};
use super::context::Context;
use super::error::CommandError;
use super::internal::plain_ui;
use crate::git::PushWish;
use crate::os::process::ProcessIdentity;
use crate::os::{clock, process};
use crate::remote;
use crate::runner::decide::{Patience, Stay};
use crate::runner::{self, Options, RunnerError, Selection, Slots};
use crate::store::event_stream::{EventStream, Level, StreamEvent, StreamEventKind};
use crate::store::runner_lock::RunnerKind;
use crate::store::state_directory::StateDirectory;
use crate::trigger::watch::wakes;

/// How often is looked whether git is done with its own push.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How long git's own push is waited for. Two at the same time do each other no harm.
const GIT_PUSH_MAX: Duration = Duration::from_mins(15);

/// Runs what may run.
pub(super) fn drain() -> ExitCode {
    detached("the runner that a git hook started has ended", drain_in)
}

/// Pushes the records once the process that called the hook is gone.
pub(super) fn push(remote: &OsStr, pushing: &OsStr) -> ExitCode {
    detached("the records were not pushed", |context| {
        wait_for(&pushing.to_string_lossy());
        let (repository, state) = (context.repository()?, context.state()?);
        remote::push_records(repository, &state, &remote.to_string_lossy(), PushWish::Push)?;
        Ok(())
    })
}

/// Leaves behind whoever started this process, and tells in the stream what fails.
fn detached(what: &str, work: impl FnOnce(&Context) -> Result<(), CommandError>) -> ExitCode {
    process::close_inherited_files();
    process::leave_session();
    let global =
        GlobalArguments { start: None, json: false, quiet: true, color: ColorWish::Never, no_pager: true };
    let done = Context::new(&global).map_err(|refused| refused.1).and_then(|context| {
        let done = work(&context);
        if let Err(error) = &done {
            tell_failure(&context.state()?, format!("{what}: {error}"));
        }
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(&plain_ui()),
    }
}

fn wait_for(pushing: &str) {
    let Ok(pushing) = serde_json::from_str::<ProcessIdentity>(pushing) else { return };
    let give_up = clock::monotonic() + GIT_PUSH_MAX;
    while pushing.is_alive() && clock::monotonic() < give_up {
        clock::pause(LOOK_INTERVAL);
    }
}

fn drain_in(context: &Context) -> Result<(), CommandError> {
    let slots = context.settings(None)?.slots.value.number();
    let engine = context.engine("run tasks", Arc::new(()))?;
    let options = Options {
        selection: Selection::All,
        slots: Slots::Configured(slots),
        patience: Patience::Wait,
        stay: Stay::UntilEmpty,
        kind: RunnerKind::Hook,
    };
    match runner::drain(&engine, &options, wakes(&engine)) {
        // Whoever was first looks at the tasks of both.
        Ok(_) | Err(RunnerError::Busy { .. }) => Ok(()),
        Err(RunnerError::Other(error)) => Err(error.into()),
    }
}

fn tell_failure(state: &StateDirectory, message: String) {
    let kind = StreamEventKind::WorkerLog { level: Level::Error, message };
    let event = StreamEvent { at: clock::now(), task: None, run: None, kind };
    if let Ok(mut stream) = EventStream::open(&state.events_path()) {
        // It decides nothing, and there is nobody else to tell.
        drop(stream.append(&event));
    }
}
