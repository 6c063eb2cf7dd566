//! The environment this process was started with. The only place that reads it.
#![expect(clippy::disallowed_methods, reason = "this is the door")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Returns a variable, or `None` when it is unset or not UTF-8.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns a variable that names a path, or `None` when it is unset or empty.
pub fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Returns the whole environment.
pub fn all() -> BTreeMap<OsString, OsString> {
    std::env::vars_os().collect()
}

/// Returns the folder for state that should survive a restart: `$XDG_STATE_HOME`, or `~/.local/state`.
///
/// The rule is that of the XDG Base Directory Specification 0.8; a relative value is ignored, as it asks.
/// `None` when neither that nor `HOME` is set.
pub fn state_home() -> Option<PathBuf> {
    path("XDG_STATE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| path("HOME").map(|home| home.join(".local/state")))
}

/// Returns the folder for what belongs to the user and is not written by hand: `$XDG_DATA_HOME`, or `~/.local/share`.
///
/// By the same rule as [`state_home`].
pub fn data_home() -> Option<PathBuf> {
    path("XDG_DATA_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| path("HOME").map(|home| home.join(".local/share")))
}
