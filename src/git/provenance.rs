//! Whether git brought a file, or somebody wrote it here.
//!
//! Three things are asked, because each alone can be got around: whether git has an object with these bytes (not
//! if attributes made the file differ from its blob), whether the index has the path (not after `git rm --cached`
//! or `git reset`), and whether a branch has it. Names are compared without regard to case, since on some file
//! systems `.Claudedo` is the same folder. All of it is read anew each time: what a pull brought a moment ago counts.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::{Exists, Find, TreeRefIter};

use super::content::FileContent;
use super::reference::age;
use super::{GitError, Repository};

/// Where work that is somebody's may be named from, besides `HEAD`: branches, other people's branches, stashes.
const TIPS: [&str; 3] = ["refs/heads/", "refs/remotes/", "refs/stash"];

/// Branches of this program. What an agent committed is on them; it comes into the work tree by a merge or a checkout.
const OUR_BRANCHES: &str = "refs/heads/claudedo/";

/// Refs of the work tree itself that git leaves where something was undone.
const OWN_TIPS: [&str; 4] = ["HEAD", "ORIG_HEAD", "MERGE_HEAD", "FETCH_HEAD"];

/// What git knows of the files of one folder of the work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownNames {
    /// The folder, or one above it, is a thing of its own to git: a submodule, a link, a part left out.
    Everything,
    /// Files with these names, in lowercase.
    Names(BTreeSet<String>),
}

impl KnownNames {
    /// Returns whether git knows a file of that name.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Names(names) => names.contains(&name.to_lowercase()),
        }
    }
}

/// The object database as it was at one moment. Files that were read before it may be asked about.
#[derive(Debug)]
pub struct KnownContents {
    repository: gix::Repository,
}

impl KnownContents {
    /// Returns whether there is a blob that a file with this content may have come from.
    pub fn contains(&self, content: &FileContent) -> bool {
        let hash = self.repository.object_hash();
        let mut blobs = content.blobs.iter().map(|blob| blob.object_id()).filter(|id| id.kind() == hash);
        blobs.any(|id| self.repository.objects.exists_without_refresh(&id))
    }
}

impl Repository {
    /// Returns for how long somebody has been changing the index of this work tree, or `None` when nobody is.
    ///
    /// A checkout writes files first and the index last, and has the lock from before the first file on.
    pub fn index_locked_for(&self) -> Option<Duration> {
        let lock = self.git_dir().join("index.lock");
        let is_there = lock.symlink_metadata().is_ok();
        is_there.then(|| age(&lock).unwrap_or(Duration::MAX))
    }

    /// Returns a look at the object database as it is now, for many questions.
    pub fn known_contents(&self) -> KnownContents {
        let repository = self.local();
        // Asking for what is not there makes gix look for new packs; after that it need not look again each time.
        let _nobody_has_it = repository.objects.exists(&ObjectId::null(repository.object_hash()));
        KnownContents { repository }
    }

    /// Returns the files of a folder that the index of this work tree or a branch has. `folder` has `/` between names.
    pub fn known_names(&self, folder: &str) -> Result<KnownNames, GitError> {
        let repository = self.local();
        let mut names = match self.names_in_index(folder)? {
            KnownNames::Everything => return Ok(KnownNames::Everything),
            KnownNames::Names(names) => names,
        };
        let mut seen = BTreeSet::new();
        for tip in tips(&repository)? {
            let found =
                Search { repository: &repository, seen: &mut seen, names: &mut names }.look(tip, folder);
            if found? == Shape::Opaque {
                return Ok(KnownNames::Everything);
            }
        }
        Ok(KnownNames::Names(names))
    }

    fn names_in_index(&self, folder: &str) -> Result<KnownNames, GitError> {
        let path = self.git_dir().join("index");
        let options = gix::index::decode::Options::default();
        let index = gix::index::File::at_or_default(&path, self.object_hash(), true, options);
        let index = index.map_err(GitError::on(format!("read {}", path.display())))?;
        let mut names = BTreeSet::new();
        for entry in index.entries() {
            let path = entry.path(&index).to_ascii_lowercase();
            // A sparse folder ends in a slash.
            let path = path.strip_suffix(b"/").unwrap_or(&path);
            if is_at_or_above(path, folder.as_bytes()) {
                return Ok(KnownNames::Everything);
            }
            if let Some(name) = path.strip_prefix(folder.as_bytes()).and_then(|rest| rest.strip_prefix(b"/"))
            {
                names.insert(name.to_str_lossy().to_lowercase());
            }
        }
        Ok(KnownNames::Names(names))
    }
}

