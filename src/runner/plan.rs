//! What is decided before a run starts, written to `plan.json` before anything happens.
//!
//! The plan holds all that a later runner needs to finish the run when this one is killed: the task
//! file may be edited or deleted meanwhile, and the run goes on with the bytes it was claimed with.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::decide::SlotId;
use crate::agent::claude::{AgentChoice, Invocation, Session, arguments};
use crate::agent::environment::{RESUME_VARIABLE, RUN_NUMBER_VARIABLE, RUN_VARIABLE, SESSION_VARIABLE};
use crate::agent::judge::{Answer, Protocol};
use crate::git::{BranchName, CommitId};
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs::{self, FileError};
use crate::run::{Resumed, RunId, RunKind, SessionId};
use crate::store::run_directory::{Launch, RunDirectory};
use crate::store::state_directory::StateDirectory;
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// The version that this program writes. A reader refuses a newer one.
pub(crate) const PLAN_VERSION: u32 = 1;

/// Which run of which task, and why. Known as soon as a task is claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// The run.
    pub(crate) run: RunId,
    /// The first run of the claim.
    pub(crate) claim: RunId,
    /// The task.
    pub(crate) task: TaskId,
    /// The task file as it is run.
    pub(crate) task_text: String,
    /// Its title, for people.
    pub(crate) title: String,
    /// 1, 2, 3 … within the task.
    pub(crate) number: u32,
    /// Why there is a run.
    pub(crate) kind: RunKind,
    /// In which slot.
    pub(crate) slot: SlotId,
    /// When the plan was made.
    pub(crate) planned: Timestamp,
}

/// `plan.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The version of the format.
    pub(crate) version: u32,
    /// Which run, and why.
    pub(crate) intent: Intent,
    /// The supervisor's part.
    pub(crate) launch: Launch,
    /// What the agent is told.
    pub(crate) prompt: String,
    /// What the task says as a prompt, for a session that has to start afresh.
    pub(crate) task_prompt: String,
    /// The conversation.
    pub(crate) session: SessionPlan,
    /// Where the agent works.
    pub(crate) workspace: WorkspacePlan,
    /// How its end is read.
    pub(crate) protocol: Protocol,
    /// How Claude Code is started, to start the next run likewise; `None` for a command used as the agent.
    pub(crate) invocation: Option<Invocation>,
    /// Texts that the agent reads from files of the run's folder.
    pub(crate) files: AgentFiles,
    /// What may still happen without a person.
    pub(crate) patience: RunPatience,
    /// How much of the log its record keeps.
    #[serde(default = "log_record_bytes_max")]
    pub(crate) log_record_bytes_max: u64,
    /// What becomes of the worktree of a task that is done.
    pub(crate) when_done: WorktreeWhenDone,
}

/// What a plan of an earlier version says of it.
fn log_record_bytes_max() -> u64 {
    u64::MAX
}

/// A plan of a newer version: nobody but that version goes on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewerPlan {
    /// Of which task, where that is still said the same way.
    pub(crate) task: Option<TaskId>,
}

impl NewerPlan {
    /// Loads what can be known of a plan of a newer version, or returns `None` when a run has no such plan.
    pub(crate) fn load(directory: &RunDirectory) -> Result<Option<Self>, FileError> {
        let plan: serde_json::Value = directory.load("plan.json")?.unwrap_or_default();
        let is_newer = plan["version"].as_u64().is_some_and(|version| version > u64::from(PLAN_VERSION));
        let task = plan["intent"]["task"].as_str().and_then(|task| task.parse().ok());
        Ok(is_newer.then_some(Self { task }))
    }

    /// Returns whether it may be of this task.
    pub(crate) fn may_be_of(&self, task: &TaskId) -> bool {
        self.task.as_ref().is_none_or(|of| of == task)
    }
}

/// What becomes of the worktree of a task that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorktreeWhenDone {
    /// It stays, with what git ignores in it.
    Keep,
    /// It goes, once everything in it that git does not ignore is on the branch.
    Remove,
}

/// Texts that the agent reads from files: they may be longer than an argument can be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct AgentFiles {
    /// Added to the system prompt.
    pub(crate) instructions: Option<String>,
    /// The agents that can be chosen, as JSON.
    pub(crate) agents: Option<String>,
    /// The one that is.
    pub(crate) agent_name: Option<String>,
}

/// The conversation of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionPlan {
    /// Its id.
    pub(crate) id: SessionId,
    /// Whether it is there already.
    pub(crate) resumed: Resumed,
}

/// What may still happen without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunPatience {
    /// How often a failed run is tried again.
    pub(crate) retries_left: u32,
    /// How often a run that was cut off goes on.
    pub(crate) resumes_left: u32,
    /// How long to wait before asking a busy service again, in milliseconds.
    pub(crate) service_pause_ms: u64,
}

