//! Runs that somebody or a limit ends, and what is kept of them.

use std::io::Write;

use rustix::process::Signal;

use crate::named_pipe::NamedPipe;
use crate::repository::RealRepository;

#[test]
fn a_cancelled_run_takes_its_commands_along_and_keeps_what_it_made() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("allowedTools", "Bash");
    let told = NamedPipe::create(&repository.claude.folder().join("told"));
    let folder = repository.claude.folder().display();
    let script = format!(
        "@stub write path=a.txt content=half\n\
         @stub bash cmd=\"exec 3>{folder}/told; echo running >&3; sleep 600\""
    );
    let task = repository.add("cancel", &script);
    let running = repository.start_run(&[]);
    assert_eq!(told.line().as_deref(), Some("running"));
    assert_eq!(task.state(), "running");
    assert!(task.conversation().contains("sleep 600"), "{}", task.conversation());
    repository.answer(&["cancel", "cancel", "--message", "Not needed any more."]);
    assert_eq!(told.line(), None, "the command still runs");
    assert_eq!(running.finish().code, Some(2));
    assert_eq!((task.state().as_str(), task.outcomes()), ("cancelled", vec!["cancelled".to_owned()]));
    let record = task.record(1);
    assert_eq!((&record["ended_by"], &record["exit_code"]), (&"cancel".into(), &(-1).into()));
    let snapshot = record["workspace"]["snapshot"].as_str().unwrap();
    assert_eq!(repository.git(&["show", &format!("{snapshot}:a.txt")]), "half");
}

#[test]
fn background_work_that_does_not_end_is_ended_after_its_grace_and_the_answer_counts() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("allowedTools", "Bash");
    repository.set("backgroundGrace", "1s");
    let task = repository.add("background", "@stub background seconds=600\n@stub text text=\"It runs.\"");
    repository.run();
    let record = task.record(1);
    assert_eq!((&record["outcome"], &record["ended_by"]), (&"done".into(), &"result_grace".into()));
    assert_eq!(record["result"], "It runs.");
}

#[test]
fn a_run_whose_time_is_over_is_a_failure_that_keeps_its_work() {
    let Some(repository) = RealRepository::prepare() else { return };
    let task =
        repository.add_with("late", "@stub write path=a.txt content=half\n@stub hang", &["--timeout", "8s"]);
    assert_eq!(repository.run_with(&[]), Some(1));
    assert_eq!(task.outcomes(), ["failed deadline"]);
    let snapshot = task.record(1)["workspace"]["snapshot"].as_str().unwrap().to_owned();
    assert_eq!(repository.git(&["show", &format!("{snapshot}:a.txt")]), "half");
}

#[test]
fn after_an_interrupt_what_runs_ends_by_itself_and_nothing_else_starts() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("allowedTools", "Bash");
    let told = NamedPipe::create(&repository.claude.folder().join("told"));
    let mut go = NamedPipe::writer(&repository.claude.folder().join("go"));
    let folder = repository.claude.folder().display();
    let command = format!("exec 3>{folder}/told; echo running >&3; read -t 60 line <> {folder}/go");
    let script = format!("@stub bash cmd=\"{command}\"");
    let first = repository.add_with("first", &script, &["--priority", "1"]);
    let second = repository.add("second", "@stub text");
    let running = repository.start_run(&["--slots", "1"]);
    assert_eq!(told.line().as_deref(), Some("running"));
    running.signal(Signal::INT);
    go.write_all(b"\n").unwrap();
    assert_eq!(running.finish().code, Some(130));
    assert_eq!((first.state().as_str(), second.state().as_str()), ("done", "queued"));
}

#[test]
fn a_task_whose_branch_the_agent_did_away_with_is_not_done() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("allowedTools", "Bash");
    let script = "@stub write path=a.txt content=hi\n@stub bash cmd=\"git branch -m claudedo/gone other\"";
    let task = repository.add("gone", script);
    assert_eq!(repository.run_with(&[]), Some(1));
    assert_eq!(task.outcomes(), ["failed commit"]);
    let record = task.record(1);
    let snapshot = record["workspace"]["snapshot"].as_str().unwrap();
    assert_eq!(repository.git(&["show", &format!("{snapshot}:a.txt")]), "hi");
    let error = format!(
        "The agent was done, but the branch claudedo/gone was deleted during the run; its files are kept as {snapshot}"
    );
    assert_eq!(record["error"], error.as_str());
}

#[test]
fn a_task_whose_worktree_the_agent_did_away_with_is_not_done_and_can_be_tried_again() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("allowedTools", "Bash");
    let task =
        repository.add("away", "@stub write path=a.txt content=hi\n@stub bash cmd=\"mv $PWD $PWD-away\"");
    assert_eq!(repository.run_with(&[]), Some(1));
    assert_eq!(task.outcomes(), ["failed commit"]);
    task.continue_with("It is yours again.\n@stub write path=b.txt content=hi");
    repository.run();
    assert_eq!(task.outcomes(), ["failed commit", "done"]);
    assert_eq!(task.files(), ["README.md", "b.txt"]);
}
