//! The operating system: one door per outside thing.
//!
//! Time comes from [`clock`], the environment from [`mod@env`], files are replaced and removed through
//! [`fs`], locks are taken in [`lock`], processes are started, found and ended in [`process`].
//! Changes in a folder are heard of through [`watch`] and seen through [`stamps`]; what folders take is counted in
//! [`disk`]. What the machine is like, [`executable`], [`filesystem`], [`inotify`] and [`limits`] tell. Tests break the program at
//! [`disk`], and files that grow without end are read and bounded in [`log`]. What the machine is like, [`executable`], [`filesystem`] and [`inotify`] tell. Tests break the program at
//! the steps that [`fault`] names. `.clippy.toml` refuses every other way in.

pub mod clock;
pub mod disk;
pub mod env;
pub mod executable;
pub mod fault;
pub mod filesystem;
pub mod fs;
pub mod inotify;
pub mod limits;
pub mod lock;
pub mod log;
pub mod process;
pub mod stamps;
pub mod watch;
