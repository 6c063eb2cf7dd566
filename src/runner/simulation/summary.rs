//! What a record says of a run, as far as decisions need it.

use crate::run::{Outcome, SessionId};
use crate::runner::plan::Intent;
use crate::store::history::RunSummary;

pub(super) fn summary(intent: &Intent, outcome: Outcome, session: Option<SessionId>) -> RunSummary {
    RunSummary {
        number: intent.number,
        run: intent.run,
        claim: intent.claim,
        kind: intent.kind,
        outcome,
        reason: None,
        session,
        started: intent.planned,
        finished: intent.planned,
        turns: 0,
        cost_usd: None,
        branch: None,
        base: None,
        commit: None,
        changes: None,
    }
}
