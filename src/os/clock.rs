//! What time it is. The only place that asks.
#![expect(clippy::disallowed_methods, reason = "this is the door")]

use std::time::{Duration, Instant};

use crate::timestamp::Timestamp;

/// Returns the present moment by the wall clock.
pub fn now() -> Timestamp {
    Timestamp::from(chrono::Utc::now())
}

/// Returns the present moment of a clock that never runs backwards, for measuring how long something took.
pub fn monotonic() -> Instant {
    Instant::now()
}

/// Stops this thread for a while, where nobody tells when to look again. Never on a thread of the event loop
/// for longer than some milliseconds.
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}
