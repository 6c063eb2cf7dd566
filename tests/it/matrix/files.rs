//! What agents write: names of every kind, ignored files, and very many tasks (F46, F47, F48, F51).
#![expect(clippy::disallowed_methods, reason = "a test looks at files")]

use serde_json::Value;

use super::criteria::{Belongings, assert_clear};
use crate::support::TestRepository;

const TASK: &str = "work-a1b2";

#[test]
fn names_of_any_bytes_are_kept_and_shown_safely() {
    let test = TestRepository::with_fake();
    let script = "sh printf 1 >\"$(printf 'caf\\351')\"; printf 2 >\"$(printf 'two\\nlines')\"; \
                  printf 3 >\"$(printf 'red\\033[31m')\"; printf 4 >'-n'; printf 5 >'a\"b\\c'; printf 6 >' '; \
                  printf 7 >':(top)'";
    test.add_task(TASK, &[script, "result error"]);
    let before = Belongings::of(&test);
    let answer = test.claudedo(&["run"]);
    assert_clear(&answer, &[]);
    let records = test.records(TASK);
    let snapshot = records[0]["workspace"]["snapshot"].as_str().unwrap().to_owned();
    let output = test.program("git").args(["ls-tree", "-z", "--name-only", &snapshot]).output().unwrap();
    let names: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
    for name in [&b"caf\xe9"[..], b"two\nlines", b"red\x1b[31m", b"-n", b"a\"b\\c", b" ", b":(top)"] {
        assert!(names.contains(&name), "{} is lost", String::from_utf8_lossy(name));
    }
    for command in [&["show", TASK][..], &["list"], &["status"], &["logs", TASK]] {
        let answer = test.claudedo(command);
        assert!(!answer.stdout.contains('\u{1b}') && !answer.stderr.contains('\u{1b}'), "{answer:#?}");
    }
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_path_of_4000_bytes_is_on_the_branch_or_told_by_name() {
    let test = TestRepository::with_fake();
    let folder = "d".repeat(249);
    let deep = |levels: usize| vec![folder.as_str(); levels].join("/");
    let step = |levels: usize| format!("sh mkdir -p {0} && cd {0} && echo deep >file.txt", deep(levels));
    test.add_task(TASK, &[&step(3), &step(15)]);
    let before = Belongings::of(&test);
    let answer = test.claudedo(&["run"]);
    assert_clear(&answer, &[]);
    let record = test.record(TASK);
    let place = record["workspace"]["snapshot"].as_str().map_or(format!("claudedo/{TASK}"), str::to_owned);
    assert_eq!(test.git(&["show", &format!("{place}:{}/file.txt", deep(3))]), "deep");
    let longest = format!("{place}:{}/file.txt", deep(15));
    let is_kept = test.program("git").args(["cat-file", "-e", &longest]).status().unwrap().success();
    assert!(is_kept || record["warnings"].to_string().contains("was not kept"), "{:#}", record["warnings"]);
    before.assert_order(&test, &[TASK]);
}

#[test]
fn what_is_ignored_stays_in_the_worktree_which_is_kept() {
    let test = TestRepository::with_fake();
    test.write(".gitignore", "out/\n");
    test.git(&["add", "."]);
    test.git(&["commit", "--quiet", "--message=Ignore"]);
    test.add_task(TASK, &["write out/report.html big", "write a.txt 1"]);
    let before = Belongings::of(&test);
    test.run(0);
    let path = test.workspace("worktrees", TASK).join("out/report.html");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "big\n");
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_branch_named_as_the_folder_of_all_branches_fails_the_task_with_its_name() {
    for branch in ["claudedo", "claudedo/work-a1b2/theirs"] {
        let test = TestRepository::with_fake();
        test.git(&["branch", branch]);
        test.add_task(TASK, &["write a.txt 1"]);
        let answer = test.claudedo(&["run"]);
        assert_eq!(answer.status, 1, "{answer:#?}");
        assert_clear(&answer, &["Worktree creation failed", "claudedo/work-a1b2"]);
        assert_eq!(test.history(TASK), "claimed finished:failed");
        assert_eq!(test.git(&["rev-parse", branch]), test.git(&["rev-parse", "main"]));
        test.git(&["branch", "-D", "--quiet", branch]);
        assert_eq!(test.claudedo(&["retry", "--run", TASK]).status, 0);
        test.assert_sound();
    }
}

#[test]
fn among_10000_queued_tasks_the_one_that_is_named_runs_and_all_are_listed() {
    let test = TestRepository::with_fake();
    let folder = test.path().join(".claudedo/tasks");
    std::fs::create_dir_all(&folder).unwrap();
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    for number in 0..10_000 {
        let path = folder.join(format!("many-{number:05}.yaml"));
        std::fs::write(&path, format!("title: Task {number}\n")).unwrap();
        std::fs::File::options().append(true).open(path).unwrap().set_modified(hour_ago).unwrap();
    }
    let answer = test.claudedo(&["run", "many-05000"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    let tasks: Value = serde_json::from_str(&test.claudedo(&["list", "--json"]).stdout).unwrap();
    let states = tasks.as_array().unwrap().iter().filter(|task| task["state"] == "queued").count();
    assert_eq!(states, 9_999);
    assert_eq!(test.fake_starts().len(), 1);
}
