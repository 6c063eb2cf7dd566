//! The only place that names gix or the git program.
