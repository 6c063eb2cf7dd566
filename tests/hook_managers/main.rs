//! The hooks of this program beside the real managers of hooks, installed in either order.
//!
//! What a manager does is compared with what it does alone: its hooks run as often, and a commit or a push ends with
//! the same exit code. This program's hook is called once, and when it is removed, everything is as it was.
//! `.ci/install-hook-managers` installs the versions meant; without them all tests here are skipped, loudly.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests look at the program from outside its doors")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

mod git_lfs;
mod husky;
mod lefthook;
mod legacy;
mod repository;
mod simple_git_hooks;