/// Where an agent works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum WorkspacePlan {
    /// A linked worktree on a branch of its own.
    Worktree {
        /// The common git directory of the repository it belongs to; `None` for the runner's own, which may be moved.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<PathBuf>,
        /// Where it lies.
        path: PathBuf,
        /// The branch.
        branch: BranchName,
        /// Where the branch begins, if it has to be made.
        base: CommitId,
        /// The branch's tip before the run; `base` when there was no branch.
        tip_before: CommitId,
    },
    /// A plain folder.
    Sandbox {
        /// Where it lies.
        path: PathBuf,
    },
}

impl Plan {
    /// Loads the plan of a run, or returns `None` when it was never written whole, or by a newer version.
    pub(crate) fn load(directory: &RunDirectory) -> Result<Option<Self>, FileError> {
        Ok(directory.load::<Self>("plan.json")?.filter(|plan| plan.version <= PLAN_VERSION))
    }

    /// Returns the plan of the run that follows this one in the same claim.
    pub(crate) fn next(&self, step: NextRun, runs: &Path, now: Timestamp) -> Self {
        let mut plan = self.clone();
        plan.intent.run = RunId::new_unique();
        plan.intent.number += 1;
        plan.intent.kind = step.kind;
        plan.intent.planned = now;
        plan.prompt = step.prompt;
        plan.session = step.session;
        plan.patience = step.patience;
        plan.launch.run = plan.intent.run;
        plan.settle(runs);
        plan
    }

    /// Works out what depends on the run's folder and on the conversation: the agent's arguments and variables.
    pub(crate) fn settle(&mut self, runs: &Path) {
        let directory = RunDirectory::new(runs, self.intent.run);
        let environment = &mut self.launch.environment;
        environment.insert(RUN_VARIABLE.to_owned(), self.intent.run.to_string());
        environment.insert(RUN_NUMBER_VARIABLE.to_owned(), self.intent.number.to_string());
        environment.insert(SESSION_VARIABLE.to_owned(), self.session.id.to_string());
        let resume = match self.session.resumed {
            Resumed::Fresh => "0",
            Resumed::Resumed => "1",
        };
        environment.insert(RESUME_VARIABLE.to_owned(), resume.to_owned());
        if let Some(invocation) = &mut self.invocation {
            invocation.session = self.session.choice();
            invocation.instructions_file =
                self.files.instructions.as_ref().map(|_| directory.instructions_path());
            invocation.agent =
                self.files.agent_name.clone().map(|name| AgentChoice { file: directory.agents_path(), name });
            self.launch.arguments = arguments(invocation);
        }
    }

    /// Writes the run's folder: the texts first, the plan last, since a folder with a plan is a run.
    pub(crate) fn write(&self, state: &StateDirectory) -> Result<(), FileError> {
        let directory = state.run_directory(self.intent.run);
        fs::create_private_directory(directory.path())?;
        pass(FaultPoint::FolderMade)?;
        fs::write_private(&directory.prompt_path(), self.prompt.as_bytes())?;
        pass(FaultPoint::PromptWritten)?;
        if let Some(text) = &self.files.instructions {
            fs::write_private(&directory.instructions_path(), text.as_bytes())?;
        }
        if let Some(text) = &self.files.agents {
            fs::write_private(&directory.agents_path(), text.as_bytes())?;
        }
        pass(FaultPoint::AgentFilesWritten)?;
        directory.set("plan.json", self)?;
        pass(FaultPoint::PlanWritten)?;
        fs::sync_directory(&state.runs_path())?;
        pass(FaultPoint::PlanSynced)
    }

    /// Returns what kind of answer the agent is asked for.
    pub(crate) fn answer(&self) -> Answer {
        match &self.invocation {
            Some(Invocation { result_schema: Some(_), .. }) => Answer::Structured,
            Some(Invocation { result_schema: None, .. }) | None => Answer::Text,
        }
    }

    /// Returns what the agent is called: Claude Code, or the program that takes its place.
    pub(crate) fn agent_name(&self) -> String {
        match self.protocol {
            Protocol::Claude => "Claude Code".to_owned(),
            Protocol::Command => {
                self.launch.program.file_name().unwrap_or_default().to_string_lossy().into_owned()
            }
        }
    }

    /// Returns the model that was asked for.
    pub(crate) fn model_asked_for(&self) -> Option<String> {
        self.invocation.as_ref().and_then(|invocation| invocation.model.clone())
    }
}

/// What changes from one run of a claim to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NextRun {
    /// Why there is another.
    pub(crate) kind: RunKind,
    /// What the agent is told.
    pub(crate) prompt: String,
    /// The conversation.
    pub(crate) session: SessionPlan,
    /// What may still happen without a person after it.
    pub(crate) patience: RunPatience,
}

impl SessionPlan {
    /// Returns a conversation that has not begun.
    pub(crate) fn fresh() -> Self {
        Self { id: SessionId::new_unique(), resumed: Resumed::Fresh }
    }

    /// Returns a conversation that goes on.
    pub(crate) fn resume(id: SessionId) -> Self {
        Self { id, resumed: Resumed::Resumed }
    }

    /// Returns the choice as the agent's arguments put it.
    pub(crate) fn choice(&self) -> Session {
        match self.resumed {
            Resumed::Fresh => Session::New(self.id.clone()),
            Resumed::Resumed => Session::Resume(self.id.clone()),
        }
    }
}
