//! What every command gets: the way out, where it was started, and what it asks for of the repository.
//!
//! Nothing is opened before a command asks for it, so that each pays only for what it uses. The
//! repository is found once, from where the user stands; task files are those of the worktree that the
//! user stands in, records and settings are those of the whole repository.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstream::ColorChoice;

use super::arguments::{ColorWish, GlobalArguments};
use super::error::CommandError;
use crate::config::{self, GitEntry, Resolved};
use crate::git::{ConfigValue, Repository, Scope};
use crate::os::fs::FileError;
use crate::os::{clock, env, fault, limits};
use crate::runner::{Engine, EngineParts, Listener};
use crate::store::overview::{Overview, Sources};
use crate::store::records::{Records, RecordsError};
use crate::store::state_directory::StateDirectory;
use crate::store::tasks::{LoadedTask, SettingsSource, TaskFolder};
use crate::task::{self, TaskId};
use crate::timestamp::Timestamp;
use crate::ui::{Format, Narration, Ui, pager};

/// What every command gets.
#[derive(Debug)]
pub(crate) struct Context {
    /// The way out.
    pub(crate) ui: Ui,
    /// When the command was started.
    pub(crate) now: Timestamp,
    start: PathBuf,
    paging: Paging,
    repository: OnceCell<Repository>,
}

/// How many files a runner must be able to open: the usual limit is 1,024, and 256 on macOS.
const OPEN_FILES_MIN: u64 = 256;

/// Whether answers may go to a pager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paging {
    Wanted,
    Unwanted,
}

impl Context {
    /// Returns the context of a command; only the start directory is looked at.
    pub(crate) fn new(global: &GlobalArguments) -> Result<Self, Box<(Ui, CommandError)>> {
        let ui = ui(global);
        let start = match &global.start {
            Some(directory) => {
                std::fs::canonicalize(directory).map_err(FileError::on("change to folder", directory))
            }
            None => std::env::current_dir().map_err(FileError::on("find the current folder", Path::new("."))),
        };
        let paging = if global.no_pager { Paging::Unwanted } else { Paging::Wanted };
        match start {
            Ok(start) => Ok(Self { ui, now: clock::now(), start, paging, repository: OnceCell::new() }),
            Err(error) => Err(Box::new((ui, error.into()))),
        }
    }

    /// Returns a context like this one for another repository, which nothing of the environment can change.
    pub(crate) fn of(&self, repository: Repository) -> Self {
        let start = repository.work_tree().unwrap_or_else(|| repository.common_dir());
        let ui = Ui::new(self.ui.format(), self.ui.color(), self.ui.narration());
        Self { ui, now: clock::now(), start, paging: Paging::Unwanted, repository: repository.into() }
    }

    /// Returns the folder in which the user stands.
    pub(crate) fn start(&self) -> &Path {
        &self.start
    }

    /// Finds the repository.
    pub(crate) fn repository(&self) -> Result<&Repository, CommandError> {
        if let Some(repository) = self.repository.get() {
            return Ok(repository);
        }
        let found = Repository::discover(&self.start)?;
        let repository = self.repository.get_or_init(|| found);
        if self.ui.answers_a_terminal() || self.ui.narrates_to_a_terminal() {
            self.ui.prefer_color(configured_color(&repository.config_values("color")));
        }
        Ok(repository)
    }

    /// Returns what this clone alone knows.
    pub(crate) fn state(&self) -> Result<StateDirectory, CommandError> {
        Ok(StateDirectory::new(&self.repository()?.common_dir()))
    }

    /// Opens the records.
    pub(crate) fn records(&self) -> Result<Records, CommandError> {
        Ok(Records::open(self.repository()?, &self.state()?))
    }

    /// Returns the folder of the task files, or `None` in a bare repository.
    pub(crate) fn tasks(&self) -> Result<Option<TaskFolder>, CommandError> {
        let state = self.state()?;
        Ok(self.repository()?.work_tree().map(|root| TaskFolder::new(&root, state.path())))
    }

    /// Returns the folder of the task files; `purpose` says what for, as in "add a task".
    pub(crate) fn require_tasks(&self, purpose: &str) -> Result<TaskFolder, CommandError> {
        let git_dir = self.repository()?.git_dir();
        self.tasks()?.ok_or_else(|| {
            CommandError::fatal(format!(
                "Cannot {purpose} in a repository without a work tree: {}",
                git_dir.display()
            ))
            .hint("Task files lie in a work tree, and this repository has none. Start in a clone of it.")
        })
    }

    /// Loads where every task stands.
    pub(crate) fn overview(&self) -> Result<Overview, CommandError> {
        self.look(Overview::load)
    }

    /// Loads where one task stands.
    pub(crate) fn overview_of(&self, task: &TaskId) -> Result<Overview, CommandError> {
        self.look(|sources, now| Overview::load_task(sources, task, now))
    }

