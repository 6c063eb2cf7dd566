//! Queue tasks for Claude Code as files, run them in worktrees, keep every run on a ref.
//!
//! # Words
//!
//! *task* what somebody wants (a file) · *list* a named set of defaults for tasks · *run* one agent
//! process for a task; a task has runs 1, 2, 3 … · *session* the agent's own conversation, resumable ·
//! *follow-up* a further prompt in the same session · *slot* room for one run · *runner* decides what
//! runs · *supervisor* the small process that owns one run · *watcher* the runner kept alive by file events ·
//! *trigger* what wakes a runner: a file event, a git hook, a timer · *tracking ref* where records and logs
//! live · *claim* the right to run a task · *hold* a task that may not run yet, with the reason.
//! "Model" always means the AI model.
//!
//! # Where to look
//!
//! The groups below are listed lowest layer first. A module may use only what its row in
//! `tests/it/architecture.rs` allows, so reading downwards never meets a name that has not been
//! explained yet.

// 1. Domain: values and rules. No I/O, no clock, no async.
pub mod config;
pub mod run;
pub mod schedule;
pub mod task;
pub mod template;
pub mod timestamp;

// 2. Edges: each talks to one thing outside this process.
pub mod agent;
pub mod git;
pub mod os;

// 3. Stores: where domain values live between two starts of this program.
pub mod store;

// 4. Engine: what makes work happen.
pub mod prune;
pub mod remote;
pub mod runner;
pub mod supervisor;
pub mod trigger;

// 5. Face: words in, words out.
pub mod cli;
pub mod ui;
