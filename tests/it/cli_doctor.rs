//! `git claudedo doctor`: each check made to fail by what a user's machine does to it, and mended by the command that
//! was printed, wherever that can be run here.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use git_claudedo::store::runner_lock::RunnerKind;
use git_claudedo::store::state_directory::StateDirectory;
use serde_json::Value;

use crate::cli_support::shown;
use crate::support::{Answer, TestRepository};

/// What a Claude Code answers that is as it should be. `$1` tells `--version` from `auth status`.
const LOGGED_IN: &str = r#"case $1 in
--version) echo '2.1.330 (Claude Code)' ;;
auth) echo '{"loggedIn": true, "authMethod": "claude.ai", "email": "secret@example.com"}' ;;
esac"#;

/// A repository on a machine where nothing is wrong, with a search path of its own.
struct Doctor {
    repository: TestRepository,
}

impl Doctor {
    fn new() -> Self {
        Self::of(TestRepository::new())
    }

    fn of(repository: TestRepository) -> Self {
        let doctor = Self { repository };
        fs::create_dir(doctor.bin()).unwrap();
        let machine = std::env::var_os("PATH").unwrap();
        let git = std::env::split_paths(&machine).map(|folder| folder.join("git")).find(|git| git.is_file());
        let script = format!(
            "if [ \"$1\" = --version ]; then echo git version 2.47.3; else exec {} \"$@\"; fi",
            git.unwrap().display()
        );
        doctor.program("git", &script);
        doctor.program("claude", LOGGED_IN);
        symlink(env!("CARGO_BIN_EXE_git-claudedo"), doctor.bin().join("git-claudedo")).unwrap();
        doctor
    }

    fn bin(&self) -> PathBuf {
        self.repository.root().join("bin")
    }

    /// Puts a shell script on the search path.
    fn program(&self, name: &str, script: &str) {
        let path = self.bin().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = self.repository.program(env!("CARGO_BIN_EXE_git-claudedo"));
        command.env("PATH", self.bin()).env_remove("GIT_CONFIG_GLOBAL");
        command.env("XDG_CONFIG_HOME", self.repository.root().join("config")).arg("doctor");
        let config = self.repository.root().join("config/git");
        fs::create_dir_all(&config).unwrap();
        fs::copy(self.repository.root().join("gitconfig"), config.join("config")).unwrap();
        command
    }

    fn run(&self) -> Answer {
        self.command().output().unwrap().into()
    }

    /// Returns what one check says.
    fn says(&self, check: &str) -> String {
        self.says_by(check, &mut self.command())
    }

    fn says_by(&self, check: &str, command: &mut Command) -> String {
        let answer = Answer::from(command.arg("--json").output().unwrap());
        let all: Value = serde_json::from_str(&answer.stdout).unwrap();
        let findings = all["findings"].as_array().unwrap();
        let has_problem = findings.iter().any(|finding| finding["mark"] == "problem");
        assert_eq!((answer.status, all["problems"] != 0), (i32::from(has_problem), has_problem), "{all:#}");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let shown = findings.iter().filter(|finding| finding["check"] == check).map(|finding| {
            let mut lines =
                vec![format!("{}: {}", text(&finding["mark"]).unwrap(), text(&finding["what"]).unwrap())];
            lines.extend(text(&finding["why"]));
            lines.extend(text(&finding["mend"]).map(|mend| format!("$ {mend}")));
            lines.join("\n")
        });
        let shown = shown.collect::<Vec<_>>().join("\n");
        shown.replace(self.repository.root().to_str().unwrap(), "[ROOT]")
    }

    /// Runs the command that a check prints, and returns what the check says then.
    fn says_after_mending(&self, check: &str) -> String {
        let said = self.says(check);
        let command = said.lines().find_map(|line| line.strip_prefix("$ ")).unwrap();
        let command = command.replace("[ROOT]", self.repository.root().to_str().unwrap());
        let ended = self.repository.program("sh").args(["-c", &command]).output().unwrap();
        assert!(ended.status.success(), "{command}: {ended:?}");
        self.says(check)
    }
}

