//! Owns one run and outlives the runner.
