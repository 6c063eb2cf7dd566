//! `git claudedo service`: the watcher as a service of the user, so that it lives without a terminal.

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::background::Background;
use super::context::Context;
use super::error::{CommandError, ErrorKind};
use crate::os::env;
use crate::store::runner_lock::{Presence, RunnerKind};
use crate::trigger::service::{
    Installed, Linger, Manager, ManagerError, Service, ServiceKind, ServiceSource, ServiceState,
    UNWRITTEN_LOGINS,
};
use crate::ui::Format;
use crate::ui::safe::safe;

/// Keep the watcher alive as a service
///
/// Writes a systemd user unit, or a launchd agent on macOS, that runs `git
/// claudedo watch` in this worktree from now on and after each login. It has the
/// search path of the shell it is installed from, and no API keys of it.
#[derive(Debug, Args)]
pub(crate) struct ServiceArguments {
    #[command(subcommand)]
    command: ServiceCommand,
}

#[derive(Debug, Subcommand)]
enum ServiceCommand {
    /// Write the service's file and start it
    Install(InstallArguments),
    /// Stop the service and remove its file
    Uninstall(UninstallArguments),
    /// Print whether it is installed and runs
    Status(StatusArguments),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct InstallArguments {
    #[command(flatten)]
    manager: ManagerArguments,
    /// Print the file and do nothing
    #[arg(long)]
    print: bool,
    /// Replace a file that was changed by hand
    #[arg(short, long, conflicts_with = "print")]
    force: bool,
}

#[derive(Debug, Args)]
struct UninstallArguments {
    #[command(flatten)]
    manager: ManagerArguments,
    /// Remove the file also when it was changed by hand or the manager cannot be asked
    #[arg(short, long)]
    force: bool,
}

#[derive(Debug, Args)]
struct StatusArguments {
    #[command(flatten)]
    manager: ManagerArguments,
}

#[derive(Debug, Args)]
struct ManagerArguments {
    /// Service manager; that of this system by default
    #[arg(long, value_name = "KIND")]
    kind: Option<KindWish>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KindWish {
    /// systemd's user manager
    Systemd,
    /// launchd
    Launchd,
}

/// `git claudedo service status --json`.
#[derive(Debug, Serialize)]
struct ServiceJson<'a> {
    name: &'a str,
    path: &'a std::path::Path,
    /// `absent`, `current`, `outdated` or `changed`.
    file: &'static str,
    /// What the manager knows; `null` when it cannot be asked.
    manager: Option<&'a ServiceState>,
    /// The command that shows what the watcher says.
    log: String,
}

/// What every one of the commands works with.
struct Desk<'a> {
    context: &'a Context,
    background: Background,
    service: Service,
    manager: Manager,
}

pub(crate) fn run(args: &ServiceArguments, context: &Context) -> Result<(), CommandError> {
    match &args.command {
        ServiceCommand::Install(args) => install(args, &Desk::new(&args.manager, context)?),
        ServiceCommand::Uninstall(args) => uninstall(args, &Desk::new(&args.manager, context)?),
        ServiceCommand::Status(args) => Desk::new(&args.manager, context)?.status(),
    }
}

fn install(args: &InstallArguments, desk: &Desk<'_>) -> Result<(), CommandError> {
    if args.print {
        desk.context.ui.write_answer(|out| out.write_all(desk.service.text.as_bytes()));
        return Ok(());
    }
    let found = desk.service.installed()?;
    if found == Installed::Foreign && !args.force {
        return Err(desk.changed("To replace it: git claudedo service install --force"));
    }
    if found == Installed::Current
        && desk.manager.state(&desk.service).is_ok_and(|state| state.is_enabled() && state.is_active())
    {
        desk.context.ui.status(format_args!("Installed already: {}", desk.service.name));
        return Ok(());
    }
    if found != Installed::Current {
        desk.service.write()?;
        desk.context.ui.status(format_args!("Wrote {}", desk.service.path.display()));
    }
    desk.tell_what_a_service_lacks();
    desk.start(found)
}

