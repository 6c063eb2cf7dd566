//! The record of one run, `run.json` on the tracking ref: what was asked, done and paid.
//!
//! A record is written once, when the run is over, and never again.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    EndedBy, ExitStatus, FailureReason, MachineId, PermissionDenial, RunId, SessionId, SweptProcess, Usage,
};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// The version that this program writes. A reader refuses a newer one.
pub const RECORD_VERSION: u32 = 1;

/// What became of a run, and of the task when it was the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The agent did it, as far as it says.
    Done,
    /// It did not.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// The machine or the program stopped in the middle.
    Interrupted,
}

/// Why there was a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// The first of a task.
    First,
    /// The one before failed: by itself in the same session, or because a person asked, in a new one.
    Retry,
    /// A person had something to add, in the same session.
    FollowUp,
    /// The one before was cut off by a limit or a crash, and goes on in the same session.
    Resume,
}

/// `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The version of the format.
    pub version: u32,
    /// The run.
    pub run: RunId,
    /// The first run of the claim it belongs to.
    pub claim: RunId,
    /// The task.
    pub task: TaskId,
    /// Git's id of the task file as it ran.
    pub task_blob: String,
    /// 1, 2, 3 … within the task.
    pub number: u32,
    /// Why there was a run.
    pub kind: RunKind,
    /// What the agent was given on its standard input; the whole of it is in `prompt.md`.
    pub prompt: String,
    /// The agent.
    pub agent: AgentRecord,
    /// Where it worked.
    pub workspace: WorkspaceRecord,
    /// Which of the runner's slots it took, from 1.
    pub slot: u32,
    /// Whose runner.
    pub machine: MachineId,
    /// What kept the agent from the rest of the machine.
    pub isolation: Isolation,
    /// When the agent was started.
    pub started: Timestamp,
    /// When its process was gone.
    pub finished: Timestamp,
    /// What the kernel said of its process.
    pub exit: ExitStatus,
    /// The process's exit code, or −1 for a run that was cancelled or returned none.
    pub exit_code: i32,
    /// Who ended it.
    pub ended_by: EndedBy,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it failed, if it did.
    pub reason: Option<FailureReason>,
    /// The agent's last words, in Markdown; the whole of it is in `result.md`.
    pub result: Option<String>,
    /// What went wrong, in Markdown; the whole of it is in `error.md`.
    pub error: Option<String>,
    /// The answer that fits the result schema.
    pub structured_output: Option<Value>,
    /// Turns, tokens and money of this run alone.
    pub usage: Usage,
    /// What the agent wanted and was not allowed to do.
    pub permission_denials: Vec<PermissionDenial>,
    /// What a reader should know.
    pub warnings: Vec<String>,
    /// Processes that outlived the agent and were ended.
    pub swept: Vec<SweptProcess>,
    /// The parts of the log, in order, under `log/`.
    pub log: Vec<LogSegment>,
}

/// The agent of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRecord {
    /// The program that was started.
    pub program: String,
    /// Its version as it said itself.
    pub version: Option<String>,
    /// The AI model, as the agent said itself, else as it was asked for.
    pub model: Option<String>,
    /// The conversation.
    pub session: Option<SessionId>,
    /// Whether the run went on with a conversation that was there.
    pub resumed: Resumed,
}

/// Whether a run went on with a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resumed {
    /// A new conversation.
    Fresh,
    /// One that was there.
    Resumed,
}

/// Where a run worked and what it left there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WorkspaceRecord {
    /// A linked worktree on a branch of its own.
    Worktree {
        /// The branch, in full.
        branch: String,
        /// Where the branch began.
        base: String,
        /// The branch's tip after the run.
        commit: String,
        /// The tree of that commit.
        tree: String,
        /// What the run left in the worktree and not on the branch, as a commit of `refs/claudedo/snapshots/<run>`.
        snapshot: Option<String>,
        /// Lines and files between the tip before the run and the one after it.
        changes: Changes,
    },
    /// A plain folder.
    Sandbox {
        /// Where it lies on the machine that ran it.
        path: String,
    },
    /// None could be made.
    None,
}

/// How much a run changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Changes {
    /// Files that differ.
    pub files: u64,
    /// Lines added.
    pub insertions: u64,
    /// Lines removed.
    pub deletions: u64,
}

/// What kept an agent from the rest of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Nothing but its worktree and its own permission rules.
    None,
}

/// One part of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSegment {
    /// The file under `log/`.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Outcome {
    /// Returns the outcome's name as it stands in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

impl RunKind {
    /// Returns the kind's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Retry => "retry",
            Self::FollowUp => "follow-up",
            Self::Resume => "resume",
        }
    }
}

impl RunRecord {
    /// Returns the folder of the run within that of its task: `<number>-<run>`, the number padded so that names sort.
    pub fn folder_name(number: u32, run: RunId) -> String {
        format!("{number:04}-{run}")
    }
}
