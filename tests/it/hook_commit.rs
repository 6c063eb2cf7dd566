//! A commit that touches tasks starts them, and the terminal is free at once.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;
use std::io::Read;
use std::process::Stdio;

use crate::support::{Answer, TestRepository, eventually, task_yaml};

/// What is said when a runner starts.
const STARTS: &str = "claudedo: a runner starts in the background; to see it: git claudedo status\n";

/// How an agent commits by itself.
const AGENT_COMMITS: &str =
    "sh git add --all && git -c user.name=Agent -c user.email=agent@example.com commit --quiet --message=Own";

fn wait_for_end(repository: &TestRepository, task: &str) {
    let history = eventually("the task has its record", || {
        let history = repository.history(task);
        history.contains("finished").then_some(history)
    });
    assert_eq!(history, "claimed finished:done", "{:#?}", repository.stream());
}

#[test]
fn a_commit_that_adds_a_task_starts_it_in_the_background() {
    let repository = TestRepository::with_hooks();
    repository.add_approved("greet", &["write greeting.txt hello", "result ok"]);
    assert_eq!(repository.commit_all("Ask for a greeting"), STARTS);
    wait_for_end(&repository, "greet");
    repository.assert_no_process_left();
    assert_eq!(repository.git(&["show", "claudedo/greet:greeting.txt"]), "hello");
    repository.assert_sound();
}

#[test]
fn a_commit_that_touches_no_task_starts_nothing_and_says_nothing() {
    let repository = TestRepository::with_hooks();
    repository.add_approved("later", &["result ok"]);
    repository.write("code.txt", "1\n");
    repository.git(&["add", "code.txt"]);
    assert_eq!(repository.git_says(&["commit", "--quiet", "--message=Code"]), "");
    repository.assert_nothing_started();
}

#[test]
fn the_agent_gets_nothing_of_what_git_told_the_hook() {
    let repository = TestRepository::with_hooks();
    repository.add_approved("commit-it", &["write a.txt 1", AGENT_COMMITS, "result ok"]);
    repository.git(&["add", "--all"]);
    repository.git_says(&[
        "-c",
        "user.name=Somebody Else",
        "commit",
        "--quiet",
        "--message=Task",
        "--author=Alice <alice@example.com>",
        "--date=2001-01-01T00:00:00Z",
    ]);
    wait_for_end(&repository, "commit-it");
    let environment = repository.fake_starts()[0].text("environment.json");
    let environment: serde_json::Value = serde_json::from_str(&environment).unwrap();
    let names: Vec<&String> =
        environment.as_object().unwrap().keys().filter(|name| name.starts_with("GIT_")).collect();
    assert_eq!(names, ["GIT_CEILING_DIRECTORIES", "GIT_EDITOR", "GIT_OPTIONAL_LOCKS", "GIT_TERMINAL_PROMPT"]);
    let authors =
        repository.git(&["log", "--format=%an %ad", "--date=format:%Y", "main..claudedo/commit-it"]);
    assert!(!authors.is_empty());
    for author in authors.lines() {
        let is_right = ["Agent ", "Test User "].iter().any(|name| author.starts_with(name));
        assert!(is_right && !author.ends_with("2001"), "{authors}");
    }
    let index = repository.git(&["status", "--porcelain"]);
    assert_eq!(index, "", "the user's index is as the commit left it");
}

#[test]
fn it_works_in_a_linked_worktree_a_subfolder_and_with_git_c() {
    let repository = TestRepository::with_hooks();
    let linked = repository.root().join("linked");
    repository.git(&["worktree", "add", "--quiet", "-b", "side", linked.to_str().unwrap()]);
    let commit = |task: &str, folder: &str, arguments: &[&str]| {
        let start = linked.join(folder);
        fs::create_dir_all(&start).unwrap();
        fs::create_dir_all(linked.join(".claudedo/tasks")).unwrap();
        let file = linked.join(format!(".claudedo/tasks/{task}.yaml"));
        fs::write(&file, task_yaml(task, &["result ok"])).unwrap();
        let git = |words: &[&str]| {
            let mut command = repository.program("git");
            let output = command.current_dir(&start).args(arguments).args(words).output().unwrap();
            let answer = Answer::from(output);
            assert_eq!(answer.status, 0, "{}", answer.stderr);
            answer.stderr
        };
        let mut approve = repository.program(env!("CARGO_BIN_EXE_git-claudedo"));
        let approved = approve.current_dir(&start).args(["approve", "--yes", task]).output().unwrap();
        assert!(approved.status.success());
        git(&["add", file.to_str().unwrap()]);
        assert_eq!(git(&["commit", "--quiet", "--message=Task"]), STARTS);
        wait_for_end(&repository, task);
        repository.assert_no_process_left();
    };
    commit("from-root", ".", &[]);
    commit("from-subfolder", "deep/er", &[]);
    commit("from-elsewhere", ".", &["-C", linked.to_str().unwrap()]);
    assert_eq!(repository.git(&["rev-parse", "main"]), repository.git(&["rev-parse", "HEAD"]));
    repository.assert_sound();
}

