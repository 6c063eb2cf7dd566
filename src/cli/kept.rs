//! `git claudedo list --kept`: all that is kept on this machine, and why.

use super::context::Context;
use super::error::CommandError;
use super::prune::{policy_of, settle, site};
use crate::prune::{Item, Kind, Plan, Verdict, find};
use crate::ui::figures::{age, bytes};
use crate::ui::table::{Cell, Column, Table};
use crate::ui::width::screen_width;
use crate::ui::{DIM, Format, GREEN, PLAIN, YELLOW};

/// The columns of the table; the heading is for a person and left out for a pipe.
const HEADINGS: [&str; 6] = ["kind", "name", "state", "age", "size", "why"];

pub(super) fn run(context: &Context) -> Result<(), CommandError> {
    // Where nothing can be written, what is kept is shown all the same.
    drop(settle(context));
    let (site, settings) = site(context)?;
    let policy = policy_of(&settings, context);
    // Everything in use is shown with that as the reason, and all the rest with what is in it.
    let things = find(&site, &|thing| thing.kind != Kind::Log || policy.wants_look(thing))?;
    let plan = Plan::new(things, &policy);
    if context.ui.format() == Format::Json {
        context.ui.json(&plan.items);
        return Ok(());
    }
    let mut table = Table::new(&[
        Column::Left,
        Column::Left,
        Column::Left,
        Column::Right,
        Column::Right,
        Column::Flexible,
    ]);
    if context.ui.answers_a_terminal() && !plan.items.is_empty() {
        table.push(HEADINGS.map(|heading| Cell::new(heading, DIM)));
    }
    for item in &plan.items {
        table.push(cells(item, context));
    }
    context.start_pager()?;
    let width = if context.ui.answers_a_terminal() { screen_width() } else { None };
    let text = table.render(width);
    context.ui.write_answer(|out| out.write_all(text.as_bytes()));
    if plan.going().next().is_some() {
        context.ui.hint(format_args!("To remove what may go, {}: git claudedo prune", bytes(plan.bytes)));
    }
    Ok(())
}

fn cells(item: &Item, context: &Context) -> [Cell; 6] {
    let thing = &item.thing;
    let old = thing.since.filter(|_| thing.kind != Kind::Cache);
    // Of a snapshot, only what the branch does not have takes room.
    let is_shared = thing.kind == Kind::Snapshot && thing.bytes == 0;
    let size = if is_shared { "-".to_owned() } else { bytes(thing.bytes) };
    let (why, style) = match &item.verdict {
        Verdict::Goes { because, .. } => (format!("goes: {because}"), GREEN),
        Verdict::Stays { because, until: Some(until) } => {
            (format!("{}; goes from {}", because.join("; "), until.to_local_short(context.now)), PLAIN)
        }
        Verdict::Stays { because, until: None } => (because.join("; "), YELLOW),
    };
    [
        Cell::new(thing.kind.name(), PLAIN),
        Cell::new(&thing.name, PLAIN),
        Cell::new(thing.outcome.map_or("-", crate::run::Outcome::name), PLAIN),
        Cell::new(&old.map_or("-".to_owned(), |since| age(context.now.since(since))), DIM),
        Cell::new(&size, PLAIN),
        Cell::new(&why, style),
    ]
}
