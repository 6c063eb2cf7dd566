//! Disks that are full, read-only or not the same for everything (F07, F40).
#![expect(clippy::disallowed_methods, reason = "a test moves folders about")]

use std::path::Path;

use super::chamber::{Chamber, on_its_own};
use super::criteria::{Belongings, assert_clear};
use crate::support::{Answer, TestRepository, eventually};

const TASK: &str = "work-a1b2";

/// Brings the repository back out of the chamber, as it is in there, so that it can be looked at.
fn bring_out(test: &TestRepository, chamber: Chamber<'_>) {
    let git = test.path().join(".git");
    let out = test.gate("brought-out");
    chamber.sh(&format!("cp -a {}/. {}", git.display(), out.display()));
    drop(chamber);
    std::fs::remove_dir_all(&git).unwrap();
    std::fs::rename(out, git).unwrap();
}

fn full_git_folder(test: &TestRepository) -> Option<Chamber<'_>> {
    Chamber::new(test, &on_its_own(&test.path().join(".git"), "6m"))
}

#[test]
fn on_a_full_disk_nothing_is_claimed_and_with_room_the_task_runs() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1"]);
    let before = Belongings::of(&test);
    let Some(chamber) = full_git_folder(&test) else { return };
    chamber.fill(".git");
    let answer = chamber.claudedo(&["run"]);
    assert_ne!(answer.status, 0, "{answer:#?}");
    assert_clear(&answer, &["failed to", ".git/claudedo", "No space left on device"]);
    chamber.make_room(".git");
    let answer = chamber.claudedo(&["run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    bring_out(&test, chamber);
    assert_eq!(test.history(TASK), "claimed finished:done");
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "1");
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_disk_that_fills_up_while_the_agent_works_keeps_what_it_wrote() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1", &format!("on-fresh {}", test.wait_step("gate")), "write b.txt 2"]);
    let before = Belongings::of(&test);
    let Some(chamber) = full_git_folder(&test) else { return };
    let mut runner = chamber.program(env!("CARGO_BIN_EXE_git-claudedo"));
    let output = std::fs::File::create(test.gate("said")).unwrap();
    let mut runner = runner.arg("run").stderr(output).stdout(std::process::Stdio::null()).spawn().unwrap();
    let written = test.root().join("state");
    eventually("the agent writes", || find(&written, "a.txt").then_some(()));
    chamber.fill(".git");
    test.release("gate");
    let status = eventually("the runner ends", || runner.try_wait().unwrap());
    let stderr = std::fs::read_to_string(test.gate("said")).unwrap();
    let answer = Answer { status: status.code().unwrap_or(-1), stdout: String::new(), stderr };
    assert_ne!(answer.status, 0, "{answer:#?}");
    assert_clear(&answer, &[TASK, "No space left on device", "is kept"]);
    // Started again while the disk is still full, it says so again and makes nothing worse.
    let again = chamber.claudedo(&["run"]);
    assert_ne!(again.status, 0, "{again:#?}");
    assert_clear(&again, &["No space left on device"]);
    chamber.make_room(".git");
    let answer = chamber.claudedo(&["run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    bring_out(&test, chamber);
    assert!(test.history(TASK).ends_with("finished:done"), "{}", test.history(TASK));
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "1");
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:b.txt")]), "2");
    before.assert_order(&test, &[TASK]);
}

fn find(folder: &Path, name: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.filter_map(Result::ok).any(|entry| {
        entry.file_name() == name
            || (entry.file_type().is_ok_and(|kind| kind.is_dir()) && find(&entry.path(), name))
    })
}

#[test]
fn without_room_for_the_worktree_the_claim_waits_for_the_next_start_and_it_is_said() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1"]);
    let before = Belongings::of(&test);
    let state = test.root().join("state");
    let Some(chamber) = Chamber::new(&test, &on_its_own(&state, "1m")) else { return };
    chamber.fill(state.to_str().unwrap());
    let answer = chamber.claudedo(&["run"]);
    assert_eq!(answer.status, 1, "{answer:#?}");
    assert_clear(&answer, &[TASK, "No space left on device", "the next start goes on with it"]);
    assert_eq!(test.history(TASK), "claimed");
    assert_eq!(test.fake_starts().len(), 0);
    chamber.make_room(state.to_str().unwrap());
    let answer = chamber.claudedo(&["run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.history(TASK), "claimed finished:done");
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "1");
    drop(chamber);
    test.git(&["worktree", "prune"]);
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_task_that_cannot_be_written_is_told_and_leaves_no_half_file() {
    let test = TestRepository::with_fake();
    let folder = test.path().join(".claudedo");
    let Some(chamber) = Chamber::new(&test, &on_its_own(&folder, "64k")) else { return };
    chamber.sh("mkdir -p .claudedo/tasks");
    chamber.fill(".claudedo");
    let answer = chamber.claudedo(&["add", "Write it down"]);
    assert_ne!(answer.status, 0, "{answer:#?}");
    assert_clear(&answer, &["failed to", ".claudedo/tasks", "No space left on device"]);
    assert_eq!(chamber.sh("ls -A .claudedo/tasks"), "");
    chamber.make_room(".claudedo");
    assert_eq!(chamber.claudedo(&["add", "Write it down"]).status, 0);
}

#[test]
fn a_task_file_that_a_full_disk_left_empty_is_told_and_not_run() {
    let test = TestRepository::with_fake();
    test.write_task(TASK, "");
    let answer = test.claudedo(&["run"]);
    assert_eq!(test.history(TASK), "");
    let list = test.claudedo(&["list", "--json"]);
    assert!(list.stdout.contains("\"invalid\""), "{list:#?} {answer:#?}");
}

#[test]
fn a_read_only_git_folder_is_refused_before_the_claim_with_its_path() {
    let test = TestRepository::with_fake();
    test.add_task("first-0001", &["write a.txt 1"]);
    test.run(0);
    test.add_task(TASK, &["write a.txt 1"]);
    let before = Belongings::of(&test);
    let git = test.path().join(".git");
    let git = git.display();
    let script = format!("mount --bind {git} {git} && mount -o remount,ro,bind {git}");
    let Some(chamber) = Chamber::new(&test, &script) else { return };
    let answer = chamber.claudedo(&["run"]);
    assert_ne!(answer.status, 0, "{answer:#?}");
    assert_clear(&answer, &["failed to", ".git", "Read-only file system"]);
    for command in [&["list"][..], &["show", "first-0001"], &["status"]] {
        let answer = chamber.claudedo(command);
        assert_eq!(answer.status, 0, "{command:?}: {answer:#?}");
    }
    drop(chamber);
    assert_eq!(test.fake_starts().len(), 1);
    assert_eq!(test.history(TASK), "");
    test.run(0);
    before.assert_order(&test, &["first-0001", TASK]);
}

#[test]
fn worktrees_may_lie_on_another_file_system_than_the_repository() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1", "sh ln README.md second-name"]);
    let before = Belongings::of(&test);
    let state = test.root().join("state");
    let Some(chamber) = Chamber::new(&test, &on_its_own(&state, "8m")) else { return };
    let answer = chamber.claudedo(&["run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    drop(chamber);
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "1");
    test.git(&["worktree", "prune"]);
    before.assert_order(&test, &[TASK]);
}
