//! `git claudedo prune`: give back the room of what nobody needs any more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use crate::config::Resolved;
use crate::git::Repository;
use crate::os::env;
use crate::prune::{Fate, Item, Kind, Plan, Policy, Site, Verdict, apply, find};
use crate::task::{Age, ListName, SettingType};
use crate::ui::Format;
use crate::ui::figures::{bytes, count};
use crate::ui::safe::safe;

/// Remove what nobody needs any more
///
/// Removes worktrees of tasks that ended a while ago, snapshots that the
/// branch has as well, and what killed programs left behind; logs only where
/// claudedo.pruneLogs or --only logs says so. Says of each thing why it goes and
/// from where it can be had again. What is on no ref stays unless it is named,
/// and a branch always stays.
///
/// To see all that is kept, and why: git claudedo list --kept
#[derive(Debug, Args)]
pub(crate) struct PruneArguments {
    /// Only say what would be done
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Remove WHAT only; may be repeated
    #[arg(long, value_name = "WHAT")]
    only: Vec<What>,
    /// Take AGE in place of the settings, as in 14d, 36h or 0d
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Age>,
    /// Remove NAME although it is on no ref: a task, its snapshots as TASK@2 or TASK@1-4, or a path; may be repeated
    #[arg(long, value_name = "NAME")]
    force: Vec<String>,
}

/// The kinds that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Worktrees,
    Sandboxes,
    Snapshots,
    Logs,
    Trash,
    Caches,
}

/// One thing that went, or did not, in JSON.
#[derive(Debug, Serialize)]
struct DoneJson<'a> {
    #[serde(flatten)]
    item: &'a Item,
    #[serde(flatten)]
    fate: Option<Fate>,
}

/// The answer in JSON.
#[derive(Debug, Serialize)]
struct PruneJson<'a> {
    dry_run: bool,
    /// What goes, or went.
    items: Vec<DoneJson<'a>>,
    /// How many things are kept.
    kept: usize,
    /// The room of what goes, in bytes.
    bytes: u64,
}

pub(crate) fn run(args: &PruneArguments, context: &Context) -> Result<(), CommandError> {
    match settle(context) {
        Err(error) if !args.dry_run => return Err(error),
        Err(_) | Ok(()) => {}
    }
    let (site, settings) = site(context)?;
    let policy = policy(args, &settings, context);
    let plan = Plan::new(find(&site, &|thing| policy.wants_look(thing))?, &policy);
    if let Some(name) = plan.unknown.first() {
        return Err(unknown(name, &plan));
    }
    if context.ui.format() == Format::Text {
        tell_plan(&plan, context);
    }
    let mut fates: BTreeMap<usize, Fate> = BTreeMap::new();
    let places: Vec<&Item> = plan.going().collect();
    if !args.dry_run && !places.is_empty() {
        let done = apply(&site, &plan, &mut |item, fate| {
            tell_fate(item, &fate, context);
            if let Some(place) = places.iter().position(|one| std::ptr::eq(*one, item)) {
                fates.insert(place, fate);
            }
        })?;
        if !done {
            return Err(CommandError::new(ErrorKind::Busy, "Another prune is at work in this repository."));
        }
    }
    finish(&plan, args, fates, context)
}

fn unknown(name: &str, plan: &Plan) -> CommandError {
    match plan.whole_of(name) {
        Some(whole) => CommandError::new(
            ErrorKind::Usage,
            format!("Snapshot {name} goes with all those of its run, or not at all."),
        )
        .hint(format!("To remove them all: git claudedo prune --force {}", whole.name)),
        None => CommandError::new(ErrorKind::Usage, format!("Nothing that is kept is called {name}."))
            .hint("To see what is kept: git claudedo list --kept"),
    }
}

/// Makes sure that a copy of a repository does not take what the original keeps for its own.
pub(super) fn settle(context: &Context) -> Result<(), CommandError> {
    let state = context.state()?;
    if state.load_machine()?.is_none() {
        return Ok(());
    }
    if let Some(copied) = state.settle()? {
        let from = copied.from.display().to_string();
        context.ui.warning(format_args!(
            "this repository is a copy of the one with {}; what that one keeps belongs to it",
            safe(&from)
        ));
    }
    Ok(())
}

/// Returns where things are kept, and the user's settings.
pub(super) fn site(context: &Context) -> Result<(Site, Resolved), CommandError> {
    let settings = context.settings(None)?;
    let tasks = context.tasks()?;
    let root = context.repository()?.work_tree();
    let mut repositories = vec![context.repository()?.clone()];
    let resolved = |path: &Path| match (path.strip_prefix("~"), env::path("HOME")) {
        (Ok(rest), Some(home)) => home.join(rest),
        (Ok(_) | Err(_), _) => root.as_ref().map_or_else(|| path.to_owned(), |root| root.join(path)),
    };
    let task_files = root.as_ref().map(|root| root.join(".claudedo"));
    if let (Some(folder), Some(files)) = (&tasks, &task_files) {
        for entry in std::fs::read_dir(files.join("lists")).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".yaml")) else { continue };
            let Ok(Some(list)) = name.parse::<ListName>().map(|name| folder.load_list(&name).ok().flatten())
            else {
                continue;
            };
            let other = list.repository.map(|path| resolved(path.as_path()));
            add_repository(&mut repositories, other);
        }
    }
    let site = Site {
        state: context.state()?,
        records: context.records()?,
        repositories,
        state_home: env::state_home().map(|home| home.join("git-claudedo")),
        worktree_root: settings.worktree_root.value.as_ref().map(|path| resolved(path.as_path())),
        task_files,
        now: context.now,
    };
    Ok((site, settings))
}

