//! Nobody else's prompt runs: what git brings is held until its exact bytes are approved.
//!
//! The agent of these tests writes a line into a file, so that a task that ran without leave is seen. A second
//! clone is the colleague whose commits arrive.
#![expect(clippy::disallowed_methods, reason = "tests write files from outside")]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use git_claudedo::git::Repository;
use git_claudedo::os::clock;
use git_claudedo::store::overview::{Overview, Sources};
use git_claudedo::store::records::Records;
use git_claudedo::store::state_directory::StateDirectory;
use git_claudedo::store::tasks::TaskFolder;
use git_claudedo::store::trust::{Trust, admit};
use git_claudedo::task::TaskId;
use serde_json::Value;

use crate::cli_support::{add, claudedo_in, shown};
use crate::support::{Terminal, TestRepository};

/// A file of the colleague's.
const THEIRS: &str = "title: Theirs\ndescription: Do what they say.\n";

/// How git brings a file of the colleague's.
type Bring = fn(&TestRepository);

/// A repository whose agent leaves the name of its task in a file, and a clone of it.
fn with_colleague() -> TestRepository {
    with_colleague_of_kind(&[])
}

/// The same, made by these arguments of `git init`.
fn with_colleague_of_kind(init: &[&str]) -> TestRepository {
    let test = TestRepository::of_kind("repository", init);
    let script = format!("echo \"$CLAUDEDO_TASK\" >> {}", test.gate("ran").display());
    test.set("agentCommand", &format!("[sh, -c, '{script}']"));
    test.git(&["clone", "--quiet", ".", colleague(&test).to_str().unwrap()]);
    test
}

fn colleague(test: &TestRepository) -> PathBuf {
    test.root().join("colleague")
}

/// Runs git as the colleague.
fn theirs(test: &TestRepository, arguments: &[&str]) {
    test.git(&[&["-C", colleague(test).to_str().unwrap()], arguments].concat());
}

/// Lets the colleague commit a file.
fn commit_theirs(test: &TestRepository, path: &str, content: &str) {
    let file = colleague(test).join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
    theirs(test, &["add", path]);
    theirs(test, &["commit", "--quiet", "--message=Theirs"]);
}

fn pull(test: &TestRepository) {
    test.git(&["pull", "--quiet", "--no-rebase", colleague(test).to_str().unwrap(), "main"]);
    settle(test);
}

