//! Check of the remotes: settings by which a fetch deletes records, or a push gives them away.

use super::facts::{Facts, Place};
use super::finding::{Finding, quoted};
use crate::git::ConfigValue;

/// A ref of ours, as one stands for all that a refspec may hit.
const OURS: &str = "refs/claudedo/runs/00000000";

/// What the settings of remotes do to the records.
pub(super) fn remotes(_: &Facts, place: &Place) -> Vec<Finding> {
    judge(&place.repository.config_values("remote"))
}

fn judge(values: &[ConfigValue]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for value in values {
        let Some((remote, key)) = value.key.rsplit_once('.') else { continue };
        findings.extend(match key {
            "fetch" => fetch(remote, &value.value),
            "push" => push(remote, &value.value),
            "mirror" if value.value != "false" => Some(mirror(remote)),
            _ => None,
        });
    }
    if findings.is_empty() {
        findings.push(Finding::ok("No remote overwrites, deletes or publishes records by itself."));
    }
    findings
}

/// A refspec whose right side covers our refs lets a fetch overwrite them, and with `--prune` delete them.
fn fetch(remote: &str, refspec: &str) -> Option<Finding> {
    let (_, destination) = refspec.trim_start_matches(['+', '^']).split_once(':')?;
    if !covers(destination, OURS) {
        return None;
    }
    let usual = quoted(format!("+refs/heads/*:refs/remotes/{remote}/*"));
    let key = quoted(format!("remote.{remote}.fetch"));
    Some(
        Finding::problem(format!("remote.{remote}.fetch is {refspec}, which covers refs/claudedo/*"))
            .why("`git fetch --prune` deletes every record that the remote does not have.")
            .mend(format!("git config --fixed-value --replace-all {key} {usual} {}", quoted(refspec))),
    )
}

/// A refspec that names our refs replaces what `git push` would push, and publishes the records.
fn push(remote: &str, refspec: &str) -> Option<Finding> {
    let source = refspec.trim_start_matches('+').split(':').next().unwrap_or_default();
    if !covers(source, OURS) && !source.starts_with("refs/claudedo") {
        return None;
    }
    let key = quoted(format!("remote.{remote}.push"));
    Some(
        Finding::warning(format!("remote.{remote}.push is {refspec}, which covers refs/claudedo/*"))
            .why("A plain `git push` publishes the records, prompts and logs among them, and no other branch than those named.")
            .mend(format!("git config --fixed-value --unset-all {key} {}", quoted(refspec))),
    )
}

fn mirror(remote: &str) -> Finding {
    let key = quoted(format!("remote.{remote}.mirror"));
    Finding::warning(format!("remote.{remote}.mirror is set."))
        .why("`git push` publishes all refs, records among them, and deletes there what is not here.")
        .mend(format!("git config --unset {key}"))
}

/// Returns whether a pattern with at most one `*` covers a ref (git-fetch(1)).
fn covers(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((before, after)) => {
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        }
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refspec_that_covers_the_records_is_found() {
        for (refspec, dangerous) in [
            ("+refs/heads/*:refs/remotes/origin/*", false),
            ("+refs/claudedo/runs/*:refs/claudedo-remotes/origin/*", false),
            ("refs/heads/main", false),
            ("^refs/heads/secret", false),
            ("+refs/*:refs/*", true),
            ("refs/claudedo/*:refs/claudedo/*", true),
            ("+refs/*:refs/mirror/*", false),
        ] {
            assert_eq!(fetch("origin", refspec).is_some(), dangerous, "{refspec}");
        }
        for (refspec, dangerous) in [
            ("refs/heads/main", false),
            ("refs/heads/*:refs/heads/*", false),
            ("refs/claudedo/runs/*", true),
            ("+refs/*:refs/*", true),
            (":", false),
        ] {
            assert_eq!(push("origin", refspec).is_some(), dangerous, "{refspec}");
        }
    }
}
