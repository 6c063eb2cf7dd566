//! What must hold however the program was broken, looked at from outside with plain git and the command line.
//!
//! 1. every byte that an agent wrote is reachable from a ref or lies in a worktree that git lists;
//! 2. each task is queued, held or ended, and each claim has one end;
//! 3. a failure is told in one clear line: what, of which task or file, and what comes next;
//! 4. the user's work tree, index, branches, configuration and hooks are as before;
//! 5. `git fsck` finds nothing, no process and no file of a half-done step is left, and the next task runs.
//!
//! An agent proves what it wrote by a [witness](witness_step): a copy outside of everything that the program touches.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::Value;

use crate::support::{Answer, TestRepository};

/// The task that runs after all is over, to see that the next one does.
const NEXT_TASK: &str = "next-zz99";

/// The states in which nobody has to do anything for a task to go on or to stay as it is.
const SETTLED: [&str; 7] = ["queued", "held", "waiting", "done", "failed", "cancelled", "interrupted"];

/// What only the output of a program for its own developers has.
const NOT_FOR_PEOPLE: [&str; 9] =
    ["panicked", "RUST_BACKTRACE", "Os {", "Error {", "Some(", "None,", "Err(", "{ kind", "FileError"];

/// What is the user's, as it was before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Theirs {
    tree: BTreeMap<PathBuf, Vec<u8>>,
    index: Vec<u8>,
    head: Vec<u8>,
    refs: Vec<String>,
    config: Vec<u8>,
    hooks: BTreeMap<PathBuf, Vec<u8>>,
}

impl Theirs {
    /// Takes it down, once the tasks are written.
    pub(crate) fn of(test: &TestRepository) -> Self {
        let git = test.path().join(".git");
        let read = |name: &str| fs::read(git.join(name)).unwrap_or_default();
        let mut tree = files(&test.path());
        // What a killed `add` was writing was never theirs, and has to be gone in the end: see `left_over`.
        tree.retain(|path, _| !path.starts_with(&git) && !is_half_written(path));
        let refs = test.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        let ours = ["refs/claudedo/", "refs/claudedo-remotes/", "refs/heads/claudedo/"];
        let theirs = refs.lines().filter(|line| !ours.iter().any(|prefix| line.starts_with(prefix)));
        Self {
            tree,
            index: read("index"),
            head: read("HEAD"),
            refs: theirs.map(str::to_owned).collect(),
            config: read("config"),
            hooks: files(&git.join("hooks")),
        }
    }
}

/// Writes a file into a worktree as a person does, and a witness of it.
#[expect(clippy::disallowed_methods, reason = "a person's editor does as it likes")]
pub(crate) fn write_by_hand(test: &TestRepository, worktree: &Path) {
    for folder in [worktree, &witnesses(test)] {
        fs::write(folder.join("by-hand.txt"), "by hand\n").unwrap();
    }
}

/// Makes the folder of the witnesses.
pub(crate) fn prepare(test: &TestRepository) {
    fs::create_dir_all(witnesses(test)).unwrap();
}

/// Returns the step by which an agent writes a file of its run, and then a witness of it.
///
/// Its name and its bytes are of this run alone, so that the work of a later run never takes its place.
pub(crate) fn witness_step(test: &TestRepository, name: &str) -> String {
    let file = format!("{name}-$CLAUDEDO_RUN.txt");
    let witness = witnesses(test).join(&file);
    // An agent that is killed while it copies leaves no witness, rather than an empty one of bytes that nobody wrote.
    let (copy, witness) = (test.root().join("tmp").join(&file), witness.display().to_string());
    format!(
        "sh printf '%s\\n' \"{name} $CLAUDEDO_RUN\" >{file} && cp {file} {copy} && mv {copy} {witness}",
        copy = copy.display()
    )
}

/// Returns what does not hold of all five, with the number of each, once the last start is over.
///
/// Runs one more task, so this comes last.
pub(crate) fn broken(test: &TestRepository, before: &Theirs) -> Vec<String> {
    let mut broken = lost(test);
    broken.extend(unsettled(test));
    if Theirs::of(test) != *before {
        broken.push("4: what is the user's has changed".to_owned());
    }
    age_half_written(test);
    broken.extend(next_task(test));
    broken.extend(left_over(test));
    test.assert_sound();
    test.assert_no_process_left();
    broken
}

/// Returns what an answer says that is no clear line, or that it fails and says nothing (criterion 3).
///
/// A program that was killed says nothing.
pub(crate) fn unclear(answer: &Answer) -> Vec<String> {
    let said: Vec<&str> = answer.stderr.lines().chain(answer.stdout.lines()).collect();
    let bad = said.iter().filter(|line| NOT_FOR_PEOPLE.iter().any(|word| line.contains(word)));
    let mut unclear: Vec<String> = bad.map(|line| format!("3: not for people: {line}")).collect();
    if answer.status > 0 && !said.iter().any(|line| names_a_thing(line)) {
        unclear
            .push(format!("3: exit code {} and no line that names a task or file: {said:#?}", answer.status));
    }
    if answer.status == 128 && !said.iter().any(|line| line.starts_with("error: ")) {
        unclear.push(format!("3: exit code 128 and no error: {said:#?}"));
    }
    unclear
}

/// Tasks of these tests end in two letters and two digits, as those of `git claudedo add` do in four characters.
fn names_a_thing(line: &str) -> bool {
    line.split(|character: char| !character.is_ascii_alphanumeric() && !"-/._".contains(character)).any(
        |word| {
            let is_task = word.rsplit_once('-').is_some_and(|(_, end)| end.len() == 4);
            is_task || word.starts_with('/') || word.contains(".claudedo/")
        },
    )
}

