//! Programs on the search path: all that a name may mean, not only the first.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Returns every program of that name in the folders of `search_path` (the value of `PATH`), the one that is
/// started first. What lies there twice, under another name or by a link, counts once.
pub fn find_all(name: &str, search_path: &OsStr) -> Vec<PathBuf> {
    let mut found: Vec<(PathBuf, (u64, u64))> = Vec::new();
    for entry in search_path.as_bytes().split(|byte| *byte == b':').filter(|entry| entry.starts_with(b"/")) {
        let path = Path::new(OsStr::from_bytes(entry)).join(name);
        let Some(identity) = identity(&path) else { continue };
        if !found.iter().any(|(_, known)| *known == identity) {
            found.push((path, identity));
        }
    }
    found.into_iter().map(|(path, _)| path).collect()
}

/// Returns whether two paths lead to the same file.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let of = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    of(one).is_some() && of(one) == of(other)
}

/// Returns what tells a program from every other file, or `None` where nothing can be started.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = path.metadata().ok()?;
    let usable = file.is_file() && access(path, Access::EXEC_OK).is_ok();
    usable.then(|| (file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn each_program_counts_once_in_the_order_of_the_search_path() {
        let root = tempfile::tempdir().unwrap();
        let folder = |name: &str| root.path().join(name);
        for (name, mode) in [("a", 0o755), ("b", 0o644), ("c", 0o755)] {
            fs::create_dir(folder(name)).unwrap();
            fs::File::create(folder(name).join("git")).unwrap();
            fs::set_permissions(folder(name).join("git"), Permissions::from_mode(mode)).unwrap();
        }
        symlink(folder("c"), folder("d")).unwrap();
        let path = ["d", "b", "none", "a", "c"].map(|name| folder(name).display().to_string()).join(":");
        let found = find_all("git", &OsString::from(format!("{path}:relative")));
        assert_eq!(found, [folder("d/git"), folder("a/git")]);
        assert!(is_same(&folder("d/git"), &folder("c/git")));
        assert!(!is_same(&folder("none"), &folder("none")));
    }
}
