//! A hook that is there already: it keeps running, and comes back as it was.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{Hooked, executable, find_program, state_of};

#[test]
fn the_hook_of_before_runs_first_and_its_exit_code_counts() {
    let hooked = Hooked::new();
    hooked.theirs("post-checkout", 3);
    hooked.theirs("pre-push", 4);
    let alone = hooked.git(&["switch", "--quiet", "--create", "before"]);
    hooked.calls();
    hooked.install();
    assert_eq!(hooked.git(&["switch", "--quiet", "--create", "other"]), alone);
    assert_ne!(alone, 0);
    assert_eq!(hooked.calls(), ["theirs post-checkout ID ID 1", "hook post-checkout ID ID 1"]);
    assert_ne!(hooked.push(), 0);
    let calls = hooked.calls();
    assert_eq!(calls, ["theirs pre-push origin ../remote.git HEAD ID refs/heads/other ID"]);
}

#[test]
fn the_program_can_stop_a_push_and_nothing_else() {
    let hooked = Hooked::new();
    hooked.install();
    let refusing = [("CLAUDEDO_EXIT", "1")];
    assert_eq!(hooked.git_with(&refusing, &["commit", "--quiet", "--allow-empty", "--message=x"]), 0);
    assert_eq!(hooked.git_with(&refusing, &["switch", "--quiet", "--create", "other"]), 0);
    assert_ne!(hooked.git_with(&refusing, &["push", "--quiet", "origin", "HEAD"]), 0);
    assert_eq!(hooked.git_with(&[("CLAUDEDO_EXIT", "101")], &["push", "--quiet", "origin", "HEAD"]), 0);
}

#[test]
fn hooks_of_every_kind_come_back_as_they_were() {
    let hooked = Hooked::new();
    let folder = hooked.hooks();
    hooked.theirs("post-commit", 0);
    fs::set_permissions(folder.join("post-commit"), fs::Permissions::from_mode(0o750)).unwrap();
    symlink("../../README.md", folder.join("post-merge")).unwrap();
    symlink("nowhere", folder.join("post-checkout")).unwrap();
    fs::write(folder.join("post-rewrite"), "not executable\n").unwrap();
    fs::copy(find_program("true").unwrap(), folder.join("pre-push")).unwrap();
    let old = fs::File::options().append(true).open(folder.join("pre-push")).unwrap();
    old.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_hours(400_000)).unwrap();
    drop(old);
    let before = state_of(&folder);
    hooked.install();
    assert_eq!(hooked.names().len(), 10);
    assert_eq!((hooked.commit(), hooked.push()), (0, 0));
    assert_eq!(hooked.calls()[..2], ["theirs post-commit", "hook post-commit"]);
    hooked.uninstall();
    assert_eq!(state_of(&folder), before);
}

#[test]
fn a_hook_that_is_a_link_still_finds_its_neighbours() {
    let hooked = Hooked::new();
    executable(&hooked.hooks().join("shared/all"), "#!/bin/sh\necho all >>\"$CALLS\"\n");
    symlink("shared/all", hooked.hooks().join("post-commit")).unwrap();
    hooked.install();
    assert_eq!(hooked.commit(), 0);
    assert_eq!(hooked.calls(), ["all", "hook post-commit"]);
    let target = fs::read_to_string(hooked.hooks().join("shared/all")).unwrap();
    assert_eq!(target, "#!/bin/sh\necho all >>\"$CALLS\"\n", "the link's target is somebody else's");
}

#[test]
fn installing_twice_changes_nothing() {
    let hooked = Hooked::new();
    hooked.theirs("post-commit", 0);
    hooked.install();
    let before = state_of(&hooked.hooks());
    let config = fs::read(hooked.repository.path().join(".git/config")).unwrap();
    let answer = hooked.install();
    assert_eq!(state_of(&hooked.hooks()), before);
    assert_eq!(fs::read(hooked.repository.path().join(".git/config")).unwrap(), config);
    insta::assert_snapshot!(answer.stderr, @r"
    post-commit: installed already
    post-merge: installed already
    post-checkout: installed already
    post-rewrite: installed already
    pre-push: installed already
    ");
    hooked.uninstall();
    insta::assert_snapshot!(hooked.uninstall().stderr, @r"
    post-commit: nothing to remove
    post-merge: nothing to remove
    post-checkout: nothing to remove
    post-rewrite: nothing to remove
    pre-push: nothing to remove
    ");
}

#[test]
fn one_event_can_be_installed_and_removed_alone() {
    let hooked = Hooked::new();
    let answer =
        hooked.hooks_command(&["install", "--mechanism=files", "--event=pre-push", "--event", "post-merge"]);
    assert_eq!((answer.status, hooked.names()), (0, vec!["post-merge".to_owned(), "pre-push".to_owned()]));
    assert_eq!(hooked.hooks_command(&["status"]).status, 1);
    assert_eq!(hooked.hooks_command(&["uninstall", "--event", "pre-push"]).status, 0);
    assert_eq!(hooked.names(), ["post-merge"]);
}

#[test]
fn an_installation_that_was_cut_short_is_completed_or_undone() {
    for completed in [true, false] {
        let hooked = Hooked::new();
        hooked.theirs("post-commit", 0);
        let before = state_of(&hooked.hooks());
        // Killed after the hook got its second name.
        fs::hard_link(hooked.hooks().join("post-commit"), hooked.hooks().join("post-commit.pre-claudedo"))
            .unwrap();
        if completed {
            hooked.install();
            assert_eq!(hooked.commit(), 0);
            assert_eq!(hooked.calls(), ["theirs post-commit", "hook post-commit"]);
        }
        hooked.uninstall();
        assert_eq!(state_of(&hooked.hooks()), before);
    }
}

#[test]
fn a_hook_whose_script_was_deleted_comes_back() {
    for reinstalled in [true, false] {
        let hooked = Hooked::new();
        hooked.theirs("post-commit", 0);
        let before = state_of(&hooked.hooks());
        hooked.install();
        fs::remove_file(hooked.hooks().join("post-commit")).unwrap();
        if reinstalled {
            hooked.install();
            assert_eq!((hooked.commit(), hooked.calls().len()), (0, 2));
        }
        hooked.uninstall();
        assert_eq!(state_of(&hooked.hooks()), before);
    }
}

#[test]
fn a_script_that_lost_its_right_to_run_gets_it_back() {
    let hooked = Hooked::new();
    hooked.install();
    fs::set_permissions(hooked.hooks().join("pre-push"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(hooked.standing()[4], "pre-push not executable: .git/hooks/pre-push");
    hooked.install();
    assert_eq!(hooked.standing()[4], "pre-push file");
}
