//! Branches: compare-and-swap, locks, packed refs.

use std::fs;
use std::time::{Duration, SystemTime};

use super::{Fixture, write};
use crate::git::{BranchName, CommitId, GitError};

fn branch() -> BranchName {
    "claudedo/fix-a1b2".parse().unwrap()
}

fn two_commits(fixture: &Fixture) -> (CommitId, CommitId) {
    let first = fixture.repository().head_commit_id().unwrap();
    (first, fixture.commit_all("second"))
}

#[test]
fn a_branch_is_created_once_even_with_the_same_commit() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let head = repository.head_commit_id().unwrap();
    assert_eq!(repository.branch_tip(&branch()).unwrap(), None);
    repository.create_branch(&branch(), head, "made by test").unwrap();
    assert_eq!(fixture.git(&["rev-parse", "claudedo/fix-a1b2"]), head.to_string());
    assert!(fixture.git(&["reflog", "claudedo/fix-a1b2"]).ends_with("made by test"));
    let error = repository.create_branch(&branch(), head, "again").unwrap_err();
    assert!(matches!(error, GitError::BranchExists { .. }), "{error:?}");
}

#[test]
fn of_many_who_create_the_same_branch_at_once_one_wins() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let head = repository.head_commit_id().unwrap();
    let wins = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| repository.create_branch(&branch(), head, "race").is_ok()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|won| *won).count()
    });
    assert_eq!(wins, 1);
}

#[test]
fn a_branch_moves_only_from_where_it_was_expected() {
    let fixture = Fixture::new();
    let (first, second) = two_commits(&fixture);
    let repository = fixture.repository();
    repository.create_branch(&branch(), first, "").unwrap();
    repository.move_branch(&branch(), first, second, "done").unwrap();
    assert_eq!(repository.branch_tip(&branch()).unwrap(), Some(second));
    let error = repository.move_branch(&branch(), first, second, "late").unwrap_err();
    assert!(
        matches!(&error, GitError::RefMoved { actual, .. } if *actual == second.to_string()),
        "{error:?}"
    );
    assert_eq!(repository.branch_tip(&branch()).unwrap(), Some(second));
}

#[test]
fn a_ref_may_be_moved_to_where_it_is_by_somebody_who_does_that_a_second_time() {
    let fixture = Fixture::new();
    let (first, second) = two_commits(&fixture);
    let repository = fixture.repository();
    let name = "refs/claudedo/snapshots/one-head";
    repository.move_own_ref(name, None, Some(first)).unwrap();
    repository.move_own_ref(name, Some(first), Some(first)).unwrap();
    assert_eq!(repository.own_ref(name).unwrap(), Some(first));
    let error = repository.move_own_ref(name, Some(second), Some(second)).unwrap_err();
    assert!(matches!(error, GitError::RefMoved { .. }), "{error:?}");
}

#[test]
fn a_branch_that_is_gone_is_not_moved_back_into_being() {
    let fixture = Fixture::new();
    let (first, second) = two_commits(&fixture);
    let error = fixture.repository().move_branch(&branch(), first, second, "").unwrap_err();
    assert!(matches!(&error, GitError::RefMoved { actual, .. } if actual == "nothing"), "{error:?}");
    assert_eq!(fixture.repository().branch_tip(&branch()).unwrap(), None);
}

#[test]
fn packed_branches_are_the_same_branches() {
    let fixture = Fixture::new();
    let (first, second) = two_commits(&fixture);
    let repository = fixture.repository();
    repository.create_branch(&branch(), first, "").unwrap();
    fixture.git(&["pack-refs", "--all"]);
    assert_eq!(repository.branch_tip(&branch()).unwrap(), Some(first));
    assert!(matches!(
        repository.create_branch(&branch(), first, "").unwrap_err(),
        GitError::BranchExists { .. }
    ));
    repository.move_branch(&branch(), first, second, "").unwrap();
    fixture.git(&["pack-refs", "--all"]);
    repository.delete_branch(&branch(), second).unwrap();
    assert_eq!(fixture.git(&["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
    fixture.require_intact();
}

#[test]
fn a_branch_that_somebody_has_checked_out_is_not_deleted() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let head = repository.head_commit_id().unwrap();
    let main: BranchName = "main".parse().unwrap();
    assert!(matches!(repository.delete_branch(&main, head).unwrap_err(), GitError::CheckedOut { .. }));
    assert_eq!(repository.branch_tip(&main).unwrap(), Some(head));
}

#[test]
fn a_lock_in_the_way_is_named_with_its_age() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let head = repository.head_commit_id().unwrap();
    let lock = fixture.root().join(".git/refs/heads/claudedo/fix-a1b2.lock");
    write(&fixture.root(), ".git/refs/heads/claudedo/fix-a1b2.lock", b"");
    let hour_ago = SystemTime::now() - Duration::from_hours(1);
    fs::File::options().write(true).open(&lock).unwrap().set_modified(hour_ago).unwrap();
    let error = repository.create_branch(&branch(), head, "").unwrap_err();
    let GitError::Locked { path, age, .. } = error else { panic!("{error:?}") };
    assert!(path.ends_with("refs/heads/claudedo/fix-a1b2.lock"));
    assert!((3600..3700).contains(&age.as_secs()), "{age:?}");
    assert!(repository.remove_stale_lock(branch().as_str()).unwrap());
    repository.create_branch(&branch(), head, "").unwrap();
}

#[test]
fn the_lock_of_the_packed_refs_is_waited_for_and_never_removed() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let head = repository.head_commit_id().unwrap();
    fixture.git(&["pack-refs", "--all"]);
    write(&fixture.root(), ".git/packed-refs.lock", b"");
    let error = repository.create_branch(&branch(), head, "").unwrap_err();
    assert!(
        matches!(&error, GitError::Locked { path, .. } if path.ends_with("packed-refs.lock")),
        "{error:?}"
    );
    assert!(fixture.root().join(".git/packed-refs.lock").exists());
}

#[test]
fn only_locks_of_our_own_refs_are_removed() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    for name in ["refs/heads/main", "HEAD", "index", "refs/claudedo/../heads/main", "packed-refs"] {
        let path = format!(".git/{name}.lock");
        write(&fixture.root(), &path, b"");
        assert!(matches!(repository.remove_stale_lock(name).unwrap_err(), GitError::NotOurs { .. }));
        assert!(fixture.root().join(path).exists());
    }
}
