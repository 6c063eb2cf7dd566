//! A repository of its own for each test, in an environment that the machine cannot reach into.
//!
//! The folder of a test holds everything that its programs may touch: the repository, a HOME, the state, the
//! temporary files, git's user settings and the records of the fake agent. Every process started here carries
//! that folder's name in its environment, so whatever outlives a test is found and, at the latest when the
//! repository is dropped, ended.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

mod filters;
mod processes;
mod terminal;
mod work;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub(crate) use terminal::Terminal;
pub(crate) use work::{Started, eventually, fake_program, kill, task_yaml};

/// A file system in memory, on Linux: no test waits for a disk.
const MEMORY: &str = "/dev/shm";

/// git's user settings in a test: an identity, and nothing that runs by itself.
const GIT_CONFIG: &str = "\
[user]
    name = Test User
    email = test@example.com
[init]
    defaultBranch = main
[gc]
    auto = 0
[maintenance]
    auto = false
[commit]
    gpgSign = false
";

/// A git repository with one commit on `main`, and all that surrounds it.
#[derive(Debug)]
pub(crate) struct TestRepository {
    root: tempfile::TempDir,
    name: &'static str,
}

impl TestRepository {
    /// Makes a repository with one commit that holds `README.md`.
    pub(crate) fn new() -> Self {
        Self::of_kind("repository", &[])
    }

    /// Makes one of that name, by these arguments of `git init`.
    pub(crate) fn of_kind(name: &'static str, init: &[&str]) -> Self {
        let root = tempfile::Builder::new()
            .prefix("claudedo-test-")
            .tempdir_in(MEMORY)
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let repository = Self { root, name };
        for folder in [name, "home", "state", "tmp", "fake"] {
            fs::create_dir(repository.root().join(folder)).unwrap();
        }
        fs::write(repository.root().join("gitconfig"), GIT_CONFIG).unwrap();
        repository.git(&[&["init", "--quiet"], init].concat());
        repository.write("README.md", "# Test\n");
        repository.git(&["add", "README.md"]);
        repository.git(&["commit", "--quiet", "--message=Begin"]);
        repository
    }

    /// Returns the folder of the test, which holds the repository and everything around it.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// Returns the repository's main work tree.
    pub(crate) fn path(&self) -> PathBuf {
        self.root().join(self.name)
    }

    /// Runs `git-claudedo` in the work tree, with nothing on stdin.
    pub(crate) fn claudedo(&self, arguments: &[&str]) -> Answer {
        self.program(env!("CARGO_BIN_EXE_git-claudedo")).args(arguments).output().unwrap().into()
    }

    /// Runs git in the work tree, requires that it succeeds, and returns what it prints without the last line break.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let answer = Answer::from(self.program("git").args(arguments).output().unwrap());
        assert_eq!(answer.status, 0, "git {arguments:?}: {}", answer.stderr);
        answer.stdout.trim_end_matches('\n').to_owned()
    }

    /// Returns any program, set up to run in the work tree and in the environment of the test.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let root = self.root();
        let mut command = Command::new(program);
        command
            .current_dir(self.path())
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", search_path())
            .env("HOME", root.join("home"))
            .env("XDG_STATE_HOME", root.join("state"))
            .env("TMPDIR", root.join("tmp"))
            .env("FAKE_CLAUDE_DIR", root.join("fake"))
            .env("GIT_CONFIG_GLOBAL", root.join("gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("EDITOR", "false")
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100")
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8");
        command
    }

    /// Writes a file of the work tree, with the folders it needs.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Makes the scripted stand-in the agent of this test's user.
    pub(crate) fn use_fake_claude(&self) {
        self.git(&["config", "--global", "claudedo.claude", fake_claude().to_str().unwrap()]);
    }

    /// Returns what the stand-in recorded of each of its starts, the first one first.
    pub(crate) fn fake_starts(&self) -> Vec<FakeStart> {
        let folder = self.root().join("fake");
        let count = fs::read_dir(&folder).unwrap().count();
        (1..=count)
            .map(|number| folder.join(number.to_string()))
            .filter(|record| record.exists())
            .map(|record| FakeStart { record })
            .collect()
    }

    /// Requires that git finds nothing wrong with any object or ref.
    pub(crate) fn assert_sound(&self) {
        let arguments = ["fsck", "--strict", "--full", "--no-dangling", "--no-progress"];
        let answer = Answer::from(self.program("git").args(arguments).output().unwrap());
        // A worktree whose branch was deleted is worth a notice to git, and no fault.
        let said = answer.stdout + &answer.stderr;
        let faults: Vec<&str> = said.lines().filter(|line| !line.starts_with("notice: ")).collect();
        assert_eq!((answer.status, faults), (0, Vec::new()));
    }

    /// Requires that every process of this test ends within a few seconds.
    pub(crate) fn assert_no_process_left(&self) {
        let left = processes::wait_until_gone(self.root());
        assert!(left.is_empty(), "still running: {left:#?}");
    }

    /// Kills every process of this test at once, as a power cut does.
    pub(crate) fn kill_all(&self) {
        processes::end(self.root());
    }

    /// Returns the settings for snapshots of this test's output: what differs between two runs is replaced.
    ///
    /// Use as `repository.snapshots().bind(|| insta::assert_snapshot!(output, @""))`.
    pub(crate) fn snapshots(&self) -> insta::Settings {
        let mut settings = insta::Settings::clone_current();
        for (pattern, replacement) in filters::of(self.root(), &self.path().join(".claudedo/tasks")) {
            settings.add_filter(&pattern, replacement);
        }
        settings
    }
}

impl Drop for TestRepository {
    fn drop(&mut self) {
        processes::end(self.root());
    }
}

/// How a program ended and what it said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The exit code, or -1 after a signal.
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// One start of the stand-in, as it recorded it.
#[derive(Debug)]
pub(crate) struct FakeStart {
    record: PathBuf,
}

impl FakeStart {
    pub(crate) fn arguments(&self) -> Vec<String> {
        serde_json::from_str(&self.text("argv.json")).unwrap()
    }

    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let environment: Value = serde_json::from_str(&self.text("environment.json")).unwrap();
        environment[name].as_str().map(str::to_owned)
    }

    /// Returns a part of the record: `stdin`, `cwd`, `pid` or `background`.
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.record.join(name)).unwrap()
    }
}

/// Returns the path of the stand-in, which cargo builds as an example next to the test programs.
///
/// `cargo test --test it` does not build examples, so a missing or an old one fails here rather than later.
pub(crate) fn fake_claude() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join("examples/fake-claude");
    let built = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
    let sources = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake_claude")).unwrap();
    let changed = sources.map(|entry| entry.unwrap().metadata().unwrap().modified().unwrap()).max();
    assert!(built >= changed, "{} is missing or old: cargo build --examples", path.display());
    path
}

/// Returns the machine's search path, with the folder of `git-claudedo` before it so that `git claudedo` works.
fn search_path() -> std::ffi::OsString {
    let own = Path::new(env!("CARGO_BIN_EXE_git-claudedo")).parent().unwrap().to_owned();
    let machine = std::env::var_os("PATH").unwrap();
    std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&machine))).unwrap()
}
