//! Worktrees: made, half-made, removed.

use std::fs;

use super::{Fixture, git_command, git_in, tree_by_git, write};
use crate::git::{BranchName, GitError, WorktreeState};

#[test]
fn a_worktree_is_one_for_git_as_well() {
    let fixture = Fixture::new();
    let path = fixture.add_worktree("one");
    assert_eq!(git_in(&path, &["status", "--porcelain"]), "");
    assert_eq!(git_in(&path, &["branch", "--show-current"]), "claudedo/one");
    let list = fixture.git(&["worktree", "list", "--porcelain"]);
    assert!(list.contains(&format!("worktree {}\n", path.display())), "{list}");
    assert!(list.contains("locked claudedo test"), "{list}");
    let repository = fixture.repository();
    assert_eq!(repository.worktrees().unwrap().len(), 1);
    assert_eq!(repository.worktree_head(&path).unwrap(), Some(repository.head_commit_id().unwrap()));
    fixture.require_intact();
}

#[test]
fn worktrees_can_be_made_side_by_side() {
    let fixture = Fixture::new();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            let fixture = &fixture;
            scope.spawn(move || fixture.add_worktree(name));
        }
    });
    assert_eq!(fixture.repository().worktrees().unwrap().len(), 8);
    assert_eq!(git_in(&fixture.worktree("h"), &["status", "--porcelain"]), "");
    fixture.require_intact();
}

#[test]
fn removing_a_worktree_leaves_the_branch_and_nothing_else() {
    let fixture = Fixture::new();
    let path = fixture.add_worktree("one");
    write(&path, "dirty", b"dirty");
    let repository = fixture.repository();
    repository.remove_worktree(&path).unwrap();
    repository.remove_worktree(&path).unwrap();
    assert_eq!(repository.worktree_state(&path).unwrap(), WorktreeState::Absent);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
    assert_eq!(fixture.git(&["worktree", "list"]).lines().count(), 1);
    assert!(repository.branch_tip(&"claudedo/one".parse().unwrap()).unwrap().is_some());
}

#[test]
fn a_worktree_whose_folder_is_gone_can_be_removed_and_made_again() {
    let fixture = Fixture::new();
    let path = fixture.add_worktree("one");
    fs::remove_dir_all(&path).unwrap();
    let repository = fixture.repository();
    assert!(matches!(repository.worktree_state(&path).unwrap(), WorktreeState::Missing(_)));
    let branch: BranchName = "claudedo/one".parse().unwrap();
    repository.add_worktree(&path, &branch, "again").unwrap();
    assert_eq!(git_in(&path, &["status", "--porcelain"]), "");
    fs::remove_dir_all(&path).unwrap();
    repository.remove_worktree(&path).unwrap();
    assert_eq!(repository.worktree_state(&path).unwrap(), WorktreeState::Absent);
}

#[test]
fn what_an_interrupted_attempt_left_is_cleared_away() {
    let fixture = Fixture::new();
    let path = fixture.add_worktree("one");
    let repository = fixture.repository();
    let WorktreeState::Present(worktree) = repository.worktree_state(&path).unwrap() else { panic!() };
    fs::write(worktree.git_dir.join("locked"), "initializing").unwrap();
    // Written last, so that an attempt that was interrupted has none.
    fs::remove_file(worktree.git_dir.join("claudedo-index")).unwrap();
    fs::remove_file(path.join("README")).unwrap();
    assert!(matches!(repository.worktree_state(&path).unwrap(), WorktreeState::Unfinished(_)));
    repository.add_worktree(&path, &"claudedo/one".parse().unwrap(), "again").unwrap();
    assert_eq!(git_in(&path, &["status", "--porcelain"]), "");
}

