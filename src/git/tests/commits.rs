//! Commits: made, signed, found, compared.

use std::process::Command;

use super::{Fixture, git_in};
use crate::git::{GitError, GitProgram, Identity, NewCommit, Repository, Signing};

fn commit(repository: &Repository, message: &str) -> Result<crate::git::CommitId, GitError> {
    let head = repository.head_commit_id()?;
    repository.commit_tree(&NewCommit {
        tree: repository.tree_of(head)?,
        parents: &[head],
        message,
        author: &Identity::new("Bob Builder", "bob@example.org"),
        signing: Signing::AsConfigured,
    })
}

#[test]
fn a_commit_is_what_git_shows_it_to_be() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let head = repository.head_commit_id().unwrap();
    let id = commit(&repository, "Add a thing\n\nWhy: because.").unwrap();
    let shown = fixture.git(&["show", "-s", "--format=%an <%ae>|%cn|%s|%b|%P", &id.to_string()]);
    assert_eq!(
        shown.trim(),
        format!("Bob Builder <bob@example.org>|Bob Builder|Add a thing|Why: because.\n|{head}")
    );
    assert_eq!(repository.commit_summary(id).unwrap().title, "Add a thing");
    assert!(repository.is_ancestor(head, id).unwrap());
    assert!(!repository.is_ancestor(id, head).unwrap());
    fixture.require_intact();
}

#[test]
fn histories_without_a_common_root_are_no_ancestors() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let head = repository.head_commit_id().unwrap();
    let new = NewCommit {
        tree: repository.tree_of(head).unwrap(),
        parents: &[],
        message: "another root",
        author: &repository.author_identity(),
        signing: Signing::Never,
    };
    let other = repository.commit_tree(&new).unwrap();
    assert!(!repository.is_ancestor(head, other).unwrap());
}

#[test]
fn revisions_are_found_and_missing_ones_are_named() {
    let fixture = Fixture::new();
    let first = fixture.repository().head_commit_id().unwrap();
    let second = fixture.commit_all("second");
    fixture.git(&["tag", "-m", "tag", "v1"]);
    let repository = fixture.repository();
    assert_eq!(repository.resolve_commit("HEAD~1").unwrap(), first);
    assert_eq!(repository.resolve_commit("v1").unwrap(), second);
    assert_eq!(repository.resolve_commit(&second.to_string()[..10]).unwrap(), second);
    assert_eq!(repository.resolve_commit("nope").unwrap_err().to_string(), "find the commit \"nope\"");
    assert!(repository.resolve_commit("HEAD^{tree}").is_err());
}

#[test]
fn the_author_is_the_one_of_git() {
    let fixture = Fixture::new();
    let identity = fixture.repository().author_identity();
    assert_eq!(identity.to_string(), fixture.git(&["log", "-1", "--format=%an <%ae>"]));
}

#[test]
fn numbers_of_a_diff_are_those_of_git() {
    let fixture = Fixture::new();
    let first = fixture.repository().head_commit_id().unwrap();
    fixture.write("README", "hello\nworld\n");
    fixture.write("src/new.rs", "fn main() {}\n");
    let second = fixture.commit_all("second");
    let repository = fixture.repository();
    let stat = repository
        .diff_stat(repository.tree_of(first).unwrap(), repository.tree_of(second).unwrap())
        .unwrap();
    let shown =
        fixture.git(&["diff", "--shortstat", "--no-renames", &first.to_string(), &second.to_string()]);
    assert_eq!(shown.trim(), format!("{} files changed, {} insertions(+)", stat.files, stat.insertions));
    assert_eq!(stat.deletions, 0);
}

#[test]
fn git_itself_shows_a_diff_and_runs_no_hook() {
    let fixture = Fixture::new();
    let first = fixture.repository().head_commit_id().unwrap();
    fixture.write("README", "changed\n");
    let second = fixture.commit_all("second");
    let repository = fixture.repository();
    let program = GitProgram::new(&repository);
    let shown = program.capture(["diff", "--name-only", &first.to_string(), &second.to_string()]).unwrap();
    assert_eq!(shown.require_success().unwrap(), b"README\n");
    let hooks = program.capture(["rev-parse", "--git-path", "hooks"]).unwrap().require_success().unwrap();
    assert_eq!(hooks, b"/dev/null\n");
    let error = program.capture(["cat-file", "-p", "nope"]).unwrap().require_success().unwrap_err();
    let words = "run `git cat-file -p nope`: exit status: 128: fatal: Not a valid object name nope";
    assert_eq!(error.to_string(), words);
}

#[test]
fn the_id_of_a_blob_is_known_before_it_is_written() {
    let fixture = Fixture::new();
    assert_eq!(
        fixture.repository().blob_id_of(b"hello\n").to_string(),
        fixture.git(&["rev-parse", "HEAD:README"])
    );
}

#[test]
fn a_commit_is_signed_where_git_would_sign_it() {
    let key_made = |path: &std::path::Path| {
        Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(path)
            .status()
            .is_ok_and(|status| status.success())
    };
    let fixture = Fixture::new();
    let key = fixture.folder.path().join("key");
    if !key_made(&key) {
        println!("SKIPPED: ssh-keygen is not installed, so signing was NOT tested");
        return;
    }
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let signers = fixture.folder.path().join("signers");
    std::fs::write(&signers, format!("bob@example.org {public}")).unwrap();
    for (name, value) in [
        ("commit.gpgSign", "true"),
        ("gpg.format", "ssh"),
        ("user.signingKey", key.to_str().unwrap()),
        ("gpg.ssh.allowedSignersFile", signers.to_str().unwrap()),
    ] {
        fixture.git(&["config", name, value]);
    }
    let id = commit(&fixture.repository(), "signed\n").unwrap();
    git_in(&fixture.root(), &["verify-commit", &id.to_string()]);
    fixture.require_intact();

    fixture.git(&["config", "user.signingKey", "/nonexistent/key"]);
    let error = commit(&fixture.repository(), "unsigned\n").unwrap_err();
    assert!(matches!(error, GitError::Signing { .. }), "{error:?}");
}
