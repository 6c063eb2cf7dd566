//! The watcher as a service: what is written, what the service manager is told, and what it makes of the file.
//!
//! `systemctl`, `loginctl` and `launchctl` are scripts here that record their words and keep a state; the real
//! programs would change the machine. The files are given to the real `systemd-analyze` and to Python's plist
//! reader, where they exist.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

mod files;
mod installed;
mod launchd;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Answer, TestRepository};

/// Records its words; `show` tells the state that `enable`, `restart` and `disable` leave behind.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "systemctl $*" >>"$MANAGER/calls"
test -e "$MANAGER/no-bus" && { echo "Failed to connect to bus: No medium found" >&2; exit 1; }
case "$*" in
*"enable --now"*) : >"$MANAGER/enabled"; : >"$MANAGER/active" ;;
*" disable "*) rm -f "$MANAGER/enabled" "$MANAGER/active" ;;
*" enable "*) : >"$MANAGER/enabled" ;;
*" restart "*) : >"$MANAGER/active" ;;
*" show "*)
    test -e "$MANAGER/enabled" && echo UnitFileState=enabled || echo UnitFileState=
    test -e "$MANAGER/active" && echo ActiveState=active || echo ActiveState=inactive
    test -e "$MANAGER/active" && echo MainPID=4242 || echo MainPID=0 ;;
esac
"#;

const LOGINCTL: &str = r#"#!/bin/sh
test -e "$MANAGER/lingers" && echo Linger=yes || echo Linger=no
"#;

const LAUNCHCTL: &str = r#"#!/bin/sh
echo "launchctl $*" | sed "s|gui/[0-9]*|gui/UID|" >>"$MANAGER/calls"
case "$1" in
bootstrap) : >"$MANAGER/active" ;;
bootout) test -e "$MANAGER/active" || exit 3; rm -f "$MANAGER/active" ;;
print) test -e "$MANAGER/active" || exit 113; printf 'x = {\n\tstate = running\n\tpid = 4242\n}\n' ;;
esac
"#;

/// A repository on a machine with service managers that only record.
struct Machine {
    test: TestRepository,
}

impl Machine {
    fn new() -> Self {
        Self::of_kind("repository")
    }

    fn of_kind(name: &'static str) -> Self {
        let machine = Self { test: TestRepository::of_kind(name, &[]) };
        fs::create_dir(machine.state()).unwrap();
        fs::write(machine.state().join("lingers"), "").unwrap();
        for (program, script) in [("systemctl", SYSTEMCTL), ("loginctl", LOGINCTL), ("launchctl", LAUNCHCTL)]
        {
            program_file(&machine.state().join(program), script);
        }
        machine
    }

    /// Returns the folder of the scripts and of what they keep.
    fn state(&self) -> PathBuf {
        self.test.root().join("manager")
    }

    fn program(&self) -> Command {
        let own = Path::new(env!("CARGO_BIN_EXE_git-claudedo")).parent().unwrap();
        let path =
            std::env::join_paths([&self.state(), own, Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
        let mut command = self.test.program(env!("CARGO_BIN_EXE_git-claudedo"));
        command.env("PATH", path).env("MANAGER", self.state());
        command.env("XDG_CONFIG_HOME", self.test.root().join("config"));
        command
    }

    fn service(&self, arguments: &[&str]) -> Answer {
        self.program().arg("service").args(arguments).output().unwrap().into()
    }

    /// Returns what the managers were told since the last time, without questions.
    fn told(&self) -> String {
        let path = self.state().join("calls");
        let calls = fs::read_to_string(&path).unwrap_or_default();
        drop(fs::remove_file(path));
        let told = calls.lines().filter(|call| !call.contains(" show ") && !call.contains(" print "));
        let name = self.name();
        told.map(|call| call.replace(&name, "NAME") + "\n").collect()
    }

    /// Returns the service's name without the ending of its file.
    fn name(&self) -> String {
        let text: serde_json::Value =
            serde_json::from_str(&self.service(&["status", "--json"]).stdout).unwrap();
        let name = text["name"].as_str().unwrap().to_owned();
        // Asking was a call of its own, which nobody wants to see.
        name.trim_end_matches(".service").to_owned()
    }

    /// Returns the only file in the folder of systemd's user units.
    fn unit(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(self.test.root().join("config/systemd/user")).ok()?;
        let files: Vec<PathBuf> =
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
        assert!(files.len() <= 1, "{files:?}");
        files.into_iter().next()
    }
}

/// Writes an executable file.
fn program_file(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Returns the settings for snapshots of what a machine's commands print.
fn snapshots(machine: &Machine) -> insta::Settings {
    let mut settings = crate::cli_support::snapshots(&machine.test);
    settings.add_filter(r"repository-[0-9a-f]{8}\b", "repository-[HASH]");
    settings.add_filter(r"gui/\d+", "gui/[UID]");
    settings
}
