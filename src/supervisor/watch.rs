//! When must the agent end? Decided from what was seen, without looking.
//!
//! Times are measured with a clock that never runs backwards and, on Linux, stands still while the
//! machine sleeps. A supervisor that was itself stopped for a while (SIGSTOP, a frozen container) sees
//! its next look come late; it cannot tell what the agent would have printed meanwhile, so silence
//! is measured anew from there. The deadline is not: it says how long the run may take.

use std::time::{Duration, Instant};

use crate::agent::tail::Standing;
use crate::run::EndedBy;
use crate::store::run_directory::Limits;

/// How often the supervisor looks. Cancelling feels immediate, and a look costs a few system calls.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// A look that comes later than this after the one before means that the supervisor was stopped. A busy machine
/// delays it too; then silence is measured anew, which does no harm.
const STOPPED_AFTER: Duration = Duration::from_secs(2);

/// What one look saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight {
    /// Whether somebody asked for the end.
    pub(super) cancelled: bool,
    /// Size of the log, in bytes.
    pub(super) log_bytes: u64,
    /// Size of the agent's standard error, in bytes.
    pub(super) error_bytes: u64,
    /// Where the agent stands, by its log.
    pub(super) standing: Standing,
}

/// What is remembered between two looks.
#[derive(Debug)]
pub(super) struct Watch {
    limits: Limits,
    start: Instant,
    last_look: Instant,
    log: Growth,
    errors: Growth,
}

/// A size and when it last changed.
#[derive(Debug)]
struct Growth {
    bytes: u64,
    changed: Instant,
}

impl Watch {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        let growth = || Growth { bytes: 0, changed: now };
        Self { limits, start: now, last_look: now, log: growth(), errors: growth() }
    }

    /// Takes in what was seen and returns who must end the agent now, if anybody.
    pub(super) fn decide(&mut self, sight: Sight, now: Instant) -> Option<EndedBy> {
        let was_stopped = now.duration_since(self.last_look) > STOPPED_AFTER;
        self.last_look = now;
        self.log.take(sight.log_bytes, now);
        self.errors.take(sight.error_bytes, now);
        if was_stopped {
            self.log.changed = now;
        }
        if sight.cancelled {
            return Some(EndedBy::Cancel);
        }
        if is_over(self.limits.deadline_ms, self.start, now) {
            return Some(EndedBy::Deadline);
        }
        match sight.standing {
            Standing::Working => {
                let last_output = self.log.changed.max(self.errors.changed);
                is_over(self.limits.silence_ms, last_output, now).then_some(EndedBy::Silence)
            }
            Standing::ResultGiven { background_tasks } => {
                let grace_ms = match background_tasks {
                    0 => self.limits.result_grace_ms,
                    _ => self.limits.background_grace_ms,
                };
                is_over(Some(grace_ms), self.log.changed, now).then_some(EndedBy::ResultGrace)
            }
        }
    }
}

impl Growth {
    fn take(&mut self, bytes: u64, now: Instant) {
        if self.bytes != bytes {
            *self = Self { bytes, changed: now };
        }
    }
}

fn is_over(limit_ms: Option<u64>, since: Instant, now: Instant) -> bool {
    limit_ms.is_some_and(|limit| now.duration_since(since) >= Duration::from_millis(limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::clock;

    const LIMITS: Limits = Limits {
        deadline_ms: Some(100_000),
        silence_ms: Some(10_000),
        result_grace_ms: 3_000,
        background_grace_ms: 30_000,
        kill_grace_ms: 1_000,
        log_bytes_max: None,
    };

    const WORKING: Sight =
        Sight { cancelled: false, log_bytes: 0, error_bytes: 0, standing: Standing::Working };

    /// Returns the first second in which the agent must end when every look of each second sees the same.
    fn ended(seconds: u64, sight: impl Fn(u64) -> Sight) -> Option<(u64, EndedBy)> {
        let start = clock::monotonic();
        let mut watch = Watch::new(LIMITS, start);
        (0..=seconds).find_map(|second| {
            let now = start + Duration::from_secs(second);
            watch.decide(sight(second), now).map(|ended_by| (second, ended_by))
        })
    }

    #[test]
    fn silence_counts_from_the_last_byte_of_either_stream() {
        assert_eq!(ended(200, |_| WORKING), Some((10, EndedBy::Silence)));
        let log = |second: u64| Sight { log_bytes: second.min(7), ..WORKING };
        assert_eq!(ended(200, log), Some((17, EndedBy::Silence)));
        let errors = |second: u64| Sight { error_bytes: second.min(7), ..WORKING };
        assert_eq!(ended(200, errors), Some((17, EndedBy::Silence)));
    }

    #[test]
    fn the_deadline_does_not_wait_for_silence() {
        let busy = |second| Sight { log_bytes: second, ..WORKING };
        assert_eq!(ended(200, busy), Some((100, EndedBy::Deadline)));
    }

    #[test]
    fn after_a_result_the_agent_has_a_grace_and_longer_with_background_tasks() {
        let given = |background_tasks| {
            move |_| Sight { standing: Standing::ResultGiven { background_tasks }, log_bytes: 9, ..WORKING }
        };
        assert_eq!(ended(200, given(0)), Some((3, EndedBy::ResultGrace)));
        assert_eq!(ended(200, given(2)), Some((30, EndedBy::ResultGrace)));
    }

    #[test]
    fn a_cancel_comes_before_everything_else() {
        let start = clock::monotonic();
        let mut watch = Watch::new(LIMITS, start);
        let late = start + Duration::from_secs(1_000);
        assert_eq!(watch.decide(Sight { cancelled: true, ..WORKING }, late), Some(EndedBy::Cancel));
    }

    #[test]
    fn waking_up_is_not_silence_but_the_silence_after_it_is() {
        let start = clock::monotonic();
        let mut watch = Watch::new(LIMITS, start);
        assert_eq!(watch.decide(WORKING, start + Duration::from_mins(1)), None);
        let mut at = |second| watch.decide(WORKING, start + Duration::from_secs(second));
        assert_eq!((61..=69).find_map(&mut at), None);
        assert_eq!(at(70), Some(EndedBy::Silence));
    }

    #[test]
    fn no_limit_is_no_limit() {
        let limits = Limits { deadline_ms: None, silence_ms: None, ..LIMITS };
        let start = clock::monotonic();
        let mut watch = Watch::new(limits, start);
        assert_eq!(watch.decide(WORKING, start + Duration::from_secs(1)), None);
        assert_eq!(watch.decide(WORKING, start + Duration::from_hours(10_000)), None);
    }
}
