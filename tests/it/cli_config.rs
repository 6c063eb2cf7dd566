//! Settings shown with their origins, the file that `init` writes, and completions.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;

use serde_json::Value;

use crate::cli_support::{shown, snapshots};
use crate::support::{Answer, TestRepository};

#[test]
fn a_setting_is_shown_with_who_said_so() {
    let repository = TestRepository::new();
    repository.git(&["config", "--global", "claudedo.model", "opus"]);
    repository.git(&["config", "--global", "claudedo.slots", "7"]);
    repository.git(&["config", "claudedo.sluts", "7"]);
    repository.write(".claudedo/config.yaml", "slots: 3\n");
    let row = |key| shown(&repository.claudedo(&["config", "--show-origin", key]));
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(row("slots"), @r"
        [0]
        slots  3  [ROOT]/repository/.claudedo/config.yaml
        [stderr]
        warning: git config claudedo.sluts (local file:[ROOT]/repository/.git/config) is not a setting; did you mean claudedo.slots?
        ");
        insta::assert_snapshot!(row("claudedo.model"), @r"
        [0]
        model  opus  global file:[ROOT]/gitconfig
        [stderr]
        warning: git config claudedo.sluts (local file:[ROOT]/repository/.git/config) is not a setting; did you mean claudedo.slots?
        ");
        insta::assert_snapshot!(row("retries"), @r"
        [0]
        retries  1  built in
        [stderr]
        warning: git config claudedo.sluts (local file:[ROOT]/repository/.git/config) is not a setting; did you mean claudedo.slots?
        ");
    });
    assert_eq!(repository.claudedo(&["config", "slots"]).stdout, "3\n");
    assert_eq!(repository.claudedo(&["config", "max_turns"]).status, 1);
    let all: Value = serde_json::from_str(&repository.claudedo(&["config", "--json"]).stdout).unwrap();
    assert!(all.as_array().unwrap().iter().any(|row| row["git_key"] == "claudedo.maxTurns"));
}

#[test]
fn init_writes_a_file_that_sets_nothing_and_never_writes_it_twice() {
    let repository = TestRepository::new();
    let before = repository.claudedo(&["config", "--json"]).stdout;
    let first = repository.claudedo(&["init"]);
    assert_eq!(repository.claudedo(&["config", "--json"]).stdout, before);
    let path = repository.path().join(".claudedo/config.yaml");
    fs::write(&path, "slots: 5\n").unwrap();
    let second = repository.claudedo(&["init"]);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&first), @r#"
        [0]
        [stderr]
        Wrote [ROOT]/repository/.claudedo/config.yaml
        hint: To add a task: git claudedo add "Fix the login redirect"
        hint: To run tasks as they come: git claudedo watch, or git claudedo hooks install
        "#);
        insta::assert_snapshot!(shown(&second), @r#"
        [0]
        [stderr]
        Left as it is: [ROOT]/repository/.claudedo/config.yaml
        hint: To add a task: git claudedo add "Fix the login redirect"
        hint: To run tasks as they come: git claudedo watch, or git claudedo hooks install
        "#);
    });
    assert_eq!(fs::read_to_string(&path).unwrap(), "slots: 5\n");
}

#[test]
fn the_completion_of_bash_works_behind_git_too() {
    let repository = TestRepository::new();
    for shell in ["bash", "zsh", "fish"] {
        let answer = repository.claudedo(&["completions", shell]);
        assert!(answer.status == 0 && answer.stdout.contains("claudedo"), "{shell}");
    }
    let script = repository.root().join("completion.bash");
    fs::write(&script, repository.claudedo(&["completions", "bash"]).stdout).unwrap();
    let complete = |words: &str, current: usize| {
        let text = format!(
            "source '{}'; COMP_WORDS=({words}); COMP_CWORD={current}; _git_claudedo; echo \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        Answer::from(repository.program("bash").args(["--norc", "-c", &text]).output().unwrap()).stdout
    };
    assert_eq!(complete("git claudedo can", 2), "cancel\n");
    assert_eq!(complete("git -C . claudedo list --st", 5), "--state\n");
}