#[test]
fn where_nothing_is_wrong_each_check_says_so_in_a_line() {
    let doctor = Doctor::new();
    let answer = doctor.run();
    let mut settings = doctor.repository.snapshots();
    settings.add_filter(
        r"(?m)^  (?:ok  |info)     \d+ [GM]B free for ([a-z ]+)(?:, in memory: [a-z ]+)?, at",
        "  [ROOM]   for $1 at",
    );
    settings.add_filter(
        r"(?m)^  (?:ok|warning) +(?:inotify:|\d+ of \d+ inotify).*\n(?: {11}.*\n)*",
        "  [INOTIFY]\n",
    );
    settings.bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [0]
        machine
          ok       git 2.47.3, at [ROOT]/bin/git
          ok       `git claudedo` 0.1.0, at [ROOT]/bin/git-claudedo
          info     bubblewrap is not installed.
                   This version does not use it yet: agents run without a sandbox.
          [INOTIFY]
          ok       No variable of the environment changes what is done.
        agent
          ok       Claude Code 2.1.330, at [ROOT]/bin/claude
          ok       Claude Code is logged in (claude.ai).
        repository
          ok       A git repository, at [ROOT]/repository/.git
          ok       Nothing about its form is unusual.
          ok       Commits are by Test User <test@example.com>
          ok       Commits are not to be signed.
          info     Hooks of `git claudedo` are not installed: a commit or a pull starts nothing.
          ok       No remote overwrites, deletes or publishes records by itself.
          ok       No lock file of git is there.
          ok       There is no linked worktree.
          [ROOM]   for the repository at [ROOT]/repository/.git
          [ROOM]   for worktrees at [ROOT]/state/git-claudedo
          ok       Changes of task files are told at once.
          ok       The clock agrees with records and files.
        tasks
          ok       All settings can be read.
          ok       There is no task file yet.
          info     No runner is at work: tasks wait for `git claudedo run` or `watch`.
          ok       No worktree of an ended task is kept.
        [stderr]
        Nothing is wrong.
        ");
    });
    assert!(!doctor.repository.path().join(".git/claudedo/locks").exists(), "looking leaves no state behind");
}

