//! The command line and the house itself, tested from outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod dependencies;
mod fake_claude;
mod formats;
mod recovery;
mod seed;
mod supervisor;
mod support;
mod support_tests;
