//! Who works in a folder, as far as `/proc` tells: by its current folder, an open file, or the program it runs.

#[cfg(target_os = "linux")]
use std::collections::{BTreeSet, HashMap};
#[cfg(target_os = "linux")]
use std::path::Path;
use std::path::PathBuf;

/// A process that works in a folder, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderUser {
    /// Which of the folders that were asked about, by its place in the list.
    pub folder: usize,
    /// Its number.
    pub pid: i32,
    /// Its command line, cut.
    pub command: String,
}

/// Returns the processes that have one of these folders, or what is in it, as their current folder, as an open file or
/// as their program; each process once a folder. The paths have no symbolic links.
///
/// Processes of other users may not be looked at. Empty where there is no `/proc`.
#[cfg(target_os = "linux")]
pub fn find_folder_users(folders: &[PathBuf]) -> Vec<FolderUser> {
    let mut users = Vec::new();
    let places: HashMap<&Path, usize> =
        folders.iter().enumerate().map(|(place, path)| (path.as_path(), place)).collect();
    if places.is_empty() {
        return users;
    }
    for pid in super::procfs::load_pids().unwrap_or_default() {
        let paths = paths_of(pid);
        let used = paths.iter().flat_map(|path| path.ancestors().filter_map(|above| places.get(above)));
        let used: BTreeSet<usize> = used.copied().collect();
        for folder in used {
            users.push(FolderUser { folder, pid, command: super::procfs::load_command(pid) });
        }
    }
    users
}

/// Returns nobody: this system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn find_folder_users(_folders: &[PathBuf]) -> Vec<FolderUser> {
    Vec::new()
}

/// Returns the paths that a process uses, without those that are no files.
#[cfg(target_os = "linux")]
fn paths_of(pid: i32) -> Vec<PathBuf> {
    let process = Path::new("/proc").join(pid.to_string());
    let descriptors = std::fs::read_dir(process.join("fd")).into_iter().flatten();
    let open = descriptors.filter_map(|entry| Some(entry.ok()?.path()));
    let links = ["cwd", "exe", "root"].map(|name| process.join(name)).into_iter().chain(open);
    let targets = links.filter_map(|link| std::fs::read_link(link).ok());
    let mut paths: Vec<PathBuf> = targets.filter(|target| target.is_absolute()).collect();
    paths.sort();
    paths.dedup();
    paths
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_a_file_of_a_folder_open_works_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let other = tempfile::tempdir().unwrap();
        let folders = [other.path().canonicalize().unwrap(), path.clone()];
        let mine = i32::try_from(std::process::id()).unwrap();
        let found = |folders: &[PathBuf]| -> Vec<usize> {
            let users = find_folder_users(folders);
            users.into_iter().filter(|user| user.pid == mine).map(|user| user.folder).collect()
        };
        assert_eq!(found(&folders), [0; 0]);
        let file = std::fs::File::create(path.join("a")).unwrap();
        assert_eq!(found(&folders), [1]);
        drop(file);
        assert_eq!(found(&folders), [0; 0]);
    }
}
