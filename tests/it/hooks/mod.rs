//! Hooks in a repository: that they are installed beside what is there, call the program once, and go without a trace.
//!
//! In the place of the program that hooks call stands a script that records its calls, so these tests see the
//! hooks alone. What the real program does then has tests of its own.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

mod chained;
mod configured;
mod places;
mod refused;
mod scripts;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli_support::claudedo_in;
use crate::support::{Answer, TestRepository};

/// The five hooks, in the order in which they are told.
const EVENTS: [&str; 5] = ["post-commit", "post-merge", "post-checkout", "post-rewrite", "pre-push"];

/// What hooks call in a test: writes down its words, what it reads, and whether a descriptor of the caller is open.
const RECORDER: &str = r#"#!/bin/sh
said=$(cat)
[ -e /proc/self/fd/5 ] && said="$said fd5"
printf '%s\n' "$*${said:+ <$said}" >>"$CALLS"
exit "${CLAUDEDO_EXIT:-0}"
"#;

/// What a person could notice about a file: its number, mode, time, target and bytes.
type State = (u64, u32, i64, Option<PathBuf>, Vec<u8>);

/// A repository with a remote, in which hooks find the recorder.
#[derive(Debug)]
struct Hooked {
    repository: TestRepository,
}

impl Hooked {
    fn new() -> Self {
        Self::of(TestRepository::new())
    }

    fn of(repository: TestRepository) -> Self {
        let hooked = Self { repository };
        executable(&hooked.root().join("bin/git-claudedo"), RECORDER);
        hooked.repository.git(&["init", "--quiet", "--bare", "../remote.git"]);
        hooked.repository.git(&["remote", "add", "origin", "../remote.git"]);
        // The samples that git brings along are not what these tests look at.
        for entry in fs::read_dir(hooked.hooks()).into_iter().flatten() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        hooked
    }

    fn root(&self) -> &Path {
        self.repository.root()
    }

    fn hooks(&self) -> PathBuf {
        self.repository.path().join(".git/hooks")
    }

    /// Writes a hook that records its words and what it reads.
    fn theirs(&self, event: &str, exit: i32) {
        let reads = if ["pre-push", "post-rewrite"].contains(&event) { "$(cat)" } else { "" };
        let script = format!("#!/bin/sh\necho \"theirs {event} $* {reads}\" >>\"$CALLS\"\nexit {exit}\n");
        executable(&self.hooks().join(event), &script);
    }

    /// Runs `git claudedo hooks …`, by scripts whatever git is there.
    fn hooks_command(&self, arguments: &[&str]) -> Answer {
        self.repository.claudedo(&[&["hooks"], arguments].concat())
    }

    fn install(&self) -> Answer {
        let answer = self.hooks_command(&["install", "--mechanism", "files"]);
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        answer
    }

    fn uninstall(&self) -> Answer {
        let answer = self.hooks_command(&["uninstall"]);
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        answer
    }

    /// Returns git, set up so that hooks call the recorder.
    fn git_program(&self) -> Command {
        let mut command = self.repository.program("git");
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.root().join("bin").display()));
        command.env("CALLS", self.root().join("calls"));
        command
    }

    /// Runs git with these variables and returns its exit code.
    fn git_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> i32 {
        let mut command = self.git_program();
        command.args(arguments).envs(variables.iter().copied());
        Answer::from(command.output().unwrap()).status
    }

    fn git(&self, arguments: &[&str]) -> i32 {
        self.git_with(&[], arguments)
    }

    fn commit(&self) -> i32 {
        self.git(&["commit", "--quiet", "--allow-empty", "--message=x"])
    }

    fn push(&self) -> i32 {
        self.git(&["push", "--quiet", "origin", "HEAD"])
    }

    /// Returns what was called since the last time, with object ids replaced.
    fn calls(&self) -> Vec<String> {
        let path = self.root().join("calls");
        let text = fs::read_to_string(&path).unwrap_or_default();
        drop(fs::remove_file(&path));
        text.lines().map(short).collect()
    }

    /// Returns the names in the hooks folder.
    fn names(&self) -> Vec<String> {
        state_of(&self.hooks()).keys().map(|path| name(path)).collect()
    }

    /// Returns the words of `git claudedo hooks status --json` for each event: whether it runs, and the way.
    fn standing(&self) -> Vec<String> {
        let answer = self.hooks_command(&["status", "--json"]);
        let statuses: Vec<serde_json::Value> = serde_json::from_str(&answer.stdout).unwrap();
        let all_run = statuses.iter().all(|status| status["runs"] == true);
        assert_eq!(answer.status, i32::from(!all_run), "{}", answer.stdout);
        let told = |status: &serde_json::Value| {
            let reason = status["reason"].as_str().unwrap_or_else(|| status["way"].as_str().unwrap());
            format!("{} {reason}", status["event"].as_str().unwrap())
        };
        statuses.iter().map(told).collect()
    }
}

/// Writes a file that can be started.
fn executable(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Returns everything about the files of a folder that a person could notice.
fn state_of(folder: &Path) -> BTreeMap<PathBuf, State> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mtime = metadata.mtime_nsec() + metadata.mtime() * 1_000_000_000;
            let bytes = fs::read(&path).unwrap_or_default();
            let link = fs::read_link(&path).ok();
            (path, (metadata.ino(), metadata.mode(), mtime, link, bytes))
        })
        .collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Replaces object ids, and leaves out zeros, which mean none.
fn short(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        let end = word.trim_start_matches('<').trim_end_matches('>');
        let is_id = end.len() >= 40 && end.chars().all(|character| character.is_ascii_hexdigit());
        if is_id { word.replace(end, "ID") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ").trim_end().to_owned()
}

/// Runs `git claudedo hooks` in another folder.
fn hooks_in(hooked: &Hooked, folder: &Path, arguments: &[&str]) -> Answer {
    claudedo_in(&hooked.repository, folder, &[&["hooks"], arguments].concat())
}

/// Returns whether a program is on this machine's search path.
fn find_program(name: &str) -> Option<PathBuf> {
    let search = std::env::var_os("PATH")?;
    std::env::split_paths(&search).map(|folder| folder.join(name)).find(|path| path.is_file())
}
