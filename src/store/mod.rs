//! Where values live between two starts of this program.
//!
//! [`tasks`] reads and writes what people keep under `.claudedo/`; [`records`] appends to this machine's
//! tracking ref and reads all machines' (as a [`history`] for each task, through a derived `cache`);
//! [`state_directory`] is what this clone alone knows: its [`place`], the [`runner_lock`], one [`run_directory`] for each live
//! run, the [`event_stream`] that live views read, and what its user approved ([`trust`]). [`overview`] puts all of
//! it together, and `review` tells what of it nobody has merged yet.

mod cache;
pub mod event_stream;
pub mod history;
pub mod log_pruning;
pub mod log_segments;
pub mod overview;
pub mod place;
pub mod push_note;
pub mod records;
mod review;
pub mod run_directory;
pub mod runner_lock;
mod snapshot_numbers;
pub mod snapshots;
pub mod state_directory;
pub mod tasks;
pub mod trust;
