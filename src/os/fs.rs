//! Files are replaced, never truncated; folders are moved aside before they are removed.
//!
//! A reader of a file written here sees the old bytes or the new ones, never a part, also after a
//! power cut: temporary sibling, sync, rename, sync of the folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;

use super::fault::{FaultPoint, pass};

/// How the names begin of files that are to replace others.
const TEMPORARY_START: &str = ".claudedo-";

/// How they end.
const TEMPORARY_END: &str = ".tmp";

/// How the names end of folders that are being removed.
const TRASH_END: &str = ".trash";

/// No process takes longer between making a file and locking it, unless the machine sleeps.
const UNLOCKED_MAX: Duration = Duration::from_hours(1);

/// What failed, and on which path.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}", path.display())]
pub struct FileError {
    /// The verb, as in "write" or "rename".
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

impl FileError {
    /// Returns a closure for `map_err` that adds the action and the path.
    pub fn on(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }
}

/// Returns whether something failed for want of what the machine may have again a moment later: room on the disk or
/// in the quota, open files, memory.
pub fn is_shortage(error: &io::Error) -> bool {
    let shortages = [Errno::NOSPC, Errno::DQUOT, Errno::MFILE, Errno::NFILE, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| shortages.iter().any(|errno| errno.raw_os_error() == code))
}

/// Replaces a file as one step, synced to the disk, with mode 0644.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    replace(path, bytes, 0o644, Durability::Synced)
}

/// Replaces a file that only its owner may read (0600), as one step, synced to the disk.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    replace(path, bytes, 0o600, Durability::Synced)
}

/// Replaces a private file as one of many: its bytes are synced, and the caller syncs the folder after the last.
pub fn write_private_in_batch(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    replace(path, bytes, 0o600, Durability::InBatch)
}

/// Replaces a derived file that may be lost in a power cut, as one step, with mode 0600.
pub fn write_derived(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    replace(path, bytes, 0o600, Durability::Derived)
}

/// Replaces a file as one step, synced to the disk, with this mode whatever the umask says.
pub fn write_with_mode(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let folder = parent(path);
    let file = temporary_sibling(folder, bytes, mode, Durability::Synced)?;
    set_mode(file.path(), mode)?;
    file.persist(path).map_err(|error| FileError::on("replace", path)(error.error))?;
    sync_directory(folder)
}

/// Sets who may read, write and execute a file.
pub fn set_mode(path: &Path, mode: u32) -> Result<(), FileError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(FileError::on("set the mode of", path))
}

/// Gives a file a second name, which must not exist yet; a symbolic link gets one itself, and not what it names.
///
/// Where the file system has no second names, the file is renamed instead.
pub fn keep_as(path: &Path, kept: &Path) -> Result<(), FileError> {
    match fs::hard_link(path, kept) {
        Ok(()) => sync_directory(parent(kept)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(FileError::on("create", kept)(error))
        }
        Err(_) if fs::symlink_metadata(kept).is_err() => rename(path, kept),
        Err(error) => Err(FileError::on("create", kept)(error)),
    }
}

/// Renames a file as one step, synced to the disk. A file of the new name is replaced.
pub fn rename(path: &Path, new: &Path) -> Result<(), FileError> {
    fs::rename(path, new).map_err(FileError::on("rename", path))?;
    sync_directory(parent(new))
}

/// Creates a file that must not exist yet, as one step, synced to the disk, with mode 0644.
///
/// Fails with [`io::ErrorKind::AlreadyExists`] when the name is taken.
pub fn create_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let folder = parent(path);
    let file = temporary_sibling(folder, bytes, 0o644, Durability::Synced)?;
    file.persist_noclobber(path).map_err(|error| FileError::on("create", path)(error.error))?;
    sync_directory(folder)
}

/// Creates a folder and its parents, readable by the owner alone (0700).
pub fn create_private_directory(path: &Path) -> Result<(), FileError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(FileError::on("create folder", path))
}

/// Creates a folder and its parents with the usual mode.
pub fn create_directory(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(FileError::on("create folder", path))
}

/// Opens a private file (0600) for appending, creating it when it is absent.
pub fn open_append_private(path: &Path) -> Result<File, FileError> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(FileError::on("open", path))
}

/// Reads a whole file, or returns `None` when there is none.
pub fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::on("read", path)(error)),
    }
}

/// Removes a folder with all that is in it. An absent one counts as removed.
///
/// The folder is renamed to `<name>.trash` first, so that a crash in the middle leaves no half folder
/// under a name that means something.
pub fn remove_directory(path: &Path) -> Result<(), FileError> {
    let mut trash = path.as_os_str().to_owned();
    trash.push(TRASH_END);
    let trash = PathBuf::from(trash);
    match fs::rename(path, &trash) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(_) if trash.exists() => {
            remove_tree(&trash)?;
            fs::rename(path, &trash).map_err(FileError::on("rename", path))?;
        }
        Err(error) => return Err(FileError::on("rename", path)(error)),
    }
    pass(FaultPoint::FolderRenamed)?;
    remove_tree(&trash)
}

/// Removes what killed processes left in a folder of what they were doing there: files that were to replace others,
/// and folders that were moved aside. What cannot be removed stays.
///
/// Whoever writes a file holds a lock on it, so that the files of those who live are told apart. One without bytes
/// may be about to be locked, and stays until it is an hour old.
pub fn sweep(folder: &Path) {
    sweep_files(folder);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().ends_with(TRASH_END) {
            // The next start tries again.
            drop(remove_tree(&entry.path()));
        }
    }
}

