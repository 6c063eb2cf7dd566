//! Settings: command line, task, list, repository, user, built in, in that order, each with its origin.
//!
//! The first layer that says something wins, for each setting by itself. The one exception is text:
//! the instructions of user, repository, list and task are all used. What a file of the repository
//! says about commands to run counts only once this machine's user allowed it; until then the task is
//! held, never run without what its author relied on.

mod git;
mod layer;
mod resolved;

pub use git::{GitConfigError, GitEntry, GitWarning, from_git};
pub use layer::{Layer, Origin};
pub use resolved::{Hold, Resolved, Row, SILENCE_MIN, Sourced};
