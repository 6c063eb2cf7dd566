//! Tests against the real Claude Code CLI, which talks to a stand-in of the Messages API.
//!
//! The first half pins what the CLI does, because this project is built on it: a new version that behaves
//! otherwise fails here, and not at night in somebody's queue. The second half (`tasks_*.rs`) drives
//! `git claudedo` with it and looks at what a user would see. `.ci/install-claude` installs the version
//! meant; without it all tests here are skipped, loudly.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests look at the program from outside its doors")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

mod answers;
mod arguments;
mod claude;
mod doctor;
mod endings;
mod failures;
#[path = "../messages_api/mod.rs"]
mod messages_api;
mod named_pipe;
#[path = "../it/support/processes.rs"]
mod processes;
mod repository;
mod running;
mod task;
mod tasks_ended;
mod tasks_failed;
mod tasks_limits;
mod tasks_recovered;
mod tasks_settings;
mod tasks_started;
mod tasks_worked;
