//! How an agent's process ended, and what that means for the run.

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// What the kernel said of a process that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitStatus {
    /// It returned this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
    /// It could not be started, with the reason.
    NotStarted(String),
    /// Its supervisor was killed, so nobody saw it end.
    Unknown,
}

/// Who ended the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// It ended by itself.
    Itself,
    /// Somebody asked for the run to be cancelled.
    Cancel,
    /// The time for the whole run was over.
    Deadline,
    /// It printed nothing for too long.
    Silence,
    /// It had printed its result and did not leave.
    ResultGrace,
    /// Its supervisor was killed; the next start of the program ended what was left.
    SupervisorLost,
}

/// A process that outlived its agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptProcess {
    /// The process id.
    pub pid: i32,
    /// Its command line, cut to 200 characters.
    pub command: String,
}

/// What the end of an agent means for its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// The agent did what it was asked, as far as it says.
    Success,
    /// It did not.
    Failure {
        /// Why, for programs.
        reason: FailureReason,
        /// Why, for people: the agent's own words where there are any.
        message: String,
        /// What to do next.
        next: AfterFailure,
    },
    /// Somebody cancelled the run, whatever the agent said afterwards.
    Cancelled,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Go on in the same session: the agent is told what went wrong.
    Resume,
    /// Go on in the same session after a pause: the service was busy or out of reach.
    ResumeLater,
    /// Start again in a new session: the old one cannot be resumed.
    StartFresh,
    /// Nothing: it would fail the same way again.
    Stop,
    /// Nothing, and no other task either, until the moment given or until somebody has mended the cause.
    HoldQueue {
        /// When the limit is lifted, where the service said so.
        until: Option<Timestamp>,
    },
}

/// Why a run failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The task names a list that does not exist.
    ListMissing,
    /// The settings or the files they name cannot be used.
    Settings,
    /// The worktree or sandbox could not be made.
    Workspace,
    /// The agent's program could not be started, or refused its arguments.
    Startup,
    /// The agent ended without a result.
    Crashed,
    /// The time for the run was over.
    Deadline,
    /// The agent printed nothing for too long.
    Silence,
    /// The agent ended without ever asking the model.
    NothingRan,
    /// The limit of turns was reached.
    MaxTurns,
    /// The limit of money was reached.
    Budget,
    /// The answer does not fit the result schema.
    StructuredOutput,
    /// The answer was longer than the model may give at once.
    AnswerTooLong,
    /// The session to be resumed does not exist.
    SessionMissing,
    /// The prompt does not fit the model's window.
    PromptTooLong,
    /// The model refused.
    Refusal,
    /// The service refused the request.
    ApiRefused,
    /// The service was busy, broken or out of reach.
    ApiUnavailable,
    /// The account's usage limit was reached.
    UsageLimit,
    /// The agent is not logged in.
    Login,
    /// The account cannot pay.
    Billing,
    /// A command used as the agent returned a code other than 0.
    ExitCode,
    /// The agent reported an error of a kind that this program does not know.
    Agent,
    /// The work could not be committed or recorded.
    Commit,
    /// Something in this program went wrong.
    Internal,
}
