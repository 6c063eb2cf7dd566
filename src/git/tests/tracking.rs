//! The tracking ref: appends, races, power cuts.

use std::fs;

use super::Fixture;
use crate::git::{EntryKind, GitError, Repository, Visit};

#[test]
fn what_was_appended_is_what_git_shows() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let tracking = repository.tracking_ref("0123456789abcdef").unwrap();
    assert_eq!(tracking.tip().unwrap(), None);
    assert_eq!(tracking.list("").unwrap(), []);
    let mut changes = tracking.changes();
    changes.put("tasks/ab/fix/events/1.json", b"{}\n").unwrap();
    changes.put("tasks/ab/fix/runs/1/log/000001.ndjson", b"line\n").unwrap();
    let first = tracking.append(changes, "started").unwrap();
    let mut changes = tracking.changes();
    changes.put("tasks/ab/fix/events/2.json", b"{\"a\":1}\n").unwrap();
    changes.remove("tasks/ab/fix/runs").unwrap();
    let second = tracking.append(changes, "finished").unwrap();
    assert_eq!(
        fixture.git(&["ls-tree", "-r", "--name-only", tracking.name()]),
        "tasks/ab/fix/events/1.json\ntasks/ab/fix/events/2.json"
    );
    assert_eq!(
        fixture.git(&["log", "--format=%H %s", tracking.name()]),
        format!("{second} finished\n{first} started")
    );
    assert_eq!(tracking.read("tasks/ab/fix/events/2.json").unwrap().unwrap(), b"{\"a\":1}\n");
    assert_eq!(tracking.read("tasks/ab/fix/events").unwrap(), None);
    assert_eq!(tracking.list("tasks/ab/fix/events").unwrap().len(), 2);
    fixture.require_intact();
}

#[test]
fn nothing_is_lost_when_many_append_at_once() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let tracking = repository.tracking_ref("0123456789abcdef").unwrap();
            scope.spawn(move || {
                for number in 0..5 {
                    let mut changes = tracking.changes();
                    changes.put(&format!("w{writer}/{number}"), b"x").unwrap();
                    tracking.append(changes, "append").unwrap();
                }
            });
        }
    });
    let name = repository.tracking_ref("0123456789abcdef").unwrap().name().to_owned();
    assert_eq!(fixture.git(&["ls-tree", "-r", "--name-only", &name]).lines().count(), 20);
    assert_eq!(fixture.git(&["rev-list", "--count", &name]), "20");
    fixture.require_intact();
}

#[test]
fn a_walk_enters_only_the_folders_it_is_sent_into() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let tracking = repository.tracking_ref("0123456789abcdef").unwrap();
    let mut changes = tracking.changes();
    for path in ["a/1", "a/2", "b/1", "c"] {
        changes.put(path, path.as_bytes()).unwrap();
    }
    tracking.append(changes, "x").unwrap();
    let mut seen = Vec::new();
    let tree = tracking.tree().unwrap().unwrap();
    repository
        .walk_tree(tree, &mut |path, kind| {
            seen.push(path.to_owned());
            match kind {
                EntryKind::Folder(_) if path == "b" => Visit::Skip,
                EntryKind::Folder(_) | EntryKind::File(_) | EntryKind::Submodule(_) => Visit::Enter,
            }
        })
        .unwrap();
    assert_eq!(seen, ["a", "b", "c", "a/1", "a/2"]);
}

#[test]
fn all_machines_are_listed_and_a_broken_ref_hides_none() {
    let fixture = Fixture::new();
    let head = fixture.git(&["rev-parse", "HEAD"]);
    for name in
        ["refs/claudedo/runs/aaaa", "refs/claudedo-remotes/origin/bbbb", "refs/claudedo-remotes/o/p/cccc"]
    {
        fixture.git(&["update-ref", name, &head]);
    }
    fs::write(fixture.root().join(".git/refs/claudedo/runs/empty"), "").unwrap();
    let tips = fixture.repository().tracking_tips().unwrap();
    let found: Vec<_> = tips.iter().map(|tip| (tip.remote.as_deref(), tip.machine.as_str())).collect();
    assert_eq!(found, [(None, "aaaa"), (Some("o/p"), "cccc"), (Some("origin"), "bbbb")]);
}

#[test]
fn paths_that_git_could_not_check_out_are_refused() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let tracking = repository.tracking_ref("0123456789abcdef").unwrap();
    for path in ["", "/a", "a//b", "../x", "a/.git/x", ".GIT/config"] {
        let result = tracking.changes().put(path, b"x");
        assert!(matches!(result, Err(GitError::InvalidName { .. })), "{path:?}");
    }
    for machine in ["", "a/b", "a b", ".."] {
        assert!(repository.tracking_ref(machine).is_err(), "{machine:?}");
    }
}

#[test]
fn an_empty_object_left_by_a_power_cut_is_written_again() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let tracking = repository.tracking_ref("0123456789abcdef").unwrap();
    let mut changes = tracking.changes();
    let blob = changes.put("a", b"precious").unwrap().to_string();
    let path = fixture.root().join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    drop(fs::remove_file(&path));
    fs::write(&path, "").unwrap();
    let mut changes = tracking.changes();
    changes.put("a", b"precious").unwrap();
    tracking.append(changes, "x").unwrap();
    assert_eq!(tracking.read("a").unwrap().unwrap(), b"precious");
    fixture.require_intact();
}

/// Writes a blob that no ref leads to, dates it back by a month and returns its file.
fn forgotten_blob(fixture: &Fixture, repository: &Repository) -> std::path::PathBuf {
    let mut changes = repository.tracking_ref("0123456789abcdef").unwrap().changes();
    let blob = changes.put("a", b"precious").unwrap().to_string();
    let path = fixture.root().join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    let month_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(31 * 24);
    fs::File::open(&path).unwrap().set_modified(month_ago).unwrap();
    path
}

#[test]
fn an_old_object_that_is_used_again_is_too_young_to_be_pruned_by_git() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    forgotten_blob(&fixture, &repository);
    let tracking = repository.tracking_ref("0123456789abcdef").unwrap();
    let mut changes = tracking.changes();
    changes.put("a", b"precious").unwrap();
    fixture.git(&["prune", "--expire=2.weeks.ago"]);
    tracking.append(changes, "x").unwrap();
    assert_eq!(tracking.read("a").unwrap().unwrap(), b"precious");
    fixture.require_intact();
}

#[test]
fn no_ref_is_moved_to_objects_that_were_pruned_in_between() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let path = forgotten_blob(&fixture, &repository);
    let tracking = repository.tracking_ref("0123456789abcdef").unwrap();
    let mut changes = tracking.changes();
    changes.put("a", b"precious").unwrap();
    fs::remove_file(&path).unwrap();
    tracking.append(changes, "x").unwrap_err();
    assert_eq!(tracking.tip().unwrap(), None);
    fixture.require_intact();
}

#[test]
fn the_attribute_for_logs_is_added_once_and_keeps_what_was_there() {
    let fixture = Fixture::new();
    let path = fixture.root().join(".git/info/attributes");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "*.png binary").unwrap();
    let repository = fixture.repository();
    repository.set_log_attributes().unwrap();
    repository.set_log_attributes().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "*.png binary\n*.ndjson -delta\n");
    assert_eq!(fixture.git(&["check-attr", "delta", "x/1.ndjson"]), "x/1.ndjson: delta: unset");
}
