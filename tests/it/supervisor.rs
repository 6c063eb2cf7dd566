//! The supervisor, through the real binary, with small scripts as agents.
//!
//! Each test makes a run directory as the runner would, starts `git-claudedo supervise` with the task's
//! lock as standard input, and reads what it leaves. Nothing sleeps for a fixed time: a test waits for an
//! event, looking often, and fails when it does not come within [`PATIENCE`].
#![expect(clippy::disallowed_methods, reason = "a test starts the binary, makes files and looks often")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use git_claudedo::agent::environment::RUN_VARIABLE;
use git_claudedo::os::clock;
use git_claudedo::os::lock::FileLock;
use git_claudedo::os::process::{ChildrenLeft, ProcessIdentity, RunProcesses, start_supervisor};
use git_claudedo::run::{EndedBy, ExitStatus, RunId};
use git_claudedo::store::run_directory::{CancelRequest, ExitReport, Launch, Limits, RunDirectory};
use git_claudedo::supervisor::{OrphanError, Supervision, end_orphan, supervision};
use rustix::process::{Pid, Signal, kill_process};

/// Longest wait for anything. Far more than needed, because the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// No limit that a test could reach by being slow.
const LIMITS: Limits = Limits {
    deadline_ms: None,
    silence_ms: None,
    result_grace_ms: 60_000,
    background_grace_ms: 60_000,
    kill_grace_ms: 60_000,
    log_bytes_max: None,
};

pub(crate) const RESULT: &str = r#"{"duration_ms":1,"is_error":false,"subtype":"success","type":"result"}"#;
const ONE_TASK: &str = r#"{"tasks":[{"task_id":"a"}],"subtype":"background_tasks_changed","type":"system"}"#;
const NO_TASK: &str = r#"{"subtype":"background_tasks_changed","tasks":[],"type":"system"}"#;

/// A run as the runner prepares it.
pub(crate) struct Run {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) id: RunId,
    pub(crate) directory: RunDirectory,
    pub(crate) launch: Launch,
}

impl Run {
    /// Prepares a run whose agent is a shell script.
    pub(crate) fn of_script(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("agent");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let id = RunId::new_unique();
        let directory = RunDirectory::new(&folder.path().join("runs"), id);
        fs::create_dir_all(directory.path()).unwrap();
        fs::write(directory.prompt_path(), "the prompt").unwrap();
        let launch = Launch {
            run: id,
            task: "a-task-1234".parse().unwrap(),
            program,
            arguments: Vec::new(),
            working_directory: folder.path().to_owned(),
            environment: BTreeMap::new(),
            limits: LIMITS,
        };
        Self { folder, id, directory, launch }
    }

    pub(crate) fn with_limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.launch.limits);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn task_lock_path(&self) -> PathBuf {
        self.path("task.lock")
    }

    /// Writes the plan and starts the supervisor, handing over the task's lock.
    pub(crate) fn start(&self) -> Child {
        let plan = serde_json::json!({ "version": 1, "launch": self.launch });
        fs::write(self.directory.plan_path(), plan.to_string()).unwrap();
        self.start_without_plan()
    }

    fn start_without_plan(&self) -> Child {
        let lock = FileLock::try_take(&self.task_lock_path()).unwrap().unwrap();
        supervisor(&self.directory, lock.share().unwrap())
    }

    /// Starts the supervisor, waits for its end and returns what it reports.
    pub(crate) fn finish(&self) -> ExitReport {
        self.wait(&mut self.start())
    }

    pub(crate) fn wait(&self, supervisor: &mut Child) -> ExitReport {
        let status = eventually("the supervisor ends", || supervisor.try_wait().unwrap());
        assert!(status.success(), "{status}: {}", self.supervisor_log());
        let report = self.directory.load_exit().unwrap().unwrap();
        assert_eq!(self.processes(), Vec::<String>::new(), "processes of the run are left");
        assert!(!FileLock::is_held(&self.task_lock_path()).unwrap(), "the task's lock is still held");
        report
    }

    pub(crate) fn wait_for_file(&self, name: &str) -> String {
        eventually(name, || fs::read_to_string(self.path(name)).ok().filter(|text| text.ends_with('\n')))
    }

    pub(crate) fn load_pid(&self, name: &str) -> i32 {
        self.wait_for_file(name).trim().parse().unwrap()
    }

    pub(crate) fn cancel(&self) {
        let request = CancelRequest { at: clock::now(), reason: "a test".to_owned() };
        self.directory.set_cancel(&request).unwrap();
    }

    /// Returns the commands of all processes that carry the run's marker.
    pub(crate) fn processes(&self) -> Vec<String> {
        let marker = format!("{RUN_VARIABLE}={}", self.id);
        let processes =
            RunProcesses { marker, roots: Vec::new(), inherited: None }.find(ChildrenLeft::NotOurs).unwrap();
        processes.into_iter().map(|process| process.command).collect()
    }

    fn supervisor_log(&self) -> String {
        fs::read_to_string(self.directory.supervisor_log_path()).unwrap_or_default()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.log_path()).unwrap()
    }
}

