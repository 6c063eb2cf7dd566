//! The scripts themselves: in every shell, without the program, inside a run.

use std::fs;
use std::path::{Path, PathBuf};

use super::{EVENTS, Hooked, executable, find_program, short};
use crate::support::Answer;

/// A name, and how a script is started.
const SHELLS: [(&str, &[&str]); 4] =
    [("dash", &[]), ("bash", &[]), ("bash", &["--posix"]), ("busybox", &["sh"])];

fn source(event: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks").join(event)
}

#[test]
fn what_is_installed_is_the_scripts_of_this_project() {
    let hooked = Hooked::new();
    hooked.install();
    assert_eq!(hooked.names().len(), EVENTS.len());
    for event in EVENTS {
        assert_eq!(fs::read(hooked.hooks().join(event)).unwrap(), fs::read(source(event)).unwrap());
        let lines = fs::read_to_string(source(event)).unwrap().lines().count();
        assert!(lines <= 15, "{event} has {lines} lines");
    }
}

#[test]
fn shellcheck_finds_nothing_in_the_scripts() {
    let Some(shellcheck) = find_program("shellcheck") else {
        eprintln!("SKIPPED: shellcheck is not installed");
        return;
    };
    let hooked = Hooked::new();
    let mut command = hooked.repository.program(shellcheck);
    let answer = Answer::from(command.args(EVENTS.map(source)).output().unwrap());
    assert_eq!((answer.status, answer.stdout.as_str()), (0, ""));
}

#[test]
fn every_shell_runs_both_hooks_with_the_same_words_and_input() {
    for (shell, words) in SHELLS {
        let Some(shell) = find_program(shell) else { continue };
        let hooked = Hooked::new();
        hooked.theirs("post-rewrite", 7);
        hooked.theirs("pre-push", 0);
        hooked.install();
        let run = |event: &str, exit: &str| {
            let script = format!(
                "printf 'a b\\n\\nc\\n' | \"$@\" '{}' 'one  two' '' 5>&1",
                event_path(&hooked, event)
            );
            let command = hooked.git_program();
            let mut shell_command = hooked.repository.program("sh");
            shell_command.args(["-c", &script, "sh"]).arg(&shell).args(words);
            shell_command.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
            shell_command.env("CLAUDEDO_EXIT", exit);
            Answer::from(shell_command.output().unwrap())
        };
        assert_eq!(run("post-rewrite", "9").status, 7);
        let both = "theirs post-rewrite one  two  a b\n\nc\nhook post-rewrite one  two  <a b\n\nc";
        assert_eq!(hooked.calls().join("\n"), both, "{shell:?}");
        assert_eq!(run("pre-push", "0").status, 0);
        let called = hooked.calls().join("\n");
        let both = "theirs pre-push one  two  a b\n\nc\nhook pre-push one  two  <a b\n\nc";
        assert_eq!(called, both, "{shell:?}");
        assert_eq!(run("pre-push", "1").status, 1);
        assert_eq!(run("pre-push", "101").status, 0, "a fault of the program stopped a push");
    }
}

fn event_path(hooked: &Hooked, event: &str) -> String {
    hooked.hooks().join(event).to_str().unwrap().to_owned()
}

#[test]
fn a_push_of_nothing_tells_both_hooks_nothing() {
    let hooked = Hooked::new();
    assert_eq!(hooked.push(), 0);
    executable(&hooked.hooks().join("pre-push"), "#!/bin/sh\nwc -c >>\"$CALLS\"\n");
    hooked.install();
    assert_eq!(hooked.push(), 0);
    assert_eq!(hooked.calls(), ["0", "hook pre-push origin ../remote.git"]);
}

#[test]
fn a_hook_that_does_not_read_leaves_everything_for_the_other() {
    let hooked = Hooked::new();
    executable(&hooked.hooks().join("pre-push"), "#!/bin/sh\nexit 0\n");
    hooked.install();
    for number in 0..2000 {
        // More than fits into a pipe: nobody may wait for somebody who does not read.
        fs::create_dir_all(hooked.repository.path().join(".git/refs/heads/many")).unwrap();
        let head = hooked.repository.git(&["rev-parse", "HEAD"]);
        let path = hooked.repository.path().join(format!(".git/refs/heads/many/branch-{number:04}"));
        fs::write(path, format!("{head}\n")).unwrap();
        if number == 0 {
            assert_eq!(hooked.git(&["pack-refs", "--all"]), 0);
        }
    }
    assert_eq!(hooked.git(&["push", "--quiet", "--all", "origin"]), 0);
    let text = hooked.calls();
    assert_eq!(text.len(), 2001, "the main branch and the others");
    assert!(text[0].starts_with("hook pre-push origin ../remote.git <refs/heads/"), "{}", text[0]);
}

#[test]
fn without_the_program_nothing_happens_and_nothing_is_said() {
    let hooked = Hooked::new();
    hooked.theirs("post-commit", 0);
    hooked.install();
    // Nothing but git and the shell on the search path.
    let tools = hooked.root().join("tools");
    fs::create_dir(&tools).unwrap();
    for tool in ["git", "sh", "cat"] {
        std::os::unix::fs::symlink(find_program(tool).unwrap(), tools.join(tool)).unwrap();
    }
    for arguments in
        [["commit", "--quiet", "--allow-empty", "--message=x"], ["push", "--quiet", "origin", "HEAD"]]
    {
        let mut command = hooked.git_program();
        let answer = Answer::from(command.env("PATH", &tools).args(arguments).output().unwrap());
        assert_eq!((answer.status, answer.stderr.as_str()), (0, ""), "{arguments:?}");
    }
    assert_eq!(hooked.calls(), ["theirs post-commit"]);
}

#[test]
fn inside_a_run_only_the_other_hook_runs() {
    let hooked = Hooked::new();
    hooked.theirs("post-commit", 0);
    hooked.theirs("pre-push", 0);
    hooked.install();
    let run = [("CLAUDEDO_RUN", "01890a5d-ac96-774b-bcce-b302099a8057"), ("CLAUDEDO_EXIT", "1")];
    assert_eq!(hooked.git_with(&run, &["commit", "--quiet", "--allow-empty", "--message=x"]), 0);
    assert_eq!(hooked.git_with(&run, &["push", "--quiet", "origin", "HEAD"]), 0);
    let expected = ["theirs post-commit", "theirs pre-push origin ../remote.git HEAD ID refs/heads/main ID"];
    assert_eq!(hooked.calls(), expected.map(short));
}

#[test]
fn each_event_calls_the_program_once() {
    let hooked = Hooked::new();
    hooked.install();
    assert_eq!(hooked.commit(), 0);
    assert_eq!(hooked.calls(), ["hook post-commit"]);
    assert_eq!(hooked.git(&["commit", "--quiet", "--allow-empty", "--amend", "--message=y"]), 0);
    assert_eq!(hooked.calls(), ["hook post-commit", "hook post-rewrite amend <ID ID"]);
    assert_eq!(hooked.git(&["switch", "--quiet", "--create", "other"]), 0);
    assert_eq!(hooked.calls(), ["hook post-checkout ID ID 1"]);
    assert_eq!(hooked.commit(), 0);
    assert_eq!(hooked.git(&["switch", "--quiet", "main"]), 0);
    hooked.calls();
    assert_eq!(hooked.git(&["merge", "--quiet", "other"]), 0);
    assert_eq!(hooked.calls(), ["hook post-merge 0"]);
}
