//! What follows a run: another one in the same claim, the end of the task, or a hold. Pure.
//!
//! * A failure with a session is tried again in that session, as often as the settings say, and the
//!   agent is told what went wrong.
//! * A run that was cut off (this program or the machine was killed) goes on in its session; that is
//!   nobody's failure and does not use up a retry.
//! * A limit of the service is no failure of the task: the queue is held, then the session goes on.

use std::time::Duration;

use super::plan::{NextRun, RunPatience, SessionPlan};
use crate::run::{AfterFailure, EndedBy, FailureReason, Judgement, Outcome, RunKind, SessionId};
use crate::template::retry_prompt;
use crate::timestamp::Timestamp;

/// What is told to an agent whose run was cut off.
pub(crate) const RESUME_PROMPT: &str = "The previous run was interrupted before it ended. Look at the state of the work and go on with the task.";

/// A run that is over, as far as the decision needs it.
#[derive(Debug, Clone)]
pub(crate) struct RunEnd<'a> {
    /// What its end means.
    pub(crate) judgement: &'a Judgement,
    /// Who ended it.
    pub(crate) ended_by: EndedBy,
    /// The conversation, if one can be resumed.
    pub(crate) session: Option<SessionId>,
    /// What may still happen without a person.
    pub(crate) patience: RunPatience,
    /// What the task says as a prompt.
    pub(crate) task_prompt: &'a str,
    /// What this run was told.
    pub(crate) prompt: &'a str,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Following {
    /// Another run of the same claim.
    Again {
        /// Which.
        next: NextRun,
        /// How long to wait before it.
        pause: Duration,
    },
    /// The task is over.
    End,
    /// The claim is given back and the queue held.
    Hold {
        /// Not before this moment; `None` until somebody starts a runner again.
        until: Option<Timestamp>,
        /// Why.
        reason: FailureReason,
        /// For people.
        message: String,
    },
}

/// Returns the outcome of a run by its judgement.
pub(crate) fn outcome(judgement: &Judgement, ended_by: EndedBy) -> Outcome {
    match judgement {
        Judgement::Success => Outcome::Done,
        Judgement::Cancelled => Outcome::Cancelled,
        Judgement::Failure { next: AfterFailure::HoldQueue { .. }, .. } => Outcome::Interrupted,
        Judgement::Failure { .. } if ended_by == EndedBy::SupervisorLost => Outcome::Interrupted,
        Judgement::Failure { .. } => Outcome::Failed,
    }
}

/// Returns what follows a run.
pub(crate) fn following(ended: &RunEnd<'_>) -> Following {
    let Judgement::Failure { reason, message, next } = ended.judgement else { return Following::End };
    if let AfterFailure::HoldQueue { until } = next {
        return Following::Hold { until: *until, reason: *reason, message: message.clone() };
    }
    if ended.ended_by == EndedBy::SupervisorLost {
        return resume(ended);
    }
    if ended.patience.retries_left == 0 {
        return Following::End;
    }
    match next {
        AfterFailure::Stop | AfterFailure::HoldQueue { .. } => Following::End,
        AfterFailure::StartFresh => again(ended, SessionPlan::fresh(), fresh_prompt(ended), Duration::ZERO),
        AfterFailure::Resume => in_session(ended, retry_prompt(message), Duration::ZERO),
        AfterFailure::ResumeLater => {
            let pause = Duration::from_millis(ended.patience.service_pause_ms);
            in_session(ended, retry_prompt(message), pause)
        }
    }
}

fn resume(ended: &RunEnd<'_>) -> Following {
    let Some(resumes_left) = ended.patience.resumes_left.checked_sub(1) else { return Following::End };
    let (session, prompt) = match &ended.session {
        Some(id) => (SessionPlan::resume(id.clone()), RESUME_PROMPT.to_owned()),
        None => (SessionPlan::fresh(), fresh_prompt(ended)),
    };
    let patience = RunPatience { resumes_left, ..ended.patience };
    Following::Again {
        next: NextRun { kind: RunKind::Resume, prompt, session, patience },
        pause: Duration::ZERO,
    }
}

fn in_session(ended: &RunEnd<'_>, prompt: String, pause: Duration) -> Following {
    match &ended.session {
        Some(id) => again(ended, SessionPlan::resume(id.clone()), prompt, pause),
        None => Following::End,
    }
}

fn again(ended: &RunEnd<'_>, session: SessionPlan, prompt: String, pause: Duration) -> Following {
    let retries_left = ended.patience.retries_left.saturating_sub(1);
    let patience = RunPatience { retries_left, ..ended.patience };
    Following::Again { next: NextRun { kind: RunKind::Retry, prompt, session, patience }, pause }
}

