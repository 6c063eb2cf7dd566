//! Values that are refused, with all that a person gets to read: place, line, caret, fix.

use super::refusals::refused;
use super::{ListFile, RepositoryFile, TaskFile};

#[test]
fn a_title_is_one_line_with_something_on_it() {
    let long = format!("title: {}\n", "x".repeat(201));
    insta::assert_snapshot!(refused::<TaskFile>(&[
        b"title:\n",
        b"title: ~\n",
        b"title: '  '\n",
        b"title: |\n  a\n  b\n",
        b"title: [a]\n",
        b"title: a\ndescription: null\n",
        long.as_bytes(),
    ]), @r##"
    read fix-login-7k3f.yaml:1:7: title: has no value
      1 | title:
        |       ^
      fix: write one line of 1 to 200 characters
    read fix-login-7k3f.yaml:1:8: title: has no value
      1 | title: ~
        |        ^
      fix: write one line of 1 to 200 characters
    read fix-login-7k3f.yaml:1:8: title: has no value
      1 | title: '  '
        |        ^
      fix: write one line of 1 to 200 characters
    read fix-login-7k3f.yaml:1:8: title: has more than one line or a tab
      1 | title: |
        |        ^
      fix: write one line of 1 to 200 characters
    read fix-login-7k3f.yaml:1:8: title: a list cannot stand here
      1 | title: [a]
        |        ^
      fix: write one line of 1 to 200 characters
    read fix-login-7k3f.yaml:2:14: description: has no value
      2 | description: null
        |              ^
      fix: write text without control characters
    read fix-login-7k3f.yaml:1:8: title: has 201 characters, and at most 200 are allowed
      1 | title: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        |        ^
      fix: write one line of 1 to 200 characters
    "##);
}

#[test]
fn a_value_of_the_wrong_kind_says_which_is_wanted() {
    insta::assert_snapshot!(refused::<TaskFile>(&[
        b"title: a\nmax_turns: many\n",
        b"title: a\nmax_turns: 0\n",
        b"title: a\nmax_turns: -3\n",
        b"title: a\nmax_turns: [1]\n",
        b"title: a\nmax_budget_usd: free\n",
        b"title: a\nmax_budget_usd: 20000\n",
        b"title: a\npriority: 9999999999\n",
        b"title: a\ndraft: maybe\n",
        b"title: a\ntimeout: 5\n",
        b"title: a\npermission_mode: acceptedits\n",
    ]), @r##"
    read fix-login-7k3f.yaml:2:12: max_turns: "many" is not a whole number
      2 | max_turns: many
        |            ^
      fix: write a whole number from 1 to 10000
    read fix-login-7k3f.yaml:2:12: max_turns: "0" is not from 1 to 10000
      2 | max_turns: 0
        |            ^
      fix: write a whole number from 1 to 10000
    read fix-login-7k3f.yaml:2:12: max_turns: "-3" is not a whole number
      2 | max_turns: -3
        |            ^
      fix: write a whole number from 1 to 10000
    read fix-login-7k3f.yaml:2:12: max_turns: a list cannot stand here
      2 | max_turns: [1]
        |            ^
      fix: write a whole number from 1 to 10000
    read fix-login-7k3f.yaml:2:17: max_budget_usd: "free" is not an amount
      2 | max_budget_usd: free
        |                 ^
      fix: write an amount in US dollars above 0, such as 5 or 0.25
    read fix-login-7k3f.yaml:2:17: max_budget_usd: "20000" is not above 0 and at most 10000, with at most 6 decimals
      2 | max_budget_usd: 20000
        |                 ^
      fix: write an amount in US dollars above 0, such as 5 or 0.25
    read fix-login-7k3f.yaml:2:11: priority: "9999999999" is not a whole number from -2147483648 to 2147483647
      2 | priority: 9999999999
        |           ^
      fix: write a whole number from -2147483648 to 2147483647
    read fix-login-7k3f.yaml:2:8: draft: "maybe" is neither true nor false
      2 | draft: maybe
        |        ^
      fix: write true or false
    read fix-login-7k3f.yaml:2:10: timeout: "5" is not a length of time
      2 | timeout: 5
        |          ^
      fix: write a length of time such as 90s, 30m or 1h30m
    read fix-login-7k3f.yaml:2:18: permission_mode: "acceptedits" is not one of the words allowed here; did you mean acceptEdits?
      2 | permission_mode: acceptedits
        |                  ^
      fix: write one of acceptEdits, auto, bypassPermissions, default, dontAsk, manual, plan
    "##);
}

#[test]
fn a_list_where_none_belongs_and_none_where_one_belongs_are_refused() {
    insta::assert_snapshot!(refused::<TaskFile>(&[
        b"title: a\nchecks: cargo test\n",
        b"title: a\nchecks: [a, ~]\n",
        b"title: a\nchecks: []\n",
        b"title: a\nsubtasks:\n  - do it\n",
        b"title: a\nsubtasks:\n  - completed: true\n",
        b"title: a\nmodel: {a: b}\n",
    ]), @r##"
    read fix-login-7k3f.yaml:2:9: checks: the text "cargo test" cannot stand here
      2 | checks: cargo test
        |         ^
      fix: write a list of lines, such as [cargo test, cargo fmt --check]
    read fix-login-7k3f.yaml:2:13: checks[1]: has no value
      2 | checks: [a, ~]
        |             ^
      fix: write a list of lines, such as [cargo test, cargo fmt --check]
    read fix-login-7k3f.yaml:2:9: checks: has 0 values, and 1 to 200 are allowed
      2 | checks: []
        |         ^
      fix: write a list of lines, such as [cargo test, cargo fmt --check], or delete the line
    read fix-login-7k3f.yaml:3:5: subtasks[0]: the text "do it" cannot stand here
      3 |   - do it
        |     ^
      fix: write a subtask with `title: …`
    read fix-login-7k3f.yaml:3:5: subtasks[0]: this subtask has no title
      3 |   - completed: true
        |     ^
      fix: write `title: …`
    read fix-login-7k3f.yaml:2:8: model: a mapping cannot stand here
      2 | model: {a: b}
        |        ^
      fix: write one word that does not start with a hyphen
    "##);
}

#[test]
fn names_and_paths_that_lead_elsewhere_are_refused() {
    insta::assert_snapshot!(refused::<TaskFile>(&[
        b"title: a\nafter: [b, fix-login-7k3f]\n",
        b"title: a\nafter: [../b]\n",
        b"title: a\nlist: Back End\n",
        b"title: a\nagent: ../x\n",
        b"title: a\nagent: /etc/passwd\n",
        b"title: a\nagent: .Git/config\n",
        b"title: a\nresult_schema: -o\n",
        b"title: a\nmodel: --dangerously-skip-permissions\n",
        b"title: a\nbase: a b\n",
    ]), @r##"
    read fix-login-7k3f.yaml:2:12: after[1]: a task cannot wait for itself
      2 | after: [b, fix-login-7k3f]
        |            ^
      fix: write the id of another task
    read fix-login-7k3f.yaml:2:9: after[0]: "../b" is not a task id: only lowercase letters, digits and hyphens are allowed
      2 | after: [../b]
        |         ^
      fix: write the id of another task
    read fix-login-7k3f.yaml:2:7: list: "Back End" is not the name of a list: only lowercase letters, digits and hyphens are allowed
      2 | list: Back End
        |       ^
      fix: write the name of a list: lowercase letters, digits and hyphens
    read fix-login-7k3f.yaml:2:8: agent: "../x" leads out of the repository
      2 | agent: ../x
        |        ^
      fix: write a path relative to the root of the repository, without `..`
    read fix-login-7k3f.yaml:2:8: agent: "/etc/passwd" is not relative to the repository
      2 | agent: /etc/passwd
        |        ^
      fix: write a path relative to the root of the repository, without `..`
    read fix-login-7k3f.yaml:2:8: agent: ".Git/config" leads into git's own folder
      2 | agent: .Git/config
        |        ^
      fix: write a path relative to the root of the repository, without `..`
    read fix-login-7k3f.yaml:2:16: result_schema: "-o" starts with a hyphen, as an option does
      2 | result_schema: -o
        |                ^
      fix: write a path relative to the root of the repository, without `..`
    read fix-login-7k3f.yaml:2:8: model: "--dangerously-skip-permissions" starts with a hyphen, as an option does
      2 | model: --dangerously-skip-permissions
        |        ^
      fix: write one word that does not start with a hyphen
    read fix-login-7k3f.yaml:2:7: base: "a b" has a space or is too long
      2 | base: a b
        |       ^
      fix: write one word that does not start with a hyphen
    "##);
}

#[test]
fn what_is_the_users_to_say_cannot_be_said_by_the_repository() {
    insta::assert_snapshot!(refused::<TaskFile>(&[b"title: a\nslots: 3\n", b"title: a\nclaude: ./evil\n"]), @r##"
    read fix-login-7k3f.yaml:2:1: slots cannot be set in a task
      2 | slots: 3
        | ^
      fix: set it with `git config claudedo.slots …`
    read fix-login-7k3f.yaml:2:1: claude cannot be set in a task
      2 | claude: ./evil
        | ^
      fix: set it with `git config claudedo.claude …`
    "##);
    insta::assert_snapshot!(refused::<ListFile>(&[b"claude: ./evil\n", b"title: a\n"]), @r##"
    read fix-login-7k3f.yaml:1:1: claude cannot be set in a list
      1 | claude: ./evil
        | ^
      fix: set it with `git config claudedo.claude …`
    read fix-login-7k3f.yaml:1:1: unknown key "title"
      1 | title: a
        | ^
      fix: delete the line; `git claudedo config` lists the settings
    "##);
    insta::assert_snapshot!(refused::<RepositoryFile>(&[
        b"slots: 65\n",
        b"allow_repository_commands: true\n",
        b"repository: ../other\n",
    ]), @r##"
    read fix-login-7k3f.yaml:1:8: slots: "65" is not from 1 to 64
      1 | slots: 65
        |        ^
      fix: write a whole number from 1 to 64
    read fix-login-7k3f.yaml:1:1: allow_repository_commands cannot be set in the repository's config.yaml
      1 | allow_repository_commands: true
        | ^
      fix: set it with `git config claudedo.allowRepositoryCommands …`
    read fix-login-7k3f.yaml:1:1: unknown key "repository"
      1 | repository: ../other
        | ^
      fix: delete the line; `git claudedo config` lists the settings
    "##);
}
