//! What would be lost with the snapshots of a run.

use std::collections::BTreeSet;

use super::content::{COMMITS_BACK_MAX, short};
use super::thing::Content;
use crate::git::{BranchName, CommitId, EntryKind, GitError, Repository, TreeId};
use crate::store::snapshots::{TaskSnapshot, Why};

/// What was found in a chain of snapshots.
#[derive(Debug)]
pub(super) struct FoundChain {
    pub(super) content: Content,
    /// The size of the files that the branch does not have.
    pub(super) bytes: u64,
}

/// What a branch has.
struct OnBranch {
    tip: CommitId,
    trees: BTreeSet<TreeId>,
    /// What its commits changed.
    files: BTreeSet<EntryKind>,
}

/// Looks at the snapshots of a run, which go together or not at all.
///
/// Of what was taken while the run went on, the branch must have every file, in whatever commit and place; of all others
/// the very tree. The commits that a snapshot follows must be on the branch too.
pub(super) fn look_at_chain(
    repository: &Repository,
    branch: &BranchName,
    chain: &[TaskSnapshot],
) -> Result<FoundChain, GitError> {
    let on_branch = repository.branch_tip(branch)?.map(|tip| OnBranch::load(repository, tip)).transpose()?;
    let mut only_here = BTreeSet::new();
    let mut reasons = Vec::new();
    for (place, snapshot) in chain.iter().enumerate() {
        let mut files = match snapshot.tip {
            Some(tip) => repository.differing_files(repository.tree_of(tip)?, snapshot.tree)?,
            None => BTreeSet::new(),
        };
        let Some(on_branch) = &on_branch else {
            only_here.append(&mut files);
            continue;
        };
        let is_whole = on_branch.trees.contains(&snapshot.tree);
        if !is_whole {
            files.retain(|file| !on_branch.files.contains(file));
            let may_be_in_parts = snapshot.why == Why::Periodic.words() && snapshot.tip.is_some();
            if !may_be_in_parts || !files.is_empty() {
                reasons.push(lacking(snapshot, chain.len()));
            }
            only_here.append(&mut files);
        }
        let before = place.checked_sub(1).and_then(|place| chain.get(place)).map(|before| before.commit);
        for commit in snapshot.follows().filter(|commit| Some(*commit) != before) {
            if !repository.is_ancestor(commit, on_branch.tip)? {
                reasons
                    .push(format!("it leads to a commit that its branch does not have: {}", short(commit)));
            }
        }
    }
    if on_branch.is_none() {
        reasons.push("its branch is gone, and it is the only ref to what it keeps".to_owned());
    }
    reasons.dedup();
    let content = if reasons.is_empty() {
        Content::Safe { refs: vec![branch.as_str().to_owned()] }
    } else {
        Content::Lost { reasons }
    };
    Ok(FoundChain { content, bytes: repository.files_size(&only_here) })
}

/// Looks at commits that an agent made beside its branch.
pub(super) fn look_at_head(
    repository: &Repository,
    branch: &BranchName,
    head: CommitId,
) -> Result<Content, GitError> {
    let is_kept = match repository.branch_tip(branch)? {
        Some(tip) => repository.is_ancestor(head, tip)?,
        None => false,
    };
    Ok(if is_kept {
        Content::Safe { refs: vec![branch.as_str().to_owned()] }
    } else {
        let reason = format!("it is the only ref to commits beside its branch: {}", short(head));
        Content::Lost { reasons: vec![reason] }
    })
}

fn lacking(snapshot: &TaskSnapshot, count: usize) -> String {
    let which = if count > 1 { format!(" ({})", snapshot.name()) } else { String::new() };
    format!("it is the only ref to files that its branch does not have{which}")
}

impl OnBranch {
    fn load(repository: &Repository, tip: CommitId) -> Result<Self, GitError> {
        let back = repository.trees_back_from(tip, COMMITS_BACK_MAX)?;
        let mut files = BTreeSet::new();
        for pair in back.windows(2) {
            if let [(_, tree), (_, before)] = pair {
                files.append(&mut repository.differing_files(*before, *tree)?);
            }
        }
        Ok(Self { tip, trees: back.into_iter().map(|(_, tree)| tree).collect(), files })
    }
}
