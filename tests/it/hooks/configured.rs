//! Hooks by git's configuration, which needs git 2.54.
//!
//! What the git of this machine cannot do is tested with another one: `CLAUDEDO_NEWER_GIT` names the folder it is
//! in. Without it and with an older git, those tests say that they did not run.
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::fs;
use std::path::PathBuf;

use super::{Hooked, executable, find_program, state_of};
use crate::cli_support::{shown, snapshots};
use crate::support::Answer;

/// The folder of a git that runs hooks of its configuration, or `None` after saying that the test is skipped.
fn newer_git() -> Option<PathBuf> {
    let folder = std::env::var_os("CLAUDEDO_NEWER_GIT").map(PathBuf::from);
    if folder.is_none() {
        eprintln!(
            "SKIPPED: hooks by git's configuration; CLAUDEDO_NEWER_GIT names no folder of a git 2.54 or later"
        );
    }
    folder
}

struct Newer {
    hooked: Hooked,
    folder: PathBuf,
}

impl Newer {
    fn new() -> Option<Self> {
        let folder = newer_git()?;
        Some(Self { hooked: Hooked::new(), folder })
    }

    fn run(&self, program: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Answer {
        let git = self.hooked.git_program();
        let mut command = self.hooked.repository.program(program);
        command.envs(git.get_envs().filter_map(|(key, value)| Some((key, value?))));
        let bin = self.hooked.root().join("bin");
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{}:{path}", bin.display(), self.folder.display()));
        command.args(arguments).envs(variables.iter().copied()).output().unwrap().into()
    }

    fn hooks(&self, arguments: &[&str]) -> Answer {
        self.run(env!("CARGO_BIN_EXE_git-claudedo"), &[], &[&["hooks"], arguments].concat())
    }

    fn git(&self, arguments: &[&str]) -> i32 {
        self.run("git", &[], arguments).status
    }

    fn config(&self) -> Vec<u8> {
        fs::read(self.hooked.repository.path().join(".git/config")).unwrap()
    }
}

#[test]
fn a_newer_git_gets_them_beside_all_others_and_without_a_trace() {
    let Some(newer) = Newer::new() else { return };
    newer.hooked.theirs("post-commit", 0);
    let before = (newer.config(), state_of(&newer.hooked.hooks()));
    assert_eq!(newer.hooks(&["install"]).status, 0);
    assert_eq!(state_of(&newer.hooked.hooks()), before.1);
    let installed = newer.config();
    assert_eq!((newer.hooks(&["install"]).status, newer.config()), (0, installed));
    assert_eq!(newer.hooks(&["status"]).status, 0);
    assert_eq!(newer.git(&["commit", "--quiet", "--allow-empty", "--message=x"]), 0);
    assert_eq!(newer.hooked.calls(), ["hook post-commit", "theirs post-commit"]);
    assert_eq!(newer.git(&["push", "--quiet", "origin", "HEAD"]), 0);
    let pushed = "hook pre-push origin ../remote.git <HEAD ID refs/heads/main ID";
    assert_eq!(newer.hooked.calls(), [pushed]);
    assert_eq!(newer.git(&["switch", "--quiet", "--create", "other"]), 0);
    assert_eq!(newer.hooked.calls(), ["hook post-checkout ID ID 1"]);
    assert_eq!(newer.hooks(&["uninstall"]).status, 0);
    assert_eq!((newer.config(), state_of(&newer.hooked.hooks())), before);
}

#[test]
fn only_a_refusal_stops_a_push_there_too() {
    let Some(newer) = Newer::new() else { return };
    assert_eq!(newer.hooks(&["install"]).status, 0);
    let push = |exit: &str| {
        newer.run("git", &[("CLAUDEDO_EXIT", exit)], &["push", "--quiet", "origin", "HEAD"]).status
    };
    assert_eq!((push("1"), push("101")), (1, 0));
    let switch =
        |exit: &str| newer.run("git", &[("CLAUDEDO_EXIT", exit)], &["switch", "--quiet", "--detach"]).status;
    assert_eq!(switch("1"), 0);
    newer.hooked.calls();
    let inside = [("CLAUDEDO_RUN", "01890a5d-ac96-774b-bcce-b302099a8057")];
    assert_eq!(newer.run("git", &inside, &["commit", "--quiet", "--allow-empty", "--message=x"]).status, 0);
    assert_eq!(newer.hooked.calls(), [""; 0]);
}

#[test]
fn hooks_of_the_configuration_run_whatever_core_hooks_path_says() {
    let Some(newer) = Newer::new() else { return };
    newer.hooked.repository.git(&["config", "core.hooksPath", ".husky/_"]);
    assert_eq!(newer.hooks(&["install"]).status, 0);
    assert_eq!(newer.git(&["commit", "--quiet", "--allow-empty", "--message=x"]), 0);
    assert_eq!(newer.hooked.calls(), ["hook post-commit"]);
}

#[test]
fn scripts_give_way_to_the_configuration_and_come_back() {
    let Some(newer) = Newer::new() else { return };
    newer.hooked.theirs("post-commit", 0);
    newer.hooked.install();
    assert_eq!(newer.hooks(&["install"]).status, 0);
    assert_eq!(newer.hooked.names(), ["post-commit"]);
    assert_eq!(newer.git(&["commit", "--quiet", "--allow-empty", "--message=x"]), 0);
    assert_eq!(newer.hooked.calls(), ["hook post-commit", "theirs post-commit"]);
    assert_eq!(newer.hooks(&["install", "--mechanism=files"]).status, 0);
    assert_eq!(newer.git(&["commit", "--quiet", "--allow-empty", "--message=x"]), 0);
    assert_eq!(newer.hooked.calls(), ["theirs post-commit", "hook post-commit"]);
}

#[test]
fn what_the_program_does_with_git_itself_calls_no_hook() {
    let Some(newer) = Newer::new() else { return };
    assert_eq!(newer.hooks(&["install"]).status, 0);
    // An encoding makes the program let git fill the worktree, and that is a checkout.
    newer.hooked.repository.write(".gitattributes", "*.txt working-tree-encoding=UTF-16LE\n");
    newer.hooked.repository.write("a.txt", "a\0\n\0");
    newer.hooked.repository.git(&["add", "."]);
    newer.hooked.repository.git(&["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message=x"]);
    newer.hooked.repository.set("agentCommand", r#"["true"]"#);
    newer.hooked.calls();
    newer.hooked.repository.write_task("one", "title: One\n");
    newer.run(env!("CARGO_BIN_EXE_git-claudedo"), &[], &["run"]);
    assert_eq!(newer.hooked.repository.records("one").len(), 1, "it ran");
    assert_eq!(newer.hooked.calls(), [""; 0]);
}

#[test]
fn an_older_git_is_told_that_it_needs_scripts() {
    let Some(newer) = Newer::new() else { return };
    assert_eq!(newer.hooks(&["install"]).status, 0);
    // The machine's git comes first now. Where that is a newer one as well, nothing is wrong.
    let version = newer.hooked.repository.git(&["version"]);
    let answer = newer.hooked.hooks_command(&["status"]);
    let minor: u32 = version.split('.').nth(1).unwrap().parse().unwrap();
    if minor >= 54 {
        assert_eq!(answer.status, 0);
        return;
    }
    snapshots(&newer.hooked.repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [1]
        post-commit    does not run  in git's config, which this git does not read for hooks
        post-merge     does not run  in git's config, which this git does not read for hooks
        post-checkout  does not run  in git's config, which this git does not read for hooks
        post-rewrite   does not run  in git's config, which this git does not read for hooks
        pre-push       does not run  in git's config, which this git does not read for hooks
        [stderr]
        hint: To install the hooks: git claudedo hooks install
        ");
    });
    newer.hooked.install();
    assert_eq!(newer.hooked.hooks_command(&["status"]).status, 0);
}

#[test]
fn a_git_that_cannot_is_not_given_them() {
    let hooked = Hooked::new();
    let git = "#!/bin/sh\n[ \"$1\" = --version ] && echo git version 2.53.9\n";
    executable(&hooked.root().join("old/git"), git);
    let mut command = hooked.repository.program(env!("CARGO_BIN_EXE_git-claudedo"));
    command.env("PATH", format!("{}:/usr/bin:/bin", hooked.root().join("old").display()));
    let answer = Answer::from(command.args(["hooks", "install", "--mechanism=config"]).output().unwrap());
    assert_eq!(answer.status, 1);
    assert!(answer.stderr.contains("2.54 and later do"), "{}", answer.stderr);
    let mut command = hooked.repository.program(env!("CARGO_BIN_EXE_git-claudedo"));
    command.env("PATH", format!("{}:/usr/bin:/bin", hooked.root().join("old").display()));
    assert_eq!(Answer::from(command.args(["hooks", "install"]).output().unwrap()).status, 0);
    assert_eq!(hooked.names().len(), 5);
}

#[test]
fn the_version_of_git_decides_how_it_learns_of_hooks() {
    let hooked = Hooked::new();
    let plan = |version: &str| {
        let git = format!("#!/bin/sh\n[ \"$1\" = --version ] && echo 'git version {version}'\n");
        executable(&hooked.root().join("some/git"), &git);
        let mut command = hooked.repository.program(env!("CARGO_BIN_EXE_git-claudedo"));
        command.env("PATH", hooked.root().join("some").display().to_string() + ":/usr/bin:/bin");
        let words = ["hooks", "install", "--dry-run", "--event=pre-push"];
        Answer::from(command.args(words).output().unwrap()).stdout
    };
    let scripts = "pre-push: write .git/hooks/pre-push\n";
    let config = "pre-push: set in the repository's git config: hook.claudedo-pre-push\n";
    assert_eq!(["2.39.5", "2.53.1", "unknown"].map(plan), [scripts; 3]);
    assert_eq!(["2.54.0", "2.60.1 (Apple Git-200)", "3.0.0"].map(plan), [config; 3]);
}

#[test]
fn a_setting_that_was_cut_short_is_completed_or_undone() {
    let hooked = Hooked::new();
    let real = find_program("git").unwrap();
    // A git that says it is newer than it is: what it is told to set, any git can set.
    let git = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo git version 2.54.0; else exec {} \"$@\"; fi\n",
        real.display()
    );
    executable(&hooked.root().join("newer/git"), &git);
    let path = format!("{}:/usr/bin:/bin", hooked.root().join("newer").display());
    let hooks = |words: &[&str]| {
        let mut command = hooked.repository.program(env!("CARGO_BIN_EXE_git-claudedo"));
        Answer::from(command.env("PATH", &path).arg("hooks").args(words).output().unwrap())
    };
    let config = || fs::read_to_string(hooked.repository.path().join(".git/config")).unwrap();
    let before = config();
    assert_eq!(hooks(&["install"]).status, 0);
    let complete = config();
    assert_ne!(complete, before);
    for words in [["install"], ["uninstall"]] {
        // Killed after the command was set and before the event was.
        hooked.repository.git(&["config", "--unset", "hook.claudedo-pre-push.event"]);
        assert_eq!(hooks(&words).status, 0);
        let expected = if words == ["install"] { &complete } else { &before };
        assert_eq!(config(), *expected);
    }
}

#[test]
fn a_command_of_somebody_else_under_its_name_stays_until_it_is_forced() {
    let hooked = Hooked::new();
    hooked.repository.git(&["config", "hook.claudedo-pre-push.command", "mine"]);
    hooked.repository.git(&["config", "hook.claudedo-pre-push.event", "pre-push"]);
    let answer = hooked.hooks_command(&["uninstall"]);
    assert_eq!(answer.status, 1);
    assert!(answer.stderr.contains("something else in hook.claudedo-pre-push"), "{}", answer.stderr);
    assert_eq!(hooked.repository.git(&["config", "hook.claudedo-pre-push.command"]), "mine");
    assert_eq!(hooked.hooks_command(&["uninstall", "--force"]).status, 0);
    assert!(!hooked.repository.git(&["config", "--list"]).contains("claudedo-pre-push"));
}
