//! Snapshots against `git add -A && git write-tree`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{Fixture, git_in, tree_by_git, write};
use crate::git::{NestedKind, Snapshot};

fn snapshot(fixture: &Fixture, worktree: &Path) -> Snapshot {
    let repository = fixture.repository();
    let base = repository.branch_tip(&"claudedo/one".parse().unwrap()).unwrap().unwrap();
    repository.snapshot(worktree, base).unwrap()
}

fn files(fixture: &Fixture, snapshot: &Snapshot) -> Vec<String> {
    let listed = fixture.git(&["ls-tree", "-r", "--name-only", &snapshot.tree.to_string()]);
    listed.lines().map(str::to_owned).collect()
}

pub(super) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A base commit with one of everything that can change.
pub(super) fn torture_base() -> Fixture {
    let fixture = Fixture::new();
    fixture.git(&["config", "filter.upper.clean", "tr a-z A-Z"]);
    fixture.git(&["config", "filter.upper.smudge", "tr A-Z a-z"]);
    fixture.write(".gitattributes", "*.crlf text eol=crlf\n*.up filter=upper\n*.id ident\n");
    fixture.write(".gitignore", "*.log\nbuild/\n!keep.log\n");
    for name in
        ["same", "changed", "removed", "made-executable", "file-to-folder", "file-to-link", "a.up", "a.crlf"]
    {
        fixture.write(name, "text\n");
    }
    fixture.write("x.id", "$Id$\n");
    fixture.write("folder-to-file/deep/a", "a\n");
    fixture.write("folder-to-file/b", "b\n");
    fixture.write("emptied/only", "x\n");
    fixture.write("build/tracked.txt", "tracked though ignored\n");
    symlink("README", fixture.root().join("link")).unwrap();
    symlink("sub", fixture.root().join("link-to-folder")).unwrap();
    fixture.write("sub/one", "1\n");
    fixture.write("sub.txt", "sorts between\n");
    fixture.git(&["add", "-f", "build/tracked.txt"]);
    fixture.commit_all("base");
    fixture
}

pub(super) fn torture(path: &Path) {
    write(path, "changed", b"other\n");
    fs::remove_file(path.join("removed")).unwrap();
    set_mode(&path.join("made-executable"), 0o755);
    fs::remove_file(path.join("file-to-folder")).unwrap();
    write(path, "file-to-folder/inner", b"inner\n");
    fs::remove_file(path.join("file-to-link")).unwrap();
    symlink("nowhere", path.join("file-to-link")).unwrap();
    fs::remove_dir_all(path.join("folder-to-file")).unwrap();
    write(path, "folder-to-file", b"now a file\n");
    fs::remove_file(path.join("emptied/only")).unwrap();
    fs::create_dir_all(path.join("empty/er")).unwrap();
    write(path, "build/tracked.txt", b"changed though ignored\n");
    write(path, "build/output.o", b"ignored");
    write(path, "noise.log", b"ignored");
    write(path, "keep.log", b"kept\n");
    write(path, "new/.gitignore", b"secret\n");
    write(path, "new/secret", b"ignored");
    write(path, "new/open", b"open\n");
    write(path, "new.crlf", b"one\r\ntwo\r\n");
    write(path, "new.up", b"lower\n");
    write(path, "a.up", b"other\n");
    write(path, "empty-file", b"");
    write(path, "script.sh", b"#!/bin/sh\n");
    set_mode(&path.join("script.sh"), 0o700);
    fs::write(path.join(OsStr::from_bytes(b"caf\xe9")), "not UTF-8\n").unwrap();
    for name in
        ["with \"quotes\" and\nline ends", "back\\slash", "co:lon", "aux", "ends with dot.", "-x", ":(top)"]
    {
        write(path, name, b"x\n");
    }
    fs::remove_file(path.join("link-to-folder")).unwrap();
    write(path, "link-to-folder/now-real", b"x\n");
}

