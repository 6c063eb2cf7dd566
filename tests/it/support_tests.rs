//! The test support itself: it must be hermetic and must notice what it claims to notice.

use crate::support::TestRepository;

#[test]
fn git_reads_no_settings_but_those_of_the_test() {
    let repository = TestRepository::new();
    let origins = repository.git(&["config", "--list", "--show-origin", "--name-only"]);
    let global = format!("file:{}/gitconfig\t", repository.root().display());
    for line in origins.lines() {
        assert!(line.starts_with(&global) || line.starts_with("file:.git/config\t"), "{line}");
    }
    assert!(repository.git(&["var", "GIT_COMMITTER_IDENT"]).starts_with("Test User <test@example.com> "));
}

#[test]
fn a_new_repository_has_one_commit_on_main_and_is_sound() {
    let repository = TestRepository::new();
    assert_eq!(repository.git(&["log", "--all", "--format=%D %s"]), "HEAD -> main Begin");
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    repository.assert_sound();
}

#[test]
#[should_panic(expected = "missing blob")]
fn a_missing_object_is_unsound() {
    let repository = TestRepository::new();
    let blob = repository.git(&["rev-parse", "HEAD:README.md"]);
    let file = repository.path().join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    std::fs::remove_file(file).unwrap();
    repository.assert_sound();
}

#[test]
fn a_command_that_does_not_exist_is_a_usage_error() {
    let repository = TestRepository::new();
    let answer = repository.claudedo(&["no-such-command"]);
    assert_eq!((answer.status, answer.stdout.as_str()), (129, ""));
}

#[test]
fn the_program_is_found_as_a_git_command() {
    let repository = TestRepository::new();
    let output = repository.program("git").args(["claudedo", "no-such-command"]).output().unwrap();
    assert_eq!(output.status.code(), Some(129));
}

#[test]
fn a_process_is_found_after_it_left_its_session_and_is_ended_with_the_repository() {
    let repository = TestRepository::new();
    repository.assert_no_process_left();
    let mut child = repository.program("setsid").args(["sleep", "300"]).spawn().unwrap();
    // Dropping the repository is the event; without it the wait below would take five minutes.
    drop(repository);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()), Some(9));
}

#[test]
fn filters_replace_what_differs_between_two_runs() {
    let repository = TestRepository::new();
    repository.write(".claudedo/tasks/fix-the-login-x7k2.yaml", "title: Fix the login\n");
    let text = format!(
        "{}/repository fix-the-login-x7k2 re-work {} {} 2026-11-22T10:12:05.865Z 3.2 s 12ms",
        repository.root().display(),
        "4e775b53-598f-4d8b-8912-180e5705cc56",
        repository.git(&["rev-parse", "HEAD"]),
    );
    repository.snapshots().bind(|| {
        insta::assert_snapshot!(
            text,
            @"[ROOT]/repository fix-the-login-[ID] re-work [UUID] [OBJECT] [TIME] [DURATION] [DURATION]"
        );
    });
}
