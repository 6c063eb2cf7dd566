//! The files themselves, read by those that they are for.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Machine;
use crate::support::Answer;

/// Names of repositories that mean something to systemd, to XML or to a shell.
const ODD_NAMES: [&str; 5] =
    ["two words", "50% off %h", "it's \"quoted\" $HOME", "żółć <&> 日本", "ends in \\"];

#[test]
fn systemd_reads_the_unit_as_it_is_meant_whatever_the_path() {
    for name in ODD_NAMES {
        let machine = Machine::of_kind(name);
        let printed = machine.service(&["install", "--print", "--kind", "systemd"]);
        assert_eq!((printed.status, printed.stderr.as_str()), (0, ""));
        assert_eq!((machine.told().as_str(), machine.unit()), ("", None), "--print does nothing else");
        let unit = machine.test.root().join("checked.service");
        fs::write(&unit, &printed.stdout).unwrap();
        let Some(answer) = found(verify(&machine, &unit)) else {
            println!("SKIPPED: what systemd makes of the unit, because there is no systemd-analyze.");
            return;
        };
        assert_eq!((answer.status, answer.stderr.as_str()), (0, ""), "{name}: {}", printed.stdout);
    }
}

#[test]
fn systemd_finds_a_fault_where_there_is_one() {
    let machine = Machine::new();
    let printed = machine.service(&["install", "--print", "--kind", "systemd"]).stdout;
    let unit = machine.test.root().join("checked.service");
    fs::write(&unit, printed.replace("KillMode=process", "KillMode=nobody")).unwrap();
    if let Some(answer) = found(verify(&machine, &unit)) {
        assert!(answer.stderr.contains("kill mode"), "{answer:#?}");
    }
}

#[test]
fn a_plist_holds_what_was_meant_whatever_the_path() {
    for name in ODD_NAMES {
        let machine = Machine::of_kind(name);
        let printed = machine.service(&["install", "--print", "--kind", "launchd"]);
        assert_eq!((printed.status, printed.stderr.as_str()), (0, ""));
        let path = machine.test.root().join("agent.plist");
        fs::write(&path, &printed.stdout).unwrap();
        let script = "import json, plistlib, sys\nprint(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
        let mut python = Command::new("python3");
        python.arg("-c").arg(script).arg(&path);
        let Some(answer) = found(python) else {
            println!("SKIPPED: what others make of the plist, because there is no python3.");
            return;
        };
        assert_eq!(answer.status, 0, "{answer:#?}");
        let agent: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(agent["WorkingDirectory"].as_str().unwrap(), machine.test.path().to_str().unwrap());
        assert_eq!(
            agent["ProgramArguments"],
            serde_json::json!([env!("CARGO_BIN_EXE_git-claudedo"), "watch"])
        );
        let home = machine.test.root().join("home");
        assert_eq!(agent["EnvironmentVariables"]["HOME"].as_str().unwrap(), home.to_str().unwrap());
    }
}

#[test]
fn a_path_with_a_line_break_is_refused() {
    let machine = Machine::of_kind("two\nlines");
    for kind in ["systemd", "launchd"] {
        let answer = machine.service(&["install", "--kind", kind]);
        assert_eq!(answer.status, 128, "{answer:#?}");
        assert!(answer.stderr.contains("the work tree's path holds a line break"), "{answer:#?}");
    }
    assert_eq!(machine.unit(), None);
}

/// Returns systemd's own check of a unit. It wants a place for the manager that it plays.
fn verify(machine: &Machine, unit: &Path) -> Command {
    let mut command = machine.test.program("systemd-analyze");
    command.env("XDG_RUNTIME_DIR", machine.test.root().join("tmp")).args(["verify", "--user"]).arg(unit);
    command
}

/// Runs a program that may not be there.
fn found(mut command: Command) -> Option<Answer> {
    match command.output() {
        Ok(output) => Some(output.into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => unreachable!("{error}"),
    }
}
