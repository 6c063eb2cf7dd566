//! Which commits a history has: the same answer as `git merge-base --is-ancestor`, one walk for all.

use std::collections::BTreeSet;

use super::Fixture;
use crate::git::{CommitId, Repository};
use crate::timestamp::Timestamp;

fn branch(fixture: &Fixture, name: &str) -> CommitId {
    fixture.git(&["checkout", "-q", "-b", &format!("claudedo/{name}"), "main"]);
    let tip = fixture.commit_all(name);
    fixture.git(&["checkout", "-q", "main"]);
    tip
}

fn long_ago() -> Timestamp {
    Timestamp::from_unix_milliseconds(0).unwrap()
}

#[test]
fn merged_branches_are_told_from_others_loose_and_packed() {
    let fixture = Fixture::new();
    let (merged, open) = (branch(&fixture, "merged"), branch(&fixture, "open"));
    fixture.git(&["merge", "-q", "--no-ff", "-m", "merge", "claudedo/merged"]);
    fixture.git(&["pack-refs", "--all"]);
    let loose = branch(&fixture, "loose");
    let repository = fixture.repository();
    let tips = repository.task_branches().unwrap();
    let named: Vec<(&str, CommitId)> = tips.iter().map(|(name, tip)| (name.as_str(), *tip)).collect();
    assert_eq!(named, [("loose", loose), ("merged", merged), ("open", open)]);
    let head = repository.head_commit_id().unwrap();
    let reached = repository.reached(head, &tips.into_values().collect(), long_ago()).unwrap();
    assert_eq!(reached, BTreeSet::from([merged]));
}

#[test]
fn a_shallow_history_and_a_broken_ref_are_no_error() {
    let fixture = Fixture::new();
    let open = branch(&fixture, "open");
    for number in 0..5 {
        fixture.commit_all(&number.to_string());
    }
    let clone = fixture.worktree("clone");
    let url = format!("file://{}", fixture.root().display());
    fixture.git(&["clone", "-q", "--depth=2", &url, clone.to_str().unwrap()]);
    std::fs::create_dir_all(clone.join(".git/refs/heads/claudedo")).unwrap();
    std::fs::write(clone.join(".git/refs/heads/claudedo/broken"), "").unwrap();
    let repository = Repository::discover(&clone).unwrap();
    assert_eq!(repository.task_branches().unwrap().len(), 0);
    let head = repository.head_commit_id().unwrap();
    assert_eq!(repository.reached(head, &BTreeSet::from([open]), long_ago()).unwrap(), BTreeSet::new());
}