#[test]
fn folders_that_are_not_ours_are_neither_filled_nor_removed() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let path = fixture.worktree("one");
    write(&path, "precious", b"x");
    let branch: BranchName = "claudedo/one".parse().unwrap();
    repository.create_branch(&branch, repository.head_commit_id().unwrap(), "").unwrap();
    assert!(matches!(repository.add_worktree(&path, &branch, "x"), Err(GitError::NotAWorktree { .. })));
    assert!(matches!(repository.remove_worktree(&path), Err(GitError::NotAWorktree { .. })));
    assert!(matches!(repository.remove_worktree(&fixture.root()), Err(GitError::NotAWorktree { .. })));
    assert!(path.join("precious").exists());
    assert!(fixture.root().join("README").exists());
    assert_eq!(repository.worktrees().unwrap(), []);
}

#[test]
fn a_branch_that_is_checked_out_elsewhere_gets_no_second_worktree() {
    let fixture = Fixture::new();
    fixture.add_worktree("one");
    let repository = fixture.repository();
    for name in ["main", "claudedo/one"] {
        let result = repository.add_worktree(&fixture.worktree("two"), &name.parse().unwrap(), "x");
        assert!(matches!(result, Err(GitError::CheckedOut { .. })), "{result:?}");
    }
    assert!(!fixture.worktree("two").exists());
}

#[test]
fn a_branch_that_a_rebase_or_bisection_returns_to_gets_no_second_worktree() {
    let fixture = Fixture::new();
    let path = fixture.add_worktree("one");
    let repository = fixture.repository();
    let WorktreeState::Present(worktree) = repository.worktree_state(&path).unwrap() else { panic!() };
    git_in(&path, &["checkout", "-q", "--detach"]);
    let branch: BranchName = "claudedo/one".parse().unwrap();
    for (file, text) in [
        ("rebase-merge/head-name", "refs/heads/claudedo/one\n"),
        ("rebase-apply/head-name", "refs/heads/claudedo/one\n"),
        ("BISECT_START", "claudedo/one\n"),
    ] {
        write(&worktree.git_dir, file, text.as_bytes());
        let result = repository.add_worktree(&fixture.worktree("two"), &branch, "x");
        assert!(matches!(result, Err(GitError::CheckedOut { .. })), "{file}: {result:?}");
        fs::remove_file(worktree.git_dir.join(file)).unwrap();
    }
    repository.add_worktree(&fixture.worktree("two"), &branch, "x").unwrap();
}

#[test]
fn files_in_utf_16_are_left_to_git() {
    let fixture = Fixture::new();
    fixture.write("sub/.gitattributes", "*.rc working-tree-encoding=UTF-16LE eol=crlf\n");
    let wide: Vec<u8> = "ä\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    write(&fixture.root(), "sub/a.rc", &wide);
    fixture.commit_all("wide");
    let path = fixture.add_worktree("one");
    assert_eq!(fs::read(path.join("sub/a.rc")).unwrap(), wide);
    let repository = fixture.repository();
    write(&path, "sub/b.rc", &wide);
    let snapshot = repository.snapshot(&path, repository.head_commit_id().unwrap()).unwrap();
    assert_eq!(snapshot.tree, tree_by_git(&path));
}

#[test]
fn a_bare_repository_has_worktrees_too() {
    let fixture = Fixture::new();
    let bare = fixture.folder.path().join("bare.git");
    git_in(fixture.folder.path(), &["clone", "-q", "--bare", "project", "bare.git"]);
    let repository = crate::git::Repository::discover(&bare).unwrap();
    assert!(repository.is_bare());
    assert_eq!(repository.name(), "bare");
    assert_eq!(repository.work_tree(), None);
    let branch: BranchName = "claudedo/one".parse().unwrap();
    let head = repository.head_commit_id().unwrap();
    repository.create_branch(&branch, head, "").unwrap();
    let path = fixture.worktree("one");
    repository.add_worktree(&path, &branch, "x").unwrap();
    write(&path, "new", b"new\n");
    let snapshot = repository.snapshot(&path, head).unwrap();
    assert_eq!(snapshot.tree, tree_by_git(&path));
    assert!(git_command(&bare, &["fsck", "--strict"]).status.success());
}

