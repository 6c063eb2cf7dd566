//! All that is printed.
