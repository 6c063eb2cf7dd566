//! Things that change under a run: its folder, its plan, its task, its worktree, its branch.
#![expect(clippy::disallowed_methods, reason = "a test breaks things on purpose")]

use std::fs;
use std::path::PathBuf;

use crate::support::{Started, TestRepository, kill};

const TASK: &str = "long-a1b2";

/// Starts a runner on a task that writes a file and waits; returns once the file is written.
fn at_work(test: &TestRepository) -> Started {
    test.add_task(TASK, &["write a.txt 1", &test.wait_step("gate"), "text Ready."]);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    runner
}

/// Kills all three processes of a run and returns its folder.
fn kill_everything(test: &TestRepository) -> PathBuf {
    let runner = at_work(test);
    let process = test.wait_for_process();
    runner.kill();
    kill(&process["supervisor"]["pid"]);
    kill(&process["agent"]["pid"]);
    test.run_folders().remove(0)
}

fn release_and_finish(test: &TestRepository, runner: Started) {
    release_and_end(test, runner, (0, "done"));
}

/// Lets the run end; its work is not where it belongs, so that it is not done.
fn release_and_miss(test: &TestRepository, runner: Started) {
    release_and_end(test, runner, (1, "failed"));
    assert_eq!(test.record(TASK)["reason"], "commit");
}

fn release_and_end(test: &TestRepository, runner: Started, (status, outcome): (i32, &str)) {
    test.release("gate");
    let answer = runner.wait();
    assert_eq!(answer.status, status, "{answer:#?}");
    assert_eq!(test.history(TASK), format!("claimed finished:{outcome}"));
    assert_eq!(test.run_folders(), Vec::<PathBuf>::new());
    test.assert_sound();
}

#[test]
fn a_claim_whose_folder_is_gone_ends_as_interrupted_and_can_be_run_again() {
    let test = TestRepository::with_fake();
    fs::remove_dir_all(kill_everything(&test)).unwrap();
    test.release("gate");
    test.claudedo(&["run"]);
    assert_eq!(test.history(TASK), "claimed finished:interrupted");
    assert_eq!(fs::read_to_string(test.workspace("worktrees", TASK).join("a.txt")).unwrap(), "1\n");
    let answer = test.claudedo(&["retry", TASK, "--run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "1");
}

#[test]
fn a_folder_whose_plan_cannot_be_read_is_kept_and_told() {
    let test = TestRepository::with_fake();
    let folder = kill_everything(&test);
    let log = fs::read(folder.join("log.ndjson")).unwrap();
    fs::write(folder.join("plan.json"), "{\"version\":1,").unwrap();
    test.release("gate");
    let answer = test.claudedo(&["run"]);
    assert!(answer.stderr.contains("plan.json"), "{answer:#?}");
    assert_eq!(fs::read(folder.join("log.ndjson")).unwrap(), log);
    assert_eq!(test.fake_starts().len(), 1, "the task was started a second time");
}

#[test]
fn a_run_that_a_newer_version_planned_is_left_alone_and_told() {
    let test = TestRepository::with_fake();
    let folder = kill_everything(&test);
    let plan = fs::read_to_string(folder.join("plan.json")).unwrap();
    let mut newer: serde_json::Value = serde_json::from_str(&plan).unwrap();
    newer["version"] = 99.into();
    newer["launch"] = "said otherwise".into();
    fs::write(folder.join("plan.json"), newer.to_string()).unwrap();
    test.release("gate");
    let answer = test.claudedo(&["run"]);
    assert!(answer.stderr.contains("planned by a newer git-claudedo; install it"), "{answer:#?}");
    let answer = test.claudedo(&["cancel", TASK]);
    assert_eq!(answer.status, 1, "{answer:#?}");
    assert!(answer.stderr.contains("planned by a newer git-claudedo"), "{answer:#?}");
    assert_eq!(test.history(TASK), "claimed");
    assert_eq!(test.run_folders(), std::slice::from_ref(&folder));
    assert_eq!(test.fake_starts().len(), 1, "the task was started a second time");
    // The newer version does as it was asked.
    fs::write(folder.join("plan.json"), plan).unwrap();
    test.claudedo(&["run"]);
    assert_eq!(test.history(TASK), "claimed finished:cancelled");
}

/// Plans a run whose claim cannot be written, and lets go of what was in the way.
fn only_planned(test: &TestRepository) {
    test.add_task(TASK, &["write a.txt old"]);
    test.git(&["pack-refs", "--all"]);
    let lock = test.path().join(".git/packed-refs.lock");
    fs::write(&lock, "").unwrap();
    test.run(1);
    fs::remove_file(lock).unwrap();
    assert_eq!((test.history(TASK).as_str(), test.run_folders().len()), ("", 1));
}

#[test]
fn a_task_that_is_edited_before_its_claim_is_written_is_run_as_it_is_now() {
    let test = TestRepository::with_fake();
    only_planned(&test);
    test.add_task(TASK, &["write a.txt new"]);
    test.run(0);
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "new");
    assert_eq!(test.history(TASK), "claimed finished:done");
    assert_eq!((test.fake_starts().len(), test.run_folders().len()), (1, 0));
}

#[test]
fn a_task_that_is_deleted_before_its_claim_is_written_is_not_run() {
    let test = TestRepository::with_fake();
    only_planned(&test);
    fs::remove_file(test.path().join(format!(".claudedo/tasks/{TASK}.yaml"))).unwrap();
    test.run(0);
    assert_eq!(test.history(TASK), "");
    assert_eq!((test.fake_starts().len(), test.run_folders().len()), (0, 0));
}

#[test]
fn a_task_that_is_cancelled_before_its_claim_is_written_is_cancelled() {
    let test = TestRepository::with_fake();
    only_planned(&test);
    let answer = test.claudedo(&["cancel", TASK]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.history(TASK), "claimed finished:cancelled");
    assert_eq!((test.fake_starts().len(), test.run_folders().len()), (0, 0));
}

#[test]
fn a_task_that_is_edited_while_it_runs_is_recorded_as_it_was_claimed() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let claimed = fs::read(test.path().join(format!(".claudedo/tasks/{TASK}.yaml"))).unwrap();
    test.write_task(TASK, "title: Something else\n");
    release_and_finish(&test, runner);
    assert_eq!(test.run_file(TASK, 1, "task.yaml").unwrap(), claimed);
    let title = test.git(&["log", "-1", "--format=%s", &format!("claudedo/{TASK}")]);
    assert_eq!(title, TASK);
}

