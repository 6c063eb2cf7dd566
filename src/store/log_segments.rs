//! The log of a run on the tracking ref: written in segments, read as one.

use std::io::{self, Read};
use std::path::PathBuf;

use super::records::RecordsError;
use crate::git::{Entry, EntryKind, Repository, TrackingChanges};
use crate::os::fs::FileError;
use crate::os::log::{Line, Lines, LogFile, long_line};
use crate::run::LogSegment;

/// The most bytes of one part of a log. Forges recommend blobs of at most 1 MB.
const SEGMENT_BYTES_MAX: usize = 1_000_000;

/// A log to be cut into segments.
#[derive(Debug)]
pub struct LogSource {
    /// The file; absent counts as empty.
    pub path: PathBuf,
    /// How much of it is kept: of a longer one the beginning and the end.
    pub bytes_max: u64,
}

/// A log on its way into the record.
struct Segments<'a> {
    changes: &'a mut TrackingChanges,
    folder: &'a str,
    pending: Vec<u8>,
    written: Vec<LogSegment>,
}

/// Cuts a log at line ends where it can, and inside of a line that is longer than a segment. Returns the segments, and
/// how many bytes were left out because the log is too long.
///
/// A line too long to be read is replaced by one that says so, and so is what is missing in the middle.
pub(super) fn put_log(
    changes: &mut TrackingChanges,
    folder: &str,
    source: &LogSource,
) -> Result<(Vec<LogSegment>, u64), RecordsError> {
    let mut log = match LogFile::open(&source.path) {
        Ok(log) => log,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(FileError::on("open", &source.path)(error).into()),
    };
    let left_out = log.keep_at_most(source.bytes_max).map_err(FileError::on("read", &source.path))?;
    let mut lines = Lines::new(log);
    let mut segments = Segments { changes, folder, pending: Vec::new(), written: Vec::new() };
    loop {
        match lines.next_ended_line().map_err(FileError::on("read", &source.path))? {
            Some(Line::Whole(line)) => segments.add(line)?,
            Some(Line::Oversized { bytes, beginning }) => {
                segments.add(long_line(bytes, beginning).as_bytes())?;
            }
            None => break,
        }
        segments.add(b"\n")?;
    }
    match lines.next_line().map_err(FileError::on("read", &source.path))? {
        Some(Line::Whole(line)) => segments.add(line)?,
        Some(Line::Oversized { bytes, beginning }) => {
            segments.add(long_line(bytes, beginning).as_bytes())?;
        }
        None => {}
    }
    Ok((segments.finish()?, left_out))
}

impl Segments<'_> {
    fn add(&mut self, mut bytes: &[u8]) -> Result<(), RecordsError> {
        while self.pending.len() + bytes.len() > SEGMENT_BYTES_MAX {
            let (now, later) = bytes.split_at(SEGMENT_BYTES_MAX - self.pending.len());
            self.pending.extend_from_slice(now);
            bytes = later;
            self.put(line_end(&self.pending))?;
        }
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    fn put(&mut self, end: usize) -> Result<(), RecordsError> {
        let name = format!("{:06}.ndjson", self.written.len() + 1);
        self.changes.put(&format!("{}/log/{name}", self.folder), &self.pending[..end])?;
        self.written.push(LogSegment { name, size: end as u64 });
        self.pending.drain(..end);
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<LogSegment>, RecordsError> {
        if !self.pending.is_empty() {
            self.put(self.pending.len())?;
        }
        Ok(self.written)
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
