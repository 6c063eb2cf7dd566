//! Tasks that go well: what is on the branch, in the record and on the screen afterwards.

use std::fs;
use std::path::Path;

use crate::messages_api::{INPUT_TOKENS, OUTPUT_TOKENS};
use crate::named_pipe::NamedPipe;
use crate::repository::RealRepository;

#[test]
fn an_answer_in_words_is_recorded_and_changes_nothing() {
    let Some(repository) = RealRepository::prepare() else { return };
    let task = repository.add("hello", "@stub text text=\"The answer is 42.\"");
    repository.run();
    assert_eq!(task.state(), "done");
    assert_eq!(task.shown()["result"], "The answer is 42.");
    let record = task.record(1);
    assert_eq!(record["result"], "The answer is 42.");
    assert_eq!((&record["exit_code"], &record["kind"]), (&0.into(), &"first".into()));
    assert_eq!(record["agent"]["version"], "2.1.330");
    assert_eq!(record["workspace"]["commit"], record["workspace"]["base"]);
    assert_eq!(task.recorded(1, "prompt.md"), repository.claude.api.requests()[0].last_user_text);
    assert!(task.conversation().contains("The answer is 42."), "{}", task.conversation());
}

#[test]
fn what_was_edited_is_committed_on_the_branch_with_trailers() {
    let Some(repository) = RealRepository::prepare() else { return };
    let script = "@stub write path=a.txt content=\"hello world\\n\"\n\
        @stub edit path=README.md old=repository new=place\n\
        @stub text text=\"Greeted the world.\"";
    let task = repository.add("edit", script);
    repository.run();
    assert_eq!(task.file("a.txt"), "hello world");
    assert_eq!(task.file("README.md"), "A place for tests.");
    let record = task.record(1);
    assert_eq!(record["workspace"]["commit"], repository.git(&["rev-parse", "claudedo/edit"]).as_str());
    assert_eq!(record["workspace"]["changes"]["files"], 2);
    let trailers = repository.git(&["log", "-1", "--format=%(trailers:only,unfold)", "claudedo/edit"]);
    let model = record["agent"]["model"].as_str().unwrap();
    let run = record["run"].as_str().unwrap();
    let expected = format!("Claudedo-Task: edit\nClaudedo-Run: {run}\nAssisted-by: Claude Code:{model}");
    assert_eq!(trailers, expected);
    // The user's own work tree has the task's file and nothing of the agent's.
    assert_eq!(
        repository.git(&["status", "--porcelain", "--untracked-files=all"]),
        "?? .claudedo/tasks/edit.yaml"
    );
    let conversation = task.conversation();
    for shown in ["Write", "Edit", "Greeted the world."] {
        assert!(conversation.contains(shown), "no {shown}: {conversation}");
    }
}

#[test]
fn each_run_counts_its_own_turns_tokens_and_money_and_not_the_sessions() {
    let Some(repository) = RealRepository::prepare() else { return };
    let task = repository.add("figures", "@stub turns n=2");
    repository.run();
    task.continue_with("Now say something.\n@stub text");
    repository.run();
    let usages = [task.record(1), task.record(2)].map(|record| record["usage"].clone());
    for (usage, requests) in usages.iter().zip([3, 1]) {
        assert_eq!(usage["turns"], requests);
        assert_eq!(usage["input_tokens"], requests * INPUT_TOKENS);
        assert_eq!(usage["output_tokens"], requests * OUTPUT_TOKENS);
    }
    let [first, second] = usages.map(|usage| usage["cost_usd"].as_f64().unwrap());
    assert!(second > 0.0 && (first - 3.0 * second).abs() < 1e-9, "{first} and {second} for 3 requests and 1");
    let sum = task.shown()["cost_usd"].as_f64().unwrap();
    assert!((sum - first - second).abs() < 1e-9, "{sum} is not {first} + {second}");
}

