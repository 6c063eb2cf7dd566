//! The signals that tell a runner to stop. It listens for all of them from its start to its end.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// A person at the terminal: each time more urgently.
    ByPerson,
    /// A program, or the end of the terminal: as often as it likes, and it always means the same.
    ByProgram,
}

/// Interrupt (Ctrl-C), termination and hang-up.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Starts to listen.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for one.
    pub(crate) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.interrupt.recv() => Told::ByPerson,
            _ = self.terminate.recv() => Told::ByProgram,
            _ = self.hang_up.recv() => Told::ByProgram,
        }
    }
}
