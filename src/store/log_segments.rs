//! The log of a run on the tracking ref: written in segments, read as one.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use super::records::RecordsError;
use crate::git::{Entry, EntryKind, Repository, TrackingChanges};
use crate::os::fs::FileError;
use crate::run::LogSegment;

/// The most bytes of one part of a log. Forges recommend blobs of at most 1 MB.
const SEGMENT_BYTES_MAX: usize = 1_000_000;

/// A log to be cut into segments.
#[derive(Debug)]
pub struct LogSource {
    /// The file; absent counts as empty.
    pub path: PathBuf,
}

/// Cuts a log at line ends where it can, and inside of a line that is longer than a segment.
pub(super) fn put_log(
    changes: &mut TrackingChanges,
    folder: &str,
    source: &LogSource,
) -> Result<Vec<LogSegment>, RecordsError> {
    let file = match File::open(&source.path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::on("open", &source.path)(error).into()),
    };
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let mut segments = Vec::new();
    let mut pending: Vec<u8> = Vec::with_capacity(SEGMENT_BYTES_MAX);
    loop {
        let room = SEGMENT_BYTES_MAX - pending.len();
        let read = reader
            .by_ref()
            .take(room as u64)
            .read_to_end(&mut pending)
            .map_err(FileError::on("read", &source.path))?;
        if pending.is_empty() {
            return Ok(segments);
        }
        let is_last = read < room;
        let end = if is_last { pending.len() } else { line_end(&pending) };
        let name = format!("{:06}.ndjson", segments.len() + 1);
        changes.put(&format!("{folder}/log/{name}"), &pending[..end])?;
        segments.push(LogSegment { name, size: end as u64 });
        pending.drain(..end);
    }
}

fn line_end(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(bytes.len(), |position| position + 1)
}

/// Reads the segments of a log one after the other.
#[derive(Debug)]
pub struct LogReader {
    repository: Repository,
    segments: std::vec::IntoIter<Entry>,
    current: io::Cursor<Vec<u8>>,
}

impl LogReader {
    pub(super) fn new(repository: Repository, segments: Vec<Entry>) -> Self {
        Self { repository, segments: segments.into_iter(), current: io::Cursor::new(Vec::new()) }
    }
}

impl Read for LogReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.current.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.segments.next() {
                None => return Ok(0),
                Some(Entry { kind: EntryKind::File(blob), .. }) => {
                    let bytes = self.repository.read_blob(blob).map_err(io::Error::other)?;
                    self.current = io::Cursor::new(bytes);
                }
                Some(_) => {}
            }
        }
    }
}
