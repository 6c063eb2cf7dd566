//! Finds everything that this program keeps on this machine.

use std::path::{Path, PathBuf};

use super::look::{look, look_at_all};
use super::measure::measure;
use super::site::{Known, PruneError, Site};
use super::snapshots::{
    Kept, load_chains, load_snapshots, load_snapshots_of, look_at_snapshot, run_of, snapshot_thing,
};
use super::thing::{Content, Kind, Place, Thing};
use super::trash;
use crate::git::{Repository, Worktree};
use crate::os::process::find_folder_users;
use crate::run::{Outcome, StoredState};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// What a folder is called while a prune looks at it for the last time.
pub(super) const ASIDE: &str = ".pruned";

/// What is said of a task whose lock is held.
pub(super) const AT_WORK: &str = "its task is being worked on";

/// Finds everything, the worktrees first. `wants_look` says of which worktrees and snapshots the content matters: looking
/// costs about as much as `git status`. Nothing is written.
pub fn find(site: &Site, wants_look: &(dyn Fn(&Thing) -> bool + Sync)) -> Result<Vec<Thing>, PruneError> {
    let known = site.load_known()?;
    let snapshots = load_snapshots(site)?;
    let mut candidates = worktrees(site, &known)?;
    let mut others = folders(site, &known, &candidates)?;
    note_users(candidates.iter_mut().map(|candidate| &mut candidate.thing).chain(&mut others));
    let mut things = look_at_all(site, &known, &snapshots, candidates, wants_look);
    things.append(&mut others);
    for (repository, refs) in site.repositories.iter().zip(&snapshots) {
        let chains = load_chains(site, repository)?;
        for (name, commit) in refs {
            let chain = run_of(name).and_then(|run| chains.get(&run)).map_or(&[][..], Vec::as_slice);
            let mut thing = snapshot_thing(site, &known, repository, &Kept { name, commit: *commit, chain })?;
            if wants_look(&thing) {
                look_at_snapshot(&known, repository, (&mut thing, chain))?;
            }
            things.push(thing);
        }
    }
    things.extend(trash::logs(site, &known, wants_look)?);
    things.extend(trash::trash(site)?);
    things.extend(trash::caches(site));
    Ok(things)
}

/// A worktree that is ours, before it is looked at.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) repository: usize,
    pub(super) worktree: Worktree,
    pub(super) thing: Thing,
}

/// Finds the worktree that a plan named again, as it is now.
pub(super) fn find_worktree(site: &Site, known: &Known, thing: &Thing) -> Result<Option<Thing>, PruneError> {
    let Place::Worktree { repository, path, .. } = &thing.place else { return Ok(None) };
    let found = site.repositories.iter().enumerate().find(|(_, one)| one.common_dir() == *repository);
    let Some((place, repository)) = found else { return Ok(None) };
    let worktree = repository.worktrees()?.into_iter().find(|worktree| worktree.path == *path);
    let Some(worktree) = worktree else { return Ok(None) };
    let Some(mut candidate) = candidate(site, known, place, worktree)? else { return Ok(None) };
    note_users(std::iter::once(&mut candidate.thing));
    let snapshots = load_snapshots_of(repository)?;
    look(site, known, &snapshots, &mut candidate);
    Ok(Some(candidate.thing))
}

/// Finds the snapshot that a plan named again, as it is now.
pub(super) fn find_snapshot(site: &Site, known: &Known, thing: &Thing) -> Result<Option<Thing>, PruneError> {
    let Place::Ref { repository, name, .. } = &thing.place else { return Ok(None) };
    let Some(repository) = site.repository_at(repository) else { return Ok(None) };
    let Some(commit) = repository.own_ref(name)? else { return Ok(None) };
    let chains = load_chains(site, repository)?;
    let chain = run_of(name).and_then(|run| chains.get(&run)).map_or(&[][..], Vec::as_slice);
    let mut found = snapshot_thing(site, known, repository, &Kept { name, commit, chain })?;
    look_at_snapshot(known, repository, (&mut found, chain))?;
    Ok(Some(found))
}

