//! One runner at work: drains the queue and ends.
//!
//! The loop owns the state. Everything reaches it as an event, `decide` turns that into effects, and the
//! loop performs them. What an earlier runner left behind is taken up first; that is no special mode but
//! what every start does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::cancel::request_end_of_all;
use super::claim::{Worked, take_up, work};
use super::decide::{ClaimEnd, Effect, Event, Patience, QueueHold, SlotId, State};
use super::engine::Engine;
use super::live::Watching;
use super::recover::{self, Remains};
use super::scan::{Selection, scan};
use super::threads::{blocking, runtime};
use crate::os::clock;
use crate::run::Outcome;
use crate::store::event_stream::Level;
use crate::store::runner_lock::{RunnerHolder, RunnerKind};
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// How often the tasks are looked at while something runs: new ones, and requests of people.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The longest sleep. A wall clock that is set must not be noticed hours later.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// What is to be drained.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which tasks; all that may run by default.
    pub selection: Selection,
    /// Room for how many runs.
    pub slots: u32,
    /// Whether to wait for tasks that are held until a known moment.
    pub patience: Patience,
}

/// What a runner did.
#[derive(Debug, Default)]
pub struct DrainReport {
    /// The tasks that got their terminal record, in that order.
    pub ended: Vec<Ended>,
    /// Why the queue is held, if it is.
    pub hold: Option<QueueHold>,
    /// How often somebody asked it to stop.
    pub stops: u32,
    /// Tasks that could not be taken, or whose end could not be recorded.
    pub not_taken: Vec<TaskId>,
}

/// A task that got its terminal record.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The task.
    pub task: TaskId,
    /// What became of it.
    pub outcome: Outcome,
    /// One line for people.
    pub message: String,
}

/// Why there is no runner.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// A repository has one runner at a time.
    #[error("start a runner: this repository has one already")]
    Busy {
        /// The other one, where it has left its note.
        holder: Option<RunnerHolder>,
    },
    /// Something failed that concerns no single task.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// Runs tasks until nothing is left that may run.
pub fn drain(engine: &Arc<Engine>, options: &Options) -> Result<DrainReport, RunnerError> {
    let locked = engine.state.try_lock_runner(RunnerKind::Run).map_err(anyhow::Error::from)?;
    let _runner = locked.map_err(|holder| RunnerError::Busy { holder })?;
    let runtime = runtime()?;
    let report = runtime.block_on(async { Loop::new(Arc::clone(engine), options.clone())?.run().await });
    // A thread that still waits for the lock of an adopted run must not keep the program alive.
    runtime.shutdown_background();
    Ok(report?)
}

struct Loop {
    engine: Arc<Engine>,
    options: Options,
    state: State,
    report: DrainReport,
    sender: mpsc::UnboundedSender<Message>,
    receiver: mpsc::UnboundedReceiver<Message>,
    tasks: BTreeMap<SlotId, TaskId>,
    signals: Signals,
    wake_at: Option<Timestamp>,
}

/// What a claim reports when it is over.
struct Message {
    slot: SlotId,
    worked: Worked,
}

/// What the loop does when all effects are performed.
enum Next {
    /// Takes in the event that one of them caused at once.
    Event(Event),
    /// Waits for the next event.
    Wait,
    /// Ends.
    End,
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

impl Loop {
    fn new(engine: Arc<Engine>, options: Options) -> anyhow::Result<Self> {
        // One message per claim, and never more claims than slots: the queue is bounded by them.
        let (sender, receiver) = mpsc::unbounded_channel();
        let state = State::new(options.slots, options.patience);
        let signals = Signals::new()?;
        Ok(Self {
            engine,
            options,
            state,
            report: DrainReport::default(),
            sender,
            receiver,
            tasks: BTreeMap::new(),
            signals,
            wake_at: None,
        })
    }

