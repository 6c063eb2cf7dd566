//! Installing, changing and removing a systemd user unit.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;
use std::path::Path;

use super::{Machine, program_file, snapshots};
use crate::cli_support::shown;

#[test]
fn install_writes_one_unit_and_starts_it() {
    let machine = Machine::new();
    snapshots(&machine).bind(|| {
        insta::assert_snapshot!(shown(&machine.service(&["install"])), @r"
        [0]
        [stderr]
        Wrote [ROOT]/config/systemd/user/git-claudedo-repository-[HASH].service
        Started git-claudedo-repository-[HASH].service
        hint: To see what it says: journalctl --user --unit git-claudedo-repository-[HASH].service
        ");
        insta::assert_snapshot!(machine.told(), @r"
        systemctl --user daemon-reload
        systemctl --user enable --now NAME.service
        ");
        insta::assert_snapshot!(shown(&machine.service(&["status"])), @r"
        [0]
        name     git-claudedo-repository-[HASH].service
        file     current: [ROOT]/config/systemd/user/git-claudedo-repository-[HASH].service
        enabled  enabled
        active   active, process 4242
        log      journalctl --user --unit git-claudedo-repository-[HASH].service
        [stderr]
        ");
    });
}

#[test]
fn installing_twice_changes_nothing() {
    let machine = Machine::new();
    machine.service(&["install"]);
    let unit = machine.unit().unwrap();
    let (before, written) = (fs::read(&unit).unwrap(), fs::metadata(&unit).unwrap().modified().unwrap());
    machine.told();
    let answer = machine.service(&["install"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert!(answer.stderr.starts_with("Installed already: "), "{answer:#?}");
    assert_eq!(machine.told(), "");
    assert_eq!(fs::read(&unit).unwrap(), before);
    assert_eq!(fs::metadata(&unit).unwrap().modified().unwrap(), written);
}

#[test]
fn a_program_in_another_place_is_written_anew_and_restarted() {
    let machine = Machine::new();
    machine.service(&["install"]);
    machine.told();
    // A link that comes first in the search path: what an upgrade would change.
    let own = env!("CARGO_BIN_EXE_git-claudedo");
    std::os::unix::fs::symlink(own, machine.state().join("git-claudedo")).unwrap();
    let answer = machine.service(&["install"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    insta::assert_snapshot!(machine.told(), @r"
    systemctl --user daemon-reload
    systemctl --user enable NAME.service
    systemctl --user restart NAME.service
    ");
    let text = fs::read_to_string(machine.unit().unwrap()).unwrap();
    let started = format!("ExecStart=\"{}\" watch\n", machine.state().join("git-claudedo").display());
    assert!(text.contains(&started), "{text}");
}

#[test]
fn uninstall_removes_exactly_the_unit() {
    let machine = Machine::new();
    machine.service(&["install"]);
    let folder = machine.unit().unwrap().parent().unwrap().to_owned();
    fs::create_dir(folder.join("other.d")).unwrap();
    machine.told();
    snapshots(&machine).bind(|| {
        insta::assert_snapshot!(shown(&machine.service(&["uninstall"])), @r"
        [0]
        [stderr]
        Stopping git-claudedo-repository-[HASH].service; up to 20 seconds
        Removed [ROOT]/config/systemd/user/git-claudedo-repository-[HASH].service
        hint: What still runs goes on; the next `git claudedo run` takes it up.
        ");
        insta::assert_snapshot!(machine.told(), @r"
        systemctl --user disable --now NAME.service
        systemctl --user reset-failed NAME.service
        systemctl --user daemon-reload
        ");
        insta::assert_snapshot!(shown(&machine.service(&["uninstall"])), @r"
        [0]
        [stderr]
        Nothing to remove: [ROOT]/config/systemd/user/git-claudedo-repository-[HASH].service
        ");
    });
    assert_eq!(machine.told(), "");
    assert_eq!(machine.unit(), None);
    assert!(folder.join("other.d").exists());
    assert_eq!(machine.service(&["status"]).status, 1);
}

#[test]
fn a_unit_that_was_changed_by_hand_is_not_touched_without_force() {
    let machine = Machine::new();
    machine.service(&["install"]);
    let unit = machine.unit().unwrap();
    let changed = fs::read_to_string(&unit).unwrap().replace("Nice=5", "Nice=19");
    fs::write(&unit, &changed).unwrap();
    machine.told();
    snapshots(&machine).bind(|| {
        insta::assert_snapshot!(shown(&machine.service(&["uninstall"])), @r"
        [128]
        [stderr]
        error: This file was not written by this program, or was changed since: [ROOT]/config/systemd/user/git-claudedo-repository-[HASH].service
        hint: To remove it all the same: git claudedo service uninstall --force
        ");
    });
    assert_eq!(machine.service(&["install"]).status, 128);
    assert_eq!((machine.told().as_str(), fs::read_to_string(&unit).unwrap()), ("", changed));
    assert_eq!(machine.service(&["install", "--force"]).status, 0);
    assert!(fs::read_to_string(&unit).unwrap().contains("Nice=5\n"));
    fs::write(&unit, "[Unit]\n").unwrap();
    assert_eq!(machine.service(&["uninstall", "--force"]).status, 0);
    assert_eq!(machine.unit(), None);
}

#[test]
fn without_the_bus_the_unit_is_kept_and_the_commands_are_said() {
    let machine = Machine::new();
    fs::write(machine.state().join("no-bus"), "").unwrap();
    snapshots(&machine).bind(|| {
        insta::assert_snapshot!(shown(&machine.service(&["install"])), @r"
        [128]
        [stderr]
        Wrote [ROOT]/config/systemd/user/git-claudedo-repository-[HASH].service
        error: The file is written and the service not started: failed to run `systemctl --user daemon-reload` (exit status: 1: Failed to connect to bus: No medium found)
        hint: What is left to do: systemctl --user daemon-reload && systemctl --user enable --now git-claudedo-repository-[HASH].service
        ");
        insta::assert_snapshot!(shown(&machine.service(&["uninstall"])), @r"
        [128]
        [stderr]
        error: The service is still installed: failed to run `systemctl --user show --property=UnitFileState,ActiveState,MainPID git-claudedo-repository-[HASH].service` (exit status: 1: Failed to connect to bus: No medium found)
        hint: What is left to do: systemctl --user disable --now git-claudedo-repository-[HASH].service
        hint: To remove its file all the same: git claudedo service uninstall --force
        ");
    });
    assert!(machine.unit().is_some());
    fs::remove_file(machine.state().join("no-bus")).unwrap();
    machine.told();
    assert_eq!(machine.service(&["install"]).status, 0);
    assert_eq!(machine.told().lines().count(), 2, "the second try does what the first could not");
}

#[test]
fn without_systemctl_the_unit_is_kept_and_the_commands_are_said() {
    let machine = Machine::new();
    let tools = machine.test.root().join("tools");
    fs::create_dir(&tools).unwrap();
    let own = Path::new(env!("CARGO_BIN_EXE_git-claudedo")).canonicalize().unwrap();
    let mut command = machine.program();
    let answer: crate::support::Answer =
        command.env("PATH", &tools).args(["service", "install"]).output().unwrap().into();
    assert_eq!(answer.status, 128, "{answer:#?}");
    assert!(answer.stderr.contains("(start systemctl in /)"), "{answer:#?}");
    assert!(
        answer.stderr.contains("hint: What is left to do: systemctl --user daemon-reload"),
        "{answer:#?}"
    );
    let text = fs::read_to_string(machine.unit().unwrap()).unwrap();
    assert!(text.contains(&format!("ExecStart=\"{}\" watch\n", own.display())), "{text}");
}

#[test]
fn who_does_not_linger_is_told_how_to() {
    let machine = Machine::new();
    fs::remove_file(machine.state().join("lingers")).unwrap();
    let answer = machine.service(&["install"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert!(answer.stderr.contains("warning: Services of this user end with the last logout"), "{answer:#?}");
    assert!(answer.stderr.contains("hint: To let them go on: loginctl enable-linger\n"), "{answer:#?}");
}

#[test]
fn a_key_of_the_shell_is_not_written_and_that_is_said() {
    let machine = Machine::new();
    let mut command = machine.program();
    command.env("ANTHROPIC_API_KEY", "sk-secret").args(["service", "install"]);
    let answer: crate::support::Answer = command.output().unwrap().into();
    assert!(answer.stderr.contains("warning: ANTHROPIC_API_KEY is set here and not in the service"));
    assert!(!fs::read_to_string(machine.unit().unwrap()).unwrap().contains("sk-secret"));
}

#[test]
fn a_manager_that_says_something_else_is_no_success() {
    let machine = Machine::new();
    program_file(&machine.state().join("systemctl"), "#!/bin/sh\nexit 0\n");
    let answer = machine.service(&["status"]);
    assert_eq!(answer.status, 1, "{answer:#?}");
    assert!(answer.stdout.contains("enabled  no\nactive   no\n"), "{answer:#?}");
}

#[test]
fn a_watcher_that_is_there_already_stays_and_the_service_waits_for_the_next_login() {
    let machine = Machine::new();
    assert_eq!(machine.test.claudedo(&["watch", "--detach"]).status, 0);
    let answer = machine.service(&["install"]);
    assert_eq!(answer.status, 0, "{answer:#?}");
    assert!(
        answer.stderr.contains("warning: The service starts with the next login: process "),
        "{answer:#?}"
    );
    insta::assert_snapshot!(machine.told(), @r"
    systemctl --user daemon-reload
    systemctl --user enable NAME.service
    ");
    assert_eq!(machine.test.claudedo(&["watch", "status"]).status, 0);
}
