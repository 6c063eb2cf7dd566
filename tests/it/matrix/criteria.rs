//! What must hold after every disturbance, whatever it was.

use std::fs;

use crate::support::{Answer, TestRepository};

/// What belongs to the user, as it was before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Belongings {
    status: String,
    index: String,
    refs: String,
    head: String,
    config: Vec<u8>,
    hooks: Vec<String>,
}

impl Belongings {
    /// Looks at what the user has: work tree, index, refs that are not ours, configuration, hooks.
    pub(super) fn of(test: &TestRepository) -> Self {
        let refs = test.git(&["for-each-ref", "--format=%(objectname) %(refname)"]);
        let theirs = refs
            .lines()
            .filter(|line| !line.contains(" refs/claudedo/") && !line.contains(" refs/heads/claudedo/"));
        Self {
            status: test.git(&["--no-optional-locks", "status", "--porcelain", "--ignored"]),
            index: test.git(&["ls-files", "--stage"]),
            refs: theirs.collect::<Vec<_>>().join("\n"),
            head: test.git(&["symbolic-ref", "HEAD"]),
            config: fs::read(test.path().join(".git/config")).unwrap(),
            hooks: hooks(test),
        }
    }

    /// Requires that all of it is as it was, that git finds the repository sound, that the claim of each task
    /// named ended once, and that a new task runs.
    pub(super) fn assert_order(&self, test: &TestRepository, tasks: &[&str]) {
        assert_eq!(*self, Self::of(test));
        test.assert_sound();
        for task in tasks {
            assert_one_end_a_claim(&test.history(task));
        }
        assert_eq!(test.run_folders(), Vec::<std::path::PathBuf>::new());
        test.add_task("next-zzzz", &["write next.txt 1"]);
        let answer = test.claudedo(&["run", "next-zzzz"]);
        assert_eq!(answer.status, 0, "the next task does not run: {answer:#?}");
        assert_eq!(test.git(&["show", "claudedo/next-zzzz:next.txt"]), "1");
        test.assert_no_process_left();
    }
}

fn hooks(test: &TestRepository) -> Vec<String> {
    let Ok(entries) = fs::read_dir(test.path().join(".git/hooks")) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Requires a claim, an end, a claim, an end; or what is held or released in between.
pub(super) fn assert_one_end_a_claim(history: &str) {
    let mut is_claimed = false;
    for event in history.split_whitespace() {
        match event.split(':').next().unwrap() {
            "claimed" => {
                assert!(!is_claimed, "claimed twice: {history}");
                is_claimed = true;
            }
            "finished" | "held" => {
                assert!(is_claimed, "ended twice: {history}");
                is_claimed = false;
            }
            _ => {}
        }
    }
    assert!(!is_claimed, "the claim has no end: {history}");
}

/// Requires that a failure is told as a sentence for people that holds these words, on few lines.
pub(super) fn assert_clear(answer: &Answer, words: &[&str]) {
    let Answer { stderr, .. } = answer;
    for noise in ["panicked", "RUST_BACKTRACE", "Os {", "Error {", "Some(", "unwrap"] {
        assert!(!stderr.contains(noise), "not for people: {answer:#?}");
    }
    for word in words {
        assert!(stderr.contains(word), "{word:?} is not said: {answer:#?}");
    }
}
