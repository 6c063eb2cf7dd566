//! Tasks that came from elsewhere: listed, never started.

use std::ffi::OsString;

use super::{HookError, Notice, Site, TASKS};
use crate::git::{BlobId, CommitId, FileContent, Replaying, TreeId};
use crate::os::fs;
use crate::store::tasks::TaskFolder;
use crate::task::TaskId;

/// After a merge, a pull or a fast-forward.
pub fn after_merge(site: &Site) -> Result<Vec<Notice>, HookError> {
    let head = site.repository.head_commit_id()?;
    // git names the commit that was checked out before (git-merge(1)).
    look(site, Some(site.repository.resolve_commit("ORIG_HEAD")?), head)
}

/// After a checkout; git's arguments are the commit before, the one after, and 1 for all files or 0 for some.
pub fn after_checkout(site: &Site, arguments: &[OsString]) -> Result<Vec<Notice>, HookError> {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let [before, after, flag] = words.as_slice() else {
        return Err(HookError::unexpected("three arguments", &words.join(" ")));
    };
    // A rebase checks out the commit that it builds on. One that replays something tells of all at its end.
    let replays =
        || site.repository.replaying() == Some(Replaying::Rebase) && !site.repository.rebases_nothing();
    if flag != "1" || replays() {
        return Ok(Vec::new());
    }
    let Some(after) = commit(after)? else { return Ok(Vec::new()) };
    look(site, commit(before)?, after)
}

/// After commits were replaced by others; `input` has a line with both for each.
///
/// An amended commit was looked at when it was made. A rebase goes from the last commit that it replaced, which
/// was checked out before, to what is checked out now; a hook that lost its input still has `ORIG_HEAD`.
pub fn after_rewrite(site: &Site, command: &str, input: &str) -> Result<Vec<Notice>, HookError> {
    if command == "amend" {
        return Ok(Vec::new());
    }
    let before = match input.lines().last().and_then(|line| line.split(' ').next()) {
        Some(before) => commit(before)?,
        None => Some(site.repository.resolve_commit("ORIG_HEAD")?),
    };
    look(site, before, site.repository.head_commit_id()?)
}

fn look(site: &Site, before: Option<CommitId>, after: CommitId) -> Result<Vec<Notice>, HookError> {
    let Some(changed) = changed_tasks(site, before, after)? else { return Ok(Vec::new()) };
    if site.is_of_a_task()? {
        return Ok(Vec::new());
    }
    site.state.wake()?;
    Ok(arrived(unapproved(site, &changed)?).into_iter().collect())
}

/// Returns the tasks that are new or changed after a step, or `None` when it left the folder of tasks alone.
pub(super) fn changed_tasks(
    site: &Site,
    before: Option<CommitId>,
    after: CommitId,
) -> Result<Option<Vec<TaskId>>, HookError> {
    let folder = |commit: CommitId| site.repository.folder_of(commit, TASKS);
    let before: Option<TreeId> = before.map(folder).transpose()?.flatten();
    let after = folder(after)?;
    if before == after {
        return Ok(None);
    }
    let Some(after) = after else { return Ok(Some(Vec::new())) };
    let files = site.repository.changed_files(before, after)?;
    let task = |(name, _): (String, BlobId)| name.strip_suffix(".yaml")?.parse().ok();
    Ok(Some(files.into_iter().filter_map(task).collect()))
}

/// Returns what to say of tasks, where there is something to say.
pub(super) fn arrived(unapproved: Vec<TaskId>) -> Option<Notice> {
    if unapproved.is_empty() { None } else { Some(Notice::Arrived(unapproved)) }
}

/// Returns those of the tasks whose bytes in the work tree nobody approved on this machine.
///
/// A file that went again, or cannot be read, is nothing to approve.
pub(super) fn unapproved(site: &Site, changed: &[TaskId]) -> Result<Vec<TaskId>, HookError> {
    let Some(work_tree) = site.repository.work_tree() else { return Ok(Vec::new()) };
    let approvals = site.state.load_approvals()?;
    let folder = TaskFolder::new(&work_tree, site.state.path());
    let is_unapproved = |task: &&TaskId| {
        let bytes = fs::read_optional(&folder.task_path(task)).ok().flatten();
        let content = bytes.and_then(|bytes| FileContent::of(&bytes));
        content.is_some_and(|content| !approvals.contains(content.id))
    };
    Ok(changed.iter().filter(is_unapproved).cloned().collect())
}

/// Returns the commit that a hook names; zeros stand for none.
fn commit(text: &str) -> Result<Option<CommitId>, HookError> {
    if text.bytes().all(|byte| byte == b'0') {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| HookError::unexpected("a commit", text))
}
