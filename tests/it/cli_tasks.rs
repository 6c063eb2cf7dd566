//! Tasks written, listed, shown, changed and removed.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;

use serde_json::Value;

use crate::cli_support::{add, claudedo_reading, editor, program, shown, snapshots};
use crate::support::{Answer, TestRepository};

#[test]
fn an_added_task_is_a_tidy_file_and_its_id_is_the_answer() {
    let repository = TestRepository::new();
    let answer = repository.claudedo(&[
        "add",
        "Fix",
        "the login",
        "--message=After SSO.",
        "--message=It must be tested: always.",
        "--subtask=Add a test",
        "--priority=-2",
        "--model=opus",
        "--system-prompt=Prefer small commits.",
        "--agent=.claudedo/agents/reviewer.md",
        "--max-turns=40",
        "--max-budget-usd=2.50",
        "--permission-mode=plan",
        "--base=main",
        "--timeout=90m",
        "--draft",
    ]);
    let id = answer.stdout.trim();
    let file = fs::read_to_string(repository.path().join(format!(".claudedo/tasks/{id}.yaml"))).unwrap();
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [0]
        fix-the-login-[ID]
        [stderr]
        Added [ROOT]/repository/.claudedo/tasks/fix-the-login-[ID].yaml
        ");
        insta::assert_snapshot!(file, @r#"
        title: Fix the login
        description: |
          After SSO.

          It must be tested: always.
        subtasks:
          - title: Add a test
        draft: true
        priority: -2
        base: main
        model: opus
        system_prompt: Prefer small commits.
        agent: ".claudedo/agents/reviewer.md"
        max_turns: 40
        max_budget_usd: 2.5
        permission_mode: plan
        timeout: 1h30m
        "#);
    });
}

#[test]
fn a_task_can_be_piped_in() {
    let repository = TestRepository::new();
    let answer =
        claudedo_reading(&repository, "Fix it\n\n# Why\nIt is broken.\n", &["add", "-", "--id", "a"]);
    assert_eq!(answer.stdout, "a\n");
    let answer =
        claudedo_reading(&repository, "Only the rest.\n", &["add", "A title", "-F", "-", "--id", "b"]);
    assert_eq!(answer.stdout, "b\n");
    let file = |id| fs::read_to_string(repository.path().join(format!(".claudedo/tasks/{id}.yaml"))).unwrap();
    insta::assert_snapshot!(file("a"), @r"
    title: Fix it
    description: |
      # Why
      It is broken.
    ");
    insta::assert_snapshot!(file("b"), @r"
    title: A title
    description: |
      Only the rest.
    ");
}

#[test]
fn a_task_written_in_an_editor_keeps_its_headings() {
    let repository = TestRepository::new();
    let editor = editor(
        &repository,
        r#"{ printf 'New title\n\n# Why\nBecause.\n'; cat "$1"; } > "$1.new" && mv "$1.new" "$1""#,
    );
    let mut command = program(&repository);
    command.env("GIT_EDITOR", &editor).args(["add", "--edit", "--id", "a"]);
    let answer = Answer::from(command.output().unwrap());
    let file = fs::read_to_string(repository.path().join(".claudedo/tasks/a.yaml")).unwrap();
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [0]
        a
        [stderr]
        Added [ROOT]/repository/.claudedo/tasks/a.yaml
        ");
        insta::assert_snapshot!(file, @r"
        title: New title
        description: |
          # Why
          Because.
        ");
    });
    let mut command = program(&repository);
    command.env("GIT_EDITOR", "true").args(["add", "--edit", "--id", "b"]);
    let answer = Answer::from(command.output().unwrap());
    assert_eq!(
        (answer.status, answer.stderr.as_str()),
        (1, "error: The text is empty; nothing was added.\n")
    );
}

#[test]
fn a_taken_id_is_refused_and_the_task_stays() {
    let repository = TestRepository::new();
    add(&repository, "mine", "Mine", "First.");
    let before = fs::read(repository.path().join(".claudedo/tasks/mine.yaml")).unwrap();
    let answer = repository.claudedo(&["add", "--id=mine", "Other"]);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [128]
        [stderr]
        error: There is a task mine already.
        hint: Choose another --id.
        ");
    });
    assert_eq!(fs::read(repository.path().join(".claudedo/tasks/mine.yaml")).unwrap(), before);
}

