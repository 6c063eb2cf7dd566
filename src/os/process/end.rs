//! Ends the processes of a run for good.
//!
//! A pass finds what is there and signals it; a process may start another one while it is being looked
//! for, so the end is believed only after two passes in a row found nothing. Where nothing was ever
//! found and the kernel says that a subreaper has no children, there is nobody who could start another
//! one, and the second pass, which costs 10 µs a process of the machine, is saved.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::children::ChildrenLeft;
use super::search::{FoundProcess, RunProcesses};
use crate::os::clock;

/// How many passes in a row must find nobody.
const EMPTY_PASSES: u32 = 2;

/// The same for a caller who knows that it has no descendants, and before anybody was found.
const EMPTY_PASSES_WITHOUT_DESCENDANTS: u32 = 1;

/// Pause between two passes while processes may still end by themselves.
const TERMINATE_PAUSE: Duration = Duration::from_millis(10);

/// Pause between two passes that kill. Short, because what is still there may be making new processes.
const KILL_PAUSE: Duration = Duration::from_millis(1);

/// Longest time for which processes are killed over and over. What lives longer is stuck in the kernel,
/// or makes new processes faster than they can be found.
const KILL_TIME_MAX: Duration = Duration::from_secs(20);

/// Why processes of a run could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum EndProcessesError {
    /// They could not be looked for.
    #[error("look for the processes of the run")]
    Find(#[source] std::io::Error),
    /// Some survive SIGKILL.
    #[error("end the processes of the run: after SIGKILL there still is {}", describe(processes))]
    StillAlive {
        /// Those that can be seen. None when there is only a child of this process that `/proc` does not show.
        processes: Vec<FoundProcess>,
    },
}

/// What became of the processes of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedProcesses {
    /// Those that had to be ended.
    pub ended: Vec<FoundProcess>,
    /// Those that belong to another user, so that they may not be signalled. They live on.
    pub refused: Vec<FoundProcess>,
}

fn describe(processes: &[FoundProcess]) -> String {
    match processes {
        [] => "a child that cannot be seen".to_owned(),
        [one] => format!("process {} ({})", one.identity.pid, one.command),
        [one, others @ ..] => {
            format!("process {} ({}) and {} more", one.identity.pid, one.command, others.len())
        }
    }
}

