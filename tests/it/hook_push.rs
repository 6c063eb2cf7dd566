//! What a push says of agents' branches, and the records that travel along.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{TestRepository, eventually};

/// What is said of a task that is done.
const DONE: &str = "claudedo: claudedo/work: done, but unproven: no check was run on it\n";

/// Makes a repository with hooks and a bare remote `origin`, where a task was done.
fn with_remote() -> TestRepository {
    let repository = TestRepository::with_fake();
    let remote = repository.root().join("remote.git");
    repository.git(&["init", "--quiet", "--bare", remote.to_str().unwrap()]);
    repository.git(&["remote", "add", "origin", "../remote.git"]);
    repository.add_task("work", &["write a.txt 1", "result ok"]);
    repository.run(0);
    repository.install_hooks();
    repository
}

fn push(repository: &TestRepository, refspec: &str) -> (i32, String) {
    let answer = repository.try_git(&["push", "--quiet", "origin", refspec]);
    (answer.status, answer.stderr)
}

/// Returns what the remote has under the name of the tracking ref, and the ref's name.
fn remote_records(repository: &TestRepository) -> Option<String> {
    let said = repository.git(&["ls-remote", "origin", "refs/claudedo/*"]);
    said.split_once('\t').map(|(id, _)| id.to_owned())
}

fn own_records(repository: &TestRepository) -> String {
    repository.git(&["for-each-ref", "--format=%(objectname)", "refs/claudedo/runs"])
}

fn note(repository: &TestRepository, remote: &str) -> Option<Value> {
    let bytes = fs::read(repository.local("push.json")).ok()?;
    serde_json::from_slice::<Value>(&bytes).unwrap().get(remote).cloned()
}

fn wait_for_note(repository: &TestRepository, state: &str) -> Value {
    eventually(&format!("the push of the records is {state}"), || {
        note(repository, "origin").filter(|note| note["state"] == state)
    })
}

#[test]
fn a_push_of_work_that_nothing_checked_is_told_and_let_go() {
    let repository = with_remote();
    assert_eq!(push(&repository, "claudedo/work"), (0, DONE.to_owned()));
    let under_another_name = "claudedo/work:refs/heads/feature";
    assert_eq!(push(&repository, under_another_name), (0, DONE.to_owned()));
    repository.git(&["branch", "--quiet", "mine", "claudedo/work"]);
    assert_eq!(push(&repository, "mine:other"), (0, DONE.to_owned()), "the same commit by another name");
    repository.assert_no_process_left();
    assert_eq!(remote_records(&repository), None, "records travel only when that was asked for");
}

#[test]
fn a_push_of_other_branches_and_a_deletion_say_nothing() {
    let repository = with_remote();
    repository.git(&["branch", "claudedo/empty", "main"]);
    assert_eq!(push(&repository, "main"), (0, String::new()));
    repository.git(&["push", "--quiet", "--no-verify", "origin", "claudedo/work"]);
    assert_eq!(push(&repository, ":claudedo/work"), (0, String::new()));
}

