//! `git claudedo init`: a place for tasks, and a file that explains the settings.

use std::fmt::Write as _;
use std::io;

use clap::Args;

use super::context::Context;
use super::error::CommandError;
use crate::config::Resolved;
use crate::os::fs;
use crate::task::{SettingKey, SettingPlace};

/// Prepare a repository for tasks
///
/// Writes .claudedo/config.yaml with every setting explained and none set, and
/// makes the folders for tasks and lists. Not needed before the first task;
/// what is there already stays as it is.
#[derive(Debug, Args)]
pub(crate) struct InitArguments {}

pub(crate) fn run(_args: &InitArguments, context: &Context) -> Result<(), CommandError> {
    let folder = context.require_tasks("prepare tasks")?;
    for path in [folder.tasks_path(), folder.path().join("lists")] {
        fs::create_directory(&path)?;
    }
    let path = folder.repository_config_path();
    match fs::create_new(&path, template().as_bytes()) {
        Ok(()) => context.ui.status(format_args!("Wrote {}", path.display())),
        Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {
            context.ui.status(format_args!("Left as it is: {}", path.display()));
        }
        Err(error) => return Err(error.into()),
    }
    context.ui.hint(format_args!("To add a task: git claudedo add \"Fix the login redirect\""));
    context
        .ui
        .hint(format_args!("To run tasks as they come: git claudedo watch, or git claudedo hooks install"));
    Ok(())
}

/// Returns a settings file in which everything is a comment.
fn template() -> String {
    let built_in = Resolved::new(&[]);
    let mut text =
        "# Defaults for the tasks of this repository. Each may be set by a list or a task as well,\n\
                    # and by each user: git config claudedo.<key> <value>.\n"
            .to_owned();
    for row in built_in.rows().into_iter().filter(|row| may_stand_here(row.key)) {
        let value = row.value.unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = write!(text, "\n# {}\n# {}: {value}", row.key.meaning(), row.key.name());
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn may_stand_here(key: SettingKey) -> bool {
    match key.place() {
        SettingPlace::Everywhere | SettingPlace::EverywhereOnceAllowed | SettingPlace::Repository => true,
        SettingPlace::UserOnly => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{PeopleFile, RepositoryFile};

    #[test]
    fn the_file_sets_nothing_until_somebody_takes_a_hash_away() {
        let read = |text: &str| RepositoryFile::parse(std::path::Path::new("config.yaml"), text.as_bytes());
        assert_eq!(read(&template()).unwrap(), RepositoryFile::default());
        let set = template().replace("# slots: 2", "slots: 3");
        assert_eq!(read(&set).unwrap().settings.slots.map(crate::task::Whole::number), Some(3));
    }
}
