//! Where values live between two starts of this program.
//!
//! [`tasks`] reads and writes what people keep under `.claudedo/`; [`state_directory`] is what this
//! clone alone knows, with one [`run_directory`] for each live run and the [`event_stream`] that live
//! views read.

pub mod event_stream;
pub mod run_directory;
pub mod state_directory;
pub mod tasks;
