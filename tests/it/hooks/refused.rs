//! What is not touched, and what is said about it.

use std::fs;

use super::{Hooked, state_of};
use crate::cli_support::{shown, snapshots};

#[test]
fn a_kept_hook_is_never_replaced_by_another() {
    let hooked = Hooked::new();
    hooked.theirs("post-commit", 0);
    hooked.install();
    hooked.theirs("post-commit", 1);
    let before = state_of(&hooked.hooks());
    let answer = hooked.hooks_command(&["install", "--mechanism=files", "--event=post-commit", "--force"]);
    snapshots(&hooked.repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [1]
        [stderr]
        warning: post-commit: .git/hooks/post-commit is a hook of its own (another hook), and an older one is kept in .git/hooks/post-commit.pre-claudedo
        hint: Where the older one is not needed any more, remove it: .git/hooks/post-commit.pre-claudedo
        ");
    });
    assert_eq!(hooked.standing()[0], "post-commit replaced by another hook: .git/hooks/post-commit");
    hooked.hooks_command(&["uninstall", "--event=post-commit"]);
    assert_eq!(state_of(&hooked.hooks()), before);
}

#[test]
fn a_script_that_somebody_changed_stays_until_it_is_forced() {
    let hooked = Hooked::new();
    hooked.install();
    let path = hooked.hooks().join("post-merge");
    let changed = fs::read_to_string(&path).unwrap() + "echo mine\n";
    fs::write(&path, &changed).unwrap();
    assert_eq!(hooked.standing()[1], "post-merge edited-file");
    for command in ["install", "uninstall"] {
        let answer = hooked.hooks_command(&[command, "--event=post-merge"]);
        assert_eq!(answer.status, 1, "{command}");
        assert!(answer.stderr.contains("somebody changed .git/hooks/post-merge"), "{}", answer.stderr);
        assert_eq!(fs::read_to_string(&path).unwrap(), changed);
    }
    assert_eq!(hooked.hooks_command(&["uninstall", "--force"]).status, 0);
    assert_eq!(hooked.names(), [""; 0]);
}

#[test]
fn a_plan_is_shown_and_nothing_is_done() {
    let hooked = Hooked::new();
    hooked.theirs("post-commit", 0);
    let before = state_of(&hooked.hooks());
    let answer = hooked.hooks_command(&["install", "--mechanism=files", "--dry-run"]);
    assert_eq!(state_of(&hooked.hooks()), before);
    snapshots(&hooked.repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [0]
        post-commit: keep what is there, to run first: .git/hooks/post-commit as .git/hooks/post-commit.pre-claudedo
        post-commit: write .git/hooks/post-commit
        post-merge: write .git/hooks/post-merge
        post-checkout: write .git/hooks/post-checkout
        post-rewrite: write .git/hooks/post-rewrite
        pre-push: write .git/hooks/pre-push
        [stderr]
        ");
    });
}

#[test]
fn the_status_says_what_runs_and_what_comes_next() {
    let hooked = Hooked::new();
    snapshots(&hooked.repository).bind(|| {
        insta::assert_snapshot!(shown(&hooked.hooks_command(&["status"])), @r"
        [1]
        post-commit    does not run  not installed
        post-merge     does not run  not installed
        post-checkout  does not run  not installed
        post-rewrite   does not run  not installed
        pre-push       does not run  not installed
        [stderr]
        hint: To install the hooks: git claudedo hooks install
        ");
        hooked.theirs("pre-push", 0);
        hooked.install();
        insta::assert_snapshot!(shown(&hooked.hooks_command(&["status"])), @r"
        [0]
        post-commit    runs  by .git/hooks/post-commit
        post-merge     runs  by .git/hooks/post-merge
        post-checkout  runs  by .git/hooks/post-checkout
        post-rewrite   runs  by .git/hooks/post-rewrite
        pre-push       runs  by .git/hooks/pre-push       after .git/hooks/pre-push.pre-claudedo
        [stderr]
        ");
    });
}

#[test]
fn a_hook_that_would_not_find_the_program_does_not_count_as_running() {
    let hooked = Hooked::new();
    hooked.install();
    let mut command = hooked.repository.program(env!("CARGO_BIN_EXE_git-claudedo"));
    let answer = command.env("PATH", "/usr/bin:/bin").args(["hooks", "status"]).output().unwrap();
    assert_eq!(answer.status.code(), Some(1));
    let text = String::from_utf8(answer.stdout).unwrap();
    assert_eq!(text.matches("git-claudedo is not on the search path").count(), 5, "{text}");
}

#[test]
fn words_that_are_no_event_are_refused() {
    let hooked = Hooked::new();
    let answer = hooked.hooks_command(&["install", "--event", "pre-commit"]);
    assert_eq!(answer.status, 129);
    assert!(answer.stderr.contains("post-rewrite"), "{}", answer.stderr);
}
