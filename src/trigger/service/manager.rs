//! Talks to the service manager, by its own program.
//!
//! Answers are read from exit codes and from `key=value` lines that are made for programs, never from sentences.
//! Every call has a deadline: a manager that hangs must not hang the command.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::environment::Environment;
use super::{Service, ServiceKind};
use crate::os::process::{Captured, CapturedCommand, CapturedError, user_id};

/// The longest call. Stopping takes up to the unit's own `TimeoutStopSec`, which is 20 s.
const TIME_MAX: Duration = Duration::from_mins(1);

/// How much of an answer is kept: a few lines.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// The manager of this user's services.
#[derive(Debug)]
pub struct Manager {
    kind: ServiceKind,
    environment: Environment,
}

/// What the manager knows of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceState {
    /// Whether it starts with the user's session, in the manager's word: `enabled`, `disabled`, … Empty when unknown.
    pub enabled: String,
    /// Whether it runs, in the manager's word: `active`, `inactive`, `failed`, …
    pub active: String,
    /// The watcher's process, when it runs.
    pub process: Option<u32>,
}

/// Whether this user's services go on after the last logout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linger {
    /// They do.
    On,
    /// They end.
    Off,
    /// Nobody says.
    Unknown,
}

/// The manager cannot be talked to, or refused.
#[derive(Debug, thiserror::Error)]
#[error("{command}")]
pub struct ManagerError {
    /// What was run.
    pub command: String,
    /// Why it did not work.
    #[source]
    pub cause: ManagerCause,
}

/// Why a call of the manager did not work.
#[derive(Debug, thiserror::Error)]
pub enum ManagerCause {
    /// The program did not run to its end.
    #[error(transparent)]
    Run(#[from] CapturedError),
    /// It said no.
    #[error("{status}: {said}")]
    Refused {
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its own words.
        said: String,
    },
}

impl ServiceState {
    /// Returns whether the watcher runs.
    pub fn is_active(&self) -> bool {
        matches!(self.active.as_str(), "active" | "activating" | "reloading")
    }

    /// Returns whether the service starts by itself.
    pub fn is_enabled(&self) -> bool {
        self.enabled == "enabled"
    }
}

impl Manager {
    /// Returns the manager, for a user with this environment.
    pub fn new(kind: ServiceKind, user: &Environment) -> Self {
        let mut environment: BTreeMap<OsString, OsString> = user.clone();
        environment.retain(|name, _| !name.to_string_lossy().starts_with("GIT_"));
        Self { kind, environment }
    }

    /// Returns the commands that make a written file a service that runs now and after the next login.
    pub fn start_commands(&self, service: &Service) -> Vec<Vec<String>> {
        match self.kind {
            ServiceKind::Systemd => vec![
                words(&["systemctl", "--user", "daemon-reload"]),
                words(&["systemctl", "--user", "enable", "--now", &service.name]),
            ],
            ServiceKind::Launchd => vec![bootstrap(service)],
        }
    }

    /// Returns the commands that make a file count that replaced an older one.
    pub fn restart_commands(&self, service: &Service) -> Vec<Vec<String>> {
        match self.kind {
            ServiceKind::Systemd => vec![
                words(&["systemctl", "--user", "daemon-reload"]),
                words(&["systemctl", "--user", "enable", &service.name]),
                words(&["systemctl", "--user", "restart", &service.name]),
            ],
            ServiceKind::Launchd => vec![bootout(service), bootstrap(service)],
        }
    }

    /// Returns the commands that make it start with the next login and not now.
    pub fn enable_commands(&self, service: &Service) -> Vec<Vec<String>> {
        match self.kind {
            ServiceKind::Systemd => vec![
                words(&["systemctl", "--user", "daemon-reload"]),
                words(&["systemctl", "--user", "enable", &service.name]),
            ],
            // An agent's file is read at the next login by itself.
            ServiceKind::Launchd => Vec::new(),
        }
    }

    /// Returns the commands that end a service for good; its file may be removed after them.
    pub fn stop_commands(&self, service: &Service) -> Vec<Vec<String>> {
        match self.kind {
            ServiceKind::Systemd => {
                vec![words(&["systemctl", "--user", "disable", "--now", &service.name])]
            }
            ServiceKind::Launchd => vec![bootout(service)],
        }
    }

    /// Lets the manager forget how the service ended: one that was stopped with an agent at work counts as failed.
    /// A manager that knows of no such service has nothing to forget.
    pub fn forget_failure(&self, service: &Service) {
        if self.kind == ServiceKind::Systemd {
            drop(self.capture(&words(&["systemctl", "--user", "reset-failed", &service.name])));
        }
    }

    /// Returns the commands that make the manager forget a removed file.
    pub fn forget_commands(&self) -> Vec<Vec<String>> {
        match self.kind {
            ServiceKind::Systemd => vec![words(&["systemctl", "--user", "daemon-reload"])],
            ServiceKind::Launchd => Vec::new(),
        }
    }

