//! A repository in which a manager of hooks and this program both have hooks.
//!
//! Both call programs that record their words: `theirs`, which the manager is told to run, and `git-claudedo`. What
//! each ends with is decided by a variable.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Where `.ci/install-hook-managers` leaves the programs.
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.cache/hook-managers/bin");

/// What `theirs` does.
const THEIRS: &str = "#!/bin/sh\necho \"theirs $1\" >>\"$CALLS\"\nexit \"${THEIRS:-0}\"\n";

/// What stands in the place of this program.
const OURS: &str =
    "#!/bin/sh\nread -r line\necho \"$1 $2${line:+ with refs}\" >>\"$CALLS\"\nexit \"${OURS:-0}\"\n";

/// A repository, its remote, and a home for the programs.
#[derive(Debug)]
pub(crate) struct Repository {
    folder: TempDir,
    managers: PathBuf,
}

/// How a commit and a push ended, and what was called meanwhile.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) commit: i32,
    pub(crate) push: i32,
    pub(crate) calls: Vec<String>,
}

impl Outcome {
    /// Returns the calls of the manager's hooks.
    pub(crate) fn theirs(&self) -> Vec<&str> {
        self.calls.iter().map(String::as_str).filter(|call| call.starts_with("theirs")).collect()
    }

    /// Returns the calls of this program's hooks.
    pub(crate) fn ours(&self) -> Vec<&str> {
        self.calls.iter().map(String::as_str).filter(|call| call.starts_with("hook")).collect()
    }
}

impl Repository {
    /// Prepares a repository, or returns `None` after saying that the test is skipped.
    pub(crate) fn prepare() -> Option<Self> {
        let managers = managers()?;
        let folder = tempfile::Builder::new().prefix("claudedo-hooks-").tempdir().unwrap();
        let repository = Self { folder, managers };
        for name in ["bin", "home", "tmp", "work"] {
            fs::create_dir(repository.root().join(name)).unwrap();
        }
        for (name, text) in [("theirs", THEIRS), ("git-claudedo", OURS)] {
            let path = repository.root().join("bin").join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for arguments in [
            ["config", "--global", "user.name", "Test User"],
            ["config", "--global", "user.email", "test@example.com"],
            ["config", "--global", "init.defaultBranch", "main"],
        ] {
            assert_eq!(repository.run("git", &arguments), 0);
        }
        assert_eq!(repository.run("git", &["init", "--quiet"]), 0);
        assert_eq!(repository.run("git", &["init", "--quiet", "--bare", "../remote.git"]), 0);
        let remote = format!("file://{}", repository.root().join("remote.git").display());
        assert_eq!(repository.run("git", &["remote", "add", "origin", &remote]), 0);
        for entry in fs::read_dir(repository.path().join(".git/hooks")).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        Some(repository)
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.root().join("work")
    }

    /// Writes a file of the work tree.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs a program in the work tree and returns its exit code.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> i32 {
        self.run_with(&[], program, arguments).0
    }

    /// Requires that a program succeeds.
    pub(crate) fn require(&self, program: &str, arguments: &[&str]) {
        let (status, said) = self.run_with(&[], program, arguments);
        assert_eq!(status, 0, "{program} {arguments:?}: {said}");
    }

