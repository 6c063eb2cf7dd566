//! `git claudedo demo`: the whole way of some tasks, in a repository of its own, without an account.
//!
//! The repository, its worktrees and its agent lie in one folder. The agent is the embedded one in the
//! place of the Claude Code program, so that everything but the model is as it is in real work. The
//! repository that the user stands in is never looked at.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::arguments::{Arguments, Command};
use super::context::Context;
use super::error::{CommandError, ErrorKind};
use crate::git::Repository;
use crate::os::env;
use crate::os::fs::{self, FileError};
use crate::os::process::CapturedCommand;
use crate::store::tasks::TaskFolder;
use crate::task::value::SettingType;
use crate::task::{TaskFile, TaskId, Text, Title};
use crate::ui::BOLD;

/// No command that prepares the demonstration takes longer, unless it hangs.
const GIT_TIME_MAX: Duration = Duration::from_secs(50);

/// How much of what git says is kept, for an error.
const GIT_OUTPUT_BYTES_MAX: usize = 4096;

/// The tasks: id, title, what the agent does (see `agent::demo`), and the task to wait for.
const TASKS: [(&str, &str, &str, &str); 5] = [
    (
        "greeting-7k3f",
        "Write a greeting",
        "demo: say A friendly one, then.\ndemo: write greeting.txt Hello!",
        "",
    ),
    ("colours-2m9c", "List three colours", "demo: write colours.txt red\\ngreen\\nblue", ""),
    (
        "flaky-4x8p",
        "Fix the flaky test",
        "demo: write test.txt passes every time\ndemo: say The test fails now and then.\ndemo: fail-once",
        "",
    ),
    ("moon-9d2w", "Fly to the moon", "demo: fail There is no rocket in this repository.", ""),
    ("translation-5h6t", "Translate the greeting", "demo: append greeting.txt Bonjour !", "greeting-7k3f"),
];

/// The task that fails once and is retried; its record and log are read back.
const RETRIED: &str = "flaky-4x8p";

/// Show how it works, without an account
///
/// Makes a repository in a temporary folder, adds five tasks and runs them
/// side by side with a built-in agent in the place of Claude Code. One is
/// retried, one fails, one waits for another. Then shows the list, a record
/// and a log.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Make the repository in DIR, and keep it
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Keep the repository
    #[arg(long)]
    keep: bool,
}

/// The folder of the demonstration; a temporary one is removed with the value.
enum Stage {
    Temporary(tempfile::TempDir),
    Kept(PathBuf),
}

pub(crate) fn run(args: &DemoArguments, context: &Context) -> Result<(), CommandError> {
    let stage = stage(args)?;
    let project = make_repository(stage.path())?;
    let inner = context.of(Repository::open(&project.join(".git"))?);
    say(context, format_args!("A repository with an agent of its own: {}", project.display()));
    add_tasks(&inner)?;
    for words in [
        ["list"].as_slice(),
        &["run", "--slots", "3"],
        &["list"],
        &["show", RETRIED],
        &["logs", RETRIED],
        &["diff", "--stat", RETRIED],
    ] {
        perform(words, &inner)?;
    }
    match stage {
        Stage::Kept(_) => say(context, format_args!("\nKept in {}", project.display())),
        Stage::Temporary(folder) => {
            fs::remove_directory(folder.path())?;
            say(context, format_args!("\nThe repository was removed; `--keep` keeps it."));
        }
    }
    context.ui.hint(format_args!("In a repository of yours: git claudedo add \"Fix the login redirect\""));
    Ok(())
}

/// Performs one command of the demonstration, as if it had been typed.
fn perform(words: &[&str], inner: &Context) -> Result<(), CommandError> {
    inner.ui.answer(format_args!("\n{BOLD}$ git claudedo {}{BOLD:#}", words.join(" ")));
    let typed = ["git-claudedo"].into_iter().chain(words.iter().copied());
    let arguments = <Arguments as clap::Parser>::try_parse_from(typed)
        .map_err(|error| CommandError::fatal(format!("The demonstration says {words:?}: {error}")))?;
    let is_run = matches!(arguments.command, Command::Run(_));
    match super::dispatch(&arguments.command, inner) {
        // One task fails, as it is meant to.
        Err(error) if is_run && error.kind() == ErrorKind::Negative => Ok(()),
        other => other,
    }
}

