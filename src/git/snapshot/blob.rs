//! One file as git stores it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use gix::bstr::BStr;
use gix::filter::plumbing::pipeline::convert::ToGitOutcome;
use gix::objs::tree::EntryKind;
use gix::worktree::stack::state::attributes::Source;
use rustix::fs::{Mode, OFlags};

use super::View;
use crate::git::GitError;

/// Larger files are left in the worktree: forges refuse them, and they would stay in the history for good.
/// GitHub warns from 50 MB on and refuses 100 MB.
pub(super) const FILE_BYTES_MAX: u64 = 50 * 1024 * 1024;

/// Turns files into blobs: filters, line ends, encodings.
pub(super) struct BlobReader<'view> {
    pipeline: gix::filter::Pipeline<'view>,
    attributes: gix::AttributeStack<'view>,
    filter: gix::attrs::search::Outcome,
}

/// A file opened without being changed by it: no symbolic link is followed, no fifo is waited for.
pub(super) enum Opened {
    File(File, std::fs::Metadata),
    Special,
}

impl<'view> BlobReader<'view> {
    pub(super) fn new(view: &'view View, index: &gix::index::State) -> Result<Self, GitError> {
        let repository = &view.repository;
        let stack = || {
            repository
                .attributes_only(index, Source::WorktreeThenIdMapping)
                .map_err(GitError::on("read the attributes"))
        };
        let pipeline = gix::filter::Pipeline::new(repository, stack()?.detach())
            .map_err(GitError::on("prepare the filters"))?;
        let attributes = stack()?;
        let filter = attributes.selected_attribute_matches(["filter"]);
        Ok(Self { pipeline, attributes, filter })
    }

    /// Returns the bytes to be stored, or the reason why there are none.
    pub(super) fn read(
        &mut self,
        name: &BStr,
        file: File,
        bytes: u64,
        index: &gix::index::State,
    ) -> Result<Vec<u8>, String> {
        // A filter such as Git LFS makes a short pointer of a long file.
        if bytes > FILE_BYTES_MAX && !self.has_filter(name) {
            return Err(too_large());
        }
        let path = Path::new(OsStr::from_bytes(name));
        let converted = self
            .pipeline
            .convert_to_git(file, path, index)
            .map_err(|error| format!("cannot be filtered: {}", crate::git::GitCause::from(error)))?;
        let mut buffer = Vec::new();
        let limit = FILE_BYTES_MAX + 1;
        let read = match converted {
            ToGitOutcome::Unchanged(file) => file.take(limit).read_to_end(&mut buffer),
            ToGitOutcome::Process(output) => output.take(limit).read_to_end(&mut buffer),
            ToGitOutcome::Buffer(converted) => {
                buffer.extend_from_slice(converted);
                Ok(buffer.len())
            }
        };
        read.map_err(|error| format!("cannot be read: {error}"))?;
        if buffer.len() as u64 > FILE_BYTES_MAX { Err(too_large()) } else { Ok(buffer) }
    }

    fn has_filter(&mut self, name: &BStr) -> bool {
        let Ok(platform) = self.attributes.at_entry(name, None) else { return false };
        platform.matching_attributes(&mut self.filter);
        self.filter.iter_selected().any(|found| match found.assignment.state {
            gix::attrs::StateRef::Value(_) => true,
            gix::attrs::StateRef::Set | gix::attrs::StateRef::Unset | gix::attrs::StateRef::Unspecified => {
                false
            }
        })
    }
}

/// Opens a path for reading if it is a regular file at this moment.
pub(super) fn open(path: &Path) -> std::io::Result<Opened> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    Ok(if metadata.is_file() { Opened::File(file, metadata) } else { Opened::Special })
}

/// Returns the mode of a new file. `mode` is what the file system says.
pub(super) fn kind(mode: u32) -> EntryKind {
    // Git looks at the owner's bit alone (index format, git-update-index(1)).
    if mode & 0o100 == 0 { EntryKind::Blob } else { EntryKind::BlobExecutable }
}

fn too_large() -> String {
    format!("is larger than {} MB", FILE_BYTES_MAX / 1024 / 1024)
}
