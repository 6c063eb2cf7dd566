//! One trial: a repository, a program that is broken at one system call, a clean start, and what is left then.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::any::Any;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::point::{Fault, Point, Process};
use super::scenario::{BEGUN, GATE, OTHER_TASK, Scenario, TASK};
use crate::criteria::{Theirs, broken, is_half_written, prepare, unclear, write_by_hand};
use crate::support::{Answer, TestRepository};

/// How long any command of a trial may take. What takes longer is stuck.
const DEADLINE: Duration = Duration::from_secs(20);

/// After so long, is looked whether a trial broke what cannot break, and waits for ever.
const UNREAL_TIME: Duration = Duration::from_secs(3);

/// How often is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_git-claudedo");

/// What became of a trial.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Whether the process came as far as the point.
    pub(super) is_struck: bool,
    /// The last system calls before, for people.
    pub(super) calls: String,
    /// What does not hold.
    pub(super) broken: Vec<String>,
    /// The states of all tasks in the end.
    pub(super) states: Vec<String>,
    pub(super) took: Duration,
}

/// Breaks the program at a point and looks at what is left.
pub(super) fn run(point: &Point) -> Told {
    let begun = Instant::now();
    let mut told = Told::default();
    let tried = catch_unwind(AssertUnwindSafe(|| Trial::new(point.clone()).run(&mut told)));
    if let Err(panic) = tried {
        told.broken.push(words(panic.as_ref()));
    }
    told.took = begun.elapsed();
    told
}

/// Returns the lines of strace's log of a life in which nothing is broken.
pub(super) fn count(scenario: Scenario, process: Process) -> String {
    // At a call that is never reached.
    let first = if process == Process::Recovery { 40 } else { 0 };
    let point = Point { scenario, process, call: "all".to_owned(), fault: Fault::Kill, at: 60_000, first };
    let trial = Trial::new(point);
    trial.work(&mut Told::default());
    fs::read_to_string(trial.log()).unwrap_or_default()
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}

struct Trial {
    point: Point,
    test: TestRepository,
}

impl Trial {
    fn new(point: Point) -> Self {
        let test = TestRepository::with_fake();
        prepare(&test);
        point.scenario.write(&test);
        Self { point, test }
    }

    fn run(&self, told: &mut Told) {
        let before = Theirs::of(&self.test);
        self.work(told);
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let injected = log.lines().filter(|line| line.contains("(INJECTED)"));
        let is_unreal = is_unreal(&log);
        told.is_struck = if self.point.fault == Fault::Kill {
            log.contains("killed by SIGKILL")
        } else {
            injected.count() > 0 && !is_unreal
        };
        told.calls = last_calls(&log);
        if is_unreal {
            told.broken.clear();
            return;
        }
        self.test.release(GATE);
        let before = if self.point.scenario == Scenario::Added { self.add_again(told) } else { before };
        if let Some(arguments) = self.point.process.of_ended() {
            self.finish("the same command again", self.plain(), arguments, told);
        }
        self.start_again(told);
        told.states = self.states();
        self.judge_ends(told, &log);
        if log.lines().any(|line| line.contains("(INJECTED)") && line.contains("/stderr>")) {
            // What was said of the failure is what failed.
            told.broken.retain(|line| !line.starts_with("3: "));
        }
        told.broken.extend(broken(&self.test, &before));
    }