impl Drop for Run {
    /// Leaves nothing behind when a test fails.
    fn drop(&mut self) {
        let marker = format!("{RUN_VARIABLE}={}", self.id);
        for process in (RunProcesses { marker, roots: Vec::new(), inherited: None })
            .find(ChildrenLeft::NotOurs)
            .unwrap_or_default()
        {
            kill_process(Pid::from_raw(process.identity.pid).unwrap(), Signal::KILL).unwrap_or_default();
        }
    }
}

/// Starts the supervisor as a child that this test can wait for, with the environment a runner would give it.
fn supervisor(directory: &RunDirectory, task_lock: File) -> Child {
    let log = File::create(directory.supervisor_log_path()).unwrap();
    Command::new(env!("CARGO_BIN_EXE_git-claudedo"))
        .arg("supervise")
        .arg(directory.path())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdin(task_lock)
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap()
}

/// Waits until something is there, looking often.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn send(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

pub(crate) fn run_async<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn an_agent_reads_the_prompt_writes_the_log_and_its_exit_code_is_kept() {
    let mut run =
        Run::of_script(r#"cat; echo; echo "$EXTRA $CLAUDEDO_RUN $1 $(pwd)"; echo oops >&2; exit 7"#);
    run.launch.environment.insert("EXTRA".to_owned(), "extra".to_owned());
    run.launch.arguments.push("an argument".to_owned());
    let report = run.finish();
    assert_eq!(report.status, ExitStatus::Code(7));
    assert_eq!(report.ended_by, EndedBy::Itself);
    assert_eq!(report.swept, []);
    assert!(report.started <= report.finished);
    let folder = run.folder.path().canonicalize().unwrap();
    assert_eq!(run.log(), format!("the prompt\nextra {} an argument {}\n", run.id, folder.display()));
    assert_eq!(fs::read_to_string(run.directory.stderr_path()).unwrap(), "oops\n");
    assert_eq!(run.supervisor_log(), "");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&run.directory.log_path()), 0o600);
    assert_eq!(mode(&run.directory.stderr_path()), 0o600);
    assert_eq!(supervision(&run.directory).unwrap(), Supervision::Ended(report));
}

#[test]
fn an_agent_inherits_its_streams_and_the_tasks_lock_and_nothing_else() {
    let run = Run::of_script("for fd in /proc/$$/fd/*; do readlink $fd; done");
    run.finish();
    let log = run.log();
    let folder = run.folder.path().canonicalize().unwrap();
    // What the shell of this test was started with is not of this test's making.
    let own =
        log.lines().filter_map(|path| Path::new(path).strip_prefix(&folder).ok()?.file_name()?.to_str());
    let names: Vec<_> = own.filter(|name| *name != "agent").collect(); // the shell reads its script
    assert_eq!(names, ["prompt.md", "log.ndjson", "stderr.log", "task.lock"]);
}

#[test]
fn a_signal_that_kills_the_agent_is_kept() {
    let report = Run::of_script("kill -KILL $$").finish();
    assert_eq!((report.status, report.ended_by), (ExitStatus::Signal(9), EndedBy::Itself));
}

#[test]
fn an_agent_that_cannot_be_executed_did_not_start() {
    let run = Run::of_script("exit 0");
    fs::set_permissions(&run.launch.program, fs::Permissions::from_mode(0o644)).unwrap();
    let report = run.finish();
    let ExitStatus::NotStarted(reason) = report.status else { panic!("{:?}", report.status) };
    assert!(reason.starts_with(&format!("start {}: ", run.launch.program.display())), "{reason}");
    assert_eq!(run.directory.load_process().unwrap(), None);
}

