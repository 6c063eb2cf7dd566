//! The terminal that somebody looks at: how large it is, and when to draw on it anew.

use std::io;
use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How much room there is on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Characters in a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

/// What a terminal is taken for that does not say how large it is.
const USUAL: TerminalSize = TerminalSize { columns: 80, rows: 24 };

/// What happened to the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalChange {
    /// It was made larger or smaller.
    Resized,
    /// This program was stopped and goes on (Ctrl-Z, `fg`): somebody else has written on the terminal.
    Resumed,
}

/// Tells of changes as long as it lives.
#[derive(Debug)]
pub struct TerminalChanges {
    _end: oneshot::Sender<()>,
}

/// Returns the size of the terminal at stderr.
pub fn narration_size() -> TerminalSize {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
    let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
    size.map_or(USUAL, |size| TerminalSize { columns: size.ws_col.into(), rows: size.ws_row.into() })
}

impl TerminalChanges {
    /// Calls `each` on a thread of its own whenever the terminal changed. The thread sleeps in the kernel between.
    pub fn listen(each: impl Fn(TerminalChange) + Send + 'static) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let (resized, resumed) = {
            let _inside = runtime.enter();
            (signal(SignalKind::window_change())?, signal(SignalKind::from_raw(resume_signal()))?)
        };
        let (end, ended) = oneshot::channel();
        let listen = async move {
            let (mut resized, mut resumed, mut ended) = (resized, resumed, ended);
            loop {
                tokio::select! {
                    _ = &mut ended => return,
                    _ = resized.recv() => each(TerminalChange::Resized),
                    _ = resumed.recv() => each(TerminalChange::Resumed),
                }
            }
        };
        thread::Builder::new().name("terminal".to_owned()).spawn(move || runtime.block_on(listen))?;
        Ok(Self { _end: end })
    }
}

fn resume_signal() -> i32 {
    rustix::process::Signal::CONT.as_raw()
}
