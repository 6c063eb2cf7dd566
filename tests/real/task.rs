//! A task of a test, as its user sees it: by `git claudedo`, and by plain git, since the tracking ref
//! promises to be readable without this program.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::repository::RealRepository;

/// A file that was changed a moment ago may still be in the making (`docs/task-files.md`).
const SETTLED: Duration = Duration::from_mins(1);

/// A task that a test added.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task<'a> {
    repository: &'a RealRepository,
    pub(crate) id: &'a str,
}

impl<'a> Task<'a> {
    pub(crate) fn new(repository: &'a RealRepository, id: &'a str) -> Self {
        Self { repository, id }
    }

    /// Adds lines to the task's file, as a user with an editor does.
    pub(crate) fn with_lines(self, lines: &str) -> Self {
        let path = self.repository.path().join(format!(".claudedo/tasks/{}.yaml", self.id));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}{lines}\n")).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - SETTLED).unwrap();
        self
    }

    /// Returns what `show --json` says.
    pub(crate) fn shown(self) -> Value {
        serde_json::from_str(&self.repository.answer(&["show", "--json", self.id])).unwrap()
    }

    /// Returns the one word for where the task stands.
    pub(crate) fn state(self) -> String {
        self.shown()["state"].as_str().unwrap().to_owned()
    }

    /// Returns `outcome` and `reason` of every run, in order.
    pub(crate) fn outcomes(self) -> Vec<String> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let runs = self.shown()["all_runs"].as_array().unwrap().clone();
        let text = |run: &Value| format!("{} {}", word(&run["outcome"]), word(&run["reason"]));
        runs.iter().map(|run| text(run).trim().to_owned()).collect()
    }

    /// Returns the record of a run, read with plain git.
    pub(crate) fn record(self, number: u32) -> Value {
        serde_json::from_str(&self.recorded(number, "run.json")).unwrap()
    }

    /// Returns a file of a run's record, read with plain git.
    pub(crate) fn recorded(self, number: u32, name: &str) -> String {
        let machine = self.repository.git(&["for-each-ref", "--format=%(refname)", "refs/claudedo/runs"]);
        let paths = self.repository.git(&["ls-tree", "-r", "--name-only", &machine]);
        let (task, run) = (format!("/{}/runs/", self.id), format!("/{number:04}-"));
        let is_wanted =
            |path: &&str| path.contains(&task) && path.contains(&run) && path.ends_with(&format!("/{name}"));
        let path =
            paths.lines().find(is_wanted).unwrap_or_else(|| panic!("no {name} of {}: {paths}", self.id));
        self.repository.git(&["show", &format!("{machine}:{path}")])
    }

    /// Returns a file on the task's branch.
    pub(crate) fn file(self, path: &str) -> String {
        self.repository.git(&["show", &format!("claudedo/{}:{path}", self.id)])
    }

    /// Returns the names of all files on the task's branch.
    pub(crate) fn files(self) -> Vec<String> {
        let branch = format!("claudedo/{}", self.id);
        let names = self.repository.git(&["ls-tree", "-r", "--name-only", &branch]);
        names.lines().map(str::to_owned).collect()
    }

    /// Returns the conversation as `logs` shows it.
    pub(crate) fn conversation(self) -> String {
        self.repository.answer(&["logs", self.id])
    }

    /// Asks for a follow-up; nothing runs yet.
    pub(crate) fn continue_with(self, text: &str) {
        self.repository.answer(&["continue", self.id, "--message", text]);
    }
}
