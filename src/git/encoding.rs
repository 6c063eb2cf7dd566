//! The one attribute that gix cannot obey when it fills a worktree.
//!
//! `working-tree-encoding=UTF-16…` asks for files in an encoding that gix 0.90 cannot write: it writes
//! UTF-8 and says nothing (measured). Such trees are recognised here and left to the git program.

use super::{CommitId, EntryKind, GitError, Repository, TreeId, Visit};
use crate::os::fs;

/// An attributes file larger than this is not read; git's own limit is 100 MB, no real one is near either.
const ATTRIBUTES_BYTES_MAX: usize = 1024 * 1024;

impl Repository {
    /// Returns whether any attributes file of a commit, or of the repository itself, asks for UTF-16 or UTF-32.
    pub(super) fn needs_git_checkout(&self, commit: CommitId) -> Result<bool, GitError> {
        self.is_widely_encoded(self.tree_of(commit)?)
    }

    /// Returns the same of a tree.
    pub(super) fn is_widely_encoded(&self, tree: TreeId) -> Result<bool, GitError> {
        let own = fs::read_optional(&self.common_dir().join("info/attributes"))?;
        if own.is_some_and(|text| asks_for_wide_encoding(&text)) {
            return Ok(true);
        }
        let mut files = Vec::new();
        self.walk_tree(tree, &mut |path, kind| {
            if let EntryKind::File(blob) = kind
                && path.rsplit('/').next() == Some(".gitattributes")
            {
                files.push(blob);
            }
            Visit::Enter
        })?;
        for blob in files {
            if asks_for_wide_encoding(&self.read_blob(blob)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn asks_for_wide_encoding(text: &[u8]) -> bool {
    let text = &text[..text.len().min(ATTRIBUTES_BYTES_MAX)];
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    text.split("working-tree-encoding=").skip(1).any(|rest| {
        let rest = rest.trim_start_matches('"');
        rest.starts_with("utf-16")
            || rest.starts_with("utf16")
            || rest.starts_with("utf-32")
            || rest.starts_with("utf32")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encodings_that_gix_cannot_write_count() {
        assert!(asks_for_wide_encoding(b"*.txt text\n*.rc working-tree-encoding=UTF-16LE-BOM eol=crlf\n"));
        assert!(!asks_for_wide_encoding(b"*.txt working-tree-encoding=ISO-8859-1\n"));
    }
}
