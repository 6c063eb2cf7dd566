//! Where the program may be started: subfolders, linked worktrees, bare repositories, elsewhere.

use std::fs;

use crate::cli_support::{add, claudedo_in, shown, snapshots, use_demo_agent};
use crate::support::TestRepository;

#[test]
fn a_subfolder_and_another_folder_are_as_good_as_the_root() {
    let repository = TestRepository::new();
    let deep = repository.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    let answer = claudedo_in(&repository, &deep, &["add", "--id=mine", "Mine"]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    assert!(repository.path().join(".claudedo/tasks/mine.yaml").exists());
    let list = |folder, arguments: &[&str]| claudedo_in(&repository, folder, arguments).stdout;
    let here = list(&deep, &["list", "--json"]);
    assert_eq!(list(repository.root(), &["-C", "repository/a", "list", "--json"]), here);
    assert_eq!(list(repository.root(), &["list", "--json", "-C", "repository"]), here);
}

#[test]
fn git_itself_can_start_it() {
    let repository = TestRepository::new();
    add(&repository, "mine", "Mine", "");
    assert!(repository.git(&["claudedo", "list"]).starts_with("mine  queued  Mine"));
    assert_eq!(repository.git(&["-c", "claudedo.model=haiku", "claudedo", "config", "model"]), "haiku");
}

#[test]
fn a_linked_worktree_has_its_own_task_files_and_the_same_records() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "done-before", "Done before", "demo: write a.txt x");
    assert_eq!(repository.claudedo(&["run", "--quiet"]).status, 0);
    let linked = repository.root().join("linked");
    repository.git(&["worktree", "add", "--quiet", linked.to_str().unwrap()]);
    let answer = claudedo_in(&repository, &linked, &["add", "--id=mine", "Mine"]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    assert!(linked.join(".claudedo/tasks/mine.yaml").exists());
    let all = claudedo_in(&repository, &linked, &["list", "--all"]).stdout;
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(all, @r"
        mine         queued  Mine         -  -  [DURATION]
        done-[ID]  done    Done before  1  -  [DURATION]
        ");
    });
    assert_eq!(claudedo_in(&repository, &linked, &["logs", "done-before", "--raw"]).status, 0);
}

#[test]
fn a_bare_repository_answers_from_its_records_and_says_why_it_cannot_add() {
    let repository = TestRepository::new();
    use_demo_agent(&repository);
    add(&repository, "done-before", "Done before", "demo: write a.txt x");
    assert_eq!(repository.claudedo(&["run", "--quiet"]).status, 0);
    let bare = repository.root().join("bare.git");
    repository.git(&["clone", "--quiet", "--mirror", ".", bare.to_str().unwrap()]);
    let answer = |arguments: &[&str]| shown(&claudedo_in(&repository, &bare, arguments));
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(answer(&["list", "--all"]), @r"
        [0]
        done-[ID]  done  Done before  1  -  [DURATION]
        [stderr]
        ");
        insta::assert_snapshot!(answer(&["logs", "done"]), @r"
        [0]
        ○ demo  session [UUID]
        ● Write  [ROOT]/state/git-claudedo/repository-[MACHINE]/worktrees/done-[ID]/a.txt
          Wrote a.txt
        Done: wrote `a.txt`.
        ✓ done
          2 turns · 200 tokens in · 40 tokens out
        [stderr]
        ");
        insta::assert_snapshot!(answer(&["diff", "done", "--stat"]), @r"
        [0]
         a.txt | 1 +
         1 file changed, 1 insertion(+)
        [stderr]
        ");
        insta::assert_snapshot!(answer(&["config", "slots"]), @r"
        [0]
        2
        [stderr]
        ");
        insta::assert_snapshot!(answer(&["add", "x"]), @r"
        [128]
        [stderr]
        error: Cannot add a task in a repository without a work tree: [ROOT]/bare.git
        hint: Task files lie in a work tree, and this repository has none. Start in a clone of it.
        ");
        insta::assert_snapshot!(answer(&["run"]), @r"
        [128]
        [stderr]
        error: Cannot run tasks in a repository without a work tree: [ROOT]/bare.git
        hint: Task files lie in a work tree, and this repository has none. Start in a clone of it.
        ");
        insta::assert_snapshot!(answer(&["edit", "done"]), @r"
        [128]
        [stderr]
        error: Cannot edit a task in a repository without a work tree: [ROOT]/bare.git
        hint: Task files lie in a work tree, and this repository has none. Start in a clone of it.
        ");
    });
    assert_eq!(claudedo_in(&repository, &bare, &["show", "done"]).status, 0);
    assert_eq!(claudedo_in(&repository, &bare, &["events"]).status, 0);
    assert_eq!(claudedo_in(&repository, &bare, &["rm", "done"]).status, 128);
}

#[test]
fn outside_of_a_repository_it_says_so() {
    let repository = TestRepository::new();
    let answer = claudedo_in(&repository, repository.root(), &["list"]);
    assert_eq!(answer.status, 128);
    assert_eq!(answer.stdout, "");
    let answer = repository.claudedo(&["-C", "nowhere", "list"]);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [128]
        [stderr]
        error: failed to change to folder nowhere
          because: No such file or directory (os error 2)
        ");
    });
}
