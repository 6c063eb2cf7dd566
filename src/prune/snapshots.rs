//! Finds the refs that keep unfinished work.

use super::content::{SNAPSHOTS, Snapshots, branch_of, snapshot_content};
use super::find::add_owner;
use super::site::{Known, PruneError, Site};
use super::thing::{Content, Kind, Place, Thing};
use crate::git::{CommitId, Repository};
use crate::run::RunId;

/// The length of a run's id in the name of a ref.
const RUN_ID_LENGTH: usize = 36;

pub(super) fn load_snapshots(site: &Site) -> Result<Vec<Snapshots>, PruneError> {
    site.repositories.iter().map(load_snapshots_of).collect()
}

pub(super) fn load_snapshots_of(repository: &Repository) -> Result<Snapshots, PruneError> {
    Ok(repository.branch_tips(SNAPSHOTS)?.into_iter().collect())
}

pub(super) fn snapshot_thing(
    site: &Site,
    known: &Known,
    repository: &Repository,
    (name, commit): (&str, CommitId),
) -> Result<Thing, PruneError> {
    let run: Option<RunId> = name
        .strip_prefix(SNAPSHOTS)
        .and_then(|name| name.get(..RUN_ID_LENGTH))
        .and_then(|id| id.parse().ok());
    let task = run.and_then(|run| known.tasks.get(&run)).cloned();
    let history = task.as_ref().and_then(|task| known.histories.get(task));
    let number = history.and_then(|history| history.runs.iter().find(|one| Some(one.run) == run));
    let mut thing = Thing {
        kind: Kind::Snapshot,
        name: match (&task, number) {
            (Some(task), Some(run)) => format!("{task}@{}", run.number),
            _ => name.to_owned(),
        },
        place: Place::Ref { repository: repository.common_dir(), name: name.to_owned(), commit },
        outcome: None,
        since: None,
        bytes: 0,
        ignored_bytes: 0,
        largest_ignored: Vec::new(),
        content: Content::NotLookedAt,
        in_use: Vec::new(),
        task,
    };
    add_owner(site, known, &mut thing)?;
    Ok(thing)
}

pub(super) fn look_at_snapshot(repository: &Repository, thing: &mut Thing) -> Result<(), PruneError> {
    let (Place::Ref { commit, .. }, Some(task)) = (&thing.place, &thing.task) else {
        let reasons = vec!["no record knows the run, and it is the only ref to what it keeps".to_owned()];
        thing.content = Content::Lost { reasons };
        return Ok(());
    };
    thing.content = snapshot_content(repository, &branch_of(task)?, *commit)?;
    Ok(())
}
