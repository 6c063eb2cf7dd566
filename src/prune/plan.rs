//! What goes and what stays, decided from what was found alone.

use std::collections::BTreeSet;

use serde::Serialize;

use super::thing::{Content, Kind, Place, Thing};
use crate::task::{Age, SettingType, Size};
use crate::timestamp::Timestamp;

/// What the user wants.
#[derive(Debug, Clone)]
pub struct Policy {
    /// How long worktrees stay after the end of their task.
    pub worktrees: Age,
    /// How long snapshots do.
    pub snapshots: Age,
    /// How long logs do.
    pub logs: Age,
    /// The most room for all of it.
    pub disk: Option<Size>,
    /// Only these kinds go; all when empty.
    pub only: Vec<Kind>,
    /// What goes although it is on no ref, by name.
    pub force: Vec<String>,
    /// Now.
    pub now: Timestamp,
}

/// All that is kept, with what becomes of it.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// What was found.
    pub items: Vec<Item>,
    /// The room that is given back, in bytes.
    pub bytes: u64,
    /// Names that were forced and that nothing has.
    pub unknown: Vec<String>,
}

/// One thing and what becomes of it.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// The thing.
    #[serde(flatten)]
    pub thing: Thing,
    /// What becomes of it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Whether somebody named it.
    pub forced: bool,
}

/// What becomes of a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It goes.
    Goes {
        /// Why, as a fragment.
        because: String,
        /// From where it can be had again, as a fragment.
        again: String,
    },
    /// It stays.
    Stays {
        /// Why, as fragments.
        because: Vec<String>,
        /// When it goes by itself, if it does.
        until: Option<Timestamp>,
    },
}

impl Policy {
    /// Returns whether it matters what is in a thing: whether it would go if it were safe.
    pub fn wants_look(&self, thing: &Thing) -> bool {
        let is_due = self.due(thing).is_some_and(|due| due <= self.now);
        let counts = self.disk.is_some() && thing.kind == Kind::Worktree;
        self.covers(thing.kind) && thing.in_use.is_empty() && (is_due || counts || self.is_forced(thing))
    }

    fn covers(&self, kind: Kind) -> bool {
        self.only.is_empty() || self.only.contains(&kind)
    }

    fn age(&self, kind: Kind) -> Age {
        match kind {
            Kind::Worktree => self.worktrees,
            Kind::Snapshot => self.snapshots,
            Kind::Log => self.logs,
            Kind::Trash => Age::days(0),
            Kind::Cache if self.only.contains(&Kind::Cache) => Age::days(0),
            Kind::Cache | Kind::Sandbox => Age::Never,
        }
    }

    /// Returns when a thing may go.
    fn due(&self, thing: &Thing) -> Option<Timestamp> {
        Some(thing.since?.plus(self.age(thing.kind).duration()?))
    }

    /// Records are not what somebody means who names a task.
    fn is_forced(&self, thing: &Thing) -> bool {
        let may_be = match thing.kind {
            Kind::Worktree | Kind::Sandbox | Kind::Snapshot => true,
            Kind::Log | Kind::Trash | Kind::Cache => false,
        };
        may_be && self.covers(thing.kind) && self.force.iter().any(|name| thing.is_called(name))
    }

    fn verdict(&self, thing: &Thing) -> Verdict {
        let stays = |because: Vec<String>, until| Verdict::Stays { because, until };
        if !self.covers(thing.kind) {
            return stays(vec!["it was not asked for".to_owned()], None);
        }
        if !thing.in_use.is_empty() {
            return stays(thing.in_use.clone(), None);
        }
        if self.is_forced(thing) {
            return Verdict::Goes { because: "it was named with --force".to_owned(), again: again(thing) };
        }
        let due = self.due(thing);
        match &thing.content {
            Content::Lost { reasons } => stays(reasons.clone(), None),
            Content::Safe { .. } | Content::Expendable if due.is_some_and(|due| due <= self.now) => {
                Verdict::Goes { because: self.because(thing), again: again(thing) }
            }
            Content::Safe { .. } | Content::Expendable | Content::NotLookedAt => {
                stays(vec![self.kept_by_age(thing)], due)
            }
        }
    }

    fn because(&self, thing: &Thing) -> String {
        match thing.kind {
            Kind::Trash => "it was left behind by a program that was killed".to_owned(),
            Kind::Cache => "it is made again when it is needed".to_owned(),
            Kind::Worktree | Kind::Sandbox | Kind::Snapshot | Kind::Log => {
                let ended = thing.outcome.map_or("ended", crate::run::Outcome::name);
                format!("its task was {ended} more than {} ago", self.age(thing.kind).show())
            }
        }
    }

    fn kept_by_age(&self, thing: &Thing) -> String {
        match (thing.kind, self.age(thing.kind), thing.outcome) {
            (Kind::Cache, _, _) => "it saves work; to remove it: git claudedo prune --only caches".to_owned(),
            (_, Age::Never, _) => "it is kept for ever by the settings".to_owned(),
            (_, age, Some(outcome)) => {
                format!("its task was {} less than {} ago", outcome.name(), age.show())
            }
            (_, _, None) => "no record knows when its task ended".to_owned(),
        }
    }
}

