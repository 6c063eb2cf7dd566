//! Check of the hooks: where git takes them from.

use std::path::Path;

use super::facts::{Facts, Place};
use super::finding::Finding;
use crate::os::env;

/// Where git takes its hooks from.
pub(super) fn hooks(_: &Facts, place: &Place) -> Vec<Finding> {
    let Some((value, file)) = place.values("core", "hookspath").pop() else {
        return vec![Finding::ok("Hooks are those of the repository.")];
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
