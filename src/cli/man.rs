//! `git claudedo man`: the manual pages, from the same definition as the help.
//!
//! git itself answers `git claudedo --help`: it starts `man git-claudedo` (git-help(1)), so without pages
//! the most natural question of all ends in "No manual entry". The pages are written by the program that
//! they are about, so they are never of another version.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::arguments::Arguments;
use super::context::Context;
use super::error::CommandError;
use crate::os::{env, fs};

/// The part of a folder of manual pages that holds those of commands, man(1).
const SECTION_FOLDER: &str = "man1";

/// An empty date would be left out, and the source take its place in the page's foot (`clap_mangen` 0.3.3).
const NO_DATE: &str = " ";

/// Print or install the manual pages
///
/// Prints the page of the program, or writes those of all commands with
/// `--install`. Then `git claudedo --help` and `git help claudedo` show them.
#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Write the pages to man1 below DIR; below ~/.local/share/man by default
    #[arg(long, value_name = "DIR")]
    #[expect(clippy::option_option, reason = "the option may be absent, or given without a folder")]
    install: Option<Option<PathBuf>>,
}

pub(crate) fn run(args: &ManArguments, context: &Context) -> Result<(), CommandError> {
    let pages = pages()?;
    if let Some(folder) = &args.install {
        return install(&pages, folder.as_deref(), context);
    }
    if let Some(main) = pages.first() {
        context.ui.write_answer(|out| out.write_all(&main.text));
    }
    Ok(())
}

/// One manual page.
struct Page {
    file_name: String,
    text: Vec<u8>,
}

/// Renders the program's page, and after it one for each command.
fn pages() -> Result<Vec<Page>, CommandError> {
    let mut program = Arguments::command();
    program.build();
    let commands = program.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let commands: Vec<clap::Command> = commands.collect();
    std::iter::once(program).chain(commands).map(page).collect()
}

fn page(command: clap::Command) -> Result<Page, CommandError> {
    let man = Man::new(command)
        .date(NO_DATE)
        .source(concat!("git-claudedo ", env!("CARGO_PKG_VERSION")))
        .manual("git-claudedo Manual");
    let mut text = Vec::new();
    man.render(&mut text)?;
    Ok(Page { file_name: man.get_filename(), text })
}

fn install(pages: &[Page], folder: Option<&Path>, context: &Context) -> Result<(), CommandError> {
    let root = match folder {
        Some(folder) => context.start().join(folder),
        None => default_folder()?,
    };
    let section = root.join(SECTION_FOLDER);
    fs::create_directory(&section)?;
    for page in pages {
        fs::write_atomic(&section.join(&page.file_name), &page.text)?;
    }
    context.ui.status(format_args!("Wrote {} manual pages to {}", pages.len(), section.display()));
    // man(1) looks there by itself only when the folder's neighbour `bin` is on the PATH, manpath(5).
    context.ui.hint(format_args!(
        "If `man git-claudedo` does not find them: export MANPATH='{}:'",
        root.display().to_string().replace('\'', r"'\''")
    ));
    Ok(())
}

fn default_folder() -> Result<PathBuf, CommandError> {
    env::data_home().map(|data| data.join("man")).ok_or_else(|| {
        CommandError::fatal("There is no folder for manual pages: neither HOME nor XDG_DATA_HOME is set.")
            .hint("To name one: git claudedo man --install DIR")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_the_program_and_one_for_each_command() {
        let pages = pages().unwrap();
        let names: Vec<&str> = pages.iter().map(|page| page.file_name.as_str()).collect();
        let mut expected = vec!["git-claudedo.1".to_owned()];
        let program = Arguments::command();
        expected.extend(program.get_subcommands().map(|c| format!("git-claudedo-{}.1", c.get_name())));
        assert_eq!(names, expected);
        for page in &pages {
            let text = String::from_utf8_lossy(&page.text);
            let name = page.file_name.trim_end_matches(".1").replace('-', r"\-");
            // whatis(1) and `git help --all` read this line.
            assert!(text.contains(&format!("\n.SH NAME\n{name} \\- ")), "{text}");
        }
    }
}
