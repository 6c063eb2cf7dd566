//! The operating system: one door per outside thing.
//!
//! Time comes from [`clock`], the environment from [`mod@env`], files are replaced and removed through
//! [`fs`], locks are taken in [`lock`], processes are started, found and ended in [`process`],
//! changes in a folder are heard of through [`watch`] and seen through [`stamps`].
//! `.clippy.toml` refuses every other way in.

pub mod clock;
pub mod env;
pub mod fs;
pub mod lock;
pub mod process;
pub mod stamps;
pub mod watch;
