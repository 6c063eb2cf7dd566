//! This program's own settings in git's configuration, each with where it came from.
//!
//! gix reads the files and `GIT_CONFIG_COUNT`. What `git -c claudedo.x=y claudedo` was given arrives in
//! `GIT_CONFIG_PARAMETERS`, which gix does not read: it is taken apart here and handed to gix when the
//! repository is opened, so that `git -c user.name=…` counts as well.

use std::path::PathBuf;

use gix::config::Source;

use super::{GitError, GitProgram, Repository};
use crate::os::env;

/// Where a value came from, in the words of `git config --show-scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The machine's file, or the one that came with git.
    System,
    /// The user's file.
    Global,
    /// The repository's file.
    Local,
    /// The worktree's file (`extensions.worktreeConfig`).
    Worktree,
    /// `GIT_CONFIG_COUNT` in the environment.
    Environment,
    /// `git -c key=value`.
    Command,
}

/// One value, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigValue {
    /// The key after the section, in lower case: `maxturns`. With a subsection: `<Subsection>.maxturns`,
    /// where the subsection keeps its case, as git has it.
    pub key: String,
    /// The value. A key without `=` counts as `true`.
    pub value: String,
    /// Where it came from.
    pub scope: Scope,
    /// The file, where there is one.
    pub path: Option<PathBuf>,
}

impl Repository {
    /// Returns every value of a section, the one that wins last.
    pub fn config_values(&self, section: &str) -> Vec<ConfigValue> {
        values_of(self.local().config_snapshot().plumbing(), section)
    }

    /// Returns the files of the configuration, and the repository's own where it may come to be.
    pub fn config_paths(&self) -> Vec<PathBuf> {
        let local = self.local();
        let snapshot = local.config_snapshot();
        let mut paths: Vec<PathBuf> =
            snapshot.plumbing().sections().filter_map(|part| part.meta().path.clone()).collect();
        paths.push(self.common_dir().join("config"));
        paths.push(self.git_dir().join("config.worktree"));
        paths.sort();
        paths.dedup();
        paths
    }

    /// Writes a value to the user's configuration, as `git config --global` does.
    pub fn set_config_global(&self, key: &str, value: &str) -> Result<(), GitError> {
        self.set_config("--global", key, value)
    }

    /// Writes a value to the repository's configuration, as `git config --local` does.
    pub fn set_config_local(&self, key: &str, value: &str) -> Result<(), GitError> {
        self.set_config("--local", key, value)
    }

    fn set_config(&self, file: &str, key: &str, value: &str) -> Result<(), GitError> {
        GitProgram::new(self).capture(["config", file, key, value])?.require_success().map(drop)
    }
}

/// Returns every value of a section of the user's and the machine's own configuration, the one that wins last: what
/// counts outside of a repository.
pub fn user_config_values(section: &str) -> Result<Vec<ConfigValue>, GitError> {
    let config = gix::config::File::from_globals().map_err(GitError::on("read git's configuration"))?;
    Ok(values_of(&config, section))
}

fn values_of(config: &gix::config::File, section: &str) -> Vec<ConfigValue> {
    let mut values = Vec::new();
    for part in config.sections() {
        let header = part.header();
        if !header.name().eq_ignore_ascii_case(section.as_bytes()) {
            continue;
        }
        let subsection = header.subsection_name().map(|name| format!("{name}.")).unwrap_or_default();
        let Some(scope) = scope(part.meta().source) else { continue };
        let mut names: Vec<String> = Vec::new();
        for name in part.value_names() {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                names.push(name);
            }
        }
        for name in names {
            let key = format!("{subsection}{}", name.to_ascii_lowercase());
            let texts = match part.value_implicit(&name) {
                Some(None) => vec!["true".to_owned()],
                Some(Some(_)) | None => part.values(&name).iter().map(ToString::to_string).collect(),
            };
            values.extend(texts.into_iter().map(|value| ConfigValue {
                key: key.clone(),
                value,
                scope,
                path: part.meta().path.clone(),
            }));
        }
    }
    values
}

fn scope(source: Source) -> Option<Scope> {
    match source {
        Source::GitInstallation | Source::System => Some(Scope::System),
        Source::Git | Source::User => Some(Scope::Global),
        Source::Local => Some(Scope::Local),
        Source::Worktree => Some(Scope::Worktree),
        Source::Env => Some(Scope::Environment),
        Source::Cli => Some(Scope::Command),
        // Set by gix itself, from variables that are no configuration.
        Source::Api | Source::EnvOverride => None,
    }
}

/// Returns the keys and values of `git -c`, in order; `None` for a key without a value.
pub(super) fn command_line() -> Vec<(String, Option<String>)> {
    env::variable("GIT_CONFIG_PARAMETERS").map(|text| parse_parameters(&text)).unwrap_or_default()
}

/// Takes `GIT_CONFIG_PARAMETERS` apart: words separated by spaces, each `'key'='value'` (git 2.31 and
/// later) or `'key=value'` (before). Quoting is that of git's `sq_quote`: `'` and `!` stand outside the
/// quotes, behind a backslash. A variable that is not well-formed counts up to where it is.
fn parse_parameters(text: &str) -> Vec<(String, Option<String>)> {
    let mut rest = text;
    let mut pairs = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some((first, after)) = unquote(rest) else { return pairs };
        rest = after;
        let Some(after_equals) = rest.strip_prefix('=') else {
            pairs.push(match first.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (first, None),
            });
            continue;
        };
        if after_equals.is_empty() || after_equals.starts_with(char::is_whitespace) {
            pairs.push((first, None));
            rest = after_equals;
            continue;
        }
        let Some((value, after)) = unquote(after_equals) else { return pairs };
        pairs.push((first, Some(value)));
        rest = after;
    }
}

/// Reads one quoted word, and returns it with what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('\'')?;
    let mut word = String::new();
    loop {
        let end = rest.find('\'')?;
        word.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        let escaped = rest.strip_prefix('\\').and_then(|after| {
            let character = after.chars().next().filter(|character| matches!(character, '\'' | '!'))?;
            Some((character, after[1..].strip_prefix('\'')?))
        });
        match escaped {
            Some((character, after)) => {
                word.push(character);
                rest = after;
            }
            None => return Some((word, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str, value: &str) -> (String, Option<String>) {
        (key.to_owned(), Some(value.to_owned()))
    }

    #[test]
    fn both_forms_of_git_c_are_read() {
        assert_eq!(parse_parameters("'a.b=c d' 'e.f=g=h'"), [pair("a.b", "c d"), pair("e.f", "g=h")]);
        assert_eq!(
            parse_parameters("'a.b'='c d' 'e.x=y.f'='g' 'h.i'="),
            [pair("a.b", "c d"), pair("e.x=y.f", "g"), ("h.i".to_owned(), None)]
        );
        assert_eq!(parse_parameters("'a.flag'"), [("a.flag".to_owned(), None)]);
    }

    #[test]
    fn quotes_inside_a_value_come_back() {
        assert_eq!(parse_parameters(r"'a.b'='it'\''s'\!''"), [pair("a.b", "it's!")]);
    }

    #[test]
    fn a_broken_variable_counts_up_to_where_it_is_broken() {
        assert_eq!(parse_parameters("'a.b'='c' 'd.e'='f"), [pair("a.b", "c")]);
        assert_eq!(parse_parameters(""), []);
    }
}