fn uninstall(args: &UninstallArguments, desk: &Desk<'_>) -> Result<(), CommandError> {
    let ui = &desk.context.ui;
    match desk.service.installed()? {
        Installed::Absent => {
            ui.status(format_args!("Nothing to remove: {}", desk.service.path.display()));
            return Ok(());
        }
        Installed::Foreign if !args.force => {
            return Err(desk.changed("To remove it all the same: git claudedo service uninstall --force"));
        }
        Installed::Foreign | Installed::Current | Installed::Outdated => {}
    }
    let stopped = desk.stop();
    if let Err(error) = stopped {
        if !args.force {
            let commands = desk.manager.stop_commands(&desk.service);
            return Err(unfinished("The service is still installed", &error, &commands)
                .hint("To remove its file all the same: git claudedo service uninstall --force"));
        }
        ui.warning(format_args!("The service manager was not told: {}", safe(&error.to_string())));
    }
    desk.service.remove()?;
    ui.status(format_args!("Removed {}", desk.service.path.display()));
    ui.hint(format_args!("What still runs goes on; the next `git claudedo run` takes it up."));
    let commands = desk.manager.forget_commands();
    match desk.manager.run_all(&commands) {
        Err(error) if !args.force => {
            Err(unfinished("The service manager still knows of the file", &error, &commands))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

impl<'a> Desk<'a> {
    fn new(args: &ManagerArguments, context: &'a Context) -> Result<Self, CommandError> {
        let background = Background::of(context)?;
        let kind = match args.kind {
            Some(KindWish::Systemd) => ServiceKind::Systemd,
            Some(KindWish::Launchd) => ServiceKind::Launchd,
            None if cfg!(target_os = "macos") => ServiceKind::Launchd,
            None => ServiceKind::Systemd,
        };
        let (repository, user) = (context.repository()?, env::all());
        let source = ServiceSource {
            repository: &repository.name(),
            common_dir: &repository.common_dir(),
            work_tree: &background.work_tree,
            program: &background.program,
            log: &background.log(),
        };
        let service = Service::new(kind, &source, &user)?;
        Ok(Self { context, background, service, manager: Manager::new(kind, &user) })
    }

    /// Makes the written file count.
    fn start(&self, found: Installed) -> Result<(), CommandError> {
        let ui = &self.context.ui;
        let active = self.manager.state(&self.service).is_ok_and(|state| state.is_active());
        let other = if active { None } else { self.other_runner()? };
        let commands = match (other, found) {
            (Some(_), _) => self.manager.enable_commands(&self.service),
            (None, Installed::Outdated | Installed::Foreign) if active => {
                self.manager.restart_commands(&self.service)
            }
            (None, Installed::Absent | Installed::Current | Installed::Outdated | Installed::Foreign) => {
                self.manager.start_commands(&self.service)
            }
        };
        if let Err(error) = self.manager.run_all(&commands) {
            return Err(unfinished("The file is written and the service not started", &error, &commands));
        }
        if let Some(process) = other {
            ui.warning(format_args!(
                "The service starts with the next login: process {process} is the runner now"
            ));
            let start = self.manager.start_commands(&self.service);
            ui.hint(format_args!("To start it now: git claudedo watch stop && {}", line(&start)));
        } else {
            ui.status(format_args!("Started {}", self.service.name));
        }
        ui.hint(format_args!("To see what it says: {}", self.log_command()));
        if self.manager.linger() == Linger::Off {
            ui.warning(format_args!(
                "Services of this user end with the last logout, and this one with them."
            ));
            ui.hint(format_args!("To let them go on: loginctl enable-linger"));
        }
        Ok(())
    }

    /// Returns the process that would be in the service's way.
    fn other_runner(&self) -> Result<Option<u32>, CommandError> {
        Ok(match self.background.state.load_runner()? {
            Presence::Known(holder) if holder.kind == RunnerKind::Watch => Some(holder.process),
            // These end by themselves, and the service is started again until they have.
            Presence::Known(_) | Presence::Unknown | Presence::Absent => None,
        })
    }

    fn stop(&self) -> Result<(), ManagerError> {
        let state = self.manager.state(&self.service)?;
        if self.service.kind == ServiceKind::Launchd && !state.is_enabled() {
            return Ok(());
        }
        if state.is_active() {
            self.context.ui.status(format_args!("Stopping {}; up to 20 seconds", self.service.name));
        }
        self.manager.run_all(&self.manager.stop_commands(&self.service))?;
        self.manager.forget_failure(&self.service);
        Ok(())
    }

    fn status(&self) -> Result<(), CommandError> {
        let file = match self.service.installed()? {
            Installed::Absent => "absent",
            Installed::Current => "current",
            Installed::Outdated => "outdated",
            Installed::Foreign => "changed",
        };
        let state = match self.manager.state(&self.service) {
            Ok(state) => Some(state),
            Err(error) => {
                let cause = &error.cause;
                self.context.ui.warning(format_args!("failed to {error}: {}", safe(&cause.to_string())));
                None
            }
        };
        match self.context.ui.format() {
            Format::Json => self.context.ui.json(&ServiceJson {
                name: &self.service.name,
                path: &self.service.path,
                file,
                manager: state.as_ref(),
                log: self.log_command(),
            }),
            Format::Text => self.print_status(file, state.as_ref()),
        }
        if file == "outdated" {
            self.context.ui.hint(format_args!("To bring it up to date: git claudedo service install"));
        }
        let runs = state.is_some_and(|state| state.is_active());
        if runs && file != "absent" { Ok(()) } else { Err(CommandError::silent(ErrorKind::Negative)) }
    }

    fn print_status(&self, file: &str, state: Option<&ServiceState>) {
        let ui = &self.context.ui;
        let known = |word: &str| if word.is_empty() { "no".to_owned() } else { safe(word).into_owned() };
        ui.answer(format_args!("name     {}", self.service.name));
        ui.answer(format_args!("file     {file}: {}", safe(&self.service.path.to_string_lossy())));
        let (enabled, active) = match state {
            Some(state) => (known(&state.enabled), known(&state.active)),
            None => ("unknown".to_owned(), "unknown".to_owned()),
        };
        ui.answer(format_args!("enabled  {enabled}"));
        match state.and_then(|state| state.process) {
            Some(process) => ui.answer(format_args!("active   {active}, process {process}")),
            None => ui.answer(format_args!("active   {active}")),
        }
        ui.answer(format_args!("log      {}", self.log_command()));
    }

    fn log_command(&self) -> String {
        self.service.log_command(&self.background.log())
    }

    fn changed(&self, hint: &str) -> CommandError {
        CommandError::fatal(format!(
            "This file was not written by this program, or was changed since: {}",
            self.service.path.display()
        ))
        .hint(hint)
    }

    /// Says which logins of this shell the service will not have.
    fn tell_what_a_service_lacks(&self) {
        for name in UNWRITTEN_LOGINS {
            if env::path(name).is_some() {
                self.context.ui.warning(format_args!(
                    "{name} is set here and not in the service: a unit's file is no place for secrets."
                ));
                self.context.ui.hint(format_args!("The agent's own login counts there: claude auth status"));
            }
        }
    }
}

/// Returns what to say when the manager could not be told, with the commands that are left to do.
fn unfinished(what: &str, error: &ManagerError, commands: &[Vec<String>]) -> CommandError {
    let cause = error.cause.to_string();
    CommandError::fatal(format!("{what}: failed to {error} ({cause})"))
        .hint(format!("What is left to do: {}", line(commands)))
}

/// Returns commands as one line for a shell.
fn line(commands: &[Vec<String>]) -> String {
    let commands: Vec<String> = commands.iter().map(|words| shell_words(words)).collect();
    commands.join(" && ")
}

fn shell_words(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    let words = words.iter().map(|word| {
        if word.chars().all(plain) { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    });
    words.collect::<Vec<_>>().join(" ")
}
