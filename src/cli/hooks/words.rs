//! What is said about hooks: what is done, why something is not, and what comes next.

use std::path::{Path, PathBuf};

use crate::git::{Repository, Scope};
use crate::trigger::hooks::{Action, Author, HookEvent, Refusal, Way, Why};

/// Says things about hooks, with paths as short as they can be.
#[derive(Debug)]
pub(super) struct Words {
    root: PathBuf,
}

impl Words {
    /// Returns the words for a repository.
    pub(super) fn new(repository: &Repository) -> Self {
        Self { root: repository.work_tree().unwrap_or_else(|| repository.common_dir()) }
    }

    /// Returns a path, seen from the top of the work tree where it is in there.
    pub(super) fn path(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// Says what a step does.
    pub(super) fn action(&self, action: &Action) -> String {
        match action {
            Action::Keep { path, kept } => {
                format!("keep what is there, to run first: {} as {}", self.path(path), self.path(kept))
            }
            Action::Write { path, .. } => format!("write {}", self.path(path)),
            Action::Restore { kept, path } => {
                format!("put back what was there: {} as {}", self.path(kept), self.path(path))
            }
            Action::Remove { path } => format!("remove {}", self.path(path)),
            Action::MakeExecutable { path } => format!("make executable {}", self.path(path)),
            Action::SetConfig(event) => {
                format!("set in the repository's git config: {}", event.config_section())
            }
            Action::UnsetConfig(event) => {
                format!("remove from the repository's git config: {}", event.config_section())
            }
        }
    }

    /// Says why nothing is done.
    pub(super) fn refusal(&self, refusal: &Refusal) -> String {
        match refusal {
            Refusal::Edited { path } => format!("somebody changed {}", self.path(path)),
            Refusal::PreviousTaken { hook, author, previous } => format!(
                "{} is a hook of its own ({}), and an older one is kept in {}",
                self.path(hook),
                author.name(),
                self.path(previous)
            ),
            Refusal::Lefthook { hook } => {
                format!("lefthook puts other scripts aside when it writes {}", self.path(hook))
            }
            Refusal::Shared { path } => {
                format!("everybody who uses the repository shares {}", self.path(path))
            }
            Refusal::Elsewhere { folder, scope: None } => {
                format!("the hooks folder is a link to {}", self.path(folder))
            }
            Refusal::Elsewhere { folder, scope } => format!(
                "core.hooksPath {}names a folder that is not this repository's: {}",
                scope_words(*scope),
                self.path(folder)
            ),
            Refusal::NotShell { path } => format!("no shell script: {}", self.path(path)),
            Refusal::Nowhere { path } => switched_off(&self.path(path)),
            Refusal::OtherConfig { section } => format!("git's config holds something else in {section}"),
            Refusal::OldGit => "this git does not run hooks of its config; 2.54 and later do".to_owned(),
        }
    }

    /// Says what to do about it; `command` is what was asked for.
    pub(super) fn after_refusal(&self, event: HookEvent, refusal: &Refusal, command: &str) -> String {
        match refusal {
            Refusal::Edited { .. } | Refusal::OtherConfig { .. } => {
                format!("To do it all the same, and lose that change: {command} --force")
            }
            Refusal::PreviousTaken { previous, .. } => {
                format!("Where the older one is not needed any more, remove it: {}", self.path(previous))
            }
            Refusal::Lefthook { .. } => lefthook_lines(event),
            Refusal::Shared { .. } | Refusal::Elsewhere { .. } => {
                format!("To do it for everybody: {command} --write")
            }
            Refusal::NotShell { .. } => format!("Let it run this: git-claudedo hook {event}"),
            Refusal::Nowhere { .. } => "To switch hooks on: git config --unset core.hooksPath".to_owned(),
            Refusal::OldGit => format!("{command} --mechanism files"),
        }
    }

    /// Says by which way a hook runs.
    pub(super) fn way(&self, way: &Way) -> String {
        match way {
            Way::Config => "by git's config".to_owned(),
            Way::File(path) => format!("by {}", self.path(path)),
            Way::EditedFile(path) => format!("changed by hand: {}", self.path(path)),
            Way::Through(author, path) => format!("by {}, which runs {}", author.name(), self.path(path)),
            Way::Shared(path) => format!("by a block in {}", self.path(path)),
            Way::Called(path) => format!("called in {}", self.path(path)),
        }
    }

    /// Says why one does not.
    pub(super) fn why(&self, why: &Why) -> String {
        match why {
            Why::Missing => "not installed".to_owned(),
            Why::Deleted(author) => format!("not installed; {} deletes hooks", author.name()),
            Why::OldGit => "in git's config, which this git does not read for hooks".to_owned(),
            Why::Disabled => "switched off in git's config".to_owned(),
            Why::OtherConfig => "git's config holds something else under its name".to_owned(),
            Why::NotExecutable(path) => format!("not executable: {}", self.path(path)),
            Why::PutAside(path) => format!("put aside, as {}", self.path(path)),
            Why::Replaced(path, author) => format!("replaced by {}: {}", author.name(), self.path(path)),
            Why::OtherFolder(path, scope) => {
                format!("core.hooksPath {}names {}", scope_words(*scope), self.path(path))
            }
            Why::Nowhere(path) => switched_off(&self.path(path)),
            Why::ManagerMissing(path) => format!("called in {}, which nothing starts", self.path(path)),
            Why::NoProgram => "git-claudedo is not on the search path".to_owned(),
        }
    }
}

/// Says what to do about a hook that does not run.
pub(super) fn after_idle(event: HookEvent, why: &Why) -> String {
    match why {
        Why::Missing | Why::OldGit | Why::NotExecutable(_) | Why::OtherFolder(..) => {
            "To install the hooks: git claudedo hooks install".to_owned()
        }
        Why::Disabled => {
            format!("To switch it on: git config --unset {}.enabled", event.config_section())
        }
        Why::OtherConfig => "To set it anew: git claudedo hooks install --force".to_owned(),
        Why::PutAside(_) => lefthook_lines(event),
        Why::Deleted(_) | Why::Replaced(_, Author::SimpleGitHooks) => format!(
            "To install it until simple-git-hooks deletes it again: git claudedo hooks install; or let \
             simple-git-hooks run it, in package.json: \"{event}\": \"git-claudedo hook {event} \\\"$@\\\"\""
        ),
        Why::Replaced(_, Author::Lefthook) => lefthook_lines(event),
        Why::Replaced(..) => "To see what is in the way: git claudedo hooks install --dry-run".to_owned(),
        Why::Nowhere(_) => "To switch hooks on: git config --unset core.hooksPath".to_owned(),
        Why::ManagerMissing(_) => {
            "To let it start: install the manager's hooks (lefthook install, npx husky)".to_owned()
        }
        Why::NoProgram => "Put git-claudedo into a folder of PATH".to_owned(),
    }
}

/// What lefthook is to be told.
fn lefthook_lines(event: HookEvent) -> String {
    let stdin = if event.reads_input() { "\n      use_stdin: true" } else { "" };
    format!("In lefthook.yml:\n{event}:\n  jobs:\n    - run: git-claudedo hook {event} {{0}}{stdin}")
}

fn switched_off(path: &str) -> String {
    format!("hooks are switched off: core.hooksPath names {path}")
}

fn scope_words(scope: Option<Scope>) -> &'static str {
    match scope {
        Some(Scope::System) => "of the machine ",
        Some(Scope::Global) => "of the user ",
        Some(Scope::Local | Scope::Worktree) => "of the repository ",
        Some(Scope::Environment | Scope::Command) => "of the command ",
        None => "",
    }
}
