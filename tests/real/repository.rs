//! A temporary repository in which `git claudedo` runs tasks with the real CLI.
//!
//! Git and the program see a home of their own, no system configuration, and the stand-in; the user's
//! `claudedo.*` settings go to that home's configuration, as a user's would. When a test is over no
//! process of it may be left: that is part of every test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::claude::Claude;
use crate::processes;
use crate::running::Running;
use crate::task::Task;

/// The program under test; its folder leads `PATH`, so that git finds it as a subcommand.
const PROGRAM: &str = env!("CARGO_BIN_EXE_git-claudedo");

/// A repository with one commit, its user's home, and the CLI.
#[derive(Debug)]
pub(crate) struct RealRepository {
    // Dropped first, while the folder still exists.
    _leftovers: Leftovers,
    pub(crate) claude: Claude,
}

/// Ends what a test left running, which makes it fail.
#[derive(Debug)]
struct Leftovers(PathBuf);

impl Drop for Leftovers {
    fn drop(&mut self) {
        let left = processes::wait_until_gone(&self.0);
        processes::end(&self.0);
        if !std::thread::panicking() {
            assert!(left.is_empty(), "the test leaves processes behind: {left:#?}");
        }
    }
}

impl RealRepository {
    /// Prepares everything, or returns `None` when the CLI is not there.
    pub(crate) fn prepare() -> Option<Self> {
        Some(Self::with(Claude::prepare()?))
    }

    /// Makes the folder that the CLI would work in a repository.
    pub(crate) fn with(claude: Claude) -> Self {
        let repository = Self { _leftovers: Leftovers(claude.folder().to_owned()), claude };
        fs::write(repository.path().join("README.md"), "A repository for tests.\n").unwrap();
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.git(&["config", "--global", "user.name", "Test"]);
        repository.git(&["config", "--global", "user.email", "test@example.com"]);
        repository.git(&["config", "--global", "commit.gpgSign", "false"]);
        let program = repository.claude.program().to_str().unwrap();
        repository.git(&["config", "--global", "claudedo.claude", program]);
        repository.git(&["add", "README.md"]);
        repository.git(&["commit", "--quiet", "--message", "Begin"]);
        repository
    }

    /// Returns the work tree.
    pub(crate) fn path(&self) -> PathBuf {
        self.claude.work()
    }

    /// Runs git, which must succeed, and returns what it printed, trimmed.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = self.command("git").args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:#?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Sets one of the user's own settings.
    pub(crate) fn set(&self, key: &str, value: &str) {
        self.git(&["config", "--global", &format!("claudedo.{key}"), value]);
    }

    /// Writes a file of the work tree and commits it.
    pub(crate) fn commit_file(&self, path: &str, content: &str) {
        let file = self.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
        self.git(&["add", "--force", path]);
        self.git(&["commit", "--quiet", "--message", &format!("Add {path}")]);
    }

    /// Adds a task whose description is a script for the stand-in.
    pub(crate) fn add<'a>(&'a self, id: &'a str, script: &str) -> Task<'a> {
        self.add_with(id, script, &[])
    }

    /// Adds a task with more options.
    pub(crate) fn add_with<'a>(&'a self, id: &'a str, script: &str, options: &[&str]) -> Task<'a> {
        let words = ["add", "--id", id, "--message", script];
        let output = self.claudedo(&[&words[..], options, &["Do what the description says"]].concat());
        assert!(output.status.success(), "{output:#?}");
        Task::new(self, id)
    }

    /// Returns a task that was added.
    pub(crate) fn task<'a>(&'a self, id: &'a str) -> Task<'a> {
        Task::new(self, id)
    }

    /// Runs what is in the queue; everything has to be done at the end.
    pub(crate) fn run(&self) {
        let output = self.claudedo(&["run"]);
        assert!(output.status.success(), "{output:#?}\n{}", self.list());
    }

    /// Runs what is in the queue with these options and returns the exit code.
    pub(crate) fn run_with(&self, options: &[&str]) -> Option<i32> {
        self.claudedo(&[&["run"], options].concat()).status.code()
    }

    /// Starts the runner and goes on; its process is the runner itself and not git's.
    pub(crate) fn start_run(&self, options: &[&str]) -> Running {
        let mut command = self.command(PROGRAM);
        command.arg("run").args(options).stdin(std::process::Stdio::null());
        Running::spawn(command)
    }

    /// Runs `git claudedo` to its end, whatever that is.
    pub(crate) fn claudedo(&self, arguments: &[&str]) -> Output {
        self.command("git").arg("claudedo").args(arguments).output().unwrap()
    }

    /// Runs `git claudedo`, which must succeed, and returns what it printed.
    pub(crate) fn answer(&self, arguments: &[&str]) -> String {
        let output = self.claudedo(arguments);
        assert!(output.status.success(), "git claudedo {arguments:?}: {output:#?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns what the user sees of all tasks, for the message of a failed test.
    fn list(&self) -> String {
        self.answer(&["list"])
    }

    /// Returns a command in the work tree with the whole environment of this repository and nothing else.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.claude.environment()).current_dir(self.path());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").env("PATH", search_path());
        command
    }
}

fn search_path() -> std::ffi::OsString {
    let folder = Path::new(PROGRAM).parent().unwrap().to_owned();
    let inherited = std::env::var_os("PATH").unwrap();
    std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&inherited))).unwrap()
}

#[test]
fn a_repository_of_these_tests_sees_no_configuration_but_its_own() {
    let Some(repository) = RealRepository::prepare() else { return };
    let origins = repository.git(&["config", "--list", "--show-origin", "--name-only"]);
    let home = repository.path().with_file_name("home");
    let expected = [format!("file:{}", home.join(".gitconfig").display()), "file:.git/config".to_owned()];
    for line in origins.lines() {
        let origin = line.split('\t').next().unwrap();
        assert!(expected.iter().any(|expected| expected == origin), "{line}");
    }
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
}

#[test]
fn git_finds_the_program_as_a_subcommand() {
    /// What git says when it knows no such subcommand (git 2.x, `git.c`).
    const NOT_A_COMMAND: i32 = 1;
    let Some(repository) = RealRepository::prepare() else { return };
    let output = repository.claudedo(&["--version"]);
    assert_ne!(output.status.code(), Some(NOT_A_COMMAND), "{output:#?}");
}
