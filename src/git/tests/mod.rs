//! This module against the real `git`: the same repository, the same answers.
#![expect(clippy::disallowed_methods, reason = "the tests start git and lay out folders by themselves")]

mod branches;
mod commits;
mod discovery;
mod last_changes;
mod reached;
mod snapshots;
mod snapshots_again;
mod tracking;
mod worktrees;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{CommitId, Repository, TreeId};

/// A repository in a temporary folder, and git to look at it with.
struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    /// A repository without a commit.
    fn unborn(arguments: &[&str]) -> Self {
        let fixture = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(fixture.root()).unwrap();
        let mut command = vec!["init", "-q", "-b", "main"];
        command.extend(arguments);
        fixture.git(&command);
        // Settings of whoever runs the tests would be seen by gix, which runs in this process.
        for (key, value) in [
            ("user.name", "Ann Author"),
            ("user.email", "ann@example.org"),
            ("commit.gpgSign", "false"),
            ("core.autocrlf", "false"),
            ("core.excludesFile", "/dev/null"),
            ("core.attributesFile", "/dev/null"),
            ("gc.auto", "0"),
        ] {
            fixture.git(&["config", key, value]);
        }
        fixture
    }

    /// A repository with one commit that holds `README`.
    fn new() -> Self {
        Self::with_format(&[])
    }

    fn with_format(arguments: &[&str]) -> Self {
        let fixture = Self::unborn(arguments);
        fixture.write("README", "hello\n");
        fixture.commit_all("first");
        fixture
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Where worktrees go: outside the repository.
    fn worktree(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("worktrees").join(name)
    }

    fn repository(&self) -> Repository {
        Repository::discover(&self.root()).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        write(&self.root(), path, text.as_bytes());
    }

    fn commit_all(&self, message: &str) -> CommitId {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"]).parse().unwrap()
    }

    /// A worktree `name` on the new branch `claudedo/<name>`.
    fn add_worktree(&self, name: &str) -> PathBuf {
        let repository = self.repository();
        let branch = format!("claudedo/{name}").parse().unwrap();
        let base = repository.head_commit_id().unwrap();
        repository.create_branch(&branch, base, "test").unwrap();
        let path = self.worktree(name);
        repository.add_worktree(&path, &branch, "claudedo test").unwrap();
        path
    }

    /// Runs git in the repository and returns what it printed.
    fn git(&self, arguments: &[&str]) -> String {
        git_in(&self.root(), arguments)
    }

    fn require_intact(&self) {
        let report = git_command(&self.root(), &["fsck", "--strict", "--no-dangling"]);
        assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
        assert_eq!(String::from_utf8_lossy(&report.stderr).trim(), "");
    }
}

fn git_in(folder: &Path, arguments: &[&str]) -> String {
    let output = git_command(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn git_command(folder: &Path, arguments: &[impl AsRef<OsStr>]) -> Output {
    hermetic_git(folder).args(arguments).output().unwrap()
}

fn hermetic_git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .current_dir(folder);
    command
}

/// What git itself makes of everything in a worktree, through an index of its own.
fn tree_by_git(worktree: &Path) -> TreeId {
    let index = worktree.parent().unwrap().join("index-of-git");
    drop(fs::remove_file(&index));
    for arguments in [vec!["read-tree", "HEAD"], vec!["add", "-A"]] {
        let output = hermetic_git(worktree).env("GIT_INDEX_FILE", &index).args(&arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let output = hermetic_git(worktree).env("GIT_INDEX_FILE", &index).arg("write-tree").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn write(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
