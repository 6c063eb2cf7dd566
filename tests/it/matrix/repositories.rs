//! Repositories of every form, and such as are moved, linked or shared (F41–F44).
//!
//! Bare ones are in `tests/it/cli_places.rs`, partial clones in `src/git/tests/worktrees.rs`.
#![expect(clippy::disallowed_methods, reason = "a test moves folders and starts programs in them")]

use std::fs;
use std::path::Path;

use super::criteria::{Belongings, assert_clear};
use crate::support::{Answer, TestRepository, task_yaml};

const TASK: &str = "work-a1b2";

fn claudedo_in(test: &TestRepository, folder: &Path, arguments: &[&str]) -> Answer {
    let mut command = test.program(env!("CARGO_BIN_EXE_git-claudedo"));
    command.args(arguments).current_dir(folder).output().unwrap().into()
}

/// Writes a task into another folder, long ago.
fn write_task_in(folder: &Path, task: &str, steps: &[&str]) {
    let tasks = folder.join(".claudedo/tasks");
    fs::create_dir_all(&tasks).unwrap();
    let path = tasks.join(format!("{task}.yaml"));
    fs::write(&path, task_yaml(task, steps)).unwrap();
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    fs::File::options().append(true).open(path).unwrap().set_modified(hour_ago).unwrap();
}

fn show_in(test: &TestRepository, folder: &Path, what: &str) -> String {
    let output = test.program("git").args(["show", what]).current_dir(folder).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn with_sha256_a_task_runs_and_is_recorded_like_any_other() {
    let test = TestRepository::of_kind_with_fake("repository", &["--object-format=sha256"]);
    test.add_task(TASK, &["write a.txt 1"]);
    let before = Belongings::of(&test);
    test.run(0);
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "1");
    before.assert_order(&test, &[TASK]);
}

#[test]
fn with_reftable_nothing_is_begun_and_the_way_out_is_told() {
    let test = TestRepository::of_kind_with_fake("repository", &["--ref-format=reftable"]);
    test.add_task(TASK, &["write a.txt 1"]);
    let answer = test.claudedo(&["run"]);
    assert_eq!(answer.status, 128, "{answer:#?}");
    assert_clear(&answer, &["reftable", "git refs migrate --ref-format=files"]);
    assert!(!test.path().join(".git/claudedo").exists());
    assert_eq!(test.fake_starts().len(), 0);
}

