//! Watches the end of a growing log.