#[test]
fn a_missing_working_directory_is_named() {
    let mut run = Run::of_script("exit 0");
    run.launch.working_directory = run.path("gone");
    let report = run.finish();
    let gone = run.path("gone");
    let reason = format!("the working directory {} is not there", gone.display());
    assert_eq!((report.status, report.ended_by), (ExitStatus::NotStarted(reason), EndedBy::Itself));
}

#[test]
fn without_a_plan_nothing_starts() {
    let run = Run::of_script("exit 0");
    let mut supervisor = run.start_without_plan();
    let status = eventually("the supervisor ends", || supervisor.try_wait().unwrap());
    assert!(!status.success());
    assert_eq!(supervision(&run.directory).unwrap(), Supervision::NeverStarted);
}

#[test]
fn a_run_starts_once() {
    let run = Run::of_script("echo started; exit 0");
    run.finish();
    let second = run.start();
    run.wait(&mut { second });
    assert_eq!(run.log(), "started\n");
    fs::remove_file(run.directory.path().join("exit.json")).unwrap();
    let mut third = run.start();
    assert!(!eventually("the supervisor ends", || third.try_wait().unwrap()).success());
    assert_eq!(run.log(), "started\n");
}

#[test]
fn a_second_supervisor_gives_up() {
    let run = Run::of_script("echo $$ > pid; exec sleep 300");
    let mut first = run.start();
    run.wait_for_file("pid");
    let mut second = supervisor(&run.directory, File::create(run.path("other.lock")).unwrap());
    assert!(!eventually("the second ends", || second.try_wait().unwrap()).success());
    run.cancel();
    assert_eq!(run.wait(&mut first).ended_by, EndedBy::Cancel);
}

#[test]
fn a_supervisor_without_the_tasks_lock_starts_nothing() {
    let run = Run::of_script("exit 0");
    let held = FileLock::try_take(&run.task_lock_path()).unwrap().unwrap();
    fs::write(run.directory.plan_path(), serde_json::json!({ "launch": run.launch }).to_string()).unwrap();
    let mut supervisor = supervisor(&run.directory, File::open(run.task_lock_path()).unwrap());
    assert!(!eventually("the supervisor ends", || supervisor.try_wait().unwrap()).success());
    assert!(!run.directory.was_started());
    drop(held);
}

#[test]
fn a_cancel_before_the_start_starts_nothing() {
    let run = Run::of_script("exit 0");
    run.cancel();
    let report = run.finish();
    let reason = "cancelled before the start".to_owned();
    assert_eq!((report.status, report.ended_by), (ExitStatus::NotStarted(reason), EndedBy::Cancel));
    assert!(!run.directory.was_started());
}

#[test]
fn an_agent_that_ignores_sigterm_is_killed_after_the_grace() {
    let script = "trap '' TERM; echo ready > ready; while :; do sleep 1; done";
    let run = Run::of_script(script).with_limits(|limits| limits.kill_grace_ms = 200);
    let mut supervisor = run.start();
    run.wait_for_file("ready");
    run.cancel();
    let report = run.wait(&mut supervisor);
    assert_eq!((report.status, report.ended_by), (ExitStatus::Signal(9), EndedBy::Cancel));
}

#[test]
fn a_cancel_answered_by_success_is_still_a_cancel() {
    let script = "trap 'echo \"$RESULT\"; exit 0' TERM; echo ready > ready; while :; do sleep 0.01; done";
    let mut run = Run::of_script(script);
    run.launch.environment.insert("RESULT".to_owned(), RESULT.to_owned());
    let mut supervisor = run.start();
    run.wait_for_file("ready");
    run.cancel();
    let report = run.wait(&mut supervisor);
    assert_eq!((report.status, report.ended_by), (ExitStatus::Code(0), EndedBy::Cancel));
    assert_eq!(run.log(), format!("{RESULT}\n"));
}

#[test]
fn a_cancel_written_by_the_agents_last_breath_counts() {
    let mut run = Run::of_script("echo '{}' > \"$DIRECTORY/cancel\"; exit 0");
    let directory = run.directory.path().to_str().unwrap().to_owned();
    run.launch.environment.insert("DIRECTORY".to_owned(), directory);
    assert_eq!(run.finish().ended_by, EndedBy::Cancel);
}

#[test]
fn a_signal_to_the_supervisor_is_a_cancel_that_it_writes_down() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let run = Run::of_script("echo $$ > pid; exec sleep 300");
        let mut supervisor = run.start();
        run.wait_for_file("pid");
        send(supervisor.id(), signal);
        let report = run.wait(&mut supervisor);
        assert_eq!((report.status, report.ended_by), (ExitStatus::Signal(15), EndedBy::Cancel));
        assert!(run.directory.load_cancel().unwrap().unwrap().reason.starts_with("the supervisor got SIG"));
    }
}

