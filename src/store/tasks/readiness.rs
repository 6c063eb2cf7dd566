//! Whether a task file is finished, told from the file alone.
//!
//! Editors write in parts. A file counts as finished when it ends in a newline and has not changed
//! for two seconds. A file written by this program is complete the moment it gets its name; to say
//! so without a register of such files, its modification time is set two seconds back. That is true
//! in its way (nothing was written since), needs no second file that could be lost or grow, and any
//! later edit by anybody sets the time anew.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entry::Stamp;
use crate::timestamp::Timestamp;

/// How long a file must have been left alone. Editors and `git checkout` take milliseconds; a person who
/// pastes with `cat >` ends within a second or two of the last line.
pub const SETTLE_TIME: Duration = Duration::from_secs(2);

/// Whether a task file may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It is finished.
    Ready,
    /// Somebody may still be writing it.
    Unsettled(Unsettled),
}

/// Why a file does not look finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    /// Its last line does not end: save it with a newline at the end.
    NoFinalNewline,
    /// It changed a moment ago; look again then.
    Changing {
        /// When it will count as finished, if it stays as it is.
        until: Timestamp,
    },
}

/// Whether a file's last line has its newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LastLine {
    Ended,
    Open,
}

impl LastLine {
    pub(super) fn of(bytes: &[u8]) -> Self {
        if bytes.ends_with(b"\n") { Self::Ended } else { Self::Open }
    }
}

impl Readiness {
    /// Judges a file. A modification time in the future says nothing, so the time of the last change of any
    /// kind (ctime, which the kernel sets by this machine's own clock) counts in its place.
    pub(super) fn of(stamp: &Stamp, last_line: LastLine, now: Timestamp) -> Self {
        let (modified, changed) = (stamp.modified(), stamp.changed());
        let touched = if modified > now { changed } else { modified };
        let until = touched.plus(SETTLE_TIME);
        if last_line == LastLine::Open {
            Self::Unsettled(Unsettled::NoFinalNewline)
        } else if until > now {
            Self::Unsettled(Unsettled::Changing { until })
        } else {
            Self::Ready
        }
    }
}
