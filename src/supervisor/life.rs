//! The life of one agent: start, watch, end, report.

use std::fs::File;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::logs::{LogSight, Logs, Pace};
use super::swept::{swept_processes, warnings};
use super::watch::{LOOK_INTERVAL, Sight, Watch};
use super::{SupervisorError, not_started, system};
use crate::agent::environment::RUN_VARIABLE;
use crate::os::clock;
use crate::os::fault::{FaultPoint, pass};
use crate::os::fs;
use crate::os::process::{
    ChildEnd, ChildrenLeft, EndedProcesses, GroupLeader, GroupSignal, LeaderCommand, ProcessIdentity,
    RunProcesses, reap_children,
};
use crate::run::{EndedBy, ExitStatus};
use crate::store::run_directory::{CancelRequest, ExitReport, Launch, ProcessReport, RunDirectory};
use crate::timestamp::Timestamp;

/// Longest grace for what outlived an agent that ended by itself: it had its time, and somebody waits for the result.
const LEFTOVER_GRACE_MAX: Duration = Duration::from_secs(1);

/// Longest wait for an agent to go after SIGKILL. What stays longer is stuck in the kernel.
const KILL_TIME_MAX: Duration = Duration::from_secs(20);

/// How soon to look again while an agent prints a lot: what it prints until then is not bounded.
const FAST_LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// Starts the agent and stays until nothing of it is left and `exit.json` is written.
pub(super) async fn live(
    directory: &RunDirectory,
    launch: &Launch,
    task_lock: &File,
) -> Result<(), SupervisorError> {
    let mut signals = Signals::new().map_err(system("listen for signals"))?;
    let log = fs::open_append_private(&directory.log_path())?;
    let errors = fs::open_append_private(&directory.stderr_path())?;
    pass(FaultPoint::LogsMade)?;
    let logs = Logs::open(directory, launch.limits.log_bytes_max)?;
    let started = clock::now();
    let leader = match start(directory, launch, (log, errors), task_lock) {
        Ok(leader) => leader,
        Err(reason) => return Ok(directory.set_exit(&not_started(reason, EndedBy::Itself))?),
    };
    let mut agent = Agent { directory, launch, leader, ended: None, children: ChildrenLeft::Some, logs };
    let reported = agent.report_start(started);
    let ended_by = match &reported {
        Ok(()) => agent.watch(&mut signals).await,
        // Without process.json a later start could not find everything: better to stop at once.
        Err(_) => EndedBy::Itself,
    };
    let finished_at = agent.end(&mut signals).await?;
    pass(FaultPoint::AgentEnded)?;
    let swept = agent.sweep(ended_by).await?;
    pass(FaultPoint::Swept)?;
    reported?;
    agent.logs.look();
    agent.logs.sync(directory)?;
    pass(FaultPoint::LogSynced)?;
    // Somebody may have cancelled while the agent was ending by itself: that counts.
    let ended_by = if directory.is_cancelled() { EndedBy::Cancel } else { ended_by };
    let status = agent.exit_status();
    let mut warnings = warnings(&swept);
    warnings.extend(agent.logs.warnings());
    let (finished, swept) = (finished_at, swept_processes(swept));
    let refusal = None;
    directory.set_exit(&ExitReport { started, finished, status, ended_by, swept, refusal, warnings })?;
    Ok(pass(FaultPoint::ExitWritten)?)
}

/// Starts the agent, or says in words why it could not be started.
fn start(
    directory: &RunDirectory,
    launch: &Launch,
    (output, errors): (File, File),
    task_lock: &File,
) -> Result<GroupLeader, String> {
    if !launch.working_directory.is_dir() {
        return Err(format!("the working directory {} is not there", launch.working_directory.display()));
    }
    let prompt = directory.prompt_path();
    let input = File::open(&prompt).map_err(|error| format!("read {}: {error}", prompt.display()))?;
    let mut environment: std::collections::BTreeMap<_, _> =
        launch.environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
    environment.insert(RUN_VARIABLE.into(), launch.run.to_string().into());
    let command = LeaderCommand {
        program: &launch.program,
        arguments: &launch.arguments,
        environment,
        working_directory: &launch.working_directory,
        input,
        output,
        errors,
        inherited: task_lock,
    };
    command.start().map_err(|error| format!("start {}: {error}", launch.program.display()))
}

/// What wakes the supervisor besides its timer.
struct Signals {
    child: Signal,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            child: signal(SignalKind::child())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal that asks the supervisor to stop, and returns its name.
    async fn stop(terminate: &mut Signal, interrupt: &mut Signal, hangup: &mut Signal) -> &'static str {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = hangup.recv() => "SIGHUP",
        }
    }
}

/// The agent's process and what became of it.
struct Agent<'a> {
    directory: &'a RunDirectory,
    launch: &'a Launch,
    leader: GroupLeader,
    ended: Option<(ChildEnd, Timestamp)>,
    children: ChildrenLeft,
    logs: Logs,
}

