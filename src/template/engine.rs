//! Templates: which there are, where their text is from, and rendering within limits.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

/// The most steps that rendering may take. A repository's template is not trusted to end.
const FUEL: u64 = 200_000;

/// The longest text that a template may render to: four times the largest task file.
const RENDERED_BYTES_MAX: usize = 256 * 1024;

/// A template, by the name of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateName {
    /// What the agent is asked.
    Prompt,
    /// Subject and body of the commit.
    CommitMessage,
}

/// The text of a template and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// The one that comes with the program.
    BuiltIn(TemplateName),
    /// A repository's own.
    Custom {
        /// Its file, for messages.
        path: PathBuf,
        /// Its text.
        text: String,
    },
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The template is wrong, or asks for something that is not there.
    #[error("use template {}:{line}: {problem}; the values are: {values}", path.display())]
    Wrong {
        /// The template's file.
        path: PathBuf,
        /// The line in it, counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
        /// What a template may use.
        values: &'static str,
    },
    /// The template renders to too long a text.
    #[error("use template {}: it makes more than {RENDERED_BYTES_MAX} bytes", path.display())]
    TooLong {
        /// The template's file.
        path: PathBuf,
    },
    /// The template renders to nothing.
    #[error("use template {}: it makes no text", path.display())]
    Empty {
        /// The template's file.
        path: PathBuf,
    },
}

impl TemplateName {
    /// All templates.
    pub const ALL: [Self; 2] = [Self::Prompt, Self::CommitMessage];

    /// Returns the file's name under `.claudedo/templates/`.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt.md.j2",
            Self::CommitMessage => "commit-message.j2",
        }
    }

    /// Returns the text that comes with the program.
    pub fn built_in_text(self) -> &'static str {
        match self {
            Self::Prompt => include_str!("../../templates/prompt.md.j2"),
            Self::CommitMessage => include_str!("../../templates/commit-message.j2"),
        }
    }
}

impl Template {
    /// Renders the template, without blank lines at either end. `values` says in words what there is to use.
    pub(super) fn render(
        &self,
        context: impl Serialize,
        values: &'static str,
    ) -> Result<String, TemplateError> {
        match self {
            Self::BuiltIn(name) => {
                let path = format!("templates/{}", name.file_name());
                render_text(&path, name.built_in_text(), context, values)
            }
            Self::Custom { path, text } => render_text(path, text, context, values),
        }
    }
}

/// Renders the text of a template, without blank lines at either end; `path` is for messages.
pub(super) fn render_text(
    path: impl AsRef<Path>,
    text: &str,
    context: impl Serialize,
    values: &'static str,
) -> Result<String, TemplateError> {
    let path = path.as_ref();
    let environment = environment();
    let context = Value::from(Serde(context));
    let mut rendered = Limited(Vec::new());
    let outcome = environment
        .template_from_str(text)
        .and_then(|template| template.render_captured_to(context, &mut rendered).map(|_| ()));
    if rendered.0.len() > RENDERED_BYTES_MAX {
        return Err(TemplateError::TooLong { path: path.to_owned() });
    }
    outcome.map_err(|error| wrong(path, &error, values))?;
    match String::from_utf8_lossy(&rendered.0).trim() {
        "" => Err(TemplateError::Empty { path: path.to_owned() }),
        text => Ok(text.to_owned()),
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_fuel(Some(FUEL));
    environment
}

fn wrong(path: &Path, error: &minijinja::Error, values: &'static str) -> TemplateError {
    let problem = error
        .detail()
        .map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
    TemplateError::Wrong { path: path.to_owned(), line: error.line().unwrap_or(1), problem, values }
}

/// Takes one byte more than the limit, then refuses.
struct Limited(Vec<u8>);

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = (RENDERED_BYTES_MAX + 1).saturating_sub(self.0.len());
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if room < bytes.len() { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
