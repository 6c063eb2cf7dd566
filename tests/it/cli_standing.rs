//! A task stands the same wherever it is looked at: `show` reads that one, `list` reads all, mostly from caches.
#![expect(clippy::disallowed_methods, reason = "a test makes its own old files")]

use serde_json::Value;

use crate::cli_support::add;
use crate::support::TestRepository;

#[test]
fn a_task_is_shown_as_it_is_listed() {
    let repository = TestRepository::new();
    repository.git(&["config", "--global", "claudedo.agentCommand", "[sh, -c, echo said]"]);
    repository.git(&["config", "--global", "claudedo.retries", "0"]);
    add(&repository, "done", "Done", "");
    repository.claudedo(&["run"]);
    repository.git(&["config", "--global", "claudedo.agentCommand", "[false]"]);
    add(&repository, "failed", "Failed", "");
    repository.claudedo(&["run"]);
    for (id, more) in [
        ("ready", "after: [done]"),
        ("behind-failed", "after: [done, failed]"),
        ("behind-ready", "after: [ready]"),
        ("behind-nothing", "after: [nobody]"),
        ("draft", "draft: true"),
        ("invalid", "titel: x"),
        ("unfinished", "description: |\n  cut"),
    ] {
        let end = if id == "unfinished" { "" } else { "\n" };
        repository.write(&format!(".claudedo/tasks/{id}.yaml"), &format!("title: {id}\n{more}{end}"));
    }
    std::fs::remove_file(repository.path().join(".claudedo/tasks/failed.yaml")).unwrap();
    let settled = std::time::SystemTime::now() - std::time::Duration::from_mins(1);
    for entry in std::fs::read_dir(repository.path().join(".claudedo/tasks")).unwrap() {
        let file = std::fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(settled).unwrap();
    }
    // The second look is from the caches.
    for _ in 0..2 {
        let listed = json(&repository, &["list", "--all", "--json"]);
        let listed = listed.as_array().unwrap();
        assert_eq!(listed.len(), 9, "{listed:#?}");
        for task in listed {
            let shown = json(&repository, &["show", "--json", task["id"].as_str().unwrap()]);
            // A list tells what a task without a file was called, from its record.
            for key in task.as_object().unwrap().keys().filter(|key| *key != "title") {
                assert_eq!(shown[key], task[key], "{key} of {task:#}");
            }
        }
    }
}

fn json(repository: &TestRepository, arguments: &[&str]) -> Value {
    serde_json::from_str(&repository.claudedo(arguments).stdout).unwrap()
}

#[test]
fn a_damaged_record_makes_its_own_task_unreadable_and_hides_no_other() {
    let repository = TestRepository::new();
    repository.git(&["config", "--global", "claudedo.agentCommand", "[sh, -c, echo said]"]);
    for task in ["fine", "damaged"] {
        repository.write_task(task, "title: A task\n");
    }
    let path = "tasks/ed/damaged/events/00000001-0123456789abcdef-claimed.json";
    damage(&repository, path, "{\"version\": 1, \"kind\": \"claimed\"}");
    assert_eq!(repository.claudedo(&["run"]).status, 0);
    // The second look is from the caches.
    for _ in 0..2 {
        let answer = repository.claudedo(&["list", "--json"]);
        assert_eq!((answer.status, answer.stderr.as_str()), (0, ""));
        let listed: Value = serde_json::from_str(&answer.stdout).unwrap();
        let states: Vec<&Value> = listed.as_array().unwrap().iter().map(|task| &task["state"]).collect();
        assert_eq!(states, ["unreadable", "done"]);
        let message = listed[0]["standing"]["message"].as_str().unwrap();
        assert!(message.contains(path), "{message}");
        assert_eq!(json(&repository, &["show", "--json", "damaged"])["standing"], listed[0]["standing"]);
    }
    // Nobody adds to what nobody can read, and what is mended counts at once.
    assert_eq!(repository.claudedo(&["run", "damaged"]).status, 1);
    assert_eq!(repository.claudedo(&["cancel", "damaged"]).status, 128);
    repository.git(&["update-ref", "-d", "refs/claudedo-remotes/origin/0123456789abcdef"]);
    assert_eq!(json(&repository, &["show", "--json", "damaged"])["state"], "queued");
    assert!(repository.claudedo(&["list"]).stdout.starts_with("damaged  queued"));
}

/// Puts a file on the tracking ref of another machine.
fn damage(repository: &TestRepository, path: &str, text: &str) {
    repository.write("damage", text);
    let blob = repository.git(&["hash-object", "-w", "damage"]);
    std::fs::remove_file(repository.path().join("damage")).unwrap();
    let git = |arguments: &[&str]| {
        let mut command = repository.program("git");
        let index = repository.root().join("tmp/index");
        let output = command.args(arguments).env("GIT_INDEX_FILE", index).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{path}")]);
    let tree = git(&["write-tree"]);
    let commit = git(&["commit-tree", "-m", "Damage", &tree]);
    repository.git(&["update-ref", "refs/claudedo-remotes/origin/0123456789abcdef", &commit]);
}
