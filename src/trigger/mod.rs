//! What wakes a runner: a file event, a git hook, a timer.
//!
//! A trigger is a hint to look, never a fact: what is to be done is always computed from the task files and the
//! records. So a trigger that is lost costs time and nothing else, and one too many costs a look.
//!
//! [`watch`] hears of files; [`detach`], [`holder`] and [`service`] keep a watcher alive without a terminal and find
//! it again. [`hooks`] puts hooks where git calls them, [`hook`] is what happens when it does.

pub mod detach;
pub mod holder;
pub mod hook;
pub mod hooks;
pub mod service;
pub mod watch;