#[test]
fn in_a_shallow_clone_a_task_runs() {
    let test = TestRepository::with_fake();
    test.write("more.txt", "more\n");
    test.git(&["add", "."]);
    test.git(&["commit", "--quiet", "--message=More"]);
    let clone = test.gate("clone");
    let origin = format!("file://{}", test.path().display());
    test.git(&["clone", "--quiet", "--depth=1", &origin, clone.to_str().unwrap()]);
    write_task_in(&clone, TASK, &["write a.txt 1"]);
    let answer = claudedo_in(&test, &clone, &["run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(show_in(&test, &clone, &format!("claudedo/{TASK}:a.txt")), "1");
    test.git(&["-C", clone.to_str().unwrap(), "fsck", "--strict"]);
}

#[test]
fn a_partial_clone_without_its_files_is_refused_before_the_agent_with_the_way_out() {
    let test = TestRepository::with_fake();
    test.git(&["config", "--global", "uploadpack.allowFilter", "true"]);
    let clone = test.gate("clone");
    let origin = format!("file://{}", test.path().display());
    let arguments = ["clone", "--quiet", "--filter=blob:none", "--no-checkout", &origin];
    test.git(&[&arguments[..], &[clone.to_str().unwrap()]].concat());
    write_task_in(&clone, TASK, &["write a.txt 1"]);
    let answer = claudedo_in(&test, &clone, &["run"]);
    assert_eq!(answer.status, 1, "{answer:#?}");
    assert_clear(&answer, &["partial clone", "git fetch --refetch --no-filter"]);
    assert_eq!(test.fake_starts().len(), 0);
}

#[test]
fn a_submodule_is_an_empty_folder_for_the_agent_and_stays_what_it_was() {
    let test = TestRepository::with_fake();
    let library = test.gate("library");
    let path = library.to_str().unwrap();
    test.git(&["init", "--quiet", path]);
    test.git(&["-C", path, "commit", "--quiet", "--allow-empty", "--message=Library"]);
    test.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", path, "library"]);
    test.git(&["commit", "--quiet", "--message=Submodule"]);
    test.add_task(TASK, &["sh ls -A library | wc -l >count.txt", "write a.txt 1"]);
    let before = Belongings::of(&test);
    test.run(0);
    let branch = format!("claudedo/{TASK}");
    assert_eq!(test.git(&["show", &format!("{branch}:count.txt")]).trim(), "0");
    assert_eq!(
        test.git(&["rev-parse", &format!("{branch}:library")]),
        test.git(&["rev-parse", "main:library"])
    );
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_filter_whose_program_is_missing_fails_the_task_before_the_agent_starts() {
    let test = TestRepository::with_fake();
    test.write(".gitattributes", "*.bin filter=large\n");
    test.write("data.bin", "version https://git-lfs.github.com/spec/v1\n");
    test.git(&["add", "."]);
    test.git(&["commit", "--quiet", "--message=Pointer"]);
    test.add_task(TASK, &["write a.txt 1"]);
    let before = Belongings::of(&test);
    let keys =
        [("smudge", "no-such-program smudge"), ("clean", "no-such-program clean"), ("required", "true")];
    for (key, value) in keys {
        test.git(&["config", "--global", &format!("filter.large.{key}"), value]);
    }
    let answer = test.claudedo(&["run"]);
    assert_eq!(answer.status, 1, "{answer:#?}");
    assert_clear(&answer, &["Worktree creation failed"]);
    assert_eq!(test.fake_starts().len(), 0);
    assert_eq!(test.history(TASK), "claimed finished:failed");
    test.git(&["config", "--global", "--remove-section", "filter.large"]);
    let answer = test.claudedo(&["retry", "--run", TASK]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "1");
    before.assert_order(&test, &[TASK]);
}

#[test]
fn a_repository_that_is_moved_between_two_runs_is_the_same_repository() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1"]);
    test.run(0);
    let moved = test.root().join("moved elsewhere");
    fs::rename(test.path(), &moved).unwrap();
    write_task_in(&moved, "second-0002", &["write b.txt 2"]);
    let answer = claudedo_in(&test, &moved, &["run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    let answer = claudedo_in(&test, &moved, &["continue", TASK, "--message", "More", "--run"]);
    assert_clear(&answer, &[]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    // The agent's own git works in the worktree again.
    let worktree = test.workspace("worktrees", TASK);
    let status = test.program("git").args(["status"]).current_dir(worktree).output().unwrap();
    assert!(status.status.success(), "{status:#?}");
    for (task, name, text) in [(TASK, "a.txt", "1"), ("second-0002", "b.txt", "2")] {
        assert_eq!(show_in(&test, &moved, &format!("claudedo/{task}:{name}")), text);
    }
    fs::rename(moved, test.path()).unwrap();
    test.assert_sound();
}

#[test]
fn a_repository_that_is_moved_with_a_dead_run_in_it_finishes_the_run() {
    let test = TestRepository::with_fake();
    let wait = format!("on-fresh {}", test.wait_step("gate"));
    test.add_task(TASK, &["write a.txt 1", &wait, "write b.txt 2"]);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    let process = test.wait_for_process();
    runner.kill();
    crate::support::kill(&process["supervisor"]["pid"]);
    crate::support::kill(&process["agent"]["pid"]);
    let moved = test.root().join("moved");
    fs::rename(test.path(), &moved).unwrap();
    let answer = claudedo_in(&test, &moved, &["run"]);
    assert_clear(&answer, &[]);
    fs::rename(&moved, test.path()).unwrap();
    // Whatever the end in the other place was: there is one, and the files are kept.
    test.run_to_an_end();
    let history = test.history(TASK);
    super::criteria::assert_one_end_a_claim(&history);
    let places: Vec<String> = test
        .records(TASK)
        .iter()
        .filter_map(|record| record["workspace"]["snapshot"].as_str().map(str::to_owned))
        .chain([format!("claudedo/{TASK}")])
        .collect();
    let is_kept = places.iter().any(|place| {
        let what = format!("{place}:a.txt");
        test.program("git").args(["cat-file", "-e", &what]).status().unwrap().success()
    });
    let worktree = test.workspace("worktrees", TASK).join("a.txt");
    assert!(is_kept || worktree.exists(), "{history}: {places:?}");
    test.assert_sound();
}

impl TestRepository {
    fn run_to_an_end(&self) {
        let answer = self.claudedo(&["run"]);
        assert_clear(&answer, &[]);
    }
}

#[test]
fn the_state_folder_may_be_a_link_to_another_place() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1"]);
    let before = Belongings::of(&test);
    let elsewhere = test.gate("state-elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, test.path().join(".git/claudedo")).unwrap();
    test.run(0);
    assert!(elsewhere.join("machine").exists());
    before.assert_order(&test, &[TASK]);
}

#[test]
fn from_a_subfolder_or_a_linked_worktree_the_same_runner_is_met() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1", &test.wait_step("gate")]);
    test.write("deep/er/file.txt", "x\n");
    let linked = test.gate("linked");
    test.git(&["worktree", "add", "--quiet", linked.to_str().unwrap()]);
    let before = Belongings::of(&test);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    for folder in [test.path().join("deep/er"), linked, test.workspace("worktrees", TASK)] {
        let answer = claudedo_in(&test, &folder, &["run"]);
        assert_eq!(answer.status, 3, "{}: {answer:#?}", folder.display());
        assert_clear(&answer, &[&format!("Process {} runs tasks", runner.id())]);
    }
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    before.assert_order(&test, &[TASK]);
}
