//! Every file of ours cut at every byte, as a power cut may leave it: absent or told, never a panic (F36).
#![expect(clippy::disallowed_methods, reason = "a test breaks files on purpose")]

use std::fs;
use std::path::{Path, PathBuf};

use git_claudedo::os::clock;
use git_claudedo::run::{EndedBy, ExitStatus};
use git_claudedo::store::run_directory::{CancelRequest, ExitReport, RunDirectory};
use git_claudedo::store::state_directory::StateDirectory;

use super::criteria::{assert_clear, assert_one_end_a_claim};
use crate::support::{TestRepository, eventually, kill};

const TASK: &str = "work-a1b2";

/// Kills all processes of a run and returns its folder.
fn dead_run(test: &TestRepository) -> PathBuf {
    let wait = format!("on-fresh {}", test.wait_step("gate"));
    test.add_task(TASK, &["write a.txt 1", &wait, "write b.txt 2"]);
    let runner = test.start(&["run"]);
    test.wait_for_output("File written");
    let process = test.wait_for_process();
    runner.kill();
    kill(&process["supervisor"]["pid"]);
    kill(&process["agent"]["pid"]);
    test.run_folders().remove(0)
}

/// Calls for each shorter version of a file, and puts it back.
fn at_every_byte(path: &Path, mut look: impl FnMut(usize)) {
    let whole = fs::read(path).unwrap();
    assert!(!whole.is_empty(), "{}", path.display());
    for length in 0..whole.len() {
        fs::write(path, &whole[..length]).unwrap();
        look(length);
    }
    fs::write(path, whole).unwrap();
}

#[test]
fn files_of_a_run_that_are_cut_at_any_byte_count_as_absent() {
    let test = TestRepository::with_fake();
    let folder = dead_run(&test);
    let directory = RunDirectory::at(folder.clone());
    let now = clock::now();
    directory.set_cancel(&CancelRequest { at: now, reason: "Enough.".to_owned() }).unwrap();
    let exit = ExitReport {
        started: now,
        finished: now,
        status: ExitStatus::Code(0),
        ended_by: EndedBy::Itself,
        swept: Vec::new(),
        refusal: None,
    };
    directory.set_exit(&exit).unwrap();
    at_every_byte(&folder.join("plan.json"), |length| {
        assert!(directory.load_launch().unwrap().is_none(), "{length}");
    });
    at_every_byte(&folder.join("process.json"), |length| {
        assert!(directory.load_process().unwrap().is_none(), "{length}");
    });
    at_every_byte(&folder.join("exit.json"), |length| {
        assert!(directory.load_exit().unwrap().is_none(), "{length}");
    });
    at_every_byte(&folder.join("cancel"), |length| {
        assert!(directory.load_cancel().unwrap().is_none(), "{length}");
        assert!(directory.is_cancelled(), "a request that is cut at byte {length} no longer counts");
    });
}

#[test]
fn approvals_and_the_machines_id_that_are_cut_at_any_byte_are_read_or_told() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1"]);
    test.run(0);
    let state = StateDirectory::new(&test.path().join(".git"));
    let approval = fs::read_dir(test.local("trust")).unwrap().next().unwrap().unwrap().path();
    let approvals = state.load_approvals().unwrap();
    at_every_byte(&approval, |length| {
        assert_eq!(state.load_approvals().unwrap(), approvals, "{length}");
        assert!(state.load_last_approvals().unwrap().is_empty(), "{length}");
    });
    let machine = state.require_machine().unwrap();
    at_every_byte(&test.local("machine"), |length| match state.require_machine() {
        Ok(found) => assert_eq!(found, machine, "{length}"),
        Err(error) => assert!(error.to_string().contains("claudedo/machine"), "{error}"),
    });
}

#[test]
fn a_machine_id_that_is_cut_stops_a_runner_with_words_and_nothing_else() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1"]);
    test.run(0);
    let whole = fs::read(test.local("machine")).unwrap();
    for length in [0, 1, whole.len() / 2] {
        fs::write(test.local("machine"), &whole[..length]).unwrap();
        let answer = test.claudedo(&["run"]);
        assert_eq!(answer.status, 128, "{answer:#?}");
        assert_clear(&answer, &["claudedo/machine", "refs/claudedo/runs"]);
        let list = test.claudedo(&["list"]);
        assert_clear(&list, &[]);
    }
    fs::write(test.local("machine"), whole).unwrap();
    test.run(0);
}

/// Returns where a file is cut when a program is started for each length.
fn lengths(whole: &[u8]) -> [usize; 4] {
    [0, 1, whole.len() / 2, whole.len() - 1]
}

#[test]
fn derived_files_that_are_cut_change_no_answer() {
    let test = TestRepository::with_fake();
    test.add_task(TASK, &["write a.txt 1"]);
    test.add_task("second-0002", &["no-init", "exit 1"]);
    test.claudedo(&["run"]);
    let list = || test.claudedo(&["list", "--json"]).stdout;
    let answer = list();
    let files: Vec<PathBuf> =
        fs::read_dir(test.local("cache")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 2, "{files:?}");
    for path in files.iter().filter(|path| path.is_file()) {
        let whole = fs::read(path).unwrap();
        for length in lengths(&whole) {
            fs::write(path, &whole[..length]).unwrap();
            assert_eq!(list(), answer, "{} at {length}", path.display());
        }
    }
    let events = test.local("events.ndjson");
    let whole = fs::read(&events).unwrap();
    for length in lengths(&whole) {
        fs::write(&events, &whole[..length]).unwrap();
        for command in [&["events"][..], &["status"], &["run"]] {
            let answer = test.claudedo(command);
            assert_eq!(answer.status, 0, "{command:?} at {length}: {answer:#?}");
            assert_clear(&answer, &[]);
        }
    }
}

/// Cuts one file of a dead run, starts a runner, and requires an end with all files.
fn cut_and_go_on(name: &str) {
    for part in 0..4 {
        let test = TestRepository::with_fake();
        let folder = dead_run(&test);
        if name == "exit.json" {
            // The supervisor's last word, half said.
            fs::write(folder.join(name), "{\"started\":\"2026-11-22T10:00:00.000Z\",\"finished\":").unwrap();
        }
        let whole = fs::read(folder.join(name)).unwrap();
        fs::write(folder.join(name), &whole[..lengths(&whole)[part]]).unwrap();
        test.release("gate");
        let answer = test.claudedo(&["run"]);
        assert_eq!(answer.status, 0, "{name} {part}: {answer:#?}");
        assert_clear(&answer, &[]);
        assert_one_end_a_claim(&test.history(TASK));
        assert!(test.history(TASK).ends_with("finished:done"));
        eventually("all is over", || test.run_folders().is_empty().then_some(()));
        for (file, text) in [("a.txt", "1"), ("b.txt", "2")] {
            assert_eq!(test.git(&["show", &format!("claudedo/{TASK}:{file}")]), text, "{name} {part}");
        }
        test.assert_sound();
    }
}

#[test]
fn a_dead_run_with_a_cut_report_of_its_processes_is_finished() {
    cut_and_go_on("process.json");
}

#[test]
fn a_dead_run_with_a_cut_report_of_its_end_is_finished() {
    cut_and_go_on("exit.json");
}

#[test]
fn a_dead_run_with_a_cut_log_is_finished() {
    cut_and_go_on("log.ndjson");
}
