//! The agent's arguments, environment and stream, and what its end means.
//!
//! Before a run: [`program`] finds the agent, [`claude`] gives its arguments, [`definition`] turns agent
//! files into what it takes, [`environment`] says what it inherits. During a run: [`tail`] watches the
//! log, [`tally`] counts what it says was used. After it: [`stream`] reads the log, [`judge`] says what its end means, [`command`] reads what an agent
//! that is an ordinary program printed. [`transcript`] reads a log as a conversation.
//!
//! All that is said of Claude Code here was measured with version 2.1.330, unless it says otherwise.

mod json;
mod result;
#[cfg(test)]
mod testing;

pub mod claude;
pub mod command;
pub mod definition;
pub mod demo;
pub mod environment;
pub mod judge;
pub mod program;
pub mod stream;
pub mod tail;
pub mod tally;
pub mod transcript;