    /// Runs commands one after the other, up to the first that fails.
    pub fn run_all(&self, commands: &[Vec<String>]) -> Result<(), ManagerError> {
        for command in commands {
            self.require(command)?;
        }
        Ok(())
    }

    /// Asks what the manager knows of a service.
    pub fn state(&self, service: &Service) -> Result<ServiceState, ManagerError> {
        match self.kind {
            ServiceKind::Systemd => {
                let properties = "--property=UnitFileState,ActiveState,MainPID";
                let shown =
                    self.require(&words(&["systemctl", "--user", "show", properties, &service.name]))?;
                Ok(systemd_state(&String::from_utf8_lossy(&shown.stdout)))
            }
            ServiceKind::Launchd => {
                let printed = self.capture(&words(&["launchctl", "print", &target(service)]))?;
                let text = String::from_utf8_lossy(&printed.stdout);
                Ok(launchd_state(printed.status.success().then_some(&*text)))
            }
        }
    }

    /// Asks whether this user's services go on after the last logout.
    pub fn linger(&self) -> Linger {
        match self.kind {
            // An agent of launchd belongs to a session, and nothing is there to change about that.
            ServiceKind::Launchd => Linger::Unknown,
            ServiceKind::Systemd => {
                let user = user_id().to_string();
                let asked = self.require(&words(&["loginctl", "show-user", "--property=Linger", &user]));
                match asked.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()).as_deref() {
                    Ok("Linger=yes") => Linger::On,
                    Ok("Linger=no") => Linger::Off,
                    Ok(_) | Err(_) => Linger::Unknown,
                }
            }
        }
    }

    fn require(&self, command: &[String]) -> Result<Captured, ManagerError> {
        let captured = self.capture(command)?;
        if captured.status.success() {
            return Ok(captured);
        }
        let said = String::from_utf8_lossy(&captured.stderr);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let cause = ManagerCause::Refused { status: captured.status, said };
        Err(ManagerError { command: format!("run `{}`", command.join(" ")), cause })
    }

    fn capture(&self, command: &[String]) -> Result<Captured, ManagerError> {
        let (program, arguments) = match command {
            [program, arguments @ ..] => (program.as_str(), arguments),
            [] => ("true", command),
        };
        let captured = CapturedCommand {
            program: PathBuf::from(program),
            arguments: arguments.iter().map(OsString::from).collect(),
            environment: self.environment.clone(),
            working_directory: PathBuf::from("/"),
            time_max: TIME_MAX,
            output_bytes_max: OUTPUT_BYTES_MAX,
        };
        let error = |cause: CapturedError| ManagerError {
            command: format!("run `{}`", command.join(" ")),
            cause: cause.into(),
        };
        captured.run().map_err(error)
    }
}

/// Reads `systemctl show`.
fn systemd_state(shown: &str) -> ServiceState {
    let value = |key: &str| {
        let mut lines = shown.lines().filter_map(|line| line.split_once('='));
        lines.find(|(found, _)| *found == key).map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let process = value("MainPID").parse().ok().filter(|process| *process > 0);
    ServiceState { enabled: value("UnitFileState"), active: value("ActiveState"), process }
}

/// Reads `launchctl print`, which fails for what is not loaded and names the process of what runs.
fn launchd_state(printed: Option<&str>) -> ServiceState {
    let lines = printed.unwrap_or_default().lines();
    let process =
        lines.filter_map(|line| line.trim().strip_prefix("pid = ")).find_map(|pid| pid.parse().ok());
    ServiceState {
        enabled: if printed.is_some() { "enabled" } else { "disabled" }.to_owned(),
        active: if process.is_some() { "active" } else { "inactive" }.to_owned(),
        process,
    }
}

fn bootstrap(service: &Service) -> Vec<String> {
    words(&["launchctl", "bootstrap", &domain(), &service.path.to_string_lossy()])
}

fn bootout(service: &Service) -> Vec<String> {
    words(&["launchctl", "bootout", &target(service)])
}

fn domain() -> String {
    format!("gui/{}", user_id())
}

fn target(service: &Service) -> String {
    format!("{}/{}", domain(), service.name)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_shows_is_read_by_its_keys() {
        let running = systemd_state("MainPID=77\nActiveState=active\nUnitFileState=enabled\n");
        assert_eq!((running.is_enabled(), running.is_active(), running.process), (true, true, Some(77)));
        let unknown = systemd_state("MainPID=0\nActiveState=inactive\nUnitFileState=\n");
        assert_eq!((unknown.is_enabled(), unknown.is_active(), unknown.process), (false, false, None));
    }

    #[test]
    fn what_launchd_prints_is_read_by_its_pid() {
        let printed = "gui/501/io.github.x = {\n\tactive count = 1\n\tstate = running\n\tpid = 77\n}\n";
        assert_eq!(launchd_state(Some(printed)).process, Some(77));
        assert!(!launchd_state(None).is_enabled());
    }
}