/// Whether a path of the index is the folder itself, or one that it lies in.
fn is_at_or_above(path: &[u8], folder: &[u8]) -> bool {
    folder.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[derive(Debug, PartialEq, Eq)]
enum Shape {
    /// Folders all the way, or nothing.
    Plain,
    /// A submodule, a link or a file in the way.
    Opaque,
}

/// One look through the trees of all tips, none of them twice.
struct Search<'a> {
    repository: &'a gix::Repository,
    seen: &'a mut BTreeSet<(ObjectId, usize)>,
    names: &'a mut BTreeSet<String>,
}

impl Search<'_> {
    /// Adds the names of the files in a folder of a tree.
    fn look(&mut self, root: ObjectId, folder: &str) -> Result<Shape, GitError> {
        let parts: Vec<&str> = folder.split('/').collect();
        let mut pending = vec![(root, 0)];
        while let Some((tree, depth)) = pending.pop() {
            if !self.seen.insert((tree, depth)) {
                continue;
            }
            let mut buffer = Vec::new();
            let failed = || format!("read tree {tree}");
            let data =
                self.repository.objects.try_find(&tree, &mut buffer).map_err(GitError::on(failed()))?;
            // A tree that a shallow or partial clone does not have brought no file either.
            let Some(data) = data.filter(|data| data.kind == gix::objs::Kind::Tree) else { continue };
            for entry in TreeRefIter::from_bytes(data.data, tree.kind()) {
                let entry = entry.map_err(GitError::on(failed()))?;
                match parts.get(depth) {
                    None => drop(self.names.insert(entry.filename.to_str_lossy().to_lowercase())),
                    Some(part) if !entry.filename.eq_ignore_ascii_case(part.as_bytes()) => {}
                    Some(_) if entry.mode.is_tree() => pending.push((entry.oid.to_owned(), depth + 1)),
                    Some(_) => return Ok(Shape::Opaque),
                }
            }
        }
        Ok(Shape::Plain)
    }
}

/// Returns the trees of all tips.
fn tips(repository: &gix::Repository) -> Result<BTreeSet<ObjectId>, GitError> {
    let failed = "read the branches";
    let mut commits = BTreeSet::new();
    let platform = repository.references().map_err(GitError::on(failed))?;
    for prefix in TIPS {
        for reference in platform.prefixed(prefix).map_err(GitError::on(failed))? {
            let reference = reference.map_err(GitError::on(failed))?;
            if !reference.name().as_bstr().starts_with(OUR_BRANCHES.as_bytes()) {
                commits.extend(reference.try_id().map(gix::Id::detach));
            }
        }
    }
    for name in OWN_TIPS {
        commits.extend(own_tips(&repository.git_dir().join(name)));
    }
    commits.extend(repository.head_id().ok().map(gix::Id::detach));
    commits.into_iter().filter_map(|id| tree_of(repository, id).transpose()).collect()
}

/// Returns the tree of a commit, also through tags; `None` when the object is not there or is something else.
fn tree_of(repository: &gix::Repository, id: ObjectId) -> Result<Option<ObjectId>, GitError> {
    let found = repository.try_find_object(id).map_err(GitError::on(format!("read commit {id}")))?;
    let Some(object) = found else { return Ok(None) };
    Ok(object.peel_to_tree().ok().map(|tree| tree.id))
}

/// Reads the ids that lines of such a file begin with.
fn own_tips(path: &Path) -> Vec<ObjectId> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let first_words = text.lines().filter_map(|line| line.split_ascii_whitespace().next());
    first_words.filter_map(|word| ObjectId::from_hex(word.as_bytes()).ok()).collect()
}