#[test]
fn an_untouched_worktree_is_its_base() {
    let fixture = torture_base();
    let path = fixture.add_worktree("one");
    let repository = fixture.repository();
    let snapshot = snapshot(&fixture, &path);
    assert_eq!(snapshot.tree, repository.tree_of(repository.head_commit_id().unwrap()).unwrap());
    assert_eq!((snapshot.nested, snapshot.skipped), (vec![], vec![]));
}

#[test]
fn a_tortured_worktree_is_the_tree_that_git_makes_of_it() {
    let fixture = torture_base();
    let path = fixture.add_worktree("one");
    torture(&path);
    let snapshot = snapshot(&fixture, &path);
    assert_eq!(snapshot.tree, tree_by_git(&path));
    assert_eq!((snapshot.nested, snapshot.skipped), (vec![], vec![]));
    fixture.require_intact();
}

#[test]
fn neither_the_agents_index_nor_its_git_file_matters() {
    let fixture = torture_base();
    let path = fixture.add_worktree("one");
    torture(&path);
    let expected = tree_by_git(&path);
    let git_dir = fixture.root().join(".git/worktrees/one");
    git_in(&path, &["add", "-A"]);
    git_in(&path, &["update-index", "--assume-unchanged", "same"]);
    write(&path, "same", b"changed behind git's back\n");
    fs::write(git_dir.join("index.lock"), "").unwrap();
    fs::write(git_dir.join("HEAD"), "garbage").unwrap();
    let with_lock = snapshot(&fixture, &path);
    fs::write(git_dir.join("index"), "garbage").unwrap();
    fs::remove_file(path.join(".git")).unwrap();
    assert_eq!(snapshot(&fixture, &path), with_lock);
    fs::write(path.join(".git"), "gitdir: /nonexistent\n").unwrap();
    assert_eq!(snapshot(&fixture, &path), with_lock);
    assert!(git_dir.join("index.lock").exists());
    assert_ne!(with_lock.tree, expected);
    write(&path, "same", b"text\n");
    assert_eq!(snapshot(&fixture, &path).tree, expected);
}

#[test]
fn a_worktree_without_a_registration_is_still_stored() {
    let fixture = torture_base();
    let path = fixture.add_worktree("one");
    torture(&path);
    let expected = tree_by_git(&path);
    fs::remove_dir_all(fixture.root().join(".git/worktrees/one")).unwrap();
    assert_eq!(snapshot(&fixture, &path).tree, expected);
}

#[test]
fn the_users_index_is_not_touched() {
    let fixture = torture_base();
    let path = fixture.add_worktree("one");
    torture(&path);
    let index = fixture.root().join(".git/index");
    let before = (fs::read(&index).unwrap(), fs::metadata(&index).unwrap().modified().unwrap());
    snapshot(&fixture, &path);
    assert_eq!((fs::read(&index).unwrap(), fs::metadata(&index).unwrap().modified().unwrap()), before);
    assert_eq!(fixture.git(&["status", "--porcelain"]), "");
}

