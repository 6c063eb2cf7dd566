//! What the agent is told and how it is started: the prompt, and the settings of every level.

use std::path::Path;

use crate::support::{FakeStart, TestRepository};

/// One setting, said at every level: its key in YAML, its key in git config, and the agent's flag.
struct Setting {
    key: &'static str,
    git_key: &'static str,
    flag: &'static str,
}

impl Setting {
    /// Returns what the agent was given where all levels say something, then all but the task, and so on.
    fn at_every_level(&self, [task, list, repository, user]: [&str; 4]) -> [Option<String>; 5] {
        let test = TestRepository::with_fake();
        let Self { key, git_key, .. } = self;
        test.set(git_key, user);
        test.write(".claudedo/config.yaml", &format!("{key}: {repository}\n"));
        test.write(".claudedo/lists/backend.yaml", &format!("{key}: {list}\n"));
        test.write_task("by-task-0001", &format!("title: T\nlist: backend\n{key}: {task}\n"));
        test.write_task("by-list-0002", "title: T\nlist: backend\n");
        test.write_task("by-repository-0003", "title: T\n");
        test.run(0);
        test.write(".claudedo/config.yaml", "");
        test.write_task("by-user-0004", "title: T\n");
        test.run(0);
        test.git(&["config", "--global", "--unset", &format!("claudedo.{git_key}")]);
        test.write_task("by-nobody-0005", "title: T\n");
        test.run(0);
        ["by-task-0001", "by-list-0002", "by-repository-0003", "by-user-0004", "by-nobody-0005"]
            .map(|task| option(&start_of(&test, task), self.flag))
    }
}

fn start_of(test: &TestRepository, task: &str) -> FakeStart {
    let mut starts = test.fake_starts();
    starts.retain(|start| Path::new(&start.text("cwd")).file_name().is_some_and(|name| name == task));
    assert_eq!(starts.len(), 1, "{starts:?}");
    starts.remove(0)
}

fn option(start: &FakeStart, flag: &str) -> Option<String> {
    let arguments = start.arguments();
    let place = arguments.iter().position(|word| word == flag)?;
    Some(arguments[place + 1].clone())
}

fn some(values: [&str; 5]) -> [Option<String>; 5] {
    values.map(|value| (!value.is_empty()).then(|| value.to_owned()))
}

#[test]
fn the_prompt_is_title_blank_line_trimmed_description_and_sub_tasks() {
    let test = TestRepository::with_fake();
    test.write_task(
        "fix-the-login-a1b2",
        "title: Fix the login\ndescription: \"\\n\\n  After SSO.\\n\\n  Only there.\\n \\n\"\n\
         subtasks:\n- {title: Add a test, completed: true}\n- {title: Ship it}\n",
    );
    test.run(0);
    let prompt =
        "Fix the login\n\nAfter SSO.\n\n  Only there.\n\n## Sub-Tasks\n\n- [x] Add a test\n- [ ] Ship it";
    assert_eq!(test.fake_starts()[0].text("stdin"), prompt);
    assert_eq!(test.run_file("fix-the-login-a1b2", 1, "prompt.md").unwrap(), prompt.as_bytes());
    assert_eq!(test.record("fix-the-login-a1b2")["prompt"], prompt);
}

#[test]
fn the_prompt_never_starts_with_a_slash() {
    let test = TestRepository::with_fake();
    test.write_task("slash-a1b2", "title: /help me with this\n");
    test.run(0);
    assert_eq!(test.fake_starts()[0].text("stdin"), "Task: /help me with this");
    assert_eq!(test.claudedo(&["continue", "slash", "--message", "/clear", "--run"]).status, 0);
    assert_eq!(test.fake_starts()[1].text("stdin"), "Follow-up: /clear");
}

#[test]
fn the_model_is_that_of_the_task_then_list_then_repository_then_user() {
    let setting = Setting { key: "model", git_key: "model", flag: "--model" };
    let models = ["task-model", "list-model", "repository-model", "user-model"];
    let given = setting.at_every_level(models);
    assert_eq!(given, some(["task-model", "list-model", "repository-model", "user-model", ""]));
}

#[test]
fn max_turns_are_those_of_the_task_then_list_then_repository_then_user() {
    let setting = Setting { key: "max_turns", git_key: "maxTurns", flag: "--max-turns" };
    assert_eq!(setting.at_every_level(["1", "2", "3", "4"]), some(["1", "2", "3", "4", ""]));
}

#[test]
fn the_permission_mode_is_that_of_the_task_then_list_then_repository_then_user() {
    let setting = Setting { key: "permission_mode", git_key: "permissionMode", flag: "--permission-mode" };
    let given = setting.at_every_level(["plan", "dontAsk", "default", "auto"]);
    assert_eq!(given, some(["plan", "dontAsk", "default", "auto", "acceptEdits"]));
}

#[test]
fn the_agent_path_is_that_of_the_task_then_list() {
    let test = TestRepository::with_fake();
    for name in ["writer", "reviewer"] {
        let definition = format!("---\nname: {name}\ndescription: A {name}\n---\nWork as a {name}.\n");
        test.write(&format!(".claudedo/agents/{name}.md"), &definition);
    }
    test.write(".claudedo/lists/backend.yaml", "agent: .claudedo/agents/reviewer.md\n");
    let own = "title: T\nlist: backend\nagent: .claudedo/agents/writer.md\n";
    test.write_task("by-task-0001", own);
    test.write_task("by-list-0002", "title: T\nlist: backend\n");
    test.write_task("by-nobody-0003", "title: T\n");
    test.run(0);
    let agent = |task| option(&start_of(&test, task), "--agent");
    assert_eq!(agent("by-task-0001").as_deref(), Some("writer"));
    assert_eq!(agent("by-list-0002").as_deref(), Some("reviewer"));
    assert_eq!(agent("by-nobody-0003"), None);
}

#[test]
fn the_instructions_of_all_levels_are_merged_the_users_first() {
    let test = TestRepository::with_fake();
    test.set("systemPrompt", "  Of the user. ");
    test.write(".claudedo/config.yaml", "system_prompt: \"\\n Of the repository.\\n\"\n");
    test.write(".claudedo/lists/blank.yaml", "system_prompt: \"  \"\n");
    test.write(".claudedo/lists/backend.yaml", "system_prompt: Of the list.\n");
    // The agent copies the file that it was given.
    let copy = |name: &str| {
        format!(
            "sh tr '\\0' '\\n' < /proc/$CLAUDE_PID/cmdline | grep -A1 -e --append-system-prompt-file \
             | tail -n 1 | xargs -I @FILE@ cp @FILE@ {}",
            test.gate(name).display()
        )
    };
    for (task, list) in [("all-0001", "backend"), ("gap-0002", "blank")] {
        let yaml = crate::support::task_yaml("T", &[&copy(task)]);
        test.write_task(task, &format!("{yaml}list: {list}\nsystem_prompt: Of the task.\n"));
    }
    test.run(0);
    let given = |name| std::fs::read_to_string(test.gate(name)).unwrap();
    let all = "Of the user.\n\nOf the repository.\n\nOf the list.\n\nOf the task.";
    assert_eq!(given("all-0001"), all);
    assert_eq!(given("gap-0002"), "Of the user.\n\nOf the repository.\n\nOf the task.");
}