    /// Does what somebody does, with one process broken.
    fn work(&self, told: &mut Told) {
        if self.point.scenario == Scenario::Added {
            let arguments = self.point.scenario.add_arguments(&self.test);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let command =
                if self.point.process == Process::Add { self.straced(&self.point) } else { self.plain() };
            self.finish("add", command, &arguments, told);
            if self.point.process == Process::Add {
                return;
            }
        }
        if let Some(arguments) = self.point.process.of_ended() {
            self.finish("the run before", self.plain(), &["run"], told);
            // A worktree in which somebody wrote stays: another one is to go.
            let task = if self.point.process == Process::Prune { OTHER_TASK } else { TASK };
            write_by_hand(&self.test, &self.test.workspace("worktrees", task));
            self.finish("the command", self.straced(&self.point), arguments, told);
            return;
        }
        if self.point.first > 0 {
            let first = Point {
                process: Process::Runner,
                call: "fsync".to_owned(),
                fault: Fault::Kill,
                at: self.point.first,
                ..self.point.clone()
            };
            // Where the point is beyond its end, somebody has to cancel it as well.
            self.run_and_cancel(self.straced(&first), told);
        }
        let command = match self.point.process {
            Process::Runner | Process::MainThread | Process::Recovery | Process::Tree => {
                self.straced(&self.point)
            }
            Process::Supervisor => self.with_supervisor(),
            Process::Git => self.with_git(),
            Process::Add | Process::Cancel | Process::Prune | Process::Restore | Process::Retry => {
                self.plain()
            }
        };
        self.run_and_cancel(command, told);
    }

