//! Reads an agent file: Markdown whose front matter says who the agent is and whose text is its prompt.
//!
//! The form is that of Claude Code's own `.claude/agents/*.md`. It is turned into the JSON that `--agents`
//! takes, because a file inside the repository would only be found under that one folder. Parsing
//! alone happens here; the caller reads the file.

use std::path::{Path, PathBuf};

use serde_json::{Map, json};
use serde_yaml::{Mapping, Value};

/// The largest agent file in bytes. The prompt is sent with every request; more is a mistake.
pub const DEFINITION_BYTES_MAX: usize = 1 << 20;

/// The longest name in bytes; it is shown, and passed as an argument.
const NAME_BYTES_MAX: usize = 64;

/// An agent, as its file defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentDefinition {
    /// What it is called: letters, digits, hyphens and underscores.
    pub name: String,
    /// When to use it.
    pub description: String,
    /// Its system prompt.
    pub prompt: String,
    /// The model it wants.
    pub model: Option<String>,
    /// The tools it may use; all when absent.
    pub tools: Option<Vec<String>>,
    /// The tools it may not use.
    pub disallowed_tools: Option<Vec<String>>,
    /// What else the front matter holds, and what is not passed on.
    pub ignored: Vec<String>,
}

/// What is wrong with an agent file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read agent file {}, line {line}: {problem}", path.display())]
pub struct DefinitionError {
    /// Which file.
    pub path: PathBuf,
    /// Which line, counted from 1.
    pub line: usize,
    /// What is wrong and how to mend it.
    pub problem: String,
}

impl AgentDefinition {
    /// Reads an agent file's text.
    pub fn parse(path: &Path, text: &str) -> Result<Self, DefinitionError> {
        let fail = |line: usize, problem: String| DefinitionError { path: path.to_owned(), line, problem };
        if text.len() > DEFINITION_BYTES_MAX {
            return Err(fail(1, format!("it is longer than {DEFINITION_BYTES_MAX} bytes; shorten it")));
        }
        let (front, prompt) = split(text).map_err(|(line, problem)| fail(line, problem.to_owned()))?;
        let mut front = FrontMatter::parse(front).map_err(|(line, problem)| fail(line, problem))?;
        let mut read = || {
            Ok(Self {
                name: front.take_name()?,
                description: front.take_text("description")?.ok_or_else(|| front.lacks_description())?,
                prompt: prompt.trim().to_owned(),
                model: front.take_text("model")?,
                tools: front.take_tools("tools")?,
                disallowed_tools: front.take_tools("disallowedTools")?,
                ignored: front.rest(),
            })
        };
        let definition = read().map_err(|(line, problem)| fail(line, problem))?;
        if definition.prompt.is_empty() {
            let line = text.lines().count();
            return Err(fail(line, "there is no prompt; write it below the front matter".to_owned()));
        }
        Ok(definition)
    }

    /// Returns the JSON object that `--agents` takes, with this agent alone.
    pub fn to_agents_json(&self) -> String {
        let mut agent = Map::new();
        agent.insert("description".to_owned(), json!(self.description));
        agent.insert("prompt".to_owned(), json!(self.prompt));
        let optional = [
            ("model", self.model.as_ref().map(|model| json!(model))),
            ("tools", self.tools.as_ref().map(|tools| json!(tools))),
            ("disallowedTools", self.disallowed_tools.as_ref().map(|tools| json!(tools))),
        ];
        agent.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        json!({ self.name.as_str(): agent }).to_string()
    }
}

/// A line of the file and what is wrong in it.
type Problem = (usize, String);

/// The keys between the two lines `---`, taken out one by one.
struct FrontMatter<'a> {
    text: &'a str,
    values: Mapping,
}

impl<'a> FrontMatter<'a> {
    fn parse(text: &'a str) -> Result<Self, Problem> {
        // An empty line stands for the first `---`, so that the parser counts the lines of the file.
        let values = serde_yaml::from_str::<Option<Mapping>>(&format!("\n{text}")).map_err(|error| {
            let line = error.location().map_or(2, |location| location.line());
            (line, format!("the front matter is no YAML of keys and values: {error}"))
        })?;
        Ok(Self { text, values: values.unwrap_or_default() })
    }

    fn take_name(&mut self) -> Result<String, Problem> {
        self.take_text("name")?.filter(|name| is_name(name)).ok_or_else(|| {
            let problem =
                "it needs a name of letters, digits, hyphens and underscores, as in `name: reviewer`";
            (self.line_of("name"), problem.to_owned())
        })
    }

    fn lacks_description(&self) -> Problem {
        let problem = "it needs a `description:` that says when to use the agent";
        (self.line_of("description"), problem.to_owned())
    }