    /// Runs a program with variables, and returns its exit code and all that it said.
    pub(crate) fn run_with(
        &self,
        variables: &[(&str, &str)],
        program: &str,
        arguments: &[&str],
    ) -> (i32, String) {
        let output = self.command(program).args(arguments).envs(variables.iter().copied()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    }

    /// Runs `git claudedo hooks …`, and returns its exit code and all that it said.
    pub(crate) fn hooks(&self, arguments: &[&str]) -> (i32, String) {
        self.run_with(&[], env!("CARGO_BIN_EXE_git-claudedo"), &[&["hooks"], arguments].concat())
    }

    /// Returns how each event stands: whether it runs, and the way or the reason.
    pub(crate) fn standing(&self) -> Vec<String> {
        let program =
            self.command(env!("CARGO_BIN_EXE_git-claudedo")).args(["hooks", "status", "--json"]).output();
        let statuses: Vec<serde_json::Value> = serde_json::from_slice(&program.unwrap().stdout).unwrap();
        let word = |status: &serde_json::Value| {
            let reason = status["reason"].as_str().or(status["way"].as_str()).unwrap();
            format!("{} {reason}", status["event"].as_str().unwrap())
        };
        statuses.iter().map(word).collect()
    }

    /// Commits a file and pushes it, while the manager's hooks end with an exit code.
    pub(crate) fn commit_and_push(&self, theirs: &str) -> Outcome {
        self.commit_and_push_with(&[("THEIRS", theirs)])
    }

    /// The same with any variables.
    pub(crate) fn commit_and_push_with(&self, variables: &[(&str, &str)]) -> Outcome {
        let number = fs::read_dir(self.path()).unwrap().count();
        self.write(&format!("file-{number}"), "text\n");
        self.require("git", &["add", "."]);
        let _before = self.calls();
        let (commit, _) = self.run_with(variables, "git", &["commit", "--quiet", "--message=x"]);
        let (push, _) = self.run_with(variables, "git", &["push", "--quiet", "origin", "HEAD"]);
        Outcome { commit, push, calls: self.calls() }
    }

    /// Returns what was called since the last time.
    pub(crate) fn calls(&self) -> Vec<String> {
        let path = self.root().join("calls");
        let text = fs::read_to_string(&path).unwrap_or_default();
        drop(fs::remove_file(&path));
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    /// Returns modes and bytes of all hooks: in git's folder and in husky's.
    pub(crate) fn hooks_there(&self) -> BTreeMap<String, (u32, String)> {
        let folders = [".git/hooks", ".husky"].map(|folder| self.path().join(folder));
        let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
        let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        files.map(|path| (self.name(&path), self.content(&path))).collect()
    }

    fn name(&self, path: &Path) -> String {
        path.strip_prefix(self.path()).unwrap().display().to_string()
    }

    /// The folder of the test is no part of a comparison.
    fn content(&self, path: &Path) -> (u32, String) {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        let mode = fs::metadata(path).unwrap().permissions().mode();
        (mode, text.replace(self.root().to_str().unwrap(), "[ROOT]"))
    }

    fn command(&self, program: &str) -> Command {
        let root = self.root();
        let machine = env::var_os("PATH").unwrap();
        // Whoever tests this program may have it installed; here only the stand-in counts.
        let machine = env::split_paths(&machine).filter(|folder| !folder.join("git-claudedo").exists());
        let own = [root.join("bin"), self.managers.clone()];
        let mut command = Command::new(program);
        command
            .current_dir(self.path())
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", env::join_paths(own.into_iter().chain(machine)).unwrap())
            .env("HOME", root.join("home"))
            .env("TMPDIR", root.join("tmp"))
            .env("CALLS", root.join("calls"))
            .env("GIT_CONFIG_GLOBAL", root.join("home/gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("NO_COLOR", "1")
            .env("LC_ALL", "C.UTF-8");
        // A version manager in the way of node or python finds its versions by these.
        command.envs(env::vars().filter(|(name, _)| name.starts_with("NVM_") || name.starts_with("PYENV_")));
        command
    }
}

/// Returns the folder of the managers, or `None` after saying that the test is skipped.
fn managers() -> Option<PathBuf> {
    let folder =
        env::var_os("CLAUDEDO_TEST_HOOK_MANAGERS").map_or_else(|| PathBuf::from(INSTALLED), PathBuf::from);
    if folder.join("git-lfs").exists() {
        return Some(folder);
    }
    assert!(
        env::var_os("CLAUDEDO_REQUIRE_HOOK_MANAGERS").is_none_or(|value| value != "1"),
        "CLAUDEDO_REQUIRE_HOOK_MANAGERS is set, but {} is missing; run .ci/install-hook-managers",
        folder.display()
    );
    eprintln!("SKIPPED: real managers of hooks not installed; run .ci/install-hook-managers");
    None
}

/// Requires that a manager's hooks and this program's run, with the exit codes that the manager has alone.
pub(crate) fn assert_both_run(repository: &Repository, alone: &[Outcome; 2]) {
    for (theirs, alone) in ["0", "3"].iter().zip(alone) {
        let both = repository.commit_and_push(theirs);
        assert_eq!(
            (both.commit, both.push, both.theirs()),
            (alone.commit, alone.push, alone.theirs()),
            "{both:#?}"
        );
        let ours = both.ours();
        assert_eq!(ours[0], "hook post-commit", "{both:#?}");
        assert!(ours[1..].iter().all(|call| *call == "hook pre-push with refs"), "{both:#?}");
        assert!(ours.len() <= 2, "called twice: {both:#?}");
        assert!(ours.len() == 2 || *theirs != "0", "not called before a push: {both:#?}");
    }
    let refused = repository.commit_and_push_with(&[("OURS", "1")]);
    assert_eq!((refused.commit, refused.push), (0, 1), "{refused:#?}");
}

/// Makes a repository with a manager's hooks, and says what they do alone; `None` when the tests are skipped.
pub(crate) fn alone(set_up: impl FnOnce(&Repository)) -> Option<(Repository, [Outcome; 2])> {
    let repository = Repository::prepare()?;
    set_up(&repository);
    let outcomes = outcomes(&repository);
    assert_eq!(outcomes[0].theirs(), ["theirs post-commit", "theirs pre-push"], "{outcomes:#?}");
    Some((repository, outcomes))
}

/// Returns what a manager does alone, when its hooks pass and when they fail.
pub(crate) fn outcomes(repository: &Repository) -> [Outcome; 2] {
    ["0", "3"].map(|theirs| repository.commit_and_push(theirs))
}
