//! The agent of launchd, by a script in the place of `launchctl`.

use std::fs;

use super::{Machine, snapshots};
use crate::cli_support::shown;

#[test]
fn an_agent_is_installed_changed_and_removed() {
    let machine = Machine::new();
    let kind = ["--kind", "launchd"];
    let service = |words: &[&str]| machine.service(&[words, &kind[..]].concat());
    let told = || {
        let calls = fs::read_to_string(machine.state().join("calls")).unwrap();
        fs::remove_file(machine.state().join("calls")).unwrap();
        let told: Vec<&str> = calls.lines().filter(|call| !call.contains(" print ")).collect();
        told.join("\n")
    };
    snapshots(&machine).bind(|| {
        insta::assert_snapshot!(shown(&service(&["install"])), @r"
        [0]
        [stderr]
        Wrote [ROOT]/home/Library/LaunchAgents/io.github.git-claudedo-repository-[HASH].plist
        Started io.github.git-claudedo-repository-[HASH]
        hint: To see what it says: tail -n 50 '[ROOT]/repository/.git/claudedo/watch.log'
        ");
        insta::assert_snapshot!(told(), @"launchctl bootstrap gui/UID [ROOT]/home/Library/LaunchAgents/io.github.git-claudedo-repository-[HASH].plist");
        assert!(service(&["install"]).stderr.starts_with("Installed already: "));
        assert_eq!(told(), "");
        std::os::unix::fs::symlink(
            env!("CARGO_BIN_EXE_git-claudedo"),
            machine.state().join("git-claudedo"),
        )
        .unwrap();
        assert_eq!(service(&["status"]).status, 0);
        assert_eq!(service(&["install"]).status, 0);
        insta::assert_snapshot!(told(), @r"
        launchctl bootout gui/UID/io.github.git-claudedo-repository-[HASH]
        launchctl bootstrap gui/UID [ROOT]/home/Library/LaunchAgents/io.github.git-claudedo-repository-[HASH].plist
        ");
        assert_eq!(service(&["uninstall"]).status, 0);
        insta::assert_snapshot!(told(), @"launchctl bootout gui/UID/io.github.git-claudedo-repository-[HASH]");
    });
    assert_eq!(fs::read_dir(machine.test.root().join("home/Library/LaunchAgents")).unwrap().count(), 0);
}
