//! git-lfs: its hook before a push sends the large files. It writes no hook where another one is.

use std::fs;

use crate::repository::Repository;

/// Commits a large file and pushes it; returns how many large files the remote has then.
fn push_large_file(repository: &Repository, name: &str) -> usize {
    repository.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
    repository.write(&format!("{name}.bin"), name);
    repository.require("git", &["add", "."]);
    repository.require("git", &["commit", "--quiet", "--message=x"]);
    repository.require("git", &["push", "--quiet", "origin", "HEAD"]);
    let objects = repository.root().join("remote.git/lfs/objects");
    let level = |path: std::path::PathBuf| {
        let entries: Vec<_> =
            fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        entries
    };
    level(objects).into_iter().flat_map(level).flat_map(level).count()
}

#[test]
fn the_manager_was_there_first() {
    let Some(repository) = Repository::prepare() else { return };
    repository.require("git", &["lfs", "install", "--local"]);
    let before = repository.hooks_there();
    assert_eq!(repository.hooks(&["install", "--mechanism=files"]).0, 0);
    assert_eq!(push_large_file(&repository, "one"), 1);
    assert_eq!(repository.calls(), ["hook post-commit", "hook pre-push with refs"]);
    let (status, _) = repository.run_with(&[], "git", &["lfs", "install", "--local"]);
    assert_eq!(status, 2, "it refuses, and leaves everything as it is");
    assert_eq!(push_large_file(&repository, "two"), 2);
    assert_eq!(repository.calls().len(), 2);
    assert_eq!(repository.hooks(&["uninstall"]).0, 0);
    assert_eq!(repository.hooks_there(), before);
    assert_eq!(push_large_file(&repository, "three"), 3);
}

#[test]
fn the_manager_came_later() {
    let Some(repository) = Repository::prepare() else { return };
    assert_eq!(repository.hooks(&["install", "--mechanism=files"]).0, 0);
    let ours = repository.hooks_there();
    let (status, said) = repository.run_with(&[], "git", &["lfs", "install", "--local"]);
    assert_eq!((status, said.contains("Hook already exists")), (2, true), "{said}");
    assert_eq!(repository.hooks_there(), ours);
    // The way around it, as docs/hooks.md has it.
    assert_eq!(repository.hooks(&["uninstall"]).0, 0);
    repository.require("git", &["lfs", "install", "--local"]);
    assert_eq!(repository.hooks(&["install", "--mechanism=files"]).0, 0);
    assert_eq!(push_large_file(&repository, "one"), 1);
    assert_eq!(repository.calls(), ["hook post-commit", "hook pre-push with refs"]);
}
