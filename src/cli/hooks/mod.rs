//! `git claudedo hooks`: let git tell this program about commits, pulls and pushes.

mod words;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use crate::trigger::hooks::{
    self, EventStatus, Found, HookEvent, Mechanism, Permission, Plan, State, Verdict, Wish,
};
use crate::ui::safe::safe;
use crate::ui::table::{Cell, Column, Table};
use crate::ui::width::screen_width;
use crate::ui::{DIM, Format, GREEN, PLAIN, YELLOW};
use words::Words;

/// Start tasks from git's own events
///
/// A hook wakes the runner when tasks were committed or came with a pull, and says
/// before a push which branches are not proven. It never runs an agent by itself,
/// and other hooks go on working.
#[derive(Debug, Args)]
pub(crate) struct HooksArguments {
    #[command(subcommand)]
    command: HooksCommand,
}

#[derive(Debug, Subcommand)]
enum HooksCommand {
    /// Install the hooks
    ///
    /// git 2.54 and later get them by the repository's configuration, older ones as
    /// scripts. A hook that is there already is kept and runs first. Doing it again
    /// changes nothing.
    Install(InstallArguments),
    /// Remove the hooks and put back what was there
    Uninstall(ChangeArguments),
    /// Show whether the hooks run
    ///
    /// Exits with 1 when one does not.
    Status,
}

#[derive(Debug, Args)]
struct InstallArguments {
    /// How git learns of them
    #[arg(long, value_name = "WAY", default_value = "best")]
    mechanism: MechanismWish,
    #[command(flatten)]
    change: ChangeArguments,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct ChangeArguments {
    /// Only for EVENT; may be repeated
    #[arg(long = "event", value_name = "EVENT", value_parser = event_parser())]
    events: Vec<HookEvent>,
    /// Change files that are shared with others, too
    #[arg(long)]
    write: bool,
    /// Replace what was changed by hand
    #[arg(long)]
    force: bool,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
}

/// How git learns of the hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MechanismWish {
    /// The configuration where git reads it, else scripts
    Best,
    /// The configuration
    Config,
    /// Scripts
    Files,
}

/// Which way a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

/// What is to be done for one event, in JSON.
#[derive(Debug, Serialize)]
struct PlanJson {
    event: &'static str,
    verdict: &'static str,
    actions: Vec<String>,
    reason: Option<String>,
    next: Option<String>,
}

/// How one event stands, in JSON.
#[derive(Debug, Serialize)]
struct StatusJson {
    event: &'static str,
    runs: bool,
    way: &'static str,
    path: Option<String>,
    chained: Option<String>,
    reason: Option<String>,
    next: Option<String>,
}

pub(crate) fn run(args: &HooksArguments, context: &Context) -> Result<(), CommandError> {
    let found = hooks::find(context.repository()?)?;
    match &args.command {
        HooksCommand::Install(args) => {
            let wish = wish(&args.change, args.mechanism);
            change(&Plan::install(&found, &wish), Direction::In, &args.change, context)?;
            warn_of_older_gits(&found, context);
            Ok(())
        }
        HooksCommand::Uninstall(args) => {
            let wish = wish(args, MechanismWish::Best);
            change(&Plan::uninstall(&found, &wish), Direction::Out, args, context)
        }
        HooksCommand::Status => status(&found, context),
    }
}

fn event_parser() -> impl TypedValueParser<Value = HookEvent> {
    PossibleValuesParser::new(HookEvent::ALL.map(HookEvent::name)).try_map(|word| word.parse())
}

fn wish(args: &ChangeArguments, mechanism: MechanismWish) -> Wish {
    let permission = |given: bool| if given { Permission::Given } else { Permission::Missing };
    Wish {
        events: if args.events.is_empty() { HookEvent::ALL.to_vec() } else { args.events.clone() },
        mechanism: match mechanism {
            MechanismWish::Best => Mechanism::Best,
            MechanismWish::Config => Mechanism::Config,
            MechanismWish::Files => Mechanism::Files,
        },
        shared: permission(args.write),
        edited: permission(args.force),
    }
}

fn change(
    plan: &Plan,
    direction: Direction,
    args: &ChangeArguments,
    context: &Context,
) -> Result<(), CommandError> {
    if !args.dry_run {
        hooks::apply(plan, context.repository()?)?;
    }
    let words = Words::new(context.repository()?);
    match context.ui.format() {
        Format::Json => context.ui.json(&plan_json(plan, direction, &words)),
        Format::Text => tell(plan, direction, args, &words, context),
    }
    if plan.is_refused() { Err(CommandError::silent(ErrorKind::Negative)) } else { Ok(()) }
}

