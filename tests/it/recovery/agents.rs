//! Agents that crash, hang, print nonsense or leave processes behind.

use serde_json::{Value, json};

use crate::support::{TestRepository, fake_program, task_yaml};

fn words(records: &[Value], names: [&str; 3]) -> Vec<[String; 3]> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    records.iter().map(|record| names.map(|name| word(&record[name]))).collect()
}

#[test]
fn a_crash_is_retried_in_the_same_session() {
    let test = TestRepository::with_fake();
    test.add_task("crash-a1b2", &["write a.txt 1", "on-fresh kill 9", "write b.txt 2"]);
    test.run(0);
    let records = test.records("crash-a1b2");
    let expected = [["first", "failed", "crashed"], ["retry", "done", "-"]];
    assert_eq!(words(&records, ["kind", "outcome", "reason"]), expected);
    assert_eq!(records[0]["exit"], json!({"signal": 9}));
    assert_eq!(records[0]["exit_code"], -1);
    assert_eq!(records[0]["agent"]["session"], records[1]["agent"]["session"]);
    assert_eq!(test.git(&["ls-tree", "--name-only", "claudedo/crash-a1b2"]), "README.md\na.txt\nb.txt");
}

#[test]
fn an_agent_that_never_starts_is_a_startup_failure_without_a_retry() {
    let test = TestRepository::with_fake();
    test.add_task("dead-a1b2", &["no-init", "stderr error: it is broken", "exit 1"]);
    test.run(1);
    let record = test.record("dead-a1b2");
    assert_eq!((&record["outcome"], &record["reason"]), (&"failed".into(), &"startup".into()));
    assert_eq!(record["error"], "error: it is broken");
    assert_eq!(record["exit_code"], 1);
    assert_eq!(test.history("dead-a1b2"), "claimed finished:failed");
}

#[test]
fn a_run_that_takes_too_long_is_ended_and_not_retried() {
    let test = TestRepository::with_fake();
    let yaml = task_yaml("T", &["write a.txt 1", "hang"]);
    test.write_task("slow-a1b2", &format!("{yaml}timeout: 1s\n"));
    test.run(1);
    let record = test.record("slow-a1b2");
    assert_eq!(
        words(std::slice::from_ref(&record), ["outcome", "reason", "ended_by"]),
        [["failed", "deadline", "deadline"]]
    );
    let snapshot = record["workspace"]["snapshot"].as_str().unwrap();
    assert_eq!(test.git(&["show", &format!("{snapshot}:a.txt")]), "1");
    test.assert_no_process_left();
}

#[test]
fn an_agent_that_prints_nothing_for_too_long_is_ended() {
    let test = TestRepository::new();
    // Only an agent that is a command may be given so short a time.
    for word in [&fake_program(), "-p", "--verbose", "--output-format", "stream-json"] {
        test.git(&["config", "--global", "--add", "claudedo.agentCommand", word]);
    }
    let yaml = task_yaml("T", &["text Hm.", "hang"]);
    test.write_task("mute-a1b2", &format!("{yaml}silence_timeout: 500ms\nretries: 0\n"));
    test.run(1);
    let record = test.record("mute-a1b2");
    assert_eq!(words(&[record], ["outcome", "reason", "ended_by"]), [["failed", "silence", "silence"]]);
    test.assert_no_process_left();
}

#[test]
fn an_agent_that_hangs_after_its_result_is_done() {
    let test = TestRepository::with_fake();
    let yaml = task_yaml("T", &["write a.txt 1", "result ok text=All good.", "hang"]);
    test.write_task("stuck-a1b2", &format!("{yaml}result_grace: 100ms\n"));
    test.run(0);
    let record = test.record("stuck-a1b2");
    assert_eq!(words(&[record], ["outcome", "result", "ended_by"]), [["done", "All good.", "result_grace"]]);
    test.assert_no_process_left();
}

#[test]
fn garbage_and_a_line_of_10_mb_are_recorded_and_do_not_confuse() {
    let test = TestRepository::with_fake();
    test.add_task("noisy-a1b2", &["garbage", "big-line 10000000", "garbage", "result ok text=Still here."]);
    test.run(0);
    let record = test.record("noisy-a1b2");
    assert_eq!(record["result"], "Still here.");
    assert!(record["warnings"].to_string().contains("lines of the log could not be read"), "{record:#}");
    let log = test.log("noisy-a1b2", 1);
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    let longest = lines.iter().map(|line| line.len()).max();
    assert!(longest > Some(10_000_000), "{longest:?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with(b"\xff\xfe not json")).count(), 2);
}

#[test]
fn a_long_answer_is_one_short_line_for_people() {
    let test = TestRepository::with_fake();
    test.add_task("long-a1b2", &["big-line 1500000"]);
    let answer = test.run(0);
    let message = test.events("long-a1b2")[1]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("no change; xxx") && message.ends_with('…'), "{message}");
    assert!(message.chars().count() < 600, "{message}");
    assert!(answer.stdout.len() + answer.stderr.len() < 2000);
    // The whole of it, as far as a forge takes it, is beside the record.
    assert_eq!(test.run_file("long-a1b2", 1, "result.md").unwrap().len(), 1_000_000);
}

#[test]
fn what_the_agent_leaves_behind_is_ended_and_recorded() {
    let test = TestRepository::with_fake();
    let leave = |detachment: &str, seconds: u32| {
        format!("background {detachment} touch {}; sleep {seconds}; :", test.gate(detachment).display())
    };
    let steps =
        [leave("setsid", 301), leave("group", 302), test.wait_step("setsid"), test.wait_step("group")];
    test.add_task("litter-a1b2", &steps.each_ref().map(String::as_str));
    test.run(0);
    test.assert_no_process_left();
    let swept = test.record("litter-a1b2")["swept"].to_string();
    for command in ["sleep 301", "sleep 302"] {
        assert!(swept.contains(command), "{swept}");
    }
}
