//! `git claudedo push`: send this machine's records to a remote.

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use crate::git::{PushEnd, PushWish};
use crate::remote::{self, PushReport};
use crate::ui::Format;
use crate::ui::safe::safe;

/// How much of a commit's id is shown.
const ID_CHARACTERS: usize = 10;

/// Push this machine's records
///
/// Sends the records of the runs on this machine to a remote, where others can
/// fetch them. They hold every prompt and all that the agents printed, word for
/// word. Nothing else is pushed, and nothing of others is replaced. To have it
/// done after each push of yours: git config claudedo.push records
#[derive(Debug, Args)]
pub(crate) struct PushArguments {
    /// Remote or address; by default the one that git push takes
    remote: Option<String>,
    /// Say what would be pushed
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// The answer in JSON.
#[derive(Debug, Serialize)]
struct PushJson<'a> {
    remote: &'a str,
    #[serde(rename = "ref")]
    name: Option<&'a str>,
    commit: Option<String>,
    /// `nothing`, `pushed`, `up_to_date`, `refused` or `unknown`.
    result: &'static str,
    dry_run: bool,
    reason: Option<&'a str>,
}

pub(crate) fn run(args: &PushArguments, context: &Context) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let remote = match &args.remote {
        Some(remote) => remote.clone(),
        None => repository.default_remote()?,
    };
    let wish = if args.dry_run { PushWish::Try } else { PushWish::Push };
    let report = remote::push_records(repository, &context.state()?, &remote, wish)?;
    let label = remote::label(&remote);
    let label = safe(&label);
    match context.ui.format() {
        Format::Json => context.ui.json(&json(&label, report.as_ref(), args)),
        Format::Text => tell(&label, report.as_ref(), args, context),
    }
    match report.map(|report| report.end) {
        None | Some(PushEnd::Pushed | PushEnd::UpToDate) => Ok(()),
        Some(PushEnd::Refused { reason }) => Err(CommandError::new(
            ErrorKind::Negative,
            format!("{label} did not take the records: {reason}"),
        )
        .hint("The remote has records under the same name that are not from here, or forbids the ref or what is done to it.")),
        Some(PushEnd::Unknown { reason }) => {
            Err(CommandError::fatal(format!("The records did not reach {label}: {reason}"))
                .hint(format!("Nothing is lost. To try again: git claudedo push {label}")))
        }
    }
}

fn tell(label: &str, report: Option<&PushReport>, args: &PushArguments, context: &Context) {
    let Some(report) = report else {
        context.ui.status(format_args!("Nothing is recorded here yet, so there is nothing to push"));
        return;
    };
    let commit: String = report.commit.to_string().chars().take(ID_CHARACTERS).collect();
    let name = &report.name;
    match (&report.end, args.dry_run) {
        (PushEnd::Pushed, true) => {
            context.ui.answer(format_args!("Would push {name} at {commit} to {label}"));
        }
        (PushEnd::Pushed, false) => context.ui.answer(format_args!("Pushed {name} at {commit} to {label}")),
        (PushEnd::UpToDate, _) => {
            context.ui.answer(format_args!("{label} has {name} at {commit} already"));
        }
        (PushEnd::Refused { .. } | PushEnd::Unknown { .. }, _) => {}
    }
}

fn json<'a>(remote: &'a str, report: Option<&'a PushReport>, args: &PushArguments) -> PushJson<'a> {
    let (result, reason) = match report.map(|report| &report.end) {
        None => ("nothing", None),
        Some(PushEnd::Pushed) => ("pushed", None),
        Some(PushEnd::UpToDate) => ("up_to_date", None),
        Some(PushEnd::Refused { reason }) => ("refused", Some(reason.as_str())),
        Some(PushEnd::Unknown { reason }) => ("unknown", Some(reason.as_str())),
    };
    PushJson {
        remote,
        name: report.map(|report| report.name.as_str()),
        commit: report.map(|report| report.commit.to_string()),
        result,
        dry_run: args.dry_run,
        reason,
    }
}
