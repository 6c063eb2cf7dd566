//! The behaviour that the project set out to keep, row by row, through the real binary and a scripted agent.
//!
//! What is kept is that of the program before this one, "the seed" in tests and comments: how a task becomes
//! a prompt, where it runs, what a failure leads to, what is recorded.

mod again;
mod cancelled;
mod commits;
mod places;
mod recorded;
mod settings;
mod slots;