/// Returns the witnesses whose bytes are neither reachable nor in a worktree (criterion 1).
fn lost(test: &TestRepository) -> Vec<String> {
    let reachable = test.git(&["rev-list", "--objects", "--all"]);
    let reachable: BTreeSet<&str> = reachable.lines().filter_map(|line| line.split(' ').next()).collect();
    let listed = test.git(&["worktree", "list", "--porcelain"]);
    let worktrees = listed.lines().filter_map(|line| line.strip_prefix("worktree ")).skip(1);
    let kept: BTreeSet<Vec<u8>> =
        worktrees.flat_map(|worktree| files(Path::new(worktree)).into_values()).collect();
    let lost = files(&witnesses(test)).into_iter().filter(|(path, bytes)| {
        let id = test.git(&["hash-object", "--no-filters", path.to_str().unwrap()]);
        !reachable.contains(id.as_str()) && !kept.contains(bytes)
    });
    let told = |(path, bytes): (PathBuf, Vec<u8>)| {
        format!("1: lost {} of {} bytes", path.file_name().unwrap().display(), bytes.len())
    };
    lost.map(told).collect()
}

/// Returns the tasks that are stuck, and the claims that have no end or more than one (criterion 2).
fn unsettled(test: &TestRepository) -> Vec<String> {
    let answer = test.claudedo(&["list", "--all", "--json"]);
    let listed: Vec<Value> = serde_json::from_str(&answer.stdout).unwrap();
    let mut unsettled = Vec::new();
    for task in &listed {
        let (id, state) = (task["id"].as_str().unwrap(), task["state"].as_str().unwrap());
        if !SETTLED.contains(&state) {
            unsettled.push(format!("2: task {id} is {state}"));
        }
        for (claim, (begun, ended)) in claims(&test.events(id)) {
            if (begun, ended) != (1, 1) {
                unsettled.push(format!(
                    "2: claim {claim} of {id} was taken {begun} times and ended {ended} times"
                ));
            }
        }
        let runs: Vec<Value> = test.records(id).into_iter().map(|record| record["run"].clone()).collect();
        if runs.iter().enumerate().any(|(at, run)| runs[..at].contains(run)) {
            unsettled.push(format!("2: a run of {id} has two records: {runs:?}"));
        }
    }
    let status = test.claudedo(&["status", "--json"]);
    if status.status != 0 {
        unsettled.push(format!("2: no status: {status:#?}"));
    }
    unsettled
}

/// Returns how often each claim was taken and ended.
fn claims(events: &[Value]) -> BTreeMap<String, (usize, usize)> {
    let mut claims: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for event in events {
        let Some(claim) = event["claim"].as_str() else { continue };
        let count = claims.entry(claim.to_owned()).or_default();
        match event["kind"].as_str().unwrap() {
            "claimed" => count.0 += 1,
            "finished" | "held" => count.1 += 1,
            _ => {}
        }
    }
    claims
}

/// Returns whether a file is one of the program's own that was to replace another.
pub(crate) fn is_half_written(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(".claudedo-") && name.ends_with(".tmp")
}

/// Makes half-written files old: a start leaves those alone that somebody may be writing at the moment.
fn age_half_written(test: &TestRepository) {
    let folders =
        [".git/claudedo", ".git/info", ".git/worktrees", ".claudedo"].map(|name| test.path().join(name));
    for path in folders.iter().flat_map(|folder| files(folder).into_keys()) {
        if path.to_string_lossy().ends_with(".tmp") {
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(UNIX_EPOCH).unwrap();
        }
    }
}

/// Returns the files of steps that were never finished (criterion 5).
fn left_over(test: &TestRepository) -> Vec<String> {
    let folders = [test.path().join(".git"), test.root().join("state"), test.path().join(".claudedo")];
    let mut left: Vec<PathBuf> = folders.iter().flat_map(|folder| files(folder).into_keys()).collect();
    let is_left = |path: &PathBuf| {
        let name = path.to_string_lossy();
        // An agent's own git that was killed in its worktree leaves what git leaves anywhere, and that is not ours.
        let is_of_agent = name.contains("/worktrees/") && name.ends_with("/index.lock");
        let is_half = [".lock", ".tmp", ".tmp.lock"].iter().any(|end| name.ends_with(end));
        (is_half && !is_of_agent) || name.contains(".trash")
    };
    left.retain(is_left);
    left.extend(test.run_folders());
    left.iter()
        .map(|path| format!("5: left over: {}", path.strip_prefix(test.root()).unwrap().display()))
        .collect()
}

fn next_task(test: &TestRepository) -> Option<String> {
    test.add_task(NEXT_TASK, &["write next.txt 1"]);
    let answer = test.claudedo(&["run", NEXT_TASK]);
    (answer.status != 0 || test.history(NEXT_TASK) != "claimed finished:done")
        .then(|| format!("5: the next task does not run: {answer:#?}"))
}

fn witnesses(test: &TestRepository) -> PathBuf {
    test.root().join("witness")
}

/// Returns all files below a folder with their bytes; those that go meanwhile are left out.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => pending.push(entry.path()),
                Ok(kind) if kind.is_file() => {
                    found.extend(fs::read(entry.path()).ok().map(|bytes| (entry.path(), bytes)));
                }
                _ => {}
            }
        }
    }
    found
}
