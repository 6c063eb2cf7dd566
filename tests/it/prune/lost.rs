//! Work that other tools lost on cleaning up. Each test is a case that was reported of one, or a step further.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{contents, differences, with_done};
use crate::support::TestRepository;

#[test]
fn a_worktree_whose_files_are_all_on_its_branch_goes_and_the_branch_stays() {
    let test = with_done();
    fs::create_dir(test.worktree().join("build")).unwrap();
    fs::write(test.worktree().join("build/out.o"), vec![1; 100_000]).unwrap();
    let before = contents(test.root());
    let planned = test.prune(&["--dry-run"]);
    assert_eq!(differences(&before, &contents(test.root())), Vec::<String>::new());
    let done = test.prune(&[]);
    assert_eq!(planned.stdout, done.stdout);
    assert!(done.stdout.contains("from refs/heads/claudedo/work"), "{done:#?}");
    assert!(done.stdout.contains("ignored by git, and gone with it"), "{done:#?}");
    assert!(done.stdout.contains("build"), "{done:#?}");
    test.assert_gone();
    assert!(test.prune(&[]).stderr.contains("Nothing goes"));
}

#[test]
fn a_worktree_stays_as_long_as_the_settings_say() {
    let test = with_done();
    let answer = test.claudedo(&["prune"]);
    assert_eq!((answer.status, answer.stdout.as_str()), (0, ""), "{answer:#?}");
    assert!(test.worktree().exists());
    let kept = test.kept("worktree", "work");
    assert_eq!(kept["because"][0], "its task was done less than 14d ago");
    assert!(kept["until"].is_string(), "{kept:#}");
    test.set("pruneWorktrees", "never");
    assert_eq!(test.claudedo(&["prune"]).stdout, "");
    test.set("pruneWorktrees", "0d");
    assert_eq!(test.claudedo(&["prune"]).status, 0);
    test.assert_gone();
}

#[test]
fn unpushed_commits_on_the_branch_stay_on_the_branch() {
    let test = with_done();
    fs::write(test.worktree().join("more.txt"), "2").unwrap();
    test.git_inside(&["add", "--all"]);
    test.git_inside(&["commit", "--quiet", "--message=More"]);
    test.prune(&[]);
    test.assert_gone();
    assert_eq!(test.git(&["show", "claudedo/work:more.txt"]), "2");
}

#[test]
fn untracked_code_keeps_the_worktree() {
    let test = with_done();
    fs::write(test.worktree().join("new.rs"), "fn main() {}").unwrap();
    test.assert_stays("has changes that are on no ref: 1 file (new.rs)");
}

#[test]
fn a_changed_file_keeps_the_worktree() {
    let test = with_done();
    fs::write(test.worktree().join("a.txt"), "2").unwrap();
    test.assert_stays("has changes that are on no ref: 1 file (a.txt)");
}

#[test]
fn staged_only_content_keeps_the_worktree() {
    let test = with_done();
    fs::write(test.worktree().join("staged.txt"), "precious").unwrap();
    test.git_inside(&["add", "staged.txt"]);
    fs::remove_file(test.worktree().join("staged.txt")).unwrap();
    test.assert_stays("has staged content that is on no ref: 1 file (staged.txt)");
}

#[test]
fn a_commit_on_a_detached_head_keeps_the_worktree() {
    let test = with_done();
    test.git_inside(&["checkout", "--quiet", "--detach"]);
    fs::write(test.worktree().join("aside.txt"), "precious").unwrap();
    test.git_inside(&["add", "--all"]);
    test.git_inside(&["commit", "--quiet", "--message=Aside"]);
    test.git_inside(&["checkout", "--quiet", "claudedo/work"]);
    test.assert_stays("has commits that no ref leads to: 1");
}

#[test]
fn a_commit_that_was_amended_on_the_branch_keeps_nothing() {
    let test = with_done();
    test.git_inside(&["commit", "--quiet", "--amend", "--message=Better"]);
    test.prune(&[]);
    test.assert_gone();
    assert!(test.git(&["reflog", "claudedo/work"]).lines().count() >= 3);
}

