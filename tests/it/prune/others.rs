//! A prune that was cut off, and things that change while one is at work.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;

use super::with_done;

#[test]
fn a_worktree_that_was_set_aside_by_a_killed_prune_goes_with_the_next() {
    let test = with_done();
    let aside = test.worktree().with_extension("pruned");
    fs::rename(test.worktree(), &aside).unwrap();
    let answer = test.prune(&[]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert!(!aside.exists());
    test.assert_gone();
}

#[test]
fn work_that_came_into_a_folder_while_it_was_set_aside_is_put_back() {
    let test = with_done();
    let aside = test.worktree().with_extension("pruned");
    fs::rename(test.worktree(), &aside).unwrap();
    fs::write(aside.join("late.txt"), "precious").unwrap();
    let answer = test.prune(&[]);
    assert_eq!((answer.status, answer.stdout.as_str()), (0, ""), "{answer:#?}");
    assert_eq!(fs::read_to_string(aside.join("late.txt")).unwrap(), "precious");
    assert!(test.kept("worktree", "work")["because"].to_string().contains("1 file (late.txt)"));
    fs::rename(&aside, test.worktree()).unwrap();
    assert_eq!(test.git_inside(&["status", "--porcelain"]), "?? late.txt");
}

#[test]
fn a_registration_whose_folder_is_gone_goes() {
    let test = with_done();
    fs::remove_dir_all(test.worktree()).unwrap();
    let answer = test.prune(&[]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    test.assert_gone();
}

#[test]
fn a_task_whose_worktree_went_can_go_on() {
    let test = with_done();
    test.prune(&[]);
    test.assert_gone();
    let answer = test.claudedo(&["continue", "work", "--message", "@fake write b.txt 2", "--run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(test.git(&["show", "claudedo/work:b.txt"]), "2");
}

#[test]
fn two_prunes_do_not_meet() {
    let test = with_done();
    let lock = fs::File::create(test.local("locks/prune")).unwrap();
    lock.lock().unwrap();
    let answer = test.prune(&[]);
    assert_eq!(answer.status, 3, "{answer:#?}");
    assert!(test.worktree().exists());
    drop(lock);
    test.prune(&[]);
    test.assert_gone();
}
