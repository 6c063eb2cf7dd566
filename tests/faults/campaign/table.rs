//! What a campaign found, as the table of `docs/reliability.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::point::{Fault, Point};
use super::trial::Told;

/// What became of all trials, by what was broken.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: BTreeMap<String, Row>,
    whole: Row,
}

#[derive(Debug, Default)]
struct Row {
    kills: usize,
    errors: usize,
    /// Trials whose process was over before the point.
    missed: usize,
    queued: usize,
    held: usize,
    ended: usize,
    lost: usize,
    doubled: usize,
    stuck: usize,
    unsound: usize,
    others: usize,
    longest: Duration,
}

const HEAD: &str = "\
| scenario | broken | kills | errors | not reached | queued | held | ended | bytes lost | double ends | stuck | fsck | other | longest |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|";

impl Table {
    pub(super) fn add(&mut self, point: &Point, told: &Told) {
        let Point { scenario, process, fault, .. } = point;
        let broken = format!("| {} | {}, {} |", scenario.name(), process.name(), fault.name());
        let rows = [self.rows.entry(broken).or_default(), &mut self.whole];
        for row in rows {
            row.add(*fault, told);
        }
    }

    /// Returns how many kills and how many errors there were.
    pub(super) fn struck(&self) -> (usize, usize) {
        (self.whole.kills, self.whole.errors)
    }

    pub(super) fn markdown(&self) -> String {
        let rows = self.rows.iter().map(|(broken, row)| format!("{broken} {}\n", row.cells()));
        let rows: String = rows.collect();
        format!("{HEAD}\n{rows}| **all** | | {}\n", self.whole.cells())
    }
}

impl Row {
    fn add(&mut self, fault: Fault, told: &Told) {
        match (told.is_struck, fault) {
            (false, _) => self.missed += 1,
            (true, Fault::Kill) => self.kills += 1,
            (true, _) => self.errors += 1,
        }
        for state in &told.states {
            match state.as_str() {
                "queued" => self.queued += 1,
                "held" | "waiting" => self.held += 1,
                _ => self.ended += 1,
            }
        }
        let count = |begin: &str| told.broken.iter().filter(|line| line.starts_with(begin)).count();
        let (lost, doubled) = (count("1: "), count("2: claim") + count("2: a run"));
        let stuck = count("2: ") - doubled;
        let unsound =
            told.broken.iter().filter(|line| line.contains("fsck") || line.contains("assertion")).count();
        self.lost += lost;
        self.doubled += doubled;
        self.stuck += stuck;
        self.unsound += unsound;
        self.others += told.broken.len().saturating_sub(lost + doubled + stuck + unsound);
        self.longest = self.longest.max(told.took);
    }

    fn cells(&self) -> String {
        let Self {
            kills,
            errors,
            missed,
            queued,
            held,
            ended,
            lost,
            doubled,
            stuck,
            unsound,
            others,
            longest,
        } = self;
        let longest = longest.as_secs_f64();
        format!(
            "{kills} | {errors} | {missed} | {queued} | {held} | {ended} | {lost} | {doubled} | {stuck} | {unsound} | {others} | {longest:.1} s |"
        )
    }
}
