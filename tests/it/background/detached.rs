//! Starting a watcher that outlives the terminal.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::{detach, is_gone, status};
use crate::cli_support::{program, shown, snapshots};
use crate::support::{Answer, TestRepository, eventually};

#[test]
fn a_detached_watcher_does_the_tasks_that_come() {
    let test = TestRepository::with_fake();
    detach(&test);
    test.add_task("late-0001", &["write late.txt 1"]);
    eventually("the task is done", || (test.history("late-0001") == "claimed finished:done").then_some(()));
    super::assert_done(&test.claudedo(&["watch", "stop"]));
    test.assert_no_process_left();
}

#[test]
fn it_says_who_it_is_and_how_to_see_and_stop_it() {
    let test = TestRepository::with_fake();
    let mut settings = snapshots(&test);
    settings.add_filter(r"process \d+", "process [PID]");
    settings.bind(|| {
        insta::assert_snapshot!(shown(&test.claudedo(&["watch", "--detach"])), @r"
        [0]
        Watching as process [PID]
        [stderr]
        hint: To see it: git claudedo watch status; what it says: [ROOT]/repository/.git/claudedo/watch.log
        hint: To stop it: git claudedo watch stop
        ");
        insta::assert_snapshot!(shown(&test.claudedo(&["watch", "--detach"])), @r"
        [0]
        Watched already by process [PID]
        [stderr]
        hint: To see it: git claudedo watch status; what it says: [ROOT]/repository/.git/claudedo/watch.log
        hint: To stop it: git claudedo watch stop
        ");
    });
    assert_eq!(status(&test).1["watching"], true);
}

#[test]
fn it_has_a_session_of_its_own_and_holds_nothing_of_the_terminal() {
    let test = TestRepository::with_fake();
    let process = detach(&test);
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let session: u32 = stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().parse().unwrap();
    assert_eq!(session, process);
    let open = |number: u32| fs::read_link(format!("/proc/{process}/fd/{number}")).unwrap();
    let log = test.local("watch.log");
    assert_eq!((open(0).as_path(), open(1), open(2)), ("/dev/null".as_ref(), log.clone(), log.clone()));
    assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn nothing_that_led_a_hook_or_an_alias_to_its_repository_lives_on_in_it() {
    let test = TestRepository::with_fake();
    let mut command = program(&test);
    let git_dir = test.path().join(".git");
    command.env("GIT_DIR", &git_dir).env("GIT_INDEX_FILE", git_dir.join("index.lock"));
    command.env("GIT_AUTHOR_NAME", "Somebody").env("GIT_CONFIG_COUNT", "0");
    let answer: Answer = command.args(["watch", "--detach", "--json"]).output().unwrap().into();
    let said: Value = serde_json::from_str(&answer.stdout).unwrap();
    let environment = fs::read(format!("/proc/{}/environ", said["process"])).unwrap();
    let variables = environment.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let mut of_git: Vec<String> = variables
        .filter(|variable| variable.starts_with("GIT_"))
        .map(|variable| variable.split('=').next().unwrap().to_owned())
        .collect();
    of_git.sort();
    assert_eq!(of_git, ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"]);
}

#[test]
fn a_repository_that_only_a_variable_leads_to_is_refused() {
    let test = TestRepository::with_fake();
    let other = test.root().join("tree");
    fs::create_dir(&other).unwrap();
    let mut command = program(&test);
    command.env("GIT_DIR", test.path().join(".git")).env("GIT_WORK_TREE", &other).current_dir(&other);
    let answer: Answer = command.args(["watch", "--detach"]).output().unwrap().into();
    assert_eq!(answer.status, 128, "{answer:#?}");
    assert!(answer.stderr.contains("would not find this repository from"), "{answer:#?}");
    assert_eq!(status(&test).0, 1);
}

#[test]
fn in_a_linked_worktree_it_watches_the_tasks_there() {
    let test = TestRepository::with_fake();
    let linked = test.root().join("linked");
    test.git(&["worktree", "add", "--quiet", linked.to_str().unwrap()]);
    let mut command = program(&test);
    let answer: Answer =
        command.current_dir(&linked).args(["watch", "--detach", "--json"]).output().unwrap().into();
    assert_eq!(answer.status, 0, "{answer:#?}");
    let said: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(fs::read_link(format!("/proc/{}/cwd", said["process"])).unwrap(), linked);
    assert_eq!(status(&test).1["runner"]["process"], said["process"]);
}

#[test]
fn while_a_person_runs_tasks_none_is_started() {
    let test = TestRepository::with_fake();
    test.add_task("one-0001", &[&test.wait_step("gate")]);
    let runner = test.start(&["run"]);
    test.wait_for_start(1);
    let answer = test.claudedo(&["watch", "--detach"]);
    assert_eq!(answer.status, 3, "{answer:#?}");
    let holder = format!("error: Process {} runs tasks in this repository already.\n", runner.id());
    assert!(answer.stderr.starts_with(&holder), "{answer:#?}");
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
}

#[test]
fn a_start_that_fails_shows_why() {
    let test = TestRepository::with_fake();
    test.git(&["config", "--global", "claudedo.slots", "many"]);
    let answer = test.claudedo(&["watch", "--detach"]);
    assert_eq!(answer.status, 128, "{answer:#?}");
    assert!(answer.stderr.contains("slots"), "{answer:#?}");
    assert!(answer.stderr.contains("error: The watcher did not start (exit status: 128).\n"), "{answer:#?}");
    assert_eq!(status(&test).0, 1);
}

#[test]
fn the_watcher_outlives_the_session_that_started_it() {
    let test = TestRepository::with_fake();
    // A shell in a session of its own, which ends with a hang-up of all who are in it.
    let mut command = test.program("setsid");
    let script = "git-claudedo watch --detach --json; kill -HUP -$$";
    let output =
        command.args(["--wait", "env", "--default-signal=HUP", "sh", "-c", script]).output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let process = u32::try_from(said["process"].as_u64().unwrap()).unwrap();
    assert!(!output.status.success(), "the shell was hung up");
    assert!(!is_gone(process));
    assert_eq!(status(&test).0, 0);
}
