//! The ways in which editors save a file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{assert_never_ran, assert_ran_once, draft, soon, wait_for_all, watching};
use crate::support::{TestRepository, task_yaml};

const TASK: &str = "edited-0001";

/// A watcher, and a task that an editor has open.
fn opened(test: &TestRepository) -> (crate::support::Started, PathBuf) {
    let watcher = watching(test, &[]);
    test.write_task(TASK, &draft("Before"));
    wait_for_all(test, "other-0002");
    assert_never_ran(test, TASK);
    (watcher, test.path().join(".claudedo/tasks"))
}

/// Requires that the task ran once, with the text that was saved, and that nothing else looks like a task.
fn assert_saved(test: &TestRepository) {
    assert_ran_once(test, TASK);
    assert_eq!(test.git(&["ls-tree", "--name-only", &format!("claudedo/{TASK}")]), "README.md\nafter.txt");
    let listed = test.claudedo(&["list", "--json"]);
    assert_eq!((listed.status, listed.stderr.as_str()), (0, ""));
    let tasks: Vec<serde_json::Value> = serde_json::from_str(&listed.stdout).unwrap();
    let ids: Vec<&str> = tasks.iter().map(|task| task["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
}

fn after() -> String {
    task_yaml("After", &["write after.txt 1"])
}

/// Lets a file look as old as one that was left alone.
fn settle(path: &Path) {
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
}

#[test]
fn saved_as_vim_does_with_a_probe_a_swap_file_a_backup_and_a_new_file() {
    let test = TestRepository::with_fake();
    let (_watcher, tasks) = opened(&test);
    let file = tasks.join("edited-0001.yaml");
    let (swap, probe, backup) =
        (tasks.join(".edited-0001.yaml.swp"), tasks.join("4913"), tasks.join("edited-0001.yaml~"));
    fs::write(&swap, "b0VIM").unwrap();
    fs::write(&probe, "").unwrap();
    fs::remove_file(&probe).unwrap();
    fs::rename(&file, &backup).unwrap();
    fs::write(&file, after()).unwrap();
    fs::remove_file(&backup).unwrap();
    assert_saved(&test);
    fs::remove_file(&swap).unwrap();
    assert_saved(&test);
}

#[test]
fn saved_as_vs_code_does_by_truncating_and_writing_in_place() {
    let test = TestRepository::with_fake();
    let (_watcher, tasks) = opened(&test);
    let file = tasks.join("edited-0001.yaml");
    File::options().write(true).truncate(true).open(&file).unwrap();
    // Empty for as long as a watcher needs to see it.
    wait_for_all(&test, "empty-0003");
    assert_never_ran(&test, TASK);
    fs::remove_file(tasks.join("empty-0003.yaml")).unwrap();
    fs::write(&file, after()).unwrap();
    assert_ran_once(&test, TASK);
    assert_eq!(test.git(&["ls-tree", "--name-only", &format!("claudedo/{TASK}")]), "README.md\nafter.txt");
}

#[test]
fn saved_as_jetbrains_does_by_a_temporary_file_and_two_renames() {
    let test = TestRepository::with_fake();
    let (_watcher, tasks) = opened(&test);
    let file = tasks.join("edited-0001.yaml");
    let (new, old) = (tasks.join("edited-0001.yaml___jb_tmp___"), tasks.join("edited-0001.yaml___jb_old___"));
    fs::write(&new, after()).unwrap();
    settle(&new);
    fs::rename(&file, &old).unwrap();
    fs::rename(&new, &file).unwrap();
    fs::remove_file(&old).unwrap();
    assert_saved(&test);
}

#[test]
fn saved_by_vim_itself_whether_it_copies_or_renames() {
    for way in ["yes", "no"] {
        let test = TestRepository::with_fake();
        let (_watcher, tasks) = opened(&test);
        let set = format!("set nobackup writebackup backupcopy={way} swapfile fsync");
        let change = "%s/title: Before/title: After/ | %s/^draft: true$/max_turns: 3/";
        let mut vim = test.program("vim");
        vim.args(["-N", "-u", "NONE", "-es", "-c", &set, "-c", change, "-c", "wq"]);
        match vim.arg(tasks.join("edited-0001.yaml")).status() {
            Ok(status) => assert!(status.success(), "vim: {status}"),
            Err(error) => {
                println!("SKIPPED: vim cannot be started here: {error}");
                return;
            }
        }
        assert_ran_once(&test, TASK);
        let saved = soon("the record has the task", || test.run_file(TASK, 1, "task.yaml"));
        assert!(String::from_utf8(saved).unwrap().contains("title: After\n"));
    }
}
