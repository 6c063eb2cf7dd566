//! What is kept and why, the order in which a budget lets go, and what killed programs left behind.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{contents, with_done};
use crate::support::TestRepository;

/// Makes a file or folder look as if it was changed long ago; the time of its inode cannot be set.
fn make_old(path: &Path) {
    let long_ago = SystemTime::now() - Duration::from_hours(48);
    fs::File::open(path).unwrap().set_modified(long_ago).unwrap();
}

#[test]
fn what_is_kept_is_listed_with_the_reason() {
    let test = with_done();
    test.add_task("lone", &["write a.txt 1", "result error text=red"]);
    test.set("retries", "0");
    test.run(1);
    fs::write(test.worktree().join("new.rs"), "fn main() {}").unwrap();
    let answer = test.claudedo(&["ls", "--kept"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    let line = |kind: &str, name: &str| {
        let found =
            answer.stdout.lines().find(|line| line.starts_with(kind) && line.contains(&format!(" {name} ")));
        found.unwrap_or_else(|| panic!("{answer:#?}")).to_owned()
    };
    assert!(line("worktree", "work").ends_with("has changes that are on no ref: 1 file (new.rs)"));
    assert!(line("worktree", "lone").contains("failed"), "{answer:#?}");
    assert!(line("worktree", "lone").contains("less than 14d ago; goes from "), "{answer:#?}");
    assert!(
        line("snapshot", "lone@1").ends_with("it is the only ref to files that its branch does not have")
    );
}

#[test]
fn the_worktree_of_a_task_that_failed_goes_and_its_snapshot_stays() {
    let test = with_done();
    test.add_task("lone", &["write b.txt 1", "result error text=red"]);
    test.set("retries", "0");
    test.run(1);
    let folder = test.workspace("worktrees", "lone");
    let answer = test.prune(&["--force", "work"]);
    assert!(answer.stdout.contains("from refs/claudedo/snapshots/"), "{answer:#?}");
    assert!(!folder.exists());
    let snapshot = test.git(&["for-each-ref", "--format=%(objectname)", "refs/claudedo/snapshots"]);
    assert_eq!(test.git(&["show", &format!("{snapshot}:b.txt")]), "1");
    let forced = test.prune(&["--only", "snapshots", "--force", "lone@1"]);
    assert!(forced.stdout.contains("not at all: it is the only ref"), "{forced:#?}");
    assert_eq!(test.git(&["for-each-ref", "refs/claudedo/snapshots"]), "");
    test.assert_sound();
}

#[test]
fn a_sandbox_goes_by_its_name_alone() {
    let test = TestRepository::with_fake();
    test.set("workspace", "sandbox");
    test.add_task("play", &["write a.txt 1", "result ok"]);
    test.run(0);
    let folder = test.workspace("sandboxes", "play");
    assert_eq!(test.prune(&[]).stdout, "");
    assert!(folder.join("a.txt").exists());
    assert!(test.kept("sandbox", "play")["because"].to_string().contains("on no ref"));
    let forced = test.prune(&["--force", "play"]);
    assert_eq!(forced.status, 0, "{forced:#?}");
    assert!(!folder.exists());
}

#[test]
fn a_budget_lets_the_oldest_go_that_is_safe() {
    let test = with_done();
    for task in ["next", "last"] {
        test.add_task(task, &["write a.txt 1", "result ok"]);
        test.run(0);
    }
    fs::write(test.worktree().join("new.rs"), vec![b'x'; 10_000]).unwrap();
    for task in ["next", "last"] {
        let build = test.workspace("worktrees", task).join("build");
        fs::create_dir(&build).unwrap();
        fs::write(build.join("out"), vec![1; 3_000_000]).unwrap();
    }
    test.set("pruneDisk", "1g");
    assert_eq!(test.claudedo(&["prune"]).stdout, "");
    test.set("pruneDisk", "4m");
    let answer = test.claudedo(&["prune"]);
    assert!(answer.stdout.contains("more than prune_disk (4M) is kept"), "{answer:#?}");
    assert!(!test.workspace("worktrees", "next").exists());
    assert!(test.workspace("worktrees", "last").exists());
    test.set("pruneDisk", "1M");
    test.claudedo(&["prune"]);
    assert!(!test.workspace("worktrees", "last").exists());
    assert!(test.worktree().join("new.rs").exists());
}

#[test]
fn what_is_young_or_a_persons_is_no_trash() {
    let test = with_done();
    let runs = test.local("runs");
    fs::create_dir_all(runs.join("x.trash")).unwrap();
    fs::write(test.local(".claudedo-abc.tmp"), "x").unwrap();
    fs::create_dir_all(test.local("edit")).unwrap();
    fs::write(test.local("edit/EDIT.md"), "x").unwrap();
    make_old(&test.local(".claudedo-abc.tmp"));
    make_old(&test.local("edit/EDIT.md"));
    // The time of the inode is that of now, so that what was renamed a moment ago is young whatever its files say.
    let answer = test.claudedo(&["prune", "--only", "trash"]);
    assert_eq!(answer.stdout, "", "{answer:#?}");
    assert!(test.local(".claudedo-abc.tmp").exists() && test.local("edit/EDIT.md").exists());
    let locks = contents(&test.local("locks")).len();
    assert_eq!(test.claudedo(&["prune", "--only", "caches"]).status, 0);
    assert!(!test.local("cache").join("histories.json").exists());
    assert_eq!(contents(&test.local("locks")).len(), locks);
    assert_eq!(test.claudedo(&["list"]).status, 0);
}
