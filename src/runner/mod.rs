//! Decides what runs, and does it.
