//! Recorded runs of Claude Code 2.1.330 against a stand-in of its service, for tests.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// Returns what a recorded run printed.
pub(crate) fn capture(name: &str) -> Vec<u8> {
    fs::read(path(name, "ndjson")).unwrap()
}

/// Returns what a recorded run printed on standard error.
pub(crate) fn capture_error_output(name: &str) -> String {
    fs::read_to_string(path(name, "stderr")).unwrap_or_default()
}

/// Returns how a recorded run was started and ended.
pub(crate) fn capture_meta(name: &str) -> Value {
    serde_json::from_slice(&fs::read(path(name, "meta.json")).unwrap()).unwrap()
}

/// Returns the names of all recorded runs, sorted.
pub(crate) fn capture_names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".ndjson").map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn path(name: &str, extension: &str) -> PathBuf {
    folder().join(format!("{name}.{extension}"))
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures")
}
