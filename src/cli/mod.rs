//! One file a command: words in, one call, words out.

mod error;

use std::path::Path;
use std::process::ExitCode;

/// Runs the command line and returns the exit code.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    match arguments.get(1).and_then(|word| word.to_str()) {
        Some("supervise") if arguments.len() == 3 => match crate::supervisor::run(Path::new(&arguments[2])) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        _ => ExitCode::from(129),
    }
}