#[test]
fn a_repository_inside_keeps_the_worktree_also_where_git_ignores_it() {
    let test = with_done();
    for folder in ["nested", "build/lib"] {
        let path = test.worktree().join(folder);
        test.git(&["init", "--quiet", path.to_str().unwrap()]);
        test.assert_stays("has a repository of its own in it");
        fs::remove_dir_all(&path).unwrap();
    }
    test.prune(&[]);
    test.assert_gone();
}

#[test]
fn an_unfinished_merge_keeps_the_worktree() {
    let test = with_done();
    test.git(&["checkout", "--quiet", "-b", "other"]);
    test.write("a.txt", "other");
    test.git(&["add", "--all"]);
    test.git(&["commit", "--quiet", "--message=Other"]);
    let folder = test.worktree();
    let merge =
        test.program("git").args(["-C", folder.to_str().unwrap(), "merge", "other"]).output().unwrap();
    assert!(!merge.status.success());
    test.assert_stays("has an unfinished merge");
}

#[test]
fn a_process_inside_keeps_the_worktree() {
    let test = with_done();
    let mut process = test.program("sleep").arg("600").current_dir(test.worktree()).spawn().unwrap();
    let answer = test.prune(&[]);
    assert_eq!((answer.status, answer.stdout.as_str()), (0, ""), "{answer:#?}");
    let kept = test.kept("worktree", "work");
    assert!(kept["because"][0].as_str().unwrap().ends_with("works in it: sleep 600"), "{kept:#}");
    let forced = test.prune(&["--force", "work"]);
    assert_eq!(forced.status, 1, "{forced:#?}");
    assert!(test.worktree().exists());
    process.kill().unwrap();
    process.wait().unwrap();
    test.prune(&[]);
    test.assert_gone();
}

#[test]
fn an_open_file_keeps_the_worktree() {
    let test = with_done();
    let open = fs::File::open(test.worktree().join("a.txt")).unwrap();
    let answer = test.prune(&[]);
    assert_eq!((answer.status, answer.stdout.as_str()), (0, ""), "{answer:#?}");
    drop(open);
    test.prune(&[]);
    test.assert_gone();
}

#[test]
fn an_agent_at_work_keeps_its_worktree_also_when_it_is_named() {
    let test = TestRepository::with_fake();
    test.add_task("work", &["write a.txt 1", &test.wait_step("go"), "result ok"]);
    let run = test.start(&["run"]);
    test.wait_for_start(1);
    let answer = test.prune(&["--force", "work"]);
    assert_eq!(answer.status, 1, "{answer:#?}");
    assert!(answer.stderr.contains("its task is being worked on"), "{answer:#?}");
    test.release("go");
    assert_eq!(run.wait().status, 0);
    assert!(test.worktree().exists());
}

#[test]
fn a_task_that_is_to_run_again_keeps_its_worktree() {
    let test = with_done();
    assert_eq!(test.claudedo(&["continue", "work", "--message", "@fake write b.txt 2"]).status, 0);
    test.assert_stays("its task is not over: requested");
}

#[test]
fn a_branch_that_was_deleted_meanwhile_keeps_the_worktree() {
    let test = with_done();
    test.git(&["update-ref", "-d", "refs/heads/claudedo/work"]);
    test.assert_stays("its branch is gone");
}

#[test]
fn a_branch_that_was_merged_and_deleted_keeps_nothing() {
    let test = with_done();
    test.git(&["merge", "--quiet", "claudedo/work"]);
    test.git(&["update-ref", "-d", "refs/heads/claudedo/work"]);
    test.prune(&[]);
    assert!(!test.worktree().exists());
    assert_eq!(test.git(&["show", "main:a.txt"]), "1");
    test.assert_sound();
}

