//! A run: one agent process for a task, what became of it, and how runs add up to a task's state.

mod ending;
mod event;
mod id;
mod record;
mod state;
mod usage;

pub use ending::{AfterFailure, EndedBy, ExitStatus, FailureReason, Judgement, SweptProcess};
pub use event::{EVENT_VERSION, EventKind, TaskEvent};
pub use id::{MachineId, MachineIdError, RunId, SessionId, SessionIdError};
pub use record::{
    AgentRecord, Changes, Isolation, LogSegment, Outcome, RECORD_VERSION, Resumed, RunKind, RunRecord,
    WorkspaceRecord,
};
pub use state::{IllegalTransition, StoredState};
pub use usage::{PermissionDenial, Usage};
