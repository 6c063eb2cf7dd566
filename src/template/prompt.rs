//! What the agent is asked: the task as Markdown, and the words for a further try.

use serde::Serialize;

use super::engine::{Template, TemplateError};
use crate::task::{TaskFile, Text};

/// The most characters of an error that a retry repeats. The agent's own session has the rest.
const ERROR_CHARACTERS_MAX: usize = 4_000;

/// What a prompt template may use.
const VALUES: &str = "title, description (trimmed, or empty), subtasks (each with title and completed)";

#[derive(Serialize)]
struct PromptValues<'a> {
    title: &'a str,
    description: &'a str,
    subtasks: Vec<SubtaskValues<'a>>,
}

#[derive(Serialize)]
struct SubtaskValues<'a> {
    title: &'a str,
    completed: bool,
}

/// Returns the prompt of a task's first run.
///
/// It never starts with `/`, nor does what remains of it after trimming: Claude Code 2.1.330 would take
/// it for one of its own commands and never ask the model.
pub fn prompt(task: &TaskFile, template: &Template) -> Result<String, TemplateError> {
    let subtasks = task.subtasks.iter();
    let values = PromptValues {
        title: task.title.as_str(),
        description: task.description.as_ref().map_or("", Text::as_str).trim(),
        subtasks: subtasks
            .map(|subtask| SubtaskValues { title: subtask.title.as_str(), completed: subtask.completed })
            .collect(),
    };
    let rendered = template.render(values, VALUES)?;
    Ok(if starts_like_a_command(&rendered) { format!("Task: {rendered}") } else { rendered })
}

/// Returns the prompt that sends an agent back to a run that failed.
pub fn retry_prompt(error: &str) -> String {
    let error: String =
        error.trim().chars().filter(|letter| *letter != '\0').take(ERROR_CHARACTERS_MAX).collect();
    format!("The previous attempt failed with: {error} Try again and fix the issues.")
}

/// Returns the prompt of a follow-up: a person's words, made safe as those of a task are.
pub fn follow_up_prompt(text: &str) -> String {
    let text = text.trim();
    if starts_like_a_command(text) { format!("Follow-up: {text}") } else { text.to_owned() }
}

/// Looks past all that any program might trim: white space and marks without width.
fn starts_like_a_command(text: &str) -> bool {
    let is_invisible = |letter: char| {
        letter.is_whitespace()
            || letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    text.trim_start_matches(is_invisible).starts_with('/')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::template::TemplateName;

    fn task(yaml: &str) -> TaskFile {
        TaskFile::parse(Path::new("a.yaml"), yaml.as_bytes()).unwrap()
    }

    fn built_in(yaml: &str) -> String {
        prompt(&task(yaml), &Template::BuiltIn(TemplateName::Prompt)).unwrap()
    }

    fn custom(text: &str) -> Result<String, TemplateError> {
        let path = ".claudedo/templates/prompt.md.j2".into();
        prompt(&task("title: Fix it\n"), &Template::Custom { path, text: text.to_owned() })
    }

    #[test]
    fn a_prompt_is_title_description_and_subtasks_parted_by_blank_lines() {
        let full = "title: Fix the login\ndescription: \"\\n  After SSO <b>.\\n\\n\"\n\
            subtasks: [{title: Add a test, completed: true}, {title: Ship}]\n";
        assert_eq!(
            built_in(full),
            "Fix the login\n\nAfter SSO <b>.\n\n## Sub-Tasks\n\n- [x] Add a test\n- [ ] Ship"
        );
    }

    #[test]
    fn a_part_that_is_absent_leaves_no_gap() {
        assert_eq!(built_in("title: Fix it\n"), "Fix it");
        assert_eq!(built_in("title: Fix it\ndescription: \"  \"\n"), "Fix it");
        assert_eq!(built_in("title: Fix it\nsubtasks: [{title: a}]\n"), "Fix it\n\n## Sub-Tasks\n\n- [ ] a");
        assert_eq!(built_in("title: Fix it\ndescription: why\n"), "Fix it\n\nwhy");
    }

    #[test]
    fn template_signs_in_a_task_are_text() {
        assert_eq!(built_in("title: '{{ title }} {% raw %}'\n"), "{{ title }} {% raw %}");
    }

    #[test]
    fn no_prompt_is_a_command_of_the_agent() {
        assert_eq!(built_in("title: /clear the cache\n"), "Task: /clear the cache");
        assert_eq!(custom("\n  /help {{ title }}").unwrap(), "Task: /help Fix it");
        assert_eq!(custom("\u{feff} \u{200b}/help").unwrap(), "Task: \u{feff} \u{200b}/help");
    }

    #[test]
    fn a_template_that_is_wrong_is_named_with_its_line() {
        let errors = ["{{ title }}\n{{ colour }}", "a\n{% if title %}", "{# nothing #}"]
            .map(|text| custom(text).unwrap_err().to_string());
        insta::assert_snapshot!(errors.join("\n"), @r##"
        use template .claudedo/templates/prompt.md.j2:2: undefined value; the values are: title, description (trimmed, or empty), subtasks (each with title and completed)
        use template .claudedo/templates/prompt.md.j2:2: syntax error: unexpected end of input, expected end of block; the values are: title, description (trimmed, or empty), subtasks (each with title and completed)
        use template .claudedo/templates/prompt.md.j2: it makes no text
        "##);
    }

    #[test]
    fn a_template_that_does_not_end_is_ended() {
        let loops = "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}";
        assert!(matches!(custom(loops), Err(TemplateError::Wrong { .. })));
        let long = "{% for a in range(9999) %}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}";
        assert!(matches!(custom(long), Err(TemplateError::TooLong { .. })));
        for huge in ["{{ 'x' * 1000000000 }}", "{{ [1] * 1000000000 }}", "{{ range(1000000000) | list }}"] {
            assert!(custom(huge).is_err(), "{huge}");
        }
    }

    #[test]
    fn a_retry_says_what_went_wrong_in_the_seeds_words() {
        assert_eq!(
            retry_prompt(" Exit code 1.\n"),
            "The previous attempt failed with: Exit code 1. Try again and fix the issues."
        );
    }
}
