//! What Linux tells about processes in `/proc` (`proc(5)`).
//!
//! Processes come and go while they are looked at, and others' may not be looked at: whatever cannot be
//! read counts as absent.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Longest environment that is searched. Linux refuses more than 6 MiB of arguments and environment (`execve(2)`).
const ENVIRONMENT_BYTES_MAX: u64 = 8 << 20;

/// Longest command line kept, in characters: it is for people.
const COMMAND_CHARACTERS_MAX: usize = 200;

/// The fields of `/proc/<pid>/stat` that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    state: char,
    threads: u64,
    pub(super) parent: i32,
    pub(super) start_ticks: u64,
}

impl Stat {
    /// Returns whether the process ended and only waits to be waited for.
    pub(super) fn has_ended(self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x') && !self.lives_in_threads()
    }

    /// Returns whether only the first thread of the process ended: it looks like a zombie, and its other threads run.
    fn lives_in_threads(self) -> bool {
        self.state == 'Z' && self.threads > 1
    }
}

/// Loads the id of this boot of the machine.
pub(super) fn load_boot_id() -> io::Result<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim_end().to_owned())
}

/// Loads the numbers of all processes there are now.
pub(super) fn load_pids() -> io::Result<Vec<i32>> {
    let entries = fs::read_dir("/proc")?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
}

/// Loads the state, parent and start of a process, or `None` when it is gone.
pub(super) fn load_stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Loads the command line of a process, words joined by spaces, cut to 200 characters.
pub(super) fn load_command(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> =
        bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty()).map(String::from_utf8_lossy).collect();
    words.join(" ").chars().take(COMMAND_CHARACTERS_MAX).collect()
}

/// Returns whether a process has a file open, by whatever name.
pub(super) fn has_open(pid: i32, path: &Path) -> bool {
    let Ok(wanted) = fs::metadata(path) else { return false };
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    // Following the link of an open file leads to the file itself, also when its name is gone.
    open.filter_map(|entry| fs::metadata(entry.ok()?.path()).ok())
        .any(|found| (found.dev(), found.ino()) == (wanted.dev(), wanted.ino()))
}

/// Loads the name of a process's program, cut to 15 characters by the kernel.
pub(super) fn load_name(pid: i32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned())
}

/// Loads the words of a process's command line.
pub(super) fn load_words(pid: i32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Returns whether a process was started with an entry (`NAME=value`) in its environment.
///
/// `buffer` is scratch space, kept between calls because this is asked of every process there is.
pub(super) fn has_in_environment(pid: i32, entry: &[u8], buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    let file = File::open(format!("/proc/{pid}/environ"));
    let read = file.and_then(|file| file.take(ENVIRONMENT_BYTES_MAX).read_to_end(buffer));
    if matches!(read, Ok(0)) && load_stat(pid).is_some_and(Stat::lives_in_threads) {
        load_environment_of_thread(pid, buffer);
    }
    read.is_ok() && buffer.split(|byte| *byte == 0).any(|candidate| candidate == entry)
}

/// Reads the environment of a process whose first thread has ended, from one that runs.
fn load_environment_of_thread(pid: i32, buffer: &mut Vec<u8>) {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    for thread in threads {
        let file = File::open(thread.path().join("environ"));
        if file
            .and_then(|file| file.take(ENVIRONMENT_BYTES_MAX).read_to_end(buffer))
            .is_ok_and(|read| read > 0)
        {
            return;
        }
    }
}

/// Returns whether a process holds the lock (`flock(2)`) of this file through a descriptor that was handed down to it.
///
/// `proc_pid_fdinfo(5)` tells which descriptors hold a lock, and which would be closed by the start of another
/// program: this program's own are, so that a process that took the lock itself is not meant.
pub(super) fn has_inherited_lock(pid: i32, lock: &fs::Metadata) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter(|entry| {
        fs::metadata(entry.path()).is_ok_and(|found| (found.dev(), found.ino()) == (lock.dev(), lock.ino()))
    })
    .filter_map(|entry| {
        fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", entry.file_name().to_str()?)).ok()
    })
    .any(|info| is_inherited_lock(&info))
}

/// `O_CLOEXEC` as `proc_pid_fdinfo(5)` prints it, in octal.
const CLOSE_ON_EXEC: u32 = 0o2_000_000;

fn is_inherited_lock(info: &str) -> bool {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    let is_inherited = flags.is_some_and(|flags| flags & CLOSE_ON_EXEC == 0);
    is_inherited && info.lines().any(|line| line.starts_with("lock:") && line.contains("FLOCK"))
}

/// Reads one line of `proc_pid_stat(5)`. The command in parentheses may hold anything, also `)`.
fn parse_stat(line: &[u8]) -> Option<Stat> {
    let command_end = line.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&line[command_end + 1..]).ok()?.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?; // field 3
    let parent = fields.next()?.parse().ok()?; // field 4
    let threads = fields.nth(15)?.parse().ok()?; // field 20
    let start_ticks = fields.nth(1)?.parse().ok()?; // field 22
    Some(Stat { state, threads, parent, start_ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_parentheses_does_not_shift_the_fields() {
        let line = b"77 (a) S 1 (x) R 12 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 4242 10 20";
        assert_eq!(parse_stat(line), Some(Stat { state: 'R', threads: 3, parent: 12, start_ticks: 4242 }));
    }

    #[test]
    fn a_zombie_whose_other_threads_run_has_not_ended() {
        let stat = |state, threads| Stat { state, threads, parent: 1, start_ticks: 1 };
        assert!(stat('Z', 1).has_ended());
        assert!(!stat('Z', 2).has_ended());
        assert!(!stat('S', 1).has_ended());
    }

    #[test]
    fn a_lock_that_was_taken_is_told_from_one_that_was_inherited() {
        let lock = "lock:\t1: FLOCK  ADVISORY  WRITE 4 fe:00:77 0 EOF\n";
        let inherited = format!("pos:\t0\nflags:\t0100002\nmnt_id:\t29\n{lock}");
        assert!(is_inherited_lock(&inherited));
        assert!(!is_inherited_lock(&inherited.replace("0100002", "02100002")));
        assert!(!is_inherited_lock(&inherited.replace(lock, "")), "one that waits for the lock");
    }

    #[test]
    fn an_open_file_is_known_by_what_it_is_and_not_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("lock"), folder.path().join("other"));
        let own = i32::try_from(std::process::id()).unwrap();
        let file = File::create(&path).unwrap();
        assert!(has_open(own, &path));
        fs::rename(&path, &other).unwrap();
        assert!(has_open(own, &other));
        drop(File::create(&path).unwrap());
        assert!(!has_open(own, &path));
        drop(file);
        assert!(!has_open(own, &other));
    }

    #[test]
    fn a_cut_line_is_nobody() {
        assert_eq!(parse_stat(b"77 (cat) S 1 77 77"), None);
        assert_eq!(parse_stat(b""), None);
    }
}
