//! Check of git's own lock files. They are never removed here: git closes its `index.lock` while an editor is open, so
//! a file that nobody holds may still be somebody's. Locks of this program are the kernel's and cannot be left behind.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::facts::{Facts, Place};
use super::finding::{Finding, quoted};
use crate::os::clock;
use crate::os::process::{FileUse, FileUser, find_file_users};
use crate::timestamp::Timestamp;
use crate::ui::figures::age;

/// How long git may keep a lock file that no process has open: it writes the file, closes and renames it.
const YOUNG_MAX: Duration = Duration::from_mins(10);

/// How many are told one by one.
const TOLD_MAX: usize = 5;

/// Lock files of git that were left behind.
pub(super) fn locks(_: &Facts, place: &Place) -> Vec<Finding> {
    let locks = place.repository.lock_files();
    if locks.is_empty() {
        return vec![Finding::ok("No lock file of git is there.")];
    }
    let mut folders = vec![place.repository.common_dir()];
    folders.extend(place.repository.main_work_tree().ok().flatten());
    folders
        .extend(place.repository.worktrees().unwrap_or_default().into_iter().map(|worktree| worktree.path));
    let users = find_file_users(&locks, &folders);
    let now = clock::now();
    let told = locks.iter().take(TOLD_MAX).filter_map(|lock| Some(judge(lock, age_of(lock, now)?, &users)));
    let mut findings: Vec<Finding> = told.collect();
    if locks.len() > TOLD_MAX {
        findings.push(Finding::info(format!("{} more lock files of git are there.", locks.len() - TOLD_MAX)));
    }
    findings
}

/// Returns how old a lock is, or `None` when it is gone.
fn age_of(lock: &PathBuf, now: Timestamp) -> Option<Duration> {
    let changed = std::fs::symlink_metadata(lock).ok()?.modified().ok()?;
    let since_epoch = changed.duration_since(std::time::UNIX_EPOCH).ok()?;
    let milliseconds = i64::try_from(since_epoch.as_millis()).ok()?;
    Some(now.since(Timestamp::from_unix_milliseconds(milliseconds)?))
}

fn judge(lock: &Path, old: Duration, users: &[FileUser]) -> Finding {
    let (place, old_text) = (lock.display(), age(old));
    let by = |user: &FileUser| format!("process {} ({})", user.pid, user.command);
    if let Some(user) = users.iter().find(|user| user.found == FileUse::Open(lock.to_owned())) {
        return Finding::info(format!("git's lock is held: {place}"))
            .why(format!("{old_text} old, by {}.", by(user)));
    }
    if let Some(user) = users.iter().find(|user| user.found == FileUse::GitInside) {
        return Finding::info(format!("git's lock is there: {place}"))
            .why(format!("{old_text} old, and git works in this repository: {}.", by(user)));
    }
    if old < YOUNG_MAX {
        return Finding::info(format!("git's lock is there: {place}"))
            .why(format!("{old_text} old: whoever made it may still be at work."));
    }
    Finding::problem(format!("git's lock was left behind: {place}"))
        .why(format!(
            "{old_text} old, no process has it open and no git works here. What it locks cannot be changed."
        ))
        .mend(format!("rm {}", quoted(place)))
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
    use super::*;

    #[test]
    fn only_an_old_lock_that_nobody_can_own_is_called_left_behind() {
        let lock = Path::new("/r/.git/index.lock");
        let user = |found| FileUser { pid: 7, command: "git commit".to_owned(), found };
        let old = Duration::from_hours(1);
        assert_eq!(judge(lock, old, &[]).mark, Mark::Problem);
        assert_eq!(judge(lock, old, &[user(FileUse::Open("/r/.git/HEAD.lock".into()))]).mark, Mark::Problem);
        assert_eq!(judge(lock, Duration::from_secs(3), &[]).mark, Mark::Info);
        assert_eq!(judge(lock, old, &[user(FileUse::GitInside)]).mark, Mark::Info);
        let held = judge(lock, old, &[user(FileUse::Open(lock.to_owned()))]);
        assert_eq!(held.why.as_deref(), Some("1h old, by process 7 (git commit)."));
    }
}
