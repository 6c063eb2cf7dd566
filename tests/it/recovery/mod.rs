//! Killed, stopped, disturbed: what a start of the program finds and finishes, and what it leaves alone.
//!
//! Every test ends in one terminal record for each claim, and in files that are reachable from a ref.

mod agents;
mod cancelled;
mod disturbed;
mod floods;
mod hidden;
mod killed;
mod limits;
mod stopped;
