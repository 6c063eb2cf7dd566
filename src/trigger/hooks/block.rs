//! A marked block in a shell script that somebody else wrote and shares.
//!
//! It stands at the beginning, because what follows may end the script at any line. Taking it out gives back the
//! script as it was, byte for byte.

use super::HookEvent;

/// The first line.
const BEGIN: &str = "# >>> git-claudedo >>> to remove this block: git claudedo hooks uninstall --write\n";

/// The second line of a script that held nothing before. It goes with the block.
const WHOLE: &str = "# This file was made for it.\n";

/// The last line.
const END: &str = "# <<< git-claudedo <<<\n";

/// The shells that understand the block.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"];

/// What is left of a script without the block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// There is no block in it.
    NoBlock,
    /// The script as it was before.
    Script(Vec<u8>),
    /// There was none before.
    Nothing,
    /// Somebody changed the lines of the block.
    Edited,
}

/// Returns a script that holds the block alone.
pub(super) fn new_script(event: HookEvent) -> Vec<u8> {
    format!("{BEGIN}{WHOLE}{}{END}", body(event)).into_bytes()
}

/// Returns a script with the block in it, or `None` when no shell reads that script.
pub(super) fn insert(event: HookEvent, script: &[u8]) -> Option<Vec<u8>> {
    let first = script.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    let shebang = if first.starts_with(b"#!") {
        if !is_shell(first) || !first.ends_with(b"\n") {
            return None;
        }
        first.len()
    } else {
        0
    };
    if script.contains(&0) {
        return None;
    }
    let block = format!("{BEGIN}{}{END}", body(event));
    Some([&script[..shebang], block.as_bytes(), &script[shebang..]].concat())
}

/// Returns a script without the block.
pub(super) fn remove(event: HookEvent, script: &[u8]) -> Rest {
    let Some(begin) = position(script, BEGIN) else { return Rest::NoBlock };
    if script == new_script(event) {
        return Rest::Nothing;
    }
    let blocks = [format!("{BEGIN}{}{END}", body(event)).into_bytes(), new_script(event)];
    match blocks.iter().find(|block| script[begin..].starts_with(block)) {
        Some(block) => Rest::Script([&script[..begin], &script[begin + block.len()..]].concat()),
        None => Rest::Edited,
    }
}

/// The lines between the marks. What git says on standard input, the rest of the script may want to read as well.
fn body(event: HookEvent) -> String {
    let call = event.call();
    if !event.reads_input() {
        return format!("{call}\n");
    }
    format!(
        "claudedo() {{ {call}; }}\n\
         claudedo_lines=$(cat)\n\
         claudedo_lines=${{claudedo_lines:+$claudedo_lines\n}}\n\
         printf %s \"$claudedo_lines\" | claudedo \"$@\" || exit 1\n\
         if [ -z \"$claudedo_lines\" ]; then exec </dev/null; else exec <<CLAUDEDO\n\
         ${{claudedo_lines%?}}\nCLAUDEDO\nfi\n"
    )
}

/// `#!/bin/sh -e`, `#!/usr/bin/env bash`, `#!/usr/bin/env -S sh`.
fn is_shell(shebang: &[u8]) -> bool {
    let line = String::from_utf8_lossy(&shebang[2..]);
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let program = words.next().unwrap_or_default();
    let shell = if program == "env" { words.find(|word| !word.starts_with('-')) } else { Some(program) };
    shell.is_some_and(|shell| SHELLS.contains(&shell))
}

fn position(text: &[u8], part: &str) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_comes_back_byte_for_byte() {
        for script in
            ["#!/bin/sh\necho hi", "#!/usr/bin/env -S bash -e\n\n", "npm test\n", "", "\r\n\u{feff}x"]
        {
            for event in HookEvent::ALL {
                let with = insert(event, script.as_bytes()).unwrap();
                assert_ne!(with, script.as_bytes());
                assert_eq!(remove(event, &with), Rest::Script(script.as_bytes().to_owned()));
            }
        }
    }

    #[test]
    fn a_script_that_was_made_for_the_block_goes_with_it() {
        assert_eq!(remove(HookEvent::PrePush, &new_script(HookEvent::PrePush)), Rest::Nothing);
    }

    #[test]
    fn a_block_that_somebody_changed_stays() {
        let with = insert(HookEvent::PostMerge, b"x\n").unwrap();
        let changed = String::from_utf8(with).unwrap().replace("git-claudedo hook", "git-claudedo  hook");
        assert_eq!(remove(HookEvent::PostMerge, changed.as_bytes()), Rest::Edited);
    }

    #[test]
    fn only_a_shell_gets_a_block() {
        for script in ["#!/usr/bin/env python3\n", "#!/usr/bin/perl\n", "#!/bin/sh", "\u{7f}ELF\0\0"] {
            assert_eq!(insert(HookEvent::PostCommit, script.as_bytes()), None, "{script:?}");
        }
    }
}