#[test]
fn repositories_that_the_agent_made_are_taken_file_by_file() {
    let fixture = Fixture::new();
    let path = fixture.add_worktree("one");
    git_in(&path, &["init", "-q", "empty-history"]);
    write(&path, "empty-history/src/a", b"a\n");
    write(&path, "empty-history/.gitignore", b"*.o\n");
    write(&path, "empty-history/b.o", b"ignored");
    git_in(&path, &["init", "-q", "with-history"]);
    write(&path, "with-history/c", b"c\n");
    let nested = path.join("with-history");
    git_in(&nested, &["add", "-A"]);
    git_in(&nested, &["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "-m", "inner"]);
    let snapshot = snapshot(&fixture, &path);
    assert_eq!(
        files(&fixture, &snapshot),
        ["README", "empty-history/.gitignore", "empty-history/src/a", "with-history/c"]
    );
    let nested: Vec<_> = snapshot.nested.iter().map(|nested| (nested.path.as_str(), nested.kind)).collect();
    assert_eq!(nested, [("empty-history", NestedKind::Files), ("with-history", NestedKind::Files)]);
    fixture.require_intact();
}

#[test]
fn a_link_that_the_agent_committed_becomes_files_again() {
    let fixture = Fixture::new();
    let path = fixture.add_worktree("one");
    git_in(&path, &["init", "-q", "app"]);
    write(&path, "app/main", b"main\n");
    git_in(&path.join("app"), &["add", "-A"]);
    git_in(&path.join("app"), &["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "-m", "inner"]);
    git_in(&path, &["add", "app"]);
    git_in(&path, &["commit", "-q", "-m", "oops"]);
    let snapshot = snapshot(&fixture, &path);
    assert_eq!(files(&fixture, &snapshot), ["README", "app/main"]);
    assert_eq!(snapshot.nested.len(), 1);
}

#[test]
fn submodules_stay_links() {
    let library = Fixture::new();
    let fixture = Fixture::new();
    let url = library.root();
    fixture.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        url.to_str().unwrap(),
        "lib",
    ]);
    fixture.commit_all("submodule");
    let path = fixture.add_worktree("one");
    write(&path, "new", b"new\n");
    let plain = snapshot(&fixture, &path);
    assert_eq!(plain.tree, tree_by_git(&path));
    assert_eq!(plain.nested, []);
    git_in(&path, &["-c", "protocol.file.allow=always", "submodule", "update", "--init", "-q"]);
    write(&path, "lib/README", b"changed inside\n");
    let filled = snapshot(&fixture, &path);
    assert_eq!(filled.tree, plain.tree);
    assert_eq!(filled.nested.len(), 1);
    assert_eq!(filled.nested[0].kind, NestedKind::Submodule);
}

#[test]
fn what_cannot_be_stored_is_listed_and_costs_nothing_else() {
    let fixture = torture_base();
    let path = fixture.add_worktree("one");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path.join("socket")).unwrap();
    fs::File::create(path.join("huge")).unwrap().set_len(51 * 1024 * 1024).unwrap();
    write(&path, "fine", b"fine\n");
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        set_mode(&path.join("same"), 0o000);
        set_mode(&path.join("sub"), 0o000);
    }
    let snapshot = snapshot(&fixture, &path);
    if !is_root {
        set_mode(&path.join("sub"), 0o755);
    }
    let mut expected = vec!["huge", "pipe", "socket"];
    if !is_root {
        expected.insert(2, "same");
        expected.push("sub");
    }
    assert_eq!(snapshot.skipped.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), expected);
    assert_eq!(snapshot.skipped[0].reason, "is larger than 50 MB");
    let files = files(&fixture, &snapshot);
    for name in ["fine", "same", "sub/one"] {
        assert!(files.contains(&name.to_owned()), "{name} is missing");
    }
    assert!(!files.contains(&"huge".to_owned()));
}

#[test]
fn a_large_file_with_a_filter_is_stored_as_what_the_filter_makes_of_it() {
    let fixture = Fixture::new();
    fixture.git(&["config", "filter.pointer.clean", "wc -c"]);
    fixture.write(".gitattributes", "*.bin filter=pointer\n");
    fixture.commit_all("attributes");
    let path = fixture.add_worktree("one");
    fs::File::create(path.join("huge.bin")).unwrap().set_len(51 * 1024 * 1024).unwrap();
    let snapshot = snapshot(&fixture, &path);
    assert_eq!(snapshot.skipped, []);
    assert_eq!(snapshot.tree, tree_by_git(&path));
}

#[test]
fn a_filter_that_fails_leaves_the_file_as_it_was() {
    let fixture = Fixture::new();
    fixture.write("a.bad", "old\n");
    fixture.write(".gitattributes", "*.bad filter=broken\n");
    fixture.commit_all("before");
    fixture.git(&["config", "filter.broken.clean", "false"]);
    fixture.git(&["config", "filter.broken.smudge", "cat"]);
    fixture.git(&["config", "filter.broken.required", "true"]);
    let path = fixture.add_worktree("one");
    write(&path, "a.bad", b"new\n");
    write(&path, "fine", b"fine\n");
    let snapshot = snapshot(&fixture, &path);
    assert_eq!(snapshot.skipped.len(), 1);
    assert_eq!(snapshot.skipped[0].path, "a.bad");
    assert_eq!(files(&fixture, &snapshot), [".gitattributes", "README", "a.bad", "fine"]);
}

