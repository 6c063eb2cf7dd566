//! `git-claudedo hook <event>`: what git's hooks call. Says little, and never fails the user's command.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use super::internal::plain_ui;
use super::push_hook;
use crate::agent::environment::RUN_VARIABLE;
use crate::git::Repository;
use crate::os::env;
use crate::os::fs::FileError;
use crate::task::TaskId;
use crate::trigger::hook::{self, HookError, Notice, Site};
use crate::trigger::hooks::HookEvent;
use crate::ui::Ui;
use crate::ui::safe::safe;

/// How many tasks are named; the rest is a number.
const NAMED_MAX: usize = 3;

/// The most bytes that git says on standard input: some ten thousand refs or commits.
const INPUT_BYTES_MAX: u64 = 4 << 20;

/// Answers a hook. Whatever goes wrong here is one line, and no failure.
pub(super) fn run(event: &OsStr, arguments: &[OsString]) -> ExitCode {
    // What an agent does starts nothing and is nobody's to be told of.
    if env::path(RUN_VARIABLE).is_some() {
        return ExitCode::SUCCESS;
    }
    let ui = plain_ui();
    let answered = std::panic::catch_unwind(|| answer(event, arguments));
    match answered {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            ui.narrate(format_args!("claudedo: failed to {}", safe(&one_line(&error))));
            ExitCode::SUCCESS
        }
        // The panic has said what it had to say.
        Err(_) => ExitCode::SUCCESS,
    }
}

fn answer(event: &OsStr, arguments: &[OsString]) -> Result<ExitCode, HookError> {
    let event: HookEvent = event.to_string_lossy().parse()?;
    let start = std::env::current_dir().map_err(FileError::on("find the current folder", Path::new(".")))?;
    let site = Site::new(Repository::discover(&start)?);
    let notices = match event {
        HookEvent::PostCommit => hook::after_commit(&site)?,
        HookEvent::PostMerge => hook::after_merge(&site)?,
        HookEvent::PostCheckout => hook::after_checkout(&site, arguments)?,
        HookEvent::PostRewrite => {
            let command = arguments.first().map(|word| word.to_string_lossy()).unwrap_or_default();
            hook::after_rewrite(&site, &command, &input())?
        }
        HookEvent::PrePush => return push_hook::answer(&site, arguments, &input()),
    };
    let ui = plain_ui();
    let talkative = wants_advice(&site.repository);
    for notice in notices {
        match notice {
            Notice::Start => {
                hook::start_drain(&site)?;
                if talkative {
                    ui.status(format_args!(
                        "claudedo: a runner starts in the background; to see it: git claudedo status"
                    ));
                }
            }
            Notice::Arrived(tasks) if talkative => tell_arrived(&tasks, &ui),
            Notice::Committed(tasks) if talkative => {
                tell_arrived(&tasks, &ui);
                ui.status(format_args!(
                    "claudedo: committed tasks need approval, also own ones that no runner saw before; what git claudedo add writes is approved"
                ));
            }
            Notice::Arrived(_) | Notice::Committed(_) => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns whether the user wants to be told: `advice.claudedo` (git-config(1), `advice.*`), `GIT_ADVICE` (git(1)).
fn wants_advice(repository: &Repository) -> bool {
    let is_no = |value: &str| matches!(value, "0" | "false" | "no" | "off");
    let advice = repository.config_values("advice").into_iter().rfind(|value| value.key == "claudedo");
    !advice.is_some_and(|value| is_no(&value.value))
        && !env::variable("GIT_ADVICE").is_some_and(|v| is_no(&v))
}

fn tell_arrived(tasks: &[TaskId], ui: &Ui) {
    let Some(first) = tasks.first() else { return };
    let (count, plural) = (tasks.len(), if tasks.len() == 1 { "task waits" } else { "tasks wait" });
    let named: Vec<&str> = tasks.iter().take(NAMED_MAX).map(TaskId::as_str).collect();
    let more = match count - named.len() {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    ui.status(format_args!("claudedo: {count} {plural} for approval: {}{more}", named.join(", ")));
    ui.status(format_args!("claudedo: to see one and let it run: git claudedo approve {first}"));
}

fn input() -> String {
    let mut bytes = Vec::new();
    // What cannot be read is absent: nothing is decided by it that would do harm.
    if io::stdin().lock().take(INPUT_BYTES_MAX).read_to_end(&mut bytes).is_err() {
        bytes.clear();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn one_line(error: &HookError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text.replace('\n', " ")
}
