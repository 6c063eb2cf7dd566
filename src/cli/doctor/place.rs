//! Checks of what the repository lies on: room, events, clocks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access};

use super::facts::{Facts, Place, existing};
use super::finding::{Finding, quoted};
use crate::os::clock::now;
use crate::os::filesystem::{FileSystem, FileSystemKind, load, load_moment};
use crate::timestamp::Timestamp;
use crate::ui::figures::elapsed;

/// With less, a run cannot even keep what was done.
const BYTES_MIN: u64 = 100 << 20;
/// With less, a worktree or a build may not fit.
const BYTES_FEW: u64 = 2 << 30;
const FILES_MIN: u64 = 1000;
const FILES_FEW: u64 = 50_000;

/// How far ahead a record may be of the clock: clocks of machines differ by seconds.
const AHEAD_MAX: Duration = Duration::from_hours(1);

/// How far the clock of the file system may be from this machine's.
const APART_MAX: Duration = Duration::from_secs(2);

/// Room for records and worktrees.
pub(super) fn disk(facts: &Facts, place: &Place) -> Vec<Finding> {
    let mut findings = Vec::new();
    let repository = room("the repository", &place.repository.common_dir(), &mut findings);
    let Some(root) = facts.worktree_root() else { return findings };
    let worktrees = room("worktrees", &root, &mut findings);
    if let (Some(one), Some(other)) = (repository, worktrees)
        && one.device != other.device
    {
        findings.push(Finding::info("Worktrees lie on another file system than the repository."));
    }
    findings
}

/// Looks at the part of a path that exists, since folders of worktrees are made when they are needed.
fn room(what: &str, path: &Path, findings: &mut Vec<Finding>) -> Option<FileSystem> {
    let folder = existing(path)?;
    match load(folder) {
        Ok(found) => {
            findings.push(judge_room(what, path, &found));
            if access(folder, Access::WRITE_OK).is_err() {
                let finding =
                    Finding::problem(format!("The folder of {what} cannot be written: {}", folder.display()));
                findings.push(finding.mend(format!("sudo chown -R \"$USER\" {}", quoted(folder.display()))));
            }
            Some(found)
        }
        Err(error) => {
            findings.push(Finding::warning(format!("failed to look at {}: {error}", folder.display())));
            None
        }
    }
}

fn judge_room(what: &str, path: &Path, found: &FileSystem) -> Finding {
    let memory = match found.kind {
        FileSystemKind::Memory => ", in memory: a restart of the machine loses it",
        FileSystemKind::Local | FileSystemKind::Remote(_) => "",
    };
    let text = format!("{} free for {what}{memory}, at {}", bytes(found.free_bytes), path.display());
    let files = found.free_files.unwrap_or(u64::MAX);
    let look = format!("du -x -d 2 {} | sort -n | tail", quoted(path.display()));
    if found.free_bytes < BYTES_MIN || files < FILES_MIN {
        return Finding::problem(format!("Only {}", and_files(&text, files)))
            .why("What an agent did could not be kept.")
            .mend(format!("git claudedo prune; {look}"));
    }
    if found.free_bytes < BYTES_FEW || files < FILES_FEW {
        return Finding::warning(format!("Only {}", and_files(&text, files)))
            .why("Each task has a checkout of its own.")
            .mend(format!("git claudedo prune; {look}"));
    }
    if found.kind == FileSystemKind::Memory { Finding::info(text) } else { Finding::ok(text) }
}

fn and_files(text: &str, files: u64) -> String {
    if files < FILES_FEW { format!("{files} files and {text}") } else { text.to_owned() }
}

fn bytes(number: u64) -> String {
    if number >= 1 << 30 { format!("{} GB", number >> 30) } else { format!("{} MB", number >> 20) }
}

