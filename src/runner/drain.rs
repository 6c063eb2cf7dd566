//! One runner at work: drains the queue and ends, or stays and waits for more.
//!
//! The loop owns the state. Everything reaches it as an event, `decide` turns that into effects, and the
//! loop performs them. What an earlier runner left behind is taken up first; that is no special mode but
//! what every start does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::apart::look_apart;
use super::cancel::request_end_of_all;
use super::claim::{Worked, take_up, work};
use super::decide::{ClaimEnd, Effect, Event, SlotId, State, Stay};
use super::engine::Engine;
use super::live::Watching;
use super::order::{DrainReport, Ended, Options, RunnerError, Slots};
use super::recover::{self, Remains};
use super::scan::{Found, Mark, Selection, look, mark};
use super::sight::QUEUE_NAMED_MAX;
use super::signals::{Signals, Told};
use super::snapshots::Snapshotting;
use super::threads::{blocking, runtime};
use super::wakes::Wakes;
use crate::os::clock;
use crate::store::event_stream::Level;
use crate::store::runner_lock::RunnerLock;
use crate::task::TaskId;
use crate::timestamp::Timestamp;

/// The shortest sleep, so that a moment that has just passed is no busy loop.
const SLEEP_MIN: Duration = Duration::from_millis(10);

/// Runs tasks until nothing is left that may run, or until it is told to stop.
pub fn drain(engine: &Arc<Engine>, options: &Options, wakes: Wakes) -> Result<DrainReport, RunnerError> {
    let locked = engine.state.try_lock_runner(options.kind).map_err(anyhow::Error::from)?;
    let lock = locked.map_err(|holder| RunnerError::Busy { holder })?;
    let runtime = runtime()?;
    let report =
        runtime.block_on(async { Loop::new(Arc::clone(engine), options.clone(), wakes, lock)?.run().await });
    // A thread that still does something for a run that was left must not keep the program alive.
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
    wakes: Wakes,
    wake_at: Option<Timestamp>,
    /// The right to be the runner; let go of before the last look.
    lock: Option<RunnerLock>,
    /// The last wake-up before the last look.
    known_wake: Option<Vec<u8>>,
    /// Of the last look.
    mark: Option<Mark>,
    lost_claims: LostClaims,
    trouble: Option<String>,
}

/// Whether claims were looked for that nobody can go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LostClaims {
    Unknown,
    Ended,
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

impl Loop {
    fn new(
        engine: Arc<Engine>,
        options: Options,
        mut wakes: Wakes,
        lock: RunnerLock,
    ) -> anyhow::Result<Self> {
        // One message per claim, and never more claims than slots: the queue is bounded by them.
        let (sender, receiver) = mpsc::unbounded_channel();
        let (Slots::Asked(slots) | Slots::Configured(slots)) = options.slots;
        let state = State::new(slots, options.patience, options.stay);
        let signals = Signals::new()?;
        if options.stay == Stay::UntilEmpty {
            wakes.put_off();
        }
        Ok(Self {
            engine,
            options,
            state,
            report: DrainReport::default(),
            sender,
            receiver,
            tasks: BTreeMap::new(),
            signals,
            wakes,
            wake_at: None,
            lock: Some(lock),
            known_wake: None,
            mark: None,
            lost_claims: LostClaims::Unknown,
            trouble: None,
        })
    }

    async fn run(mut self) -> anyhow::Result<DrainReport> {
        self.take_up_remains().await?;
        let mut event = self.scanned().await?;
        loop {
            self.wake_at = None;
            let effects = self.state.decide(event, clock::now());
            // What is known just before a look is out of date: an end frees others that are not in the queue yet.
            if !effects.iter().any(|effect| matches!(effect, Effect::Scan | Effect::ScanIfChanged)) {
                self.engine.broadcast.show(&self.state);
            }
            event = match self.perform(effects).await? {
                Next::Event(event) => event,
                Next::Wait => self.next_event().await,
                Next::End if self.may_end()? => {
                    self.report.hold = self.state.hold().cloned();
                    return Ok(self.report);
                }
                Next::End => {
                    self.take_up_remains().await?;
                    self.scanned().await?
                }
            };
        }
    }

