//! The live view of a runner, on a terminal.

use crate::cli_support::snapshots;
use crate::support::{Terminal, TestRepository};

/// A task that waits for the test, one behind it, one that waits for that, and one that nobody can read.
fn repository() -> TestRepository {
    let repository = TestRepository::with_fake();
    repository.set("slots", "1");
    repository.add_task("first-a1b2", &["text Looking.", &repository.wait_step("gate")]);
    repository.write_task("second-a1b2", "title: Second\npriority: -1\n");
    repository.write_task("third-a1b2", "title: Third\nafter: [second-a1b2]\n");
    repository.write_task("wrong-a1b2", "title: Wrong\nmodle: opus\n");
    repository
}

/// Returns what stands below the headlines.
fn board(screen: &str) -> &str {
    &screen[screen.find("── ").unwrap()..]
}

#[test]
fn the_board_stands_below_the_headlines_and_leaves_nothing_behind() {
    let repository = repository();
    let Some(mut terminal) = Terminal::start(&repository, (72, 20), &[], "run") else { return };
    let working = terminal.wait_for("Looking.");
    repository.release("gate");
    let status = terminal.wait();
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(working, @r#"
        [CLOCK] first-[ID] started in slot 1: first-[ID]
        ── 1 running, 1 queued, 2 held ──
        first-[ID]  [DURATION]  1 turn  Looking.
        next: second-[ID]
        1 invalid: wrong-[ID]: line 2: unknown key "modle"
        1 waiting: third-[ID] for second-[ID]
        Ctrl-C: start no more; twice: cancel what runs
        "#);
        insta::assert_snapshot!(format!("[{status}]\n{}", terminal.screen()), @r"
        [0]
        [CLOCK] first-[ID] started in slot 1: first-[ID]
        [CLOCK] first-[ID] done: no change; Looking. (1 turn, <$0.01)
        [CLOCK] second-[ID] started in slot 1: Second
        [CLOCK] second-[ID] done: no change; Done. (1 turn, <$0.01)
        [CLOCK] third-[ID] started in slot 1: Third
        [CLOCK] third-[ID] done: no change; Done. (1 turn, <$0.01)
        3 done, <$0.01
        done  first-[ID]   no change; Looking.
        done  second-[ID]  no change; Done.
        done  third-[ID]   no change; Done.
        invalid wrong-[ID]: Its file cannot be read.
        ");
    });
}

#[test]
fn ctrl_c_says_what_the_next_one_does() {
    let repository = repository();
    let Some(mut terminal) = Terminal::start(&repository, (100, 8), &[], "run") else { return };
    terminal.wait_for("Looking.");
    terminal.press("\u{3}");
    let draining = terminal.wait_for("Starting no more");
    terminal.press("\u{3}");
    let status = terminal.wait();
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(board(&draining), @r#"
        ── 1 running, 1 queued, 2 held ──
        first-[ID]  [DURATION]  1 turn  Looking.
        next: second-[ID]
        1 waiting, 1 invalid: wrong-[ID]: line 2: unknown key "modle"
        Starting no more; waiting for what runs. Ctrl-C: cancel it
        "#);
        insta::assert_snapshot!(format!("[{status}]\n{}", terminal.screen()), @r"
        [130]
        [CLOCK] first-[ID] started in slot 1: first-[ID]
        [CLOCK] runner warning: no new task starts; waiting for those that run (once more to cancel them)
        [CLOCK] runner warning: cancelling what runs; everything is kept
        [CLOCK] first-[ID] cancelled: The runner was told to stop.
        cancelled  first-[ID]  The runner was told to stop.
        ");
    });
}

#[test]
fn a_run_that_a_killed_runner_left_behind_is_on_the_board() {
    let repository = repository();
    let killed = repository.start(&["run", "--quiet"]);
    repository.wait_for_output("Looking.");
    killed.kill();
    let Some(mut terminal) = Terminal::start(&repository, (72, 20), &[], "watch") else { return };
    let working = terminal.wait_for("1 turn  Looking.");
    repository.release("gate");
    let idle = terminal.wait_for("Waiting for tasks");
    terminal.press("\u{3}");
    assert_eq!(terminal.wait(), 0);
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(board(&working), @r#"
        ── 1 running, 1 queued, 2 held ──
        first-[ID]  [DURATION]  1 turn  Looking.
        next: second-[ID]
        1 invalid: wrong-[ID]: line 2: unknown key "modle"
        1 waiting: third-[ID] for second-[ID]
        Ctrl-C: start no more; twice: cancel what runs
        "#);
        insta::assert_snapshot!(board(&idle), @r#"
        ── nothing running, 1 held, 3 done, <$0.01 ──
        Waiting for tasks in .claudedo/tasks
        1 invalid: wrong-[ID]: line 2: unknown key "modle"
        Ctrl-C: end
        "#);
    });
    assert!(!terminal.screen().contains("── "), "{}", terminal.screen());
}

#[test]
fn a_terminal_that_can_only_write_gets_lines() {
    let repository = repository();
    repository.release("gate");
    let Some(mut terminal) = Terminal::start(&repository, (72, 20), &[("TERM", "dumb")], "run") else {
        return;
    };
    terminal.wait();
    let written = terminal.bytes();
    assert!(written.contains("first-a1b2 started") && !written.contains('\u{1b}'), "{written:?}");
}

#[test]
fn colour_can_be_left_out_and_the_board_stays() {
    for (arguments, is_colored) in [("--color never run", false), ("--color always run", true)] {
        let repository = repository();
        let Some(mut terminal) = Terminal::start(&repository, (72, 20), &[], arguments) else { return };
        terminal.wait_for("── 1 running");
        repository.release("gate");
        terminal.wait();
        let written = terminal.bytes();
        let sequence_ends = written.split("\u{1b}[").skip(1);
        let mut commands = sequence_ends.filter_map(|rest| rest.chars().find(char::is_ascii_alphabetic));
        assert_eq!(commands.any(|command| command == 'm'), is_colored, "{arguments}: {written:?}");
    }
}
