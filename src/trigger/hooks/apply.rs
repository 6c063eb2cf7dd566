//! Does what a plan says, one step after the other.

use std::fs;

use super::{Action, HookEvent, Plan, Verdict};
use crate::git::{GitError, Repository};
use crate::os::fs::{FileError, create_directory, keep_as, remove_file, rename, set_mode, write_with_mode};

/// The rights that git needs to start a script.
const EXECUTE: u32 = 0o111;

/// What could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// With a file.
    #[error(transparent)]
    File(#[from] FileError),
    /// With the configuration.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// Does everything that a plan says. What it refuses is left alone.
pub fn apply(plan: &Plan, repository: &Repository) -> Result<(), ApplyError> {
    for event in &plan.events {
        if let Verdict::Change(actions) = &event.verdict {
            actions.iter().try_for_each(|action| act(action, repository))?;
        }
    }
    Ok(())
}

fn act(action: &Action, repository: &Repository) -> Result<(), ApplyError> {
    match action {
        Action::Keep { path, kept } => keep_as(path, kept)?,
        Action::Write { path, bytes, mode } => {
            if let Some(folder) = path.parent() {
                create_directory(folder)?;
            }
            write_with_mode(path, bytes, *mode)?;
        }
        Action::Restore { kept, path } => rename(kept, path)?,
        Action::Remove { path } => remove_file(path)?,
        Action::MakeExecutable { path } => {
            use std::os::unix::fs::PermissionsExt;
            let metadata = fs::metadata(path).map_err(FileError::on("look at", path))?;
            set_mode(path, metadata.permissions().mode() & 0o7777 | EXECUTE)?;
        }
        Action::SetConfig(event) => set_config(*event, repository)?,
        Action::UnsetConfig(event) => repository.remove_config_section_local(&event.config_section())?,
    }
    Ok(())
}

/// The command comes first: git refuses to work where an event is set and its command is not.
fn set_config(event: HookEvent, repository: &Repository) -> Result<(), GitError> {
    let section = event.config_section();
    repository.remove_config_section_local(&section)?;
    repository.set_config_local(&format!("{section}.command"), &event.config_command())?;
    repository.set_config_local(&format!("{section}.event"), event.name())
}
