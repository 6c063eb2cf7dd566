//! What this process may use of the system.

use rustix::process::{Resource, getrlimit};

/// Returns how many files this process and those that it starts may have open, or `None` without a limit.
pub fn open_files_max() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}