    /// Lets go of the lock, and takes it again if somebody asked for a look after the last one: whoever asked saw a
    /// runner and went away. A runner that was told to stop leaves the wish to the next.
    fn may_end(&mut self) -> anyhow::Result<bool> {
        self.lock = None;
        if self.report.stops > 0 || self.engine.state.load_wake()? == self.known_wake {
            return Ok(true);
        }
        self.lock = self.engine.state.try_lock_runner(self.options.kind)?.ok();
        Ok(self.lock.is_none())
    }

    /// Performs effects, in order.
    async fn perform(&mut self, effects: Vec<Effect>) -> anyhow::Result<Next> {
        let mut next = Next::Wait;
        for effect in effects {
            match effect {
                Effect::Start { candidate, slot } => {
                    self.tasks.insert(slot, candidate.task.clone());
                    self.spawn(slot, work(Arc::clone(&self.engine), candidate, slot, self.options.stay));
                }
                Effect::Scan => {
                    self.mark = None;
                    next = Next::Event(self.scanned().await?);
                }
                Effect::ScanIfChanged => next = Next::Event(self.scanned().await?),
                Effect::TakeUp => self.take_up_left_over().await?,
                Effect::CancelRunning => {
                    self.engine.broadcast.log(Level::Warning, "cancelling what runs; everything is kept");
                    blocking(&self.engine, |engine| {
                        Ok(request_end_of_all(&engine.state, "The runner was told to stop.")?)
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

    /// Looks at the tasks. A runner that stays outlives a look that fails, and says so once.
    async fn scanned(&mut self) -> anyhow::Result<Event> {
        if let Some(warning) = self.wakes.renew() {
            self.engine.broadcast.log(Level::Warning, warning);
        }
        match self.try_scan().await {
            Ok(event) => {
                if self.trouble.take().is_some() {
                    self.engine.broadcast.log(Level::Info, "the tasks can be read again");
                }
                Ok(event)
            }
            Err(error) if self.options.stay == Stay::UntilStopped => {
                let words = format!("failed to {error:#}; looking again until it works");
                if self.trouble.as_ref() != Some(&words) {
                    self.engine.broadcast.log(Level::Error, words.clone());
                }
                self.trouble = Some(words);
                Ok(Event::ScanFailed)
            }
            Err(error) => Err(error),
        }
    }

    async fn try_scan(&mut self) -> anyhow::Result<Event> {
        self.known_wake = self.engine.state.load_wake()?;
        let known = self.mark.take();
        let mark = blocking(&self.engine, mark).await?;
        if mark.is_some() && mark == known {
            self.mark = mark;
            return Ok(Event::Unchanged);
        }
        let mut found = self.look().await?;
        if self.lost_claims == LostClaims::Unknown && self.end_lost_claims(&found).await? > 0 {
            found = self.look().await?;
        }
        self.lost_claims = LostClaims::Ended;
        self.mark = mark.filter(|_| !found.is_arriving);
        Ok(self.taken_over(found))
    }

    /// Looks at the tasks: in another process when this one is to stay as small as it is.
    async fn look(&self) -> anyhow::Result<Found> {
        match (self.options.stay, &self.options.selection) {
            (Stay::UntilStopped, Selection::All) => {
                let most = self.state.candidates_needed().saturating_add(QUEUE_NAMED_MAX);
                blocking(&self.engine, move |engine| look_apart(engine, most)).await
            }
            (_, selection) => {
                let selection = selection.clone();
                blocking(&self.engine, move |engine| {
                    look(&engine.sources(&engine.user_config()), &selection, usize::MAX)
                })
                .await
            }
        }
    }

    /// Ends the claims that are neither at work nor were taken up.
    async fn end_lost_claims(&self, found: &Found) -> anyhow::Result<usize> {
        let at_work: BTreeSet<&TaskId> = self.tasks.values().collect();
        let mut lost = found.interrupted.clone();
        lost.retain(|task| !at_work.contains(task));
        if lost.is_empty() {
            return Ok(0);
        }
        blocking(&self.engine, move |engine| recover::end_lost_claims(engine, &lost)).await
    }

    fn taken_over(&mut self, found: Found) -> Event {
        if self.options.stay == Stay::UntilStopped {
            self.engine.set_user_config(found.user);
            if let (Slots::Configured(_), Some(slots)) = (self.options.slots, found.slots) {
                self.state.set_slots(slots);
            }
        }
        self.engine.broadcast.note(found.seen);
        Event::Scanned { queue: found.queue, next_release: found.next_release }
    }

    async fn next_event(&mut self) -> Event {
        let sleep = self.sleep();
        tokio::select! {
            message = self.receiver.recv() => match message {
                Some(message) => self.noted(message),
                None => Event::Woken,
            },
            told = self.signals.next() => self.told(told),
            () = self.wakes.next() => Event::Disturbed,
            () = tokio::time::sleep(sleep) => self.after_sleep(),
        }
    }

    /// Only a person who asks again wants what runs to be cancelled.
    fn told(&mut self, told: Told) -> Event {
        if told == Told::ByProgram && self.report.stops > 0 {
            return Event::Woken;
        }
        self.report.stops += 1;
        Event::StopRequested
    }

    /// A wake-up that was not told is seen here.
    fn after_sleep(&self) -> Event {
        match self.engine.state.load_wake() {
            Ok(wake) if wake != self.known_wake => Event::Disturbed,
            Ok(_) | Err(_) => Event::Woken,
        }
    }

    fn noted(&mut self, message: Message) -> Event {
        let Message { slot, worked } = message;
        if let Some(task) = self.tasks.remove(&slot)
            && self.options.stay == Stay::UntilEmpty
        {
            match (worked.outcome, &worked.end) {
                (Some((outcome, message)), _) => self.report.ended.push(Ended { task, outcome, message }),
                (None, ClaimEnd::NotTaken) => self.report.not_taken.push(task),
                (None, ClaimEnd::Holds(_) | ClaimEnd::Recorded) => {}
            }
        }
        Event::Ended { slot, end: worked.end }
    }

    /// However long nothing is to be done, the tasks are looked at now and then: a change may not have been told,
    /// and a wall clock may have been set.
    fn sleep(&self) -> Duration {
        let longest = self.wakes.look_every();
        let until = |moment: Timestamp| moment.since(clock::now()).clamp(SLEEP_MIN, longest);
        self.wake_at.map_or(longest, until)
    }

    async fn take_up_remains(&mut self) -> anyhow::Result<()> {
        (self.mark, self.lost_claims) = (None, LostClaims::Unknown);
        for remains in blocking(&self.engine, recover::look).await? {
            self.adopt(remains);
        }
        Ok(())
    }

    /// Goes on with claims of this runner that broke off, as they do when the disk is full.
    async fn take_up_left_over(&mut self) -> anyhow::Result<()> {
        let at_work: BTreeSet<TaskId> = self.tasks.values().cloned().collect();
        for remains in blocking(&self.engine, move |engine| recover::left_over(engine, &at_work)).await? {
            self.adopt(remains);
        }
        Ok(())
    }

    fn adopt(&mut self, remains: Remains) {
        let task = remains.plan.intent.task.clone();
        let slot = self.state.adopt(task.clone());
        self.tasks.insert(slot, task.clone());
        self.engine
            .broadcast
            .log(Level::Info, format!("going on with task {task}, left by an earlier runner"));
        let (engine, stay) = (Arc::clone(&self.engine), self.options.stay);
        self.spawn(slot, async move { adopted(engine, remains, stay).await });
    }
}

async fn adopted(engine: Arc<Engine>, remains: Remains, stay: Stay) -> Worked {
    let watching = Watching::start(Arc::clone(&engine), &remains.plan);
    let snapshotting = Snapshotting::start(&engine, &remains.plan);
    let lock = recover::take_lock(&engine, &remains).await;
    snapshotting.stop().await;
    watching.stop().await;
    match lock {
        Ok(lock) => take_up(engine, remains.plan, lock, stay).await,
        Err(error) => {
            engine.broadcast.log(Level::Error, format!("failed to {error:#}"));
            Worked { end: ClaimEnd::NotTaken, outcome: None }
        }
    }
}
