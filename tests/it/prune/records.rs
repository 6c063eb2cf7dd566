//! Logs taken out of the records: what stays, and that remotes and other clones follow.

use super::with_done;
use crate::support::TestRepository;

/// Returns the tree of this machine's records, by path.
fn records(test: &TestRepository) -> Vec<String> {
    let name = test.git(&["for-each-ref", "--format=%(refname)", "refs/claudedo/runs"]);
    test.git(&["ls-tree", "-r", &name]).lines().map(str::to_owned).collect()
}

fn tip(test: &TestRepository) -> String {
    test.git(&["for-each-ref", "--format=%(objectname)", "refs/claudedo/runs"])
}

fn remote_tip(test: &TestRepository) -> String {
    let said = test.git(&["ls-remote", "origin", "refs/claudedo/*"]);
    said.split('\t').next().unwrap().to_owned()
}

fn with_remote() -> TestRepository {
    let test = with_done();
    test.git(&["init", "--quiet", "--bare", "../remote.git"]);
    test.git(&["remote", "add", "origin", "../remote.git"]);
    test
}

#[test]
fn logs_go_only_where_that_is_asked_for() {
    let test = with_done();
    let before = records(&test);
    test.prune(&[]);
    assert_eq!(records(&test), before);
    test.set("pruneLogs", "30d");
    test.claudedo(&["prune"]);
    assert_eq!(records(&test), before);
    test.set("pruneLogs", "0d");
    assert!(test.claudedo(&["prune"]).stdout.contains("the records of the runs stay"));
    assert_ne!(records(&test), before);
}

#[test]
fn without_its_log_a_record_stays_byte_for_byte() {
    let test = with_done();
    let before = records(&test);
    let answer = test.prune(&["--only", "logs"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    let after = records(&test);
    let is_log = |line: &&String| line.contains("/log/");
    assert!(before.iter().any(|line| is_log(&line)) && !after.iter().any(|line| is_log(&line)));
    let kept: Vec<&String> = before.iter().filter(|line| !is_log(line)).collect();
    let note = |line: &&String| line.ends_with("/log-pruned.json");
    assert_eq!(after.iter().filter(|line| !note(line)).collect::<Vec<_>>(), kept);
    assert_eq!(test.git(&["rev-list", "--count", &tip(&test)]), "1");
    let said = test.claudedo(&["logs", "work"]);
    assert_eq!(said.status, 1);
    assert!(said.stderr.contains("The log of run 1 of task work was pruned on "), "{said:#?}");
    assert_eq!(test.claudedo(&["show", "work"]).status, 0);
    assert!(test.prune(&["--only", "logs"]).stderr.contains("Nothing goes"));
    test.git(&["gc", "--quiet", "--prune=now"]);
    test.assert_sound();
    test.add_task("next", &["write b.txt 1", "result ok"]);
    test.run(0);
    assert_eq!(test.history("work"), "claimed finished:done");
    assert_eq!(test.history("next"), "claimed finished:done");
}

#[test]
fn the_next_push_replaces_what_was_pushed_from_here() {
    let test = with_remote();
    assert_eq!(test.claudedo(&["push"]).status, 0);
    test.prune(&["--only", "logs"]);
    let answer = test.claudedo(&["push"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(remote_tip(&test), tip(&test));
    let other = test.root().join("other");
    test.git(&["clone", "--quiet", "../remote.git", other.to_str().unwrap()]);
    let fetch = "+refs/claudedo/runs/*:refs/claudedo-remotes/origin/*";
    test.git(&["-C", other.to_str().unwrap(), "fetch", "--quiet", "origin", fetch]);
    let listed = test.claudedo(&["-C", other.to_str().unwrap(), "list", "--all"]);
    assert!(listed.stdout.starts_with("work  done"), "{listed:#?}");
    test.add_task("next", &["write b.txt 1", "result ok"]);
    test.run(0);
    assert_eq!(test.claudedo(&["push"]).status, 0);
    assert_eq!(remote_tip(&test), tip(&test));
}

#[test]
fn what_was_put_there_by_somebody_else_is_not_replaced() {
    let test = with_remote();
    assert_eq!(test.claudedo(&["push"]).status, 0);
    let name = test.git(&["for-each-ref", "--format=%(refname)", "refs/claudedo/runs"]);
    let foreign = test.git(&["commit-tree", "HEAD^{tree}", "-m", "Foreign"]);
    test.git(&["push", "--quiet", "--force", "origin", &format!("{foreign}:{name}")]);
    test.prune(&["--only", "logs"]);
    let answer = test.claudedo(&["push"]);
    assert_eq!(answer.status, 1, "{answer:#?}");
    assert_eq!(remote_tip(&test), foreign);
}
