//! The program that this process was started by, directly or through others.

use super::ProcessIdentity;

/// How many processes up are looked at: hook managers start a handful on the way.
const GENERATIONS_MAX: usize = 12;

/// A process above this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestor {
    /// Which.
    pub identity: ProcessIdentity,
    /// The words of its command line; none where there is no `/proc`.
    pub words: Vec<String>,
}

/// Returns the nearest process above this one whose program has that name, else the parent.
#[cfg(target_os = "linux")]
pub fn find_ancestor(program: &str) -> Option<Ancestor> {
    use super::procfs::{load_name, load_stat, load_words};

    let mut pid = super::identity::own_pid();
    let mut found = Vec::new();
    for _ in 0..GENERATIONS_MAX {
        pid = load_stat(pid)?.parent;
        if pid <= 1 {
            break;
        }
        found.push(pid);
        if load_name(pid).is_some_and(|name| name == program) {
            break;
        }
    }
    let named = found.last().filter(|pid| load_name(**pid).is_some_and(|name| name == program));
    let pid = *named.or_else(|| found.first())?;
    let identity = ProcessIdentity::of(pid).ok()??;
    Some(Ancestor { identity, words: load_words(pid) })
}

/// Returns the parent: nothing more is known where there is no `/proc`.
#[cfg(not(target_os = "linux"))]
pub fn find_ancestor(_program: &str) -> Option<Ancestor> {
    let pid = rustix::process::getppid()?.as_raw_pid();
    Some(Ancestor { identity: ProcessIdentity::of(pid).ok()??, words: Vec::new() })
}