/// A repository that is not there today has nothing to look at.
fn add_repository(repositories: &mut Vec<Repository>, path: Option<PathBuf>) {
    let Some(Ok(found)) = path.map(|path| Repository::discover(&path)) else { return };
    if repositories.iter().all(|known| known.common_dir() != found.common_dir()) {
        repositories.push(found);
    }
}

/// Returns what the settings say of what is kept.
pub(super) fn policy_of(settings: &Resolved, context: &Context) -> Policy {
    Policy {
        worktrees: settings.prune_worktrees.value,
        snapshots: settings.prune_snapshots.value,
        logs: settings.prune_logs.value,
        disk: settings.prune_disk.value,
        only: Vec::new(),
        force: Vec::new(),
        now: context.now,
    }
}

fn policy(args: &PruneArguments, settings: &Resolved, context: &Context) -> Policy {
    let mut policy = policy_of(settings, context);
    policy.only = args.only.iter().map(|what| what.kind()).collect();
    policy.force.clone_from(&args.force);
    if let Some(age) = args.older_than {
        policy.worktrees = age;
        policy.snapshots = age;
        // Logs cannot be had again, so they have to be asked for.
        if policy.only.contains(&Kind::Log) || policy.logs != Age::Never {
            policy.logs = age;
        }
    }
    policy
}

fn age(text: &str) -> Result<Age, String> {
    Age::from_text(text)
}

impl What {
    fn kind(self) -> Kind {
        match self {
            Self::Worktrees => Kind::Worktree,
            Self::Sandboxes => Kind::Sandbox,
            Self::Snapshots => Kind::Snapshot,
            Self::Logs => Kind::Log,
            Self::Trash => Kind::Trash,
            Self::Caches => Kind::Cache,
        }
    }
}

fn tell_plan(plan: &Plan, context: &Context) {
    for item in plan.going() {
        let Verdict::Goes { because, again } = &item.verdict else { continue };
        let thing = &item.thing;
        let heading = format!("{} {}, {}", thing.kind.name(), thing.name, bytes(thing.bytes));
        context.ui.answer(format_args!("{}", safe(&heading)));
        context.ui.answer(format_args!("  why: {}", safe(because)));
        context.ui.answer(format_args!("  to have it again: {}", safe(again)));
        if thing.ignored_bytes > 0 {
            let parts = thing.largest_ignored.iter();
            let parts: Vec<String> =
                parts.map(|part| format!("{} {}", part.path.display(), bytes(part.bytes))).collect();
            let line = format!("{}: {}", bytes(thing.ignored_bytes), parts.join(", "));
            context.ui.answer(format_args!("  ignored by git, and gone with it: {}", safe(&line)));
        }
    }
}

fn tell_fate(item: &Item, fate: &Fate, context: &Context) {
    let name = format!("{} {}", item.thing.kind.name(), item.thing.name);
    match fate {
        Fate::Removed => {}
        Fate::Stayed { because } => {
            context.ui.warning(format_args!("{} stays: {}", safe(&name), safe(&because.join("; "))));
        }
        Fate::Failed { error } => context.ui.warning(format_args!("{} stays: {}", safe(&name), safe(error))),
    }
}

fn finish(
    plan: &Plan,
    args: &PruneArguments,
    mut fates: BTreeMap<usize, Fate>,
    context: &Context,
) -> Result<(), CommandError> {
    let refused: Vec<&Item> = plan
        .items
        .iter()
        .filter(|item| matches!(item.verdict, Verdict::Stays { .. }))
        .filter(|item| args.force.iter().any(|name| item.thing.is_called(name)))
        .collect();
    let unfinished = fates.values().any(|fate| *fate != Fate::Removed);
    let removed = fates.values().filter(|fate| **fate == Fate::Removed).count();
    let kept = plan.items.len() - plan.going().count();
    let room: u64 = (plan.going().enumerate())
        .filter(|(place, _)| fates.get(place).is_none_or(|fate| *fate == Fate::Removed))
        .map(|(_, item)| item.thing.bytes)
        .sum();
    if context.ui.format() == Format::Json {
        let items = plan.going().enumerate();
        let items = items.map(|(place, item)| DoneJson { item, fate: fates.remove(&place) }).collect();
        context.ui.json(&PruneJson { dry_run: args.dry_run, items, kept, bytes: plan.bytes });
    } else {
        let things = |number| count(number, "thing");
        match (args.dry_run, plan.going().count()) {
            (_, 0) => context.ui.status(format_args!("Nothing goes; {} kept", things(kept))),
            (true, going) => {
                context.ui.status(format_args!(
                    "Would remove {}, {}; {} kept",
                    things(going),
                    bytes(room),
                    things(kept)
                ));
            }
            (false, _) => {
                context.ui.status(format_args!(
                    "Removed {}, {}; {} kept",
                    things(removed),
                    bytes(room),
                    things(kept)
                ));
            }
        }
        if plan.going().any(|item| item.thing.kind == Kind::Log) {
            context.ui.hint(format_args!(
                "git gives the room of logs and snapshots back by itself, or with: git gc"
            ));
        }
    }
    for item in &refused {
        let Verdict::Stays { because, .. } = &item.verdict else { continue };
        let name = format!("{} {}", item.thing.kind.name(), item.thing.name);
        context.ui.warning(format_args!("{} stays: {}", safe(&name), safe(&because.join("; "))));
    }
    if unfinished || refused.iter().any(|item| !item.thing.in_use.is_empty()) {
        return Err(CommandError::silent(ErrorKind::Negative));
    }
    Ok(())
}