#[test]
fn a_task_that_is_deleted_while_it_runs_is_recorded() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    fs::remove_file(test.path().join(format!(".claudedo/tasks/{TASK}.yaml"))).unwrap();
    release_and_finish(&test, runner);
    assert_eq!(test.record(TASK)["result"], "Ready.");
    assert_eq!(test.claudedo(&["show", TASK]).status, 0);
}

#[test]
fn a_worktree_that_is_deleted_while_the_agent_works_is_told_in_the_record() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    fs::remove_dir_all(test.workspace("worktrees", TASK)).unwrap();
    release_and_miss(&test, runner);
    let warnings = test.record(TASK)["warnings"].to_string();
    assert!(warnings.contains("was gone when the run ended"), "{warnings}");
    // The next run makes it anew.
    let answer = test.claudedo(&["continue", TASK, "--message", "More", "--run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "1");
}

#[test]
fn a_branch_that_is_deleted_while_the_agent_works_is_not_made_again_and_its_files_are_kept_aside() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    test.git(&["update-ref", "-d", &format!("refs/heads/claudedo/{TASK}")]);
    release_and_miss(&test, runner);
    assert_eq!(test.git(&["branch", "--list", "claudedo/*"]), "");
    let record = test.record(TASK);
    assert!(record["warnings"].to_string().contains("was deleted during the run"), "{record:#}");
    let snapshot = record["workspace"]["snapshot"].as_str().unwrap();
    assert_eq!(test.git(&["show", &format!("{snapshot}:a.txt")]), "1");
}

#[test]
fn a_copy_of_the_repository_leaves_what_is_at_work_to_the_original() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let copy = test.root().join("copy");
    assert!(test.program("cp").arg("-a").args([test.path(), copy.clone()]).status().unwrap().success());
    let in_copy =
        test.program(env!("CARGO_BIN_EXE_git-claudedo")).arg("run").current_dir(&copy).output().unwrap();
    let said = String::from_utf8(in_copy.stderr).unwrap();
    assert!(said.contains("goes on as a machine of its own"), "{said}");
    release_and_finish(&test, runner);
    assert_eq!(test.fake_starts().len(), 1);
}

#[test]
fn a_repository_that_is_moved_while_the_agent_works_finishes_the_run_in_its_new_place() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    runner.kill();
    let moved = test.root().join("moved");
    fs::rename(test.path(), &moved).unwrap();
    test.release("gate");
    test.assert_no_process_left();
    let again =
        test.program(env!("CARGO_BIN_EXE_git-claudedo")).arg("run").current_dir(&moved).output().unwrap();
    assert!(again.status.success(), "{again:#?}");
    fs::rename(&moved, test.path()).unwrap();
    assert_eq!(test.records(TASK).last().unwrap()["outcome"], "done");
}

#[test]
fn lock_files_that_killed_writers_left_on_refs_of_ours_stop_nothing() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    let machine = fs::read_to_string(test.local("machine")).unwrap();
    test.write(&format!(".git/refs/heads/claudedo/{TASK}.lock"), "");
    test.write(&format!(".git/refs/claudedo/runs/{}.lock", machine.trim()), "");
    release_and_finish(&test, runner);
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "1");
}

#[test]
fn a_lock_that_the_agent_left_on_its_index_keeps_no_work_and_no_status_back() {
    let test = TestRepository::with_fake();
    let runner = at_work(&test);
    test.write(&format!(".git/worktrees/{TASK}/index.lock"), "");
    release_and_finish(&test, runner);
    assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:a.txt")]), "1");
    let worktree = test.workspace("worktrees", TASK);
    let folder = worktree.to_str().unwrap();
    assert_eq!(test.git(&["--no-optional-locks", "-C", folder, "status", "--porcelain"]), "");
}

#[test]
fn the_folder_of_a_run_without_a_record_is_kept_although_a_later_run_was_planned() {
    let test = TestRepository::with_fake();
    let folder = kill_everything(&test);
    let later = "ffffffff-ac96-774b-bcce-b302099a8057";
    let name = folder.file_name().unwrap().to_str().unwrap();
    let plan = fs::read_to_string(folder.join("plan.json")).unwrap().replace(name, later);
    test.write(&format!(".git/claudedo/runs/{later}/plan.json"), &plan);
    let log = fs::read(folder.join("log.ndjson")).unwrap();
    test.release("gate");
    let answer = test.claudedo(&["run"]);
    assert!(answer.stderr.contains("has no record although a later run was planned"), "{answer:#?}");
    assert_eq!(fs::read(folder.join("log.ndjson")).unwrap(), log);
}
