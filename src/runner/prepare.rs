//! From a task in the queue to a plan: settings resolved, prompt written, conversation and place chosen.
//!
//! Nothing is started here. What cannot work is found now, with words that say what to do, and ends as
//! the record of a failed run.

use super::decide::SlotId;
use super::engine::Engine;
use super::follow::RESUME_PROMPT;
use super::place::place;
use super::plan::{
    AgentFiles, Intent, PLAN_VERSION, Plan, RunPatience, SessionPlan, WorkspacePlan, WorktreeWhenDone,
};
use super::refusal::Refusal;
use crate::agent::claude::{Account, Invocation, ProjectSettings, problems};
use crate::agent::definition::AgentDefinition;
use crate::agent::environment;
use crate::agent::judge::Protocol;
use crate::agent::program::{require_program, search_path};
use crate::config::Resolved;
use crate::os::clock;
use crate::run::{FailureReason, RunId, RunKind, StoredState};
use crate::schedule::Candidate;
use crate::store::event_stream::{Level, StreamEventKind};
use crate::store::history::TaskHistory;
use crate::store::run_directory::{Launch, Limits};
use crate::store::tasks::{SettingsSource, TaskWithText};
use crate::store::trust::{Trust, TrustedTask, admit};
use crate::task::{SettingType, Span};
use crate::template::{TemplateName, follow_up_prompt, prompt};

/// How often a run that was cut off goes on by itself within one claim.
const RESUMES: u32 = 2;

/// A claimed task.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// It can be run. The plan is on the disk.
    Planned(Box<Plan>),
    /// It cannot, and never could.
    Refused(Intent, Refusal),
}

/// Prepares the next run of a task whose lock the caller holds. `None`: the task is not to be run now.
pub(crate) fn prepare(
    engine: &Engine,
    candidate: &Candidate,
    slot: SlotId,
) -> anyhow::Result<Option<Prepared>> {
    let history = engine.records.load_task(&candidate.task)?;
    if matches!(history.state, StoredState::Claimed { .. } | StoredState::Ended { .. }) {
        return Ok(None);
    }
    let Some(task) = engine.tasks.load(&candidate.task, clock::now())? else { return Ok(None) };
    let Some(task) = admitted(engine, task)? else { return Ok(None) };
    let run = RunId::new_unique();
    let intent = Intent {
        run,
        claim: run,
        task: candidate.task.clone(),
        task_text: String::from_utf8_lossy(task.bytes()).into_owned(),
        title: task.task().file.title.as_str().to_owned(),
        number: history.next_number(),
        kind: candidate.run_kind,
        slot,
        planned: clock::now(),
    };
    let settings = SettingsSource::load(&engine.tasks, &engine.user_config());
    let settings = match settings.and_then(|mut source| source.of(Some(task.task()))) {
        Ok(settings) => settings,
        Err(error) => return Ok(Some(Prepared::Refused(intent, Refusal::unknown_settings(&error)))),
    };
    if let Some(hold) = settings.resolved.holds.first() {
        let message = format!("task {} is held: {hold}", candidate.task);
        let kind = StreamEventKind::WorkerLog { level: Level::Warning, message };
        engine.broadcast.tell(Some(&candidate.task), None, kind);
        return Ok(None);
    }
    let draft = Draft { engine, candidate, history: &history, task: &task, settings: &settings.resolved };
    let planned = place(engine, &intent, task.task(), &settings)
        .and_then(|workspace| draft.plan(intent.clone(), workspace));
    match planned {
        Ok(plan) => {
            plan.write(&engine.state)?;
            Ok(Some(Prepared::Planned(Box::new(plan))))
        }
        Err(refusal) => Ok(Some(Prepared::Refused(intent, refusal))),
    }
}

/// Lets the bytes that were just read be run, if they may be: the file may be another one than the runner looked at.
fn admitted(engine: &Engine, task: TaskWithText) -> anyhow::Result<Option<TrustedTask>> {
    let id = task.id.clone();
    let admitted = admit(&engine.repository, &engine.state, &engine.tasks, task, clock::now())?;
    let why = match admitted {
        Ok(admitted) => return Ok(Some(admitted)),
        Err(Trust::Arriving) => "git is changing the index, so its file may just be arriving",
        Err(_) => "nobody on this machine approved what its file says now, or the approval was revoked",
    };
    let kind =
        StreamEventKind::WorkerLog { level: Level::Warning, message: format!("task {id} is held: {why}") };
    engine.broadcast.tell(Some(&id), None, kind);
    Ok(None)
}

struct Draft<'a> {
    engine: &'a Engine,
    candidate: &'a Candidate,
    history: &'a TaskHistory,
    task: &'a TrustedTask,
    settings: &'a Resolved,
}

