//! Check of the hooks: whether those of this program run, and where git takes hooks from.

use std::path::Path;

use super::facts::{Facts, Place};
use super::finding::Finding;
use crate::os::env;
use crate::trigger::hooks::{EventStatus, Found, State, Why, find};

/// Whether the hooks run, and where git takes hooks from.
pub(super) fn hooks(_: &Facts, place: &Place) -> Vec<Finding> {
    let mut findings = match find(&place.repository) {
        Ok(found) => own(&found),
        Err(error) => vec![Finding::failed(error)],
    };
    findings.extend(folder(place));
    findings
}

/// What becomes of the hooks of this program.
fn own(found: &Found) -> Vec<Finding> {
    let statuses = found.statuses();
    let is_missing = |status: &EventStatus| status.state == State::Idle(Why::Missing);
    if statuses.iter().all(is_missing) {
        let what = "Hooks of `git claudedo` are not installed: a commit or a pull starts nothing.";
        return vec![Finding::info(what)];
    }
    let idle = statuses.iter().filter(|status| matches!(status.state, State::Idle(_)));
    let idle: Vec<&str> = idle.map(|status| status.event.name()).collect();
    let mut findings = vec![if idle.is_empty() {
        Finding::ok("All hooks of `git claudedo` run.")
    } else {
        Finding::warning(format!("Hooks of `git claudedo` that do not run: {}", idle.join(", ")))
            .why("`git claudedo hooks status` says why of each.")
            .mend("git claudedo hooks install")
    }];
    if statuses.iter().any(|status| status.state.is_config()) {
        findings.extend(found.older_gits().map(|git| {
            Finding::warning(format!("An older git does not run these hooks: {}", git.path.display()))
                .why("They are in the configuration, which only git 2.54 and later read for hooks.")
                .mend("git claudedo hooks install --mechanism files")
        }));
    }
    findings
}

/// Where git takes hooks from.
fn folder(place: &Place) -> Vec<Finding> {
    let Some((value, file)) = place.values("core", "hookspath").pop() else {
        return Vec::new();
    };
    let named = file.map(|file| format!("core.hooksPath in {}", file.display()));
    let named = named.unwrap_or_else(|| "core.hooksPath".to_owned());
    let root = place.repository.work_tree().unwrap_or_else(|| place.repository.common_dir());
    let path = match (Path::new(&value).strip_prefix("~"), env::path("HOME")) {
        (Ok(rest), Some(home)) => home.join(rest),
        (Ok(_) | Err(_), _) => root.join(&value),
    };
    if value == "/dev/null" {
        return vec![Finding::info("Hooks are switched off.").why(format!("{named} is /dev/null"))];
    }
    if path.is_dir() {
        let what = format!("Hooks are taken from {}", path.display());
        return vec![Finding::info(what).why(format!("{named} says so; those in .git/hooks do not run."))];
    }
    vec![
        Finding::warning(format!("No hook runs: there is no folder {}", path.display()))
            .why(format!("{named} names it."))
            .mend("git config --unset core.hooksPath"),
    ]
}
