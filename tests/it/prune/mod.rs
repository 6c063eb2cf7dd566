//! Cleaning up: what goes, what stays whatever happens, and that the plan is what is done.

mod chains;
mod copied;
mod kept;
mod lost;
mod others;
mod records;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Answer, TestRepository};

/// Makes a repository with one task that is done: `a.txt` is on its branch.
fn with_done() -> TestRepository {
    let test = TestRepository::with_fake();
    test.write(".gitignore", "build/\n");
    test.git(&["add", "--all"]);
    test.git(&["commit", "--quiet", "--message=Ignore"]);
    test.add_task("work", &["write a.txt 1", "result ok"]);
    test.run(0);
    test
}

impl TestRepository {
    /// Prunes whatever has ended.
    fn prune(&self, arguments: &[&str]) -> Answer {
        self.claudedo(&[&["prune", "--older-than", "0d"], arguments].concat())
    }

    fn worktree(&self) -> PathBuf {
        self.workspace("worktrees", "work")
    }

    /// Runs git in the worktree of the task.
    fn git_inside(&self, arguments: &[&str]) -> String {
        let folder = self.worktree();
        self.git(&[&["-C", folder.to_str().unwrap()], arguments].concat())
    }

    /// Requires that the worktree stays, for this reason, with every file in it, and that a dry run says so too.
    fn assert_stays(&self, reason: &str) {
        let before = contents(self.root());
        for arguments in [&["--dry-run"][..], &[]] {
            let answer = self.prune(arguments);
            assert_eq!(answer.status, 0, "{answer:#?}");
            assert!(!answer.stdout.contains("worktree work"), "{answer:#?}");
        }
        let kept = self.kept("worktree", "work");
        assert!(kept["because"].to_string().contains(reason), "{kept:#}");
        assert_eq!(differences(&before, &contents(self.root())), Vec::<String>::new());
        self.assert_sound();
    }

    fn assert_gone(&self) {
        assert!(!self.worktree().exists());
        assert!(!self.git(&["worktree", "list", "--porcelain"]).contains("/worktrees/work\n"));
        assert_eq!(self.git(&["show", "claudedo/work:a.txt"]), "1");
        self.assert_sound();
    }

    /// Returns what `list --kept` says of one thing.
    fn kept(&self, kind: &str, name: &str) -> Value {
        let answer = self.claudedo(&["list", "--kept", "--json"]);
        let all: Value = serde_json::from_str(&answer.stdout).unwrap();
        let is_it = |thing: &&Value| thing["kind"] == kind && thing["name"] == name;
        let found = all.as_array().unwrap().iter().find(is_it);
        assert!(found.is_some(), "{kind} {name}: {all:#}");
        found.unwrap().clone()
    }
}

/// Returns every file below a folder with its bytes, every folder, and where links lead; not what is derived.
fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(path) = pending.pop() {
        if path.ends_with("claudedo/cache") || path.ends_with("claudedo/locks") || path.ends_with("tmp") {
            continue;
        }
        let kind = path.symlink_metadata().unwrap().file_type();
        if kind.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            found.insert(path, Vec::new());
        } else if kind.is_file() {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, bytes);
        } else if kind.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            found.insert(path, target.to_str().unwrap().into());
        }
    }
    found
}

fn differences(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<String> {
    let of = |one: &BTreeMap<PathBuf, Vec<u8>>, other: &BTreeMap<PathBuf, Vec<u8>>, sign: &str| {
        let changed = one.iter().filter(|(path, bytes)| other.get(*path) != Some(bytes));
        changed.map(|(path, _)| format!("{sign} {}", path.display())).collect::<Vec<_>>()
    };
    [of(before, after, "-"), of(after, before, "+")].concat()
}
