//! Where values live between two starts of this program.
//!
//! [`run_directory`] holds what is known of a live run, as files of `$GIT_COMMON_DIR/claudedo/`;
//! [`tasks`] reads and writes what people keep under `.claudedo/`.

pub mod run_directory;
pub mod tasks;