#[test]
fn a_sparse_checkout_does_not_delete_what_it_left_out() {
    let fixture = Fixture::new();
    fixture.write("in/a", "a\n");
    fixture.write("out/b", "b\n");
    fixture.commit_all("two folders");
    fixture.git(&["sparse-checkout", "set", "in"]);
    let path = fixture.add_worktree("one");
    assert!(!path.join("out").exists());
    write(&path, "in/new", b"new\n");
    let snapshot = snapshot(&fixture, &path);
    assert_eq!(files(&fixture, &snapshot), ["README", "in/a", "in/new", "out/b"]);
}

#[test]
fn work_that_the_agent_committed_itself_is_in_the_base() {
    let fixture = torture_base();
    let path = fixture.add_worktree("one");
    torture(&path);
    git_in(&path, &["add", "-A"]);
    git_in(&path, &["add", "-f", "noise.log"]);
    git_in(&path, &["commit", "-q", "-m", "by the agent"]);
    let snapshot = snapshot(&fixture, &path);
    let tip = git_in(&path, &["rev-parse", "HEAD^{tree}"]);
    assert_eq!(snapshot.tree.to_string(), tip);
}

#[test]
fn after_our_commit_the_worktree_is_clean_for_git() {
    let fixture = torture_base();
    let path = fixture.add_worktree("one");
    torture(&path);
    let snapshot = snapshot(&fixture, &path);
    let repository = fixture.repository();
    let branch = "claudedo/one".parse().unwrap();
    let base = repository.branch_tip(&branch).unwrap().unwrap();
    let new = crate::git::NewCommit {
        tree: snapshot.tree,
        parents: &[base],
        message: "work",
        author: &repository.author_identity(),
        signing: crate::git::Signing::Never,
    };
    let commit = repository.commit_tree(&new).unwrap();
    repository.move_branch(&branch, base, commit, "work").unwrap();
    assert_ne!(git_in(&path, &["diff", "--cached", "--name-only"]), "");
    let lock = fixture.root().join(".git/worktrees/one/index.lock");
    fs::write(&lock, "").unwrap();
    repository.set_worktree_index(&path, snapshot.tree).unwrap();
    assert!(lock.exists());
    fs::remove_file(&lock).unwrap();
    assert_eq!(git_in(&path, &["status", "--porcelain"]), "");
    assert_eq!(repository.snapshot(&path, commit).unwrap().tree, snapshot.tree);
    fixture.require_intact();
}

#[test]
fn files_of_a_fresh_worktree_are_not_read_again() {
    let fixture = torture_base();
    let path = fixture.add_worktree("one");
    let known = fixture.root().join(".git/worktrees/one/claudedo-index");
    // Files written within the same tick of the clock as the list would rightly be read again.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(1);
    fs::File::options().write(true).open(&known).unwrap().set_modified(later).unwrap();
    // A filter that fails would be noticed.
    fixture.git(&["config", "filter.upper.clean", "false"]);
    fixture.git(&["config", "filter.upper.required", "true"]);
    assert_eq!(snapshot(&fixture, &path).skipped, []);
    fs::remove_file(known).unwrap();
    assert_eq!(snapshot(&fixture, &path).skipped.len(), 1);
}

#[test]
fn a_name_that_git_refuses_is_listed() {
    let fixture = Fixture::new();
    let path = fixture.add_worktree("one");
    write(&path, "git~1", b"x");
    write(&path, "sub/.GIT/config", b"x");
    let snapshot = snapshot(&fixture, &path);
    assert_eq!(files(&fixture, &snapshot), ["README"]);
    assert_eq!(
        snapshot.skipped.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(),
        ["git~1", "sub/.GIT"]
    );
    fixture.require_intact();
}