/// The prompt of a session that knows nothing: the task, and what this run had to add to it.
fn fresh_prompt(ended: &RunEnd<'_>) -> String {
    if ended.prompt.trim() == ended.task_prompt.trim() {
        return ended.task_prompt.to_owned();
    }
    format!("{}\n\n{}", ended.task_prompt.trim_end(), ended.prompt.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(reason: FailureReason, next: AfterFailure) -> Judgement {
        Judgement::Failure { reason, message: "tests are red".to_owned(), next }
    }

    fn after(
        judgement: &Judgement,
        ended_by: EndedBy,
        patience: (u32, u32),
        session: Option<&str>,
    ) -> Following {
        let patience =
            RunPatience { retries_left: patience.0, resumes_left: patience.1, service_pause_ms: 30_000 };
        let session = session.map(|id| id.parse().unwrap());
        let ended = RunEnd {
            judgement,
            ended_by,
            session,
            patience,
            task_prompt: "Fix the login\n",
            prompt: "Fix the login\n",
        };
        following(&ended)
    }

    #[test]
    fn a_failure_with_a_session_is_retried_once_in_that_session_and_told_what_went_wrong() {
        let judgement = failure(FailureReason::MaxTurns, AfterFailure::Resume);
        let Following::Again { next, pause } = after(&judgement, EndedBy::Itself, (1, 2), Some("s-1")) else {
            unreachable!("one retry is left");
        };
        assert_eq!(next.kind, RunKind::Retry);
        assert_eq!(next.session, SessionPlan::resume("s-1".parse().unwrap()));
        assert!(
            next.prompt.starts_with("The previous attempt failed with: tests are red"),
            "{}",
            next.prompt
        );
        assert!(next.prompt.contains("Try again and fix the issues."), "{}", next.prompt);
        assert_eq!(next.patience.retries_left, 0);
        assert_eq!(pause, Duration::ZERO);
        assert_eq!(after(&judgement, EndedBy::Itself, (0, 2), Some("s-1")), Following::End);
    }

    #[test]
    fn a_failure_without_a_session_is_not_retried() {
        let judgement = failure(FailureReason::Crashed, AfterFailure::Resume);
        assert_eq!(after(&judgement, EndedBy::Itself, (1, 2), None), Following::End);
    }

    #[test]
    fn a_busy_service_is_asked_again_after_a_pause() {
        let judgement = failure(FailureReason::ApiUnavailable, AfterFailure::ResumeLater);
        let Following::Again { pause, .. } = after(&judgement, EndedBy::Itself, (1, 2), Some("s")) else {
            unreachable!("one retry is left");
        };
        assert_eq!(pause, Duration::from_secs(30));
    }

    #[test]
    fn a_usage_limit_uses_up_no_retry() {
        let until = Timestamp::from_unix_milliseconds(5000);
        let judgement = failure(FailureReason::UsageLimit, AfterFailure::HoldQueue { until });
        assert_eq!(outcome(&judgement, EndedBy::Itself), Outcome::Interrupted);
        assert!(
            matches!(after(&judgement, EndedBy::Itself, (0, 0), Some("s")), Following::Hold { until: held, .. } if held == until)
        );
    }

    #[test]
    fn a_run_that_was_cut_off_goes_on_and_uses_up_no_retry() {
        let judgement = failure(FailureReason::Crashed, AfterFailure::Resume);
        let Following::Again { next, .. } = after(&judgement, EndedBy::SupervisorLost, (1, 2), Some("s"))
        else {
            unreachable!("two resumes are left");
        };
        assert_eq!(
            (next.kind, next.patience.retries_left, next.patience.resumes_left),
            (RunKind::Resume, 1, 1)
        );
        assert_eq!(after(&judgement, EndedBy::SupervisorLost, (1, 0), Some("s")), Following::End);
        assert_eq!(outcome(&judgement, EndedBy::SupervisorLost), Outcome::Interrupted);
    }

    #[test]
    fn cancelled_is_the_end_whatever_is_left() {
        assert_eq!(after(&Judgement::Cancelled, EndedBy::Cancel, (5, 5), Some("s")), Following::End);
        assert_eq!(outcome(&Judgement::Cancelled, EndedBy::Cancel), Outcome::Cancelled);
    }

    #[test]
    fn a_session_that_is_gone_starts_afresh_with_the_whole_task() {
        let judgement = failure(FailureReason::SessionMissing, AfterFailure::StartFresh);
        let patience = RunPatience { retries_left: 1, resumes_left: 0, service_pause_ms: 0 };
        let ended = RunEnd {
            judgement: &judgement,
            ended_by: EndedBy::Itself,
            session: Some("gone".parse().unwrap()),
            patience,
            task_prompt: "Fix the login\n",
            prompt: "Also the logout",
        };
        let Following::Again { next, .. } = following(&ended) else {
            unreachable!("one retry is left");
        };
        assert_eq!(next.prompt, "Fix the login\n\nAlso the logout");
        assert_eq!(next.session.resumed, crate::run::Resumed::Fresh);
        assert_ne!(next.session.id.as_str(), "gone");
    }
}