#[test]
fn read_only_folders_do_not_stop_a_removal() {
    let test = with_done();
    let module = test.worktree().join("build/cache/module");
    fs::create_dir_all(&module).unwrap();
    fs::write(module.join("go.mod"), "module x").unwrap();
    fs::set_permissions(&module, fs::Permissions::from_mode(0o500)).unwrap();
    test.prune(&[]);
    test.assert_gone();
}

#[test]
fn a_worktree_behind_a_symbolic_link_stays() {
    let test = with_done();
    let real = test.root().join("elsewhere");
    fs::rename(test.worktree(), &real).unwrap();
    symlink(&real, test.worktree()).unwrap();
    test.prune(&[]);
    test.prune(&["--force", "work"]);
    assert_eq!(fs::read_to_string(real.join("a.txt")).unwrap(), "1\n");
}

#[test]
fn a_registration_that_points_elsewhere_removes_nothing() {
    let test = with_done();
    let registration = test.path().join(".git/worktrees/work/gitdir");
    let before = fs::read_to_string(test.path().join("README.md")).unwrap();
    for target in [test.path(), test.root().to_owned(), "/".into(), test.root().join("home")] {
        fs::write(&registration, format!("{}\n", target.join(".git").display())).unwrap();
        test.prune(&[]);
        test.prune(&["--force", "work"]);
        assert_eq!(fs::read_to_string(test.path().join("README.md")).unwrap(), before);
        assert!(test.root().join("home").is_dir());
    }
    test.git(&["rev-parse", "HEAD"]);
}

#[test]
fn a_worktree_that_was_moved_stays_where_it_is() {
    let test = with_done();
    let moved = test.root().join("moved");
    test.git(&["worktree", "move", test.worktree().to_str().unwrap(), moved.to_str().unwrap()]);
    let answer = test.prune(&[]);
    assert_eq!(answer.stdout, "", "{answer:#?}");
    let name = moved.to_str().unwrap();
    let forced = test.prune(&["--force", name]);
    assert_eq!(forced.status, 1, "{forced:#?}");
    assert!(forced.stderr.contains("git worktree remove"), "{forced:#?}");
    assert_eq!(fs::read_to_string(moved.join("a.txt")).unwrap(), "1\n");
}

#[test]
fn worktrees_of_other_tools_are_nobodys_business() {
    let test = with_done();
    let other = test.root().join("other");
    test.git(&["worktree", "add", "--quiet", other.to_str().unwrap(), "-b", "other"]);
    test.git(&["worktree", "add", "--quiet", "--detach", test.root().join("work").to_str().unwrap()]);
    test.prune(&[]);
    test.assert_gone();
    assert!(other.join("README.md").exists());
    assert!(test.root().join("work/README.md").exists());
    let kept = test.claudedo(&["list", "--kept", "--json"]).stdout;
    assert!(!kept.contains("other"), "{kept}");
    assert_eq!(test.prune(&["--force", other.to_str().unwrap()]).status, 129);
}

#[test]
fn a_worktree_that_somebody_locked_stays() {
    let test = with_done();
    test.git(&["worktree", "lock", "--reason=mine", test.worktree().to_str().unwrap()]);
    test.assert_stays("somebody locked it: mine");
}

#[test]
fn every_object_stays_where_it_was() {
    let test = with_done();
    let objects = test.path().join(".git/objects");
    let before = contents(&objects);
    test.prune(&["--force", "work"]);
    assert_eq!(differences(&before, &contents(&objects)), Vec::<String>::new());
    test.assert_gone();
}

#[test]
fn what_is_on_no_ref_goes_by_its_name_alone() {
    let test = with_done();
    fs::write(test.worktree().join("new.rs"), "fn main() {}").unwrap();
    let unknown = test.prune(&["--force", "wor"]);
    assert_eq!(unknown.status, 129, "{unknown:#?}");
    assert!(test.worktree().join("new.rs").exists());
    let forced = test.prune(&["--force", "work"]);
    assert_eq!(forced.status, 0, "{forced:#?}");
    assert!(
        forced.stdout.contains("not at all: has changes that are on no ref: 1 file (new.rs)"),
        "{forced:#?}"
    );
    test.assert_gone();
}
