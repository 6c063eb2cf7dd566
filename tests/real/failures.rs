//! How the CLI ends when the API, the account or the limits stand in the way. All of it says
//! `subtype: "success"` unless a limit of ours was hit; only `is_error` tells.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::claude::{Claude, Login};
use crate::messages_api::Credentials;
use crate::running::Ended;

#[test]
fn a_bad_request_fails_at_once() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: fail\n@stub error status=400", &[]);
    assert_api_error(&ended, Some(400));
    assert_eq!(ended.result()["api_error_type"], "invalid_request_error");
    assert!(ended.of_subtype("api_retry").is_empty(), "{ended:#?}");
}

#[test]
fn an_unknown_scenario_is_named_in_the_failure() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: fail\n@stub no-such-thing", &[]);
    assert_api_error(&ended, Some(400));
    let text = ended.result()["result"].as_str().unwrap();
    assert!(text.contains("unknown scenario \"no-such-thing\""), "{text}");
}

#[test]
fn a_server_error_is_tried_again_as_often_as_told() {
    let Some(claude) = Claude::prepare() else { return };
    let claude = claude.variable("CLAUDE_CODE_MAX_RETRIES", "1");
    let ended = claude.run("Task: fail\n@stub error status=500", &[]);
    assert_api_error(&ended, Some(500));
    assert_eq!(ended.result()["api_error_type"], "api_error");
    let [retry] = ended.of_subtype("api_retry")[..] else { panic!("{ended:#?}") };
    assert_eq!(retry["error_status"], 500);
    assert_eq!(retry["max_retries"], 1);
}

#[test]
fn an_overloaded_server_is_tried_again_as_often_as_told() {
    let Some(claude) = Claude::prepare() else { return };
    let claude = claude.variable("CLAUDE_CODE_MAX_RETRIES", "1");
    let ended = claude.run("Task: fail\n@stub error status=529", &[]);
    assert_api_error(&ended, Some(529));
    assert_eq!(ended.of_subtype("api_retry")[0]["error"], "overloaded");
}

#[test]
fn a_passing_server_error_leaves_only_a_trace() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: go on\n@stub error status=500 times=1\n@stub text text=Recovered.", &[]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.result()["is_error"], false);
    assert_eq!(ended.result()["result"], "Recovered.");
    assert_eq!(ended.of_subtype("api_retry").len(), 1);
}

#[test]
fn a_long_wait_is_not_waited_for() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: fail\n@stub error status=429 retry-after=3600", &[]);
    assert_api_error(&ended, Some(429));
    assert_eq!(ended.result().get("api_error"), None);
    assert_eq!(claude.api.requests().len(), 1);
}

#[test]
fn a_used_up_subscription_says_when_it_is_open_again() {
    let Some(claude) = Claude::prepare() else { return };
    let claude = claude.login(Login::Subscription);
    let until = unix_seconds() + 3600;
    let ended = claude.run(&format!("Task: wait\n@stub usage-limit until={until}"), &[]);
    assert_api_error(&ended, Some(429));
    assert_eq!(ended.result()["api_error"], "usage_limit_reached");
    let [limit] = ended.of_type("rate_limit_event")[..] else { panic!("{ended:#?}") };
    assert_eq!(limit["rate_limit_info"]["status"], "rejected");
    assert_eq!(limit["rate_limit_info"]["resetsAt"], until);
    assert_eq!(limit["rate_limit_info"]["rateLimitType"], "five_hour");
    assert_eq!(claude.api.requests()[0].credentials, Credentials::Bearer);
}

#[test]
fn a_used_up_subscription_goes_on_in_the_same_session_after_the_reset() {
    let Some(claude) = Claude::prepare() else { return };
    let claude = claude.login(Login::Subscription);
    let until = unix_seconds() + 3;
    let limited = claude.run(&format!("Task: wait\n@stub usage-limit until={until}"), &[]);
    assert_eq!(limited.result()["api_error"], "usage_limit_reached");
    // The reset is the event waited for; only the clock brings it about.
    std::thread::sleep(std::time::Duration::from_secs((until + 1).saturating_sub(unix_seconds())));
    let ended = claude.run("Go on.", &["--resume", limited.session()]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.session(), limited.session());
}

