//! `git claudedo status`: what is going on, and what wants a person, on one screen.
//!
//! [`gather`] finds out and returns a value; [`text`], [`porcelain`] and [`json`] print it. What only a person
//! reads is found out for a person only, so that a shell prompt can ask with every line.

mod gather;
mod json;
mod parts;
mod porcelain;
mod running;
mod surroundings;
mod text;

use clap::{Args, ValueEnum};
use gather::Status;
use json::StatusJson;
use running::{Depth, Details};
use text::Screen;

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use crate::ui::Format;

/// Show what is going on and what wants attention
///
/// Tells of the runner, what runs, what is next, what is held and why, and
/// what is finished and waits for a review: tasks that are done, whose branch
/// is there and not merged into HEAD. Each part names the next command; with
/// `advice.statusHints` set to false none does. Changes nothing, and takes no
/// lock that anybody would wait for.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct StatusArguments {
    /// Show every task of a part, and the disk used
    #[arg(short, long)]
    verbose: bool,
    /// Print counts for scripts and prompts, in a form that stays
    #[arg(
        long,
        value_name = "VERSION",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "v1",
        conflicts_with_all = ["verbose", "json"],
    )]
    porcelain: Option<PorcelainVersion>,
    /// End lines with NUL instead of a line feed
    #[arg(short = 'z', long, requires = "porcelain")]
    null: bool,
    /// Exit with 1 when something wants attention
    #[arg(long)]
    exit_code: bool,
}

/// A form of `--porcelain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PorcelainVersion {
    V1,
}

pub(crate) fn run(args: &StatusArguments, context: &Context) -> Result<(), CommandError> {
    let overview = context.overview()?;
    let status = Status::gather(context, &overview)?;
    match args.porcelain {
        Some(PorcelainVersion::V1) => {
            let lines = porcelain::lines(&status, if args.null { '\0' } else { '\n' });
            context.ui.write_exactly(lines.as_bytes());
        }
        None => show(args, context, &status)?,
    }
    if args.exit_code && status.attention() > 0 {
        return Err(CommandError::silent(ErrorKind::Negative));
    }
    Ok(())
}

fn show(args: &StatusArguments, context: &Context, status: &Status<'_>) -> Result<(), CommandError> {
    let depth = if args.verbose { Depth::Full } else { Depth::Quick };
    let details = Details::gather(context, status, depth)?;
    match context.ui.format() {
        Format::Json => context.ui.json(&StatusJson::of(status, &details)),
        Format::Text => {
            let text = Screen::new(context, depth)?.render(status, &details);
            context.ui.write_answer(|out| out.write_all(text.as_bytes()));
        }
    }
    Ok(())
}
