//! `git claudedo diff`: what a task's branch changed.

use clap::Args;

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use super::live::live_run;
use super::snapshots::{named, repository_of};
use crate::git::{BranchName, GitProgram};
use crate::store::snapshots::TaskSnapshot;
use crate::task::TaskId;

/// Show what a task changed
///
/// Shows the difference between where the task's branch began and its tip, or
/// one of the task's snapshots, through `git diff`, with its pager and colours.
#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// Task; a unique part of the id is enough. With @N, its snapshot N
    #[arg(value_name = "TASK[@N]")]
    task: String,
    /// Show a summary of the files
    #[arg(long)]
    stat: bool,
    /// Options and paths for git diff
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

/// The two ends of a difference.
struct Range {
    base: String,
    tip: String,
}

pub(crate) fn run(args: &DiffArguments, context: &Context) -> Result<(), CommandError> {
    let (range, repository) = if args.task.contains('@') {
        let snapshot = named(&args.task, context)?;
        (of_snapshot(&snapshot, context)?, repository_of(&snapshot.task, context)?)
    } else {
        (range(&context.resolve(&args.task)?, context)?, context.repository()?.clone())
    };
    let mut words: Vec<&str> = Vec::new();
    if context.forbids_pager() {
        words.push("--no-pager");
    }
    words.push("diff");
    words.extend(color_option(context));
    if args.stat {
        words.push("--stat");
    }
    let (options, paths) = split_paths(&args.arguments);
    words.extend(options);
    words.extend([range.base.as_str(), range.tip.as_str(), "--"]);
    words.extend(paths);
    match GitProgram::new(&repository).attached(words)? {
        // A pager that was left early ends git by a signal; there is nobody to tell.
        Some(0 | 1) | None => Ok(()),
        Some(_) => Err(CommandError::silent(ErrorKind::Fatal)),
    }
}

/// Returns where a task's branch began and a snapshot; without a record or a run, where the branch was then.
fn of_snapshot(snapshot: &TaskSnapshot, context: &Context) -> Result<Range, CommandError> {
    let tip = snapshot.commit.to_string();
    match (range(&snapshot.task, context), snapshot.tip) {
        (Ok(Range { base, .. }), _) => Ok(Range { base, tip }),
        (Err(_), Some(base)) => Ok(Range { base: base.to_string(), tip }),
        (Err(error), None) => Err(error),
    }
}

/// Returns where a task's branch began and its tip, as the last run recorded them.
///
/// The tip is that of the branch where there is one, since people add to it.
fn range(task: &TaskId, context: &Context) -> Result<Range, CommandError> {
    let history = context.records()?.load_task(task)?;
    let repository = context.repository()?;
    let branch: BranchName = format!("refs/heads/claudedo/{task}").parse()?;
    let tip = repository.branch_tip(&branch)?.map(|tip| tip.to_string());
    let recorded = history.runs.iter().rev().find_map(|run| Some((run.base.clone()?, run.commit.clone()?)));
    let live = live_run(context, task)?.and_then(|live| live.base);
    match (recorded, live, tip) {
        (Some((base, commit)), _, tip) => Ok(Range { base, tip: tip.unwrap_or(commit) }),
        (None, Some(base), Some(tip)) => Ok(Range { base, tip }),
        (None, _, _) => {
            Err(CommandError::new(ErrorKind::Negative, format!("Task {task} has no branch yet."))
                .hint(format!("To see where it stands: git claudedo show {task}")))
        }
    }
}

fn color_option(context: &Context) -> Option<&'static str> {
    match context.ui.color() {
        anstream::ColorChoice::Auto => None,
        anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi => Some("--color=always"),
        anstream::ColorChoice::Never => Some("--color=never"),
    }
}

/// Splits what was passed on into options and, after another `--` or from the first other word on, paths.
fn split_paths(arguments: &[String]) -> (impl Iterator<Item = &str>, impl Iterator<Item = &str>) {
    let options = arguments.iter().take_while(|word| word.starts_with('-') && *word != "--").count();
    let (options, paths) = arguments.split_at(options);
    let paths = paths.iter().skip_while(|word| *word == "--");
    (options.iter().map(String::as_str), paths.map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_go_before_the_commits_and_paths_after_them() {
        let words: Vec<String> = ["-w", "--word-diff", "src", "-x"].map(str::to_owned).to_vec();
        let (options, paths) = split_paths(&words);
        assert_eq!(options.collect::<Vec<_>>(), ["-w", "--word-diff"]);
        assert_eq!(paths.collect::<Vec<_>>(), ["src", "-x"]);
    }
}
