//! `git claudedo completions`: what a shell needs to complete the words.

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::arguments::Arguments;
use super::context::Context;

/// What a shell completes.
const PROGRAM: &str = "git-claudedo";

/// The function that git's own bash completion calls for `git claudedo …` (git 2.47,
/// contrib/completion/git-completion.bash: `__git_complete_command`). It makes the words look as if
/// `git-claudedo` had been typed, and hands them to the function that clap has written.
const BASH_GIT_WRAPPER: &str = r#"
_git_claudedo() {
    local i at=1
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ "${COMP_WORDS[i]}" == claudedo ]]; then
            at=$i
            break
        fi
    done
    local -a typed=("${COMP_WORDS[@]:at + 1}")
    local current=$((COMP_CWORD - at))
    local -a COMP_WORDS=(git-claudedo "${typed[@]}")
    local COMP_CWORD=$current
    _claudedo git-claudedo "${COMP_WORDS[current]}" "${COMP_WORDS[current - 1]}"
}
"#;

/// Print a completion script for a shell
///
/// bash: write it to ~/.local/share/bash-completion/completions/git-claudedo
/// zsh:  write it to a file _git-claudedo in a folder of $fpath
/// fish: write it to ~/.config/fish/completions/git-claudedo.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CompletionsArguments {
    /// Shell to print it for
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArguments, context: &Context) {
    let script = if args.shell == Shell::Bash { bash_script() } else { script(args.shell, PROGRAM) };
    context.ui.write_answer(|out| out.write_all(script.as_bytes()));
}

/// Returns the script for bash, for the program by itself and behind git.
///
/// It is made under a name without a hyphen and registered under the program's: `clap_complete` 4.6.11 calls a
/// program with a hyphen by two different names within the script.
fn bash_script() -> String {
    let registered = script(Shell::Bash, "claudedo").replace("default claudedo\n", "default git-claudedo\n");
    registered + BASH_GIT_WRAPPER
}

fn script(shell: Shell, program: &str) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut typed_command(program), program, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Returns the definition under the name that a shell sees, without the space of the help.
fn typed_command(program: &str) -> Command {
    let command = Arguments::command().bin_name(program);
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| {
        let typed = format!("{program} {name}");
        command.mut_subcommand(name, |sub| sub.bin_name(typed))
    })
}
