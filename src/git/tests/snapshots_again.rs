//! Snapshots taken again and again, against one that looks at everything.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::snapshots::{set_mode, torture, torture_base};
use super::{Fixture, git_in, write};
use crate::git::{CommitId, GitError, Snapshot, TreeId};

/// How long a worktree may take until all of its files are old enough to be believed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Worktrees with one of everything, as an agent left them.
struct Site {
    fixture: Fixture,
    base: CommitId,
    /// What their last snapshots took.
    kept: TreeId,
}

impl Site {
    fn new(names: &[&str]) -> (Self, Vec<PathBuf>) {
        let fixture = torture_base();
        let base = fixture.repository().head_commit_id().unwrap();
        let paths: Vec<PathBuf> = names.iter().map(|name| fixture.add_worktree(name)).collect();
        for path in &paths {
            torture(path);
        }
        let kept = fixture.repository().snapshot(&paths[0], base).unwrap().tree;
        let site = Self { fixture, base, kept };
        for path in &paths {
            site.settle(path);
        }
        (site, paths)
    }

    /// Takes snapshots until one has found every file old enough to be believed.
    fn settle(&self, path: &Path) {
        let private = self.fixture.root().join(".git/worktrees").join(path.file_name().unwrap());
        let give_up = Instant::now() + PATIENCE;
        loop {
            self.again(path, Some(self.kept)).unwrap();
            let list = fs::read(private.join("claudedo-files")).unwrap();
            if list.windows(10).any(|bytes| bytes == b".git/taken") {
                return;
            }
            assert!(Instant::now() < give_up, "waited in vain");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn again(&self, path: &Path, kept: Option<TreeId>) -> Result<Snapshot, GitError> {
        let repository = self.fixture.repository();
        let taken = repository.snapshot_again(path, self.base, kept, &AtomicBool::new(false));
        taken.map(|taken| taken.unwrap())
    }

    fn with_care(&self, path: &Path) -> Snapshot {
        self.fixture.repository().snapshot(path, self.base).unwrap()
    }
}

#[test]
fn while_nothing_changes_the_base_tree_is_not_even_read() {
    let (site, paths) = Site::new(&["one"]);
    let tree = site.fixture.git(&["rev-parse", "HEAD:sub"]);
    let object = site.fixture.root().join(".git/objects").join(&tree[..2]).join(&tree[2..]);
    fs::rename(&object, site.fixture.root().join("aside")).unwrap();
    assert_eq!(site.again(&paths[0], Some(site.kept)).unwrap().tree, site.kept);
    // Whoever works there could have written the list.
    site.again(&paths[0], None).unwrap_err();
    site.again(&paths[0], Some(site.fixture.repository().tree_of(site.base).unwrap())).unwrap_err();
}

#[test]
fn whatever_changes_after_a_snapshot_is_in_the_next() {
    type Change = fn(&Path);
    let changes: &[(&str, Change)] = &[
        ("content", |path| write(path, "changed", b"OTHER\n")),
        ("untracked", |path| write(path, "new/open", b"OPEN\n")),
        ("removed", |path| fs::remove_file(path.join("same")).unwrap()),
        ("untracked-removed", |path| fs::remove_file(path.join("keep.log")).unwrap()),
        ("last", |path| fs::remove_file(path.join("x.id")).unwrap()),
        ("added", |path| write(path, "added", b"added\n")),
        ("added-deep", |path| write(path, "sub/a/b/c", b"added\n")),
        ("added-last", |path| write(path, "zzz", b"added\n")),
        ("mode", |path| set_mode(&path.join("same"), 0o755)),
        ("link", |path| {
            fs::remove_file(path.join("link")).unwrap();
            symlink("xEADME", path.join("link")).unwrap();
        }),
        ("renamed", |path| fs::rename(path.join("sub"), path.join("sub0")).unwrap()),
        ("folder", |path| {
            fs::remove_file(path.join("same")).unwrap();
            fs::create_dir(path.join("same")).unwrap();
        }),
        ("folder-link", |path| {
            fs::rename(path.join("sub"), path.parent().unwrap().join("moved")).unwrap();
            symlink("../moved", path.join("sub")).unwrap();
        }),
        ("more-ignored", |path| write(path, ".gitignore", b"keep.log\n")),
        ("less-ignored", |path| write(path, "new/.gitignore", b"\n")),
        ("again-there", |path| write(path, "removed", b"text\n")),
        ("nested", |path| {
            write(path, "sub/inner/file", b"inner\n");
            git_in(&path.join("sub/inner"), &["init", "-q"]);
        }),
        ("nested-here", |path| drop(git_in(&path.join("sub"), &["init", "-q"]))),
    ];
    let names: Vec<&str> = changes.iter().map(|(name, _)| *name).collect();
    let (site, paths) = Site::new(&names);
    for ((name, change), path) in changes.iter().zip(&paths) {
        change(path);
        let taken = site.again(path, Some(site.kept)).unwrap();
        assert_eq!(taken, site.with_care(path), "{name}");
        assert!(taken.tree != site.kept || !taken.nested.is_empty(), "{name}");
    }
}

#[test]
fn what_git_does_not_take_changes_nothing() {
    let (site, paths) = Site::new(&["one"]);
    fs::create_dir_all(paths[0].join("empty/est")).unwrap();
    write(&paths[0], "more.log", b"ignored");
    write(&paths[0], "build/deep/more.o", b"ignored");
    write(&paths[0], "new/secret", b"still ignored");
    assert_eq!(site.again(&paths[0], Some(site.kept)).unwrap(), site.with_care(&paths[0]));
}

#[test]
fn what_is_ignored_from_outside_the_worktree_since_then_is_left_out() {
    let (site, paths) = Site::new(&["one"]);
    fs::create_dir_all(site.fixture.root().join(".git/info")).unwrap();
    fs::write(site.fixture.root().join(".git/info/exclude"), "empty-file\n").unwrap();
    let taken = site.again(&paths[0], Some(site.kept)).unwrap();
    assert_ne!(taken.tree, site.kept);
    assert_eq!(taken, site.with_care(&paths[0]));
}
