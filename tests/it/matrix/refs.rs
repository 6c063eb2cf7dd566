//! Branches and objects that somebody else moves, packs or prunes while an agent works (F38, F39).
#![expect(clippy::disallowed_methods, reason = "a test does what a person does meanwhile")]

use std::sync::atomic::{AtomicBool, Ordering};

use super::criteria::{Belongings, assert_clear, assert_one_end_a_claim};
use crate::support::{Answer, Started, TestRepository};

const TASK: &str = "work-a1b2";
const BRANCH: &str = "claudedo/work-a1b2";

fn at_work(test: &TestRepository) -> Started {
    test.add_task(TASK, &["write a.txt 1", &test.wait_step("gate"), "text Ready."]);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    runner
}

fn finish(test: &TestRepository, runner: Started, outcome: &str) {
    test.release("gate");
    let answer = runner.wait();
    assert_clear(&answer, &[]);
    assert_eq!(test.history(TASK), format!("claimed finished:{outcome}"), "{answer:#?}");
}

/// Requires that what the agent wrote is on its branch or in the snapshot that the record names.
fn assert_kept(test: &TestRepository) {
    let record = test.record(TASK);
    let place = record["workspace"]["snapshot"].as_str().map_or(BRANCH.to_owned(), str::to_owned);
    assert_eq!(test.git(&["show", &format!("{place}:a.txt")]), "1", "{record:#}");
    if place != BRANCH {
        let name = format!("refs/claudedo/snapshots/{}", record["run"].as_str().unwrap());
        assert_eq!(test.git(&["rev-parse", &name]), place);
    }
}

/// Makes a commit beside everything, with one file, and returns its id.
fn other_commit(test: &TestRepository) -> String {
    let worktree = test.gate("other");
    let path = worktree.to_str().unwrap();
    test.git(&["worktree", "add", "--quiet", "--detach", path, "main"]);
    std::fs::write(worktree.join("theirs.txt"), "theirs\n").unwrap();
    test.git(&["-C", path, "add", "."]);
    test.git(&["-C", path, "commit", "--quiet", "--message=Theirs"]);
    let commit = test.git(&["-C", path, "rev-parse", "HEAD"]);
    test.git(&["worktree", "remove", "--force", path]);
    commit
}

