//! Files that another process appends to, maybe without end: read in bounded memory, freed in their middle.
//!
//! An agent's output goes straight into a file; nobody stands between the two who could stop it. So the file is
//! bounded from outside: [`LogCap`] gives the middle of a file that has grown too large back to the file system,
//! while whoever writes goes on at its end. [`LogFile`] reads such a file: where something is missing it hands out
//! one line that says how much ([`left_out_line`]). [`Lines`] cuts what is read into lines of bounded size.

mod cap;
mod file;
mod lines;

pub use cap::LogCap;
pub use file::{LogFile, left_out_line, long_line};
pub use lines::{LINE_BYTES_MAX, Line, Lines};

/// Holes begin and end at multiples of this: no file system in use has larger blocks, but for ZFS, which fills the
/// rest of a block with zeros.
const GRAIN: u64 = 64 << 10;
