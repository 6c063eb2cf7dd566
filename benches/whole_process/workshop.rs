//! The repository in which commands are measured: eleven files, one commit, in memory, with settings of its own.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::measure::{Cost, Costs, HELPER, measure};

/// The program under measurement.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_git-claudedo");

/// An agent that edits one file.
pub(crate) const EDITING_AGENT: &str = "cat >/dev/null\necho edited >>file-1.txt\n";

/// How long ago tasks were written: the program waits until somebody's file has been left alone.
const AGE: Duration = Duration::from_mins(1);

/// Files of the repository.
const FILES: usize = 11;

const GIT_CONFIG: &str =
    "[user]\n\tname = Bench\n\temail = bench@example.com\n[init]\n\tdefaultBranch = main\n";

/// A folder that holds the repository and all that its commands touch.
#[derive(Debug)]
pub(crate) struct Workshop {
    root: tempfile::TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("claudedo-bench-").tempdir_in("/dev/shm").unwrap();
        let workshop = Self { root };
        for folder in ["repository", "home", "state", "tmp"] {
            fs::create_dir(workshop.path(folder)).unwrap();
        }
        fs::write(workshop.path("gitconfig"), GIT_CONFIG).unwrap();
        for number in 1..=FILES {
            let path = workshop.path(&format!("repository/file-{number}.txt"));
            fs::write(path, format!("File {number}\n")).unwrap();
        }
        workshop.run("git", &["init", "-q"]);
        workshop.run("git", &["add", "-A"]);
        workshop.run("git", &["commit", "-qm", "Begin"]);
        workshop
    }

    /// Returns a path next to the repository.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Makes a shell script the agent of all tasks.
    pub(crate) fn use_agent(&self, script: &str) {
        let path = self.path("agent");
        fs::write(&path, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self.set("claudedo.agentCommand", path.to_str().unwrap());
    }

    /// Writes a setting of the user.
    pub(crate) fn set(&self, key: &str, value: &str) {
        self.run("git", &["config", "--global", key, value]);
    }

    /// Returns the id of a task that [`Self::write_tasks`] writes.
    pub(crate) fn task(number: usize) -> String {
        format!("task-number-{number:06}")
    }

    /// Writes task files as a person would, without the program, a while ago.
    pub(crate) fn write_tasks(&self, count: usize) {
        self.write_tasks_from(0, count);
    }

    /// Writes further ones, from this number on.
    pub(crate) fn write_tasks_from(&self, first: usize, count: usize) {
        fs::create_dir_all(self.path("repository/.claudedo/tasks")).unwrap();
        for number in first..first + count {
            self.write_task(number, "Make it so");
        }
    }

    /// Returns whether no run is at work.
    pub(crate) fn is_quiet(&self) -> bool {
        fs::read_dir(self.path("repository/.git/claudedo/runs")).is_ok_and(|mut runs| runs.next().is_none())
    }

    /// Changes a task's file as a person would.
    pub(crate) fn edit_task(&self, number: usize) {
        self.write_task(number, "Make it otherwise");
    }

    /// Deletes what can be worked out again.
    pub(crate) fn forget(&self) {
        fs::remove_dir_all(self.path("repository/.git/claudedo/cache")).unwrap();
    }

    fn write_task(&self, number: usize, description: &str) {
        let text = format!("title: Task number {number}\ndescription: {description}\n");
        let path = self.path(&format!("repository/.claudedo/tasks/{}.yaml", Self::task(number)));
        fs::write(&path, text).unwrap();
        fs::File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - AGE).unwrap();
    }

    /// Writes what an agent prints: events of a kilobyte, one huge one, and a good result.
    pub(crate) fn write_log(&self, name: &str, bytes: usize, longest_line: usize) {
        let mut log = BufWriter::new(fs::File::create(self.path(name)).unwrap());
        let session = "\"session_id\":\"4e775b53-598f-4d8b-8912-180e5705cc56\"";
        let text = |length: usize| {
            let mut line =
                String::from("{\"type\":\"assistant\",\"message\":{\"id\":\"m\",\"role\":\"assistant\",");
            write!(
                line,
                "\"content\":[{{\"type\":\"text\",\"text\":\"{}\"}}]}},{session}}}",
                "x".repeat(length)
            )
            .unwrap();
            line
        };
        writeln!(log, "{{\"type\":\"system\",\"subtype\":\"init\",{session}}}").unwrap();
        for _ in 0..bytes.saturating_sub(longest_line) / 1024 {
            writeln!(log, "{}", text(900)).unwrap();
        }
        writeln!(log, "{}", text(longest_line)).unwrap();
        let usage = "\"usage\":{\"input_tokens\":1,\"output_tokens\":1}";
        let end = "\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"num_turns\":1,\"result\":\"Done.\"";
        writeln!(log, "{{{end},{usage},{session}}}").unwrap();
        log.flush().unwrap();
    }

    /// Runs `git-claudedo` without measuring it.
    pub(crate) fn claudedo(&self, arguments: &[&str]) {
        self.run(PROGRAM, arguments);
    }

    /// Returns the cost of one call.
    pub(crate) fn measure(&self, program: &str, arguments: &[&str]) -> Cost {
        measure(|helper| {
            let mut command = self.command(helper);
            command.args([HELPER, program]).args(arguments);
            command
        })
    }

    /// Returns the cost of what this program does as another helper.
    pub(crate) fn measure_own(&self, words: &[&str]) -> Cost {
        measure(|helper| {
            let mut command = self.command(helper);
            command.args(words);
            command
        })
    }

    /// Returns the costs of several calls.
    pub(crate) fn measure_often(&self, count: usize, program: &str, arguments: &[&str]) -> Costs {
        let mut costs = Costs::default();
        (0..count).for_each(|_| costs.push(self.measure(program, arguments)));
        costs
    }

    /// Runs git without measuring it.
    pub(crate) fn git(&self, arguments: &[&str]) {
        self.run("git", arguments);
    }

    /// Starts `git-claudedo` and returns at once.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(Path::new(PROGRAM));
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(Path::new(program)).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path("repository"))
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", search_path())
            .env("HOME", self.path("home"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("TMPDIR", self.path("tmp"))
            .env("GIT_CONFIG_GLOBAL", self.path("gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8");
        command
    }
}

/// The program under measurement comes first, so that git's hooks find it.
fn search_path() -> OsString {
    let own = Path::new(PROGRAM).parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap();
    std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&others))).unwrap()
}
