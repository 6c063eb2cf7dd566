//! The user's layer: `claudedo.*` in git config.
//!
//! Whoever reads git config hands its entries over as a plain list, in git's order, so that this
//! knows nothing of git. An unknown key is a warning, since a newer version may know it; a bad value
//! is an error, since the user meant something by it.

use std::collections::BTreeMap;

use super::layer::{Layer, Origin};
use crate::task::value::GitValue;
use crate::task::{SettingKey, Settings, closest};

/// One entry of git config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitEntry {
    /// The key, in any case: `claudedo.maxTurns`.
    pub key: String,
    /// The value; `true` for a key without one.
    pub value: String,
    /// Scope and file, as in `global file:~/.gitconfig`.
    pub origin: String,
}

/// A key that means nothing here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("git config {key} ({origin}) is not a setting{}", suggestion.as_ref().map_or(String::new(), |near| format!("; did you mean {near}?")))]
pub struct GitWarning {
    /// The key as it was written.
    pub key: String,
    /// Where it was written.
    pub origin: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

/// A value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use git config {key}={value:?} ({origin}): {problem}; wanted is {expected}")]
pub struct GitConfigError {
    /// The key in git's spelling.
    pub key: String,
    /// The value as it was written.
    pub value: String,
    /// Where it was written.
    pub origin: String,
    /// What is wrong with it.
    pub problem: String,
    /// What is wanted.
    pub expected: String,
}

/// Returns the user's layer and what was not understood. Keys of other sections are passed over.
pub fn from_git(entries: &[GitEntry]) -> Result<(Layer, Vec<GitWarning>), GitConfigError> {
    let mut values: BTreeMap<SettingKey, Vec<&GitEntry>> = BTreeMap::new();
    let mut warnings = Vec::new();
    for entry in entries.iter().filter(|entry| is_ours(&entry.key)) {
        match SettingKey::from_git_key(&entry.key) {
            Some(key) => values.entry(key).or_default().push(entry),
            None => warnings.push(warning(entry)),
        }
    }
    let mut settings = Settings::default();
    let mut origins = BTreeMap::new();
    for (key, entries) in values {
        let (Some(last), texts) = (entries.last(), texts(&entries)) else { continue };
        settings.set_from_git(key, &texts).map_err(|problem| GitConfigError {
            key: key.git_key(),
            value: last.value.clone(),
            origin: last.origin.clone(),
            problem,
            expected: key.expected(),
        })?;
        origins.insert(key, Origin::GitConfig(last.origin.clone()));
    }
    Ok((Layer::with_origins(settings, origins), warnings))
}

fn is_ours(key: &str) -> bool {
    key.split_once('.').is_some_and(|(section, _)| section.eq_ignore_ascii_case("claudedo"))
}

fn texts<'a>(entries: &[&'a GitEntry]) -> Vec<GitValue<'a>> {
    entries.iter().map(|entry| GitValue { text: &entry.value, origin: &entry.origin }).collect()
}

fn warning(entry: &GitEntry) -> GitWarning {
    let keys: Vec<String> = SettingKey::ALL.iter().map(|key| key.git_key()).collect();
    let suggestion = closest(&entry.key, keys.iter().map(String::as_str)).map(str::to_owned);
    GitWarning { key: entry.key.clone(), origin: entry.origin.clone(), suggestion }
}
