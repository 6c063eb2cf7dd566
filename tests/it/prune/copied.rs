//! A repository that was copied whole, with all that it knows of its worktrees: what is kept belongs to the original.

use std::fs;
use std::path::Path;

use super::{contents, differences, with_done};
use crate::support::{Answer, TestRepository};

/// Copies the repository to a folder of the same name, which its worktrees are named for as well.
fn in_copy(test: &TestRepository, name: &str, arguments: &[&str]) -> Answer {
    let copy = test.root().join(name).join(test.path().file_name().unwrap());
    if !copy.exists() {
        fs::create_dir(copy.parent().unwrap()).unwrap();
        assert!(test.program("cp").arg("-a").args([test.path(), copy.clone()]).status().unwrap().success());
    }
    let mut command = test.program(env!("CARGO_BIN_EXE_git-claudedo"));
    command.args(arguments).current_dir(copy).output().unwrap().into()
}

fn state_of(test: &TestRepository) -> impl Fn() -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let state = test.root().join("state");
    move || contents(Path::new(&state))
}

#[test]
fn a_copy_removes_nothing_that_the_original_keeps() {
    let test = with_done();
    test.set("workspace", "sandbox");
    test.add_task("play", &["write a.txt 1", "result ok"]);
    test.run(0);
    let (state, repository) = (state_of(&test), contents(&test.path()));
    let before = state();
    for arguments in [&["--force", "work"][..], &["--dry-run"], &[]] {
        let words = [&["prune", "--older-than", "0d"], arguments].concat();
        let answer = in_copy(&test, "elsewhere", &words);
        assert!(!answer.stdout.contains("work"), "{answer:#?}");
    }
    let forced = in_copy(&test, "elsewhere", &["prune", "--force", "play"]);
    assert!(forced.stderr.contains("Nothing that is kept is called play"), "{forced:#?}");
    assert_eq!(differences(&before, &state()), Vec::<String>::new());
    assert_eq!(differences(&repository, &contents(&test.path())), Vec::<String>::new());
    test.prune(&[]);
    test.assert_gone();
}

#[test]
fn a_copy_lists_the_worktrees_of_the_original_with_the_reason_and_says_once_that_it_is_one() {
    let test = with_done();
    let first = in_copy(&test, "elsewhere", &["list", "--kept"]);
    assert!(first.stderr.contains("is a copy of the one with"), "{first:#?}");
    let line = first.stdout.lines().find(|line| line.starts_with("worktree")).unwrap();
    assert!(line.contains("it belongs to "), "{first:#?}");
    assert!(!line.contains("git worktree remove"), "{first:#?}");
    let second = in_copy(&test, "elsewhere", &["list", "--kept"]);
    assert_eq!((second.stdout, second.stderr.as_str()), (first.stdout, ""));
}
