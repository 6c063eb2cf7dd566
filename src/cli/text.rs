//! Longer texts: from an option, a file, standard input or an editor, as `git commit` takes them.

use std::ffi::OsString;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use crate::os::fs::FileError;
use crate::os::{env, fs, process};
use crate::task::FILE_BYTES_MAX;

/// What stands below this line of an edited text is not part of it. Lines that begin with `#` are
/// headings of Markdown and stay, so git's other kind of comment would not do (git-commit(1), `scissors`).
const SCISSORS: &str = "# ------------------------ >8 ------------------------";

/// Where a text comes from.
#[derive(Debug, Default, Args)]
pub(crate) struct TextArguments {
    /// Text; several are paragraphs
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) message: Vec<String>,
    /// Read the text from FILE, or - for standard input
    #[arg(short = 'F', long, value_name = "FILE", conflicts_with = "message")]
    pub(crate) file: Option<PathBuf>,
    /// Write the text in an editor
    #[arg(short, long)]
    pub(crate) edit: bool,
}

impl TextArguments {
    /// Loads the text of `--message` or `--file`, or returns `None` when neither was given.
    pub(crate) fn load(&self) -> Result<Option<String>, CommandError> {
        match &self.file {
            Some(path) if path == Path::new("-") => load_standard_input().map(Some),
            Some(path) => load_file(path).map(Some),
            None if self.message.is_empty() => Ok(None),
            None => Ok(Some(self.message.join("\n\n"))),
        }
    }
}

/// Reads standard input to its end, at most as much as a task's file may hold.
pub(crate) fn load_standard_input() -> Result<String, CommandError> {
    if std::io::stdin().is_terminal() {
        return Err(CommandError::new(
            ErrorKind::Usage,
            "Standard input is a terminal and has no text to read.",
        )
        .hint("`--edit` opens an editor."));
    }
    load_text(std::io::stdin().lock(), Path::new("standard input"))
}

/// Reads a text file, at most as much as a task's file may hold.
pub(crate) fn load_file(path: &Path) -> Result<String, CommandError> {
    let file = std::fs::File::open(path).map_err(FileError::on("open", path))?;
    load_text(file, path)
}

/// Lets a person edit a text and returns it without what stands below the scissors.
///
/// `None` when it is blank. `help` is shown below the scissors.
pub(crate) fn edit(context: &Context, text: &str, help: &str) -> Result<Option<String>, CommandError> {
    let comment = help.replace('\n', "\n# ");
    let path = editing_path(context, "EDIT.md")?;
    let template = format!("{text}\n\n{SCISSORS}\n# Everything below this line is left out.\n# {comment}\n");
    fs::write_private(&path, template.as_bytes())?;
    run_editor(context, &path)?;
    let edited = load_file(&path)?;
    fs::remove_file(&path)?;
    let kept = edited.split_once(SCISSORS).map_or(edited.as_str(), |(kept, _)| kept).trim();
    Ok((!kept.is_empty()).then(|| kept.to_owned()))
}

/// Returns the path of a file to edit, in this clone's own folder, where no agent can reach it.
pub(crate) fn editing_path(context: &Context, name: &str) -> Result<PathBuf, CommandError> {
    let folder = context.state()?.path().join("edit");
    fs::create_private_directory(&folder)?;
    Ok(folder.join(name))
}

/// Opens a file in the user's editor, chosen as git chooses it (git-var(1), `GIT_EDITOR`), and waits.
pub(crate) fn run_editor(context: &Context, path: &Path) -> Result<(), CommandError> {
    let editor = editor(context)?;
    let words: [OsString; 4] =
        ["-c".into(), format!("{editor} \"$@\"").into(), editor.clone().into(), path.into()];
    context.ui.finish();
    let status = process::run_attached(Path::new("sh"), &words, context.start())
        .map_err(|error| CommandError::fatal(format!("Could not start the editor {editor}: {error}.")))?;
    if status.success() {
        return Ok(());
    }
    Err(CommandError::fatal(format!(
        "The editor {editor} ended with an error ({status}); nothing was changed."
    ))
    .hint(format!("What it wrote is kept in {}", path.display())))
}

fn editor(context: &Context) -> Result<String, CommandError> {
    let dumb = env::variable("TERM").is_none_or(|terminal| terminal == "dumb");
    let configured = context.git_setting("core", "editor")?;
    let visual = env::variable("VISUAL").filter(|_| !dumb);
    let chosen = env::variable("GIT_EDITOR").or(configured).or(visual).or_else(|| env::variable("EDITOR"));
    match chosen.filter(|editor| !editor.is_empty()) {
        Some(editor) => Ok(editor),
        None if dumb => Err(CommandError::fatal("The terminal is dumb and no editor is set.")
            .hint("Set EDITOR, or give the text with --message or --file.")),
        None => Ok("vi".to_owned()),
    }
}

fn load_text(input: impl Read, path: &Path) -> Result<String, CommandError> {
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    input.take(limit).read_to_end(&mut bytes).map_err(FileError::on("read", path))?;
    if bytes.len() > FILE_BYTES_MAX {
        let kibibytes = FILE_BYTES_MAX / 1024;
        return Err(CommandError::fatal(format!("{} has more than {kibibytes} KiB.", path.display()))
            .hint("Put the long part into a file of the repository and name it in the text."));
    }
    String::from_utf8(bytes)
        .map_err(|error| CommandError::fatal(format!("{} is not UTF-8: {error}.", path.display())))
}
