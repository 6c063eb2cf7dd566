//! `git claudedo completions`: what a shell needs to complete the words.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::arguments::Arguments;
use super::context::Context;

/// The function that git's own bash completion calls for `git claudedo …` (git 2.47,
/// contrib/completion/git-completion.bash: `__git_complete_command`). It makes the words look as if
/// `git-claudedo` had been typed, and hands them to the function that clap has written.
const BASH_GIT_WRAPPER: &str = r#"
_git_claudedo() {
    local i subcommand_index=1
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ "${COMP_WORDS[i]}" == claudedo ]]; then
            subcommand_index=$i
            break
        fi
    done
    local -a COMP_WORDS=(git-claudedo "${COMP_WORDS[@]:subcommand_index + 1}")
    local COMP_CWORD=$((COMP_CWORD - subcommand_index))
    _git-claudedo git-claudedo "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
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
    // The shell completes what is typed, and that begins with the name of the program.
    let mut command = Arguments::command().bin_name("git-claudedo");
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "git-claudedo", &mut script);
    if args.shell == Shell::Bash {
        script.extend_from_slice(BASH_GIT_WRAPPER.as_bytes());
    }
    context.ui.write_answer(|out| out.write_all(&script));
}
