//! What wakes a runner: a file event, a git hook, a timer.
//!
//! A trigger is a hint to look, never a fact: what is to be done is always computed from the task files and the
//! records. So a trigger that is lost costs time and nothing else, and one too many costs a look.

pub mod watch;
