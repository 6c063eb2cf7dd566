//! What the demo agent is asked to do: the `demo:` lines of its prompt.
//!
//! A prompt without such lines is an ordinary task, so it gets an ordinary answer: a note named after its
//! title, or, in a resumed session, one more line in a file of notes. A line that cannot be read is an error rather than skipped, because a demonstration that silently
//! does less than it was told shows nothing.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::Session;

/// Where a resumed session notes what it was asked.
const FOLLOW_UPS: &str = "follow-ups.md";

/// The longest `demo: wait`: a mistyped unit should not hold a slot for a day.
const WAIT_SECONDS_MAX: u64 = 600;

/// The longest name of a note, before its extension: readable in a list of files.
const NOTE_NAME_CHARACTERS_MAX: usize = 48;

/// What a step line may say, for the error about one that does not.
const STEPS: &str = "write FILE TEXT, append FILE TEXT, say TEXT, wait 800ms, fail-once, fail REASON";

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Write {
        path: PathBuf,
        text: String,
    },
    Append {
        path: PathBuf,
        text: String,
    },
    Say(String),
    Wait(Duration),
    /// Fails in a fresh session and does nothing in a resumed one.
    FailOnce,
    Fail(String),
}

/// Why a `demo:` line, or the whole prompt, cannot be followed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ScriptError {
    #[error("the prompt is empty")]
    Empty,
    #[error("demo step {line:?} cannot be read; the steps are: {STEPS}")]
    Unknown { line: String },
    #[error("demo step {line:?} names a path outside the worktree, or in .git")]
    Path { line: String },
}

/// Returns the steps that the prompt asks for; where it names none, those of an ordinary task.
pub(super) fn steps(prompt: &str, session: &Session) -> Result<Vec<Step>, ScriptError> {
    let lines: Vec<&str> = prompt.lines().filter_map(|line| line.trim().strip_prefix("demo:")).collect();
    if lines.is_empty() {
        let title = prompt.lines().map(str::trim).find(|line| !line.is_empty()).ok_or(ScriptError::Empty)?;
        return Ok(vec![match session {
            Session::Fresh(_) => note(title, prompt),
            Session::Resumed(_) => Step::Append { path: FOLLOW_UPS.into(), text: format!("- {title}\n") },
        }]);
    }
    lines.into_iter().map(|line| step(line.trim())).collect()
}

fn note(title: &str, prompt: &str) -> Step {
    let path = PathBuf::from(format!("{}.md", file_name(title)));
    let body = prompt.trim().strip_prefix(title).unwrap_or_default().trim();
    let text = if body.is_empty() { format!("# {title}\n") } else { format!("# {title}\n\n{body}\n") };
    Step::Write { path, text }
}

fn step(line: &str) -> Result<Step, ScriptError> {
    let unknown = || ScriptError::Unknown { line: line.to_owned() };
    let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match verb {
        "write" => file(line, rest).map(|(path, text)| Step::Write { path, text }),
        "append" => file(line, rest).map(|(path, text)| Step::Append { path, text }),
        "say" if !rest.is_empty() => Ok(Step::Say(rest.to_owned())),
        "wait" => duration(rest).map(Step::Wait).ok_or_else(unknown),
        "fail-once" => Ok(Step::FailOnce),
        "fail" if rest.is_empty() => Ok(Step::Fail("The demo agent was told to fail.".to_owned())),
        "fail" => Ok(Step::Fail(rest.to_owned())),
        _ => Err(unknown()),
    }
}

/// Reads `FILE TEXT`, where `\n` in the text is a line break.
fn file(line: &str, rest: &str) -> Result<(PathBuf, String), ScriptError> {
    let (path, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if path.is_empty() {
        return Err(ScriptError::Unknown { line: line.to_owned() });
    }
    let path = Path::new(path);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    let in_git = path.components().next().is_some_and(|part| part.as_os_str().eq_ignore_ascii_case(".git"));
    if !inside || in_git {
        return Err(ScriptError::Path { line: line.to_owned() });
    }
    Ok((path.to_owned(), format!("{}\n", text.trim().replace("\\n", "\n"))))
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let duration = match &text[digits.len()..] {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        _ => return None,
    };
    (duration <= Duration::from_secs(WAIT_SECONDS_MAX)).then_some(duration)
}

fn file_name(title: &str) -> String {
    let mut name = String::new();
    for character in title.chars().flat_map(char::to_lowercase).take(NOTE_NAME_CHARACTERS_MAX) {
        if character.is_alphanumeric() {
            name.push(character);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "note".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(prompt: &str) -> Result<Vec<Step>, ScriptError> {
        super::steps(prompt, &Session::Fresh("s1".to_owned()))
    }

    #[test]
    fn a_follow_up_is_noted_rather_than_answered_with_a_new_file() {
        let session = Session::Resumed("s1".to_owned());
        let expected = Step::Append { path: FOLLOW_UPS.into(), text: "- Also on /settings\n".into() };
        assert_eq!(super::steps("Also on /settings\n\nmore", &session).unwrap(), [expected]);
    }

    #[test]
    fn every_step_has_a_line() {
        let prompt = "Title\n\ndemo: write a/b.txt one\\ntwo\n demo: append b.txt x\ndemo: say hello there\n\
            demo: wait 800ms\ndemo: fail-once\ndemo: fail no luck\n";
        assert_eq!(
            steps(prompt).unwrap(),
            [
                Step::Write { path: "a/b.txt".into(), text: "one\ntwo\n".into() },
                Step::Append { path: "b.txt".into(), text: "x\n".into() },
                Step::Say("hello there".into()),
                Step::Wait(Duration::from_millis(800)),
                Step::FailOnce,
                Step::Fail("no luck".into()),
            ]
        );
    }

    #[test]
    fn an_ordinary_task_becomes_a_note_named_after_its_title() {
        let expected = Step::Write {
            path: "fix-the-login-redirect.md".into(),
            text: "# Fix the login redirect!\n\nAfter SSO.\n".into(),
        };
        assert_eq!(steps("\nFix the login redirect!\n\nAfter SSO.\n").unwrap(), [expected]);
    }

    #[test]
    fn a_title_without_letters_still_names_a_file() {
        let expected = Step::Write { path: "note.md".into(), text: "# ???\n".into() };
        assert_eq!(steps("???").unwrap(), [expected]);
    }

    #[test]
    fn no_path_leaves_the_worktree_or_enters_git() {
        for path in ["/etc/x", "../x", "a/../../x", ".git/config", ".GIT/config"] {
            let error = steps(&format!("demo: write {path} x")).unwrap_err();
            assert!(matches!(error, ScriptError::Path { .. }), "{path}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_an_error() {
        for line in ["dance", "write", "wait soon", "wait 5", "wait 9999999s", "say"] {
            let error = steps(&format!("demo: {line}")).unwrap_err();
            assert_eq!(error, ScriptError::Unknown { line: line.to_owned() });
        }
        assert_eq!(steps(" \n").unwrap_err(), ScriptError::Empty);
    }
}
