//! A run: one agent process for a task, what became of it, and how runs add up to a task's state.

mod id;

pub use id::{MachineId, MachineIdError, RunId, SessionId, SessionIdError};
