//! A temporary repository in which `git claudedo` runs tasks with the real CLI.
//!
//! Git and the program see a home of their own, no system configuration, and the stand-in; the user's
//! `claudedo.*` settings go to that home's configuration, as a user's would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::claude::Claude;

/// The program under test; its folder leads `PATH`, so that git finds it as a subcommand.
const PROGRAM: &str = env!("CARGO_BIN_EXE_git-claudedo");

/// A repository with one commit, its user's home, and the CLI.
#[derive(Debug)]
pub(crate) struct RealRepository {
    pub(crate) claude: Claude,
}

impl RealRepository {
    /// Prepares everything, or returns `None` when the CLI is not there.
    pub(crate) fn prepare() -> Option<Self> {
        Some(Self::with(Claude::prepare()?))
    }

    /// Makes the folder that the CLI would work in a repository.
    pub(crate) fn with(claude: Claude) -> Self {
        let repository = Self { claude };
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

    /// Runs `git claudedo` to its end, whatever that is.
    pub(crate) fn claudedo(&self, arguments: &[&str]) -> Output {
        self.command("git").arg("claudedo").args(arguments).output().unwrap()
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
