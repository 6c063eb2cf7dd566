//! Reads and writes the files that people keep under `.claudedo/`.
//!
//! The rules: one bad file never stops the others; nothing is followed out of the folder (a symlink
//! is refused wherever it stands); a file is rewritten only when a command says so. A file that
//! somebody may still be writing is *unsettled* and not run, see [`Readiness`].

mod cache;
mod entry;
mod folder;
mod readiness;
mod settings;
mod text;

pub use folder::{LoadedTask, LoadedTasks, TaskFolder, TaskFolderError, TaskWithText};
pub use readiness::{Readiness, SETTLE_TIME, Unsettled};
pub use settings::{SettingsSource, TaskSettings, TaskSettingsError};
