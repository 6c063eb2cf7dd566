//! Repositories whose hooks call this program, as git calls hooks.
use crate::support::{Answer, TestRepository};

impl TestRepository {
    /// Makes a repository whose agent is the scripted stand-in and whose hooks call this program.
    pub(crate) fn with_hooks() -> Self {
        let repository = Self::with_fake();
        repository.install_hooks();
        repository
    }

    /// Installs the hooks for all worktrees of the repository.
    pub(crate) fn install_hooks(&self) {
        let answer = self.claudedo(&["hooks", "install", "--mechanism", "files"]);
        assert_eq!(answer.status, 0, "{answer:#?}");
    }

    /// Runs git in the work tree and returns how it ended and what it said, hooks included.
    pub(crate) fn try_git(&self, arguments: &[&str]) -> Answer {
        self.program("git").args(arguments).output().unwrap().into()
    }

    /// Runs git, requires that it succeeds, and returns what it and its hooks said on stderr.
    pub(crate) fn git_says(&self, arguments: &[&str]) -> String {
        let answer = self.try_git(arguments);
        assert_eq!(answer.status, 0, "git {arguments:?}: {}", answer.stderr);
        answer.stderr
    }

    /// Commits all that is in the work tree and returns what git and its hooks said on stderr.
    pub(crate) fn commit_all(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git_says(&["commit", "--quiet", "--message", message])
    }

    /// Writes a task whose agent plays these steps, and approves it.
    pub(crate) fn add_approved(&self, task: &str, steps: &[&str]) {
        self.add_task(task, steps);
        let answer = self.claudedo(&["approve", "--yes", task]);
        assert_eq!(answer.status, 0, "{answer:#?}");
    }

    /// Requires that nothing was started: no run is recorded, none is at work, and there is no runner.
    pub(crate) fn assert_nothing_started(&self) {
        self.assert_no_process_left();
        assert_eq!(self.fake_starts().len(), 0);
        assert!(!self.local("locks/runner").exists(), "somebody was the runner");
    }
}