/// Whether a change of a file is told.
pub(super) fn events(_: &Facts, place: &Place) -> Vec<Finding> {
    let folders: Vec<PathBuf> = place
        .tasks
        .iter()
        .map(|tasks| tasks.work_tree().to_owned())
        .chain([place.repository.common_dir()])
        .collect();
    let remote = folders.iter().find_map(|folder| match load(folder).ok()?.kind {
        FileSystemKind::Remote(protocol) => Some((folder, protocol)),
        FileSystemKind::Local | FileSystemKind::Memory => None,
    });
    vec![match remote {
        None => Finding::ok("Changes of task files are told at once."),
        Some((folder, protocol)) => Finding::warning(format!("Files come by {protocol}, at {}", folder.display()))
            .why(
                "What is changed on the other side is not told, so the watcher finds it at its next look, up to a minute \
                 later. Locks may not reach the other side either: run tasks from one machine only.",
            )
            .mend("git clone the repository to a disk of this machine"),
    }]
}

/// Whether the clock, the records and the file system agree.
pub(super) fn clock(_: &Facts, place: &Place) -> Vec<Finding> {
    let mut findings = Vec::new();
    match place.repository.newest_moment() {
        Ok(newest) => findings.extend(newest.and_then(|newest| judge_newest(newest, now()))),
        Err(error) => findings.push(Finding::failed(error)),
    }
    let state = place.state.path().to_owned();
    let folder = if state.is_dir() { state } else { place.repository.common_dir() };
    match load_moment(&folder) {
        Ok(moment) => findings.extend(judge_apart(moment, now())),
        Err(error) => findings.push(
            Finding::problem(format!("failed to write a file in {}: {error}", folder.display()))
                .why("Nothing can be kept of a run.")
                .mend(format!("ls -ld {}", quoted(folder.display()))),
        ),
    }
    if findings.is_empty() {
        findings.push(Finding::ok("The clock agrees with records and files."));
    }
    findings
}

fn judge_newest(newest: Timestamp, now: Timestamp) -> Option<Finding> {
    let ahead = newest.since(now);
    (ahead > AHEAD_MAX).then(|| {
        Finding::warning(format!("The newest commit or record is {} ahead of the clock.", elapsed(ahead)))
            .why("The clock of this machine, or of the one that made it, is wrong: times and ages shown are too.")
            .mend("sudo timedatectl set-ntp true")
    })
}

fn judge_apart(moment: Timestamp, now: Timestamp) -> Option<Finding> {
    let apart = moment.since(now).max(now.since(moment));
    (apart > APART_MAX).then(|| {
        Finding::warning(format!("The file system's clock and this machine's are {} apart.", elapsed(apart)))
            .why("A task file counts as complete by its age, so new tasks start late or half-written.")
            .mend("sudo timedatectl set-ntp true")
    })
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
    use super::*;

    #[test]
    fn little_room_is_told_in_bytes_and_in_files() {
        let judge = |free_bytes, free_files| {
            let found = FileSystem { kind: FileSystemKind::Local, free_bytes, free_files, device: 1 };
            judge_room("worktrees", Path::new("/w"), &found)
        };
        assert_eq!(judge(50 << 30, Some(1 << 30)).what, "50 GB free for worktrees, at /w");
        assert_eq!(judge(50 << 30, None).mark, Mark::Ok);
        assert_eq!(judge(1 << 30, None).mark, Mark::Warning);
        assert_eq!(judge(1 << 20, None).mark, Mark::Problem);
        assert_eq!(judge(50 << 30, Some(7)).what, "Only 7 files and 50 GB free for worktrees, at /w");
    }

    #[test]
    fn clocks_may_differ_a_little() {
        let at = |seconds: i64| Timestamp::from_unix_milliseconds(seconds * 1000).unwrap();
        assert_eq!(judge_newest(at(3000), at(0)), None);
        assert_eq!(judge_newest(at(0), at(9_000_000)), None);
        assert!(judge_newest(at(7200), at(0)).is_some());
        assert_eq!(judge_apart(at(1), at(2)), None);
        assert!(judge_apart(at(60), at(0)).is_some());
        assert!(judge_apart(at(0), at(60)).is_some());
    }
}