/// Tells what was done. What would be done is the answer, and goes to stdout.
fn tell(plan: &Plan, direction: Direction, args: &ChangeArguments, words: &Words, context: &Context) {
    let mut hints: Vec<String> = Vec::new();
    for planned in &plan.events {
        let event = planned.event;
        match &planned.verdict {
            Verdict::Already => context.ui.status(format_args!("{event}: {}", already(direction))),
            Verdict::Change(actions) => {
                for action in actions {
                    let done = words.action(action);
                    if args.dry_run {
                        context.ui.answer(format_args!("{event}: {}", safe(&done)));
                    } else {
                        context.ui.status(format_args!("{event}: {}", safe(&done)));
                    }
                }
            }
            Verdict::Refused(refusal) => {
                context.ui.warning(format_args!("{event}: {}", safe(&words.refusal(refusal))));
                let next = words.after_refusal(event, refusal, command(direction));
                if !hints.contains(&next) {
                    hints.push(next);
                }
            }
        }
    }
    for hint in hints {
        context.ui.hint(format_args!("{}", safe(&hint)));
    }
}

fn already(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "installed already",
        Direction::Out => "nothing to remove",
    }
}

fn command(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "git claudedo hooks install",
        Direction::Out => "git claudedo hooks uninstall",
    }
}

fn warn_of_older_gits(found: &Found, context: &Context) {
    for git in found.older_gits() {
        context.ui.warning(format_args!(
            "An older git does not run these hooks: {}",
            safe(&git.path.display().to_string())
        ));
    }
}

fn status(found: &Found, context: &Context) -> Result<(), CommandError> {
    let words = Words::new(context.repository()?);
    let statuses = found.statuses();
    match context.ui.format() {
        Format::Json => {
            context.ui.json(&statuses.iter().map(|status| status_json(status, &words)).collect::<Vec<_>>());
        }
        Format::Text => print_statuses(&statuses, &words, context),
    }
    if statuses.iter().any(|status| status.state.is_config()) {
        warn_of_older_gits(found, context);
    }
    let all_run = statuses.iter().all(|status| matches!(status.state, State::Runs(_)));
    if all_run { Ok(()) } else { Err(CommandError::silent(ErrorKind::Negative)) }
}

fn print_statuses(statuses: &[EventStatus], words: &Words, context: &Context) {
    let mut table = Table::new(&[Column::Left, Column::Left, Column::Flexible, Column::Left]);
    let mut hints: Vec<String> = Vec::new();
    for status in statuses {
        let (word, style, text) = match &status.state {
            State::Runs(way) => ("runs", GREEN, words.way(way)),
            State::Idle(why) => ("does not run", YELLOW, words.why(why)),
        };
        let chained = status.chained.as_ref().map(|path| format!("after {}", words.path(path)));
        table.push([
            Cell::new(status.event.name(), PLAIN),
            Cell::new(word, style),
            Cell::new(&text, PLAIN),
            Cell::new(&chained.unwrap_or_default(), DIM),
        ]);
        if let State::Idle(why) = &status.state {
            let next = words::after_idle(status.event, why);
            if !hints.contains(&next) {
                hints.push(next);
            }
        }
    }
    let text = table.render(screen_width());
    context.ui.write_answer(|out| out.write_all(text.as_bytes()));
    for hint in hints {
        context.ui.hint(format_args!("{}", safe(&hint)));
    }
}

fn plan_json(plan: &Plan, direction: Direction, words: &Words) -> Vec<PlanJson> {
    let json = |planned: &hooks::EventPlan| {
        let (verdict, actions, refusal) = match &planned.verdict {
            Verdict::Already => ("already", Vec::new(), None),
            Verdict::Change(actions) => {
                ("change", actions.iter().map(|action| words.action(action)).collect(), None)
            }
            Verdict::Refused(refusal) => ("refused", Vec::new(), Some(refusal)),
        };
        PlanJson {
            event: planned.event.name(),
            verdict,
            actions,
            reason: refusal.map(|refusal| words.refusal(refusal)),
            next: refusal.map(|refusal| words.after_refusal(planned.event, refusal, command(direction))),
        }
    };
    plan.events.iter().map(json).collect()
}

fn status_json(status: &EventStatus, words: &Words) -> StatusJson {
    let display = |path: &std::path::Path| path.display().to_string();
    let (way, path, why) = match &status.state {
        State::Runs(way) => (way.word(), way.path().map(display), None),
        State::Idle(why) => ("none", why.path().map(display), Some(why)),
    };
    StatusJson {
        event: status.event.name(),
        runs: why.is_none(),
        way,
        path,
        chained: status.chained.as_deref().map(display),
        reason: why.map(|why| words.why(why)),
        next: why.map(|why| words::after_idle(status.event, why)),
    }
}
