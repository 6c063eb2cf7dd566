//! Work that an agent put where nobody would look: git's stash, and a worktree that it moved away.

use std::fs;

use crate::support::TestRepository;

#[test]
fn work_that_the_agent_left_in_the_stash_is_told() {
    let test = TestRepository::with_fake();
    test.add_task("work", &["write new.txt 1", "sh git stash push --quiet --include-untracked"]);
    test.run(0);
    let warnings = test.record("work")["warnings"].to_string();
    assert!(warnings.contains("the agent left work in git's stash: `git stash list` shows it"), "{warnings}");
    assert_eq!(test.git(&["show", "stash@{0}^3:new.txt"]), "1");
}

#[test]
fn a_stash_of_the_users_own_is_not_taken_for_the_agents() {
    let test = TestRepository::with_fake();
    test.write("README.md", "# Mine\n");
    test.git(&["stash", "push", "--quiet"]);
    test.add_task("work", &["write new.txt 1"]);
    test.run(0);
    let record = test.record("work");
    assert!(!record["warnings"].to_string().contains("stash"), "{record:#}");
}

#[test]
fn a_worktree_that_the_agent_moved_is_told_with_its_new_place() {
    let test = TestRepository::with_fake();
    let moved = test.root().join("moved");
    let step = format!("sh git worktree unlock . && git worktree move . {}", moved.display());
    test.set("retries", "0");
    test.add_task("work", &["write new.txt 1", &step]);
    test.run(1);
    let record = test.record("work").to_string();
    assert!(record.contains(&format!("its branch is checked out in {}", moved.display())), "{record}");
    assert_eq!(fs::read_to_string(moved.join("new.txt")).unwrap(), "1\n");
}