impl Draft<'_> {
    fn plan(&self, intent: Intent, workspace: WorkspacePlan) -> Result<Plan, Refusal> {
        let template = self
            .engine
            .tasks
            .load_template(TemplateName::Prompt)
            .map_err(|error| Refusal::settings(&error))?;
        let task_prompt =
            prompt(&self.task.task().file, &template).map_err(|error| Refusal::settings(&error))?;
        let session = self.session()?;
        let prompt = self.prompt(&task_prompt, &session);
        let (protocol, invocation, files) = self.agent(&session)?;
        let (program, arguments) = self.program()?;
        let mut plan = Plan {
            version: PLAN_VERSION,
            launch: Launch {
                run: intent.run,
                task: intent.task.clone(),
                program,
                arguments,
                working_directory: workspace.path().to_owned(),
                environment: environment::added(&intent.run, intent.task.as_str(), workspace.path()),
                limits: self.limits(),
            },
            intent,
            prompt,
            task_prompt,
            session,
            workspace,
            protocol,
            invocation,
            files,
            patience: RunPatience {
                retries_left: self.settings.retries.value.number(),
                resumes_left: RESUMES,
                service_pause_ms: self.settings.api_retry_pause.value.milliseconds(),
            },
            log_record_bytes_max: self.settings.log_record_max.value.bytes(),
            when_done: if self.settings.keep_worktrees.value {
                WorktreeWhenDone::Keep
            } else {
                WorktreeWhenDone::Remove
            },
        };
        plan.settle(&self.engine.state.runs_path());
        self.require_startable(&plan)?;
        Ok(plan)
    }

    /// The conversation: a first run and one that a person wants afresh begin one; others go on.
    fn session(&self) -> Result<SessionPlan, Refusal> {
        let last = self.history.last_run().and_then(|run| run.session.clone());
        match (self.candidate.run_kind, last) {
            (RunKind::First | RunKind::Retry, _) | (RunKind::Resume, None) => Ok(SessionPlan::fresh()),
            (RunKind::FollowUp | RunKind::Resume, Some(session)) => Ok(SessionPlan::resume(session)),
            (RunKind::FollowUp, None) => Err(Refusal {
                reason: FailureReason::SessionMissing,
                message: "Previous run has no session ID — cannot resume.".to_owned(),
            }),
        }
    }

    fn prompt(&self, task_prompt: &str, session: &SessionPlan) -> String {
        match (self.candidate.run_kind, &self.candidate.prompt) {
            (RunKind::FollowUp, Some(text)) => follow_up_prompt(text),
            (RunKind::Resume, _) if session.resumed == crate::run::Resumed::Resumed => {
                RESUME_PROMPT.to_owned()
            }
            (RunKind::First | RunKind::Retry | RunKind::FollowUp | RunKind::Resume, _) => {
                task_prompt.to_owned()
            }
        }
    }

    fn agent(&self, session: &SessionPlan) -> Result<(Protocol, Option<Invocation>, AgentFiles), Refusal> {
        if self.settings.agent_command.value.is_some() {
            return Ok((Protocol::Command, None, AgentFiles::default()));
        }
        let definition = self.definition()?;
        let files = AgentFiles {
            instructions: self.settings.system_prompt.value.as_ref().map(|text| text.as_str().to_owned()),
            agents: definition.as_ref().map(AgentDefinition::to_agents_json),
            agent_name: definition.map(|definition| definition.name),
        };
        let settings = self.settings;
        let schema = settings.result_schema.value.as_ref();
        let invocation = Invocation {
            session: session.choice(),
            model: settings.model.value.as_ref().map(|model| model.as_str().to_owned()),
            max_turns: settings.max_turns.value.as_ref().map(|turns| turns.number()),
            max_budget_usd: settings.max_budget_usd.value.as_ref().map(|budget| budget.dollars()),
            permission_mode: Some(settings.permission_mode.value.show()),
            allowed_tools: settings
                .allowed_tools
                .value
                .as_ref()
                .map(|tools| tools.items().to_vec())
                .unwrap_or_default(),
            instructions_file: None,
            agent: None,
            result_schema: schema
                .map(|path| self.engine.tasks.require_named_file(path))
                .transpose()
                .map_err(|error| Refusal::settings(&error))?,
            project_settings: if settings.project_settings.value {
                ProjectSettings::Load
            } else {
                ProjectSettings::Off
            },
        };
        Ok((Protocol::Claude, Some(invocation), files))
    }

    fn definition(&self) -> Result<Option<AgentDefinition>, Refusal> {
        let Some(path) = &self.settings.agent.value else { return Ok(None) };
        let text = self.engine.tasks.require_named_file(path).map_err(|error| Refusal::settings(&error))?;
        AgentDefinition::parse(path.as_path(), &text).map(Some).map_err(|error| Refusal::settings(&error))
    }

    fn program(&self) -> Result<(std::path::PathBuf, Vec<String>), Refusal> {
        let words = self.settings.agent_command.value.as_ref().map(|words| words.items().to_vec());
        let (program, arguments) = match words {
            Some(words) => {
                let mut words = words.into_iter();
                (words.next().unwrap_or_default(), words.collect())
            }
            None => (self.settings.claude.value.as_str().to_owned(), Vec::new()),
        };
        let search_path = search_path(&self.engine.environment);
        let folder = self.engine.tasks.work_tree();
        let found = require_program(&program, &search_path, folder);
        found.map(|path| (path, arguments)).map_err(|error| Refusal::startup(&error))
    }

    fn limits(&self) -> Limits {
        let settings = self.settings;
        let milliseconds = |span: Span| span.milliseconds();
        Limits {
            deadline_ms: Some(milliseconds(settings.timeout.value)),
            silence_ms: Some(milliseconds(settings.silence_timeout.value)),
            result_grace_ms: milliseconds(settings.result_grace.value),
            background_grace_ms: milliseconds(settings.background_grace.value),
            kill_grace_ms: milliseconds(settings.kill_grace.value),
            log_bytes_max: Some(settings.log_max.value.bytes()),
        }
    }

    fn require_startable(&self, plan: &Plan) -> Result<(), Refusal> {
        let Some(invocation) = &plan.invocation else { return Ok(()) };
        let account = Account::current(&self.engine.environment);
        match problems(invocation, &plan.prompt, account).first() {
            None => Ok(()),
            Some(problem) => Err(Refusal::settings(problem)),
        }
    }
}
