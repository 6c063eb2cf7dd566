//! Gives room back, and loses nothing by it.
//!
//! Three steps, each a value for the next: [`find()`] looks at what this program keeps on this machine and says of each
//! thing what would be lost with it; a [`Plan`] says of each whether it goes, and why; [`apply()`] does exactly the
//! plan, and looks at each thing again right before it goes, under its task's lock. What changed meanwhile stays.
//!
//! Nothing that is not reachable from a ref goes unless somebody named it. A branch never goes. A thing that somebody
//! works on, or that is not this program's, does not go even by name.

mod apply;
mod chain;
mod content;
mod find;
mod look;
mod measure;
mod plan;
mod site;
mod snapshots;
mod thing;
mod trash;

pub use apply::{Fate, apply};
pub use find::find;
pub use plan::{Item, Plan, Policy, Verdict};
pub use site::{PruneError, Site};
pub use thing::{Content, Kind, Part, Place, Thing};
