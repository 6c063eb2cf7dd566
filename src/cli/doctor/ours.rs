//! Checks of what this program reads and keeps: settings, task files, the runner, worktrees that were kept.

use super::facts::{Facts, Place};
use super::finding::{Finding, quoted};
use crate::config::{GitConfigError, from_git};
use crate::git::Worktree;
use crate::schedule::Standing;
use crate::store::overview::{Overview, Sources};
use crate::store::records::Records;
use crate::store::runner_lock::Presence;
use crate::store::tasks::{SettingsSource, TaskFolder, TaskSettingsError};
use crate::task::{Age, SettingType, TaskFileError};
use crate::timestamp::Timestamp;
use crate::ui::figures::count;

/// From here on, worktrees that nobody needs are told as too many.
const KEPT_MANY: usize = 25;

/// Settings that cannot be read, or that mean nothing.
pub(super) fn settings(_: &Facts, place: &Place) -> Vec<Finding> {
    let mut findings = Vec::new();
    match from_git(&place.user) {
        Ok((_, warnings)) => findings.extend(warnings.into_iter().map(|warning| {
            Finding::warning(&warning).why("It has no effect.").mend(format!(
                "git config {}--unset-all {}",
                file_option(&warning.origin),
                quoted(&warning.key)
            ))
        })),
        Err(error) => findings.push(bad_value(&error)),
    }
    if let Some(tasks) = &place.tasks {
        findings.extend(bad_files(tasks, place).into_iter().map(|error| bad_file(&error)));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("All settings can be read."));
    }
    findings
}

fn bad_value(error: &GitConfigError) -> Finding {
    let mend = format!("git config {}--unset-all {}", file_option(&error.origin), quoted(&error.key));
    Finding::problem(format!("failed to {error}")).why("No task can run.").mend(mend)
}

fn bad_file(error: &TaskFileError) -> Finding {
    let line = error.place.as_ref().map(|place| format!("+{} ", place.line)).unwrap_or_default();
    Finding::problem(format!("failed to {error}"))
        .why("No task that it applies to can run.")
        .mend(format!("\"${{EDITOR:-vi}}\" {line}{}", quoted(error.path.display())))
}

/// Returns the option of `git config` for the file that an origin (`global file:…`) names.
fn file_option(origin: &str) -> &'static str {
    match origin.split_whitespace().next() {
        Some("global") => "--global ",
        Some("system") => "--system ",
        Some("worktree") => "--worktree ",
        Some(_) | None => "",
    }
}

/// Returns the files with settings of the repository and of its lists that cannot be used.
fn bad_files(tasks: &TaskFolder, place: &Place) -> Vec<TaskFileError> {
    let repository = match SettingsSource::load(tasks, &[]) {
        Err(TaskSettingsError::File(error)) => Some(error),
        Ok(_) | Err(TaskSettingsError::ListMissing(_) | TaskSettingsError::Git(_)) => None,
    };
    let lists = place.repository.work_tree().map(|root| root.join(".claudedo/lists"));
    let names = lists.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| {
        entry.file_name().to_str()?.strip_suffix(".yaml")?.parse::<crate::task::ListName>().ok()
    });
    let lists = names.filter_map(|name| tasks.load_list(&name).err());
    repository.into_iter().chain(lists).collect()
}

/// Task files that cannot be read.
pub(super) fn tasks(facts: &Facts, place: &Place) -> Vec<Finding> {
    let Some(tasks) = &place.tasks else { return Vec::new() };
    let loaded = tasks.load_all(facts.now);
    let Some(first) = loaded.invalid.first() else {
        if loaded.tasks.is_empty() {
            return vec![Finding::ok("There is no task file yet.")];
        }
        return vec![Finding::ok(format!("{} can be read.", count(loaded.tasks.len(), "task file")))];
    };
    vec![
        Finding::warning(format!("{} cannot be read.", count(loaded.invalid.len(), "task file")))
            .why(format!("The others are not kept from running. The first one: {}", first.path.display()))
            .mend("git claudedo list"),
    ]
}

/// Whether a runner is at work.
pub(super) fn runner(_: &Facts, place: &Place) -> Vec<Finding> {
    vec![match place.state.load_runner() {
        Err(error) => Finding::failed(error),
        Ok(Presence::Absent) => {
            Finding::info("No runner is at work: tasks wait for `git claudedo run` or `watch`.")
        }
        Ok(Presence::Unknown) => Finding::info("A runner is at work."),
        Ok(Presence::Known(holder)) => {
            Finding::info(format!("A runner is at work: {}, process {}", holder.kind.name(), holder.process))
        }
    }]
}

/// Worktrees of tasks that have ended.
pub(super) fn kept(facts: &Facts, place: &Place) -> Vec<Finding> {
    let kept = match load_kept(facts, place) {
        Ok(kept) => kept,
        Err(finding) => return vec![finding],
    };
    if kept.is_empty() {
        return vec![Finding::ok("No worktree of an ended task is kept.")];
    }
    let number = match kept.len() {
        1 => "The worktree of 1 ended task is kept".to_owned(),
        number => format!("The worktrees of {number} ended tasks are kept"),
    };
    let age = facts.user_settings().map_or(Age::Never, |settings| settings.prune_worktrees.value);
    let is_due = |at: &&Timestamp| age.duration().is_some_and(|age| at.plus(age) <= facts.now);
    let due = kept.iter().filter(is_due).count();
    let what = match due {
        0 => format!("{number}."),
        due => format!("{number}; {due} ended more than {} ago.", age.show()),
    };
    if due == 0 && kept.len() < KEPT_MANY {
        return vec![Finding::info(what)];
    }
    let finding = if kept.len() < KEPT_MANY { Finding::info(what) } else { Finding::warning(what) };
    vec![
        finding
            .why("Each is a checkout of its own. Those go whose files are all on a ref; `git claudedo list --kept` says which.")
            .mend("git claudedo prune"),
    ]
}

/// Returns when the tasks ended whose worktrees are there.
fn load_kept(facts: &Facts, place: &Place) -> Result<Vec<Timestamp>, Finding> {
    // In a bare repository there are records alone, and nothing was ever run.
    let Some(tasks) = &place.tasks else { return Ok(Vec::new()) };
    let worktrees = place.repository.worktrees().map_err(Finding::failed)?;
    if worktrees.is_empty() {
        return Ok(Vec::new());
    }
    let records = Records::open(&place.repository, &place.state);
    let sources = Sources { tasks, records: &records, state: &place.state, user: &place.user };
    let overview = Overview::load(&sources, facts.now).map_err(Finding::failed)?;
    let ended = |worktree: &Worktree| {
        let task = worktree.path.file_name().and_then(|name| name.to_str()?.parse().ok())?;
        let Standing::Ended { at, .. } = overview.standings.get(&task)? else { return None };
        worktree.path.exists().then_some(*at)
    };
    Ok(worktrees.iter().filter_map(ended).collect())
}
