//! What a power cut would find: everything that a ref or a name leads to was synced before (Linux, by strace).
#![expect(clippy::print_stderr, reason = "a test says what it skips")]

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{Answer, TestRepository};

/// One call that matters, in the order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    /// A file got a name. The name it had before is gone or stays.
    Named {
        from: String,
        to: String,
    },
    Synced(String),
    /// Everything on a file system.
    SyncedAll,
}

/// Runs a command under strace and returns what it and all its children named and synced.
///
/// `None`, said loudly, where there is no strace or it may not trace.
fn traced(test: &TestRepository, arguments: &[&str]) -> Option<Vec<Call>> {
    let folder = test.gate(&format!("trace-{}", arguments[0]));
    std::fs::create_dir(&folder).unwrap();
    let mut command = test.program("strace");
    command.args(["-ff", "-ttt", "-y", "-qq", "-e", "signal=none", "-o"]).arg(folder.join("t"));
    command.args(["-e", "trace=rename,renameat,renameat2,link,linkat,fsync,fdatasync,syncfs"]);
    let output = command.arg(env!("CARGO_BIN_EXE_git-claudedo")).args(arguments).output();
    let Ok(output) = output else {
        eprintln!("SKIPPED: there is no strace");
        return None;
    };
    let answer = Answer::from(output);
    if answer.stderr.contains("ptrace") {
        eprintln!("SKIPPED: strace may not trace here: {}", answer.stderr);
        return None;
    }
    assert_eq!(answer.status, 0, "{answer:#?}");
    Some(calls(&folder))
}

/// Reads the calls of all threads, sorted by the moment they began.
fn calls(folder: &Path) -> Vec<Call> {
    let mut calls: BTreeMap<(String, usize), Call> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| line.contains(" = 0")) {
            let (moment, rest) = line.split_once(' ').unwrap();
            if let Some(call) = call(rest) {
                calls.insert((moment.to_owned(), calls.len()), call);
            }
        }
    }
    calls.into_values().collect()
}

fn call(text: &str) -> Option<Call> {
    let (name, arguments) = text.split_once('(')?;
    match name {
        "syncfs" => Some(Call::SyncedAll),
        "fsync" | "fdatasync" => {
            let path = arguments.split_once('<')?.1.split_once('>')?.0;
            Some(Call::Synced(path.to_owned()))
        }
        _ => {
            let mut paths = arguments.split('"').skip(1).step_by(2).map(str::to_owned);
            Some(Call::Named { from: paths.next()?, to: paths.next()? })
        }
    }
}

fn is_object(path: &str) -> bool {
    path.rsplit_once("/objects/").is_some_and(|(_, name)| {
        let name: Vec<&str> = name.split('/').collect();
        matches!(name[..], [folder, file] if folder.len() == 2 && file.len() >= 38)
    })
}

fn is_own_ref(path: &str) -> bool {
    path.contains("/.git/refs/claudedo/") || path.contains("/.git/refs/heads/claudedo/")
}

/// Files of ours that decide what happens next.
fn is_own_file(path: &str) -> bool {
    let names = ["plan.json", "process.json", "exit.json", "cancel", "machine"];
    let is_state = path.contains("/.git/claudedo/") && names.iter().any(|name| path.ends_with(name));
    is_state || path.contains("/.git/claudedo/trust/") || path.contains("/.claudedo/tasks/")
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').unwrap().0
}

fn is_synced(calls: &[Call], path: &str) -> bool {
    calls
        .iter()
        .any(|call| matches!(call, Call::Synced(synced) if synced == path) || *call == Call::SyncedAll)
}

/// Requires the order that survives a power cut, and returns how many refs moved and how many files were replaced.
fn require_durable(calls: &[Call]) -> (usize, usize) {
    let (mut refs, mut files) = (0, 0);
    for (at, call) in calls.iter().enumerate() {
        let Call::Named { from, to } = call else { continue };
        if !is_own_ref(to) && !is_own_file(to) {
            continue;
        }
        assert!(is_synced(&calls[..at], from), "{to} got its name before its bytes were synced");
        assert!(is_synced(&calls[at..], parent(to)), "the name {to} was never synced");
        if !is_own_ref(to) {
            files += 1;
            continue;
        }
        refs += 1;
        for (made, object) in calls[..at].iter().enumerate() {
            let Call::Named { to: object, .. } = object else { continue };
            if is_object(object) {
                let between = &calls[made..at];
                assert!(is_synced(between, object), "{to} moved before {object} was synced");
                assert!(is_synced(between, parent(object)), "{to} moved before the name {object} was synced");
            }
        }
    }
    (refs, files)
}

#[test]
fn nothing_is_named_before_it_is_on_the_disk() {
    let test = TestRepository::with_fake();
    let Some(calls) = traced(&test, &["add", "Write it down"]) else { return };
    let (refs, files) = require_durable(&calls);
    assert!(refs == 0 && files >= 2, "the task and its approval: {calls:#?}");

    test.add_task("work-a1b2", &["write a.txt 1", "write b.txt 2"]);
    let Some(calls) = traced(&test, &["run", "work-a1b2"]) else { return };
    let objects = calls.iter().filter(|call| matches!(call, Call::Named { to, .. } if is_object(to))).count();
    let (refs, files) = require_durable(&calls);
    // The claim, the branch twice, the record; the plan, who runs, how it ended.
    assert!(refs >= 4 && files >= 3 && objects >= 10, "{refs} refs, {files} files, {objects} objects");
}
