//! The arguments of Claude Code 2.1.330, as far as a headless run uses them.
//!
//! An unknown one ends the start, as it does there: a test must not pass with a flag that does not exist.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Refusal;

const SWITCHES: &[&str] = &[
    "-p",
    "--print",
    "--verbose",
    "--strict-mcp-config",
    "--include-partial-messages",
    "--include-hook-events",
    "--exclude-dynamic-system-prompt-sections",
    "--disable-slash-commands",
    "--fork-session",
    "--no-session-persistence",
    "--dangerously-skip-permissions",
];

const WITH_VALUE: &[&str] = &[
    "--output-format",
    "--input-format",
    "--session-id",
    "--resume",
    "--model",
    "--fallback-model",
    "--effort",
    "--max-turns",
    "--max-budget-usd",
    "--permission-mode",
    "--permission-prompts",
    "--settings",
    "--setting-sources",
    "--system-prompt",
    "--system-prompt-file",
    "--system-prompt-snapshot",
    "--append-system-prompt",
    "--append-system-prompt-file",
    "--agents",
    "--agent",
    "--json-schema",
    "--name",
];

/// These swallow words up to the next flag.
const WITH_VALUES: &[&str] = &["--allowedTools", "--disallowedTools", "--tools", "--add-dir", "--mcp-config"];

/// What the fake needs to know of its arguments.
#[derive(Debug)]
pub(crate) struct Arguments {
    given: BTreeMap<String, String>,
}

impl Arguments {
    pub(crate) fn parse(words: &[String]) -> Result<Self, Refusal> {
        let mut given = BTreeMap::new();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let (flag, attached) = match word.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => (flag, Some(value.to_owned())),
                _ => (word.as_str(), None),
            };
            let value = if SWITCHES.contains(&flag) {
                String::new()
            } else if WITH_VALUE.contains(&flag) {
                attached.or_else(|| words.next().cloned()).ok_or_else(|| missing(flag))?
            } else if WITH_VALUES.contains(&flag) {
                let mut values: Vec<String> = attached.into_iter().collect();
                while let Some(value) = words.next_if(|word| !word.starts_with('-')) {
                    values.push(value.clone());
                }
                values.join(" ")
            } else if flag.starts_with('-') {
                return Err(Refusal::real(format!("error: unknown option '{flag}'")));
            } else {
                return Err(Refusal::misuse(format!("the prompt belongs on stdin, not in {word:?}")));
            };
            given.insert(flag.to_owned(), value);
        }
        let arguments = Self { given };
        arguments.check()?;
        Ok(arguments)
    }

    pub(crate) fn value(&self, flag: &str) -> Option<&str> {
        self.given.get(flag).map(String::as_str)
    }

    fn check(&self) -> Result<(), Refusal> {
        if !self.given.contains_key("-p") && !self.given.contains_key("--print") {
            return Err(Refusal::misuse("only headless runs (-p) are played"));
        }
        if self.value("--output-format") != Some("stream-json") {
            return Err(Refusal::misuse("only --output-format stream-json is played"));
        }
        if !self.given.contains_key("--verbose") {
            let message = "Error: When using --print, --output-format=stream-json requires --verbose";
            return Err(Refusal::real(message));
        }
        if self.value("--resume").is_some() && self.value("--session-id").is_some() {
            let message =
                "Error: --session-id can only be used with --resume if --fork-session is also specified.";
            return Err(Refusal::real(message));
        }
        if self.value("--max-turns").is_some_and(|turns| turns.parse::<u32>().is_err()) {
            return Err(Refusal::real("error: option '--max-turns <turns>' argument is invalid"));
        }
        self.check_files()?;
        self.check_privileges()
    }

    fn check_files(&self) -> Result<(), Refusal> {
        for flag in ["--system-prompt-file", "--append-system-prompt-file"] {
            match self.value(flag) {
                Some(path) if !Path::new(path).is_file() => {
                    return Err(Refusal::real(format!("Error: file not found: {path}")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// As root the CLI loosens nothing, unless the machine is declared a sandbox.
    fn check_privileges(&self) -> Result<(), Refusal> {
        let loose = self.value("--permission-mode") == Some("bypassPermissions")
            || self.given.contains_key("--dangerously-skip-permissions");
        if loose && rustix::process::getuid().is_root() && std::env::var_os("IS_SANDBOX").is_none() {
            let message = "--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons";
            return Err(Refusal::real(message));
        }
        Ok(())
    }
}

fn missing(flag: &str) -> Refusal {
    Refusal::real(format!("error: option '{flag} <value>' argument missing"))
}
