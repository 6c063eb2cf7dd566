//! The help, the page made from it, and what is said to words that are not understood.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fmt::Write;
use std::path::Path;

use crate::cli_support::{shown, snapshots};
use crate::support::TestRepository;

const COMMANDS: &[&str] = &[
    "init",
    "add",
    "list",
    "show",
    "status",
    "edit",
    "rm",
    "run",
    "watch",
    "watch stop",
    "watch status",
    "approve",
    "cancel",
    "retry",
    "continue",
    "logs",
    "diff",
    "snapshots",
    "snapshots create",
    "restore",
    "events",
    "push",
    "prune",
    "hooks",
    "hooks install",
    "hooks uninstall",
    "hooks status",
    "config",
    "service",
    "service install",
    "service uninstall",
    "service status",
    "doctor",
    "demo",
    "completions",
    "man",
];

/// Set this variable to write the page anew.
const UPDATE_VARIABLE: &str = "UPDATE_DOCS";

#[test]
fn the_page_of_commands_is_the_help() {
    let repository = TestRepository::new();
    let mut page = "# Commands\n\nMade from `--help` by `UPDATE_DOCS=1 cargo test --test it cli_help`; \
                    a test compares them. The exit codes are in [exit-codes.md](exit-codes.md).\n"
        .to_owned();
    for command in std::iter::once(&"").chain(COMMANDS) {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let answer = repository.claudedo(&words);
        assert_eq!((answer.status, answer.stderr.as_str()), (0, ""), "{words:?}");
        let heading = [&["git claudedo"], &words[..words.len() - 1]].concat().join(" ");
        write!(page, "\n## {heading}\n\n```text\n{}```\n", own_part(&answer.stdout)).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    if std::env::var_os(UPDATE_VARIABLE).is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/commands.md is old: UPDATE_DOCS=1 cargo test --test it cli_help");
}

/// Leaves out the global options, which are the same for every command.
fn own_part(help: &str) -> String {
    let is_top_level = help.contains("git claudedo [OPTIONS] <COMMAND>");
    let own = if is_top_level { help } else { help.split("\nGlobal options:\n").next().unwrap() };
    let lines = own.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    format!("{}\n", lines.trim_end())
}

#[test]
fn the_short_help_fits_a_screen() {
    let repository = TestRepository::new();
    let answer = repository.claudedo(&["-h"]);
    assert_eq!(answer.status, 0);
    assert!(answer.stdout.lines().count() <= 44, "{}", answer.stdout);
    for command in COMMANDS.iter().filter(|command| !command.contains(' ')) {
        assert!(answer.stdout.lines().any(|line| line.trim_start().starts_with(*command)), "{command}");
    }
}

#[test]
fn words_that_are_not_understood_end_with_129() {
    let repository = TestRepository::new();
    snapshots(&repository).bind(|| {
        insta::assert_snapshot!(shown(&repository.claudedo(&["lst"])), @r"
        [129]
        [stderr]
        error: unrecognized subcommand 'lst'

          tip: some similar subcommands exist: 'ls', 'list'

        Usage: git claudedo [OPTIONS] <COMMAND>

        For more information, try '--help'.
        ");
        insta::assert_snapshot!(shown(&repository.claudedo(&["list", "--bogus"])), @r"
        [129]
        [stderr]
        error: unexpected argument '--bogus' found

        Usage: git claudedo list [OPTIONS]

        For more information, try '--help'.
        ");
        insta::assert_snapshot!(shown(&repository.claudedo(&["add"])), @r#"
        [129]
        [stderr]
        error: A task needs a title.
        hint: git claudedo add "Fix the login redirect"
        "#);
        insta::assert_snapshot!(shown(&repository.claudedo(&["add", "x", "--max-turns", "many"])), @r#"
        [129]
        [stderr]
        error: invalid value 'many' for '--max-turns <NUMBER>': "many" is not a whole number; wanted is a whole number from 1 to 10000

        For more information, try '--help'.
        "#);
        insta::assert_snapshot!(shown(&repository.claudedo(&["run", "--slots", "0"])), @r"
        [129]
        [stderr]
        error: invalid value '0' for '--slots <NUMBER>': 0 is not in 1..=64

        For more information, try '--help'.
        ");
        insta::assert_snapshot!(shown(&repository.claudedo(&["config", "modle"])), @r#"
        [129]
        [stderr]
        error: There is no setting "modle".
        hint: The nearest is model
        "#);
    });
    assert_eq!(repository.claudedo(&[]).status, 129);
}

#[test]
fn the_version_is_told_without_a_repository() {
    let repository = TestRepository::new();
    let answer = crate::cli_support::claudedo_in(&repository, Path::new("/"), &["--version"]);
    assert_eq!(answer.stdout, format!("git-claudedo {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_exit_code_that_is_given_is_explained() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exit-codes.md")).unwrap();
    for code in [0, 1, 2, 3, 4, 128, 129, 130] {
        assert!(page.contains(&format!("\n| {code} |")), "{code}");
    }
}