#[test]
fn whoever_reads_from_the_commit_does_not_wait_for_the_agent() {
    let repository = TestRepository::with_hooks();
    repository.add_approved("slow", &[&repository.wait_step("go"), "result ok"]);
    repository.git(&["add", "--all"]);
    // The shell hands out one more descriptor, as test runners do.
    let mut shell = repository.program("sh");
    shell.args(["-c", "exec 3>&1; git commit --message=Task 2>&1"]).stdout(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    let mut said = String::new();
    // Returns only once nobody has the other end open any more.
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(said.contains(STARTS), "{said}");
    // The agent still waits, so the end of the pipe came before its end.
    repository.wait_for_start(1);
    assert_eq!(repository.records("slow").len(), 0);
    repository.release("go");
    wait_for_end(&repository, "slow");
    repository.assert_no_process_left();
}

#[test]
fn what_an_agent_commits_fires_nothing() {
    assert_fires_nothing(AGENT_COMMITS);
}

/// Requires that an agent's commit, which brings a task, runs nothing.
fn assert_fires_nothing(commits: &str) {
    let repository = TestRepository::with_hooks();
    let step = "write .claudedo/tasks/nested.yaml title: nested";
    repository.add_approved("outer", &[step, commits, "result ok"]);
    repository.commit_all("Task");
    wait_for_end(&repository, "outer");
    repository.assert_no_process_left();
    assert_ne!(repository.git(&["ls-tree", "claudedo/outer", "--", ".claudedo/tasks/nested.yaml"]), "");
    assert_eq!(repository.fake_starts().len(), 1);
    assert_eq!(repository.events("nested").len(), 0);
}

#[test]
fn a_commit_of_a_person_in_an_agents_worktree_fires_nothing() {
    let repository = TestRepository::with_hooks();
    repository.add_approved("work", &["write a.txt 1", "result ok"]);
    repository.commit_all("Task");
    wait_for_end(&repository, "work");
    repository.assert_no_process_left();
    let worktree = repository.workspace("worktrees", "work");
    fs::write(worktree.join(".claudedo/tasks/more.yaml"), task_yaml("more", &["result ok"])).unwrap();
    let folder = worktree.to_str().unwrap();
    repository.git(&["-C", folder, "add", "--all"]);
    assert_eq!(repository.git_says(&["-C", folder, "commit", "--quiet", "--message=More"]), "");
    repository.assert_no_process_left();
    assert_eq!(repository.fake_starts().len(), 1);
}

#[test]
fn two_commits_at_the_same_time_have_one_runner_and_both_tasks_run() {
    let repository = TestRepository::with_hooks();
    repository.add_approved("first", &[&repository.wait_step("go"), "result ok"]);
    repository.commit_all("First");
    repository.wait_for_start(1);
    repository.add_approved("second", &["result ok"]);
    assert_eq!(repository.commit_all("Second"), "", "a runner lives, so none is started");
    repository.wait_for_start(2);
    repository.release("go");
    wait_for_end(&repository, "first");
    wait_for_end(&repository, "second");
    repository.assert_no_process_left();
    assert_eq!(repository.fake_starts().len(), 2);
}

#[test]
fn an_amended_or_first_commit_with_a_task_starts_it_too() {
    let repository = TestRepository::with_hooks();
    repository.add_approved("amended", &["result ok"]);
    repository.git(&["add", "--all"]);
    assert_eq!(repository.git_says(&["commit", "--quiet", "--amend", "--message=Begin"]), STARTS);
    wait_for_end(&repository, "amended");
    repository.assert_no_process_left();
    repository.git(&["checkout", "--quiet", "--orphan", "fresh"]);
    repository.add_approved("rooted", &["result ok"]);
    assert_eq!(repository.commit_all("Root"), STARTS);
    wait_for_end(&repository, "rooted");
}

#[test]
fn advice_that_is_not_wanted_is_not_given() {
    let repository = TestRepository::with_hooks();
    repository.git(&["config", "--global", "advice.claudedo", "false"]);
    repository.add_approved("quiet", &["result ok"]);
    assert_eq!(repository.commit_all("Task"), "");
    wait_for_end(&repository, "quiet");
}

#[test]
fn what_goes_wrong_in_a_hook_is_one_line_and_no_failure() {
    let repository = TestRepository::with_hooks();
    let answer = repository.claudedo(&["hook", "post-checkout", "x"]);
    assert_eq!((answer.status, answer.stdout.as_str()), (0, ""));
    assert_eq!(answer.stderr, "claudedo: failed to understand three arguments from git: \"x\"\n");
    let answer = repository.claudedo(&["hook", "post-everything"]);
    assert_eq!((answer.status, answer.stderr.lines().count()), (0, 1), "{answer:#?}");
    let outside = repository
        .program(env!("CARGO_BIN_EXE_git-claudedo"))
        .args(["hook", "post-commit"])
        .current_dir(repository.root())
        .output()
        .unwrap();
    let outside = Answer::from(outside);
    assert_eq!((outside.status, outside.stderr.lines().count()), (0, 1), "{outside:#?}");
}

#[test]
fn a_commit_with_a_task_that_nobody_approved_lists_it_and_starts_nothing() {
    let repository = TestRepository::with_hooks();
    repository.add_task("unread", &["result ok"]);
    insta::assert_snapshot!(repository.commit_all("Task"), @"
    claudedo: 1 task waits for approval: unread
    claudedo: to see one and let it run: git claudedo approve unread
    claudedo: committed tasks need approval, also own ones that no runner saw before; what git claudedo add writes is approved
    ");
    repository.assert_nothing_started();
}

#[test]
fn a_commit_in_the_instant_in_which_a_runner_ends_is_not_lost() {
    let repository = TestRepository::with_hooks();
    for number in 0..6 {
        let task = format!("task-{number}");
        repository.add_approved(&task, &["result ok"]);
        // The record of the one before has just been written, so its runner is about to end.
        repository.commit_all("Task");
        wait_for_end(&repository, &task);
    }
    repository.assert_no_process_left();
    assert_eq!(repository.fake_starts().len(), 6);
}

#[test]
fn commits_in_one_instant_have_one_runner_at_a_time_and_both_tasks_run() {
    let repository = TestRepository::with_hooks();
    repository.add_approved("first", &["result ok"]);
    repository.add_approved("second", &["result ok"]);
    let mut children = Vec::new();
    for (index, task) in [("one", "first"), ("two", "second")] {
        let index = repository.root().join("tmp").join(index);
        let mut shell = repository.program("sh");
        let script = format!(
            "git read-tree HEAD && git add .claudedo/tasks/{task}.yaml && until git commit --quiet --message={task}; do :; done"
        );
        shell.args(["-c", &script]).env("GIT_INDEX_FILE", index);
        children.push(shell.spawn().unwrap());
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    wait_for_end(&repository, "first");
    wait_for_end(&repository, "second");
    repository.assert_no_process_left();
    assert_eq!(repository.fake_starts().len(), 2);
    repository.assert_sound();
}

#[test]
fn the_next_commit_goes_on_with_what_a_killed_runner_left() {
    let repository = TestRepository::with_hooks();
    repository.add_approved("left", &[&repository.wait_step("go"), "result ok"]);
    assert_eq!(repository.commit_all("Left"), STARTS);
    repository.wait_for_start(1);
    repository.kill_all();
    assert_eq!(repository.history("left"), "claimed");
    repository.release("go");
    repository.add_approved("next", &["result ok"]);
    assert_eq!(repository.commit_all("Next"), STARTS);
    let history = eventually("what was left ends", || {
        let history = repository.history("left");
        history.contains("finished").then_some(history)
    });
    assert_eq!(history.matches("finished").count(), 1, "{history}");
    wait_for_end(&repository, "next");
    repository.assert_no_process_left();
    repository.assert_sound();
}

#[test]
fn what_an_agent_commits_fires_nothing_also_with_an_empty_environment() {
    assert_fires_nothing(
        "sh git add --all && env -i PATH=\"$PATH\" git -c user.name=Agent -c user.email=a@example.com commit --quiet --message=Own",
    );
}