#[test]
fn a_problem_comes_with_why_and_the_command_and_makes_the_exit_code_one() {
    let doctor = Doctor::new();
    doctor.program("claude", r#"echo '{"loggedIn": false}'; exit 1"#);
    let answer = doctor.run();
    assert_eq!(answer.status, 1);
    assert!(answer.stderr.ends_with("1 problem, 1 warning.\n"), "{}", answer.stderr);
    let expected = format!(
        "  problem  Claude Code is not logged in.\n           Every task would fail at its start.\n           \
         mend: {}/claude auth login\n",
        doctor.bin().display()
    );
    assert!(answer.stdout.contains(&expected), "{}", answer.stdout);
}

#[test]
fn whatever_claude_answers_it_is_a_finding_and_never_a_crash() {
    let doctor = Doctor::new();
    doctor.program("claude", "echo surprise; exit 7");
    insta::assert_snapshot!(doctor.says("agent"), @r#"
    warning: No version of Claude Code can be told from [ROOT]/bin/claude
    Asked for its version, it says "surprise".
    $ [ROOT]/bin/claude --version
    "#);
    insta::assert_snapshot!(doctor.says("login"), @r"
    warning: Whether Claude Code is logged in cannot be told.
    Asked, it ended with exit status: 7 and no JSON that says so.
    $ [ROOT]/bin/claude auth status
    ");
    doctor.program("claude", "echo '2.0.1 (Claude Code)'");
    insta::assert_snapshot!(doctor.says("agent"), @r"
    warning: Claude Code 2.0.1, at [ROOT]/bin/claude
    It is older than 2.1.330, which this program was measured with.
    $ [ROOT]/bin/claude update
    ");
    doctor.program("claude", "echo '3.0.0 (Claude Code)'");
    insta::assert_snapshot!(doctor.says("agent"), @r"
    info: Claude Code 3.0.0, at [ROOT]/bin/claude
    It is newer than 2.1.330, which this program was measured with.
    ");
}

#[test]
fn a_claude_that_hangs_is_given_up() {
    let doctor = Doctor::new();
    doctor.program("claude", &format!("case $1 in auth) exec /bin/sleep 600 ;; esac\n{LOGGED_IN}"));
    insta::assert_snapshot!(doctor.says("login"), @r"
    warning: Claude Code does not say whether it is logged in, at [ROOT]/bin/claude
    It gave no answer within 5 s.
    $ [ROOT]/bin/claude auth status
    ");
    doctor.repository.assert_no_process_left();
}

#[test]
fn an_agent_that_cannot_be_started_is_a_problem() {
    let doctor = Doctor::new();
    fs::set_permissions(doctor.bin().join("claude"), Permissions::from_mode(0o644)).unwrap();
    insta::assert_snapshot!(doctor.says("agent"), @r"
    problem: failed to start program [ROOT]/bin/claude: it is no executable file; run chmod +x on it, or name another
    No task can be done without it.
    $ chmod +x [ROOT]/bin/claude
    ");
    assert_eq!(doctor.says("login"), "");
    insta::assert_snapshot!(doctor.says_after_mending("agent"), @"ok: Claude Code 2.1.330, at [ROOT]/bin/claude");
    fs::remove_file(doctor.bin().join("claude")).unwrap();
    insta::assert_snapshot!(doctor.says("agent"), @r"
    problem: claude is not found in any folder of PATH.
    No task can be done without it.
    $ npm install --global @anthropic-ai/claude-code
    ");
    doctor.repository.set("agentCommand", "git");
    insta::assert_snapshot!(doctor.says("agent"), @r"
    info: Tasks are done by [ROOT]/bin/git
    claudedo.agentCommand names it, so Claude Code and its login do not matter.
    ");
}

#[test]
fn claude_is_asked_outside_of_the_repository_and_without_its_variables() {
    let doctor = Doctor::new();
    let note = doctor.repository.root().join("asked");
    let script = format!(
        "echo \"$PWD ${{CLAUDECODE-unset}} ${{DISABLE_AUTOUPDATER-unset}}\" > {}\n{LOGGED_IN}",
        note.display()
    );
    doctor.program("claude", &script);
    doctor.says_by("login", doctor.command().env("CLAUDECODE", "1"));
    assert_eq!(fs::read_to_string(note).unwrap(), "/ unset 1\n");
}

#[test]
fn every_git_on_the_search_path_is_told() {
    let doctor = Doctor::new();
    let other = doctor.repository.root().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("git"), "#!/bin/sh\necho git version 2.54.0\n").unwrap();
    fs::set_permissions(other.join("git"), Permissions::from_mode(0o755)).unwrap();
    let path = |folders: [PathBuf; 2]| std::env::join_paths(folders).unwrap();
    let with = |path| doctor.says_by("git", doctor.command().env("PATH", path));
    insta::assert_snapshot!(with(path([doctor.bin(), other.clone()])), @r"
    ok: git 2.47.3, at [ROOT]/bin/git
    info: git 2.54.0 is also on PATH, at [ROOT]/other/git
    Hooks named in the configuration run from git 2.54.0 on and are ignored by the older one.
    ");
    fs::write(other.join("git"), "#!/bin/sh\necho git version 2.17.1\n").unwrap();
    insta::assert_snapshot!(with(path([other.clone(), doctor.bin()])), @r"
    problem: git 2.17.1 at [ROOT]/other/git is older than 2.24.0.
    It does not understand what this program asks of it.
    info: git 2.47.3 is also on PATH, at [ROOT]/bin/git
    ");
    // git puts the folder of its own commands before the others when it starts a subcommand.
    let commands = doctor.repository.root().join("git-core");
    fs::create_dir(&commands).unwrap();
    fs::hard_link(doctor.bin().join("git"), commands.join("git")).unwrap();
    let as_subcommand = with(path([commands, doctor.bin()]));
    assert_eq!(as_subcommand, "ok: git 2.47.3, at [ROOT]/bin/git");
    fs::remove_file(doctor.bin().join("git")).unwrap();
    insta::assert_snapshot!(doctor.says("git"), @r"
    problem: There is no git on PATH.
    Commits of hooks, diffs and settings need it.
    $ sudo apt-get install git
    ");
}

#[test]
fn git_claudedo_has_to_find_this_very_program() {
    let doctor = Doctor::new();
    fs::remove_file(doctor.bin().join("git-claudedo")).unwrap();
    let missing = doctor.says("program");
    assert!(
        missing.starts_with("problem: `git claudedo` does not work: no folder of PATH holds git-claudedo.\n"),
        "{missing}"
    );
    doctor.program("git-claudedo", "exit 0");
    let other = doctor.says("program");
    assert!(
        other.starts_with(
            "warning: `git claudedo` starts another program than this one: [ROOT]/bin/git-claudedo\n"
        ),
        "{other}"
    );
    // A package may have put another one into git's own folder, in which git looks first.
    let folder = doctor.repository.root().join("git-core");
    fs::create_dir(&folder).unwrap();
    fs::rename(doctor.bin().join("git-claudedo"), folder.join("git-claudedo")).unwrap();
    let packaged = doctor.says_by("program", doctor.command().env("GIT_EXEC_PATH", &folder));
    assert!(packaged.contains("another program than this one: [ROOT]/git-core/git-claudedo\n"), "{packaged}");
}

#[test]
fn the_sandbox_is_tried_and_never_demanded() {
    let doctor = Doctor::new();
    doctor.program("bwrap", "[ \"$*\" = '--ro-bind / / true' ]");
    insta::assert_snapshot!(doctor.says("bubblewrap"), @r"
    info: bubblewrap works, at [ROOT]/bin/bwrap
    This version does not use it yet: agents run without a sandbox.
    ");
    doctor.program("bwrap", "echo 'bwrap: No permissions to create new namespace' >&2; exit 1");
    let refused = doctor.says("bubblewrap");
    assert!(
        refused.starts_with(
            "info: bubblewrap does not work, at [ROOT]/bin/bwrap\nbwrap: No permissions to create new namespace\n"
        ),
        "{refused}"
    );
}

#[test]
fn variables_are_told_by_name_and_never_by_value() {
    let doctor = Doctor::new();
    let git_dir = doctor.repository.path().join(".git");
    let set = |command: &mut Command| {
        command.env("ANTHROPIC_API_KEY", "sk-secret").env("GIT_DIR", &git_dir).env("CLAUDEDO_RUN", "x");
    };
    let mut command = doctor.command();
    set(&mut command);
    insta::assert_snapshot!(doctor.says_by("environment", &mut command), @r"
    warning: Set in the environment: GIT_DIR
    git and this program work with the repository named there, whatever the folder is.
    $ unset GIT_DIR
    info: ANTHROPIC_API_KEY is set.
    Claude Code uses it before the login that it keeps.
    info: CLAUDEDO_RUN is set: this was started by the agent of a task.
    Hooks of git start nothing from there.
    ");
    let mut command = doctor.command();
    set(&mut command);
    let answer = Answer::from(command.output().unwrap());
    assert!(
        !shown(&answer).contains("sk-secret") && !shown(&answer).contains("secret@example.com"),
        "{answer:?}"
    );
    let homeless =
        doctor.says_by("environment", doctor.command().env_remove("HOME").env_remove("XDG_STATE_HOME"));
    assert!(homeless.starts_with("problem: HOME is not set, nor is XDG_STATE_HOME.\n"), "{homeless}");
}

#[test]
fn outside_of_a_repository_the_machine_is_checked() {
    let doctor = Doctor::new();
    let mut command = doctor.command();
    command.current_dir(doctor.repository.root().join("home"));
    insta::assert_snapshot!(doctor.says_by("repository", &mut command), @r"
    info: No repository here: only the machine and the agent are checked.
    Looked for from [ROOT]/home
    ");
    doctor.repository.set("claude", "/nowhere/claude");
    let mut command = doctor.command();
    command.current_dir(doctor.repository.root().join("home"));
    let said = doctor.says_by("agent", &mut command);
    assert!(said.starts_with("problem: failed to find program /nowhere/claude"), "{said}");
}

#[test]
fn a_bare_repository_is_looked_at_as_far_as_it_goes() {
    let doctor = Doctor::new();
    let bare = doctor.repository.root().join("bare.git");
    doctor.repository.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    let mut command = doctor.command();
    insta::assert_snapshot!(doctor.says_by("form", command.current_dir(&bare)), @r"
    info: It is bare.
    Task files lie in a work tree: tasks are added and run in a clone of it; records can be read here.
    ");
    let mut command = doctor.command();
    assert_eq!(doctor.says_by("tasks", command.current_dir(&bare)), "");
}

#[test]
fn a_repository_that_cannot_be_read_is_told_in_the_words_of_git() {
    let doctor = Doctor::new();
    let config = doctor.repository.path().join(".git/config");
    let lines = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{lines}[broken\n")).unwrap();
    let said = doctor.says("repository");
    let line = lines.lines().count() + 1;
    assert!(said.starts_with("problem: failed to open the repository at "), "{said}");
    assert!(said.contains(&format!("bad config line {line} in file ")), "{said}");
    assert!(
        said.ends_with(".git/config") && said.contains(&format!("$ \"${{EDITOR:-vi}}\" +{line} ")),
        "{said}"
    );
}

#[test]
fn a_repository_whose_refs_cannot_be_read_says_how_to_change_that() {
    let doctor = Doctor::new();
    doctor.repository.git(&["config", "core.repositoryFormatVersion", "1"]);
    fs::write(
        doctor.repository.path().join(".git/config"),
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\trefStorage = reftable\n",
    )
    .unwrap();
    let said = doctor.says("repository");
    assert!(said.starts_with("problem: failed to use the repository at [ROOT]/repository/.git"), "{said}");
    assert!(said.ends_with("\n$ git refs migrate --ref-format=files"), "{said}");
}

#[test]
fn a_strangers_repository_is_trusted_by_its_name_alone() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: only root can give a folder away, so foreign repositories were NOT tested");
        return;
    }
    let doctor = Doctor::new();
    for path in [doctor.repository.path(), doctor.repository.path().join(".git")] {
        std::os::unix::fs::chown(path, Some(12345), None).unwrap();
    }
    insta::assert_snapshot!(doctor.says("repository"), @r"
    problem: The repository belongs to another user: [ROOT]/repository
    Its settings and hooks could run anything, so git refuses it as well. Only if it may be trusted:
    $ git config --global --add safe.directory [ROOT]/repository
    ");
    insta::assert_snapshot!(doctor.says_after_mending("repository"), @"ok: A git repository, at [ROOT]/repository/.git");
}

#[test]
fn what_a_form_leaves_out_is_told() {
    let doctor = Doctor::new();
    let repository = &doctor.repository;
    repository.write(".gitattributes", "*.psd filter=lfs diff=lfs merge=lfs -text\n");
    repository.write(".gitmodules", "");
    repository.write(".git/shallow", "");
    repository.git(&["config", "core.sparseCheckout", "true"]);
    repository.git(&["config", "remote.origin.promisor", "true"]);
    let said = doctor.says("form");
    insta::assert_snapshot!(said, @r"
    info: Its history is cut off (a shallow clone).
    Branches of tasks begin at commits that are here; agents cannot see what was before.
    $ git fetch --unshallow
    warning: Objects are missing until git fetches them (a partial clone).
    A worktree is not made when the files that it needs are missing.
    $ git fetch --refetch --no-filter
    info: This checkout leaves files out (core.sparseCheckout).
    Worktrees of tasks leave out the same ones, so agents do not see them.
    info: It has submodules.
    They are empty in the worktree of a task, and what an agent changes in one is not kept.
    problem: It keeps files by Git LFS, and no folder of PATH holds git-lfs.
    Worktrees of tasks would hold pointers in the place of these files, and hooks of git-lfs fail.
    $ sudo apt-get install git-lfs
    ");
}

#[test]
fn a_missing_identity_is_told_with_the_reason_that_git_gives() {
    let doctor = Doctor::new();
    doctor.repository.git(&["config", "--global", "--unset", "user.email"]);
    doctor.repository.git(&["config", "user.useConfigOnly", "true"]);
    insta::assert_snapshot!(doctor.says("identity"), @r#"
    warning: Commits of runs would be by Test User <git-claudedo@localhost.invalid>
    git does not know who works here: fatal: no email was given and auto-detection is disabled
    $ git config --global user.name "Your Name" && git config --global user.email you@example.com
    "#);
    insta::assert_snapshot!(doctor.says_after_mending("identity"), @"ok: Commits are by Your Name <you@example.com>");
}

#[test]
fn signatures_need_their_program_and_their_key() {
    let doctor = Doctor::new();
    doctor.repository.git(&["config", "commit.gpgSign", "true"]);
    doctor.repository.git(&["config", "gpg.program", "/nowhere/gpg"]);
    insta::assert_snapshot!(doctor.says("signing"), @r"
    problem: failed to find program /nowhere/gpg: there is no such file; correct the path
    commit.gpgSign asks for it, and a run whose commit cannot be signed fails.
    $ git config commit.gpgSign false
    ");
    doctor.repository.git(&["config", "gpg.format", "ssh"]);
    doctor.repository.git(&["config", "gpg.ssh.program", "git"]);
    insta::assert_snapshot!(doctor.says("signing"), @r"
    problem: Commits are to be signed by ssh, and no key is named.
    commit.gpgSign asks for it, and a run whose commit cannot be signed fails.
    $ git config --global user.signingKey ~/.ssh/id_ed25519.pub
    ");
    insta::assert_snapshot!(doctor.says_after_mending("signing"), @"ok: Commits are signed (ssh) by [ROOT]/bin/git");
}

#[test]
fn hooks_that_are_taken_from_elsewhere_are_told() {
    let doctor = Doctor::new();
    doctor.repository.write(".husky/_/post-commit", "");
    doctor.repository.git(&["config", "core.hooksPath", ".husky/_"]);
    insta::assert_snapshot!(doctor.says("hooks"), @r"
    info: Hooks of `git claudedo` are not installed: a commit or a pull starts nothing.
    info: Hooks are taken from [ROOT]/repository/.husky/_
    core.hooksPath in [ROOT]/repository/.git/config says so; those in .git/hooks do not run.
    ");
    fs::remove_dir_all(doctor.repository.path().join(".husky")).unwrap();
    insta::assert_snapshot!(doctor.says("hooks"), @r"
    info: Hooks of `git claudedo` are not installed: a commit or a pull starts nothing.
    warning: No hook runs: there is no folder [ROOT]/repository/.husky/_
    core.hooksPath in [ROOT]/repository/.git/config names it.
    $ git config --unset core.hooksPath
    ");
    let none = "info: Hooks of `git claudedo` are not installed: a commit or a pull starts nothing.";
    assert_eq!(doctor.says_after_mending("hooks"), none);
}

#[test]
fn hooks_that_are_installed_are_looked_at() {
    let doctor = Doctor::new();
    doctor.repository.git(&["claudedo", "hooks", "install", "--mechanism", "files"]);
    assert_eq!(doctor.says("hooks"), "ok: All hooks of `git claudedo` run.");
    let script = doctor.repository.path().join(".git/hooks/post-merge");
    fs::set_permissions(script, Permissions::from_mode(0o644)).unwrap();
    insta::assert_snapshot!(doctor.says("hooks"), @r"
    warning: Hooks of `git claudedo` that do not run: post-merge
    `git claudedo hooks status` says why of each.
    $ git claudedo hooks install
    ");
    assert_eq!(doctor.says_after_mending("hooks"), "ok: All hooks of `git claudedo` run.");
}

#[test]
fn a_remote_that_would_delete_or_publish_records_is_mended_by_the_command() {
    let doctor = Doctor::new();
    doctor.repository.git(&["config", "remote.backup.fetch", "+refs/*:refs/*"]);
    insta::assert_snapshot!(doctor.says("remotes"), @r"
    problem: remote.backup.fetch is +refs/*:refs/*, which covers refs/claudedo/*
    `git fetch --prune` deletes every record that the remote does not have.
    $ git config --fixed-value --replace-all remote.backup.fetch '+refs/heads/*:refs/remotes/backup/*' '+refs/*:refs/*'
    ");
    let fine = "ok: No remote overwrites, deletes or publishes records by itself.";
    assert_eq!(doctor.says_after_mending("remotes"), fine);
    doctor.repository.git(&["config", "remote.backup.push", "refs/claudedo/*"]);
    insta::assert_snapshot!(doctor.says("remotes"), @r"
    warning: remote.backup.push is refs/claudedo/*, which covers refs/claudedo/*
    A plain `git push` publishes the records, prompts and logs among them, and no other branch than those named.
    $ git config --fixed-value --unset-all remote.backup.push 'refs/claudedo/*'
    ");
    assert_eq!(doctor.says_after_mending("remotes"), fine);
    doctor.repository.git(&["config", "remote.backup.mirror", "true"]);
    assert!(doctor.says("remotes").starts_with("warning: remote.backup.mirror is set.\n"));
    assert_eq!(doctor.says_after_mending("remotes"), fine);
}

#[test]
fn a_lock_that_git_left_behind_is_told_from_one_that_is_held() {
    let doctor = Doctor::new();
    let path = doctor.repository.path().join(".git/index.lock");
    let lock = File::create(&path).unwrap();
    lock.set_modified(SystemTime::now() - Duration::from_hours(3)).unwrap();
    let held = doctor.says("locks");
    assert!(
        held.starts_with("info: git's lock is held: [ROOT]/repository/.git/index.lock\n3h old, by process "),
        "{held}"
    );
    assert!(held.contains(&format!("process {} (", std::process::id())), "{held}");
    drop(lock);
    insta::assert_snapshot!(doctor.says("locks"), @r"
    problem: git's lock was left behind: [ROOT]/repository/.git/index.lock
    3h old, no process has it open and no git works here. What it locks cannot be changed.
    $ rm [ROOT]/repository/.git/index.lock
    ");
    assert!(path.exists(), "looking removes nothing");
    insta::assert_snapshot!(doctor.says_after_mending("locks"), @"ok: No lock file of git is there.");
}

#[test]
fn a_worktree_whose_folder_is_gone_is_pruned_by_the_command() {
    let doctor = Doctor::new();
    let folder = doctor.repository.root().join("linked");
    doctor.repository.git(&["worktree", "add", "--quiet", "--lock", folder.to_str().unwrap()]);
    assert_eq!(doctor.says("worktrees"), "ok: All folders of linked worktrees are there (1).");
    fs::remove_dir_all(&folder).unwrap();
    insta::assert_snapshot!(doctor.says("worktrees"), @r"
    warning: The folder of a worktree is gone: [ROOT]/linked
    Its branch counts as checked out until git forgets the worktree.
    $ git worktree unlock [ROOT]/linked && git worktree prune
    ");
    insta::assert_snapshot!(doctor.says_after_mending("worktrees"), @"ok: There is no linked worktree.");
}

#[test]
fn a_commit_from_the_future_means_that_a_clock_is_wrong() {
    let doctor = Doctor::new();
    let mut commit = doctor.repository.program("git");
    commit.env("GIT_COMMITTER_DATE", "2099-01-01T00:00:00Z");
    commit.args(["commit", "--quiet", "--allow-empty", "--message=Later"]);
    assert!(commit.status().unwrap().success());
    let said = doctor.says("clock");
    assert!(said.starts_with("warning: The newest commit or record is "), "{said}");
    assert!(said.ends_with("\n$ sudo timedatectl set-ntp true"), "{said}");
}

#[test]
fn settings_that_cannot_be_read_are_told_with_their_place() {
    let doctor = Doctor::new();
    doctor.repository.set("slots", "many");
    insta::assert_snapshot!(doctor.says("settings"), @r#"
    problem: failed to use git config claudedo.slots="many" (global file:[ROOT]/config/git/config): "many" is not a whole number; wanted is a whole number from 1 to 64
    No task can run.
    $ git config --global --unset-all claudedo.slots
    "#);
    assert_eq!(doctor.says_after_mending("settings"), "ok: All settings can be read.");
    doctor.repository.git(&["config", "claudedo.sluts", "7"]);
    insta::assert_snapshot!(doctor.says("settings"), @r"
    warning: git config claudedo.sluts (local file:[ROOT]/repository/.git/config) is not a setting; did you mean claudedo.slots?
    It has no effect.
    $ git config --unset-all claudedo.sluts
    ");
    assert_eq!(doctor.says_after_mending("settings"), "ok: All settings can be read.");
    doctor.repository.write(".claudedo/config.yaml", "slots: 3\nmodle: opus\n");
    doctor.repository.write(".claudedo/lists/backend.yaml", "priority: high\n");
    let said = doctor.says("settings");
    assert!(said.contains("$ \"${EDITOR:-vi}\" +2 [ROOT]/repository/.claudedo/config.yaml\n"), "{said}");
    assert!(said.contains("$ \"${EDITOR:-vi}\" +1 [ROOT]/repository/.claudedo/lists/backend.yaml"), "{said}");
}

#[test]
fn task_files_that_cannot_be_read_are_counted() {
    let doctor = Doctor::new();
    doctor.repository.write_task("good-a1b2", "title: Good\n");
    doctor.repository.write_task("bad-a1b2", "titel: Bad\n");
    insta::assert_snapshot!(doctor.says("tasks"), @r"
    warning: 1 task file cannot be read.
    The others are not kept from running. The first one: [ROOT]/repository/.claudedo/tasks/bad-a1b2.yaml
    $ git claudedo list
    ");
}

#[test]
fn a_runner_is_named_and_what_its_tasks_left_is_counted() {
    let doctor = Doctor::of(TestRepository::with_fake());
    let runner = StateDirectory::new(&doctor.repository.path().join(".git"));
    let lock = runner.try_lock_runner(RunnerKind::Watch).unwrap().unwrap();
    let expected = format!("info: A runner is at work: watch, process {}", std::process::id());
    assert_eq!(doctor.says("runner"), expected);
    drop(lock);
    assert_eq!(
        doctor.says("runner"),
        "info: No runner is at work: tasks wait for `git claudedo run` or `watch`."
    );
    doctor.repository.add_task("fix-a1b2", &[]);
    doctor.repository.run(0);
    assert_eq!(doctor.says("kept"), "info: The worktree of 1 ended task is kept.");
    doctor.repository.set("pruneWorktrees", "0d");
    let kept = doctor.says("kept");
    let due = "info: The worktree of 1 ended task is kept; 1 ended more than 0d ago.\n";
    assert!(kept.starts_with(due) && kept.ends_with("\n$ git claudedo prune"), "{kept}");
}