#[test]
fn a_branch_that_somebody_else_moves_forward_keeps_their_commit_and_the_work() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let before = Belongings::of(&test);
    let theirs = other_commit(&test);
    test.git(&["update-ref", &format!("refs/heads/{BRANCH}"), &theirs]);
    finish(&test, runner, "done");
    assert_kept(&test);
    test.git(&["merge-base", "--is-ancestor", &theirs, BRANCH]);
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_branch_that_is_forced_to_another_history_is_not_forced_back_and_the_record_says_so() {
    let test = TestRepository::with_fake();
    let tree = test.git(&["rev-parse", "main^{tree}"]);
    let runner = at_work(&test);
    let before = Belongings::of(&test);
    let rootless = test.git(&["commit-tree", &tree, "-m", "Another history"]);
    test.git(&["update-ref", &format!("refs/heads/{BRANCH}"), &rootless]);
    finish(&test, runner, "done");
    assert_kept(&test);
    test.git(&["merge-base", "--is-ancestor", &rootless, BRANCH]);
    let warnings = test.record(TASK)["warnings"].to_string();
    assert!(warnings.contains("was moved to another history during the run"), "{warnings}");
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_branch_that_is_renamed_meanwhile_stays_as_it_was_renamed_and_the_files_are_kept_aside() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let before = Belongings::of(&test);
    test.git(&["branch", "-m", BRANCH, "claudedo/better-name"]);
    finish(&test, runner, "failed");
    assert_kept(&test);
    assert_eq!(
        test.git(&["branch", "--list", "--format=%(refname:short)", "claudedo/*"]),
        "claudedo/better-name"
    );
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_branch_that_a_person_checks_out_meanwhile_is_not_moved_under_them() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let before = Belongings::of(&test);
    test.git(&["checkout", "--quiet", "--ignore-other-worktrees", BRANCH]);
    let tip = test.git(&["rev-parse", BRANCH]);
    finish(&test, runner, "failed");
    assert_eq!(test.git(&["rev-parse", BRANCH]), tip);
    assert_eq!(test.git(&["diff", "--cached", "--name-only"]), "", "the index no longer fits the branch");
    let record = test.record(TASK);
    assert!(record["error"].as_str().unwrap().contains("is checked out in"), "{record:#}");
    assert_kept(&test);
    test.git(&["checkout", "--quiet", "main"]);
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_rebase_in_the_worktree_while_the_agent_works_loses_nothing() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let before = Belongings::of(&test);
    let theirs = other_commit(&test);
    let worktree = test.workspace("worktrees", TASK);
    test.git(&["-C", worktree.to_str().unwrap(), "rebase", "--quiet", &theirs]);
    finish(&test, runner, "done");
    assert_kept(&test);
    assert_eq!(test.git(&["show", &format!("{BRANCH}:theirs.txt")]), "theirs");
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_reset_of_what_the_agent_committed_loses_no_file() {
    let test = TestRepository::with_fake();
    let commit = "sh git add a.txt && git -c user.name=A -c user.email=a@b commit -qm Mine";
    test.add_task(TASK, &["write a.txt 1", commit, &test.wait_step("gate")]);
    let runner = test.start(&["run"]);
    let main = test.git(&["rev-parse", "main"]);
    crate::support::eventually("the agent commits", || {
        let tip =
            Answer::from(test.program("git").args(["rev-parse", "--verify", "-q", BRANCH]).output().unwrap());
        (tip.status == 0 && tip.stdout.trim() != main).then_some(())
    });
    let before = Belongings::of(&test);
    test.git(&["update-ref", &format!("refs/heads/{BRANCH}"), &main]);
    finish(&test, runner, "done");
    assert_kept(&test);
    before.assert_order(&test, &[TASK]);
}

/// What `git gc --auto` and a schedule of `git maintenance` do, one after the other.
///
/// Not `repack -a -d` right after `gc`: the one puts objects that no ref names yet into a pack, and the other drops such
/// packs without asking for their age.
const HOUSEKEEPING: [&[&str]; 6] = [
    &["gc", "--quiet"],
    &["pack-refs", "--all"],
    &["repack", "-A", "-d", "-q"],
    &["prune-packed", "-q"],
    &["worktree", "prune", "--expire=now"],
    &["prune", "--expire=1.minute.ago"],
];

#[test]
fn housekeeping_of_git_in_a_loop_meanwhile_loses_nothing() {
    let test = TestRepository::with_fake();
    let tasks = ["one-0001", "two-0002", "three-0003", "four-0004", "five-0005", "six-0006"];
    let commit = "sh git add b.txt && git -c user.name=A -c user.email=a@b commit -qm Mine";
    for task in tasks {
        test.add_task(task, &["write a.txt 1", "write b.txt 2", commit, "write c.txt 3"]);
    }
    test.add_task("fails-0007", &["write a.txt 1", "result error"]);
    let before = Belongings::of(&test);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for step in HOUSEKEEPING.iter().cycle() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                // One that meets a lock of another gives up; the next one follows.
                drop(test.program("git").args(*step).output().unwrap());
            }
        });
        let answer = test.claudedo(&["run", "--slots", "2"]);
        over.store(true, Ordering::Relaxed);
        assert_clear(&answer, &[]);
    });
    // What met a lock of git's for too long is left to the next start.
    assert_clear(&test.claudedo(&["run"]), &[]);
    for task in tasks {
        assert_one_end_a_claim(&test.history(task));
        for (name, text) in [("a.txt", "1"), ("b.txt", "2"), ("c.txt", "3")] {
            assert_eq!(test.git(&["show", &format!("claudedo/{task}:{name}")]), text, "{task}");
        }
    }
    for record in test.records("fails-0007") {
        let snapshot = record["workspace"]["snapshot"].as_str().unwrap();
        assert_eq!(test.git(&["show", &format!("{snapshot}:a.txt")]), "1");
    }
    before.assert_order(&test, &tasks);
}

/// Prunes everything that no ref leads to, whatever its age.
fn prune_all(test: &TestRepository) {
    test.git(&["reflog", "expire", "--expire=now", "--all"]);
    test.git(&["gc", "--quiet", "--prune=now"]);
    test.git(&["repack", "-a", "-d", "-q"]);
    test.git(&["worktree", "prune", "--expire=now"]);
}

#[test]
fn whatever_is_pruned_between_two_steps_of_a_run_was_not_needed() {
    let test = TestRepository::with_fake();
    let fresh = format!("on-fresh {}", test.wait_step("first"));
    let again = format!("on-resume {}", test.wait_step("second"));
    test.add_task(TASK, &["write a.txt 1", &fresh, "on-fresh kill 9", &again, "write b.txt 2"]);
    let before = Belongings::of(&test);
    prune_all(&test);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    prune_all(&test);
    test.release("first");
    test.wait_for_start(2);
    prune_all(&test);
    // The first run's files are in its snapshot.
    let snapshot = test.records(TASK)[0]["workspace"]["snapshot"].as_str().unwrap().to_owned();
    assert_eq!(test.git(&["show", &format!("{snapshot}:a.txt")]), "1");
    runner.kill();
    prune_all(&test);
    test.release("second");
    test.run(0);
    prune_all(&test);
    assert_eq!(test.git(&["show", &format!("{BRANCH}:a.txt")]), "1");
    assert_eq!(test.git(&["show", &format!("{BRANCH}:b.txt")]), "2");
    assert_eq!(test.history(TASK), "claimed finished:done");
    before.assert_order(&test, &[TASK]);
}
