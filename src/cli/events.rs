//! `git claudedo events`: what the runner does, as it does it.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::context::Context;
use super::error::CommandError;
use crate::os::fs::FileError;
use crate::os::watch::Changes;
use crate::store::event_stream::StreamEvent;
use crate::ui::{Format, stream_words};

/// How long to wait for a change that nobody tells about, as on a network file system.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Print what the runner does
///
/// Reads the local event stream: tasks that start and end, runs, worktrees and
/// what the agents say. With --json each line is one event.
#[derive(Debug, Args)]
pub(crate) struct EventsArguments {
    /// Go on with events as they come
    #[arg(short, long)]
    follow: bool,
}

pub(crate) fn run(args: &EventsArguments, context: &Context) -> Result<(), CommandError> {
    let state = context.state()?;
    let path = state.events_path();
    if !args.follow {
        context.start_pager()?;
    }
    // The changes are listened to before the first look, so that none falls in between.
    let changes = if args.follow {
        state.create()?;
        Some(Changes::of(state.path())?)
    } else {
        None
    };
    if let Some(mut older) = open(&path.with_extension("1.ndjson"))? {
        print_lines(&mut older, &path, context)?;
    }
    let mut stream = open(&path)?;
    loop {
        if let Some(stream) = &mut stream {
            print_lines(stream, &path, context)?;
        }
        let Some(changes) = changes.as_ref().filter(|_| !context.ui.is_closed()) else { return Ok(()) };
        changes.wait(LOOK_AGAIN);
        if is_replaced(stream.as_ref(), &path) {
            if let Some(old) = &mut stream {
                print_lines(old, &path, context)?;
            }
            stream = open(&path)?;
        }
    }
}

fn open(path: &Path) -> Result<Option<BufReader<File>>, CommandError> {
    match File::open(path) {
        Ok(file) => Ok(Some(BufReader::new(file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::on("open", path)(error).into()),
    }
}

/// Prints the whole lines that are there. A line is written in one piece, so no part of one is ever seen.
fn print_lines(stream: &mut BufReader<File>, path: &Path, context: &Context) -> Result<(), CommandError> {
    let mut line = String::new();
    while !context.ui.is_closed() && stream.read_line(&mut line).map_err(FileError::on("read", path))? > 0 {
        // A line of a newer version that means nothing here is passed over.
        if let Ok(event) = serde_json::from_str::<StreamEvent>(&line) {
            match context.ui.format() {
                Format::Json => context.ui.json(&event),
                Format::Text => context.ui.answer(format_args!("{}", stream_words::line(&event))),
            }
        }
        line.clear();
    }
    Ok(())
}

/// Returns whether the path names another file than the one that is read: the stream was rotated.
fn is_replaced(stream: Option<&BufReader<File>>, path: &Path) -> bool {
    let inode = |metadata: io::Result<std::fs::Metadata>| metadata.ok().map(|metadata| metadata.ino());
    let named = inode(std::fs::metadata(path));
    named.is_some() && named != stream.and_then(|stream| inode(stream.get_ref().metadata()))
}
