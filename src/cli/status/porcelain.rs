//! `--porcelain`: one count a line, for scripts and prompts. `docs/status.md` promises the form.
//!
//! Lines may be added at the end, none is renamed, left out or moved; another form would be another version.

use std::fmt::Write;

use super::gather::Status;
use crate::schedule::Hold;
use crate::store::runner_lock::Presence;

/// Returns all lines.
pub(crate) fn lines(status: &Status<'_>, end: char) -> String {
    let parts = &status.parts;
    let held = |which: fn(&Hold) -> bool| parts.held.iter().filter(|(_, hold)| which(hold)).count();
    let waiting = held(|hold| matches!(hold, Hold::Waiting { .. }));
    let limited = held(|hold| matches!(hold, Hold::Service { .. }));
    let mut text = format!("version 1{end}runner {}{end}", runner(status));
    for (name, count) in [
        ("attention", status.attention()),
        ("running", parts.running.len()),
        ("queued", parts.queued.len()),
        ("waiting", waiting),
        ("limited", limited),
        ("held", parts.held.len() - waiting - limited),
        ("untrusted", parts.untrusted.len()),
        ("invalid", parts.invalid.len()),
        ("interrupted", parts.interrupted.len()),
        ("elsewhere", parts.elsewhere.len()),
        ("review", parts.review.len()),
        ("failed", parts.failed.len()),
        ("draft", parts.drafts.len()),
    ] {
        // Writing to a string cannot fail.
        let _ = write!(text, "{name} {count}{end}");
    }
    text
}

/// Kind, process and Unix time, `-` for what is not known.
fn runner(status: &Status<'_>) -> String {
    let since = status.runner_since.map_or("-".to_owned(), |since| since.unix_seconds().to_string());
    match status.runner {
        Presence::Absent => "none - -".to_owned(),
        Presence::Unknown => format!("unknown - {since}"),
        Presence::Known(holder) => format!("{} {} {since}", holder.kind.name(), holder.process),
    }
}
