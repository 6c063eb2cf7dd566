//! A terminal of a test's own: a program runs in it, and what stands on its screen can be read.
//!
//! The pseudo terminal is made by `script` of util-linux. Where that is missing, the tests that need it say so
//! and pass.
#![expect(clippy::disallowed_methods, reason = "tests start programs")]
#![expect(clippy::print_stderr, reason = "a test that tests nothing must say so")]

use std::fs;
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::{TestRepository, eventually};

/// A program in a terminal.
#[derive(Debug)]
pub(crate) struct Terminal {
    child: Child,
    keys: ChildStdin,
    written: tempfile::NamedTempFile,
    columns: usize,
}

impl Terminal {
    /// Starts `git-claudedo` in a terminal of this size; `None` where there is no `script`.
    pub(crate) fn start(
        repository: &TestRepository,
        (columns, rows): (usize, usize),
        variables: &[(&str, &str)],
        arguments: &str,
    ) -> Option<Self> {
        let version = Command::new("script").arg("--version").output();
        if !version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("util-linux")) {
            eprintln!("SKIPPED: no `script` of util-linux, so nothing was tested on a terminal");
            return None;
        }
        let program = env!("CARGO_BIN_EXE_git-claudedo");
        let command = format!("stty cols {columns} rows {rows}; exec '{program}' {arguments}");
        let written = tempfile::NamedTempFile::new_in(repository.root().join("tmp")).unwrap();
        let mut script = repository.program("script");
        script.args(["--quiet", "--return", "--flush", "--command", &command, "/dev/null"]);
        script.envs(variables.iter().copied());
        script.stdin(Stdio::piped()).stdout(written.reopen().unwrap()).stderr(Stdio::null());
        let mut child = script.spawn().unwrap();
        let keys = child.stdin.take().unwrap();
        Some(Self { child, keys, written, columns })
    }

    /// Types.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this stands on the screen, and returns all that stands there.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        eventually(&format!("the terminal shows {text:?}"), || {
            Some(self.screen()).filter(|screen| screen.contains(text))
        })
    }

    /// Waits for the end of the program and returns its exit code.
    pub(crate) fn wait(&mut self) -> i32 {
        eventually("the program ends", || self.child.try_wait().unwrap()).code().unwrap()
    }

    /// Returns what stands on the screen, and what scrolled away above.
    pub(crate) fn screen(&self) -> String {
        screen(&self.bytes(), self.columns)
    }

    /// Returns all that was ever written to the terminal.
    pub(crate) fn bytes(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.written.path()).unwrap()).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Does with the text what a terminal does, as far as the program asks for it.
fn screen(text: &str, columns: usize) -> String {
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' => {
                let (number, command) = sequence(&mut rest);
                match command {
                    Some('A') => row = row.saturating_sub(number),
                    Some('K') => lines[row].truncate(column),
                    Some('J') => {
                        lines.truncate(row + 1);
                        lines[row].truncate(column);
                    }
                    _ => {}
                }
            }
            character => {
                if column == columns {
                    (row, column) = (row + 1, 0);
                }
                lines.resize_with(lines.len().max(row + 1), Vec::new);
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = character;
                column += 1;
            }
        }
        lines.resize_with(lines.len().max(row + 1), Vec::new);
    }
    let lines: Vec<String> = lines.iter().map(|line| line.iter().collect()).collect();
    lines.join("\n").trim_end().to_owned()
}

/// Takes the rest of a control sequence: its number and what it asks for.
fn sequence(rest: &mut std::str::Chars<'_>) -> (usize, Option<char>) {
    let mut number = String::new();
    let command = rest.by_ref().skip(1).find(|character| {
        number.push(*character);
        character.is_ascii_alphabetic()
    });
    number.pop();
    (number.parse().unwrap_or(1), command)
}
