//! Agents that print without measure: the disk and the memory stay bounded, nobody is ended for it, the result counts.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::Value;

use crate::support::{TestRepository, eventually};

const RESULT: &str =
    r#"{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"Still here."}"#;

/// Returns the bytes that the file system gave a file.
fn taken(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.blocks() * 512)
}

/// Makes a shell command the agent.
fn command_agent(script: &str) -> TestRepository {
    let test = TestRepository::new();
    for word in ["sh", "-c", script] {
        test.git(&["config", "--global", "--add", "claudedo.agentCommand", word]);
    }
    test.write_task("flood-a1b2", "title: Flood\nretries: 0\n");
    test
}

fn left_out(log: &[u8]) -> Vec<u64> {
    let lines =
        log.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    lines
        .filter(|line| line["type"] == "git_claudedo" && line["subtype"] == "left_out")
        .map(|line| line["bytes"].as_u64().unwrap())
        .collect()
}

#[test]
fn an_endless_log_is_bounded_and_the_agent_is_not_ended_for_it() {
    let gate = "while ! [ -e \"$TMPDIR/gate\" ]; do sleep 0.01; done";
    let test = command_agent(&format!(
        "echo the beginning; yes 'a line of the flood' | head -c 300000000; {gate}; echo '{RESULT}'"
    ));
    test.set("logMax", "8M");
    test.set("logRecordMax", "2M");
    let runner = test.start(&["run"]);
    let log = eventually("the flood is over", || {
        let log = test.run_folders().first()?.join("log.ndjson");
        (std::fs::metadata(&log).ok()?.len() > 300_000_000).then_some(log)
    });
    // The supervisor looks again at most a moment later.
    eventually("the middle is given back", || (taken(&log) <= 9 << 20).then_some(()));
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    let record = test.record("flood-a1b2");
    assert_eq!((&record["outcome"], &record["result"]), (&"done".into(), &"Still here.".into()));
    assert_eq!(record["ended_by"], "itself");
    let warnings = record["warnings"].to_string();
    assert!(warnings.contains("longer than log_max") && warnings.contains("log_record_max"), "{warnings}");
    let log = test.log("flood-a1b2", 1);
    assert!((1_900_000..2_200_000).contains(&log.len()), "{}", log.len());
    assert!(log.starts_with(b"the beginning\na line of the flood\n"));
    assert!(log.ends_with(format!("a line of the flood\n{RESULT}\n").as_bytes()));
    let [missing] = left_out(&log)[..] else { panic!("one part is missing: {:?}", left_out(&log)) };
    assert!((297_500_000..298_500_000).contains(&missing), "{missing}");
    let shown = test.claudedo(&["logs", "flood"]).stdout;
    assert!(shown.contains(&format!("{missing} bytes of the log are missing here")), "{shown:.2000}");
    let stream = test.local("events.ndjson").metadata().unwrap().len();
    assert!(stream <= 8 << 20, "{stream}");
    test.assert_sound();
}

#[test]
fn the_result_is_kept_also_when_a_flood_follows_it() {
    let test = command_agent(&format!(
        "echo '{RESULT}'; sleep 0.5; yes | head -c 100000000; \
         while ! [ -e \"$TMPDIR/gate\" ]; do sleep 0.01; done"
    ));
    test.set("logMax", "4M");
    let runner = test.start(&["run"]);
    eventually("the middle is given back", || {
        let log = test.run_folders().first()?.join("log.ndjson");
        let size = std::fs::metadata(&log).ok()?.len();
        (size > 100_000_000 && taken(&log) <= 5 << 20).then_some(())
    });
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
    assert_eq!(test.record("flood-a1b2")["result"], "Still here.");
}

#[test]
fn what_an_agent_prints_on_its_standard_error_is_bounded_too() {
    let test = command_agent("yes oops | head -c 100000000 >&2; echo the last words >&2; exit 3");
    test.set("logMax", "4M");
    test.run(1);
    let record = test.record("flood-a1b2");
    assert_eq!(record["reason"], "exit_code");
    assert!(record["error"].as_str().unwrap().contains("the last words"), "{record:#}");
}

#[test]
fn a_line_of_100_mb_is_a_short_one_in_the_record_and_the_result_after_it_counts() {
    let test = command_agent(&format!("head -c 100000000 /dev/zero | tr '\\0' x; echo; echo '{RESULT}'"));
    test.run(0);
    let record = test.record("flood-a1b2");
    assert_eq!((&record["outcome"], &record["result"]), (&"done".into(), &"Still here.".into()));
    assert!(record["warnings"].to_string().contains("too long to be read"), "{record:#}");
    let log = test.log("flood-a1b2", 1);
    assert!(log.len() < 70_000_000, "{}", log.len());
    assert!(log.ends_with(format!("{RESULT}\n").as_bytes()));
}

#[test]
fn a_log_at_work_can_be_followed_through_a_flood() {
    let test = command_agent(&format!(
        "yes 'a line of the flood' | head -c 100000000; \
         while ! [ -e \"$TMPDIR/gate\" ]; do sleep 0.01; done; echo '{RESULT}'"
    ));
    test.set("logMax", "2M");
    let runner = test.start(&["run"]);
    eventually("the middle is given back", || {
        let log = test.run_folders().first()?.join("log.ndjson");
        let size = std::fs::metadata(&log).ok()?.len();
        (size >= 100_000_000 && taken(&log) <= 3 << 20).then_some(())
    });
    let shown = test.claudedo(&["logs", "flood", "--raw"]).stdout;
    assert!(shown.len() < 4 << 20, "{}", shown.len());
    assert_eq!(left_out(shown.as_bytes()).len(), 1);
    test.release("gate");
    assert_eq!(runner.wait().status, 0);
}
