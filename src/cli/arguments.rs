//! The words of the command line: the one definition behind parser, help and completions.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    add, approve, cancel, completions, config, continuation, demo, diff, doctor, edit, events, hooks, init,
    list, logs, man, prune, push, restore, retry, rm, run, service, show, snapshots, status, watch,
};

/// The widest line of the help.
const HELP_WIDTH_MAX: usize = 100;

/// Queue tasks for Claude Code and run them in worktrees
///
/// A task is a file under .claudedo/tasks. Claude Code does it, headless, on a
/// branch and in a worktree of its own, several at a time. What was asked,
/// done and paid is kept as plain files under refs/claudedo/.
///
/// Start with `git claudedo add "Fix the login redirect"` and `git claudedo run`.
#[derive(Debug, Parser)]
#[command(
    name = "git-claudedo",
    bin_name = "git claudedo",
    version,
    max_term_width = HELP_WIDTH_MAX,
    disable_help_subcommand = true,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct GlobalArguments {
    /// Run as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) start: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print errors and the answer only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(crate) color: ColorWish,
    /// Print without a pager
    #[arg(long, global = true)]
    pub(crate) no_pager: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWish {
    /// As git's configuration says, else on a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::InitArguments),
    Add(Box<add::AddArguments>),
    #[command(visible_alias = "ls")]
    List(list::ListArguments),
    Show(show::ShowArguments),
    Status(status::StatusArguments),
    Edit(edit::EditArguments),
    Rm(rm::RmArguments),
    Run(run::RunArguments),
    Approve(approve::ApproveArguments),
    Watch(watch::WatchArguments),
    Cancel(cancel::CancelArguments),
    Retry(retry::RetryArguments),
    Continue(continuation::ContinueArguments),
    Logs(logs::LogsArguments),
    Diff(diff::DiffArguments),
    Snapshots(snapshots::SnapshotsArguments),
    Restore(restore::RestoreArguments),
    Events(events::EventsArguments),
    Push(push::PushArguments),
    Prune(prune::PruneArguments),
    Hooks(hooks::HooksArguments),
    Config(config::ConfigArguments),
    Service(service::ServiceArguments),
    Doctor(doctor::DoctorArguments),
    Demo(demo::DemoArguments),
    Completions(completions::CompletionsArguments),
    Man(man::ManArguments),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_holds_together() {
        Arguments::command().debug_assert();
    }
}