    async fn run(mut self) -> anyhow::Result<DrainReport> {
        self.take_up_remains().await?;
        let mut event = self.scanned().await?;
        loop {
            self.wake_at = None;
            let effects = self.state.decide(event, clock::now());
            self.engine.broadcast.show(&self.state);
            event = match self.perform(effects).await? {
                Next::Event(event) => event,
                Next::Wait => self.next_event().await,
                Next::End => {
                    self.report.hold = self.state.hold().cloned();
                    return Ok(self.report);
                }
            };
        }
    }

    /// Performs effects, in order.
    async fn perform(&mut self, effects: Vec<Effect>) -> anyhow::Result<Next> {
        let mut next = Next::Wait;
        for effect in effects {
            match effect {
                Effect::Start { candidate, slot } => {
                    self.tasks.insert(slot, candidate.task.clone());
                    self.spawn(slot, work(Arc::clone(&self.engine), candidate, slot));
                }
                Effect::Scan => next = Next::Event(self.scanned().await?),
                Effect::CancelRunning => {
                    self.engine.broadcast.log(Level::Warning, "cancelling what runs; everything is kept");
                    blocking(&self.engine, |engine| {
                        request_end_of_all(engine, "The runner was told to stop.")
                    })
                    .await?;
                }
                Effect::AnnounceDraining => self.engine.broadcast.log(
                    Level::Warning,
                    "no new task starts; waiting for those that run (once more to cancel them)",
                ),
                Effect::WakeAt(moment) => self.wake_at = Some(moment),
                Effect::End => next = Next::End,
            }
        }
        Ok(next)
    }

    fn spawn(&self, slot: SlotId, worked: impl Future<Output = Worked> + Send + 'static) {
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let worked = worked.await;
            // The loop is gone only when the runtime is; then nobody waits for the message.
            drop(sender.send(Message { slot, worked }));
        });
    }

    async fn scanned(&self) -> anyhow::Result<Event> {
        let selection = self.options.selection.clone();
        blocking(&self.engine, move |engine| scan(engine, &selection)).await
    }

    async fn next_event(&mut self) -> Event {
        let sleep = self.sleep();
        tokio::select! {
            message = self.receiver.recv() => match message {
                Some(message) => self.noted(message),
                None => Event::Woken,
            },
            () = self.signals.next() => {
                self.report.stops += 1;
                Event::StopRequested
            }
            () = tokio::time::sleep(sleep) => Event::Woken,
        }
    }

    fn noted(&mut self, message: Message) -> Event {
        let Message { slot, worked } = message;
        if let Some(task) = self.tasks.remove(&slot) {
            match (worked.outcome, &worked.end) {
                (Some((outcome, message)), _) => self.report.ended.push(Ended { task, outcome, message }),
                (None, ClaimEnd::NotTaken) => self.report.not_taken.push(task),
                (None, ClaimEnd::Holds(_) | ClaimEnd::Recorded) => {}
            }
        }
        Event::Ended { slot, end: worked.end }
    }

    fn sleep(&self) -> Duration {
        match self.wake_at {
            Some(moment) if self.tasks.is_empty() => {
                moment.since(clock::now()).clamp(Duration::from_millis(10), SLEEP_MAX)
            }
            Some(_) | None => LOOK_EVERY,
        }
    }

    async fn take_up_remains(&mut self) -> anyhow::Result<()> {
        for remains in blocking(&self.engine, recover::look).await? {
            let task = remains.plan.intent.task.clone();
            let slot = self.state.adopt(task.clone());
            self.tasks.insert(slot, task.clone());
            self.engine
                .broadcast
                .log(Level::Info, format!("going on with task {task}, left by an earlier runner"));
            let engine = Arc::clone(&self.engine);
            self.spawn(slot, async move { adopted(engine, remains).await });
        }
        Ok(())
    }
}

async fn adopted(engine: Arc<Engine>, remains: Remains) -> Worked {
    let watching = Watching::start(Arc::clone(&engine), &remains.plan);
    let lock = recover::take_lock(&engine, &remains).await;
    watching.stop().await;
    match lock {
        Ok(lock) => take_up(engine, remains.plan, lock).await,
        Err(error) => {
            engine.broadcast.log(Level::Error, format!("failed to {error:#}"));
            Worked { end: ClaimEnd::NotTaken, outcome: None }
        }
    }
}
