//! husky: git looks into `.husky/_`, whose scripts run those of `.husky`, which everybody shares.

use crate::repository::{self, Outcome, Repository, assert_both_run};

fn write_config(repository: &Repository) {
    repository.write(".husky/post-commit", "theirs post-commit\n");
    repository.write(".husky/pre-push", "theirs pre-push \"$(head -c 4)\"\n");
}

fn alone() -> Option<(Repository, [Outcome; 2])> {
    repository::alone(|repository| {
        write_config(repository);
        repository.require("husky", &[]);
    })
}

#[test]
fn the_manager_was_there_first() {
    let Some((repository, alone)) = alone() else { return };
    let before = repository.hooks_there();
    let (status, said) = repository.hooks(&["install", "--mechanism=files"]);
    assert_eq!(
        (status, said.matches("everybody who uses the repository shares .husky/").count()),
        (1, 5),
        "{said}"
    );
    assert_eq!(repository.hooks_there(), before);
    let (status, said) = repository.hooks(&["install", "--mechanism=files", "--write"]);
    assert_eq!(status, 0, "{said}");
    assert_eq!(repository.standing()[0], "post-commit block");
    assert_both_run(&repository, &alone);
    repository.require("husky", &[]);
    assert_both_run(&repository, &alone);
    assert_eq!(
        repository.hooks(&["install", "--mechanism=files", "--write"]).1.matches("installed already").count(),
        5
    );
    assert_eq!(repository.hooks(&["uninstall", "--write"]).0, 0);
    assert_eq!(repository.hooks_there(), before);
}

#[test]
fn the_manager_came_later() {
    let Some((reference, alone)) = alone() else { return };
    let Some(repository) = Repository::prepare() else { return };
    assert_eq!(repository.hooks(&["install", "--mechanism=files"]).0, 0);
    write_config(&repository);
    repository.require("husky", &[]);
    let shadowed = format!("post-commit core.hooksPath of the repository names {}", ".husky/_");
    assert_eq!(repository.standing()[0], shadowed);
    assert_eq!(repository.hooks(&["install", "--mechanism=files", "--write"]).0, 0);
    assert_eq!(repository.hooks(&["status"]).0, 0);
    assert_both_run(&repository, &alone);
    assert_eq!(repository.hooks(&["uninstall", "--write"]).0, 0);
    assert_eq!(repository.hooks_there(), reference.hooks_there());
}

#[test]
fn a_colleague_without_this_program_notices_nothing() {
    let Some((repository, alone)) = alone() else { return };
    assert_eq!(repository.hooks(&["install", "--mechanism=files", "--write"]).0, 0);
    std::fs::remove_file(repository.root().join("bin/git-claudedo")).unwrap();
    let outcome = repository.commit_and_push("0");
    assert_eq!((outcome.commit, outcome.push, outcome.calls), (0, 0, alone[0].calls.clone()));
}
