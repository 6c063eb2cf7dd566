//! The fault matrix: what goes wrong around the program, row by row of `docs/reliability.md`.
//!
//! Every test breaks one thing while a task is queued, runs or ends, mends it where a person would, and then
//! requires the same five things of the repository ([`criteria`]).

mod chamber;
mod criteria;
mod disk;
mod durable;
mod files;
mod locks;
mod machine;
mod refs;
mod repositories;
mod truncated;
