//! A run: one agent process for a task, what became of it, and how runs add up to a task's state.

mod ending;
mod id;
mod usage;

pub use ending::{AfterFailure, EndedBy, ExitStatus, FailureReason, Judgement, SweptProcess};
pub use id::{MachineId, MachineIdError, RunId, SessionId, SessionIdError};
pub use usage::{PermissionDenial, Usage};