impl Agent<'_> {
    fn report_start(&self, started: Timestamp) -> Result<(), SupervisorError> {
        let identify = system("read the start time of a process");
        let identities = ProcessIdentity::of_self()
            .and_then(|supervisor| Ok((supervisor, ProcessIdentity::of(self.leader.pid())?)));
        let (supervisor, agent) = identities.map_err(identify)?;
        // Its number is ours until it was waited for, so the agent is always found.
        let agent = agent.ok_or_else(|| system("find the agent")(io::ErrorKind::NotFound.into()))?;
        pass(FaultPoint::AgentStarted)?;
        self.directory.set_process(&ProcessReport { supervisor, agent, started })?;
        Ok(pass(FaultPoint::ProcessReported)?)
    }

    /// Waits until the agent has ended or must end, and returns who ended it.
    async fn watch(&mut self, signals: &mut Signals) -> EndedBy {
        let mut watch = Watch::new(self.launch.limits, clock::monotonic());
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let Signals { child, terminate, interrupt, hangup } = &mut *signals;
            tokio::select! {
                _ = looks.tick() => {}
                _ = child.recv() => {}
                name = Signals::stop(terminate, interrupt, hangup) => self.request_cancel(name),
            }
            self.reap();
            if self.ended.is_some() {
                return EndedBy::Itself;
            }
            let LogSight { log_bytes, error_bytes, standing, pace } = self.logs.look();
            let sight = Sight { cancelled: self.directory.is_cancelled(), log_bytes, error_bytes, standing };
            if let Some(ended_by) = watch.decide(sight, clock::monotonic()) {
                return ended_by;
            }
            if pace == Pace::Fast {
                looks.reset_after(FAST_LOOK_INTERVAL);
            }
        }
    }

    /// Writes the request to end the run that a signal to the supervisor is.
    fn request_cancel(&self, signal: &str) {
        if !self.directory.is_cancelled() {
            let reason = format!("the supervisor got {signal}");
            // On a full disk the request is lost; whoever sent the signal may send it again.
            drop(self.directory.set_cancel(&CancelRequest { at: clock::now(), reason }));
        }
    }

    /// Ends the agent's own process, where it has not ended, and returns when it was gone.
    async fn end(&mut self, signals: &mut Signals) -> Result<Timestamp, SupervisorError> {
        let grace = Duration::from_millis(self.launch.limits.kill_grace_ms);
        for (signal, patience) in [(GroupSignal::Terminate, grace), (GroupSignal::Kill, KILL_TIME_MAX)] {
            if let Some((_, finished)) = self.ended {
                return Ok(finished);
            }
            pass(FaultPoint::AgentSignalled)?;
            self.leader.signal(signal);
            self.wait(patience, &mut signals.child).await;
        }
        let stuck = || io::Error::new(io::ErrorKind::TimedOut, "it survives SIGKILL");
        self.ended.map(|(_, finished)| finished).ok_or_else(|| system("end the agent")(stuck()))
    }

    /// Waits for the agent's own process at most for a time.
    async fn wait(&mut self, patience: Duration, child_signal: &mut Signal) {
        let until = clock::monotonic() + patience;
        loop {
            self.reap();
            let left = until.saturating_duration_since(clock::monotonic());
            if self.ended.is_some() || left.is_zero() {
                return;
            }
            // It may go on printing, and the interval guards against a signal that was lost.
            let interval = match self.logs.look().pace {
                Pace::Usual => LOOK_INTERVAL,
                Pace::Fast => FAST_LOOK_INTERVAL,
            };
            drop(timeout(left.min(interval), child_signal.recv()).await);
        }
    }

    /// Ends all processes that outlived the agent, and returns them.
    async fn sweep(&mut self, ended_by: EndedBy) -> Result<EndedProcesses, SupervisorError> {
        let grace = Duration::from_millis(self.launch.limits.kill_grace_ms);
        let grace = match ended_by {
            EndedBy::Itself => grace.min(LEFTOVER_GRACE_MAX),
            EndedBy::Cancel
            | EndedBy::Deadline
            | EndedBy::Silence
            | EndedBy::ResultGrace
            | EndedBy::SupervisorLost => grace,
        };
        if cfg!(not(target_os = "linux")) {
            // What is left of its group is all that can be reached.
            self.leader.signal(GroupSignal::Kill);
        }
        let marker = format!("{RUN_VARIABLE}={}", self.launch.run);
        let processes = RunProcesses { marker, roots: Vec::new(), inherited: None };
        let swept = processes.end(grace, || {
            self.reap();
            self.logs.look();
            self.children
        });
        Ok(swept.await?)
    }

    /// Waits for all children that have ended, the agent and adopted ones.
    fn reap(&mut self) {
        let (agent, ended) = (self.leader.pid(), &mut self.ended);
        self.children = reap_children(|pid, end| {
            if pid == agent && ended.is_none() {
                *ended = Some((end, clock::now()));
            }
        });
    }

    fn exit_status(&self) -> ExitStatus {
        match self.ended {
            Some((ChildEnd::Code(code), _)) => ExitStatus::Code(code),
            Some((ChildEnd::Signal(signal), _)) => ExitStatus::Signal(signal),
            None => ExitStatus::Unknown,
        }
    }
}
