//! Who works with a file or in a folder, as far as `/proc` tells.

use std::fs;
use std::path::{Path, PathBuf};

/// A process, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileUser {
    /// Its number.
    pub pid: i32,
    /// Its command line, cut.
    pub command: String,
    /// What it was found by.
    pub found: FileUse,
}

/// What a process was found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileUse {
    /// It has this file open.
    Open(PathBuf),
    /// It is a git command that works in one of the folders.
    GitInside,
}

/// Returns the processes that have one of these files open, and the git commands that work in one of these
/// folders. Empty where there is no `/proc`; processes of other users may not be looked at.
///
/// The second is told because git closes its `index.lock` while it waits for an editor.
#[cfg(target_os = "linux")]
pub fn find_file_users(files: &[PathBuf], folders: &[PathBuf]) -> Vec<FileUser> {
    let mut users = Vec::new();
    for pid in super::procfs::load_pids().unwrap_or_default() {
        if let Some(found) = use_of(pid, files, folders) {
            users.push(FileUser { pid, command: super::procfs::load_command(pid), found });
        }
    }
    users
}

/// Returns nobody: this system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn find_file_users(_files: &[PathBuf], _folders: &[PathBuf]) -> Vec<FileUser> {
    Vec::new()
}

#[cfg(target_os = "linux")]
fn use_of(pid: i32, files: &[PathBuf], folders: &[PathBuf]) -> Option<FileUse> {
    let process = Path::new("/proc").join(pid.to_string());
    let descriptors = fs::read_dir(process.join("fd")).ok()?;
    let mut targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    if let Some(open) = targets.find(|target| files.contains(target)) {
        return Some(FileUse::Open(open));
    }
    let name = fs::read_to_string(process.join("comm")).ok()?;
    let folder = fs::read_link(process.join("cwd")).ok()?;
    let inside = name.trim_end() == "git" && folders.iter().any(|parent| folder.starts_with(parent));
    inside.then_some(FileUse::GitInside)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_a_file_open_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("index.lock");
        let file = fs::File::create(&path).unwrap();
        let users = find_file_users(std::slice::from_ref(&path), &[]);
        assert!(users.iter().any(|user| user.found == FileUse::Open(path.clone())), "{users:?}");
        drop(file);
        let mine = i32::try_from(std::process::id()).unwrap();
        assert!(find_file_users(&[path], &[]).iter().all(|user| user.pid != mine));
    }
}
