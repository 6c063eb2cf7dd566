//! Files that are refused for their form, with all that a person gets to read: place, line, caret, fix.

use std::path::Path;

use super::{PeopleFile, TaskFile};

/// Returns what is said of each text.
pub(super) fn refused<T: PeopleFile>(texts: &[&[u8]]) -> String {
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