/// Writes down who works in the folders of things.
pub(super) fn note_users<'a>(things: impl Iterator<Item = &'a mut Thing>) {
    let mut things: Vec<&mut Thing> = things.collect();
    let folders: Vec<PathBuf> = things.iter().map(|thing| folder_of(thing).to_owned()).collect();
    for user in find_folder_users(&folders) {
        if let Some(thing) = things.get_mut(user.folder) {
            thing.in_use.push(format!("process {} works in it: {}", user.pid, user.command));
        }
    }
}

/// Returns where a thing's files lie.
pub(super) fn folder_of(thing: &Thing) -> &Path {
    match &thing.place {
        Place::Worktree { folder, .. } => folder,
        Place::Path { path } => path,
        Place::Ref { repository, .. } => repository,
        Place::Logs { .. } => Path::new(""),
    }
}

/// What is known of the task of a thing.
struct Owner {
    outcome: Option<Outcome>,
    since: Option<Timestamp>,
    in_use: Vec<String>,
}

fn owner(site: &Site, known: &Known, task: &TaskId) -> Result<Owner, PruneError> {
    let mut owner = Owner { outcome: None, since: None, in_use: Vec::new() };
    match known.histories.get(task).map(|history| (&history.state, &history.damage)) {
        Some((_, Some(damage))) => owner.in_use.push(damage.clone()),
        Some((StoredState::Ended { outcome, at, .. }, None)) => {
            (owner.outcome, owner.since) = (Some(*outcome), Some(*at));
        }
        Some((StoredState::New, None)) | None => {}
        Some((
            state @ (StoredState::Requested { .. } | StoredState::Claimed { .. } | StoredState::Held { .. }),
            None,
        )) => {
            owner.in_use.push(format!("its task is not over: {}", state.name()));
        }
    }
    if site.state.is_at_work(task)? {
        owner.in_use.push(AT_WORK.to_owned());
    }
    if known.unfinished.contains(task) {
        owner.in_use.push("a run of its task is not over".to_owned());
    }
    Ok(owner)
}

fn worktrees(site: &Site, known: &Known) -> Result<Vec<Candidate>, PruneError> {
    let mut candidates = Vec::new();
    for (place, repository) in site.repositories.iter().enumerate() {
        for worktree in repository.worktrees()? {
            candidates.extend(candidate(site, known, place, worktree)?);
        }
    }
    Ok(candidates)
}

/// Returns a worktree that this program made; those of others are nobody's business here.
fn candidate(
    site: &Site,
    known: &Known,
    repository: usize,
    worktree: Worktree,
) -> Result<Option<Candidate>, PruneError> {
    let clone = site.clone_name()?;
    let at_home = clone.and_then(|clone| task_at(&worktree.path, &clone));
    if at_home.is_none() && !worktree.is_made_here() {
        return Ok(None);
    }
    let aside = aside(&worktree.path);
    let is_aside = worktree.path.symlink_metadata().is_err() && aside.symlink_metadata().is_ok();
    let folder = if is_aside { aside } else { worktree.path.clone() };
    let other = site
        .repositories
        .get(repository)
        .map(|one| one.other_registration(&worktree.path, &folder))
        .transpose()?
        .flatten();
    let mut in_use = Vec::new();
    match (&at_home, other) {
        // After a repository was copied, the worktree is registered in both.
        (_, Some(other)) => in_use.push(format!("it belongs to {}", other.display())),
        (None, None) => in_use.push(format!(
            "it is not where it was made; to remove it: git worktree remove {}",
            worktree.path.display()
        )),
        (Some(_), None) => in_use.extend(misplaced(&folder, &site.repositories)),
    }
    if worktree.lock.as_ref().is_some_and(|lock| !lock.starts_with("git-claudedo ")) {
        let lock = worktree.lock.clone().unwrap_or_default();
        in_use
            .push(format!("somebody locked it: {}", if lock.is_empty() { "no reason given" } else { &lock }));
    }
    let name = worktree.path.file_name().and_then(|name| name.to_str());
    let task: Option<TaskId> = at_home.or_else(|| name.and_then(|name| name.parse().ok()));
    let mut thing = Thing {
        kind: Kind::Worktree,
        name: task.as_ref().map_or_else(|| worktree.path.display().to_string(), ToString::to_string),
        place: Place::Worktree {
            repository: site.repositories.get(repository).map(Repository::common_dir).unwrap_or_default(),
            path: worktree.path.clone(),
            folder,
        },
        task,
        outcome: None,
        since: None,
        bytes: 0,
        ignored_bytes: 0,
        largest_ignored: Vec::new(),
        content: Content::NotLookedAt,
        in_use,
    };
    add_owner(site, known, &mut thing)?;
    Ok(Some(Candidate { repository, worktree, thing }))
}

