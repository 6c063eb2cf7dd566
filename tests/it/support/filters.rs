//! What differs between two runs of the same test, as replacements for snapshots: paths, ids, times.

use std::fs;
use std::path::Path;

/// Returns `(pattern, replacement)` pairs, the most specific first.
///
/// The ids of tasks are taken from the files that exist, because a pattern for "four characters after a
/// hyphen" would also hit ordinary words.
pub(super) fn of(root: &Path, tasks: &Path) -> Vec<(String, String)> {
    let mut filters = vec![(escape(root.to_str().unwrap()), "[ROOT]".to_owned())];
    filters.extend(task_ids(tasks).into_iter().filter_map(|id| {
        let (slug, _random) = id.rsplit_once('-')?;
        Some((format!("\\b{}\\b", escape(&id)), format!("{slug}-[ID]")))
    }));
    for (pattern, replacement) in [
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[UUID]"),
        (r"\b([0-9a-f]{64}|[0-9a-f]{40})\b", "[OBJECT]"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?", "[TIME]"),
        (r"\b\d+(\.\d+)? ?(ms|s)\b", "[DURATION]"),
    ] {
        filters.push((pattern.to_owned(), replacement.to_owned()));
    }
    filters
}

fn task_ids(tasks: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(tasks) else { return Vec::new() };
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .collect()
}

fn escape(text: &str) -> String {
    let mut pattern = String::new();
    for character in text.chars() {
        if !character.is_alphanumeric() {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}
