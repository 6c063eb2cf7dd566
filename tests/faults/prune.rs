//! Cleaning up, broken at each of its steps: nothing is lost, and the next prune finishes.

use std::fs;

use crate::support::TestRepository;

const POINTS: [&str; 3] = ["pruned-aside", "pruned-folder", "pruned-logs"];

fn prune(test: &TestRepository, fault: Option<&str>) -> std::process::Output {
    let mut command = test.program(env!("CARGO_BIN_EXE_git-claudedo"));
    command.args(["prune", "--older-than", "0d", "--only", "worktrees", "--only", "logs"]);
    if let Some(fault) = fault {
        command.env("CLAUDEDO_FAULT", fault);
    }
    command.output().unwrap()
}

#[test]
fn a_prune_that_breaks_anywhere_is_finished_by_the_next() {
    for point in POINTS {
        for fault in ["kill", "enospc", "eio"] {
            let test = TestRepository::with_fake();
            test.add_task("work", &["write a.txt 1", "result ok"]);
            test.run(0);
            let record = test.record("work");
            let broken = prune(&test, Some(&format!("{point}:{fault}")));
            assert!(!broken.status.success(), "{point}:{fault}: {broken:?}");
            assert_eq!(test.git(&["show", "claudedo/work:a.txt"]), "1");
            assert_eq!(test.record("work"), record);
            // A second one that is killed at the same place does no more harm.
            prune(&test, Some(&format!("{point}:kill")));
            let last = prune(&test, None);
            assert!(last.status.success(), "{point}:{fault}: {last:?}");
            let folder = test.workspace("worktrees", "work");
            let left: Vec<_> = fs::read_dir(folder.parent().unwrap()).unwrap().collect();
            assert!(left.is_empty(), "{point}:{fault}: {left:?}");
            assert!(!test.git(&["worktree", "list"]).contains("/work"), "{point}:{fault}");
            assert_eq!(test.record("work"), record);
            assert_eq!(test.history("work"), "claimed finished:done");
            assert!(test.log("work", 1).is_empty());
            test.assert_sound();
        }
    }
}
