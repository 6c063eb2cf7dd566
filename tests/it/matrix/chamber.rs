//! File systems that only one test sees: full, small or read-only, in a mount namespace of its own (Linux).
#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests start programs and say what they skip"
)]

use std::ffi::OsStr;
use std::process::{Child, Command, Stdio};

use crate::support::{Answer, TestRepository, eventually};

/// A namespace that a sleeping process keeps open.
#[derive(Debug)]
pub(super) struct Chamber<'test> {
    test: &'test TestRepository,
    holder: Child,
}

impl<'test> Chamber<'test> {
    /// Runs a script as root of a new namespace, in the work tree, and keeps what it mounted.
    ///
    /// `None`, said loudly, where the machine does not let a test mount anything.
    pub(super) fn new(test: &'test TestRepository, script: &str) -> Option<Self> {
        let can = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).output();
        if !can.is_ok_and(|output| output.status.success()) {
            eprintln!("SKIPPED: this machine lets no test mount a file system (unshare --user --mount)");
            return None;
        }
        let ready = test.gate("chamber-is-ready");
        let script = format!("set -e\n{script}\ntouch {}\nexec sleep infinity", ready.display());
        let mut command = test.program("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
        let mut holder = command.stderr(Stdio::inherit()).spawn().unwrap();
        eventually("the chamber is ready", || {
            assert!(holder.try_wait().unwrap().is_none(), "the chamber's script failed");
            ready.exists().then_some(())
        });
        Some(Self { test, holder })
    }

    /// Returns a program, set up to run in the work tree as the namespace shows it.
    pub(super) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.test.program("nsenter");
        let id = self.holder.id().to_string();
        command.args(["--target", &id, "--user", "--preserve-credentials", "--mount", "sh", "-c"]);
        command.arg("cd \"$0\" && exec \"$@\"").arg(self.test.path()).arg(program);
        command
    }

    /// Runs `git-claudedo` there.
    pub(super) fn claudedo(&self, arguments: &[&str]) -> Answer {
        self.program(env!("CARGO_BIN_EXE_git-claudedo")).args(arguments).output().unwrap().into()
    }

    /// Runs a shell script there; it must succeed. Returns what it prints.
    pub(super) fn sh(&self, script: &str) -> String {
        let answer = Answer::from(self.program("sh").args(["-c", script]).output().unwrap());
        assert_eq!(answer.status, 0, "{script}: {}", answer.stderr);
        answer.stdout.trim_end().to_owned()
    }

    /// Fills the file system that a folder is on, to its last byte.
    pub(super) fn fill(&self, folder: &str) {
        self.sh(&format!("head -c 1G /dev/zero >{folder}/filler 2>/dev/null || true"));
    }

    /// Makes room again.
    pub(super) fn make_room(&self, folder: &str) {
        self.sh(&format!("rm {folder}/filler"));
    }
}

impl Drop for Chamber<'_> {
    fn drop(&mut self) {
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}

/// Returns the script that puts the content of a folder on a file system of its own, of that size.
pub(super) fn on_its_own(folder: &std::path::Path, size: &str) -> String {
    let folder = folder.display();
    format!(
        "mkdir -p {folder} {folder}.stage && mount -t tmpfs -o size={size},mode=755 test {folder}.stage && \
         cp -a {folder}/. {folder}.stage/ && mount --move {folder}.stage {folder}"
    )
}
