//! The agent's arguments, environment and stream, and what its end means.

pub mod demo;
pub mod tail;