pub(super) fn add_owner(site: &Site, known: &Known, thing: &mut Thing) -> Result<(), PruneError> {
    if let Some(task) = &thing.task {
        let owner = owner(site, known, task)?;
        (thing.outcome, thing.since) = (owner.outcome, owner.since);
        thing.in_use.extend(owner.in_use);
    }
    Ok(())
}

/// Returns the path under which a folder is set aside.
pub(super) fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ASIDE);
    PathBuf::from(name)
}

/// Returns the task whose worktree this clone makes at a path: `<clone>/worktrees/<task>` or `<clone>/<task>`.
fn task_at(path: &Path, clone: &str) -> Option<TaskId> {
    let parent = path.parent()?;
    let above = parent.parent().and_then(Path::file_name);
    let at_home = parent.file_name()? == clone
        || (parent.file_name()? == "worktrees" && above.is_some_and(|above| above == clone));
    if at_home { path.file_name()?.to_str()?.parse().ok() } else { None }
}

/// Says why a folder is not what a registration says, or is something that must never go.
fn misplaced(folder: &Path, repositories: &[Repository]) -> Option<String> {
    let Ok(metadata) = folder.symlink_metadata() else { return None };
    let is_itself = folder.canonicalize().is_ok_and(|real| real == folder);
    if !metadata.is_dir() || !is_itself {
        return Some("it is no folder, or a symbolic link leads to it".to_owned());
    }
    let holds_repository = repositories.iter().any(|repository| {
        let work_tree = repository.main_work_tree().ok().flatten();
        repository.common_dir().starts_with(folder) || work_tree.is_some_and(|tree| tree.starts_with(folder))
    });
    holds_repository.then(|| "a repository lies in it".to_owned())
}

/// Finds sandboxes, and folders among the worktrees that are registered nowhere.
fn folders(site: &Site, known: &Known, candidates: &[Candidate]) -> Result<Vec<Thing>, PruneError> {
    let Some(clone) = site.clone_name()? else { return Ok(Vec::new()) };
    let registered = |path: &Path| {
        candidates
            .iter()
            .any(|candidate| candidate.worktree.path == path || folder_of(&candidate.thing) == path)
    };
    let mut things = Vec::new();
    let sandboxes = site.state_home.iter().map(|home| home.join(&clone).join("sandboxes"));
    let places = sandboxes.map(|folder| (Kind::Sandbox, folder));
    let worktrees = site.worktree_folders(&clone).into_iter().map(|folder| (Kind::Worktree, folder));
    for (kind, folder) in places.chain(worktrees) {
        let folder = folder.canonicalize().unwrap_or(folder);
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Some(name) = name.to_str().map(|name| name.strip_suffix(ASIDE).unwrap_or(name)) else {
                continue;
            };
            let Ok(task) = name.parse::<TaskId>() else { continue };
            if kind == Kind::Worktree && registered(&path) {
                continue;
            }
            things.push(folder_thing(site, known, (kind, path), task)?);
        }
    }
    Ok(things)
}

/// Finds out about a folder that is on no ref.
pub(super) fn folder_thing(
    site: &Site,
    known: &Known,
    (kind, path): (Kind, PathBuf),
    task: TaskId,
) -> Result<Thing, PruneError> {
    let reason = match kind {
        Kind::Worktree => "it is registered as a worktree nowhere, so nobody can tell what is in it",
        Kind::Sandbox | Kind::Snapshot | Kind::Log | Kind::Trash | Kind::Cache => {
            "what is in it is on no ref"
        }
    };
    let mut thing = Thing {
        kind,
        name: if kind == Kind::Sandbox { task.to_string() } else { path.display().to_string() },
        task: Some(task),
        outcome: None,
        since: None,
        bytes: measure(&path, &[]).bytes,
        ignored_bytes: 0,
        largest_ignored: Vec::new(),
        content: Content::Lost { reasons: vec![reason.to_owned()] },
        in_use: misplaced(&path, &site.repositories).into_iter().collect(),
        place: Place::Path { path },
    };
    add_owner(site, known, &mut thing)?;
    Ok(thing)
}
