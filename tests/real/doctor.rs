//! What `git claudedo doctor` says of the real CLI: found, known, logged in or not.

use serde_json::Value;

use crate::claude::{Claude, Login};
use crate::repository::RealRepository;

/// Returns the exit code of the doctor and the marks of what it says of the agent.
fn marks(repository: &RealRepository) -> (Option<i32>, String) {
    let output = repository.claudedo(&["doctor", "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = answer["findings"].as_array().unwrap();
    let of_agent = findings.iter().filter(|finding| finding["group"] == "agent");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told: Vec<String> = of_agent
        .map(|finding| {
            format!("{} {}: {}", text(&finding["check"]), text(&finding["mark"]), text(&finding["what"]))
        })
        .collect();
    (output.status.code(), told.join("\n"))
}

#[test]
fn a_claude_without_login_is_found_out_before_any_task_fails() {
    let Some(claude) = Claude::prepare() else { return };
    let program = claude.program().display().to_string();
    let repository = RealRepository::with(claude.login(Login::None));
    let (status, told) = marks(&repository);
    let version = "agent ok: Claude Code 2.1.330, at ".to_owned() + &program;
    assert_eq!((status, told), (Some(1), format!("{version}\nlogin problem: Claude Code is not logged in.")));
    assert!(repository.claude.api.requests().is_empty(), "the question needs no network");
}

#[test]
fn a_login_by_key_or_token_is_known() {
    for (login, method) in
        [(Login::ApiKey, "api_key from ANTHROPIC_API_KEY"), (Login::Subscription, "oauth_token")]
    {
        let Some(claude) = Claude::prepare() else { return };
        let repository = RealRepository::with(claude.login(login));
        let (_, told) = marks(&repository);
        let expected = format!("\nlogin ok: Claude Code is logged in ({method}).");
        assert!(told.ends_with(&expected), "{told}");
        assert!(repository.claude.api.requests().is_empty(), "the question needs no network");
    }
}
