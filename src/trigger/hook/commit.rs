//! After a commit: when it touched tasks, the runner looks at them, and where there is none, one is started.

use super::arrival::{arrived, changed_tasks, unapproved};
use super::{HookError, Notice, Site};
use crate::git::{HeadStep, Replaying};
use crate::store::runner_lock::Presence;

/// Looks at the commit that was just made.
///
/// A commit that git replays or merges was made from what somebody else may have written: its tasks are listed,
/// and nothing is started for them. A rebase tells at its end.
pub fn after_commit(site: &Site) -> Result<Vec<Notice>, HookError> {
    let HeadStep { commit, parents } = site.repository.head_step()?;
    let Some(changed) = changed_tasks(site, parents.first().copied(), commit)? else { return Ok(Vec::new()) };
    if site.is_of_a_task()? {
        return Ok(Vec::new());
    }
    site.state.wake()?;
    let replaying = site.repository.replaying();
    if replaying == Some(Replaying::Rebase) {
        return Ok(Vec::new());
    }
    let unapproved = unapproved(site, &changed)?;
    let is_own = replaying.is_none() && parents.len() < 2;
    let may_run = is_own && unapproved.len() < changed.len();
    let start = may_run && site.state.load_runner()? == Presence::Absent;
    let waiting = match arrived(unapproved) {
        Some(Notice::Arrived(tasks)) if is_own => Some(Notice::Committed(tasks)),
        other => other,
    };
    Ok(start.then_some(Notice::Start).into_iter().chain(waiting).collect())
}