    fn look(
        &self,
        load: impl FnOnce(&Sources<'_>, Timestamp) -> Result<Overview, RecordsError>,
    ) -> Result<Overview, CommandError> {
        let tasks = self.task_folder()?;
        // The moment is later than the start of the command, which may have added a task itself.
        let (records, state, user) = (self.records()?, self.state()?, self.user_entries()?);
        let sources = Sources { tasks: &tasks, records: &records, state: &state, user: &user };
        Ok(load(&sources, clock::now())?)
    }

    /// Returns the folder of the task files; in a bare repository, where nobody can write one, an empty one.
    fn task_folder(&self) -> Result<TaskFolder, CommandError> {
        let state = self.state()?;
        Ok(self.tasks()?.unwrap_or_else(|| TaskFolder::new(state.path(), state.path())))
    }

    /// Returns what runs, cancels and recovers. `purpose` says what for; `listener` hears what happens.
    pub(crate) fn engine(
        &self,
        purpose: &str,
        listener: Arc<dyn Listener>,
    ) -> Result<Arc<Engine>, CommandError> {
        let tasks = self.require_tasks(purpose)?;
        require_open_files(purpose)?;
        let state_home = env::state_home().ok_or_else(|| {
            CommandError::fatal("There is no folder for worktrees: neither HOME nor XDG_STATE_HOME is set.")
        })?;
        let executable =
            std::env::current_exe().map_err(FileError::on("find the program", Path::new("git-claudedo")))?;
        let parts = EngineParts {
            repository: self.repository()?.clone(),
            tasks,
            user_config: self.user_entries()?,
            environment: env::all(),
            executable: fault::supervisor_program(executable),
            state_home,
        };
        Ok(Arc::new(Engine::new(parts, listener)?))
    }

    /// Returns the settings of a task, or of one that says nothing of its own.
    pub(crate) fn settings(&self, task: Option<&LoadedTask>) -> Result<Resolved, CommandError> {
        Ok(self.settings_source(&self.task_folder()?)?.of(task)?.resolved)
    }

    /// Loads what the settings of all tasks have in common.
    pub(crate) fn settings_source<'a>(
        &self,
        folder: &'a TaskFolder,
    ) -> Result<SettingsSource<'a>, CommandError> {
        let user = self.user_entries()?;
        for warning in config::from_git(&user)?.1 {
            self.ui.warning(format_args!("{}", crate::ui::safe::safe(&warning.to_string())));
        }
        Ok(SettingsSource::load(folder, &user)?)
    }

    /// Finds the one task that a part of an id means, among files and records.
    pub(crate) fn resolve(&self, part: &str) -> Result<TaskId, CommandError> {
        if let (Ok(id), Some(folder)) = (part.parse::<TaskId>(), self.tasks()?)
            && folder.task_path(&id).exists()
        {
            return Ok(id);
        }
        resolve_in(&self.overview()?, part)
    }

    /// Returns `claudedo.*` of git's configuration, in git's order.
    pub(crate) fn user_entries(&self) -> Result<Vec<GitEntry>, CommandError> {
        Ok(git_entries(self.repository()?))
    }

    /// Returns one value of git's configuration, the one that counts. Outside of a repository there is none.
    pub(crate) fn git_setting(&self, section: &str, key: &str) -> Result<Option<String>, CommandError> {
        let values = self.repository()?.config_values(section);
        Ok(values.into_iter().rfind(|value| value.key == key).map(|value| value.value))
    }

    /// Shows what follows of the answer in the user's pager, when a person looks at it.
    pub(crate) fn start_pager(&self) -> Result<(), CommandError> {
        if self.paging == Paging::Wanted && self.ui.answers_a_terminal() {
            let configured = self.git_setting("core", "pager")?;
            self.ui.start_pager(pager::command(configured.as_deref()).as_deref());
        }
        Ok(())
    }

    /// Returns whether the user forbade a pager.
    pub(crate) fn forbids_pager(&self) -> bool {
        self.paging == Paging::Unwanted
    }
}

/// Finds the one task that a part of an id means, among those that were loaded.
pub(crate) fn resolve_in(overview: &Overview, part: &str) -> Result<TaskId, CommandError> {
    Ok(task::resolve(part, overview.standings.keys())?)
}

fn ui(global: &GlobalArguments) -> Ui {
    let format = if global.json { Format::Json } else { Format::Text };
    let narration = if global.quiet { Narration::Quiet } else { Narration::Normal };
    let color = match global.color {
        ColorWish::Auto => ColorChoice::Auto,
        ColorWish::Always => ColorChoice::Always,
        ColorWish::Never => ColorChoice::Never,
    };
    Ui::new(format, color, narration)
}

/// Returns the colour by `color.claudedo`, else `color.ui` (git-config(1)): `true` means `auto`.
fn configured_color(values: &[ConfigValue]) -> ColorChoice {
    let value = |key: &str| values.iter().rfind(|value| value.key == key).map(|value| value.value.as_str());
    match value("claudedo").or_else(|| value("ui")) {
        Some("always") => ColorChoice::Always,
        Some("never" | "false" | "no" | "off" | "0") => ColorChoice::Never,
        Some(_) | None => ColorChoice::Auto,
    }
}

/// Returns `claudedo.*` of git's configuration, in git's order.
pub(crate) fn git_entries(repository: &Repository) -> Vec<GitEntry> {
    repository.config_values("claudedo").into_iter().map(entry).collect()
}

/// Returns a value of git's configuration as the settings take it.
pub(crate) fn entry(value: ConfigValue) -> GitEntry {
    let scope = match value.scope {
        Scope::System => "system",
        Scope::Global => "global",
        Scope::Local => "local",
        Scope::Worktree => "worktree",
        Scope::Environment => "environment",
        Scope::Command => "command line",
    };
    let origin = match value.path {
        Some(path) => format!("{scope} file:{}", path.display()),
        None => scope.to_owned(),
    };
    GitEntry { key: format!("claudedo.{}", value.key), value: value.value, origin }
}

/// Refuses to begin where files could not be opened half way through a task.
fn require_open_files(purpose: &str) -> Result<(), CommandError> {
    match limits::open_files_max() {
        Some(max) if max < OPEN_FILES_MIN => Err(CommandError::fatal(format!(
            "Cannot {purpose} with at most {max} open files: at least {OPEN_FILES_MIN} are needed."
        ))
        .hint("To raise the limit in this shell: ulimit -n 1024")),
        _ => Ok(()),
    }
}
