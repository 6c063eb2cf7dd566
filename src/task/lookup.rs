//! Finding a task by any unique part of its id.

use super::id::TaskId;
use super::suggestion::closest;

/// How many candidates an error names; more are noise.
const NAMED_MAX: usize = 10;

/// Why a part of an id does not name one task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No id contains the part.
    #[error("find task {part:?}{}", suggested(suggestions))]
    NotFound {
        /// What was given.
        part: String,
        /// Ids that look alike; may be empty.
        suggestions: Vec<TaskId>,
    },
    /// More than one id contains the part.
    #[error("find task {part:?}: it fits {count} tasks: {}", named(matches, *count))]
    Ambiguous {
        /// What was given.
        part: String,
        /// How many ids contain it.
        count: usize,
        /// The first of them, at most ten.
        matches: Vec<TaskId>,
    },
}

/// Returns the one id that is `part`, or else the one that contains it.
pub fn resolve<'a>(part: &str, ids: impl IntoIterator<Item = &'a TaskId>) -> Result<TaskId, LookupError> {
    let ids: Vec<&TaskId> = ids.into_iter().collect();
    if let Some(id) = ids.iter().find(|id| id.as_str() == part) {
        return Ok((*id).clone());
    }
    let mut matches: Vec<&TaskId> =
        ids.iter().filter(|id| !part.is_empty() && id.as_str().contains(part)).copied().collect();
    match matches.as_slice() {
        [] => Err(LookupError::NotFound { part: part.to_owned(), suggestions: suggestions(part, &ids) }),
        [id] => Ok((*id).clone()),
        _ => {
            matches.sort();
            let count = matches.len();
            let matches = matches.into_iter().take(NAMED_MAX).cloned().collect();
            Err(LookupError::Ambiguous { part: part.to_owned(), count, matches })
        }
    }
}

/// Returns ids that are nearly the part, also when it lacks the random end.
fn suggestions(part: &str, ids: &[&TaskId]) -> Vec<TaskId> {
    let near = |id: &&&TaskId| {
        let slug = id.as_str().rsplit_once('-').map_or(id.as_str(), |(slug, _)| slug);
        closest(part, [id.as_str(), slug]).is_some()
    };
    ids.iter().filter(near).take(3).map(|id| (*id).clone()).collect()
}

fn suggested(suggestions: &[TaskId]) -> String {
    match suggestions {
        [] => ": there is no such task; `git claudedo list` shows them".to_owned(),
        _ => format!(": there is no such task; did you mean {}", named(suggestions, suggestions.len())),
    }
}

fn named(ids: &[TaskId], count: usize) -> String {
    let names: Vec<&str> = ids.iter().map(TaskId::as_str).collect();
    let more = if count > ids.len() { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(texts: &[&str]) -> Vec<TaskId> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn an_exact_id_wins_over_ids_that_contain_it() {
        let ids = ids(&["fix", "fix-login-7k3f"]);
        assert_eq!(resolve("fix", &ids).unwrap().as_str(), "fix");
        assert_eq!(resolve("7k3", &ids).unwrap().as_str(), "fix-login-7k3f");
    }

    #[test]
    fn a_part_of_two_ids_names_both() {
        let ids = ids(&["fix-b-22", "fix-a-11"]);
        let text = resolve("fix", &ids).unwrap_err().to_string();
        insta::assert_snapshot!(text, @r#"find task "fix": it fits 2 tasks: fix-a-11, fix-b-22"#);
    }

    #[test]
    fn an_unknown_part_brings_up_what_looks_alike() {
        let ids = ids(&["fix-login-7k3f", "other-9c2m"]);
        let text = resolve("fix-lgoin", &ids).unwrap_err().to_string();
        insta::assert_snapshot!(text, @r#"find task "fix-lgoin": there is no such task; did you mean fix-login-7k3f"#);
        let text = resolve("", &ids).unwrap_err().to_string();
        insta::assert_snapshot!(text, @r#"find task "": there is no such task; `git claudedo list` shows them"#);
    }
}
