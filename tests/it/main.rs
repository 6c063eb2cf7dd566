//! The command line and the house itself, tested from outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod background;
mod cli_board;
mod cli_config;
mod cli_doctor;
mod cli_help;
mod cli_live;
mod cli_output;
mod cli_places;
mod cli_runs;
mod cli_standing;
mod cli_status;
mod cli_status_around;
mod cli_support;
mod cli_tasks;
mod cli_trust;
mod dependencies;
mod fake_claude;
mod formats;
mod hook_arrival;
mod hook_commit;
mod hook_push;
mod hook_support;
mod hooks;
mod prune;
mod readme;
mod recovery;
mod seed;
mod service;
mod supervisor;
mod support;
mod support_tests;
mod watch;