impl Thing {
    /// Returns whether somebody means this by a name: that of the thing, its task, its path or its ref.
    pub fn is_called(&self, name: &str) -> bool {
        let place = match &self.place {
            Place::Worktree { path, .. } | Place::Path { path } => path.display().to_string(),
            Place::Ref { name, .. } => name.clone(),
            Place::Logs { .. } => String::new(),
        };
        name == self.name || name == place || self.task.as_ref().is_some_and(|task| name == task.as_str())
    }
}

impl Thing {
    /// Returns whether a name is that of one of several snapshots that go as a whole.
    fn has_part(&self, name: &str) -> bool {
        let Some(task) = &self.task else { return false };
        match &self.place {
            Place::Ref { numbers, .. } => numbers.iter().any(|number| name == format!("{task}@{number}")),
            Place::Worktree { .. } | Place::Path { .. } | Place::Logs { .. } => false,
        }
    }
}

impl Plan {
    /// Returns the thing that a name is a part of: one of several snapshots of a run.
    pub fn whole_of(&self, name: &str) -> Option<&Thing> {
        self.items.iter().map(|item| &item.thing).find(|thing| thing.has_part(name))
    }

    /// Decides about everything that was found.
    pub fn new(things: Vec<Thing>, policy: &Policy) -> Self {
        let unknown = policy.force.iter().filter(|name| !things.iter().any(|thing| thing.is_called(name)));
        let unknown = unknown.cloned().collect();
        let items = things.into_iter().map(|thing| {
            let verdict = policy.verdict(&thing);
            Item { forced: policy.is_forced(&thing), thing, verdict }
        });
        let mut plan = Self { items: items.collect(), bytes: 0, unknown };
        plan.fit(policy);
        plan.keep_sources();
        plan.bytes = plan.going().map(|item| item.thing.bytes).sum();
        plan
    }

    /// Returns what goes, in the order in which it does.
    pub fn going(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| matches!(item.verdict, Verdict::Goes { .. }))
    }

    /// A worktree whose files are kept by a snapshot alone does not go together with it unless both were named.
    fn keep_sources(&mut self) {
        let going: BTreeSet<String> = self
            .going()
            .filter_map(|item| match &item.thing.place {
                Place::Ref { name, .. } => Some(name.clone()),
                Place::Worktree { .. } | Place::Path { .. } | Place::Logs { .. } => None,
            })
            .collect();
        for item in self.items.iter_mut().filter(|item| !item.forced && item.thing.kind == Kind::Worktree) {
            let Content::Safe { refs } = &item.thing.content else { continue };
            if let Some(lost) = refs.iter().find(|name| going.contains(*name)) {
                let because = vec![format!("{lost} goes, which is the only other place of its files")];
                item.verdict = Verdict::Stays { because, until: None };
            }
        }
    }

    /// Lets the oldest that is safe go before its age until the rest has room: worktrees, then what can be made again.
    fn fit(&mut self, policy: &Policy) {
        let Some(disk) = policy.disk else { return };
        let stays = |item: &&Item| matches!(item.verdict, Verdict::Stays { .. });
        let mut kept: u64 = self.items.iter().filter(stays).map(|item| item.thing.bytes).sum();
        let mut order: Vec<usize> = (0..self.items.len()).collect();
        order.sort_by_key(|place| self.items.get(*place).map(|item| (item.thing.kind, item.thing.since)));
        for place in order {
            if kept <= disk.bytes() {
                return;
            }
            let Some(item) = self.items.get_mut(place) else { continue };
            let kind_fits = match item.thing.kind {
                Kind::Worktree => {
                    matches!(item.thing.content, Content::Safe { .. }) && item.thing.since.is_some()
                }
                Kind::Cache => true,
                Kind::Sandbox | Kind::Snapshot | Kind::Log | Kind::Trash => false,
            };
            let may_go = kind_fits && policy.covers(item.thing.kind) && item.thing.in_use.is_empty();
            if may_go && matches!(item.verdict, Verdict::Stays { .. }) {
                kept = kept.saturating_sub(item.thing.bytes);
                let because =
                    format!("more than prune_disk ({}) is kept, and this is the oldest", disk.show());
                item.verdict = Verdict::Goes { because, again: again(&item.thing) };
            }
        }
    }
}

fn again(thing: &Thing) -> String {
    match (&thing.content, thing.kind) {
        (Content::Safe { refs }, _) => format!("from {}", refs.join(", ")),
        (Content::Lost { reasons }, _) => format!("not at all: {}", reasons.join("; ")),
        (Content::Expendable, Kind::Log) => "not at all; the records of the runs stay".to_owned(),
        (Content::Expendable, _) => "nothing of it is needed".to_owned(),
        (Content::NotLookedAt, _) => "not at all".to_owned(),
    }
}