#[test]
fn a_partial_clone_that_lacks_files_says_so() {
    let fixture = Fixture::new();
    fixture.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", fixture.root().display());
    git_in(fixture.folder.path(), &["clone", "-q", "--filter=blob:none", "--no-checkout", &url, "partial"]);
    let repository = crate::git::Repository::discover(&fixture.folder.path().join("partial")).unwrap();
    let branch: BranchName = "claudedo/one".parse().unwrap();
    repository.create_branch(&branch, repository.head_commit_id().unwrap(), "").unwrap();
    let path = fixture.worktree("one");
    let error = repository.add_worktree(&path, &branch, "x").unwrap_err();
    assert!(error.to_string().contains("git fetch --refetch --no-filter"), "{error:?}");
    assert_eq!(repository.worktree_state(&path).unwrap(), WorktreeState::Absent);
}

#[test]
fn a_worktree_on_relative_paths_is_found_again() {
    let fixture = Fixture::new();
    fixture.git(&["config", "worktree.useRelativePaths", "true"]);
    let path = fixture.add_worktree("one");
    let repository = fixture.repository();
    assert!(matches!(repository.worktree_state(&path).unwrap(), WorktreeState::Present(_)));
    write(&path, "new", b"new\n");
    let head = repository.head_commit_id().unwrap();
    let snapshot = repository.snapshot(&path, head).unwrap();
    assert_ne!(snapshot.tree, repository.tree_of(head).unwrap());
    repository.remove_worktree(&path).unwrap();
}

#[test]
fn a_copy_of_a_repository_never_removes_the_worktree_of_the_original() {
    let fixture = Fixture::new();
    let path = fixture.add_worktree("one");
    let copy = fixture.folder.path().join("copy");
    assert!(
        std::process::Command::new("cp").arg("-a").arg(fixture.root()).arg(&copy).status().unwrap().success()
    );
    let repository = crate::git::Repository::discover(&copy).unwrap();
    repository.repair_worktree(&path).unwrap();
    let error = repository.remove_worktree(&path).unwrap_err();
    assert!(error.to_string().contains("it belongs to"), "{error}");
    assert_eq!(git_in(&path, &["status", "--porcelain"]), "");
}

#[test]
fn a_worktree_finds_its_repository_again_when_that_was_moved() {
    let fixture = Fixture::new();
    let path = fixture.add_worktree("one");
    let moved = fixture.folder.path().join("moved");
    fs::rename(fixture.root(), &moved).unwrap();
    let repository = crate::git::Repository::discover(&moved).unwrap();
    repository.repair_worktree(&path).unwrap();
    assert_eq!(git_in(&path, &["branch", "--show-current"]), "claudedo/one");
}

#[test]
fn a_registration_that_was_only_begun_goes_and_one_that_is_being_made_for_another_stays() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let folder = fixture.root().join(".git/worktrees");
    let begun = ["one", "one1", "one2", "one-more"].map(|name| folder.join(name));
    for registration in &begun {
        fs::create_dir_all(registration).unwrap();
        write(registration, "locked", b"initializing");
    }
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
    fs::File::open(&begun[1]).unwrap().set_modified(long_ago).unwrap();
    repository.remove_half_registration(&fixture.worktree("one")).unwrap();
    // The third may be that of a worktree named `one2`, whose maker has begun a moment ago.
    assert_eq!(begun.map(|registration| registration.exists()), [false, false, true, true]);
}

#[test]
fn a_worktree_that_an_agent_locks_as_if_it_were_being_made_is_not_made_anew() {
    let fixture = Fixture::new();
    let path = fixture.add_worktree("one");
    write(&path, "work", b"work\n");
    fixture.git(&["worktree", "unlock", path.to_str().unwrap()]);
    fixture.git(&["worktree", "lock", "--reason", "initializing", path.to_str().unwrap()]);
    let repository = fixture.repository();
    assert!(matches!(repository.worktree_state(&path).unwrap(), WorktreeState::Present(_)));
    let branch: BranchName = "claudedo/one".parse().unwrap();
    assert!(repository.add_worktree(&path, &branch, "again").is_err());
    assert_eq!(fs::read(path.join("work")).unwrap(), b"work\n");
}