    /// Runs the tasks; where the agent waits to be cancelled, it is.
    fn run_and_cancel(&self, mut command: Command, told: &mut Told) {
        let mut runner = Running::start(command.args(["run", "--slots", "2"]), &self.test);
        let mut cancel: Option<Running> = None;
        let begun = Instant::now();
        while runner.is_at_work() {
            if cancel.is_none() && self.test.gate(BEGUN).exists() {
                cancel = Some(self.cancel());
            }
            if cancel.as_mut().is_some_and(|cancel| !cancel.is_at_work()) {
                // It may have been broken before it asked for anything.
                self.test.release(GATE);
            }
            if begun.elapsed() > UNREAL_TIME && is_unreal(&fs::read_to_string(self.log()).unwrap_or_default())
            {
                return;
            }
            if begun.elapsed() > DEADLINE {
                told.broken.push("2: stuck: the broken run does not end".to_owned());
                return;
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        told.broken.extend(unclear(&runner.answer()));
        if self.test.gate(BEGUN).exists() {
            let cancel = cancel.unwrap_or_else(|| self.cancel());
            match cancel.wait() {
                Some(answer) => told.broken.extend(unclear(&answer)),
                None => told.broken.push("2: stuck: cancel does not end".to_owned()),
            }
        }
    }

    fn cancel(&self) -> Running {
        let mut command =
            if self.point.process == Process::Cancel { self.straced(&self.point) } else { self.plain() };
        Running::start(command.args(["cancel", TASK]), &self.test)
    }

    /// Adds the task where it is not there, as somebody would whose command was killed.
    fn add_again(&self, told: &mut Told) -> Theirs {
        let folder = fs::read_dir(self.test.path().join(".claudedo/tasks")).ok();
        let files = folder.into_iter().flatten().map(|entry| entry.unwrap().path());
        // What `add` had begun and not renamed is no task.
        let files: Vec<PathBuf> = files.filter(|path| !is_half_written(path)).collect();
        for file in &files {
            let text = fs::read_to_string(file).unwrap();
            if !text.contains("other $CLAUDEDO_RUN") {
                told.broken.push(format!("1: {} is not whole: {text:?}", file.display()));
            }
        }
        if files.is_empty() {
            let arguments = self.point.scenario.add_arguments(&self.test);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            self.finish("add again", self.plain(), &arguments, told);
        }
        Theirs::of(&self.test)
    }

    /// Starts the program again, clean: it has to bring order by itself.
    fn start_again(&self, told: &mut Told) {
        let mut command = self.plain();
        let Some(answer) = Running::start(command.arg("run"), &self.test).wait() else {
            told.broken.push("2: stuck: the clean start does not end".to_owned());
            return;
        };
        told.broken.extend(unclear(&answer));
        if ![0, 1, 2].contains(&answer.status) || answer.stderr.contains("the next start goes on") {
            told.broken.push(format!("2: the clean start fails: {answer:#?}"));
        }
    }

    fn states(&self) -> Vec<String> {
        let answer = self.test.claudedo(&["list", "--all", "--json"]);
        let listed: Vec<Value> = serde_json::from_str(&answer.stdout).unwrap();
        listed.iter().map(|task| task["state"].as_str().unwrap().to_owned()).collect()
    }

    /// What was only killed, and not the agent, is done in the end as if nothing had been.
    ///
    /// A child that dies between its start and its `execve` is another matter. strace counts for each process, so it
    /// strikes every supervisor that a runner starts at the same call, until the runner gives up, and says so; and a
    /// child of the supervisor is the agent, which then was killed before its first word. Both are failures.
    fn judge_ends(&self, told: &mut Told, log: &str) {
        let is_agent_whole = !matches!(self.point.process, Process::Tree | Process::Git);
        let mut expected = match self.point.scenario {
            Scenario::Cancelled => vec!["done", "cancelled"],
            Scenario::Unfinished => vec!["failed"],
            Scenario::Ended => vec!["done", "failed"],
            Scenario::Edits | Scenario::Retried | Scenario::Commits | Scenario::Two => vec!["done"],
            Scenario::Added | Scenario::Snapshots => vec!["done"],
        };
        if is_child_struck(log) {
            expected.extend(["failed", "interrupted"]);
        }
        let others = told.states.iter().filter(|state| !expected.contains(&state.as_str()));
        if self.point.fault == Fault::Kill && is_agent_whole && others.count() > 0 {
            told.broken.push(format!("2: a task that was only killed ends {:?}", told.states));
        }
    }

    fn finish(&self, what: &str, mut command: Command, arguments: &[&str], told: &mut Told) {
        match Running::start(command.args(arguments), &self.test).wait() {
            Some(answer) => told.broken.extend(unclear(&answer)),
            None => told.broken.push(format!("2: stuck: {what} does not end")),
        }
    }

    fn plain(&self) -> Command {
        self.test.program(PROGRAM)
    }

    /// Returns the program with strace around it.
    fn straced(&self, point: &Point) -> Command {
        let mut command = self.test.program("strace");
        command.args(self.arguments(point)).arg(PROGRAM);
        command
    }

    /// Returns the program whose first supervisor has strace around it.
    fn with_supervisor(&self) -> Command {
        let wrapper = self.wrapper("supervisor", PROGRAM, "supervise");
        let mut command = self.plain();
        command.env("CLAUDEDO_FAULT_PROGRAM", wrapper);
        command
    }

    /// Returns the program whose agent's first commit has strace around it.
    fn with_git(&self) -> Command {
        let git = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|folder| folder.join("git"))
            .find(|path| path.is_file())
            .unwrap();
        let wrapper = self.wrapper("git", git.to_str().unwrap(), "commit");
        let mut command = self.plain();
        let folders = std::env::var_os("PATH").unwrap();
        let folders =
            std::iter::once(wrapper.parent().unwrap().to_owned()).chain(std::env::split_paths(&folders));
        command.env("PATH", std::env::join_paths(folders).unwrap());
        command
    }

    /// Writes a script that puts strace around the first start of a program with this first argument.
    fn wrapper(&self, name: &str, program: &str, word: &str) -> PathBuf {
        let folder = self.test.root().join("bin");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        let once = folder.join("once");
        let strace: Vec<String> =
            self.arguments(&self.point).iter().map(|argument| format!("'{argument}'")).collect();
        let text = format!(
            "#!/bin/sh\n[ \"$1\" = {word} ] && mkdir '{}' 2>/dev/null && exec strace {} '{program}' \"$@\"\nexec '{program}' \"$@\"\n",
            once.display(),
            strace.join(" ")
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Returns the arguments of strace for a point.
    fn arguments(&self, point: &Point) -> Vec<String> {
        let set = &point.call;
        let mut arguments = vec!["-q".to_owned()];
        match point.process {
            Process::MainThread => {}
            // Whatever the process starts is let go.
            Process::Tree | Process::Git => arguments.push("-f".to_owned()),
            Process::Runner
            | Process::Recovery
            | Process::Supervisor
            | Process::Add
            | Process::Cancel
            | Process::Prune
            | Process::Restore
            | Process::Retry => arguments.extend(["-f", "-b", "execve"].map(str::to_owned)),
        }
        if point.fault != Fault::Kill {
            arguments.push("-y".to_owned());
        }
        let log = self.log();
        arguments.extend(["-o".to_owned(), log.to_str().unwrap().to_owned()]);
        arguments.extend(["-e".to_owned(), format!("trace={set}")]);
        arguments.extend(["-e".to_owned(), format!("inject={set}:{}", point.fault.injection(point.at))]);
        arguments
    }

    fn log(&self) -> PathBuf {
        self.test.root().join("strace.log")
    }
}

/// Returns whether a child of the broken process was killed by strace, as its parent was told.
fn is_child_struck(log: &str) -> bool {
    let told = log.lines().filter(|line| line.contains("si_code=CLD_KILLED"));
    let mut children = told.filter_map(|line| line.split_once("si_pid=")?.1.split(',').next());
    children.any(|child| {
        let end = |line: &str| {
            line.split_once(' ').is_some_and(|(id, rest)| id == child && rest.contains("killed by SIGKILL"))
        };
        log.lines().any(end)
    })
}

/// No disk is behind those: what a program tells itself cannot fail for want of space.
fn is_unreal(log: &str) -> bool {
    let of_none = ["<anon_inode", "<pipe:", "<socket:", "<UNIX"];
    let mut injected = log.lines().filter(|line| line.contains("(INJECTED)"));
    injected.any(|line| of_none.iter().any(|kind| line.contains(kind)))
}

/// Returns the calls right before the end, or those that failed.
fn last_calls(log: &str) -> String {
    let injected: Vec<&str> = log.lines().filter(|line| line.contains("(INJECTED)")).take(3).collect();
    if !injected.is_empty() {
        return injected.join("\n");
    }
    let calls: Vec<&str> = log.lines().filter(|line| !line.contains("+++")).collect();
    calls[calls.len().saturating_sub(4)..].join("\n")
}

/// A command at work whose output is in files, so that nobody has to read it meanwhile.
struct Running {
    child: Child,
    output: tempfile::TempDir,
    status: Option<i32>,
}

impl Running {
    fn start(command: &mut Command, test: &TestRepository) -> Self {
        let output = tempfile::tempdir_in(test.root().join("tmp")).unwrap();
        let create = |name: &str| Stdio::from(fs::File::create(output.path().join(name)).unwrap());
        let child = command.stdout(create("stdout")).stderr(create("stderr")).spawn().unwrap();
        Self { child, output, status: None }
    }

    fn is_at_work(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.child.try_wait().unwrap().map(|status| status.code().unwrap_or(-1));
        }
        self.status.is_none()
    }

    /// Waits for the end; `None` when there is none in time.
    fn wait(mut self) -> Option<Answer> {
        let deadline = Instant::now() + DEADLINE;
        while self.is_at_work() {
            if Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        Some(self.answer())
    }

    fn answer(&self) -> Answer {
        let read = |name: &str| {
            String::from_utf8_lossy(&fs::read(self.output.path().join(name)).unwrap_or_default()).into_owned()
        };
        Answer { status: self.status.unwrap_or(-1), stdout: read("stdout"), stderr: read("stderr") }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It is gone already where somebody waited for it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns whether strace is here and may look at processes.
pub(super) fn has_strace(folder: &Path) -> bool {
    let mut command = Command::new("strace");
    let log = folder.join("probe");
    command.args(["-f", "-b", "execve", "-o"]).arg(log).args([
        "-e",
        "inject=?renameat:error=EIO:when=1",
        "true",
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
