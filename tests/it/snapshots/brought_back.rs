//! Every byte comes back: to the worktree, to a worktree that is gone, to a folder.
#![expect(clippy::disallowed_methods, reason = "a test writes into worktrees as an agent does")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::Value;

use super::{TASK, content, kept_all_the_time, listed, wait_for_snapshot_of};
use crate::support::{Started, TestRepository};

/// Starts a runner on a task that waits at once.
fn at_work(test: &TestRepository) -> Started {
    test.add_task(TASK, &["write begun.txt 1", &test.wait_step("gate")]);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    runner
}

/// Makes a task that is over and whose worktree holds what is not on its branch.
fn at_rest(test: &TestRepository) -> std::path::PathBuf {
    test.add_task(TASK, &["write begun.txt 1"]);
    test.run(0);
    test.workspace("worktrees", TASK)
}

/// Writes one of everything that a worktree may hold.
fn torture(worktree: &Path) {
    fs::write(worktree.join("README.md"), "changed\r\nwith both\nends\r\n").unwrap();
    fs::create_dir_all(worktree.join("new/deep")).unwrap();
    fs::write(worktree.join("new/deep/binary"), [0_u8, 255, 10, 13, 0]).unwrap();
    fs::write(worktree.join(OsStr::from_bytes(b"caf\xe9 \n\"quoted\"")), "not UTF-8").unwrap();
    fs::write(worktree.join("empty"), "").unwrap();
    fs::write(worktree.join("tool.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(worktree.join("tool.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/nowhere/at all", worktree.join("dangling")).unwrap();
    symlink("new", worktree.join("to-folder")).unwrap();
    fs::create_dir_all(worktree.join("inner")).unwrap();
    fs::write(worktree.join("inner/file"), "of a repository of its own").unwrap();
}

fn restored(test: &TestRepository, arguments: &[&str]) -> Value {
    let answer = test.claudedo(&[&["restore", "--json"], arguments].concat());
    assert_eq!(answer.status, 0, "{answer:#?}");
    serde_json::from_str(&answer.stdout).unwrap()
}

#[test]
fn after_a_kill_of_everything_and_the_loss_of_the_worktree_every_byte_comes_back() {
    let test = kept_all_the_time();
    let user = content(&test.path());
    let runner = at_work(&test);
    let worktree = test.workspace("worktrees", TASK);
    torture(&worktree);
    test.git(&["init", "--quiet", worktree.join("inner").to_str().unwrap()]);
    fs::write(worktree.join("last.txt"), "last").unwrap();
    wait_for_snapshot_of(&test, "last.txt", "last");
    test.kill_all();
    drop(runner);
    fs::remove_dir_all(worktree.join("inner/.git")).unwrap();
    let before = content(&worktree);
    fs::remove_dir_all(&worktree).unwrap();
    let answer = restored(&test, &[TASK]);
    assert_eq!(answer["path"], worktree.to_str().unwrap());
    assert_eq!(content(&worktree), before);
    let also = test.root().join("tmp/elsewhere");
    restored(&test, &[TASK, "--to", also.to_str().unwrap()]);
    assert_eq!(content(&also), before);
    let mut after = content(&test.path());
    after.retain(|name, _| !name.starts_with(b".claudedo/"));
    assert_eq!(after, user);
    test.assert_sound();
}

#[test]
fn a_restore_can_be_taken_back() {
    let test = TestRepository::with_fake();
    let worktree = at_rest(&test);
    torture(&worktree);
    assert_eq!(test.claudedo(&["snapshots", "create", TASK]).status, 0);
    let first = content(&worktree);
    fs::remove_file(worktree.join("tool.sh")).unwrap();
    fs::remove_dir_all(worktree.join("new")).unwrap();
    fs::write(worktree.join("new"), "a file where a folder was").unwrap();
    fs::remove_file(worktree.join("to-folder")).unwrap();
    fs::create_dir(worktree.join("to-folder")).unwrap();
    fs::write(worktree.join("to-folder/inside"), "a folder where a link was").unwrap();
    let second = content(&worktree);
    let answer = restored(&test, &["long-a1b2@1"]);
    assert_eq!(content(&worktree), first);
    assert_eq!(answer["before"], "long-a1b2@2");
    restored(&test, &["long-a1b2@2"]);
    assert_eq!(content(&worktree), second);
    let names: Vec<String> = listed(&test).iter().map(|one| one["why"].to_string()).collect();
    assert_eq!(names, ["\"asked for\"", "\"before restore\""]);
    test.assert_sound();
}

#[test]
fn nothing_is_restored_under_a_run_at_work() {
    let test = kept_all_the_time();
    let runner = at_work(&test);
    wait_for_snapshot_of(&test, "begun.txt", "1\n");
    let answer = test.claudedo(&["restore", TASK]);
    test.snapshots().bind(|| {
        insta::assert_snapshot!(answer.stderr, @"
        error: failed to use the worktree of long-[ID]: a run is at work in it
        hint: To end the run first: git claudedo cancel long-[ID]
        hint: To have the files elsewhere: git claudedo restore long-[ID] --to DIR
        ");
    });
    assert_eq!(answer.status, 128);
    let elsewhere = test.root().join("tmp/elsewhere");
    restored(&test, &[TASK, "--to", elsewhere.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(elsewhere.join("begun.txt")).unwrap(), "1\n");
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
}

#[test]
fn a_folder_that_holds_anything_or_is_a_link_is_refused() {
    let test = TestRepository::with_fake();
    let worktree = at_rest(&test);
    torture(&worktree);
    test.claudedo(&["snapshots", "create", TASK]);
    let full = test.root().join("tmp/full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("mine"), "mine").unwrap();
    let empty = test.root().join("tmp/empty");
    fs::create_dir(&empty).unwrap();
    let link = test.root().join("tmp/link");
    symlink(&empty, &link).unwrap();
    for (folder, why) in
        [(&full, "is not empty"), (&link, "is a symbolic link"), (&full.join("mine"), "is not a folder")]
    {
        let answer = test.claudedo(&["restore", TASK, "--to", folder.to_str().unwrap()]);
        assert_eq!(answer.status, 128, "{answer:#?}");
        assert!(answer.stderr.contains(why), "{answer:#?}");
    }
    assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);
    restored(&test, &[TASK, "--to", empty.to_str().unwrap()]);
    assert_eq!(content(&empty), content(&worktree));
}

#[test]
fn what_git_ignores_and_what_is_in_the_way_stays() {
    let test = TestRepository::with_fake();
    test.write(".gitignore", "*.log\n");
    test.git(&["add", "."]);
    test.git(&["commit", "--quiet", "--message=Ignore logs"]);
    let worktree = at_rest(&test);
    fs::create_dir(worktree.join("place")).unwrap();
    fs::write(worktree.join("place/file"), "1").unwrap();
    test.claudedo(&["snapshots", "create", TASK]);
    fs::remove_dir_all(worktree.join("place")).unwrap();
    let outside = test.root().join("tmp/outside");
    fs::create_dir(&outside).unwrap();
    fs::write(worktree.join("noise.log"), "noise").unwrap();
    // Ignored by its name, and a link that leads out of the worktree.
    fs::write(test.path().join(".git/info/exclude"), "place\n").unwrap();
    symlink(&outside, worktree.join("place")).unwrap();
    let answer = restored(&test, &["long-a1b2@1"]);
    assert_eq!(answer["left"][0]["path"], "place/file", "{answer:#}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(fs::read_to_string(worktree.join("noise.log")).unwrap(), "noise");
}

#[test]
fn line_ends_and_filters_come_back_as_a_checkout_writes_them() {
    let test = TestRepository::with_fake();
    test.git(&["config", "filter.upper.clean", "tr a-z A-Z"]);
    test.git(&["config", "filter.upper.smudge", "tr A-Z a-z"]);
    test.write(".gitattributes", "*.crlf text eol=crlf\n*.up filter=upper\n");
    test.git(&["add", "."]);
    test.git(&["commit", "--quiet", "--message=Attributes"]);
    let worktree = at_rest(&test);
    fs::write(worktree.join("a.crlf"), "one\r\ntwo\r\n").unwrap();
    fs::write(worktree.join("a.up"), "lower").unwrap();
    test.claudedo(&["snapshots", "create", TASK]);
    let before = content(&worktree);
    fs::remove_file(worktree.join("a.crlf")).unwrap();
    fs::remove_file(worktree.join("a.up")).unwrap();
    restored(&test, &[TASK]);
    assert_eq!(content(&worktree), before);
}

#[test]
fn without_its_branch_the_worktree_is_made_where_the_branch_was() {
    let test = TestRepository::with_fake();
    let worktree = at_rest(&test);
    torture(&worktree);
    test.claudedo(&["snapshots", "create", TASK]);
    let before = content(&worktree);
    let tip = test.git(&["rev-parse", &format!("claudedo/{TASK}")]);
    test.git(&["worktree", "remove", "--force", worktree.to_str().unwrap()]);
    test.git(&["branch", "--quiet", "-D", &format!("claudedo/{TASK}")]);
    test.git(&["gc", "--quiet", "--prune=now"]);
    restored(&test, &[TASK]);
    assert_eq!(content(&worktree), before);
    assert_eq!(test.git(&["rev-parse", &format!("claudedo/{TASK}")]), tip);
    test.assert_sound();
}