/// Makes all task files look as if they had been left alone for long.
fn settle(test: &TestRepository) {
    for entry in fs::read_dir(test.path().join(".claudedo/tasks")).unwrap() {
        let file = fs::File::options().append(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
    }
}

/// Returns where a task stands, and why it is held.
fn standing(test: &TestRepository, task: &str) -> String {
    let shown: Value = serde_json::from_str(&test.claudedo(&["show", "--json", task]).stdout).unwrap();
    let listed: Value = serde_json::from_str(&test.claudedo(&["list", "--json"]).stdout).unwrap();
    let listed = listed.as_array().unwrap().iter().find(|listed| listed["id"] == task).unwrap();
    assert_eq!(listed["standing"], shown["standing"]);
    let hold = shown["standing"]["hold"].as_str().map(|hold| format!(" {hold}")).unwrap_or_default();
    format!("{}{hold}", shown["state"].as_str().unwrap())
}

/// Returns the tasks whose agent ran.
fn ran(test: &TestRepository) -> String {
    fs::read_to_string(test.gate("ran")).unwrap_or_default()
}

/// Lets a runner work through one task of its own while something happens, and returns what it said.
fn drain_while(test: &TestRepository, happens: impl FnOnce()) -> String {
    let gate = test.gate("gate").display().to_string();
    let script = format!(
        "case $CLAUDEDO_TASK in own) while ! test -e {gate}; do sleep 0.01; done;; esac; echo \"$CLAUDEDO_TASK\" >> {}",
        test.gate("ran").display()
    );
    test.set("agentCommand", &format!("[sh, -c, '{script}']"));
    add(test, "own", "Own", "");
    let started = test.start(&["run"]);
    test.wait_for_event("run_created");
    happens();
    test.release("gate");
    let answer = started.wait();
    assert_eq!(answer.status, 0, "{answer:#?}");
    answer.stderr
}

#[test]
fn a_task_that_is_pulled_while_a_runner_works_does_not_run_until_it_is_approved() {
    let test = with_colleague();
    commit_theirs(&test, ".claudedo/tasks/theirs.yaml", THEIRS);
    let said = drain_while(&test, || pull(&test));
    assert_eq!(ran(&test), "own\n");
    assert!(said.contains("held theirs: Nobody on this machine approved what its file says"), "{said}");
    assert_eq!(standing(&test, "theirs"), "held untrusted");
    assert_eq!(test.history("theirs"), "");
    let answer = test.claudedo(&["show", "theirs"]);
    assert!(answer.stdout.contains("git claudedo approve theirs"), "{answer:#?}");
    let answer = test.claudedo(&["approve", "--yes", "theirs"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(standing(&test, "theirs"), "queued");
    test.run(0);
    assert_eq!(ran(&test), "own\ntheirs\n");
}

#[test]
fn whichever_way_git_brings_a_file_it_is_held() {
    let ways: [(&str, Bring); 6] = [
        ("pull", pull),
        ("merge", |test| {
            test.git(&["commit", "--quiet", "--allow-empty", "--message=Mine"]);
            test.git(&["fetch", "--quiet", colleague(test).to_str().unwrap(), "main:refs/remotes/them/main"]);
            test.git(&["merge", "--quiet", "--no-edit", "them/main"]);
        }),
        ("checkout", |test| {
            test.git(&["fetch", "--quiet", colleague(test).to_str().unwrap(), "main:topic"]);
            test.git(&["checkout", "--quiet", "topic"]);
        }),
        ("rebase", |test| {
            test.git(&["commit", "--quiet", "--allow-empty", "--message=Mine"]);
            test.git(&["pull", "--quiet", "--rebase", colleague(test).to_str().unwrap(), "main"]);
        }),
        ("stash", |test| {
            let path = colleague(test).join(".claudedo/tasks/theirs.yaml");
            theirs(test, &["rm", "--quiet", "--cached", ".claudedo/tasks/theirs.yaml"]);
            theirs(test, &["commit", "--quiet", "--message=Without"]);
            assert!(path.exists());
            theirs(test, &["stash", "--quiet", "--include-untracked"]);
            test.git(&["fetch", "--quiet", colleague(test).to_str().unwrap(), "+refs/stash:refs/stash"]);
            let stash = test.git(&["rev-parse", "refs/stash"]);
            test.git(&["stash", "apply", "--quiet", &stash]);
        }),
        ("restore", |test| {
            test.git(&["fetch", "--quiet", colleague(test).to_str().unwrap(), "main"]);
            test.git(&["restore", "--source=FETCH_HEAD", "--worktree", ".claudedo"]);
        }),
    ];
    for (way, bring) in ways {
        let test = with_colleague();
        commit_theirs(&test, ".claudedo/tasks/theirs.yaml", THEIRS);
        bring(&test);
        settle(&test);
        assert_eq!(standing(&test, "theirs"), "held untrusted", "{way}");
    }
}

#[test]
fn in_a_fresh_clone_everything_is_held_and_a_run_that_a_person_types_runs_it() {
    let test = with_colleague();
    add(&test, "shared", "Shared", "");
    test.git(&["add", ".claudedo"]);
    test.git(&["commit", "--quiet", "--message=Share"]);
    assert_eq!(standing(&test, "shared"), "queued", "who added it here approved it");
    let clone = test.root().join("clone");
    test.git(&["clone", "--quiet", ".", clone.to_str().unwrap()]);
    let state = || claudedo_in(&test, &clone, &["list"]).stdout;
    fs::File::options()
        .append(true)
        .open(clone.join(".claudedo/tasks/shared.yaml"))
        .unwrap()
        .set_modified(SystemTime::now() - Duration::from_hours(1))
        .unwrap();
    assert!(state().starts_with("shared  held"), "{}", state());
    let answer = claudedo_in(&test, &clone, &["run"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert!(answer.stderr.contains("Approved shared, which was brought by git"), "{answer:#?}");
    assert!(state().starts_with("shared  done"), "{}", state());
}

#[test]
fn an_approved_file_that_is_changed_by_hand_is_held_again_and_one_that_edit_changes_is_not() {
    let test = with_colleague();
    commit_theirs(&test, ".claudedo/tasks/theirs.yaml", THEIRS);
    pull(&test);
    test.claudedo(&["approve", "--yes", "theirs"]);
    test.write_task("theirs", "title: Theirs\ndescription: Do it better.\n");
    assert_eq!(standing(&test, "theirs"), "held untrusted");
    let page = test.claudedo(&["approve", "theirs"]);
    assert!(
        page.stdout.contains("  - description: Do what they say.\n  + description: Do it better.\n"),
        "{page:#?}"
    );
    assert!(page.stdout.contains("The file was changed since."), "{page:#?}");
    let edited = test.root().join("edited.yaml");
    fs::write(&edited, "title: Theirs\ndescription: Do it well.\n").unwrap();
    let answer = test.claudedo(&["edit", "theirs", "--file", edited.to_str().unwrap()]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(standing(&test, "theirs"), "queued");
    test.write_task("theirs", THEIRS);
    assert_eq!(standing(&test, "theirs"), "queued", "the bytes were approved before");
}

#[test]
fn what_a_person_saves_with_an_editor_runs_and_stays_trusted_when_it_is_committed() {
    let test = with_colleague();
    let said = drain_while(&test, || {
        test.write_task("mine", "title: Mine\nafter: [own]\n");
        test.write_task("later", "title: Later\nafter: [nobody]\n");
        crate::support::eventually("the runner approves both", || {
            let count = fs::read_dir(test.local("trust")).unwrap().count();
            (count == 3).then_some(())
        });
        test.git(&["add", ".claudedo"]);
        test.git(&["commit", "--quiet", "--message=Mine"]);
    });
    assert_eq!(ran(&test), "own\nmine\n", "{said}");
    assert_eq!(standing(&test, "later"), "waiting waiting");
    test.write_task("later", "title: Later and other\n");
    assert_eq!(standing(&test, "later"), "held untrusted");
}

#[test]
fn a_file_whose_attributes_make_it_differ_from_its_blob_is_held_also_after_git_forgot_its_path() {
    let attributes = "*.yaml text eol=crlf ident\n";
    for forget in [&["rm", "--quiet", "--cached", "-r", "."][..], &["reset", "--quiet", "HEAD~3"]] {
        let test = with_colleague();
        commit_theirs(&test, ".gitattributes", attributes);
        commit_theirs(&test, ".claudedo/tasks/plain.yaml", THEIRS);
        commit_theirs(&test, ".claudedo/tasks/ident.yaml", "title: \"$Id$\"\n");
        pull(&test);
        test.git(forget);
        let bytes = fs::read_to_string(test.path().join(".claudedo/tasks/ident.yaml")).unwrap();
        assert!(bytes.contains("$Id: ") && bytes.ends_with("\r\n"), "{bytes:?}");
        // Nothing but the bytes is left to tell by.
        fs::remove_file(test.path().join(".git/ORIG_HEAD")).ok();
        fs::remove_file(test.path().join(".git/FETCH_HEAD")).ok();
        for task in ["plain", "ident"] {
            assert_eq!(standing(&test, task), "held untrusted", "{task} after {forget:?}");
        }
    }
}

#[test]
fn a_file_whose_bytes_git_never_had_is_held_where_a_branch_has_its_path() {
    let test = with_colleague();
    commit_theirs(&test, ".claudedo/tasks/theirs.yaml", THEIRS);
    test.git(&["fetch", "--quiet", colleague(&test).to_str().unwrap(), "main:refs/remotes/them/main"]);
    // As a filter of the user's would have written it.
    test.write_task("theirs", "title: Smudged\n");
    assert_eq!(standing(&test, "theirs"), "held untrusted");
    test.git(&["update-ref", "-d", "refs/remotes/them/main"]);
    fs::remove_file(test.path().join(".git/FETCH_HEAD")).unwrap();
    assert_eq!(standing(&test, "theirs"), "queued");
}

#[test]
fn task_files_in_a_submodule_or_in_a_repository_of_their_own_are_held() {
    let test = with_colleague();
    fs::create_dir_all(colleague(&test).join("tasks")).unwrap();
    commit_theirs(&test, "tasks/theirs.yaml", THEIRS);
    let path = colleague(&test);
    let path = path.to_str().unwrap();
    test.git(&["clone", "--quiet", path, ".claudedo"]);
    settle(&test);
    assert_eq!(standing(&test, "theirs"), "held untrusted", "a clone");
    fs::remove_dir_all(test.path().join(".claudedo")).unwrap();
    test.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", path, ".claudedo"]);
    settle(&test);
    assert_eq!(standing(&test, "theirs"), "held untrusted", "a submodule");
    fs::remove_file(test.path().join(".claudedo/.git")).unwrap();
    assert_eq!(standing(&test, "theirs"), "held untrusted", "a submodule without its link");
}

#[test]
fn while_git_changes_the_index_a_new_file_waits_and_after_that_it_runs() {
    let test = with_colleague();
    test.write_task("mine", "title: Mine\n");
    let lock = test.path().join(".git/index.lock");
    fs::write(&lock, "").unwrap();
    assert_eq!(standing(&test, "mine"), "held unsettled");
    let long_ago = SystemTime::now() - Duration::from_hours(1);
    fs::File::options().append(true).open(&lock).unwrap().set_modified(long_ago).unwrap();
    assert_eq!(standing(&test, "mine"), "held untrusted", "nobody ever lets go of it");
    fs::remove_file(&lock).unwrap();
    assert_eq!(standing(&test, "mine"), "queued");
}

#[test]
fn what_is_revoked_stays_held_until_it_is_named() {
    let test = with_colleague();
    add(&test, "mine", "Mine", "");
    let answer = test.claudedo(&["approve", "--revoke", "mine"]);
    assert_eq!(answer.stderr, "Task mine is held until it is approved again\n");
    assert_eq!(standing(&test, "mine"), "held untrusted");
    test.run(0);
    assert_eq!(ran(&test), "");
    let answer = test.claudedo(&["run", "mine"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(ran(&test), "mine\n");
}

#[test]
fn a_page_hides_nothing_and_obeys_nothing_and_without_a_terminal_nothing_is_approved() {
    let test = with_colleague();
    theirs(&test, &["config", "user.name", "Eve\u{1b}[2J\u{202e}"]);
    let yaml = "title: \"Tidy up\\u200b\"\ndescription: \"Be nice.\\U000E0041\\U000E0042\\n\"\npermission_mode: acceptEdits\n";
    commit_theirs(&test, ".claudedo/tasks/theirs.yaml", yaml);
    pull(&test);
    let answer = test.claudedo(&["approve", "theirs"]);
    let mut settings = test.snapshots();
    settings.add_filter(r"commit [0-9a-f]{12}", "commit [COMMIT]");
    settings.add_filter(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "[MINUTE]");
    settings.bind(|| {
        insta::assert_snapshot!(shown(&answer), @r#"
    [128]
    theirs: Tidy up<U+200B>
    Last changed by commit [COMMIT], which says it is by Eve<U+001B>[2J<U+202E> <test@example.com>, [MINUTE].

    The agent is told
      Tidy up<U+200B>
      
      Be nice.<U+E0041><U+E0042>

    With these settings
      base: HEAD (built in)
      permission_mode: acceptEdits ([ROOT]/repository/.claudedo/tasks/theirs.yaml)
      allowed_tools: - (built in)
      agent_command: [sh, "-c", "echo \"$CLAUDEDO_TASK\" >> [ROOT]/tmp/ran"] (global file:[ROOT]/gitconfig)
      project_settings: false (built in)
      claude: claude (built in)

    [stderr]
    error: Nothing was approved: there is no terminal to ask on.
    hint: To approve without a question what was read before: git claudedo approve --yes TASK
    "#);
    });
    assert_eq!(standing(&test, "theirs"), "held untrusted");
    let json = test.claudedo(&["approve", "--all", "--json"]);
    let pages: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(pages[0]["last_commit"]["same"], true);
    assert_eq!(pages[0]["text"], yaml);
    let digits = test.program("sha256sum").arg(".claudedo/tasks/theirs.yaml").output().unwrap().stdout;
    assert!(digits.starts_with(pages[0]["sha256"].as_str().unwrap().as_bytes()));
    assert_eq!(standing(&test, "theirs"), "held untrusted", "JSON asks nothing and approves nothing");
}

#[test]
fn a_task_is_named_by_hand_to_run_retry_or_continue_what_its_file_says_now() {
    let test = with_colleague();
    commit_theirs(&test, ".claudedo/tasks/theirs.yaml", THEIRS);
    commit_theirs(&test, ".claudedo/tasks/other.yaml", "title: Other\n");
    pull(&test);
    let answer = test.claudedo(&["run", "theirs"]);
    assert_eq!((answer.status, ran(&test).as_str()), (0, "theirs\n"), "{answer:#?}");
    assert_eq!(standing(&test, "other"), "held untrusted");
    commit_theirs(&test, ".claudedo/tasks/theirs.yaml", "title: Theirs, changed\n");
    pull(&test);
    assert_eq!(standing(&test, "theirs"), "done");
    let answer = test.claudedo(&["retry", "theirs"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert_eq!(standing(&test, "theirs"), "queued");
    commit_theirs(&test, ".claudedo/tasks/theirs.yaml", "title: Theirs, changed again\n");
    pull(&test);
    assert_eq!(standing(&test, "theirs"), "held untrusted", "what was asked for is not what there is");
}

#[test]
fn a_file_that_is_replaced_between_the_look_and_the_claim_is_not_run() {
    let test = with_colleague();
    test.write_task("mine", "title: Mine\n");
    let repository = Repository::discover(&test.path()).unwrap();
    let state = StateDirectory::new(&repository.common_dir());
    let folder = TaskFolder::new(&repository.work_tree().unwrap(), state.path());
    let task: TaskId = "mine".parse().unwrap();
    let records = Records::open(&repository, &state);
    let sources = Sources { tasks: &folder, records: &records, state: &state, user: &[] };
    let seen = Overview::load(&sources, clock::now()).unwrap();
    assert_eq!(seen.trust[&task], Trust::Saved);
    fs::remove_file(test.path().join(".claudedo/tasks/mine.yaml")).unwrap();
    commit_theirs(&test, ".claudedo/tasks/mine.yaml", THEIRS);
    pull(&test);
    let claimed = folder.load(&task, clock::now()).unwrap().unwrap();
    let refused = admit(&repository, &state, &folder, claimed, clock::now()).unwrap();
    assert_eq!(refused, Err(Trust::Brought));
    assert!(!test.local("trust").exists(), "a refusal approves nothing");
    test.write_task("new", "title: New\n");
    let claimed = folder.load(&"new".parse().unwrap(), clock::now()).unwrap().unwrap();
    // The file may change again: what was read is what is approved and run.
    fs::write(test.path().join(".claudedo/tasks/new.yaml"), THEIRS).unwrap();
    let admitted = admit(&repository, &state, &folder, claimed, clock::now()).unwrap().unwrap();
    assert_eq!(admitted.bytes(), b"title: New\n");
    assert_eq!(state.load_last_approvals().unwrap()[&"new".parse().unwrap()].text, "title: New\n");
}

#[test]
fn a_sha256_repository_knows_what_git_brought_also_after_git_forgot_the_path() {
    let test = with_colleague_of_kind(&["--object-format=sha256"]);
    commit_theirs(&test, ".claudedo/tasks/theirs.yaml", THEIRS);
    pull(&test);
    test.git(&["reset", "--quiet", "HEAD~1"]);
    for name in ["ORIG_HEAD", "FETCH_HEAD"] {
        fs::remove_file(test.path().join(".git").join(name)).unwrap();
    }
    test.write_task("mine", "title: Mine\n");
    assert_eq!(standing(&test, "theirs"), "held untrusted");
    assert_eq!(standing(&test, "mine"), "queued");
}

#[test]
fn in_a_linked_worktree_its_own_index_counts() {
    let test = with_colleague();
    commit_theirs(&test, ".claudedo/tasks/theirs.yaml", THEIRS);
    test.git(&["fetch", "--quiet", colleague(&test).to_str().unwrap(), "main:topic"]);
    let linked = test.root().join("linked");
    test.git(&["worktree", "add", "--quiet", linked.to_str().unwrap(), "topic"]);
    fs::write(linked.join(".claudedo/tasks/mine.yaml"), "title: Mine\n").unwrap();
    for name in ["theirs", "mine"] {
        let file = linked.join(format!(".claudedo/tasks/{name}.yaml"));
        let file = fs::File::options().append(true).open(file).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
    }
    let listed = claudedo_in(&test, &linked, &["list"]).stdout;
    let states: Vec<Vec<&str>> =
        listed.lines().map(|line| line.split_whitespace().take(2).collect()).collect();
    assert_eq!(states, [["mine", "queued"], ["theirs", "held"]]);
    let page = claudedo_in(&test, &linked, &["approve", "theirs"]).stdout;
    assert!(page.contains("which says it is by Test User"), "{page}");
}

#[test]
fn a_run_that_is_typed_right_after_a_clone_runs_files_that_still_settle() {
    let test = with_colleague();
    commit_theirs(&test, ".claudedo/tasks/theirs.yaml", THEIRS);
    test.git(&["pull", "--quiet", "--no-rebase", colleague(&test).to_str().unwrap(), "main"]);
    test.run(0);
    assert_eq!(ran(&test), "theirs\n");
}

#[test]
fn on_a_terminal_each_task_is_shown_and_asked_about_and_only_a_yes_approves() {
    let test = with_colleague();
    theirs(&test, &["config", "user.name", "Eve\u{1b}[2J"]);
    let hostile = "title: \"Harm\\u200bless\"\n";
    for (task, yaml) in [("a-yes", hostile), ("b-no", "title: Second\n"), ("c-end", "title: Third\n")] {
        commit_theirs(&test, &format!(".claudedo/tasks/{task}.yaml"), yaml);
    }
    pull(&test);
    let Some(mut terminal) = Terminal::start(&test, (100, 40), &[], "approve --all") else { return };
    let screen = terminal.wait_for("Let a-yes run with these bytes? [y/N]");
    assert!(screen.contains("a-yes: Harm<U+200B>less") && screen.contains("Eve<U+001B>[2J"), "{screen}");
    terminal.press("y\n");
    terminal.wait_for("Let b-no run with these bytes? [y/N]");
    terminal.press("n\n");
    terminal.wait_for("Let c-end run with these bytes? [y/N]");
    terminal.press("\u{4}");
    assert_eq!(terminal.wait(), 1);
    let bytes = terminal.bytes();
    assert!(!bytes.contains("\u{1b}[2J") && !bytes.contains('\u{200b}'), "{bytes:?}");
    assert!(bytes.contains("Approved a-yes") && bytes.contains("Left c-end as it is"), "{bytes:?}");
    assert_eq!(standing(&test, "a-yes"), "queued");
    assert_eq!(standing(&test, "b-no"), "held untrusted");
    assert_eq!(standing(&test, "c-end"), "held untrusted");
}

#[test]
fn many_tasks_are_approved_at_once_and_each_page_says_what_it_says_alone() {
    let test = with_colleague();
    for number in 0..20 {
        commit_theirs(
            &test,
            &format!(".claudedo/tasks/task-{number}.yaml"),
            &format!("title: Task {number}\n"),
        );
    }
    pull(&test);
    test.claudedo(&["approve", "--yes", "task-7"]);
    commit_theirs(&test, ".claudedo/tasks/task-7.yaml", "title: Task 7 changed\n");
    pull(&test);
    let alone = test.claudedo(&["approve", "task-7"]).stdout;
    assert!(alone.contains("- title: Task 7\n"), "{alone}");
    let all = test.claudedo(&["approve", "--all", "--yes"]);
    assert_eq!(all.status, 0, "{all:#?}");
    assert!(all.stdout.contains(&alone), "{all:#?}");
    assert_eq!(all.stderr.matches("Approved task-").count(), 20, "{all:#?}");
    assert_eq!(standing(&test, "task-7"), "queued");
    assert_eq!(standing(&test, "task-19"), "queued");
}