#[test]
fn the_deadline_ends_a_busy_agent() {
    let run = Run::of_script("while :; do echo busy; sleep 0.01; done")
        .with_limits(|limits| limits.deadline_ms = Some(300));
    assert_eq!(run.finish().ended_by, EndedBy::Deadline);
}

#[test]
fn silence_ends_an_agent_that_prints_nothing_more() {
    let run = Run::of_script("echo one; exec sleep 300").with_limits(|limits| limits.silence_ms = Some(300));
    assert_eq!(run.finish().ended_by, EndedBy::Silence);
    assert_eq!(run.log(), "one\n");
}

#[test]
fn an_agent_that_stays_after_its_result_is_ended() {
    let run = Run::of_script(&format!("echo '{RESULT}'; exec sleep 300"))
        .with_limits(|limits| limits.result_grace_ms = 100);
    let report = run.finish();
    assert_eq!((report.status, report.ended_by), (ExitStatus::Signal(15), EndedBy::ResultGrace));
}

#[test]
fn background_tasks_have_their_own_grace_after_the_result() {
    // With the short grace it would be ended before its second result.
    let script = format!(
        "echo '{ONE_TASK}'; echo '{RESULT}'; sleep 1; touch second; echo '{NO_TASK}'; echo '{RESULT}'; sleep 300"
    );
    let run = Run::of_script(&script).with_limits(|limits| limits.result_grace_ms = 50);
    assert_eq!(run.finish().ended_by, EndedBy::ResultGrace);
    assert!(run.path("second").exists());
}

#[test]
fn grandchildren_that_left_the_group_are_ended_and_listed() {
    let script = "(setsid sh -c 'setsid sleep 301 & echo $! > sleeper' &) ; \
                  while ! [ -s sleeper ]; do sleep 0.01; done; exit 0";
    let run = Run::of_script(script);
    let report = run.finish();
    assert_eq!((&report.status, report.ended_by), (&ExitStatus::Code(0), EndedBy::Itself));
    let sleeper = report.swept.iter().find(|process| process.pid == run.load_pid("sleeper")).unwrap();
    assert_ne!(sleeper.command, "");
}

