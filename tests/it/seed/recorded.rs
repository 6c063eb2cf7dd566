//! What is written down of a run: its record, its log, the broadcasts.
#![expect(clippy::disallowed_methods, reason = "a test writes what the agent prints")]

use std::fs;

use serde_json::Value;

use crate::support::{TestRepository, fake_program, task_yaml};

#[test]
fn the_record_has_every_field_and_what_it_says_is_right() {
    let test = TestRepository::with_fake();
    test.write("schema.json", r#"{"type":"object","properties":{"ok":{"type":"boolean"}}}"#);
    let steps = ["write a.txt hello", "schema-answer {\"ok\":true}", "result ok turns=4 denied=WebFetch"];
    let yaml = format!("{}result_schema: schema.json\n", task_yaml("Say hello", &steps));
    test.write_task("say-hello-a1b2", &yaml);
    test.run(0);
    let record = test.record("say-hello-a1b2");
    let mut shown = record.clone();
    shown["machine"] = "[MACHINE]".into();
    shown["log"][0]["size"] = "[SIZE]".into();
    let fields = shown.as_object().unwrap().iter().map(|(name, value)| format!("{name}: {value}"));
    let told = fields.collect::<Vec<_>>().join("\n").replace(&fake_program(), "[AGENT]");
    test.snapshots().bind(|| insta::assert_snapshot!(told, @r#"
        agent: {"model":"claude-opus-5-5","program":"[AGENT]","resumed":"fresh","session":"[UUID]","version":"2.1.330"}
        claim: "[UUID]"
        ended_by: "itself"
        error: null
        exit: {"code":0}
        exit_code: 0
        finished: "[TIME]"
        isolation: "none"
        kind: "first"
        log: [{"name":"000001.ndjson","size":"[SIZE]"}]
        machine: "[MACHINE]"
        number: 1
        outcome: "done"
        permission_denials: [{"input":"","tool":"WebFetch"}]
        prompt: "Say hello\n\nPlay:\n@fake write a.txt hello\n@fake schema-answer {\"ok\":true}\n@fake result ok turns=4 denied=WebFetch"
        reason: null
        result: "{\"ok\":true}"
        run: "[UUID]"
        slot: 1
        started: "[TIME]"
        structured_output: {"ok":true}
        swept: []
        task: "say-hello-[ID]"
        task_blob: "[OBJECT]"
        usage: {"cache_read_tokens":0,"cache_write_tokens":0,"cost_usd":0.0032,"input_tokens":400,"output_tokens":80,"turns":4}
        version: 1
        warnings: ["1 request for permission was denied"]
        workspace: {"base":"[OBJECT]","branch":"refs/heads/claudedo/say-hello-[ID]","changes":{"deletions":0,"files":1,"insertions":1},"commit":"[OBJECT]","kind":"worktree","snapshot":null,"tree":"[OBJECT]"}
        "#));
    assert_agrees_with_git(&test, &record);
    assert_eq!(test.run_file("say-hello-a1b2", 1, "task.yaml").unwrap(), yaml.as_bytes());
}

fn assert_agrees_with_git(test: &TestRepository, record: &Value) {
    assert_eq!(record["claim"], record["run"]);
    assert_eq!(uuid_version(&record["run"]), '7');
    assert_eq!(record["task_blob"], test.git(&["hash-object", ".claudedo/tasks/say-hello-a1b2.yaml"]));
    assert_eq!(record["machine"], fs::read_to_string(test.local("machine")).unwrap().trim());
    assert_eq!(record["prompt"], test.fake_starts()[0].text("stdin"));
    assert!(test.fake_starts()[0].arguments().contains(&text_of(&record["agent"]["session"])));
    assert!(text_of(&record["started"]) <= text_of(&record["finished"]));
    let branch = "claudedo/say-hello-a1b2";
    assert_eq!(record["workspace"]["commit"], test.git(&["rev-parse", branch]));
    assert_eq!(record["workspace"]["tree"], test.git(&["rev-parse", &format!("{branch}^{{tree}}")]));
    assert_eq!(record["workspace"]["base"], test.git(&["rev-parse", "main"]));
    let size: u64 = record["log"].as_array().unwrap().iter().map(|part| part["size"].as_u64().unwrap()).sum();
    assert_eq!(usize::try_from(size).unwrap(), test.log("say-hello-a1b2", 1).len());
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn uuid_version(value: &Value) -> char {
    value.as_str().unwrap().chars().nth(14).unwrap()
}

#[test]
fn the_log_segments_joined_are_what_the_agent_printed_byte_for_byte() {
    let test = TestRepository::with_fake();
    let result = r#"{"num_turns":1,"is_error":false,"subtype":"success","result":"Fine.","type":"result"}"#;
    let mut printed = b"{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\"}\n".to_vec();
    printed.extend_from_slice(b"\xff\xfe no JSON {\r\n\n\x00\n");
    for length in [400_000, 700_000, 1_200_000, 10] {
        printed.extend(std::iter::repeat_n(b'x', length));
        printed.push(b'\n');
    }
    printed.extend_from_slice(result.as_bytes());
    printed.extend_from_slice(b"\ncut off without an end");
    fs::write(test.gate("stream"), &printed).unwrap();
    test.add_task("loud-a1b2", &[&format!("print-file {}", test.gate("stream").display())]);
    test.run(0);
    assert!(test.log("loud-a1b2", 1) == printed, "the log is not what was printed");
    let record = test.record("loud-a1b2");
    let segments = record["log"].as_array().unwrap();
    assert!(segments.iter().all(|part| part["size"].as_u64().unwrap() <= 1_000_000), "{segments:?}");
    assert!(segments.len() >= 3, "{segments:?}");
    assert_eq!(record["result"], "Fine.");
}

#[test]
fn every_broadcast_of_the_seed_is_in_the_event_stream() {
    let test = TestRepository::with_fake();
    test.write_task("lost-0002", "title: Lost\nlist: nowhere\npriority: -1\n");
    let steps = ["text Looking.", "on-fresh result error text=red", "on-resume write a.txt 1"];
    test.add_task("flaky-0001", &steps);
    assert_eq!(test.claudedo(&["run", "--slots", "1"]).status, 1);
    let stream = test.stream();
    let runs: Vec<Value> = test.records("flaky-0001").iter().map(|record| record["run"].clone()).collect();
    let lines: Vec<String> = stream.iter().map(|event| line(event, &runs)).collect();
    let clone = test.workspace("", "").file_name().unwrap().to_str().unwrap().to_owned();
    let told = lines.join("\n").replace(&clone, "[CLONE]");
    test.snapshots().bind(|| insta::assert_snapshot!(told, @r#"
        flaky-[ID] 1 task_started {"slot":1,"title":"flaky-[ID]"}
        flaky-[ID] 1 run_created {"number":1,"run_kind":"first"}
        flaky-[ID] 1 worktree_updated {"change":"created","path":"[ROOT]/state/git-claudedo/[CLONE]/worktrees/flaky-[ID]"}
        flaky-[ID] 1 task_message {"message":"started with claude-opus-5-5"}
        flaky-[ID] 1 task_message {"message":"Looking.","spent":{"turns":1}}
        flaky-[ID] 1 task_message {"message":"failed: red","spent":{"cost_usd":0.0008,"turns":1}}
        flaky-[ID] 1 task_updated {"message":"run 1 failed: red","spent":{"cost_usd":0.0008,"turns":1},"update":"run_ended"}
        flaky-[ID] 2 run_created {"number":2,"run_kind":"retry"}
        flaky-[ID] 2 worktree_updated {"change":"reused","path":"[ROOT]/state/git-claudedo/[CLONE]/worktrees/flaky-[ID]"}
        flaky-[ID] 2 task_message {"message":"started with claude-opus-5-5"}
        flaky-[ID] 2 task_message {"message":"Looking.","spent":{"turns":1}}
        flaky-[ID] 2 task_message {"message":"Write: [ROOT]/state/git-claudedo/[CLONE]/worktrees/flaky-[ID]/a.txt","spent":{"turns":2}}
        flaky-[ID] 2 task_message {"message":"answer: File written successfully at: [ROOT]/state/git-claudedo/[CLONE]/worktrees/flaky-[ID]/a.txt"}
        flaky-[ID] 2 task_message {"message":"result: Looking.","spent":{"cost_usd":0.0016,"turns":2}}
        flaky-[ID] 2 task_finished {"message":"1 file, +1 -0; Looking.","outcome":"done","spent":{"cost_usd":0.0016,"turns":2}}
        lost-[ID] 0 task_started {"slot":1,"title":"Lost"}
        lost-[ID] 0 run_created {"number":1,"run_kind":"first"}
        lost-[ID] 0 task_finished {"message":"List \"nowhere\" does not exist: there is no .claudedo/lists/nowhere.yaml.","outcome":"failed"}
        "#));
}

#[test]
fn what_the_runner_says_has_a_level() {
    let test = TestRepository::with_fake();
    test.add_task("slow-a1b2", &[&test.wait_step("gate")]);
    let runner = test.start(&["run"]);
    test.wait_for_start(1);
    runner.signal(rustix::process::Signal::INT);
    test.wait_for_event("no new task starts");
    runner.kill();
    let folder = test.local("runs/01890000-0000-7000-8000-000000000000");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("plan.json"), "{").unwrap();
    test.release("gate");
    test.run(0);
    let said = test.stream().into_iter().filter(|event| event["event"] == "worker_log");
    let said: Vec<String> =
        said.map(|event| format!("{}: {}", text_of(&event["level"]), text_of(&event["message"]))).collect();
    test.snapshots().bind(|| {
        insta::assert_snapshot!(said.join("\n"), @r#"
        warning: no new task starts; waiting for those that run (once more to cancel them)
        error: failed to read [ROOT]/repository/.git/claudedo/runs/[UUID]/plan.json; the run's folder is kept
        info: going on with task slow-[ID], left by an earlier runner
        "#);
    });
}

/// Returns an event without its time, and its run by number.
fn line(event: &Value, runs: &[Value]) -> String {
    let mut event = event.clone();
    let fields = event.as_object_mut().unwrap();
    assert!(text_of(&fields.remove("at").unwrap()).ends_with('Z'));
    let run = fields.remove("run").unwrap();
    let run = runs.iter().position(|known| *known == run).map_or(0, |index| index + 1);
    let name = text_of(&fields.remove("event").unwrap());
    let task = fields.remove("task").unwrap();
    format!("{} {run} {name} {}", task.as_str().unwrap_or("-"), serde_json::to_string(fields).unwrap())
}
