//! Tasks whose first run fails: what is tried again, what the agent is told, and what the user sees.

use serde_json::json;

use crate::messages_api::SeenRequest;
use crate::repository::RealRepository;

#[test]
fn a_failed_run_is_tried_again_in_the_same_session_with_the_reason() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("apiRetryPause", "1ms");
    let repository = with_few_retries(repository);
    let task = repository.add("retry", "@stub fail-once status=500\n@stub write path=a.txt content=hi");
    repository.run();
    assert_eq!(task.outcomes(), ["failed api_unavailable", "done"]);
    let (first, second) = (task.record(1), task.record(2));
    assert_eq!((&second["kind"], &second["agent"]["resumed"]), (&"retry".into(), &"resumed".into()));
    assert_eq!(second["agent"]["session"], first["agent"]["session"]);
    let error = first["error"].as_str().unwrap();
    assert!(error.starts_with("API Error: 500"), "{error}");
    let told = format!("The previous attempt failed with: {error} Try again and fix the issues.");
    assert_eq!(second["prompt"], told.as_str());
    assert_eq!(answered(&repository)[0].last_user_text, told);
    assert_eq!(task.files(), ["README.md", "a.txt"]);
}

#[test]
fn an_overloaded_service_is_asked_again_after_the_pause() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("apiRetryPause", "2s");
    let repository = with_few_retries(repository);
    let task = repository.add("busy", "@stub fail-once status=529");
    repository.run();
    assert_eq!(task.outcomes(), ["failed api_unavailable", "done"]);
    let moment = |value: &serde_json::Value| {
        let text = value.as_str().unwrap();
        chrono::DateTime::parse_from_rfc3339(text).unwrap()
    };
    let pause = moment(&task.record(2)["started"]) - moment(&task.record(1)["finished"]);
    assert!(pause.num_milliseconds() >= 2000, "{pause}");
}

#[test]
fn a_service_that_stays_broken_fails_the_task_and_not_the_next_one() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("apiRetryPause", "1ms");
    let repository = with_few_retries(repository);
    let broken = repository.add_with("broken", "@stub error status=500", &["--priority", "1"]);
    let next = repository.add("next", "@stub text");
    assert_eq!(repository.run_with(&["--slots", "1"]), Some(1));
    assert_eq!(broken.outcomes(), ["failed api_unavailable", "failed api_unavailable"]);
    assert_eq!((broken.state().as_str(), next.state().as_str()), ("failed", "done"));
    let error = broken.shown()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("API Error: 500"), "{error}");
    assert!(broken.conversation().contains("retry 1 of 1"), "{}", broken.conversation());
}

#[test]
fn a_bad_request_is_not_tried_again() {
    let Some(repository) = RealRepository::prepare() else { return };
    let task = repository.add("refused", "@stub error status=400");
    assert_eq!(repository.run_with(&[]), Some(1));
    assert_eq!(task.outcomes(), ["failed api_refused"]);
}

#[test]
fn a_retry_that_a_person_asks_for_begins_a_new_session_on_the_branch_as_it_is() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("allowedTools", "Bash");
    let task = repository.add("again", "@stub bash cmd=\"echo once more >> a.txt\"");
    repository.run();
    repository.answer(&["retry", "again"]);
    repository.run();
    let (first, second) = (task.record(1), task.record(2));
    assert_eq!((&second["kind"], &second["agent"]["resumed"]), (&"retry".into(), &"fresh".into()));
    assert_ne!(second["agent"]["session"], first["agent"]["session"]);
    assert_eq!(second["prompt"], first["prompt"]);
    assert_eq!(task.file("a.txt"), "once more\nonce more");
    assert_eq!(repository.git(&["rev-list", "--count", "main..claudedo/again"]), "2");
}

#[test]
fn a_run_that_reached_its_turns_goes_on_where_it_was() {
    let Some(repository) = RealRepository::prepare() else { return };
    let task = repository.add_with("turns", "@stub turns n=3", &["--max-turns", "2"]);
    repository.run();
    assert_eq!(task.outcomes(), ["failed max_turns", "done"]);
    assert_eq!(task.files(), ["README.md", "turn-1.txt", "turn-2.txt", "turn-3.txt"]);
    let (first, second) = (task.record(1), task.record(2));
    assert_eq!(first["error"], "Reached maximum number of turns (2)");
    assert_eq!(second["agent"]["session"], first["agent"]["session"]);
    assert_eq!(second["agent"]["resumed"], "resumed");
}

#[test]
fn a_structured_answer_is_in_the_record() {
    let Some(repository) = RealRepository::prepare() else { return };
    let task = repository
        .add("structured", "@stub structured value={\"name\":\"five\",\"n\":5}")
        .with_lines("result_schema: schemas/answer.json");
    add_schema(&repository);
    repository.run();
    assert_eq!(task.record(1)["structured_output"], json!({"name": "five", "n": 5}));
    assert_eq!(task.outcomes(), ["done"]);
}

#[test]
fn words_in_place_of_a_structured_answer_are_a_failure() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("retries", "0");
    let task = repository
        .add("words", "@stub text-instead-of-structured")
        .with_lines("result_schema: schemas/answer.json");
    add_schema(&repository);
    assert_eq!(repository.run_with(&[]), Some(1));
    assert_eq!(task.outcomes(), ["failed structured_output"]);
    let record = task.record(1);
    assert_eq!((&record["structured_output"], &record["exit_code"]), (&json!(null), &0.into()));
    let error = record["error"].as_str().unwrap();
    assert!(error.contains("result schema"), "{error}");
}

#[test]
fn what_was_not_permitted_is_in_the_record() {
    let Some(repository) = RealRepository::prepare() else { return };
    let task =
        repository.add_with("denied", "@stub write path=a.txt content=hi", &["--permission-mode", "default"]);
    repository.run();
    let record = task.record(1);
    let [denial] = &record["permission_denials"].as_array().unwrap()[..] else { panic!("{record:#}") };
    assert_eq!(denial["tool"], "Write");
    assert!(denial["input"].as_str().unwrap().ends_with("a.txt"), "{denial}");
    assert_eq!(task.files(), ["README.md"]);
}

fn add_schema(repository: &RealRepository) {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["name", "n"],
    });
    repository.commit_file("schemas/answer.json", &schema.to_string());
}

/// The CLI's own retries take minutes otherwise.
fn with_few_retries(mut repository: RealRepository) -> RealRepository {
    repository.claude = repository.claude.variable("CLAUDE_CODE_MAX_RETRIES", "1");
    repository
}

fn answered(repository: &RealRepository) -> Vec<SeenRequest> {
    repository.claude.api.requests().into_iter().filter(|request| request.status == Some(200)).collect()
}
