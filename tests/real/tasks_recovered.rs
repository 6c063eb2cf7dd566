//! `kill -9` in the middle, then `git claudedo run` again.

use std::fs;
use std::io::Write;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::named_pipe::NamedPipe;
use crate::repository::RealRepository;

#[test]
fn a_run_whose_runner_was_killed_ends_as_if_nothing_had_happened() {
    let Some(repository) = RealRepository::prepare() else { return };
    let mut scene = Scene::start(&repository);
    scene.kill_runner();
    scene.go.write_all(b"\n").unwrap();
    repository.run();
    let task = repository.task("scene");
    assert_eq!(task.outcomes(), ["done"]);
    assert_eq!(task.files(), ["README.md", "a.txt", "b.txt"]);
    assert_eq!(task.record(1)["ended_by"], "itself");
}

#[test]
fn a_run_that_ended_while_no_runner_was_there_is_recorded_by_the_next() {
    let Some(repository) = RealRepository::prepare() else { return };
    let mut scene = Scene::start(&repository);
    scene.kill_runner();
    scene.go.write_all(b"\n").unwrap();
    // The session's last answer is asked for after the command; the pipe ends with the command.
    assert_eq!(scene.told.line(), None);
    crate::processes::wait_until_gone(repository.claude.folder());
    assert_eq!(repository.task("scene").state(), "interrupted");
    repository.run();
    let task = repository.task("scene");
    assert_eq!(task.outcomes(), ["done"]);
    assert_eq!(task.files(), ["README.md", "a.txt", "b.txt"]);
}

#[test]
fn a_run_whose_runner_and_supervisor_were_killed_goes_on_in_the_same_session() {
    let Some(repository) = RealRepository::prepare() else { return };
    let mut scene = Scene::start(&repository);
    let supervisor = process(&repository, "supervisor");
    scene.kill_runner();
    kill_process(supervisor, Signal::KILL).unwrap();
    repository.run();
    assert_eq!(scene.told.line(), None, "the orphan's command still runs");
    let task = repository.task("scene");
    assert_eq!(task.outcomes(), ["interrupted crashed", "done"]);
    let (first, second) = (task.record(1), task.record(2));
    assert_eq!(first["ended_by"], "supervisor_lost");
    assert_eq!((&second["kind"], &second["agent"]["resumed"]), (&"resume".into(), &"resumed".into()));
    assert_eq!(second["agent"]["session"], first["agent"]["session"]);
    assert!(task.files().contains(&"a.txt".to_owned()), "{:?}", task.files());
}

#[test]
fn a_run_of_which_everything_was_killed_goes_on_and_its_command_is_ended() {
    let Some(repository) = RealRepository::prepare() else { return };
    let mut scene = Scene::start(&repository);
    let (supervisor, agent) = (process(&repository, "supervisor"), process(&repository, "agent"));
    scene.kill_runner();
    kill_process(supervisor, Signal::KILL).unwrap();
    kill_process(agent, Signal::KILL).unwrap();
    repository.run();
    // A command of a killed agent lives on, in a session of its own.
    assert_eq!(scene.told.line(), None, "the command still runs");
    let task = repository.task("scene");
    let first = task.record(1);
    assert_eq!((&first["outcome"], &first["ended_by"]), (&"interrupted".into(), &"supervisor_lost".into()));
    assert!(!first["swept"].as_array().unwrap().is_empty(), "{first:#}");
    assert_eq!(task.state(), "done");
    assert!(task.files().contains(&"a.txt".to_owned()), "{:?}", task.files());
}

#[test]
fn an_agent_that_crashes_is_told_so_in_its_session() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("allowedTools", "Bash");
    let task = repository.add("crash", "@stub crash");
    repository.run();
    assert_eq!(task.outcomes(), ["failed crashed", "done"]);
    let (first, second) = (task.record(1), task.record(2));
    assert_eq!((&first["exit"], &first["exit_code"]), (&serde_json::json!({"signal": 9}), &(-1).into()));
    assert_eq!(second["agent"]["session"], first["agent"]["session"]);
}

/// The CLI removes conversations after 30 days.
#[test]
fn a_follow_up_whose_session_is_gone_starts_afresh_with_the_whole_task() {
    let Some(repository) = RealRepository::prepare() else { return };
    let task = repository.add("forgotten", "@stub write path=a.txt content=first");
    repository.run();
    fs::remove_dir_all(repository.claude.folder().join("home/.claude/projects")).unwrap();
    task.continue_with("Now the other one.\n@stub write path=b.txt content=second");
    repository.run();
    assert_eq!(task.outcomes(), ["done", "failed session_missing", "done"]);
    let (first, third) = (task.record(1), task.record(3));
    assert_eq!(third["agent"]["resumed"], "fresh");
    assert_ne!(third["agent"]["session"], first["agent"]["session"]);
    let prompt = task.recorded(3, "prompt.md");
    assert!(prompt.starts_with("Do what the description says"), "{prompt}");
    assert!(prompt.contains("Now the other one."), "{prompt}");
    assert!(task.files().contains(&"b.txt".to_owned()), "{:?}", task.files());
}

/// A task that wrote `a.txt`, and whose command waits for a word before it writes `b.txt`.
struct Scene {
    runner: Option<crate::running::Running>,
    told: NamedPipe,
    go: fs::File,
}

impl Scene {
    fn start(repository: &RealRepository) -> Self {
        repository.set("allowedTools", "Bash");
        let folder = repository.claude.folder().to_owned();
        let told = NamedPipe::create(&folder.join("told"));
        let go = NamedPipe::writer(&folder.join("go"));
        let folder = folder.display();
        let command =
            format!("exec 3>{folder}/told; echo running >&3; read -t 60 line <> {folder}/go; echo b > b.txt");
        let script = format!("@stub write path=a.txt content=half\n@stub bash cmd=\"{command}\"");
        repository.add("scene", &script);
        let runner = repository.start_run(&[]);
        assert_eq!(told.line().as_deref(), Some("running"));
        Self { runner: Some(runner), told, go }
    }

    fn kill_runner(&mut self) {
        let runner = self.runner.take().unwrap();
        runner.signal(Signal::KILL);
        assert_eq!(runner.finish().signal, Some(9));
    }
}

/// Returns a process of the one run there is.
fn process(repository: &RealRepository, name: &str) -> Pid {
    let runs = repository.path().join(".git/claudedo/runs");
    let run = fs::read_dir(runs).unwrap().next().unwrap().unwrap().path();
    let report: Value = serde_json::from_slice(&fs::read(run.join("process.json")).unwrap()).unwrap();
    let pid = report[name]["pid"].as_i64().unwrap();
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}
