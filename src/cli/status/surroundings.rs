//! What surrounds the tasks, for people and programs that ask for the whole: git's hooks, and records that a remote
//! did not get.

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::store::push_note::{PushNote, PushState};
use crate::task::PushAlong;
use crate::trigger::hooks::{EventStatus, HookEvent, State, Why, find};

/// How git's hooks stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hooks {
    /// None was ever installed, as far as can be seen.
    Absent,
    /// Those that were installed run; perhaps not all of them were.
    Installed {
        /// What starts nothing.
        missing: Vec<HookEvent>,
    },
    /// Some do not run though they are there.
    Idle {
        /// Which.
        events: Vec<HookEvent>,
    },
    /// It could not be found out, and why.
    Unknown(String),
}

/// A remote that did not get the records when they were pushed last.
#[derive(Debug)]
pub(crate) struct Unpushed {
    /// What to call the remote.
    pub(crate) remote: String,
    /// How far the push got.
    pub(crate) note: PushNote,
}

impl Hooks {
    /// Looks at the hooks of the repository. No git is started unless its version decides.
    pub(super) fn load(context: &Context) -> Result<Self, CommandError> {
        Ok(match find(context.repository()?) {
            Ok(found) => Self::of(&found.statuses()),
            Err(error) => Self::Unknown(format!("failed to {:#}", anyhow::Error::from(error))),
        })
    }

    fn of(statuses: &[EventStatus]) -> Self {
        let those = |is_it: fn(&State) -> bool| -> Vec<HookEvent> {
            statuses.iter().filter(|status| is_it(&status.state)).map(|status| status.event).collect()
        };
        let missing = those(|state| matches!(state, State::Idle(Why::Missing)));
        if missing.len() == statuses.len() {
            return Self::Absent;
        }
        let events = those(|state| matches!(state, State::Idle(why) if *why != Why::Missing));
        if events.is_empty() { Self::Installed { missing } } else { Self::Idle { events } }
    }
}

/// Returns the remotes that did not get the records, where the user wants these to travel along.
pub(super) fn unpushed(context: &Context) -> Result<Vec<Unpushed>, CommandError> {
    let state = context.state()?;
    let notes = state.load_push_notes()?.into_iter();
    let mut unpushed: Vec<Unpushed> = notes
        .filter(|(_, note)| note.state != PushState::Pushed)
        .map(|(remote, note)| Unpushed { remote, note })
        .collect();
    if unpushed.is_empty() || context.settings(None)?.push.value != PushAlong::Records {
        return Ok(Vec::new());
    }
    if state.is_pushing()? {
        unpushed.retain(|unpushed| unpushed.note.state != PushState::Begun);
    }
    Ok(unpushed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hooks(states: [State; 2]) -> Hooks {
        let [one, other] = states;
        Hooks::of(
            &[(HookEvent::PostCommit, one), (HookEvent::PrePush, other)].map(|(event, state)| EventStatus {
                event,
                state,
                chained: None,
            }),
        )
    }

    #[test]
    fn hooks_that_nobody_installed_are_no_trouble_and_those_that_do_not_run_are() {
        use crate::trigger::hooks::Way::Config;
        let missing = || State::Idle(Why::Missing);
        assert_eq!(hooks([missing(), missing()]), Hooks::Absent);
        let some = hooks([State::Runs(Config), missing()]);
        assert_eq!(some, Hooks::Installed { missing: vec![HookEvent::PrePush] });
        let idle = hooks([State::Idle(Why::OldGit), missing()]);
        assert_eq!(idle, Hooks::Idle { events: vec![HookEvent::PostCommit] });
    }
}
