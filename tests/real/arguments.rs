//! What the CLI makes of its arguments, its environment and its folder.

use std::fs;

use crate::claude::Claude;
use crate::repository::RealRepository;

/// The trap: exit code 0 and `success`, and only `num_turns` tells that the model was never asked.
#[test]
fn a_prompt_that_starts_with_a_slash_never_reaches_the_model() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("/help\n@stub text", &[]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.result()["subtype"], "success");
    assert_eq!(ended.result()["is_error"], false);
    assert_eq!(ended.result()["num_turns"], 0);
    assert!(claude.api.requests().is_empty());
}

/// The trap: no permission is asked, whatever file it is. A variable turns it off.
#[test]
fn a_path_after_an_at_sign_is_read_into_the_conversation_unless_told_otherwise() {
    let Some(claude) = Claude::prepare() else { return };
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), "a secret of this machine\n").unwrap();
    let prompt = format!("Task: look\n@{}\n@stub text", outside.path().display());
    claude.run(&prompt, &[]);
    let claude = claude.variable("CLAUDE_CODE_DISABLE_ATTACHMENTS", "1");
    claude.run(&prompt, &[]);
    let read =
        claude.api.requests().iter().map(|seen| seen.conversation.contains("a secret")).collect::<Vec<_>>();
    assert_eq!(read, [true, false]);
}

#[test]
fn an_empty_prompt_is_told_on_standard_error_alone() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run(" \n", &[]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.events.is_empty(), "{ended:#?}");
    assert_ne!(ended.stderr, "");
}

#[test]
fn the_budget_ends_a_run() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run(
        "Task: write\n@stub turns n=3",
        &["--permission-mode", "acceptEdits", "--max-budget-usd", "0.0001"],
    );
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_eq!(ended.result()["subtype"], "error_max_budget_usd");
    assert_eq!(ended.result()["terminal_reason"], "budget_exhausted");
    assert_eq!(claude.api.requests().len(), 1);
}

#[test]
fn the_model_is_the_one_asked_for() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: say hello\n@stub text", &["--model", "claude-haiku-4-5"]);
    assert_eq!(ended.of_subtype("init")[0]["model"], "claude-haiku-4-5");
    assert_eq!(claude.api.requests()[0].model, "claude-haiku-4-5");
}

/// How leftover processes are found: by a variable that all of them inherit.
#[test]
fn the_environment_reaches_the_commands() {
    let Some(claude) = Claude::prepare() else { return };
    let claude = claude.variable("A_MARKER", "of this test");
    claude.run("Task: run\n@stub bash cmd=\"echo $A_MARKER > marker\"", &["--allowedTools", "Bash"]);
    assert_eq!(fs::read_to_string(claude.work().join("marker")).unwrap(), "of this test\n");
}

#[test]
fn root_may_bypass_permissions_only_in_a_sandbox() {
    let Some(claude) = Claude::prepare() else { return };
    let prompt = "Task: write\n@stub write path=a.txt content=hi";
    let bypass = ["--permission-mode", "bypassPermissions"];
    if rustix::process::geteuid().is_root() {
        let refused = claude.run(prompt, &bypass);
        assert_eq!(refused.code, Some(1), "{refused:#?}");
        assert!(refused.events.is_empty(), "{refused:#?}");
    }
    let claude = claude.variable("IS_SANDBOX", "1");
    let ended = claude.run(prompt, &bypass);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(claude.work().join("a.txt").exists());
}

#[test]
fn the_cli_itself_leaves_nothing_in_the_repository() {
    let Some(repository) = RealRepository::prepare() else { return };
    let before = repository.git(&["for-each-ref"]);
    repository.claude.run("Task: say hello\n@stub text", &[]);
    assert_eq!(repository.git(&["status", "--porcelain", "--ignored"]), "");
    assert_eq!(repository.git(&["for-each-ref"]), before);
    assert_eq!(repository.git(&["worktree", "list", "--porcelain"]).matches("worktree ").count(), 1);
}
