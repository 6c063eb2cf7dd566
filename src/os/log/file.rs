//! Reads a log that may have holes, and may grow.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::GRAIN;

/// Stands before what is there of a line whose beginning is missing, so that it is taken for no event.
const CUT: &str = "…";

/// A log read from its beginning. Where bytes are missing, one line says how many.
///
/// At the end of the file there is nothing to read; when the file has grown, there is again.
#[derive(Debug)]
pub struct LogFile {
    file: File,
    /// Where the next chunk begins.
    position: u64,
    /// Nothing is read from there on for now.
    end: u64,
    /// A part to be left out as if it were missing.
    omitted: Range<u64>,
    chunk: Vec<u8>,
    used: usize,
    content: Content,
    /// The last byte that was read.
    last: u8,
}

/// What the chunk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// Bytes of the file, up to `position`.
    File,
    /// A line of our own.
    Marker,
}

impl LogFile {
    /// Opens a log.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::new(File::open(path)?))
    }

    /// Reads an open log from its beginning.
    pub fn new(file: File) -> Self {
        let (chunk, used) = (Vec::new(), 0);
        let content = Content::File;
        Self { file, position: 0, end: u64::MAX, omitted: 0..0, chunk, used, content, last: b'\n' }
    }

    /// Returns how many bytes of the file were read or passed over.
    pub fn position(&self) -> u64 {
        match self.content {
            Content::File => self.position - (self.chunk.len() - self.used) as u64,
            Content::Marker => self.position,
        }
    }

    /// Returns how large the file is now.
    pub fn size(&self) -> io::Result<u64> {
        self.file.metadata().map(|metadata| metadata.len())
    }

    /// Reads no further than so many bytes from here, until this is said again.
    pub fn grant(&mut self, bytes: u64) {
        self.end = self.position().saturating_add(bytes);
    }

    /// Leaves out a part of the file, as if it were missing.
    pub fn omit(&mut self, part: Range<u64>) {
        self.omitted = part;
    }

    /// Leaves out all but the beginning and the end of a file that holds more than `bytes_max`, and returns how much
    /// that is. What is missing already does not count.
    pub fn keep_at_most(&mut self, bytes_max: u64) -> io::Result<u64> {
        let size = self.size()?;
        if size <= bytes_max || data_in(&self.file, 0..size)? <= bytes_max {
            return Ok(0);
        }
        let head = bytes_max / 4;
        let middle = head..size - (bytes_max - head);
        self.omit(middle.clone());
        data_in(&self.file, middle)
    }

    /// Puts the next bytes, or a line of our own, into the empty chunk.
    fn load(&mut self) -> io::Result<()> {
        self.chunk.clear();
        self.used = 0;
        let Some(next) = self.next_data()? else { return Ok(()) };
        if next > self.position {
            let line_end = if self.last == b'\n' { "" } else { "\n" };
            let marker = format!("{line_end}{}\n{CUT}", left_out_line(next - self.position));
            self.chunk.extend_from_slice(marker.as_bytes());
            self.content = Content::Marker;
            self.position = next;
            self.last = b'x';
            return Ok(());
        }
        self.content = Content::File;
        let mut end = (self.position + GRAIN - self.position % GRAIN).min(self.end);
        if self.position < self.omitted.start {
            end = end.min(self.omitted.start);
        }
        let length = usize::try_from(end.saturating_sub(self.position)).unwrap_or_default();
        self.chunk.resize(length, 0);
        let read = self.file.read_at(&mut self.chunk, self.position).inspect_err(|_| self.chunk.clear())?;
        self.chunk.truncate(read);
        self.position += read as u64;
        self.last = self.chunk.last().copied().unwrap_or(self.last);
        Ok(())
    }

    /// Returns where the next bytes lie that are there and not to be left out.
    fn next_data(&self) -> io::Result<Option<u64>> {
        let mut at = self.position;
        loop {
            if self.omitted.contains(&at) {
                at = self.omitted.end;
            }
            let Some(data) = next_data(&self.file, at)? else { return Ok(None) };
            if !self.omitted.contains(&data) {
                return Ok(Some(data));
            }
            at = data;
        }
    }
}

impl BufRead for LogFile {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used == self.chunk.len() {
            self.load()?;
        }
        Ok(&self.chunk[self.used..])
    }

    fn consume(&mut self, amount: usize) {
        self.used += amount;
    }
}

