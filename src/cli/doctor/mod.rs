//! `git claudedo doctor`: every precondition, what is wrong with it and the command that mends it.
//!
//! A check is a function from the [`Facts`] to its [`Finding`]s; [`CHECKS`] is the table of them, and
//! `docs/doctor.md` has a row for each. All start at once, since many wait for another program. One that fails
//! or does not come back is a finding itself and keeps nobody waiting.
//!
//! Nothing is mended here. What is wrong is mostly the user's own (a lock of git's, a setting, a login), and
//! whether a command may be run on it is theirs to say.

mod agent;
mod environment;
mod facts;
mod finding;
mod hooks;
mod locks;
mod machine;
mod ours;
mod place;
mod print;
mod remotes;
mod repository;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use clap::Args;
use facts::{Facts, Place};
use finding::{Finding, Mark};

use super::context::Context;
use super::error::{CommandError, ErrorKind};
use crate::os::clock;

/// How long all checks together may take. Those that start programs give up earlier by themselves; this one is for a
/// file system that does not answer.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Check what tasks need to run
///
/// Looks at the machine, at Claude Code and, inside a repository, at that, and
/// says of everything that is wrong what it is, why it matters and which command
/// mends it. Changes nothing. Exits with 1 when there is a problem.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {}

/// One precondition.
#[derive(Debug, Clone, Copy)]
struct Check {
    /// Its name in `--json` and in `docs/doctor.md`.
    name: &'static str,
    group: Group,
    look: Look,
}

/// What a check is about, in the order of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
enum Group {
    Machine,
    Agent,
    Repository,
    Tasks,
}

/// What a check looks at.
#[derive(Debug, Clone, Copy)]
enum Look {
    /// What is there without a repository.
    Anywhere(fn(&Facts) -> Vec<Finding>),
    /// The repository; where there is none, there is nothing to say.
    Inside(fn(&Facts, &Place) -> Vec<Finding>),
}

/// What a check said.
#[derive(Debug)]
struct Answer {
    check: Check,
    findings: Vec<Finding>,
}

const fn anywhere(name: &'static str, group: Group, look: fn(&Facts) -> Vec<Finding>) -> Check {
    Check { name, group, look: Look::Anywhere(look) }
}

const fn inside(name: &'static str, group: Group, look: fn(&Facts, &Place) -> Vec<Finding>) -> Check {
    Check { name, group, look: Look::Inside(look) }
}

/// All checks, in the order of the answer.
const CHECKS: [Check; 22] = [
    anywhere("git", Group::Machine, machine::git),
    anywhere("program", Group::Machine, machine::program),
    anywhere("bubblewrap", Group::Machine, machine::bubblewrap),
    anywhere("inotify", Group::Machine, machine::inotify),
    anywhere("environment", Group::Machine, environment::environment),
    anywhere("agent", Group::Agent, agent::agent),
    anywhere("login", Group::Agent, agent::login),
    anywhere("repository", Group::Repository, repository::repository),
    inside("form", Group::Repository, repository::form),
    inside("identity", Group::Repository, repository::identity),
    inside("signing", Group::Repository, repository::signing),
    inside("hooks", Group::Repository, hooks::hooks),
    inside("remotes", Group::Repository, remotes::remotes),
    inside("locks", Group::Repository, locks::locks),
    inside("worktrees", Group::Repository, repository::worktrees),
    inside("disk", Group::Repository, place::disk),
    inside("events", Group::Repository, place::events),
    inside("clock", Group::Repository, place::clock),
    inside("settings", Group::Tasks, ours::settings),
    inside("tasks", Group::Tasks, ours::tasks),
    inside("runner", Group::Tasks, ours::runner),
    inside("kept", Group::Tasks, ours::kept),
];

pub(crate) fn run(_: &DoctorArguments, context: &Context) -> Result<(), CommandError> {
    let answers = examine(Facts::gather(context));
    print::print(&answers, context);
    let has_problem = answers.iter().flat_map(|answer| &answer.findings).any(|it| it.mark == Mark::Problem);
    if has_problem { Err(CommandError::silent(ErrorKind::Negative)) } else { Ok(()) }
}

/// Starts all checks and waits for them, each on a thread of its own: one that never comes back is left behind.
fn examine(facts: Facts) -> Vec<Answer> {
    let facts = Arc::new(facts);
    let (sender, receiver) = channel();
    for (index, check) in CHECKS.iter().enumerate() {
        let (facts, sender) = (Arc::clone(&facts), sender.clone());
        // Nobody listens any more once the time is over.
        thread::spawn(move || drop(sender.send((index, check.look(&facts)))));
    }
    drop(sender);
    collect(&receiver)
}

fn collect(receiver: &Receiver<(usize, Vec<Finding>)>) -> Vec<Answer> {
    let until = clock::monotonic() + TIME_MAX;
    let silent = format!("The check broke off, or gave no answer within {} s.", TIME_MAX.as_secs());
    let mut answers: Vec<Answer> = CHECKS
        .iter()
        .map(|check| Answer { check: *check, findings: vec![Finding::warning(&silent)] })
        .collect();
    loop {
        match receiver.recv_timeout(until.saturating_duration_since(clock::monotonic())) {
            Ok((index, findings)) => answers[index].findings = findings,
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return answers,
        }
    }
}

impl Check {
    fn look(&self, facts: &Facts) -> Vec<Finding> {
        match (self.look, &facts.found) {
            (Look::Anywhere(look), _) => look(facts),
            (Look::Inside(look), Ok(place)) => look(facts, place),
            (Look::Inside(_), Err(_)) => Vec::new(),
        }
    }
}

impl Group {
    /// Returns the heading.
    fn heading(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Agent => "agent",
            Self::Repository => "repository",
            Self::Tasks => "tasks",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_its_row_in_the_document_and_every_row_its_check() {
        let page = include_str!("../../../docs/doctor.md");
        let rows: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|row| row.0)
            .collect();
        assert_eq!(rows, CHECKS.map(|check| check.name));
    }

    #[test]
    fn a_check_that_never_answers_is_a_finding_and_holds_up_none() {
        let (sender, receiver) = channel();
        sender.send((0, vec![Finding::ok("git")])).unwrap();
        drop(sender);
        let answers = collect(&receiver);
        assert_eq!(answers[0].findings[0].mark, Mark::Ok);
        assert_eq!(answers[1].findings[0].what, "The check broke off, or gave no answer within 10 s.");
    }
}
