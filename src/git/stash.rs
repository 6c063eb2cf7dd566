//! The stash, which all worktrees of a repository share.

use super::{BranchName, GitError, Repository};
use crate::os::fs;

impl Repository {
    /// Returns how many of the newest entries of the stash were made on a branch.
    ///
    /// Read from its log, where git says `WIP on <branch>: …`, or `On <branch>: …` for an entry with a message
    /// (git-stash(1)); before git 2.36 with the last part of the branch's name alone.
    pub fn newest_stashed_on(&self, branch: &BranchName) -> Result<usize, GitError> {
        let log = fs::read_optional(&self.common_dir().join("logs/refs/stash"))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let short = branch.short();
        let last = short.rsplit('/').next().unwrap_or(short);
        let is_on = |line: &&str| {
            let message = line.split_once('\t').map_or("", |(_, message)| message);
            let on = message.strip_prefix("WIP on ").or_else(|| message.strip_prefix("On "));
            let name = on.and_then(|rest| rest.split_once(": ")).map(|(name, _)| name);
            name.is_some_and(|name| name == short || name == last)
        };
        Ok(text.lines().rev().take_while(is_on).count())
    }
}