impl RunProcesses {
    /// Ends all of them: SIGTERM, SIGKILL after `grace`, until two passes in a row find nobody.
    ///
    /// Returns whom it had to end. `reap` is called before each pass; it waits for children that ended
    /// and says whether any are left. While there are, they and their descendants belong to the run, and
    /// a pass that could not catch them counts for nothing: what the kernel says of children is exact,
    /// what `/proc` says may be old when it is read.
    pub async fn end(
        self,
        grace: Duration,
        mut reap: impl FnMut() -> ChildrenLeft,
    ) -> Result<EndedProcesses, EndProcessesError> {
        let begin = clock::monotonic();
        let mut ended = BTreeMap::new();
        let mut refused = BTreeSet::new();
        let mut emptiness = Emptiness::default();
        loop {
            let children = reap();
            let found = self.find(children).map_err(EndProcessesError::Find)?;
            let (beyond, found) = split(found, &refused);
            // A child that nobody may end is not waited for.
            let children = if beyond.is_empty() { children } else { ChildrenLeft::NotOurs };
            if emptiness.is_believed_after(found.len(), children) {
                ended.retain(|key, _| !refused.contains(key));
                return Ok(EndedProcesses { ended: ended.into_values().collect(), refused: beyond });
            }
            let elapsed = clock::monotonic().duration_since(begin);
            if elapsed > grace + KILL_TIME_MAX {
                return Err(EndProcessesError::StillAlive { processes: found });
            }
            let pause = if elapsed < grace {
                let unasked = found.iter().filter(|process| !ended.contains_key(&key(process)));
                refused.extend(signal(unasked, Ending::Terminate));
                TERMINATE_PAUSE
            } else {
                refused.extend(signal(found.iter(), Ending::Kill));
                KILL_PAUSE
            };
            ended.extend(found.into_iter().map(|process| (key(&process), process)));
            if emptiness.passes == 0 {
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// How sure it is that nobody is left.
#[derive(Debug, Default)]
struct Emptiness {
    /// Passes in a row that found nobody.
    passes: u32,
    /// Whether an earlier pass found somebody, or there was a child.
    was_inhabited: bool,
}

impl Emptiness {
    /// Takes in what a pass found and returns whether it was the last one.
    fn is_believed_after(&mut self, found: usize, children: ChildrenLeft) -> bool {
        let is_empty = found == 0 && children != ChildrenLeft::Some;
        self.passes = if is_empty { self.passes + 1 } else { 0 };
        self.was_inhabited |= !is_empty;
        let enough = match children {
            ChildrenLeft::None if !self.was_inhabited => EMPTY_PASSES_WITHOUT_DESCENDANTS,
            ChildrenLeft::Some | ChildrenLeft::None | ChildrenLeft::NotOurs => EMPTY_PASSES,
        };
        self.passes >= enough
    }
}

#[derive(Clone, Copy)]
enum Ending {
    Terminate,
    Kill,
}

/// Returns what orders processes by number and tells two with the same number apart.
fn key(process: &FoundProcess) -> (i32, u64) {
    (process.identity.pid, process.identity.start_ticks)
}

/// Parts those that may not be signalled from the others.
fn split(found: Vec<FoundProcess>, refused: &BTreeSet<(i32, u64)>) -> (Vec<FoundProcess>, Vec<FoundProcess>) {
    found.into_iter().partition(|process| refused.contains(&key(process)))
}

/// Signals each process and returns those that may not be signalled: they belong to another user.
#[cfg(target_os = "linux")]
fn signal<'a>(processes: impl Iterator<Item = &'a FoundProcess>, ending: Ending) -> Vec<(i32, u64)> {
    let is_refused = |process: &&FoundProcess| {
        let sent = match ending {
            // A stopped process takes its SIGTERM once it goes on.
            Ending::Terminate => process.identity.terminate(),
            Ending::Kill => process.identity.kill(),
        };
        sent.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    };
    processes.filter(is_refused).map(key).collect()
}

#[cfg(not(target_os = "linux"))]
fn signal<'a>(_processes: impl Iterator<Item = &'a FoundProcess>, _ending: Ending) -> Vec<(i32, u64)> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_pass(passes: &[(usize, ChildrenLeft)]) -> Option<usize> {
        let mut emptiness = Emptiness::default();
        passes.iter().position(|(found, children)| emptiness.is_believed_after(*found, *children))
    }

    #[test]
    fn two_empty_passes_in_a_row_end_a_search_among_strangers() {
        use ChildrenLeft::NotOurs;
        assert_eq!(last_pass(&[(0, NotOurs), (0, NotOurs)]), Some(1));
        assert_eq!(last_pass(&[(0, NotOurs), (1, NotOurs), (0, NotOurs), (0, NotOurs)]), Some(3));
    }

    #[test]
    fn one_empty_pass_is_enough_where_the_kernel_never_knew_of_a_child() {
        use ChildrenLeft::{None as NoChildren, Some as Children};
        assert_eq!(last_pass(&[(0, NoChildren)]), Some(0));
        assert_eq!(last_pass(&[(2, NoChildren), (0, NoChildren), (0, NoChildren)]), Some(2));
        assert_eq!(last_pass(&[(0, Children), (0, NoChildren), (0, NoChildren)]), Some(2));
    }

    #[test]
    fn a_pass_that_misses_a_child_is_not_an_empty_one() {
        assert_eq!(last_pass(&[(0, ChildrenLeft::Some); 100]), None);
    }
}
