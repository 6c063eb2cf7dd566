//! Tasks that come from elsewhere are listed and start nothing.

use crate::support::TestRepository;

/// What is said of the one task that arrived.
const ARRIVED: &str = "claudedo: 1 task waits for approval: arrived
claudedo: to see one and let it run: git claudedo approve arrived
";

/// Makes a repository whose branch `theirs` has a task that `main` has not; both have a commit of their own.
fn with_task_on_another_branch() -> TestRepository {
    let repository = TestRepository::with_fake();
    repository.git(&["checkout", "--quiet", "-b", "theirs"]);
    repository.add_task("arrived", &["result ok"]);
    repository.git(&["add", "--all"]);
    repository.git(&["commit", "--quiet", "--message=Task"]);
    repository.git(&["checkout", "--quiet", "main"]);
    repository.install_hooks();
    repository
}

fn with_own_commit() -> TestRepository {
    let repository = with_task_on_another_branch();
    repository.write("own.txt", "1\n");
    assert_eq!(repository.commit_all("Own"), "");
    repository
}

#[test]
fn a_fast_forward_lists_what_arrived() {
    let repository = with_task_on_another_branch();
    assert_eq!(repository.git_says(&["merge", "--quiet", "--ff-only", "theirs"]), ARRIVED);
    repository.assert_nothing_started();
}

#[test]
fn a_merge_lists_what_arrived() {
    let repository = with_own_commit();
    assert_eq!(repository.git_says(&["merge", "--quiet", "--no-edit", "theirs"]), ARRIVED);
    repository.assert_nothing_started();
}

#[test]
fn a_merge_that_a_person_finishes_lists_what_arrived() {
    let repository = with_own_commit();
    repository.git_says(&["merge", "--quiet", "--no-commit", "theirs"]);
    assert_eq!(repository.git_says(&["commit", "--quiet", "--no-edit"]), ARRIVED);
    repository.assert_nothing_started();
}

#[test]
fn a_pull_lists_what_arrived_with_and_without_a_rebase() {
    for (pull, own) in [("--ff-only", false), ("--rebase", false), ("--rebase", true), ("--no-rebase", true)]
    {
        let repository = if own { with_own_commit() } else { with_task_on_another_branch() };
        let said = repository.git_says(&["pull", "--quiet", "--no-edit", pull, ".", "theirs"]);
        assert_eq!(said, ARRIVED, "{pull} {own}");
        repository.assert_nothing_started();
    }
}

#[test]
fn a_checkout_of_a_branch_lists_what_it_brings_and_of_a_file_nothing() {
    let repository = with_task_on_another_branch();
    repository.git_says(&["checkout", "--quiet", "theirs", "--", ".claudedo"]);
    repository.git_says(&["reset", "--quiet", "--hard"]);
    assert_eq!(repository.git_says(&["switch", "--quiet", "theirs"]), ARRIVED);
    assert_eq!(repository.git_says(&["switch", "--quiet", "main"]), "", "a task that goes is no news");
    repository.assert_nothing_started();
}

#[test]
fn a_new_worktree_lists_its_tasks() {
    let repository = with_task_on_another_branch();
    let path = repository.root().join("linked");
    let said = repository.git_says(&["worktree", "add", "--quiet", path.to_str().unwrap(), "theirs"]);
    assert!(said.ends_with(ARRIVED), "{said}");
    repository.assert_nothing_started();
}

#[test]
fn a_rebase_lists_what_arrived_once() {
    let repository = with_own_commit();
    repository.write("own.txt", "2\n");
    repository.commit_all("Second");
    assert_eq!(repository.git_says(&["rebase", "--quiet", "theirs"]), ARRIVED);
    repository.assert_nothing_started();
}

#[test]
fn a_rebase_that_only_goes_forward_lists_what_arrived() {
    let repository = with_task_on_another_branch();
    assert_eq!(repository.git_says(&["rebase", "--quiet", "theirs"]), ARRIVED);
    repository.assert_nothing_started();
}

#[test]
fn a_commit_that_is_picked_lists_what_arrived() {
    let repository = with_own_commit();
    assert_eq!(repository.git_says(&["cherry-pick", "theirs"]), ARRIVED);
    repository.assert_nothing_started();
}

#[test]
fn a_stash_says_nothing() {
    let repository = with_task_on_another_branch();
    repository.write("README.md", "changed\n");
    assert_eq!(repository.git_says(&["stash", "--quiet"]), "");
    assert_eq!(repository.git_says(&["stash", "pop", "--quiet"]), "");
    repository.assert_nothing_started();
}

#[test]
fn of_many_tasks_some_are_named() {
    let repository = with_task_on_another_branch();
    repository.git(&["-c", "core.hooksPath=/dev/null", "checkout", "--quiet", "theirs"]);
    for number in 0..16 {
        repository.add_task(&format!("task-{number:02}"), &["result ok"]);
    }
    repository.write(".claudedo/tasks/\u{1b}[31mred.yaml", "title: no task\n");
    repository.git(&["add", "--all"]);
    repository.git(&["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message=Tasks"]);
    repository.git(&["-c", "core.hooksPath=/dev/null", "checkout", "--quiet", "main"]);
    insta::assert_snapshot!(repository.git_says(&["merge", "--quiet", "theirs"]), @"
    claudedo: 17 tasks wait for approval: arrived, task-00, task-01 and 14 more
    claudedo: to see one and let it run: git claudedo approve arrived
    ");
    repository.assert_nothing_started();
}

#[test]
fn a_task_that_was_approved_here_is_no_news() {
    let repository = with_task_on_another_branch();
    repository.git_says(&["switch", "--quiet", "theirs"]);
    assert_eq!(repository.claudedo(&["approve", "--yes", "arrived"]).status, 0);
    repository.git_says(&["switch", "--quiet", "main"]);
    assert_eq!(repository.git_says(&["switch", "--quiet", "theirs"]), "");
    repository.assert_nothing_started();
}
