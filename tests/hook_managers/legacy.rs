//! pre-commit and prek: what they find they rename to `<event>.legacy`, and run it.

use crate::repository::{Outcome, Repository, assert_both_run, outcomes};

const CONFIG: &str = "\
default_install_hook_types: [post-commit, pre-push]
repos:
- repo: local
  hooks:
  - {id: a, name: a, entry: theirs post-commit, language: system, stages: [post-commit], always_run: true, pass_filenames: false}
  - {id: b, name: b, entry: theirs pre-push, language: system, stages: [pre-push], always_run: true, pass_filenames: false}
";

const MANAGERS: [&str; 2] = ["pre-commit", "prek"];

fn alone(manager: &str) -> Option<(Repository, [Outcome; 2])> {
    let repository = Repository::prepare()?;
    repository.write(".pre-commit-config.yaml", CONFIG);
    repository.require(manager, &["install"]);
    let outcomes = outcomes(&repository);
    assert_eq!(outcomes[0].theirs(), ["theirs post-commit", "theirs pre-push"], "{outcomes:#?}");
    Some((repository, outcomes))
}

#[test]
fn the_manager_was_there_first() {
    for manager in MANAGERS {
        let Some((repository, alone)) = alone(manager) else { return };
        let before = repository.hooks_there();
        let (status, said) = repository.hooks(&["install", "--mechanism=files"]);
        assert_eq!(status, 0, "{said}");
        assert_eq!(repository.standing()[0], format!("post-commit {manager}"));
        assert_both_run(&repository, &alone);
        repository.require(manager, &["install"]);
        assert_both_run(&repository, &alone);
        assert_eq!(
            repository.hooks(&["install", "--mechanism=files"]).1.matches("installed already").count(),
            5
        );
        assert_eq!(repository.hooks(&["uninstall"]).0, 0);
        assert_eq!(repository.hooks_there(), before, "{manager}");
    }
}

#[test]
fn the_manager_came_later() {
    for manager in MANAGERS {
        let Some((reference, alone)) = alone(manager) else { return };
        let Some(repository) = Repository::prepare() else { return };
        repository.write(".pre-commit-config.yaml", CONFIG);
        assert_eq!(repository.hooks(&["install", "--mechanism=files"]).0, 0);
        let ours = repository.hooks_there();
        repository.require(manager, &["install"]);
        assert_eq!(repository.hooks(&["status"]).0, 0);
        assert_both_run(&repository, &alone);
        repository.require(manager, &["install"]);
        assert_both_run(&repository, &alone);
        repository.require(manager, &["uninstall"]);
        assert_eq!(repository.hooks_there(), ours, "{manager}");
        repository.require(manager, &["install"]);
        assert_eq!(repository.hooks(&["uninstall"]).0, 0);
        assert_eq!(repository.hooks_there(), reference.hooks_there(), "{manager}");
    }
}

#[test]
fn a_third_hook_from_before_both_runs_once_and_comes_back() {
    for manager in MANAGERS {
        let Some(repository) = Repository::prepare() else { return };
        repository.write(".pre-commit-config.yaml", CONFIG);
        repository.write(".git/hooks/post-commit", "#!/bin/sh\necho first >>\"$CALLS\"\n");
        repository.require("chmod", &["755", ".git/hooks/post-commit"]);
        repository.require(manager, &["install"]);
        let before = repository.hooks_there();
        assert_eq!(repository.hooks(&["install", "--mechanism=files"]).0, 0);
        let calls = repository.commit_and_push("0").calls;
        let expected =
            ["first", "hook post-commit", "theirs post-commit", "hook pre-push with refs", "theirs pre-push"];
        assert_eq!(calls, expected, "{manager}");
        repository.require(manager, &["install"]);
        assert_eq!(repository.commit_and_push("0").calls, expected, "{manager}");
        assert_eq!(repository.hooks(&["uninstall"]).0, 0);
        assert_eq!(repository.hooks_there(), before, "{manager}");
    }
}
