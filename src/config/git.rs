//! The user's layer: `claudedo.*` in git config.
//!
//! Whoever reads git config hands its entries over as a plain list, in git's order, so that this
//! knows nothing of git. An unknown key is a warning, since a newer version may know it; a bad value
//! is an error, since the user meant something by it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::layer::{Layer, Origin};
use crate::task::value::GitValue;
use crate::task::{SettingKey, Settings, closest};

/// One entry of git config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    let word = entry.key.split_once('.').map_or("", |(_, word)| word);
    let name = closest(word, SettingKey::ALL.iter().map(|key| key.name()));
    let suggestion = name.and_then(SettingKey::from_name).map(SettingKey::git_key);
    GitWarning { key: entry.key.clone(), origin: entry.origin.clone(), suggestion }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(texts: &[(&str, &str, &str)]) -> Vec<GitEntry> {
        let entry = |(key, value, origin): &(&str, &str, &str)| GitEntry {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            origin: (*origin).to_owned(),
        };
        texts.iter().map(entry).collect()
    }

    #[test]
    fn an_unknown_key_is_a_warning_with_what_was_probably_meant() {
        let entries = entries(&[
            ("claudedo.maxTurn", "3", "global a"),
            ("claudedo.max_turns", "3", "local b"),
            ("claudedo.colour", "red", "local b"),
            ("user.name", "x", "global a"),
        ]);
        let (_, warnings) = from_git(&entries).unwrap();
        let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(warnings.join("\n"), @r##"
        git config claudedo.maxTurn (global a) is not a setting; did you mean claudedo.maxTurns?
        git config claudedo.max_turns (local b) is not a setting; did you mean claudedo.maxTurns?
        git config claudedo.colour (local b) is not a setting
        "##);
    }

    #[test]
    fn a_bad_value_names_key_value_and_file() {
        let error = from_git(&entries(&[("claudedo.MAXTURNS", "many", "global ~/.gitconfig")])).unwrap_err();
        insta::assert_snapshot!(error.to_string(), @r##"use git config claudedo.maxTurns="many" (global ~/.gitconfig): "many" is not a whole number; wanted is a whole number from 1 to 10000"##);
    }

    #[test]
    fn the_last_value_counts_and_lists_add_up_until_an_empty_one() {
        let (layer, _) = from_git(&entries(&[
            ("claudedo.model", "haiku", "global a"),
            ("claudedo.model", "opus", "local b"),
            ("claudedo.allowedTools", "A", "global a"),
            ("claudedo.allowedTools", "", "local b"),
            ("claudedo.allowedTools", "B", "local b"),
            ("claudedo.allowedTools", "C", "local b"),
            ("claudedo.agentCommand", "old", "global a"),
            ("claudedo.agentCommand", "new", "local b"),
            ("claudedo.agentCommand", "--x", "local b"),
        ]))
        .unwrap();
        assert_eq!(layer.settings.model.as_ref().unwrap().as_str(), "opus");
        assert_eq!(layer.settings.allowed_tools.as_ref().unwrap().items(), ["B", "C"]);
        assert_eq!(layer.settings.agent_command.as_ref().unwrap().items(), ["new", "--x"]);
        assert_eq!(*layer.origin(SettingKey::Model), Origin::GitConfig("local b".to_owned()));
    }
}