#[test]
fn what_speaks_against_each_branch_is_said() {
    let repository = with_remote();
    repository.add_task("red", &["write b.txt 1", "result error text=red"]);
    repository.git(&["config", "--global", "claudedo.retries", "0"]);
    repository.run(1);
    repository.git(&["branch", "claudedo/never", "main"]);
    let folder = repository.workspace("worktrees", "work");
    fs::write(folder.join("more.txt"), "1").unwrap();
    let folder = folder.to_str().unwrap();
    repository.git(&["-C", folder, "add", "--all"]);
    repository.git(&["-C", folder, "commit", "--quiet", "--message=More"]);
    insta::assert_snapshot!(push(&repository, "refs/heads/claudedo/*:refs/heads/claudedo/*").1, @"
    claudedo: claudedo/never: no run of it is recorded here
    claudedo: claudedo/red: its last run failed
    claudedo: claudedo/work: the commit is not the one that its last run left
    ");
}

#[test]
fn work_that_goes_on_is_said_to() {
    let repository = TestRepository::with_fake();
    repository.git(&["init", "--quiet", "--bare", "../remote.git"]);
    repository.git(&["remote", "add", "origin", "../remote.git"]);
    repository.install_hooks();
    repository.add_task("work", &[&repository.wait_step("go"), "result ok"]);
    let run = repository.start(&["run"]);
    repository.wait_for_start(1);
    let said = push(&repository, "claudedo/work");
    assert_eq!(said, (0, "claudedo: claudedo/work: it is being worked on at this moment\n".to_owned()));
    assert_eq!(push(&repository, "main"), (0, String::new()), "its branch has no work of its own yet");
    repository.release("go");
    assert_eq!(run.wait().status, 0);
}

#[test]
fn the_repository_decides_whether_it_stops_the_push() {
    let repository = with_remote();
    repository.set("pushUnproven", "allow");
    assert_eq!(push(&repository, "claudedo/work:one"), (0, String::new()));
    repository.write(".claudedo/config.yaml", "push_unproven: block\n");
    let (status, said) = push(&repository, "claudedo/work:two");
    assert_eq!(status, 1);
    repository.snapshots().bind(|| insta::assert_snapshot!(said, @"
    claudedo: claudedo/work: done, but unproven: no check was run on it
    error: This push holds work that is not proven, and push_unproven is block ([ROOT]/repository/.claudedo/config.yaml).
    hint: To look at it: git claudedo show work
    hint: To push it all the same: git push --no-verify
    error: failed to push some refs to '../remote.git'
    "));
    assert_eq!(push(&repository, "main"), (0, String::new()));
    assert_eq!(
        repository.try_git(&["push", "--quiet", "--no-verify", "origin", "claudedo/work:two"]).status,
        0
    );
    repository.write(".claudedo/config.yaml", "push_unproven: maybe\n");
    let (status, said) = push(&repository, "claudedo/work:three");
    assert_eq!((status, said.lines().count()), (0, 1), "a policy that cannot be read stops nobody: {said}");
}

#[test]
fn records_travel_along_with_a_push() {
    let repository = with_remote();
    repository.set("push", "records");
    assert_eq!(push(&repository, "main"), (0, String::new()));
    wait_for_note(&repository, "pushed");
    repository.assert_no_process_left();
    assert_eq!(remote_records(&repository), Some(own_records(&repository)));
    let refs = repository.git(&["ls-remote", "origin"]);
    assert_eq!(refs.lines().filter(|line| line.contains("refs/")).count(), 2, "{refs}");
    // What the remote has already is not sent again: a note that is damaged on purpose stays as it is.
    let before = fs::read(repository.local("push.json")).unwrap();
    assert_eq!(push(&repository, "main:again"), (0, String::new()));
    repository.assert_no_process_left();
    assert_eq!(fs::read(repository.local("push.json")).unwrap(), before);
}

#[test]
fn a_push_that_only_tries_sends_nothing() {
    let repository = with_remote();
    repository.set("push", "records");
    assert_eq!(repository.try_git(&["push", "--quiet", "--dry-run", "origin", "main"]).status, 0);
    repository.assert_no_process_left();
    assert_eq!(remote_records(&repository), None);
}

#[test]
fn records_wait_until_the_users_own_push_is_over() {
    let repository = with_remote();
    repository.set("push", "records");
    // The remote holds the user's push up, and writes down what arrived in which order.
    let remote = repository.root().join("remote.git");
    let (gate, order) = (repository.gate("go"), repository.gate("order"));
    let hook = format!(
        "#!/bin/sh\nread -r old new name\nwhile test ! -e {}; do sleep 0.01; done\necho $name >> {}\n",
        gate.display(),
        order.display()
    );
    let path = remote.join("hooks/pre-receive");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, hook).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let mut user = repository.program("git").args(["push", "--quiet", "origin", "main"]).spawn().unwrap();
    repository.release("go");
    assert!(user.wait().unwrap().success());
    wait_for_note(&repository, "pushed");
    let order = fs::read_to_string(order).unwrap();
    assert!(order.starts_with("refs/heads/main\nrefs/claudedo/runs/"), "{order}");
}

#[test]
fn records_that_are_refused_or_find_no_remote_do_not_change_the_users_push() {
    let repository = with_remote();
    repository.set("push", "records");
    let remote = repository.root().join("remote.git");
    let hook = remote.join("hooks/update");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\ncase $1 in refs/claudedo/*) exit 1;; esac\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(push(&repository, "main"), (0, String::new()));
    let refused = wait_for_note(&repository, "refused");
    assert!(refused["reason"].as_str().unwrap().contains("hook declined"), "{refused}");
    repository.assert_no_process_left();
    fs::remove_file(hook).unwrap();
    // The remote goes away as soon as it has what the user pushed.
    let gone = repository.root().join("gone.git");
    let hook = remote.join("hooks/post-receive");
    fs::write(&hook, format!("#!/bin/sh\nmv {} {}\n", remote.display(), gone.display())).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(push(&repository, "main:more").0, 0);
    let failed = wait_for_note(&repository, "failed");
    assert!(
        failed["reason"].as_str().unwrap().contains("does not appear to be a git repository"),
        "{failed}"
    );
    repository.assert_no_process_left();
    fs::rename(&gone, &remote).unwrap();
    fs::remove_file(hook).unwrap();
    assert_eq!(push(&repository, "main:again"), (0, String::new()));
    wait_for_note(&repository, "pushed");
    assert_eq!(remote_records(&repository), Some(own_records(&repository)));
}

#[test]
fn the_command_pushes_tries_and_says_what_the_remote_has() {
    let repository = with_remote();
    let id = own_records(&repository);
    let shown = |words: &[&str]| {
        let answer = repository.claudedo(words);
        let said = answer.stdout + &answer.stderr;
        let name = repository.git(&["for-each-ref", "--format=%(refname)", "refs/claudedo/runs"]);
        (answer.status, said.replace(&name, "[REF]").replace(&id, "[ID]").replace(&id[..10], "[ID]"))
    };
    let text = |words: &[&str]| shown(words).1;
    assert_eq!(text(&["push", "--dry-run"]), "Would push [REF] at [ID] to origin\n");
    assert_eq!(remote_records(&repository), None);
    assert_eq!(text(&["push"]), "Pushed [REF] at [ID] to origin\n");
    assert_eq!(remote_records(&repository), Some(id.clone()));
    assert_eq!(text(&["push", "origin"]), "origin has [REF] at [ID] already\n");
    assert_eq!(
        text(&["push", "--json"]),
        "{\"remote\":\"origin\",\"ref\":\"[REF]\",\"commit\":\"[ID]\",\"result\":\"up_to_date\",\
         \"dry_run\":false,\"reason\":null}\n"
    );
    let (status, said) = shown(&["push", "../nowhere.git"]);
    assert_eq!(status, 128);
    assert!(said.starts_with("error: The records did not reach ../nowhere.git: "), "{said}");
    assert_eq!(note(&repository, "origin").unwrap()["state"], "pushed");
    repository.git(&["config", "remote.origin.mirror", "true"]);
    assert_eq!(text(&["push"]), "origin has [REF] at [ID] already\n");
    assert_eq!(
        TestRepository::new().claudedo(&["push"]).stderr,
        "Nothing is recorded here yet, so there is nothing to push\n"
    );
}

#[test]
fn a_push_of_the_records_that_was_killed_is_made_up_for_by_the_next() {
    let repository = with_remote();
    repository.set("push", "records");
    let remote = repository.root().join("remote.git");
    let hook = remote.join("hooks/pre-receive");
    let text = format!(
        "#!/bin/sh\nread -r old new name\ncase $name in refs/claudedo/*) touch {}; while test ! -e {}; do sleep 0.01; done;; esac\n",
        repository.gate("there").display(),
        repository.gate("go").display()
    );
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, text).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(push(&repository, "main").0, 0);
    eventually("the records are on their way", || repository.gate("there").exists().then_some(()));
    repository.kill_all();
    assert_eq!(note(&repository, "origin").unwrap()["state"], "begun");
    repository.release("go");
    assert_eq!(push(&repository, "main:more"), (0, String::new()));
    wait_for_note(&repository, "pushed");
    repository.assert_no_process_left();
    assert_eq!(remote_records(&repository), Some(own_records(&repository)));
}

#[test]
fn a_push_from_a_bare_repository_is_looked_at_too() {
    let repository = with_remote();
    let bare = repository.root().join("bare.git");
    let path = bare.to_str().unwrap();
    repository.git(&["clone", "--quiet", "--bare", ".", path]);
    fs::copy(repository.path().join(".git/hooks/pre-push"), bare.join("hooks/pre-push")).unwrap();
    let said = repository.git_says(&["-C", path, "push", "--quiet", "../remote.git", "claudedo/work"]);
    assert_eq!(said, "claudedo: claudedo/work: no run of it is recorded here\n");
}
