//! Files that are refused, with all that a person gets to read: place, line, caret, fix.
//!
//! And the promises that hold for every file: reading ends, and what is written is read back.

use std::path::Path;

use super::{ListFile, PeopleFile, RepositoryFile, TaskFile};

fn refused<T: PeopleFile>(texts: &[&[u8]]) -> String {
    let path = Path::new("fix-login-7k3f.yaml");
    let refusal =
        |text: &&[u8]| T::parse(path, text).err().map_or("accepted".to_owned(), |error| error.to_string());
    texts.iter().map(refusal).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_unknown_key_is_named_with_what_was_probably_meant() {
    insta::assert_snapshot!(refused::<TaskFile>(&[
        b"title: a\nmodle: opus\n",
        b"title: a\nmaxTurns: 3\n",
        b"title: a\ninstructions: be brief\n",
        b"title: a\ncolour: red\n",
        b"title: a\nsubtasks: [{titel: x}]\n",
        b"title: a\nsubtasks: [{title: x, model: y}]\n",
    ]), @r##"
    read fix-login-7k3f.yaml:2:1: unknown key "modle"
      2 | modle: opus
        | ^
      fix: did you mean `model`?
    read fix-login-7k3f.yaml:2:1: unknown key "maxTurns"
      2 | maxTurns: 3
        | ^
      fix: did you mean `max_turns`?
    read fix-login-7k3f.yaml:2:1: unknown key "instructions"
      2 | instructions: be brief
        | ^
      fix: did you mean `system_prompt`?
    read fix-login-7k3f.yaml:2:1: unknown key "colour"
      2 | colour: red
        | ^
      fix: delete the line; `git claudedo config` lists the settings
    read fix-login-7k3f.yaml:2:13: subtasks[0]: unknown key "titel"
      2 | subtasks: [{titel: x}]
        |             ^
      fix: did you mean `title`?
    read fix-login-7k3f.yaml:2:23: subtasks[0]: unknown key "model"
      2 | subtasks: [{title: x, model: y}]
        |                       ^
      fix: delete it; a subtask has the keys title, completed
    "##);
}

#[test]
fn a_second_key_is_reported_where_it_stands() {
    insta::assert_snapshot!(refused::<TaskFile>(&[
        b"title: a\nmodel: x\ntitle: b\n",
        b"title: a\nsubtasks:\n  - title: a\n    title: b\n",
    ]), @r##"
    read fix-login-7k3f.yaml:3:1: the key title stands here for the second time
      3 | title: b
        | ^
      fix: keep one of the two lines
    read fix-login-7k3f.yaml:4:5: subtasks[0]: the key title stands here for the second time
      4 |     title: b
        |     ^
      fix: keep one of the two lines
    "##);
}

#[test]
fn a_file_is_one_document_and_not_an_empty_one() {
    insta::assert_snapshot!(refused::<TaskFile>(&[
        b"",
        b"# later\n\n",
        b"---\n",
        b"title: a\n---\ntitle: b\n",
        b"title: a\n...\n",
        b"- title: a\n",
        b"hello\n",
        b"model: x\n",
    ]), @r##"
    read fix-login-7k3f.yaml:1:1: the file is empty
      1 | 
        | ^
      fix: write what is wanted, or delete the file
    read fix-login-7k3f.yaml:1:1: the file is empty
      1 | # later
        | ^
      fix: write what is wanted, or delete the file
    read fix-login-7k3f.yaml:1:1: the file is empty
      1 | ---
        | ^
      fix: write what is wanted, or delete the file
    read fix-login-7k3f.yaml:2:1: a second YAML document starts here
      2 | ---
        | ^
      fix: keep one document and delete this line; each task has a file of its own
    read fix-login-7k3f.yaml:2:1: a second YAML document starts here
      2 | ...
        | ^
      fix: keep one document and delete this line; each task has a file of its own
    read fix-login-7k3f.yaml:1:1: a list cannot stand here
      1 | - title: a
        | ^
      fix: write `key: value` lines that make a task
    read fix-login-7k3f.yaml:1:1: the text "hello" cannot stand here
      1 | hello
        | ^
      fix: write `key: value` lines that make a task
    read fix-login-7k3f.yaml:1:1: the task has no title
      1 | model: x
        | ^
      fix: write `title: …` on a line of its own
    "##);
}

#[test]
fn anchors_aliases_tags_and_merge_keys_are_refused_where_they_stand() {
    insta::assert_snapshot!(refused::<TaskFile>(&[
        b"title: &a hi\nmodel: *a\n",
        b"title: hi\nmodel: *a\n",
        b"title: !!str hi\n",
        b"title: hi\ndescription: |\n  **bold** & *x* !y\nmodel: !foo x\n",
        b"!task\ntitle: a\n",
        b"title: a\n<<: {model: x}\n",
        b"title: a\nafter: &a [b, &b c]\nsubtasks: *a\n",
    ]), @r##"
    read fix-login-7k3f.yaml:1:8: a YAML anchor, which is not supported here
      1 | title: &a hi
        |        ^
      fix: write the value out, or quote the text
    read fix-login-7k3f.yaml:2:8: a YAML alias, which is not supported here
      2 | model: *a
        |        ^
      fix: quote the text, or write it out
    read fix-login-7k3f.yaml:1:8: a YAML tag, which is not supported here
      1 | title: !!str hi
        |        ^
      fix: delete the word that starts with `!`, or quote the text
    read fix-login-7k3f.yaml:4:8: a YAML tag, which is not supported here
      4 | model: !foo x
        |        ^
      fix: delete the word that starts with `!`, or quote the text
    read fix-login-7k3f.yaml:1:1: a YAML tag, which is not supported here
      1 | !task
        | ^
      fix: delete the word that starts with `!`, or quote the text
    read fix-login-7k3f.yaml:2:1: a YAML merge key, which is not supported here
      2 | <<: {model: x}
        | ^
      fix: write the keys out
    read fix-login-7k3f.yaml:2:8: a YAML anchor, which is not supported here
      2 | after: &a [b, &b c]
        |        ^
      fix: write the value out, or quote the text
    "##);
}

#[test]
fn characters_that_hide_or_command_are_refused_raw_and_escaped() {
    insta::assert_snapshot!(refused::<TaskFile>(&[
        b"title: a\0b\n",
        b"title: a\x1b[2J\n",
        b"title: a\ndescription: \"\\e[2J\"\n",
        b"title: \"a\\0b\"\n",
        "title: a\ndescription: x\u{202e}y\n".as_bytes(),
        b"title: a\ndescription: \"x\\u2067y\"\n",
        "title: a\u{9b}b\n".as_bytes(),
        b"title: a\rmodel: b\n",
        "title: a\ndescription: one\u{2028}two\n".as_bytes(),
        b"title: a\nchecks: [\"a\\u0007\"]\n",
    ]), @r##"
    read fix-login-7k3f.yaml:1:9: U+0000 is the NUL character
      1 | title: a�b
        |         ^
      fix: delete the character
    read fix-login-7k3f.yaml:1:9: U+001B is the escape character, which commands a terminal
      1 | title: a�[2J
        |         ^
      fix: delete the character
    read fix-login-7k3f.yaml:2:14: description: has a character that is not allowed: U+001B is the escape character, which commands a terminal
      2 | description: "\e[2J"
        |              ^
      fix: write text without control characters
    read fix-login-7k3f.yaml:1:8: title: has a character that is not allowed: U+0000 is the NUL character
      1 | title: "a\0b"
        |        ^
      fix: write one line of 1 to 200 characters
    read fix-login-7k3f.yaml:2:15: U+202E is a mark that reorders text on the screen
      2 | description: x�y
        |               ^
      fix: delete the character
    read fix-login-7k3f.yaml:2:14: description: has a character that is not allowed: U+2067 is a mark that reorders text on the screen
      2 | description: "x\u2067y"
        |              ^
      fix: write text without control characters
    read fix-login-7k3f.yaml:1:9: U+009B is a control character
      1 | title: a�b
        |         ^
      fix: delete the character
    read fix-login-7k3f.yaml:1:9: U+000D is a control character
      1 | title: a�model: b
        |         ^
      fix: delete the character
    read fix-login-7k3f.yaml:2:17: U+2028 is a line break other than a newline
      2 | description: one�two
        |                 ^
      fix: delete the character
    read fix-login-7k3f.yaml:2:10: checks[0]: has a character that is not allowed: U+0007 is a control character
      2 | checks: ["a\u0007"]
        |          ^
      fix: write a list of lines, such as [cargo test, cargo fmt --check]
    "##);
}

#[test]
fn what_is_no_text_is_refused_at_the_first_bad_byte() {
    let large = "x".repeat(64 * 1024 + 1);
    insta::assert_snapshot!(refused::<TaskFile>(&[
        b"title: a\ndescription: \xc3\xa4b\xffc\n",
        b"\xff\xfet\0i\0",
        large.as_bytes(),
    ]), @r##"
    read fix-login-7k3f.yaml:2:16: byte 0xff is not UTF-8
      2 | description: äb�c
        |                ^
      fix: save the file as UTF-8
    read fix-login-7k3f.yaml:1:1: byte 0xff is not UTF-8
      1 | ��t�i�
        | ^
      fix: save the file as UTF-8
    read fix-login-7k3f.yaml:1:1: the file has 65537 bytes, and at most 65536 are read
      1 | xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        | ^
      fix: move long material into a file of the repository and name it here
    "##);
}

#[test]
fn what_is_no_yaml_says_what_to_write() {
    insta::assert_snapshot!(refused::<TaskFile>(&[
        b"title: fix: it\n",
        b"title: \"a\n",
        b"title: @a\n",
        b"title: a\n model: b\n",
        b"title: a\ndescription: |\n text\nbad\n",
        b"title: a\nsubtasks:\n\t- title: b\n",
        b"title: a\n<<<<<<< HEAD\nmodel: a\n=======\nmodel: b\n>>>>>>> other\n",
        b"title: a\n  =======\nb: c\n",
    ]), @r##"
    read fix-login-7k3f.yaml:1:11: this is not YAML: mapping values are not allowed in this context
      1 | title: fix: it
        |           ^
      fix: quote the text if it holds a colon, or line the key up with the others
    read fix-login-7k3f.yaml:1:10: this is not YAML: found unexpected end of stream
      1 | title: "a
        |          ^
      fix: close the quote or bracket
    read fix-login-7k3f.yaml:1:8: this is not YAML: found character that cannot start any token
      1 | title: @a
        |        ^
      fix: quote the text
    read fix-login-7k3f.yaml:2:7: this is not YAML: mapping values are not allowed in this context
      2 |  model: b
        |       ^
      fix: quote the text if it holds a colon, or line the key up with the others
    read fix-login-7k3f.yaml:4:4: this is not YAML: could not find expected ':'
      4 | bad
        |    ^
      fix: write `key: value`, or indent every line of a long text under its `key: |`
    read fix-login-7k3f.yaml:3:1: a tab in the indentation
      3 |  - title: b
        | ^
      fix: indent with spaces
    read fix-login-7k3f.yaml:2:1: a conflict marker of an unfinished merge
      2 | <<<<<<< HEAD
        | ^
      fix: choose one side, delete the markers, then `git add` the file
    read fix-login-7k3f.yaml:3:1: unknown key "b"
      3 | b: c
        | ^
      fix: delete the line; `git claudedo config` lists the settings
    "##);
}

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
