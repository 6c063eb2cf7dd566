//! Decides what runs, and does it.

pub mod decide;
