//! Finds the refs that keep snapshots: those of a run are one thing, which goes as a whole.

use std::collections::BTreeMap;

use super::chain::{FoundChain, look_at_chain, look_at_head};
use super::content::{SNAPSHOTS, Snapshots, branch_of};
use super::find::add_owner;
use super::look::said;
use super::site::{Known, PruneError, Site};
use super::thing::{Content, Kind, Place, Thing};
use crate::git::{CommitId, Repository};
use crate::run::RunId;
use crate::store;
use crate::store::snapshots::TaskSnapshot;

/// The length of a run's id in the name of a ref.
const RUN_ID_LENGTH: usize = 36;

/// The snapshots of each run, the oldest first.
pub(super) type Chains = BTreeMap<RunId, Vec<TaskSnapshot>>;

/// A ref, and the snapshots that it leads to.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    pub(super) name: &'a str,
    pub(super) commit: CommitId,
    /// Empty for a ref that names something else.
    pub(super) chain: &'a [TaskSnapshot],
}

pub(super) fn load_snapshots(site: &Site) -> Result<Vec<Snapshots>, PruneError> {
    site.repositories.iter().map(load_snapshots_of).collect()
}

pub(super) fn load_snapshots_of(repository: &Repository) -> Result<Snapshots, PruneError> {
    Ok(repository.branch_tips(SNAPSHOTS)?.into_iter().collect())
}

pub(super) fn load_chains(site: &Site, repository: &Repository) -> Result<Chains, PruneError> {
    let mut chains = Chains::new();
    let all = store::snapshots::Snapshots::new(repository, &site.state).load_all()?;
    for snapshot in all.into_values().flatten() {
        chains.entry(snapshot.run).or_default().push(snapshot);
    }
    Ok(chains)
}

/// Returns the run whose snapshots a ref keeps.
pub(super) fn run_of(name: &str) -> Option<RunId> {
    name.strip_prefix(SNAPSHOTS)?.parse().ok()
}

pub(super) fn snapshot_thing(
    site: &Site,
    known: &Known,
    repository: &Repository,
    kept: &Kept<'_>,
) -> Result<Thing, PruneError> {
    // A ref may have a word after the run: what an agent left beside its branch.
    let run: Option<RunId> = kept
        .name
        .strip_prefix(SNAPSHOTS)
        .and_then(|name| name.get(..RUN_ID_LENGTH))
        .and_then(|id| id.parse().ok());
    let recorded = run.and_then(|run| known.tasks.get(&run)).cloned();
    let task = recorded.or_else(|| kept.chain.first().map(|snapshot| snapshot.task.clone()));
    let mut thing = Thing {
        kind: Kind::Snapshot,
        name: match kept.chain {
            [] => kept.name.to_owned(),
            [only] => only.name(),
            [first, .., last] => format!("{}-{}", first.name(), last.number),
        },
        place: Place::Ref {
            repository: repository.common_dir(),
            name: kept.name.to_owned(),
            commit: kept.commit,
            numbers: kept.chain.iter().map(|snapshot| snapshot.number).collect(),
        },
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

pub(super) fn look_at_snapshot(
    known: &Known,
    repository: &Repository,
    (thing, chain): (&mut Thing, &[TaskSnapshot]),
) -> Result<(), PruneError> {
    let is_recorded = |snapshot: &TaskSnapshot| known.tasks.contains_key(&snapshot.run);
    let (Place::Ref { commit, .. }, Some(task), true) =
        (&thing.place, &thing.task, chain.iter().all(is_recorded))
    else {
        let reasons = vec!["no record knows the run, and it is the only ref to what it keeps".to_owned()];
        thing.content = Content::Lost { reasons };
        return Ok(());
    };
    let branch = branch_of(task)?;
    let found = if chain.is_empty() {
        look_at_head(repository, &branch, *commit).map(|content| FoundChain { content, bytes: 0 })
    } else {
        look_at_chain(repository, &branch, chain)
    };
    // What cannot be looked at stays, and does not keep others from going.
    let found = found.unwrap_or_else(|error| FoundChain {
        content: Content::Lost { reasons: vec![format!("failed to {}", said(&error))] },
        bytes: 0,
    });
    (thing.content, thing.bytes) = (found.content, found.bytes);
    Ok(())
}
