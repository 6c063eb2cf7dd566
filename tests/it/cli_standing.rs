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
