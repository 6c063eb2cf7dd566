//! One file a command: words in, one call, words out.
//!
//! [`arguments`] holds the definition that the help, the completions and the parser come from;
//! [`context`] is what every command gets; [`error`] is how a command fails. What the program starts
//! for itself ([`internal`]) goes past all of it, because it is started once a run and must be cheap.

mod add;
mod approve;
mod arguments;
mod background;
mod cancel;
mod completions;
mod config;
mod context;
mod continuation;
mod demo;
mod diff;
mod doctor;
mod edit;
mod error;
mod events;
mod hook;
mod hook_background;
mod hooks;
mod init;
mod internal;
mod json;
mod kept;
mod list;
mod live;
mod logs;
mod look;
mod man;
mod prune;
mod push;
mod push_hook;
mod restore;
mod retry;
mod rm;
mod run;
mod service;
mod show;
mod snapshots;
mod status;
mod text;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use arguments::{Arguments, Command};
use clap::Parser;
use context::Context;
use error::{CommandError, ErrorKind};

use crate::ui::{Format, Narration, Ui};

/// Runs the command line and returns the exit code (see `docs/exit-codes.md`).
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = internal::run(&words) {
        return code;
    }
    match Arguments::try_parse_from(words) {
        Ok(arguments) => run(&arguments),
        Err(answer) => answer_parser(&answer),
    }
}

fn run(arguments: &Arguments) -> ExitCode {
    let context = match Context::new(&arguments.global) {
        Ok(context) => context,
        Err(refused) => return refused.1.report(&refused.0),
    };
    let result = dispatch(&arguments.command, &context);
    context.ui.finish();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(&context.ui),
    }
}

fn dispatch(command: &Command, context: &Context) -> Result<(), CommandError> {
    match command {
        Command::Init(args) => init::run(args, context),
        Command::Add(args) => add::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Show(args) => show::run(args, context),
        Command::Status(args) => status::run(args, context),
        Command::Edit(args) => edit::run(args, context),
        Command::Rm(args) => rm::run(args, context),
        Command::Run(args) => run::run(args, context),
        Command::Approve(args) => approve::run(args, context),
        Command::Watch(args) => watch::run(args, context),
        Command::Push(args) => push::run(args, context),
        Command::Cancel(args) => cancel::run(args, context),
        Command::Retry(args) => retry::run(args, context),
        Command::Continue(args) => continuation::run(args, context),
        Command::Logs(args) => logs::run(args, context),
        Command::Diff(args) => diff::run(args, context),
        Command::Snapshots(args) => snapshots::run(args, context),
        Command::Restore(args) => restore::run(args, context),
        Command::Events(args) => events::run(args, context),
        Command::Prune(args) => prune::run(args, context),
        Command::Hooks(args) => hooks::run(args, context),
        Command::Config(args) => config::run(args, context),
        Command::Service(args) => service::run(args, context),
        Command::Doctor(args) => doctor::run(args, context),
        Command::Demo(args) => demo::run(args, context),
        Command::Man(args) => man::run(args, context),
        Command::Completions(args) => {
            completions::run(args, context);
            Ok(())
        }
    }
}

/// Prints the help or version that was asked for, or what was not understood.
fn answer_parser(answer: &clap::Error) -> ExitCode {
    let ui = Ui::new(Format::Text, anstream::ColorChoice::Auto, Narration::Normal);
    let text = answer.render();
    if answer.use_stderr() {
        ui.narrate(format_args!("{}", text.ansi().to_string().trim_end()));
        return ExitCode::from(ErrorKind::Usage.code());
    }
    ui.write_answer(|out| write!(out, "{}", text.ansi()));
    ExitCode::SUCCESS
}