impl Read for LogFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// Returns the line that stands for bytes of a log that are missing (`docs/format.md`).
pub fn left_out_line(bytes: u64) -> String {
    serde_json::json!({ "type": "git_claudedo", "subtype": "left_out", "bytes": bytes }).to_string()
}

/// Returns the line that stands for a line that is too long (`docs/format.md`).
pub fn long_line(bytes: u64, beginning: &[u8]) -> String {
    let beginning = String::from_utf8_lossy(beginning);
    serde_json::json!({ "type": "git_claudedo", "subtype": "line_left_out", "bytes": bytes, "beginning": beginning })
        .to_string()
}

/// Returns where the next bytes lie that are no hole (`lseek(2)`, `SEEK_DATA`), or `None` where there are none.
#[cfg(target_os = "linux")]
fn next_data(file: &File, position: u64) -> io::Result<Option<u64>> {
    use rustix::fs::SeekFrom;
    use rustix::io::Errno;

    match rustix::fs::seek(file, SeekFrom::Data(position)) {
        Ok(data) => Ok(Some(data)),
        Err(Errno::NXIO) => Ok(None),
        // Something that does not know of holes.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(Some(position)),
        Err(error) => Err(error.into()),
    }
}

/// Returns how many bytes of a part of a file are no hole.
#[cfg(target_os = "linux")]
fn data_in(file: &File, part: Range<u64>) -> io::Result<u64> {
    let mut found = 0;
    let mut at = part.start;
    while let Some(data) = next_data(file, at)?.filter(|data| *data < part.end) {
        // Where holes are not known, all of the rest is data.
        let hole = rustix::fs::seek(file, rustix::fs::SeekFrom::Hole(data)).unwrap_or(part.end);
        at = hole.clamp(data + 1, part.end);
        found += at - data;
    }
    Ok(found)
}

/// Returns the length of the part: holes are only made on Linux.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the one for Linux can fail")]
fn data_in(_file: &File, part: Range<u64>) -> io::Result<u64> {
    Ok(part.end - part.start)
}

/// Returns the position itself: holes are only made on Linux.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the one for Linux can fail")]
fn next_data(_file: &File, position: u64) -> io::Result<Option<u64>> {
    Ok(Some(position))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(log: &mut LogFile) -> String {
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_hole_is_one_line_and_what_is_there_of_the_lines_around_it() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"one\ntw", 0).unwrap();
        file.write_all_at(b"ree\nfour\n", 100 * GRAIN).unwrap();
        let mut log = LogFile::new(file.try_clone().unwrap());
        let text = read(&mut log).replace('\0', "");
        let hole = 100 * GRAIN - GRAIN.min(4096);
        assert!(text.starts_with("one\ntw\n{"), "{text}");
        assert!(text.ends_with("}\n…ree\nfour\n"), "{text}");
        let bytes: u64 =
            text.split("\"bytes\":").nth(1).unwrap().split(&[',', '}'][..]).next().unwrap().parse().unwrap();
        assert!((hole - 2 * GRAIN..=hole + GRAIN).contains(&bytes), "{text}");
        assert_eq!(log.position(), 100 * GRAIN + 9);
        file.write_all_at(b"five\n", 100 * GRAIN + 9).unwrap();
        assert_eq!(read(&mut log), "five\n");
    }

    #[test]
    fn of_a_file_that_is_too_large_the_beginning_and_the_end_are_read() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"aaaa\nbbbb\ncccc\ndddd\n", 0).unwrap();
        let mut log = LogFile::new(file);
        assert_eq!(log.keep_at_most(20).unwrap(), 0);
        assert_eq!(log.keep_at_most(16).unwrap(), 4);
        let expected = format!("aaaa\n{}\n…b\ncccc\ndddd\n", left_out_line(4));
        assert_eq!(read(&mut log), expected);
    }

    #[test]
    fn what_is_missing_already_is_not_left_out_once_more() {
        let file = tempfile::tempfile_in("/dev/shm").unwrap();
        file.write_all_at(b"one\n", 0).unwrap();
        file.write_all_at(b"two\n", 1000 * GRAIN).unwrap();
        let mut log = LogFile::new(file);
        assert_eq!(log.keep_at_most(10 * GRAIN).unwrap(), 0);
        assert!(log.size().unwrap() > 10 * GRAIN);
    }

    #[test]
    fn no_more_is_read_than_was_allowed() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"one\ntwo\n", 0).unwrap();
        let mut log = LogFile::new(file);
        log.grant(5);
        assert_eq!(read(&mut log), "one\nt");
        log.grant(100);
        assert_eq!(read(&mut log), "wo\n");
    }
}
