//! A prune that was cut off, and things that change while one is at work.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;

use git_claudedo::git::Repository;
use git_claudedo::os::clock;
use git_claudedo::prune::{Fate, Plan, Policy, Site, apply, find};
use git_claudedo::store::records::Records;
use git_claudedo::store::state_directory::StateDirectory;
use git_claudedo::task::Age;

use super::with_done;
use crate::support::TestRepository;

fn site(test: &TestRepository) -> Site {
    let repository = Repository::open(&test.path().join(".git")).unwrap();
    let state = StateDirectory::new(&repository.common_dir());
    Site {
        records: Records::open(&repository, &state),
        state,
        repositories: vec![repository],
        state_home: Some(test.root().join("state/git-claudedo")),
        worktree_root: None,
        task_files: None,
        now: clock::now(),
    }
}

/// Plans, lets something happen, and requires that the worktree stays for this reason.
fn assert_stays_after(what: impl FnOnce(&TestRepository), reason: &str) {
    let test = with_done();
    let site = site(&test);
    let now = Age::days(0);
    let policy = Policy {
        worktrees: now,
        snapshots: now,
        logs: Age::Never,
        disk: None,
        only: Vec::new(),
        force: Vec::new(),
        now: site.now,
    };
    let plan = Plan::new(find(&site, &|_| true).unwrap(), &policy);
    assert_eq!(plan.going().count(), 1, "{plan:#?}");
    what(&test);
    let mut fates = Vec::new();
    assert!(apply(&site, &plan, &mut |_, fate| fates.push(fate)).unwrap());
    let because = fates.iter().map(|fate| match fate {
        Fate::Stayed { because } => because.join("; "),
        Fate::Removed | Fate::Failed { .. } => format!("{fate:?}"),
    });
    let because = because.collect::<Vec<_>>().join("\n");
    assert!(because.contains(reason), "{because}");
    assert!(test.worktree().join("a.txt").exists());
}

#[test]
fn a_file_that_is_written_after_the_plan_keeps_the_worktree() {
    let write = |test: &TestRepository| fs::write(test.worktree().join("late.txt"), "precious").unwrap();
    assert_stays_after(write, "1 file (late.txt)");
}

#[test]
fn a_branch_that_is_deleted_after_the_plan_keeps_the_worktree() {
    let delete = |test: &TestRepository| drop(test.git(&["update-ref", "-d", "refs/heads/claudedo/work"]));
    assert_stays_after(delete, "its branch is gone");
}

#[test]
fn a_task_that_goes_on_after_the_plan_keeps_its_worktree() {
    let go_on = |test: &TestRepository| {
        assert_eq!(
            test.claudedo(&["continue", "work", "--message", "@fake write b.txt 2", "--run"]).status,
            0
        );
    };
    assert_stays_after(go_on, "its task went on meanwhile");
}

#[test]
fn a_task_that_is_worked_on_after_the_plan_keeps_its_worktree() {
    let lock = |test: &TestRepository| {
        // The lock stays held until the process ends.
        let file = fs::File::open(test.local("locks/task-work")).unwrap();
        file.lock().unwrap();
        std::mem::forget(file);
    };
    assert_stays_after(lock, "its task is being worked on");
}

#[test]
fn a_worktree_that_was_set_aside_by_a_killed_prune_goes_with_the_next() {
    let test = with_done();
    let aside = test.worktree().with_extension("pruned");
    fs::rename(test.worktree(), &aside).unwrap();
    let answer = test.prune(&[]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert!(!aside.exists());
    test.assert_gone();
}

#[test]
fn work_that_came_into_a_folder_while_it_was_set_aside_keeps_it() {
    let test = with_done();
    let aside = test.worktree().with_extension("pruned");
    fs::rename(test.worktree(), &aside).unwrap();
    fs::write(aside.join("late.txt"), "precious").unwrap();
    let answer = test.prune(&[]);
    assert_eq!((answer.status, answer.stdout.as_str()), (0, ""), "{answer:#?}");
    assert_eq!(fs::read_to_string(aside.join("late.txt")).unwrap(), "precious");
    assert!(test.kept("worktree", "work")["because"].to_string().contains("1 file (late.txt)"));
    fs::rename(&aside, test.worktree()).unwrap();
    assert_eq!(test.git_inside(&["status", "--porcelain"]), "?? late.txt");
}

#[test]
fn a_registration_whose_folder_is_gone_goes() {
    let test = with_done();
    fs::remove_dir_all(test.worktree()).unwrap();
    let answer = test.prune(&[]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    test.assert_gone();
}

#[test]
fn a_task_whose_worktree_went_can_go_on() {
    let test = with_done();
    test.prune(&[]);
    test.assert_gone();
    let answer = test.claudedo(&["continue", "work", "--message", "@fake write b.txt 2", "--run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.git(&["show", "claudedo/work:b.txt"]), "2");
}

#[test]
fn two_prunes_do_not_meet() {
    let test = with_done();
    let lock = fs::File::create(test.local("locks/prune")).unwrap();
    lock.lock().unwrap();
    let answer = test.prune(&[]);
    assert_eq!(answer.status, 3, "{answer:#?}");
    assert!(test.worktree().exists());
    drop(lock);
    test.prune(&[]);
    test.assert_gone();
}
