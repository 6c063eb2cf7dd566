//! simple-git-hooks: it replaces the hooks that it is told of and deletes all others.

use crate::repository::{self, Outcome, Repository, assert_both_run};

const CONFIG: &str = r#"{
  "name": "x",
  "simple-git-hooks": {"post-commit": "theirs post-commit", "pre-push": "theirs pre-push"}
}
"#;

/// What `git claudedo hooks status` says to add.
const WITH_OURS: &str = r#"{
  "name": "x",
  "simple-git-hooks": {
    "post-commit": "git-claudedo hook post-commit \"$@\"\ntheirs post-commit",
    "pre-push": "git-claudedo hook pre-push \"$@\" || exit 1\ntheirs pre-push"
  }
}
"#;

fn alone() -> Option<(Repository, [Outcome; 2])> {
    repository::alone(|repository| {
        repository.write("package.json", CONFIG);
        repository.require("simple-git-hooks", &[]);
    })
}

#[test]
fn the_manager_was_there_first() {
    let Some((repository, alone)) = alone() else { return };
    let before = repository.hooks_there();
    assert_eq!(repository.hooks(&["install", "--mechanism=files"]).0, 0);
    assert_both_run(&repository, &alone);
    assert_eq!(repository.hooks(&["uninstall"]).0, 0);
    assert_eq!(repository.hooks_there(), before);
}

#[test]
fn what_the_manager_takes_away_is_noticed_and_comes_back() {
    let Some((repository, alone)) = alone() else { return };
    let before = repository.hooks_there();
    assert_eq!(repository.hooks(&["install", "--mechanism=files"]).0, 0);
    repository.require("simple-git-hooks", &[]);
    let standing = repository.standing();
    assert_eq!(standing[0], "post-commit replaced by simple-git-hooks: .git/hooks/post-commit");
    assert_eq!(standing[1], "post-merge not installed; simple-git-hooks deletes hooks");
    assert_eq!(repository.hooks(&["install", "--mechanism=files"]).0, 0);
    assert_both_run(&repository, &alone);
    repository.require("simple-git-hooks", &[]);
    assert_eq!(repository.hooks(&["uninstall"]).0, 0);
    assert_eq!(repository.hooks_there(), before);
}

#[test]
fn the_manager_can_call_this_program_itself() {
    let Some((_, alone)) = alone() else { return };
    let Some(repository) = Repository::prepare() else { return };
    repository.write("package.json", WITH_OURS);
    repository.require("simple-git-hooks", &[]);
    assert_both_run(&repository, &alone);
    assert_eq!(repository.standing()[0], "post-commit called");
    let both = ["--event=post-commit", "--event=pre-push"];
    let (status, said) = repository.hooks(&["install", "--mechanism=files", both[0], both[1]]);
    assert_eq!((status, said.matches("installed already").count()), (0, 2), "{said}");
}
