//! What a run looks like when nothing goes wrong, or nothing that the CLI calls wrong.

use std::fs;

use serde_json::json;

use crate::claude::Claude;
use crate::messages_api::{Credentials, INPUT_TOKENS, OUTPUT_TOKENS};

/// A schema that the default value of the scenario `structured` fits.
const SCHEMA: &str = r#"{"type":"object","properties":{"name":{"type":"string"},"n":{"type":"integer"}},"required":["name","n"]}"#;

#[test]
fn an_answer_in_words_ends_with_exit_code_0_and_a_result() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: say hello\n@stub text", &[]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let result = ended.result();
    assert_eq!(result["subtype"], "success");
    assert_eq!(result["is_error"], false);
    assert_eq!(result["terminal_reason"], "completed");
    assert_eq!(result["result"], "Hello from the stub.");
    assert_eq!(result["num_turns"], 1);
    assert_eq!(result["usage"]["input_tokens"], INPUT_TOKENS);
    assert_eq!(result["usage"]["output_tokens"], OUTPUT_TOKENS);
    assert_eq!(result["session_id"], ended.session());
    assert_eq!(ended.of_subtype("init").len(), 1);
    assert_eq!(ended.stderr, "");
}

#[test]
fn one_request_asks_for_one_answer_and_names_the_session() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: say hello\n@stub text", &[]);
    let [request] = &claude.api.requests()[..] else { panic!("{:#?}", claude.api.requests()) };
    assert_eq!(request.session.as_deref(), Some(ended.session()));
    assert_eq!(request.credentials, Credentials::ApiKey);
    assert_eq!(request.status, Some(200));
    assert_eq!(ended.of_subtype("init")[0]["model"], *request.model);
    assert!(request.tools.iter().any(|tool| tool == "Bash"), "{:?}", request.tools);
}

#[test]
fn the_session_id_can_be_chosen_beforehand() {
    let Some(claude) = Claude::prepare() else { return };
    let session = uuid::Uuid::new_v4().to_string();
    let ended = claude.run("Task: say hello\n@stub text", &["--session-id", &session]);
    assert_eq!(ended.session(), session);
    let again = claude.run("Task: say hello\n@stub text", &["--session-id", &session]);
    assert_eq!(again.code, Some(1));
    assert!(again.events.is_empty(), "{again:#?}");
    assert_eq!(again.stderr.trim(), format!("Error: Session ID {session} is already in use."));
}

#[test]
fn the_prompt_and_the_extra_system_prompt_arrive_word_for_word() {
    let Some(claude) = Claude::prepare() else { return };
    let prompt = "Task: naïve \"quotes\" & <tags>\n\n/help is no command here\n@stub echo";
    let instructions = claude.work().join("instructions.md");
    fs::write(&instructions, "Prefer small commits; ünïcode stays.").unwrap();
    let ended = claude.run(prompt, &["--append-system-prompt-file", instructions.to_str().unwrap()]);
    assert_eq!(ended.result()["result"], prompt);
    assert!(claude.api.requests()[0].system.contains("Prefer small commits; ünïcode stays."));
}

#[test]
fn a_slow_answer_is_whole() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: take your time\n@stub slow seconds=1", &[]);
    assert_eq!(ended.result()["result"], "One word after the other, and slowly so.");
}

#[test]
fn a_broken_stream_is_asked_for_again_in_one_piece() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: say hello\n@stub broken-stream", &[]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.result()["result"], "In one piece.");
}

#[test]
fn files_are_written_and_changed_when_edits_are_accepted() {
    let Some(claude) = Claude::prepare() else { return };
    let prompt = "Task: write, then change\n\
        @stub write path=a.txt content=\"hello world\\n\"\n\
        @stub edit path=a.txt old=world new=moon";
    let ended = claude.run(prompt, &["--permission-mode", "acceptEdits"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.result()["permission_denials"], json!([]));
    assert_eq!(fs::read_to_string(claude.work().join("a.txt")).unwrap(), "hello moon\n");
}

#[test]
fn a_denied_tool_is_a_success_that_lists_the_denial() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: write\n@stub write path=a.txt content=hi", &[]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.result()["subtype"], "success");
    assert_eq!(ended.result()["is_error"], false);
    assert_eq!(ended.result()["permission_denials"][0]["tool_name"], "Write");
    assert!(!claude.work().join("a.txt").exists());
}

#[test]
fn a_command_runs_in_the_working_directory_when_bash_is_allowed() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: run\n@stub bash cmd=\"pwd > where; exit 3\"", &["--allowedTools", "Bash"]);
    assert_eq!(ended.code, Some(0), "a failed command is the model's to handle: {ended:#?}");
    assert_eq!(
        fs::read_to_string(claude.work().join("where")).unwrap().trim(),
        claude.work().to_str().unwrap()
    );
}

#[test]
fn each_tool_call_in_a_row_is_a_turn_and_tokens_add_up() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: write\n@stub turns n=3", &["--permission-mode", "acceptEdits"]);
    assert_eq!(ended.result()["num_turns"], 4);
    assert_eq!(ended.result()["usage"]["input_tokens"], 4 * INPUT_TOKENS);
    assert_eq!(fs::read_to_string(claude.work().join("turn-3.txt")).unwrap(), "turn 3\n");
}

#[test]
fn tool_calls_of_one_answer_all_run() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: write\n@stub parallel n=3", &["--permission-mode", "acceptEdits"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(claude.api.requests().len(), 2);
    for n in 1..=3 {
        assert!(claude.work().join(format!("parallel-{n}.txt")).exists(), "{n}");
    }
}

#[test]
fn a_fitting_answer_comes_as_structured_output() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: answer\n@stub structured", &["--json-schema", SCHEMA]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.result()["structured_output"], json!({"name": "stub", "n": 1}));
    assert_eq!(ended.result()["subtype"], "success");
}

#[test]
fn an_answer_that_never_fits_the_schema_ends_with_exit_code_1() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: answer\n@stub structured-bad", &["--json-schema", SCHEMA]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert_eq!(ended.result()["subtype"], "error_max_structured_output_retries");
    assert_eq!(ended.result()["is_error"], true);
    assert_eq!(ended.result()["terminal_reason"], "structured_output_retry_exhausted");
    assert_eq!(ended.result()["errors"].as_array().unwrap().len(), 1);
}

/// The trap: exit code 0 and `success`, and only the missing key tells.
#[test]
fn words_in_place_of_structured_output_look_like_success() {
    let Some(claude) = Claude::prepare() else { return };
    let ended = claude.run("Task: answer\n@stub text-instead-of-structured", &["--json-schema", SCHEMA]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(ended.result()["subtype"], "success");
    assert_eq!(ended.result()["is_error"], false);
    assert_eq!(ended.result().get("structured_output"), None);
    assert_eq!(claude.api.requests().len(), 2);
}
