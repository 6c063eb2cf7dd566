//! The command line and the house itself, tested from outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod cli_config;
mod cli_help;
mod cli_live;
mod cli_output;
mod cli_places;
mod cli_runs;
mod cli_standing;
mod cli_support;
mod cli_tasks;
mod dependencies;
mod fake_claude;
mod formats;
mod hooks;
mod readme;
mod recovery;
mod seed;
mod supervisor;
mod support;
mod support_tests;
