//! What `git claudedo status` says of what surrounds the tasks: hooks, remotes, other machines, a limit of the service.
#![expect(clippy::disallowed_methods, reason = "tests write files from outside")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::cli_support::{claudedo_in, shown, snapshots};
use crate::support::{TestRepository, eventually, kill};

/// What the stand-in says when the service refuses it until far in the future.
const REFUSED: [&str; 2] = [
    "rate-limit rejected 4000000000",
    "result error subtype=success terminal_reason=api_error api_error=usage_limit_reached status=429 turns=1 text=Full",
];

fn json(repository: &TestRepository) -> Value {
    serde_json::from_str(&repository.claudedo(&["status", "--json"]).stdout).unwrap()
}

/// Returns the line about the hooks and the hints right below it.
fn hooks(repository: &TestRepository) -> String {
    let screen = repository.claudedo(&["status"]).stdout;
    let lines = screen.lines().skip_while(|line| !line.starts_with("Hooks:"));
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn counted(porcelain: &str) -> Vec<&str> {
    porcelain.lines().skip(2).filter(|line| !line.ends_with(" 0")).collect()
}

#[test]
fn hooks_are_told_once_somebody_installed_one() {
    let repository = TestRepository::new();
    assert_eq!(hooks(&repository), "");
    assert_eq!(json(&repository)["hooks"]["state"], "absent");
    let hook = |words: &[&str]| assert_eq!(repository.claudedo(&[&["hooks"], words].concat()).status, 0);
    hook(&["install", "--mechanism", "files"]);
    assert_eq!(hooks(&repository), "Hooks: installed");
    let file = repository.path().join(".git/hooks/post-merge");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let idle = "Hooks: do not run: post-merge\n  (use \"git claudedo hooks status\" to see why)";
    assert_eq!(hooks(&repository), idle);
    assert_eq!(json(&repository)["hooks"]["idle"], serde_json::json!(["post-merge"]));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    repository.git(&["config", "core.hooksPath", "nowhere"]);
    assert!(hooks(&repository).starts_with("Hooks: none runs\n"), "five names are too long for a line");
    repository.git(&["config", "--unset", "core.hooksPath"]);
    hook(&["uninstall", "--event", "pre-push"]);
    let some =
        "Hooks: installed, but for pre-push\n  (use \"git claudedo hooks install\" to install the others)";
    assert_eq!(hooks(&repository), some);
}

#[test]
fn records_that_a_remote_did_not_get_are_told_where_they_are_wanted_there() {
    let repository = TestRepository::with_fake();
    repository.add_task("work", &["write a.txt 1", "result ok"]);
    repository.run(0);
    repository.git(&["remote", "add", "origin", "../nowhere.git"]);
    assert_ne!(repository.claudedo(&["push", "origin"]).status, 0);
    assert_eq!(json(&repository)["unpushed"], Value::Array(Vec::new()));
    repository.set("push", "records");
    let unpushed = &json(&repository)["unpushed"];
    assert_eq!((&unpushed[0]["remote"], &unpushed[0]["state"]), (&"origin".into(), &"failed".into()));
    let screen = repository.claudedo(&["status"]).stdout;
    let part =
        "\nRecords not pushed (1):\n  (use \"git claudedo push REMOTE\" to try again)\n  origin  failed  ";
    assert!(screen.contains(part), "{screen}");
    repository.git(&["init", "--quiet", "--bare", "../nowhere.git"]);
    assert_eq!(repository.claudedo(&["push", "origin"]).status, 0);
    assert_eq!(json(&repository)["unpushed"], Value::Array(Vec::new()));
    let note = fs::read_to_string(repository.local("push.json")).unwrap();
    fs::write(repository.local("push.json"), note.replace("\"pushed\"", "\"begun\"")).unwrap();
    let screen = repository.claudedo(&["status"]).stdout;
    assert!(screen.contains("  origin  cut off  "), "{screen}");
}

#[test]
fn a_task_that_came_with_a_clone_waits_for_a_word_and_one_at_work_is_elsewhere() {
    let repository = TestRepository::with_fake();
    repository.add_task("cut", &[&repository.wait_step("gate")]);
    repository.write_task("next", "title: The next one\nafter: [cut]\n");
    repository.git(&["add", "--all"]);
    repository.git(&["commit", "--quiet", "--message=Tasks"]);
    let runner = repository.start(&["run"]);
    let process = repository.wait_for_process();
    let clone = repository.root().join("clone");
    let all = "refs/claudedo/*:refs/claudedo/*";
    repository.git(&["clone", "--quiet", ".", clone.to_str().unwrap()]);
    repository.git(&["-C", clone.to_str().unwrap(), "fetch", "--quiet", "origin", all]);
    for task in ["cut", "next"] {
        let path = clone.join(format!(".claudedo/tasks/{task}.yaml"));
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
    }
    let answer = claudedo_in(&repository, &clone, &["status"]);
    let porcelain = claudedo_in(&repository, &clone, &["status", "--porcelain"]).stdout;
    runner.kill();
    for who in ["supervisor", "agent"] {
        kill(&process[who]["pid"]);
    }
    let mut settings = snapshots(&repository);
    settings.add_filter(r"\b[0-9a-f]{16}\b", "[MACHINE]");
    settings.bind(|| {
        insta::assert_snapshot!(shown(&answer), @r#"
    [0]
    Runner: none
      (use "git claudedo watch" to run tasks as they come)
      (use "git claudedo hooks install" to run them when they are committed)

    Not approved on this machine (1):
      (use "git claudedo show TASK" to read it)
      (use "git claudedo approve TASK" to let it run)
      next  The next one

    At work on other machines (1):
      cut  [MACHINE]
    [stderr]
    "#);
    });
    assert_eq!(counted(&porcelain), ["attention 1", "untrusted 1", "elsewhere 1"]);
}

#[test]
fn a_limit_of_the_service_is_told_with_its_end() {
    let repository = TestRepository::with_fake();
    repository.add_task("limited", &REFUSED);
    let runner = repository.start(&["run"]);
    let is_held = || {
        let porcelain = repository.claudedo(&["status", "--porcelain"]).stdout;
        counted(&porcelain).contains(&"limited 1").then_some(porcelain)
    };
    let porcelain = eventually("the task is held by the limit", is_held);
    let screen = repository.claudedo(&["status"]).stdout;
    runner.kill();
    assert_eq!(counted(&porcelain), ["limited 1"]);
    assert!(screen.contains("\nHeld until a limit of the service is lifted (1):\n  limited  "), "{screen}");
}