/// Removes only the files among them, in a folder where others may have folders that look like ours.
pub fn sweep_files(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY_START) && name.ends_with(TEMPORARY_END) && is_abandoned(&path) {
            // The next start tries again.
            drop(remove_file(&path));
        }
    }
}

/// Does the same in each folder that lies in this one.
pub fn sweep_files_of_each(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sweep_files(&entry.path());
        }
    }
}

fn is_abandoned(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let Ok(metadata) = file.metadata() else { return false };
    let age = metadata.modified().ok().and_then(|modified| modified.elapsed().ok());
    file.try_lock().is_ok() && (metadata.len() > 0 || age > Some(UNLOCKED_MAX))
}

/// Removes a folder with all that is in it where it stands, for one that means nothing either whole or in part.
///
/// Also where folders in it may not be written: Go's module cache, for one, is read-only.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn remove_tree(path: &Path) -> Result<(), FileError> {
    let removed = match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_folders(path);
            fs::remove_dir_all(path)
        }
        other => other,
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::on("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Lets the owner into every folder below a path. What cannot be changed is left for the removal to report.
fn open_folders(path: &Path) {
    let mut pending = vec![path.to_owned()];
    while let Some(folder) = pending.pop() {
        let _unchangeable = fs::set_permissions(&folder, fs::Permissions::from_mode(0o700));
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        // A symbolic link to a folder is no folder here, so that nothing outside is touched.
        pending.extend(entries.filter(|e| e.file_type().is_ok_and(|kind| kind.is_dir())).map(|e| e.path()));
    }
}

/// Removes a file. An absent one counts as removed.
pub fn remove_file(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::on("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Removes a folder with nothing in it; returns whether it was empty.
pub fn remove_empty_directory(path: &Path) -> Result<bool, FileError> {
    match fs::remove_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::on("remove", path)(error)),
    }
}

/// Syncs a folder, so that the names in it survive a power cut.
pub fn sync_directory(path: &Path) -> Result<(), FileError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(FileError::on("sync folder", path))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    Synced,
    InBatch,
    Derived,
}

fn replace(path: &Path, bytes: &[u8], mode: u32, durability: Durability) -> Result<(), FileError> {
    let folder = parent(path);
    let file = temporary_sibling(folder, bytes, mode, durability)?;
    file.persist(path).map_err(|error| FileError::on("replace", path)(error.error))?;
    pass(FaultPoint::FileReplaced)?;
    match durability {
        Durability::Synced => sync_directory(folder),
        Durability::InBatch | Durability::Derived => Ok(()),
    }
}

fn temporary_sibling(
    folder: &Path,
    bytes: &[u8],
    mode: u32,
    durability: Durability,
) -> Result<tempfile::NamedTempFile, FileError> {
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY_START)
        .suffix(TEMPORARY_END)
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(folder)
        .map_err(FileError::on("create a temporary file in", folder))?;
    // Only [`sweep`] asks for it. Where there are no locks, what is left of killed processes stays.
    drop(file.as_file().try_lock());
    // Through the file itself: what tempfile says of a failure has the path a second time.
    file.as_file_mut().write_all(bytes).map_err(FileError::on("write", file.path()))?;
    if durability != Durability::Derived {
        file.as_file().sync_all().map_err(FileError::on("sync", file.path()))?;
    }
    pass(FaultPoint::FileWritten)?;
    Ok(file)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_never_replaces_an_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("task.yaml");
        create_new(&path, b"first").unwrap();
        let error = create_new(&path, b"second").unwrap_err();
        assert_eq!(error.source.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }

    #[test]
    fn removing_a_folder_twice_is_one_removal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        fs::create_dir_all(path.join("deep/er")).unwrap();
        remove_directory(&path).unwrap();
        remove_directory(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn folders_that_may_not_be_written_can_be_opened_for_removal() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let inner = folder.path().join("cache/module");
        fs::create_dir_all(&inner).unwrap();
        std::os::unix::fs::symlink(outside.path(), inner.join("link")).unwrap();
        fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o500)).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o500)).unwrap();
        fs::set_permissions(folder.path().join("cache"), fs::Permissions::from_mode(0o000)).unwrap();
        open_folders(&folder.path().join("cache"));
        assert_eq!(fs::metadata(&inner).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(outside.path()).unwrap().permissions().mode() & 0o777, 0o500);
        remove_directory(&folder.path().join("cache")).unwrap();
    }

    #[test]
    fn what_is_left_of_the_dead_is_swept_and_the_files_of_the_living_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let living = temporary_sibling(folder.path(), b"1", 0o600, Durability::Derived).unwrap();
        let (dead, new) = (path(".claudedo-dead.tmp"), path(".claudedo-new.tmp"));
        write_atomic(&dead, b"1").unwrap();
        write_atomic(&new, b"").unwrap();
        write_atomic(&path("other.tmp"), b"1").unwrap();
        fs::create_dir_all(path("run.trash/deep")).unwrap();
        sweep(folder.path());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        assert!(living.path().exists() && new.exists() && path("other.tmp").exists());
        let old = File::options().append(true).open(&new).unwrap();
        old.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        drop(old);
        sweep(folder.path());
        assert!(!new.exists());
    }

    #[test]
    fn private_files_are_readable_by_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        write_private(&path, b"{}").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