#[test]
fn what_cannot_be_a_task_is_refused_before_anything_is_written() {
    let repository = TestRepository::new();
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&repository.claudedo(&["add", "x", "--base", "nope"])), @r#"
        [128]
        [stderr]
        error: failed to find the commit "nope"
          because: couldn't parse revision, input="nope": Reference "nope" could not be found: The ref partially named "nope" could not be found
        "#);
        insta::assert_snapshot!(shown(&repository.claudedo(&["add", "x", "--after", "nope"])), @r#"
        [128]
        [stderr]
        error: failed to find task "nope": there is no such task; `git claudedo list` shows them
        "#);
        insta::assert_snapshot!(shown(&repository.claudedo(&["add", "a\tb"])), @r"
        [129]
        [stderr]
        error: The title has more than one line or a tab.
        ");
    });
    assert!(!repository.path().join(".claudedo").exists());
}

#[test]
fn a_list_that_does_not_exist_yet_is_a_warning() {
    let repository = TestRepository::new();
    let answer = repository.claudedo(&["add", "x", "--list", "backend", "--id", "x"]);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [0]
        x
        [stderr]
        warning: There is no list backend yet; the task fails unless there is one.
        hint: Write its defaults into [ROOT]/repository/.claudedo/lists/backend.yaml
        Added [ROOT]/repository/.claudedo/tasks/x.yaml
        ");
    });
}

