//! Snapshots of worktrees: taken while a run goes on, listed, brought back.
//!
//! What is kept is read with plain git, and compared with the bytes that were in the worktree.

mod before_run;
mod brought_back;
mod taken;
mod told;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::support::{TestRepository, eventually};

pub(crate) const TASK: &str = "long-a1b2";

/// A repository whose runs are kept as snapshots all the time.
pub(crate) fn kept_all_the_time() -> TestRepository {
    let test = TestRepository::with_fake();
    test.set("snapshotInterval", "20ms");
    test
}

/// Returns the snapshots of the task as the program lists them.
pub(crate) fn listed(test: &TestRepository) -> Vec<Value> {
    let answer = test.claudedo(&["snapshots", TASK, "--json"]);
    if answer.status == 1 {
        return Vec::new();
    }
    assert_eq!(answer.status, 0, "{answer:#?}");
    serde_json::from_str(&answer.stdout).unwrap()
}

/// Waits until the newest snapshot has a file with this content.
pub(crate) fn wait_for_snapshot_of(test: &TestRepository, path: &str, content: &str) {
    eventually(&format!("a snapshot has {path}"), || {
        let newest = newest_ref(test)?;
        let spec = format!("{newest}:{path}");
        let output = test.program("git").args(["cat-file", "blob", &spec]).output().unwrap();
        (output.status.success() && output.stdout == content.as_bytes()).then_some(())
    });
}

/// Returns the ref of the newest snapshot, as plain git lists it.
pub(crate) fn newest_ref(test: &TestRepository) -> Option<String> {
    let names = test.git(&["for-each-ref", "--format=%(refname)", "refs/claudedo/snapshots"]);
    names.lines().last().map(str::to_owned)
}

/// Returns how many objects there are.
pub(crate) fn count_objects(test: &TestRepository) -> String {
    test.git(&["count-objects", "-v"])
}

/// What a file is, to the byte: its kind with the executable bit, and its content or target.
pub(crate) type Content = BTreeMap<Vec<u8>, (char, Vec<u8>)>;

/// Returns everything in a folder but `.git` at its root.
pub(crate) fn content(root: &Path) -> Content {
    let mut all = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec();
            let metadata = path.symlink_metadata().unwrap();
            if name == b".git" {
                continue;
            }
            if metadata.is_symlink() {
                all.insert(name, ('l', fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()));
            } else if metadata.is_dir() {
                pending.push(path);
            } else {
                let kind = if metadata.permissions().mode() & 0o100 == 0 { 'f' } else { 'x' };
                all.insert(name, (kind, fs::read(&path).unwrap()));
            }
        }
    }
    all
}
