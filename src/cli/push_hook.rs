//! Before a push: what is not proven in it, whether that stops it, and what travels along.

use std::ffi::OsString;
use std::process::ExitCode;

use super::context::git_entries;
use super::error::ErrorKind;
use super::internal::plain_ui;
use crate::config::Resolved;
use crate::os::process::find_ancestor;
use crate::remote;
use crate::run::Outcome;
use crate::store::push_note::PushState;
use crate::store::tasks::{SettingsSource, TaskFolder};
use crate::task::{PushAlong, PushUnproven};
use crate::trigger::hook::{self, Finding, HookError, Site, Unproven};
use crate::ui::Ui;
use crate::ui::safe::safe;

/// How many tasks are named; the rest is a number.
const NAMED_MAX: usize = 5;

/// The words by which git does not really push.
const DRY_RUN: [&str; 2] = ["--dry-run", "-n"];

/// Says what is to be said, and whether the push may go on.
pub(super) fn answer(site: &Site, arguments: &[OsString], input: &str) -> Result<ExitCode, HookError> {
    let settings = settings(site)?;
    let policy = settings.push_unproven.value;
    if policy != PushUnproven::Allow {
        let findings = hook::before_push(site, input)?;
        let ui = plain_ui();
        tell(&findings, &ui);
        if policy == PushUnproven::Block && !findings.is_empty() {
            refuse(&findings, &settings, &ui);
            return Ok(ExitCode::from(ErrorKind::Negative.code()));
        }
    }
    if settings.push.value == PushAlong::Records {
        send_records(site, arguments)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(site: &Site) -> Result<Resolved, HookError> {
    let user = git_entries(&site.repository);
    // In a bare repository nobody can write the file, so the folder is one without it.
    let root = site.repository.work_tree().unwrap_or_else(|| site.state.path().to_owned());
    let folder = TaskFolder::new(&root, site.state.path());
    let settings = SettingsSource::load(&folder, &user).and_then(|mut source| source.of(None));
    settings.map(|settings| settings.resolved).map_err(|error| HookError::Settings(Box::new(error)))
}

fn tell(findings: &[Finding], ui: &Ui) {
    for Finding { task, why } in findings.iter().take(NAMED_MAX) {
        ui.status(format_args!("claudedo: claudedo/{task}: {}", words(*why)));
    }
    if let Some(more) = findings.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        ui.status(format_args!("claudedo: and {more} more that are not proven"));
    }
}

fn refuse(findings: &[Finding], settings: &Resolved, ui: &Ui) {
    let origin = settings.push_unproven.origin.to_string();
    ui.error(format_args!(
        "This push holds work that is not proven, and push_unproven is block ({}).",
        safe(&origin)
    ));
    if let Some(Finding { task, .. }) = findings.first() {
        ui.hint(format_args!("To look at it: git claudedo show {task}"));
    }
    ui.hint(format_args!("To push it all the same: git push --no-verify"));
}

fn words(why: Unproven) -> &'static str {
    match why {
        Unproven::AtWork => "it is being worked on at this moment",
        Unproven::NoRun => "no run of it is recorded here",
        Unproven::Unfinished => "its last run has not come to its end",
        Unproven::Ended(Outcome::Failed) => "its last run failed",
        Unproven::Ended(Outcome::Cancelled) => "its last run was cancelled",
        Unproven::Ended(Outcome::Interrupted) => "its last run was interrupted",
        Unproven::OtherCommit => "the commit is not the one that its last run left",
        Unproven::Ended(Outcome::Done) | Unproven::NoCheck => "done, but unproven: no check was run on it",
    }
}

/// Starts what pushes the records after git is done, where the remote does not have them yet.
fn send_records(site: &Site, arguments: &[OsString]) -> Result<(), HookError> {
    let [name, url] = arguments else {
        return Err(HookError::unexpected("a remote and its address", ""));
    };
    let Some((_, commit)) = remote::own_records(&site.repository, &site.state)? else { return Ok(()) };
    let name_text = name.to_string_lossy();
    let notes = site.state.load_push_notes()?;
    let had = notes.get(&remote::label(&name_text));
    if had.is_some_and(|note| note.state == PushState::Pushed && note.commit == commit.to_string()) {
        return Ok(());
    }
    let Some(git) = find_ancestor("git") else {
        plain_ui().status(format_args!(
            "claudedo: the records were not sent, because the end of this push cannot be waited for; send them with `git claudedo push {}`",
            safe(&name_text)
        ));
        return Ok(());
    };
    if git.words.iter().any(|word| DRY_RUN.contains(&word.as_str())) {
        return Ok(());
    }
    // By name where it has one: that is what a person knows it by, and what is written down.
    let remote = if site.repository.has_remote(&name_text) { name } else { url };
    let identity = serde_json::to_string(&git.identity).unwrap_or_default();
    hook::start_push(site, remote, &identity)
}
