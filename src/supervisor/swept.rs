//! What stands in the record of the processes that outlived an agent.

use crate::os::process::{EndedProcesses, FoundProcess};
use crate::run::SweptProcess;

/// How many ended processes are listed: enough to see what an agent left, also when it forked without end.
const SWEPT_MAX: usize = 200;

/// How many processes that could not be ended are named.
const REFUSED_MAX: usize = 10;

/// Returns the processes that were ended, as they stand in the record.
pub(super) fn swept_processes(ended: EndedProcesses) -> Vec<SweptProcess> {
    let swept = |process: FoundProcess| SweptProcess { pid: process.identity.pid, command: process.command };
    ended.ended.into_iter().take(SWEPT_MAX).map(swept).collect()
}

/// Returns what the list does not say.
pub(super) fn warnings(ended: &EndedProcesses) -> Vec<String> {
    let count = ended.ended.len();
    let many = format!("{count} processes outlived the agent and were ended; {SWEPT_MAX} of them are listed");
    let refused = ended.refused.iter().take(REFUSED_MAX).map(|process| {
        let pid = process.identity.pid;
        format!("process {pid} ({}) outlived the agent and may not be ended by this user", process.command)
    });
    (count > SWEPT_MAX).then_some(many).into_iter().chain(refused).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::process::ProcessIdentity;

    fn processes(count: i32) -> Vec<FoundProcess> {
        let process = |pid| {
            let identity = ProcessIdentity { pid, start_ticks: 1, boot_id: String::new() };
            FoundProcess { identity, command: "sleep 1".to_owned() }
        };
        (1..=count).map(process).collect()
    }

    #[test]
    fn a_long_list_is_cut_and_counted_and_what_lives_on_is_named() {
        let ended = EndedProcesses { ended: processes(200), refused: Vec::new() };
        assert_eq!(warnings(&ended), Vec::<String>::new());
        let ended = EndedProcesses { ended: processes(1234), refused: processes(1) };
        assert_eq!(
            warnings(&ended),
            [
                "1234 processes outlived the agent and were ended; 200 of them are listed",
                "process 1 (sleep 1) outlived the agent and may not be ended by this user",
            ]
        );
        assert_eq!(swept_processes(ended).len(), 200);
    }
}