#[test]
fn a_follow_up_goes_on_in_the_session_after_the_worktree_is_gone() {
    let Some(repository) = RealRepository::prepare() else { return };
    let task = repository.add("follow", "@stub write path=a.txt content=first");
    repository.run();
    let worktrees = repository.git(&["worktree", "list", "--porcelain"]);
    let worktree = worktrees.split("worktree ").nth(2).unwrap().lines().next().unwrap();
    repository.git(&["worktree", "remove", worktree]);
    task.continue_with("Now the other one.\n@stub write path=b.txt content=second");
    assert_eq!(task.state(), "queued");
    repository.run();
    assert_eq!(task.files(), ["README.md", "a.txt", "b.txt"]);
    let (first, second) = (task.record(1), task.record(2));
    assert_eq!((&second["kind"], &second["agent"]["resumed"]), (&"follow_up".into(), &"resumed".into()));
    assert_eq!(second["agent"]["session"], first["agent"]["session"]);
    let last = repository.claude.api.requests().pop().unwrap();
    assert!(last.conversation.contains("content=first"), "the conversation does not go on: {last:#?}");
    assert!(last.last_user_text.starts_with("Now the other one."), "{last:#?}");
}

#[test]
fn four_tasks_run_at_the_same_time_and_none_sees_the_others() {
    let ids = ["one", "two", "three", "four"];
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("allowedTools", "Bash");
    let told = NamedPipe::create(&repository.claude.folder().join("told"));
    let mut go = NamedPipe::writer(&repository.claude.folder().join("go"));
    let folder = repository.claude.folder().display();
    let scripts = ids.map(|id| {
        let command = format!(
            "exec 3>{folder}/told; echo running >&3; read -t 60 line <> {folder}/go; echo {id} > {id}.txt"
        );
        format!("@stub bash cmd=\"{command}\"")
    });
    let tasks: Vec<_> = ids.iter().zip(&scripts).map(|(id, script)| repository.add(id, script)).collect();
    let running = repository.start_run(&["--slots", "4"]);
    // Nobody goes on before all four are there.
    for _ in ids {
        assert_eq!(told.line().as_deref(), Some("running"));
    }
    for task in &tasks {
        assert_eq!(task.state(), "running");
    }
    std::io::Write::write_all(&mut go, b"\n\n\n\n").unwrap();
    assert_eq!(running.finish().code, Some(0));
    for task in &tasks {
        assert_eq!(task.files(), ["README.md".to_owned(), format!("{}.txt", task.id)]);
    }
    let mut slots: Vec<_> = tasks.iter().map(|task| task.record(1)["slot"].as_u64().unwrap()).collect();
    slots.sort_unstable();
    assert_eq!(slots, [1, 2, 3, 4]);
}

#[test]
fn what_the_agent_commits_itself_stays_as_it_is_whatever_repository_the_environment_names() {
    let Some(mut repository) = RealRepository::prepare() else { return };
    repository.set("allowedTools", "Bash");
    let script = "@stub write path=a.txt content=by-the-agent\n\
        @stub bash cmd=\"git add a.txt && git commit -qm 'In my own words'\"\n\
        @stub write path=b.txt content=left-to-the-runner";
    repository.add("commits", script);
    // As a hook or an alias of git sets them.
    let git_dir = repository.path().join(".git");
    repository.claude = repository
        .claude
        .variable("GIT_DIR", git_dir.to_str().unwrap())
        .variable("GIT_WORK_TREE", git_dir.parent().unwrap().to_str().unwrap());
    repository.run();
    let task = repository.task("commits");
    let subjects = repository.git(&["log", "--reverse", "--format=%s", "main..claudedo/commits"]);
    assert_eq!(subjects, "In my own words\nDo what the description says");
    assert_eq!(task.files(), ["README.md", "a.txt", "b.txt"]);
    assert_eq!(repository.git(&["log", "--format=%s", "main"]), "Begin");
    assert_eq!(task.record(1)["workspace"]["changes"]["files"], 2);
}

#[test]
fn a_task_without_a_repository_works_in_an_empty_folder() {
    let Some(repository) = RealRepository::prepare() else { return };
    let task =
        repository.add("sandbox", "@stub write path=a.txt content=hi").with_lines("workspace: sandbox");
    repository.run();
    let workspace = task.record(1)["workspace"].clone();
    assert_eq!(workspace["kind"], "sandbox");
    let file = Path::new(workspace["path"].as_str().unwrap()).join("a.txt");
    assert_eq!(fs::read_to_string(file).unwrap(), "hi");
    assert_eq!(repository.git(&["branch", "--list", "claudedo/*"]), "");
}
