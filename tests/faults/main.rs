//! The program broken on purpose, at every step of a run, and what is left of the work then.
//!
//! Needs the feature `fault-points`: `cargo test --features fault-points --test faults`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod campaign;
mod criteria;
mod points;
mod prune;
mod scenario;
mod supervisors;
#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "other tests use the rest")]
mod support;
