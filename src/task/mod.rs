//! A task: what somebody wants, as one file.

mod id;

pub use id::{TASK_ID_BYTES_MAX, TaskId, TaskIdError};
