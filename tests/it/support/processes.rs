//! The processes of one test, found by the name of its folder in their environment or as their working folder.
//!
//! An agent's children may leave its process group and its session, so neither finds them all; what they
//! inherited and where they work does (Linux: `/proc`).

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

/// How long a supervisor that has written its last file may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// A process that belongs to a test.
#[derive(Debug)]
pub(crate) struct Process {
    id: Pid,
    #[expect(dead_code, reason = "read by people, in the message of a failed test")]
    command_line: String,
}

/// Waits until no process of the test is left, and returns those that would not go.
pub(super) fn wait_until_gone(root: &Path) -> Vec<Process> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = of(root);
        if left.is_empty() || Instant::now() > deadline {
            return left;
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// Kills every process of the test, and those that they start meanwhile.
pub(super) fn end(root: &Path) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = of(root);
        if left.is_empty() || Instant::now() > deadline {
            return;
        }
        for process in left {
            // It may have ended by itself since.
            let _ = rustix::process::kill_process(process.id, Signal::KILL);
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

fn of(root: &Path) -> Vec<Process> {
    let own = rustix::process::getpid();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?))
        .filter(|id| *id != own && belongs(*id, root))
        .map(|id| Process { id, command_line: command_line(id) })
        .collect()
}

/// A process that ended meanwhile, or is a zombie, belongs to nobody.
fn belongs(id: Pid, root: &Path) -> bool {
    let folder = Path::new("/proc").join(id.as_raw_nonzero().to_string());
    let name = root.as_os_str().as_bytes();
    let environment = fs::read(folder.join("environ")).unwrap_or_default();
    environment.windows(name.len()).any(|window| window == name)
        || fs::read_link(folder.join("cwd")).is_ok_and(|cwd| cwd.starts_with(root))
}

fn command_line(id: Pid) -> String {
    let bytes = fs::read(format!("/proc/{}/cmdline", id.as_raw_nonzero())).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim().to_owned()
}
