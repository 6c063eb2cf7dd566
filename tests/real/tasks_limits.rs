//! The account stands in the way: nothing of that is a task's fault, so no task fails by it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::claude::Login;
use crate::messages_api::Credentials;
use crate::repository::RealRepository;

/// Longer than a run takes to be refused, even on a busy machine.
const LIMIT_SECONDS: u64 = 8;

#[test]
fn a_usage_limit_holds_the_queue_until_it_is_lifted_and_the_session_goes_on() {
    let Some(mut repository) = RealRepository::prepare() else { return };
    repository.claude = repository.claude.login(Login::Subscription);
    let until = unix_seconds() + LIMIT_SECONDS;
    let script = format!(
        "@stub write path=a.txt content=before\n@stub usage-limit until={until}\n@stub write path=b.txt content=after"
    );
    let limited = repository.add_with("limited", &script, &["--priority", "1"]);
    let other = repository.add("other", "@stub text");
    assert_eq!(repository.run_with(&["--slots", "1", "--no-wait"]), Some(1));
    let standing = limited.shown()["standing"].clone();
    assert_eq!((&standing["state"], &standing["hold"]), (&"held".into(), &"service".into()), "{standing}");
    assert_eq!(standing["reason"], "usage_limit");
    assert_eq!(seconds(&standing["until"]), until);
    assert_eq!((other.state().as_str(), other.outcomes().len()), ("queued", 0));

    repository.run();
    assert_eq!(limited.outcomes(), ["interrupted usage_limit", "done"]);
    let (first, second) = (limited.record(1), limited.record(2));
    assert_eq!((&second["kind"], &second["agent"]["resumed"]), (&"resume".into(), &"resumed".into()));
    assert_eq!(second["agent"]["session"], first["agent"]["session"]);
    assert!(seconds(&second["started"]) >= until, "{second:#}");
    assert_eq!(limited.files(), ["README.md", "a.txt", "b.txt"]);
    assert_eq!(repository.claude.api.requests()[0].credentials, Credentials::Bearer);
}

#[test]
fn a_runner_that_waits_for_a_usage_limit_starts_no_other_task_and_ends_well() {
    let Some(mut repository) = RealRepository::prepare() else { return };
    repository.claude = repository.claude.login(Login::Subscription);
    let until = unix_seconds() + LIMIT_SECONDS;
    let limited =
        repository.add_with("limited", &format!("@stub usage-limit until={until}"), &["--priority", "1"]);
    let other = repository.add("other", "@stub text");
    let ended = repository.start_run(&["--slots", "1"]).finish();
    assert_eq!(limited.outcomes(), ["interrupted usage_limit", "done"]);
    assert_eq!(other.outcomes(), ["done"]);
    assert!(seconds(&other.record(1)["started"]) >= until, "{:#}", other.record(1));
    assert_eq!(ended.code, Some(0), "everything is done: {ended:#?}");
}

#[test]
fn without_a_login_no_task_fails_and_each_runs_once_there_is_one() {
    let Some(mut repository) = RealRepository::prepare() else { return };
    repository.claude = repository.claude.login(Login::None);
    let ids = ["first", "second"];
    repository.add_with(ids[0], "@stub text", &["--priority", "1"]);
    repository.add(ids[1], "@stub text");
    let ended = repository.start_run(&["--slots", "1"]).finish();
    assert_eq!(ended.code, Some(4), "{ended:#?}");
    assert!(ended.stderr.contains("not logged in"), "{}", ended.stderr);
    assert!(repository.claude.api.requests().is_empty());
    let [first, second] = ids.map(|id| repository.task(id));
    assert_eq!((first.state().as_str(), second.state().as_str()), ("queued", "queued"));
    assert_eq!(first.outcomes(), ["interrupted login"]);
    assert!(second.outcomes().is_empty());

    repository.claude = repository.claude.login(Login::ApiKey);
    repository.run();
    let [first, second] = ids.map(|id| repository.task(id));
    assert_eq!(first.outcomes(), ["interrupted login", "done"]);
    assert_eq!(second.outcomes(), ["done"]);
}

#[test]
fn a_budget_that_is_used_up_is_a_failure_that_nobody_tries_again() {
    let Some(repository) = RealRepository::prepare() else { return };
    let task = repository.add_with("budget", "@stub turns n=3", &["--max-budget-usd", "0.0001"]);
    assert_eq!(repository.run_with(&[]), Some(1));
    assert_eq!(task.outcomes(), ["failed budget"]);
    assert!(task.shown()["cost_usd"].as_f64().unwrap() > 0.0001, "{:#}", task.shown());
}

fn seconds(moment: &serde_json::Value) -> u64 {
    let moment = chrono::DateTime::parse_from_rfc3339(moment.as_str().unwrap()).unwrap();
    u64::try_from(moment.timestamp()).unwrap()
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
