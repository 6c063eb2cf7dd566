//! Decides what runs, and does it.
//!
//! A drain ([`drain()`]) is one loop: it looks at the tasks (`scan`) whenever something [wakes](Wakes) it, takes in
//! events, lets [`decide`] turn them into effects, and performs those. A runner that stays lets another process look
//! (`apart`), so that it stays small. Each claim walks one way (`claim`): settings and prompt are
//! resolved (`prepare`, `place`) into a `plan` on the disk; the `workspace` is made; a supervisor
//! runs the agent while its log is followed (`live`) and its worktree kept ([`snapshots`]); then the end is judged (`seen`), the work kept (`keep`)
//! and the `record` committed (`conclude`), and the next step chosen (`follow`). A start after a crash (`recover`)
//! walks the same way; what the traces of a run mean for it are its `rules`. [`cancel()`] ends what runs. Who looks on hears of events, and of what the runner
//! sees ([`Sight`]).

mod apart;
mod broadcast;
mod cancel;
mod claim;
mod conclude;
pub mod decide;
mod drain;
mod engine;
mod follow;
mod keep;
mod live;
mod order;
mod place;
mod plan;
mod prepare;
mod record;
mod recover;
mod refusal;
pub mod restore;
mod rules;
mod scan;
mod seen;
pub mod sight;
mod signals;
#[cfg(test)]
mod simulation;
pub mod snapshots;
mod start;
mod threads;
mod wakes;
mod workspace;

pub use apart::{LOOK_WORD, answer};
pub use broadcast::Listener;
pub use cancel::{Cancelled, cancel, request_end_of_all};
pub use decide::{Patience, Phase, QueueHold, Stay};
pub use drain::drain;
pub use engine::{Engine, EngineParts};
pub use order::{DrainReport, Ended, Options, RunnerError, Slots};
pub use place::{resolve_outside, task_of_branch};
pub use scan::Selection;
pub use sight::Sight;
pub use wakes::Wakes;
