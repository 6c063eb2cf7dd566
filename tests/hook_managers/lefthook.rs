//! lefthook: it renames what it finds to `<event>.old` and runs it no more, so it has to call this program itself.

use crate::repository::{self, Outcome, Repository, assert_both_run};

const CONFIG: &str = "\
post-commit:
  jobs:
    - run: theirs post-commit
pre-push:
  jobs:
    - run: theirs pre-push
";

/// What `git claudedo hooks install` prints to add.
const WITH_OURS: &str = "\
post-commit:
  jobs:
    - run: git-claudedo hook post-commit {0}
    - run: theirs post-commit
pre-push:
  jobs:
    - run: git-claudedo hook pre-push {0}
      use_stdin: true
    - run: theirs pre-push
";

fn alone() -> Option<(Repository, [Outcome; 2])> {
    repository::alone(|repository| {
        repository.write("lefthook.yml", CONFIG);
        repository.require("lefthook", &["install"]);
    })
}

#[test]
fn the_manager_was_there_first() {
    let Some((repository, alone)) = alone() else { return };
    let before = repository.hooks_there();
    let (status, said) = repository.hooks(&["install", "--mechanism=files"]);
    assert_eq!(status, 1);
    for line in ["    - run: git-claudedo hook post-commit {0}", "      use_stdin: true"] {
        assert!(said.contains(line), "{said}");
    }
    repository.write("lefthook.yml", WITH_OURS);
    let (status, said) = repository.hooks(&["install", "--mechanism=files"]);
    assert_eq!(status, 0, "{said}");
    assert_eq!(repository.standing()[0], "post-commit called");
    assert_both_run(&repository, &alone);
    repository.require("lefthook", &["install", "--force"]);
    assert_both_run(&repository, &alone);
    assert_eq!(repository.hooks(&["status"]).0, 0);
    repository.write("lefthook.yml", CONFIG);
    assert_eq!(repository.hooks(&["uninstall"]).0, 0);
    repository.require("lefthook", &["install"]);
    assert_eq!(repository.hooks_there(), before);
}

#[test]
fn the_manager_came_later() {
    let Some((reference, alone)) = alone() else { return };
    let Some(repository) = Repository::prepare() else { return };
    assert_eq!(repository.hooks(&["install", "--mechanism=files"]).0, 0);
    repository.write("lefthook.yml", CONFIG);
    repository.require("lefthook", &["install"]);
    assert_eq!(repository.commit_and_push("0").ours(), [""; 0], "lefthook does not run what it put aside");
    let standing = repository.standing();
    assert_eq!(standing[0], "post-commit put aside, as .git/hooks/post-commit.old");
    assert_eq!(standing[1], "post-merge file");
    repository.write("lefthook.yml", WITH_OURS);
    assert_eq!(repository.hooks(&["status"]).0, 0);
    assert_both_run(&repository, &alone);
    repository.write("lefthook.yml", CONFIG);
    assert_eq!(repository.hooks(&["uninstall"]).0, 0);
    repository.require("lefthook", &["install"]);
    assert_eq!(repository.hooks_there(), reference.hooks_there());
}

#[test]
fn a_call_that_lefthook_never_starts_does_not_count() {
    let Some(repository) = Repository::prepare() else { return };
    repository.write("lefthook.yml", WITH_OURS);
    assert_eq!(repository.standing()[0], "post-commit called in lefthook.yml, which nothing starts");
}

#[test]
fn both_scripts_in_one_place_work_until_lefthook_writes_its_own_again() {
    let Some((repository, alone)) = alone() else { return };
    let before = repository.hooks_there();
    assert_eq!(repository.hooks(&["install", "--mechanism=files", "--force"]).0, 0);
    assert_both_run(&repository, &alone);
    repository.require("lefthook", &["install", "--force"]);
    assert_eq!(repository.standing()[0], "post-commit put aside, as .git/hooks/post-commit.old");
    assert_eq!(repository.hooks(&["uninstall"]).0, 0);
    let left = repository.hooks_there();
    assert_eq!(left[".git/hooks/post-commit"], before[".git/hooks/post-commit"]);
}