#[test]
fn the_list_counts_tasks_and_nothing_else() {
    let repository = TestRepository::new();
    add(&repository, "first", "Do the first thing", "");
    add(&repository, "second", "日本語のタイトル", "");
    repository.claudedo(&["add", "--id=third", "--draft", "Later"]);
    repository.claudedo(&["add", "--id=fourth", "--after=third", "--list=backend", "After the third"]);
    let sorted = |answer: &Answer| {
        let mut lines: Vec<&str> = answer.stdout.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(sorted(&repository.claudedo(&["list"])), @r"
        first   queued   Do the first thing  -  -  [DURATION]
        fourth  waiting  After the third     -  -  [DURATION]
        second  queued   日本語のタイトル    -  -  [DURATION]
        third   draft    Later               -  -  [DURATION]
        ");
        insta::assert_snapshot!(sorted(&repository.claudedo(&["ls", "--state", "draft"])), @"third  draft  Later  -  -  [DURATION]");
        insta::assert_snapshot!(sorted(&repository.claudedo(&["list", "--list", "backend"])), @"fourth  waiting  After the third  -  -  [DURATION]");
    });
    assert_eq!(repository.claudedo(&["list", "--state=failed"]).stdout, "");
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_keeps_no_other_from_the_list() {
    let repository = TestRepository::new();
    add(&repository, "good", "Fine", "");
    repository.write(".claudedo/tasks/bad.yaml", "title: Broken\nmodle: opus\n");
    repository.write(".claudedo/tasks/No Task.yaml", "title: x\n");
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&repository.claudedo(&["list"])), @r#"
        [0]
        good  queued   Fine  -  -  [DURATION]
        bad   invalid        -  -   -
        [stderr]
        warning: failed to read [ROOT]/repository/.claudedo/tasks/No Task.yaml: the file's name is no task id: only lowercase letters, digits and hyphens are allowed
          fix: rename the file to <id>.yaml, the id of lowercase letters, digits and hyphens
        warning: failed to read [ROOT]/repository/.claudedo/tasks/bad.yaml:2:1: unknown key "modle"
          2 | modle: opus
            | ^
          fix: did you mean `model`?
        "#);
        insta::assert_snapshot!(shown(&repository.claudedo(&["show", "bad"])), @r#"
        [0]
        bad

        state  invalid: Its file cannot be read.
        file   [ROOT]/repository/.claudedo/tasks/bad.yaml
        next   git claudedo edit bad

        File cannot be used
          read [ROOT]/repository/.claudedo/tasks/bad.yaml:2:1: unknown key "modle"
            2 | modle: opus
              | ^
            fix: did you mean `model`?
        [stderr]
        "#);
        insta::assert_snapshot!(shown(&repository.claudedo(&["run", "bad"])), @r"
        [1]
        [stderr]
        warning: Task bad is invalid. Its file cannot be read.
        hint: Next: git claudedo edit bad
        ");
    });
    let listed: Value = serde_json::from_str(&repository.claudedo(&["list", "--json"]).stdout).unwrap();
    let states: Vec<&str> =
        listed.as_array().unwrap().iter().map(|task| task["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["queued", "invalid", "invalid"]);
}

#[test]
fn the_answers_in_json_have_their_shape() {
    let repository = TestRepository::new();
    add(&repository, "fix-it", "Fix it", "Now.");
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(pretty(&repository.claudedo(&["list", "--json"])), @r#"
        [
          {
            "cost_usd": null,
            "id": "fix-[ID]",
            "invalid": null,
            "last_run": null,
            "list": null,
            "runs": 0,
            "standing": {
              "run_kind": "first",
              "state": "queued"
            },
            "state": "queued",
            "title": "Fix it"
          }
        ]
        "#);
        insta::assert_snapshot!(pretty(&repository.claudedo(&["show", "fix", "--json"])), @r#"
        {
          "all_runs": [],
          "cost_usd": null,
          "error": null,
          "file": {
            "description": "Now.\n",
            "priority": 0,
            "settings": {},
            "title": "Fix it"
          },
          "id": "fix-[ID]",
          "invalid": null,
          "last_run": null,
          "list": null,
          "newest_snapshot": null,
          "next": "git claudedo run",
          "path": "[ROOT]/repository/.claudedo/tasks/fix-[ID].yaml",
          "record": null,
          "result": null,
          "runs": 0,
          "standing": {
            "run_kind": "first",
            "state": "queued"
          },
          "state": "queued",
          "title": "Fix it"
        }
        "#);
        insta::assert_snapshot!(pretty(&repository.claudedo(&["add", "--json", "--id=other", "Other"])), @r#"
        {
          "id": "other",
          "path": "[ROOT]/repository/.claudedo/tasks/other.yaml"
        }
        "#);
    });
}

#[test]
fn a_task_is_named_by_any_unique_part() {
    let repository = TestRepository::new();
    add(&repository, "fix-login-7k3f", "Fix the login", "After SSO.\n\n- one\n- two");
    add(&repository, "fix-logout-2m9c", "Fix the logout", "");
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&repository.claudedo(&["show", "login"])), @r"
        [0]
        fix-login-[ID]  Fix the login

        state  queued: Runs when a slot is free.
        file   [ROOT]/repository/.claudedo/tasks/fix-login-[ID].yaml
        next   git claudedo run

        Description
          After SSO.

          - one
          - two
        [stderr]
        ");
        insta::assert_snapshot!(shown(&repository.claudedo(&["show", "fix-"])), @r#"
        [128]
        [stderr]
        error: failed to find task "fix-": it fits 2 tasks: fix-login-[ID], fix-logout-[ID]
        "#);
        insta::assert_snapshot!(shown(&repository.claudedo(&["show", "fix-logni"])), @r#"
        [128]
        [stderr]
        error: failed to find task "fix-logni": there is no such task; did you mean fix-login-[ID]
        "#);
    });
}

#[test]
fn an_edit_replaces_the_file_only_by_a_task() {
    let repository = TestRepository::new();
    add(&repository, "mine", "Mine", "");
    let path = repository.path().join(".claudedo/tasks/mine.yaml");
    let edit = |script: &str| {
        let mut command = program(&repository);
        command.env("GIT_EDITOR", editor(&repository, script)).args(["edit", "mine"]);
        Answer::from(command.output().unwrap())
    };
    let good = edit(r#"printf 'title: Ours\npriority: 3\n' > "$1""#);
    let after_good = fs::read_to_string(&path).unwrap();
    let bad = edit(r#"printf 'title: Ours\npriority: high\n' > "$1""#);
    let same = edit(":");
    let refused = edit("exit 3");
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&good), @r"
        [0]
        [stderr]
        Changed [ROOT]/repository/.claudedo/tasks/mine.yaml
        ");
        insta::assert_snapshot!(shown(&bad), @r#"
        [128]
        [stderr]
        error: failed to read [ROOT]/repository/.claudedo/tasks/mine.yaml:2:11: priority: "high" is not a whole number from -2147483648 to 2147483647
          2 | priority: high
            |           ^
          fix: write a whole number from -2147483648 to 2147483647
        hint: The task is as it was. The edit is kept in [ROOT]/repository/.git/claudedo/edit/mine.yaml
        hint: To use it once it is mended: git claudedo edit mine --file [ROOT]/repository/.git/claudedo/edit/mine.yaml
        "#);
        insta::assert_snapshot!(shown(&same), @r"
        [0]
        [stderr]
        Nothing was changed in [ROOT]/repository/.claudedo/tasks/mine.yaml
        ");
        insta::assert_snapshot!(shown(&refused), @r"
        [128]
        [stderr]
        error: The editor sh [ROOT]/editor ended with an error (exit status: 3); nothing was changed.
        hint: What it wrote is kept in [ROOT]/repository/.git/claudedo/edit/mine.yaml
        ");
    });
    assert_eq!(after_good, "title: Ours\npriority: 3\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), after_good);
}

#[test]
fn a_bad_edit_is_kept_and_can_be_mended() {
    let repository = TestRepository::new();
    add(&repository, "mine", "Mine", "");
    let answer = claudedo_reading(&repository, "titel: x\n", &["edit", "mine", "--file", "-"]);
    assert_eq!(answer.status, 128);
    let kept = repository.path().join(".git/claudedo/edit/mine.yaml");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "titel: x\n");
    fs::write(&kept, "title: x\n").unwrap();
    let answer = repository.claudedo(&["edit", "mine", "--file", kept.to_str().unwrap()]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    assert_eq!(
        fs::read_to_string(repository.path().join(".claudedo/tasks/mine.yaml")).unwrap(),
        "title: x\n"
    );
    assert!(!kept.exists());
}

#[test]
fn an_edit_never_overwrites_what_somebody_else_wrote_meanwhile() {
    let repository = TestRepository::new();
    add(&repository, "mine", "Mine", "");
    let path = repository.path().join(".claudedo/tasks/mine.yaml");
    let script =
        format!("printf 'title: theirs\\n' > '{}'; printf 'title: ours\\n' > \"$1\"", path.display());
    let mut command = program(&repository);
    command.env("GIT_EDITOR", editor(&repository, &script)).args(["edit", "mine"]);
    let answer = Answer::from(command.output().unwrap());
    assert_eq!(answer.status, 128);
    assert_eq!(fs::read_to_string(&path).unwrap(), "title: theirs\n");
    assert_eq!(
        fs::read_to_string(repository.path().join(".git/claudedo/edit/mine.yaml")).unwrap(),
        "title: ours\n"
    );
}

#[test]
fn removing_takes_the_file_and_nothing_else() {
    let repository = TestRepository::new();
    add(&repository, "mine", "Mine", "");
    add(&repository, "other", "Other", "");
    let answer = repository.claudedo(&["rm", "mine", "nope"]);
    assert_eq!(answer.status, 128, "all are found before any is removed");
    assert!(repository.path().join(".claudedo/tasks/mine.yaml").exists());
    let answer = repository.claudedo(&["rm", "mine"]);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [0]
        [stderr]
        Removed mine
        ");
    });
    assert!(!repository.path().join(".claudedo/tasks/mine.yaml").exists());
    assert!(repository.path().join(".claudedo/tasks/other.yaml").exists());
}

fn pretty(answer: &Answer) -> String {
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    let value: Value = serde_json::from_str(&answer.stdout).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}