fn say(context: &Context, line: std::fmt::Arguments<'_>) {
    context.ui.status(line);
}

fn stage(args: &DemoArguments) -> Result<Stage, CommandError> {
    if let Some(directory) = &args.directory {
        fs::create_directory(directory)?;
        let is_empty = std::fs::read_dir(directory)
            .map(|mut entries| entries.next().is_none())
            .map_err(FileError::on("read folder", directory))?;
        if !is_empty {
            return Err(CommandError::fatal(format!("{} is not empty.", directory.display()))
                .hint("Choose a folder that does not exist yet."));
        }
        let path = directory.canonicalize().map_err(FileError::on("find folder", directory))?;
        return Ok(Stage::Kept(path));
    }
    let root = std::env::temp_dir();
    let folder = tempfile::Builder::new()
        .prefix("git-claudedo-demo-")
        .tempdir_in(&root)
        .map_err(FileError::on("create a temporary folder in", &root))?;
    if args.keep { Ok(Stage::Kept(folder.keep())) } else { Ok(Stage::Temporary(folder)) }
}

impl Stage {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

/// Makes a repository with one commit, whose agent is the embedded one, and returns its work tree.
fn make_repository(stage: &Path) -> Result<PathBuf, CommandError> {
    let project = stage.join("project");
    fs::create_directory(&project)?;
    let agent = agent_command()?;
    git(&project, &["init", "--quiet", "--template=", "--initial-branch=main"])?;
    fs::write_atomic(&project.join("README.md"), b"# A project to show git-claudedo\n")?;
    let worktrees = stage.join("worktrees").display().to_string();
    for (key, value) in [
        ("user.name", "Demo"),
        ("user.email", "demo@localhost.invalid"),
        ("commit.gpgSign", "false"),
        ("claudedo.agentCommand", agent.as_str()),
        ("claudedo.worktreeRoot", worktrees.as_str()),
    ] {
        git(&project, &["config", key, value])?;
    }
    git(&project, &["add", "README.md"])?;
    git(&project, &["commit", "--quiet", "--no-verify", "--message=Begin"])?;
    Ok(project)
}

/// Returns the setting that makes this very program, as the demo agent, the agent.
fn agent_command() -> Result<String, CommandError> {
    let program =
        std::env::current_exe().map_err(FileError::on("find the program", Path::new("git-claudedo")))?;
    Ok(serde_json::to_string(&[program.display().to_string().as_str(), "demo-agent"])?)
}

/// Runs git in the new repository, whatever repository the environment names.
fn git(project: &Path, arguments: &[&str]) -> Result<(), CommandError> {
    let mut environment = env::all();
    environment.retain(|name, _| {
        let name = name.to_string_lossy();
        !name.starts_with("GIT_") || name.starts_with("GIT_CONFIG_")
    });
    let command = CapturedCommand {
        program: "git".into(),
        arguments: arguments.iter().map(OsString::from).collect(),
        environment,
        working_directory: project.to_owned(),
        time_max: GIT_TIME_MAX,
        output_bytes_max: GIT_OUTPUT_BYTES_MAX,
    };
    let output = command.run()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(CommandError::fatal(format!("git {} failed: {}", arguments.join(" "), said.trim())))
}

fn add_tasks(context: &Context) -> Result<(), CommandError> {
    let folder = context.require_tasks("add a task")?;
    for (id, title, description, after) in TASKS {
        let id: TaskId = id.parse()?;
        add_task(&folder, &id, &task(title, description, after)?)?;
    }
    Ok(())
}

fn task(title: &str, description: &str, after: &str) -> Result<TaskFile, CommandError> {
    let mut task = TaskFile::new(Title::from_text(title).map_err(CommandError::fatal)?);
    task.description = Some(Text::from_text(&format!("{description}\n")).map_err(CommandError::fatal)?);
    if !after.is_empty() {
        task.after.push(after.parse()?);
    }
    Ok(task)
}

fn add_task(folder: &TaskFolder, id: &TaskId, task: &TaskFile) -> Result<(), CommandError> {
    folder.create(task, || id.clone())?;
    Ok(())
}
