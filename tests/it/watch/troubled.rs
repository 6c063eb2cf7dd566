//! Folders that vanish, events that are lost, limits and disks that are full.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::Signal;

use super::{assert_ran_once, soon, told, wait_for_all, watching};
use crate::support::{TestRepository, eventually};

/// Far more files than the kernel keeps events for (`fs.inotify.max_queued_events`, 16,384 by default).
const FLOOD: usize = 20_000;

/// How large the disk is that is full.
const SMALL_DISK: &str = "size=1m,mode=700";

#[test]
fn a_folder_that_is_deleted_and_made_again_is_watched_again() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &[]);
    for task in ["one-0001", "two-0002"] {
        fs::remove_dir_all(test.path().join(".claudedo")).unwrap();
        wait_for_all(&test, task);
    }
    fs::remove_dir_all(test.path().join(".claudedo/tasks")).unwrap();
    wait_for_all(&test, "three-0003");
}

#[test]
fn a_folder_that_is_moved_away_and_back_is_watched_again() {
    let test = TestRepository::with_fake();
    let _watcher = watching(&test, &[]);
    let (here, away) = (test.path().join(".claudedo"), test.root().join("away"));
    fs::rename(&here, &away).unwrap();
    wait_for_all(&test, "meanwhile-0001");
    test.git(&["config", "--global", "user.name", "Somebody Else"]);
    fs::remove_dir_all(&here).unwrap();
    fs::rename(&away, &here).unwrap();
    wait_for_all(&test, "back-0002");
    assert_ran_once(&test, "meanwhile-0001");
}

#[test]
fn a_task_whose_event_was_lost_in_a_flood_is_run() {
    let test = TestRepository::with_fake();
    let watcher = watching(&test, &[]);
    watcher.signal(Signal::STOP);
    let tasks = test.path().join(".claudedo/tasks");
    for number in 0..FLOOD {
        // Passed over as a task, and told of all the same.
        let path = tasks.join(format!(".{number}"));
        fs::write(&path, "").unwrap();
        fs::remove_file(path).unwrap();
    }
    test.add_task("lost-0001", &[]);
    watcher.signal(Signal::CONT);
    assert_ran_once(&test, "lost-0001");
}

/// Returns a command that a shell runs as root of a namespace of its own, or `None` where none can be made.
fn in_namespace(test: &TestRepository, script: &str) -> Option<std::process::Command> {
    let mut probe = test.program("unshare");
    probe.args(["-Urm", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    if !probe.status().is_ok_and(|status| status.success()) {
        println!("SKIPPED: no user namespace can be made here");
        return None;
    }
    let mut command = test.program("unshare");
    command.args(["-Urm", "sh", "-ec", script, "sh", env!("CARGO_BIN_EXE_git-claudedo")]);
    Some(command)
}

#[test]
fn without_a_watch_left_it_says_what_to_raise_and_looks_now_and_then() {
    let test = TestRepository::with_fake();
    let script = "echo 0 > /proc/sys/user/max_inotify_instances; exec \"$1\" watch";
    let Some(mut command) = in_namespace(&test, script) else { return };
    let said = test.gate("said");
    let mut watcher = command.stderr(fs::File::create(&said).unwrap()).spawn().unwrap();
    wait_for_all(&test, "one-0001");
    wait_for_all(&test, "two-0002");
    let said = fs::read_to_string(said).unwrap();
    assert_eq!(said.matches("fs.inotify.max_user_instances").count(), 1, "{said}");
    watcher.kill().unwrap();
    watcher.wait().unwrap();
}

#[test]
fn when_its_program_is_gone_it_looks_itself_and_says_so_once() {
    let test = TestRepository::with_fake();
    let (program, said) = (test.gate("git-claudedo"), test.gate("said"));
    fs::copy(env!("CARGO_BIN_EXE_git-claudedo"), &program).unwrap();
    let mut command = test.program(program.to_str().unwrap());
    let mut watcher = command.arg("watch").stderr(fs::File::create(&said).unwrap()).spawn().unwrap();
    wait_for_all(&test, "one-0001");
    fs::remove_file(program).unwrap();
    for task in ["two-0002", "three-0003"] {
        test.add_task(task, &[]);
        soon("it is looked at", || (!told(&test, task, "task_finished").is_empty()).then_some(()));
    }
    let said = fs::read_to_string(said).unwrap();
    assert_eq!(said.matches("this process looks at the tasks itself").count(), 1, "{said}");
    watcher.kill().unwrap();
    watcher.wait().unwrap();
}

#[test]
fn on_a_full_disk_it_stays_says_so_and_goes_on_when_there_is_room() {
    let test = TestRepository::with_fake();
    test.claudedo(&["list"]);
    let state = test.local("");
    fs::create_dir_all(&state).unwrap();
    let script = format!(
        "mount -t tmpfs -o {SMALL_DISK} tmpfs '{}'; : > '{}'; exec \"$1\" watch",
        state.display(),
        test.gate("mounted").display()
    );
    let Some(mut command) = in_namespace(&test, &script) else { return };
    let said = test.gate("said");
    let mut watcher = command.stderr(fs::File::create(&said).unwrap()).spawn().unwrap();
    let inside = |name: &str| {
        let root = PathBuf::from(format!("/proc/{}/root", watcher.id()));
        root.join(state.join(name).strip_prefix("/").unwrap())
    };
    let events = || fs::read_to_string(inside("events.ndjson")).unwrap_or_default();
    let done = |task: &str| {
        soon(&format!("{task} is finished"), || {
            let finished = |line: &str| line.contains("task_finished") && line.contains(task);
            events().lines().any(finished).then_some(())
        });
    };
    eventually("the disk is there", || test.gate("mounted").exists().then_some(()));
    test.add_task("before-0001", &[]);
    done("before-0001");
    let filler = inside("filler");
    let mut size = 1 << 20;
    while size > 0 {
        let file = fs::File::options().create(true).append(true).open(&filler).unwrap();
        if std::io::Write::write_all(&mut &file, &vec![0; size]).is_err() {
            size /= 2;
        }
    }
    test.add_task("full-0002", &[]);
    let words = || fs::read_to_string(&said).unwrap();
    soon("it is said", || words().contains("No space left on device").then_some(()));
    assert!(!events().contains("full-0002\",\"event\":\"task_finished"));
    assert_eq!(test.history("full-0002"), "");
    fs::remove_file(filler).unwrap();
    test.add_task("after-0003", &[]);
    done("after-0003");
    done("full-0002");
    assert_eq!(test.history("full-0002"), "claimed finished:done");
    println!("{}", words());
    watcher.kill().unwrap();
    watcher.wait().unwrap();
}