    fn take_text(&mut self, key: &str) -> Result<Option<String>, Problem> {
        match self.values.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Some(_) => Err((self.line_of(key), format!("`{key}` has to be a text; put it in quotes"))),
        }
    }

    fn take_tools(&mut self, key: &str) -> Result<Option<Vec<String>>, Problem> {
        let names = match self.values.remove(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(line)) => Some(split_outside_parentheses(&line)),
            Some(Value::Sequence(names)) => {
                names.into_iter().map(|name| name.as_str().map(str::to_owned)).collect()
            }
            Some(_) => None,
        };
        let names = names.ok_or_else(|| {
            let problem = format!("`{key}` has to be a list of tools, as in `{key}: Read, Grep`");
            (self.line_of(key), problem)
        })?;
        let names = names.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        Ok(Some(names.collect()))
    }

    fn rest(&self) -> Vec<String> {
        self.values.keys().filter_map(|key| key.as_str().map(str::to_owned)).collect()
    }

    /// Returns the line of the file where a key stands, or that of the first key.
    fn line_of(&self, key: &str) -> usize {
        let is_key =
            |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'));
        self.text.lines().position(is_key).map_or(2, |index| index + 2)
    }
}

/// Splits at commas, but not at those inside of `Bash(git add, git commit)`.
fn split_outside_parentheses(line: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut depth = 0_usize;
    for character in line.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if character == ',' && depth == 0 {
            names.push(String::new());
        } else if let Some(name) = names.last_mut() {
            name.push(character);
        }
    }
    names
}

/// Returns the front matter and what follows it.
fn split(text: &str) -> Result<(&str, &str), (usize, &'static str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_fence = |line: &str| line.trim_end() == "---";
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if !is_fence(first) {
        return Err((
            1,
            "it has no front matter; begin with a line `---`, `name:`, `description:`, and `---` again",
        ));
    }
    let mut end = first.len();
    for line in lines {
        if is_fence(line) {
            return Ok((&text[first.len()..end], &text[end + line.len()..]));
        }
        end += line.len();
    }
    Err((1, "the front matter has no end; close it with a line `---`"))
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<AgentDefinition, String> {
        AgentDefinition::parse(Path::new("agents/a.md"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn an_agent_file_becomes_what_the_option_takes() {
        let text = "---\r\nname: reviewer\r\ndescription: Reviews changes\r\ntools: Read, Bash(git diff, git log), Grep\r\nmodel: haiku\r\ncolor: red\r\n---\r\n\r\nYou review.\n---\nBe kind.\n";
        let agent = parse(text).unwrap();
        assert_eq!(agent.ignored, ["color"]);
        insta::assert_snapshot!(
            agent.to_agents_json(),
            @r#"{"reviewer":{"description":"Reviews changes","model":"haiku","prompt":"You review.\n---\nBe kind.","tools":["Read","Bash(git diff, git log)","Grep"]}}"#
        );
    }

    #[test]
    fn tools_may_be_a_list_and_absent_ones_mean_all() {
        let tools =
            |line: &str| parse(&format!("---\nname: a\ndescription: b\n{line}---\nPrompt")).unwrap().tools;
        assert_eq!(tools("tools: [Read, Edit]\n"), Some(vec!["Read".to_owned(), "Edit".to_owned()]));
        assert_eq!(tools(""), None);
    }

    #[test]
    fn errors_name_file_line_and_cure() {
        let error = |text: &str| parse(text).unwrap_err();
        insta::assert_snapshot!(
            [
                error("You review."),
                error("---\nname: a\n"),
                error("---\nname: a\ndescription: [b\n---\nPrompt"),
                error("---\nname: a\ndescription: b\ntools: 3\n---\nPrompt"),
                error("---\nname: a b\ndescription: b\n---\nPrompt"),
                error("---\nname: a\n---\nPrompt"),
                error("---\nname: a\ndescription: b\n---\n \n"),
                error("---\n---\nPrompt"),
            ]
            .join("\n"),
            @"
        read agent file agents/a.md, line 1: it has no front matter; begin with a line `---`, `name:`, `description:`, and `---` again
        read agent file agents/a.md, line 1: the front matter has no end; close it with a line `---`
        read agent file agents/a.md, line 4: the front matter is no YAML of keys and values: did not find expected ',' or ']' at line 4 column 1, while parsing a flow sequence at line 3 column 14
        read agent file agents/a.md, line 4: `tools` has to be a list of tools, as in `tools: Read, Grep`
        read agent file agents/a.md, line 2: it needs a name of letters, digits, hyphens and underscores, as in `name: reviewer`
        read agent file agents/a.md, line 2: it needs a `description:` that says when to use the agent
        read agent file agents/a.md, line 5: there is no prompt; write it below the front matter
        read agent file agents/a.md, line 2: it needs a name of letters, digits, hyphens and underscores, as in `name: reviewer`
        "
        );
    }
}
