//! Where hooks go: linked worktrees, bare repositories, `core.hooksPath` in its many forms, husky.

use std::fs;
use std::path::Path;

use super::{EVENTS, Hooked, executable, hooks_in, state_of};
use crate::cli_support::{shown, snapshots};

#[test]
fn a_linked_worktree_installs_for_all() {
    let hooked = Hooked::new();
    let linked = hooked.root().join("linked");
    hooked.repository.git(&["worktree", "add", "--quiet", linked.to_str().unwrap()]);
    assert_eq!(hooks_in(&hooked, &linked, &["install", "--mechanism=files"]).status, 0);
    assert_eq!(hooked.names().len(), EVENTS.len());
    assert_eq!(
        hooked.git(&["-C", linked.to_str().unwrap(), "commit", "--quiet", "--allow-empty", "--message=x"]),
        0
    );
    assert_eq!((hooked.commit(), hooked.calls()), (0, vec!["hook post-commit".to_owned(); 2]));
    assert_eq!(hooks_in(&hooked, &linked, &["status"]).status, 0);
}

#[test]
fn a_bare_repository_has_hooks_too() {
    let hooked = Hooked::new();
    let bare = hooked.root().join("remote.git");
    assert_eq!(hooks_in(&hooked, &bare, &["install", "--mechanism=files"]).status, 0);
    assert!(bare.join("hooks/post-commit").is_file());
    assert_eq!(hooks_in(&hooked, &bare, &["status"]).status, 0);
    assert_eq!(hooks_in(&hooked, &bare, &["uninstall"]).status, 0);
    assert!(!bare.join("hooks/post-commit").exists());
}

#[test]
fn a_folder_that_other_repositories_use_is_written_only_when_asked() {
    let hooked = Hooked::new();
    hooked.install();
    let folder = hooked.root().join("home/hooks");
    executable(&folder.join("post-commit"), "#!/bin/sh\necho global >>\"$CALLS\"\n");
    hooked.repository.git(&["config", "--global", "core.hooksPath", "~/hooks"]);
    let before = state_of(&folder);
    let answer =
        hooked.hooks_command(&["install", "--mechanism=files", "--event=pre-push", "--event=post-commit"]);
    snapshots(&hooked.repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [1]
        [stderr]
        warning: post-commit: core.hooksPath of the user names a folder that is not this repository's: [ROOT]/home/hooks
        warning: pre-push: core.hooksPath of the user names a folder that is not this repository's: [ROOT]/home/hooks
        hint: To do it for everybody: git claudedo hooks install --write
        ");
    });
    assert_eq!(state_of(&folder), before);
    let shadowed = format!("pre-push core.hooksPath of the user names {}", folder.display());
    assert_eq!(hooked.standing()[4], shadowed);
    assert_eq!(hooked.hooks_command(&["install", "--mechanism=files", "--write"]).status, 0);
    assert_eq!(
        (hooked.commit(), hooked.calls()),
        (0, vec!["global".to_owned(), "hook post-commit".to_owned()])
    );
    assert_eq!(hooked.hooks_command(&["uninstall"]).status, 1, "that would be for everybody as well");
    assert_eq!(hooked.hooks_command(&["uninstall", "--write"]).status, 0);
    assert_eq!((state_of(&folder), hooked.names()), (before, Vec::new()));
}

#[test]
fn a_path_to_the_repositorys_own_folder_is_the_own_folder() {
    let hooked = Hooked::new();
    for path in [hooked.hooks().to_str().unwrap(), ".git/hooks", "./.git/../.git/hooks/"] {
        hooked.repository.git(&["config", "core.hooksPath", path]);
        hooked.install();
        assert_eq!((hooked.commit(), hooked.calls()), (0, vec!["hook post-commit".to_owned()]), "{path}");
        hooked.uninstall();
        assert_eq!(hooked.names(), [""; 0]);
    }
}