#[test]
fn a_grandchild_that_holds_the_log_delays_nothing() {
    let run = Run::of_script("trap '' TERM; (while :; do sleep 1; done) & exit 0");
    let begin = Instant::now();
    let report = run.finish();
    assert_eq!(report.status, ExitStatus::Code(0));
    assert_ne!(report.swept, []);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
fn a_grandchild_that_cleared_its_environment_is_ended() {
    let script = "setsid env -i sh -c 'echo $$ > cleared; exec sleep 302' & \
                  while ! [ -s cleared ]; do sleep 0.01; done; exit 0";
    let run = Run::of_script(script);
    let report = run.finish();
    assert!(report.swept.iter().any(|process| process.pid == run.load_pid("cleared")));
}

#[test]
fn of_very_many_processes_all_are_ended_and_some_are_listed() {
    let script = "i=0; while [ $i -lt 250 ]; do setsid sh -c 'echo >> started; exec sleep 303' & i=$((i+1)); done; \
                  while [ $(wc -l < started) -lt 250 ]; do sleep 0.02; done";
    let report = Run::of_script(script).finish();
    assert_eq!(report.swept.iter().filter(|process| process.command.ends_with("sleep 303")).count(), 200);
    assert_eq!(report.warnings, ["250 processes outlived the agent and were ended; 200 of them are listed"]);
}

#[test]
fn a_process_that_doubles_while_it_is_swept_is_ended() {
    let run = Run::of_script("n=7 setsid sh bomb & exit 0").with_limits(|limits| limits.kill_grace_ms = 100);
    let bomb = "trap '' TERM; if [ $n -gt 0 ]; then n=$((n-1)); n=$n setsid sh bomb & n=$n setsid sh bomb & fi; wait; sleep 304";
    fs::write(run.path("bomb"), bomb).unwrap();
    assert_eq!(run.finish().status, ExitStatus::Code(0));
}

#[test]
fn a_process_that_starts_others_while_it_is_swept_is_ended() {
    let script = "setsid sh -c \"trap '' TERM; while :; do setsid sleep 304 & sleep 0.005; done\" & \
                  sleep 0.1; exit 0";
    let run = Run::of_script(script).with_limits(|limits| limits.kill_grace_ms = 100);
    assert!(run.finish().swept.len() > 1);
}

#[test]
fn a_process_that_only_lives_on_in_its_child_is_ended() {
    // Each shell starts the next one and ends, so that none of them is old.
    let comet = "trap '' TERM; if [ $n -gt 0 ]; then n=$((n-1)) setsid sh comet & fi";
    let run = Run::of_script("n=100000 setsid sh comet & sleep 0.1; exit 0")
        .with_limits(|limits| limits.kill_grace_ms = 100);
    fs::write(run.path("comet"), comet).unwrap();
    let report = run.finish();
    assert_eq!(report.status, ExitStatus::Code(0));
}

#[test]
fn an_agent_whose_supervisor_was_killed_holds_the_lock_until_the_orphan_is_ended() {
    let script = "setsid sleep 305 & echo $! > sleeper; echo before; echo $$ > pid; while ! [ -e go ]; do sleep 0.01; done; \
                  echo after; echo done > done; exec sleep 306";
    let run = Run::of_script(script).with_limits(|limits| limits.kill_grace_ms = 1000);
    let mut supervisor = run.start();
    let pid = run.load_pid("pid");
    eventually("process.json", || run.directory.load_process().unwrap());
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    assert_eq!(supervision(&run.directory).unwrap(), Supervision::Orphaned);
    assert!(FileLock::is_held(&run.task_lock_path()).unwrap());
    let process = run.directory.load_process().unwrap().unwrap();
    assert_eq!(process.agent.pid, pid);
    assert!(process.agent.is_alive());
    fs::write(run.path("go"), "").unwrap();
    run.wait_for_file("done");

    let now = clock::now();
    let report = run_async(end_orphan(&run.directory, None, now)).unwrap();
    assert_eq!((&report.status, report.ended_by), (&ExitStatus::Unknown, EndedBy::SupervisorLost));
    assert_eq!((report.started, report.finished), (process.started, now));
    let mut pids: Vec<_> = report.swept.iter().map(|process| process.pid).collect();
    pids.sort_unstable();
    let mut expected = [pid, run.load_pid("sleeper")];
    expected.sort_unstable();
    assert_eq!(pids, expected);
    assert!(!process.agent.is_alive());
    assert_eq!(run.processes(), Vec::<String>::new());
    eventually("the lock is free", || (!FileLock::is_held(&run.task_lock_path()).unwrap()).then_some(()));
    assert_eq!(run.log(), "before\nafter\n");
    assert_eq!(supervision(&run.directory).unwrap(), Supervision::Ended(report.clone()));
    assert_eq!(run_async(end_orphan(&run.directory, None, clock::now())).unwrap(), report);
}

#[test]
fn a_run_whose_supervisor_lives_is_no_orphan() {
    let run = Run::of_script("echo $$ > pid; exec sleep 300");
    let mut supervisor = run.start();
    run.wait_for_file("pid");
    assert_eq!(supervision(&run.directory).unwrap(), Supervision::Supervised);
    let refused = run_async(end_orphan(&run.directory, None, clock::now())).unwrap_err();
    assert!(matches!(refused, OrphanError::Supervised(_)));
    run.cancel();
    assert_eq!(run.wait(&mut supervisor).status, ExitStatus::Signal(15));
}

#[test]
fn what_an_orphan_left_behind_is_found_by_its_marker() {
    let script = "setsid sleep 307 & echo $! > sleeper; echo $$ > pid; \
                  while ! [ -e go ]; do sleep 0.01; done; exit 0";
    let run = Run::of_script(script);
    let mut supervisor = run.start();
    let agent = ProcessIdentity::of(run.load_pid("pid")).unwrap().unwrap();
    let sleeper = ProcessIdentity::of(run.load_pid("sleeper")).unwrap().unwrap();
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    fs::write(run.path("go"), "").unwrap();
    eventually("the agent has ended", || (!agent.is_alive()).then_some(()));
    assert!(sleeper.is_alive());
    let report = run_async(end_orphan(&run.directory, None, clock::now())).unwrap();
    assert!(!sleeper.is_alive());
    let pids: Vec<_> = report.swept.iter().map(|process| process.pid).collect();
    assert_eq!(pids, [sleeper.pid]);
}

#[test]
fn an_orphan_that_was_cancelled_was_ended_by_the_cancel() {
    let run = Run::of_script("echo $$ > pid; exec sleep 300");
    let mut supervisor = run.start();
    run.wait_for_file("pid");
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    run.cancel();
    let report = run_async(end_orphan(&run.directory, None, clock::now())).unwrap();
    assert_eq!(report.ended_by, EndedBy::Cancel);
}

#[test]
fn a_process_that_took_over_the_agents_number_is_left_alone() {
    let run = Run::of_script("echo $$ > pid; exec sleep 300");
    let mut supervisor = run.start();
    run.wait_for_file("pid");
    let mut report = eventually("process.json", || run.directory.load_process().unwrap());
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    run_async(end_orphan(&run.directory, None, clock::now())).unwrap();
    fs::remove_file(run.directory.path().join("exit.json")).unwrap();

    // This test's own child stands for a process that got the number later, or after a reboot.
    let mut bystander = bystander();
    let identity = ProcessIdentity::of(i32::try_from(bystander.id()).unwrap()).unwrap().unwrap();
    for agent in [
        ProcessIdentity { start_ticks: identity.start_ticks - 1, ..identity.clone() },
        ProcessIdentity { boot_id: "an earlier boot".to_owned(), ..identity },
    ] {
        report.agent = agent;
        run.directory.set_process(&report).unwrap();
        let exit = run_async(end_orphan(&run.directory, None, clock::now())).unwrap();
        assert_eq!(exit.swept, []);
        fs::remove_file(run.directory.path().join("exit.json")).unwrap();
    }
    drop(bystander.stdin.take());
    assert!(bystander.wait().unwrap().success(), "it was killed");
}

fn bystander() -> Child {
    Command::new("cat").stdin(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_log_written_before_everybody_was_killed_is_whole() {
    let run =
        Run::of_script("i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done; kill -9 $PPID $$");
    let mut supervisor = run.start();
    let status = eventually("the supervisor is killed", || supervisor.try_wait().unwrap());
    assert!(!status.success());
    assert_eq!(run.log().lines().count(), 1000);
    eventually("the lock is free", || (!FileLock::is_held(&run.task_lock_path()).unwrap()).then_some(()));
    let report = run_async(end_orphan(&run.directory, None, clock::now())).unwrap();
    assert_eq!(report.ended_by, EndedBy::SupervisorLost);
}

#[test]
fn a_stopped_supervisor_that_goes_on_does_not_take_its_own_sleep_for_silence() {
    let script = "while :; do echo tick; touch ticked; sleep 0.05; [ -e quiet ] && exec sleep 300; done";
    let run = Run::of_script(script).with_limits(|limits| limits.silence_ms = Some(2500));
    let mut supervisor = run.start();
    eventually("the agent works", || run.path("ticked").exists().then_some(()));
    send(supervisor.id(), Signal::STOP);
    fs::write(run.path("quiet"), "").unwrap();
    let stopped = Instant::now();
    eventually("more than the silence limit has passed", || {
        (stopped.elapsed() > Duration::from_secs(3)).then_some(())
    });
    send(supervisor.id(), Signal::CONT);
    let woken = Instant::now();
    let report = run.wait(&mut supervisor);
    assert_eq!(report.ended_by, EndedBy::Silence);
    assert!(woken.elapsed() >= Duration::from_millis(2400), "{:?}", woken.elapsed());
}

#[test]
fn the_supervisor_as_the_runner_starts_it_outlives_the_handle() {
    let run = Run::of_script("echo \"[$GIVEN] [${HOME-unset}]\"; exit 0");
    fs::write(run.directory.plan_path(), serde_json::json!({ "launch": run.launch }).to_string()).unwrap();
    let environment: BTreeMap<OsString, OsString> =
        BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into()), ("GIVEN".into(), "given".into())]);
    run_async(async {
        let lock = FileLock::try_take(&run.task_lock_path()).unwrap().unwrap();
        let log = File::create(run.directory.supervisor_log_path()).unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_git-claudedo"));
        let file = lock.share().unwrap();
        let child = start_supervisor(program, run.directory.path(), file, log, &environment).unwrap();
        drop(child);
    });
    eventually("exit.json", || run.directory.load_exit().unwrap());
    assert_eq!(run.log(), "[given] [unset]\n");
    eventually("the lock is free", || (!FileLock::is_held(&run.task_lock_path()).unwrap()).then_some(()));
}
