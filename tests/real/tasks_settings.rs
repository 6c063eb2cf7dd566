//! What reaches the agent: prompt, instructions, agent file and model, and what of the repository does not.

use std::path::PathBuf;

use serde_json::json;

use crate::repository::RealRepository;

#[test]
fn a_prompt_that_begins_with_a_slash_reaches_the_model() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.answer(&["add", "--id", "slash", "/clear the cache"]);
    repository.run();
    let [request] = &repository.claude.api.requests()[..] else { panic!("not one request") };
    assert_eq!(request.last_user_text, "Task: /clear the cache");
    assert_eq!(repository.task("slash").record(1)["result"], "Done.");
}

#[test]
fn a_follow_up_that_begins_with_a_slash_reaches_the_model() {
    let Some(repository) = RealRepository::prepare() else { return };
    let task = repository.add("slash", "@stub text");
    repository.run();
    task.continue_with("/compact");
    repository.run();
    let last = repository.claude.api.requests().pop().unwrap();
    assert_eq!(last.last_user_text, "Follow-up: /compact");
}

#[test]
fn instructions_agent_file_and_model_of_a_task_reach_the_model() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.commit_file(
        ".claudedo/agents/reviewer.md",
        "---\nname: reviewer\ndescription: Reviews\n---\nSpeak like a reviewer of ships.\n",
    );
    repository.set("systemPrompt", "Prefer small commits, says the user.");
    let reviewer = repository.add_with(
        "reviewer",
        "@stub text",
        &[
            "--agent",
            ".claudedo/agents/reviewer.md",
            "--system-prompt",
            "Mind the harbour, says the task.",
            "--model",
            "claude-for-ships",
        ],
    );
    let plain = repository.add_with("plain", "@stub text", &["--model", "claude-for-trains"]);
    repository.run();
    let requests = repository.claude.api.requests();
    let of = |model: &str| requests.iter().find(|request| request.model == model).unwrap();
    let system = &of("claude-for-ships").system;
    for text in [
        "Speak like a reviewer of ships.",
        "Prefer small commits, says the user.\n\nMind the harbour, says the task.",
    ] {
        assert!(system.contains(text), "no {text:?} in {system}");
    }
    assert!(!of("claude-for-trains").system.contains("ships"), "{}", of("claude-for-trains").system);
    assert_eq!(reviewer.record(1)["agent"]["model"], "claude-for-ships");
    assert_eq!(plain.record(1)["agent"]["model"], "claude-for-trains");
}

#[test]
fn settings_hooks_and_servers_of_the_repository_do_not_run() {
    let Some(repository) = RealRepository::prepare() else { return };
    let markers = add_project_settings(&repository);
    let task = repository.add("guarded", "@stub write path=a.txt content=hi");
    repository.run();
    for marker in &markers {
        assert!(!marker.exists(), "{} ran", marker.display());
    }
    for request in repository.claude.api.requests() {
        assert_ne!(request.model, "claude-of-the-project");
    }
    assert_eq!(task.outcomes(), ["done"]);
}

#[test]
fn settings_hooks_and_servers_of_the_repository_run_for_a_user_who_wants_them() {
    let Some(repository) = RealRepository::prepare() else { return };
    let markers = add_project_settings(&repository);
    repository.set("projectSettings", "true");
    let task = repository.add("trusting", "@stub write path=a.txt content=hi");
    repository.run();
    for marker in &markers {
        assert!(marker.exists(), "{} did not run", marker.display());
    }
    assert_eq!(repository.claude.api.requests()[0].model, "claude-of-the-project");
    assert_eq!(task.outcomes(), ["done"]);
}

/// Commits settings that leave a trace wherever the CLI heeds them, and returns where.
fn add_project_settings(repository: &RealRepository) -> [PathBuf; 3] {
    let markers = ["session-hook", "tool-hook", "server"].map(|name| repository.claude.folder().join(name));
    let touch = |marker: &PathBuf| format!("touch {}", marker.display());
    let hook = |command: String| json!([{"hooks": [{"type": "command", "command": command}]}]);
    let settings = json!({
        "env": {"ANTHROPIC_MODEL": "claude-of-the-project"},
        "enableAllProjectMcpServers": true,
        "hooks": {"SessionStart": hook(touch(&markers[0])), "PostToolUse": hook(touch(&markers[1]))},
    });
    repository.commit_file(".claude/settings.json", &settings.to_string());
    let servers = json!({"mcpServers": {"marker": {"command": "sh", "args": ["-c", touch(&markers[2])]}}});
    repository.commit_file(".mcp.json", &servers.to_string());
    markers
}