#[test]
fn a_folder_of_the_work_tree_gets_a_block_and_only_when_asked() {
    let hooked = Hooked::new();
    let folder = hooked.repository.path().join(".githooks");
    executable(
        &folder.join("post-commit"),
        "#!/usr/bin/env bash\nset -e\necho tracked >>\"$CALLS\"\nexit 0\n",
    );
    executable(&folder.join("pre-push"), "#!/bin/sh\nsed 's/^/tracked /' >>\"$CALLS\"\n");
    executable(&folder.join("post-merge"), "#!/usr/bin/env python3\n");
    hooked.repository.git(&["config", "core.hooksPath", ".githooks"]);
    let before = content(&folder);
    assert_eq!(hooked.hooks_command(&["install", "--mechanism=files"]).status, 1);
    assert_eq!(content(&folder), before);
    let answer = hooked.hooks_command(&["install", "--mechanism=files", "--write"]);
    snapshots(&hooked.repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [1]
        [stderr]
        post-commit: write .githooks/post-commit
        warning: post-merge: no shell script: .githooks/post-merge
        post-checkout: write .githooks/post-checkout
        post-rewrite: write .githooks/post-rewrite
        pre-push: write .githooks/pre-push
        hint: Let it run this: git-claudedo hook post-merge
        ");
    });
    assert_eq!((hooked.commit(), hooked.push()), (0, 0));
    let calls = hooked.calls();
    let expected = [
        "hook post-commit",
        "tracked",
        "hook pre-push origin ../remote.git <HEAD ID refs/heads/main ID",
        "tracked HEAD ID refs/heads/main ID",
    ];
    assert_eq!(calls, expected);
    assert_eq!(hooked.git_with(&[("CLAUDEDO_EXIT", "1")], &["push", "--quiet", "origin", "HEAD:again"]), 1);
    assert_eq!(hooked.hooks_command(&["uninstall", "--write"]).status, 0);
    assert_eq!(content(&folder), before);
}

#[test]
fn a_link_in_the_place_of_the_folder_leads_to_somebody_elses() {
    let hooked = Hooked::new();
    let shared = hooked.root().join("home/shared");
    fs::rename(hooked.hooks(), &shared).unwrap();
    std::os::unix::fs::symlink(&shared, hooked.hooks()).unwrap();
    let answer = hooked.hooks_command(&["install", "--mechanism=files", "--event=pre-push"]);
    snapshots(&hooked.repository).bind(|| {
        insta::assert_snapshot!(shown(&answer), @r"
        [1]
        [stderr]
        warning: pre-push: the hooks folder is a link to [ROOT]/home/shared
        hint: To do it for everybody: git claudedo hooks install --write
        ");
    });
    assert_eq!(hooked.hooks_command(&["install", "--mechanism=files", "--write"]).status, 0);
    assert_eq!((hooked.commit(), hooked.calls()), (0, vec!["hook post-commit".to_owned()]));
    assert_eq!(hooked.hooks_command(&["uninstall"]).status, 1);
    assert_eq!(hooked.hooks_command(&["uninstall", "--write"]).status, 0);
    assert_eq!(hooked.names(), [""; 0]);
}

#[test]
fn a_block_leaves_the_input_for_the_rest_of_the_script() {
    let hooked = Hooked::new();
    let folder = hooked.repository.path().join(".githooks");
    for event in ["post-rewrite", "pre-push"] {
        executable(
            &folder.join(event),
            "#!/bin/sh -e\nsed 's/^/tracked /' >>\"$CALLS\"\nwc -c >>\"$CALLS\"\n",
        );
    }
    hooked.repository.git(&["config", "core.hooksPath", ".githooks"]);
    assert_eq!(hooked.hooks_command(&["install", "--mechanism=files", "--write"]).status, 0);
    assert_eq!(hooked.git(&["commit", "--quiet", "--allow-empty", "--amend", "--message=y"]), 0);
    let amended = ["hook post-commit", "hook post-rewrite amend <ID ID", "tracked ID ID", "0"];
    assert_eq!(hooked.calls(), amended);
    assert_eq!(hooked.push(), 0);
    hooked.calls();
    assert_eq!(hooked.push(), 0);
    assert_eq!(hooked.calls(), ["hook pre-push origin ../remote.git", "0"], "a push of nothing");
}

#[test]
fn somebodys_own_call_is_enough() {
    let hooked = Hooked::new();
    let script = "#!/bin/sh\ngit-claudedo hook post-commit \"$@\"\n";
    executable(&hooked.hooks().join("post-commit"), script);
    hooked.install();
    assert_eq!((hooked.commit(), hooked.calls()), (0, vec!["hook post-commit".to_owned()]));
    assert_eq!(hooked.standing()[0], "post-commit called");
    hooked.uninstall();
    assert_eq!(fs::read_to_string(hooked.hooks().join("post-commit")).unwrap(), script);
}

#[test]
fn hooks_that_are_switched_off_are_told_of() {
    let hooked = Hooked::new();
    hooked.repository.git(&["config", "core.hooksPath", "/dev/null"]);
    let answer = hooked.hooks_command(&["install", "--mechanism=files", "--write", "--event=pre-push"]);
    insta::assert_snapshot!(shown(&answer), @r"
    [1]
    [stderr]
    warning: pre-push: hooks are switched off: core.hooksPath names /dev/null
    hint: To switch hooks on: git config --unset core.hooksPath
    ");
    assert_eq!(hooked.standing()[0], "post-commit hooks are switched off: core.hooksPath names /dev/null");
}

/// Returns names, modes and bytes: what git tracks of a folder.
fn content(folder: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let state = state_of(folder);
    state.into_iter().map(|(path, (_, mode, _, _, bytes))| (super::name(&path), mode, bytes)).collect()
}