#[test]
fn a_failed_run_goes_on_in_the_same_session() {
    let Some(claude) = Claude::prepare() else { return };
    let failed = claude.run("Task: write\n@stub fail-once\n@stub write path=a.txt content=hi", &[]);
    assert_api_error(&failed, Some(400));
    let ended = claude.run("Try again.", &["--resume", failed.session(), "--permission-mode", "acceptEdits"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.session(), failed.session());
    assert!(claude.work().join("a.txt").exists());
    assert_eq!(claude.api.requests().last().unwrap().last_user_text, "Try again.");
}

#[test]
fn a_refusal_is_a_failure_without_a_status() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: no\n@stub refusal", &[]);
    assert_api_error(&ended, None);
    assert_eq!(ended.result()["stop_reason"], "refusal");
    assert_eq!(ended.of_subtype("model_refusal_no_fallback").len(), 1);
}

#[test]
fn an_answer_cut_off_four_times_is_a_failure() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: talk\n@stub max-tokens", &[]);
    assert_api_error(&ended, None);
    assert_eq!(ended.result()["api_error"], "max_output_tokens");
    assert_eq!(claude.api.requests().len(), 4);
}

#[test]
fn the_turn_limit_ends_a_run_that_can_go_on() {
    let Some(claude) = Claude::prepare() else { return };
    let edits = ["--permission-mode", "acceptEdits"];
    let limited = claude.run("Task: write\n@stub turns n=3", &[&edits[..], &["--max-turns", "2"]].concat());
    assert_eq!(limited.code, Some(1), "{limited:#?}");
    assert_eq!(limited.result()["subtype"], "error_max_turns");
    assert_eq!(limited.result()["terminal_reason"], "max_turns");
    assert_eq!(limited.result().get("result"), None);
    assert_eq!(limited.result()["errors"][0], "Reached maximum number of turns (2)");
    let ended = claude.run("Go on.", &[&edits[..], &["--resume", limited.session()]].concat());
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(claude.work().join("turn-3.txt").exists());
    assert_costs_are_of_the_whole_session(&limited, &ended);
}

#[test]
fn an_unknown_session_is_one_event_and_no_request() {
    let Some(claude) = Claude::prepare() else { return };
    let session = uuid::Uuid::new_v4().to_string();
    let ended = claude.run("Go on.", &["--resume", &session]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.events.len(), 1, "{ended:#?}");
    assert_eq!(ended.result()["subtype"], "error_during_execution");
    assert_eq!(ended.result()["num_turns"], 0);
    assert_eq!(ended.result()["errors"][0], format!("No conversation found with session ID: {session}"));
    assert!(claude.api.requests().is_empty());
}

#[test]
fn without_a_login_nothing_is_asked() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.login(Login::None).run("Task: say hello\n@stub text", &[]);
    assert_api_error(&ended, None);
    assert_eq!(ended.result()["result"], "Not logged in · Please run /login");
}

#[test]
fn an_api_out_of_reach_is_named_in_the_result() {
    let Some(claude) = Claude::prepare() else { return };
    // Port 1 of the loopback interface: nothing listens there.
    let claude =
        claude.variable("CLAUDE_CODE_MAX_RETRIES", "1").variable("ANTHROPIC_BASE_URL", "http://127.0.0.1:1");
    let ended = claude.run("Task: say hello\n@stub text", &[]);
    assert_api_error(&ended, None);
    assert_eq!(ended.result()["api_error"], "connection_failed");
}

#[test]
fn a_flag_that_does_not_exist_is_told_on_standard_error_alone() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: say hello\n@stub text", &["--no-such-flag"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.events.is_empty(), "{ended:#?}");
    assert_eq!(ended.stderr.trim(), "error: unknown option '--no-such-flag'");
}

fn assert_api_error(ended: &Ended, status: Option<u16>) {
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_eq!(ended.result()["subtype"], "success");
    assert_eq!(ended.result()["is_error"], true);
    assert_eq!(ended.result()["terminal_reason"], "api_error");
    assert_eq!(ended.result()["api_error_status"], serde_json::json!(status));
}

fn assert_costs_are_of_the_whole_session(first: &Ended, second: &Ended) {
    let cost = |ended: &Ended| ended.result()["total_cost_usd"].as_f64().unwrap();
    assert!(cost(second) > cost(first), "{} then {}", cost(first), cost(second));
    let turns = |ended: &Ended| ended.result()["num_turns"].as_u64().unwrap();
    assert!(turns(second) < turns(first) + turns(second), "turns are counted anew");
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
