//! Cuts a stream into lines of bounded size.
//!
//! A line of ten megabytes is normal (an answer is printed whole, twice), so lines have no small limit; but
//! the log of a program that has gone wrong must not fill the memory either.

use std::io::{self, BufRead, ErrorKind};

/// The longest line that is read, in bytes. Claude Code 2.1.330 printed lines of 10 MB, measured.
pub const LINE_BYTES_MAX: usize = 32 << 20;

/// Where the buffer starts, so that doubling it ends at [`LINE_BYTES_MAX`] and not beyond. One that grew larger than
/// 16 of these is given back after its line.
const BUFFER_BYTES_FIRST: usize = 64 << 10;

/// How much is kept of a line that is too long.
const BEGINNING_BYTES: usize = 1024;

/// A reader of lines that uses one buffer for all of them.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    bytes_max: usize,
    /// Bytes of the line so far, without its end.
    length: u64,
    state: State,
}

/// Where the line in the buffer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is being read; what is there of it is whole.
    Growing,
    /// It is being read, and only its beginning is kept.
    Oversized,
    /// It was handed out.
    Taken,
}

/// What was found between two line ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line without its end. The last one of the stream may lack its end.
    Whole(&'a mut [u8]),
    /// A line that is longer than the limit.
    Oversized {
        /// How long it is.
        bytes: u64,
        /// Its first bytes.
        beginning: &'a [u8],
    },
}

impl<R: BufRead> Lines<R> {
    /// Returns a reader of lines of at most [`LINE_BYTES_MAX`] bytes.
    pub fn new(input: R) -> Self {
        Self::with_max(input, LINE_BYTES_MAX)
    }

    /// Returns a reader of lines of at most so many bytes.
    pub fn with_max(input: R, bytes_max: usize) -> Self {
        Self { input, buffer: Vec::new(), bytes_max, length: 0, state: State::Growing }
    }

    /// Returns the next line, or `None` at the end of the stream.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let ended = self.advance()?;
        Ok((ended || self.length > 0).then(|| self.take()))
    }

    /// Returns the next line that has its end. What there is of one that has none yet is kept for the next call.
    pub fn next_ended_line(&mut self) -> io::Result<Option<Line<'_>>> {
        Ok(if self.advance()? { Some(self.take()) } else { None })
    }

    /// Returns what is read from.
    pub fn input(&mut self) -> &mut R {
        &mut self.input
    }

    /// Returns how many bytes there are of a line that has no end yet.
    pub fn pending(&self) -> u64 {
        if self.state == State::Taken { 0 } else { self.length }
    }

    fn take(&mut self) -> Line<'_> {
        let oversized = self.state == State::Oversized;
        self.state = State::Taken;
        if oversized {
            return Line::Oversized { bytes: self.length, beginning: &self.buffer };
        }
        Line::Whole(&mut self.buffer)
    }

    /// Reads up to the end of a line and returns whether it was there.
    fn advance(&mut self) -> io::Result<bool> {
        if self.state == State::Taken {
            self.begin();
        }
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let used = end.map_or(chunk.len(), |end| end + 1);
            self.length += part.len() as u64;
            if self.state == State::Growing && self.buffer.len() + part.len() > self.bytes_max {
                self.buffer.extend_from_slice(&part[..part.len().min(BEGINNING_BYTES)]);
                self.buffer.truncate(BEGINNING_BYTES);
                self.state = State::Oversized;
            }
            if self.state == State::Growing {
                self.buffer.extend_from_slice(part);
            }
            self.input.consume(used);
            if end.is_some() || used == 0 {
                return Ok(end.is_some());
            }
        }
    }

    fn begin(&mut self) {
        self.buffer.clear();
        if self.buffer.capacity() > 16 * BUFFER_BYTES_FIRST {
            self.buffer = Vec::with_capacity(BUFFER_BYTES_FIRST);
        }
        self.length = 0;
        self.state = State::Growing;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    #[test]
    fn the_last_line_needs_no_end() {
        let mut lines = Lines::new(&b"one\n\ntwo"[..]);
        for expected in ["one", "", "two"] {
            assert_eq!(lines.next_line().unwrap(), Some(Line::Whole(&mut expected.as_bytes().to_vec())));
        }
        assert_eq!(lines.next_line().unwrap(), None);
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_and_the_next_one_read() {
        let long = io::repeat(b'x').take(LINE_BYTES_MAX as u64 + 1);
        let mut lines = Lines::new(BufReader::new(long.chain(&b"\nnext\n"[..])));
        let beginning = [b'x'; BEGINNING_BYTES];
        let bytes = LINE_BYTES_MAX as u64 + 1;
        assert_eq!(lines.next_line().unwrap(), Some(Line::Oversized { bytes, beginning: &beginning }));
        assert_eq!(lines.next_line().unwrap(), Some(Line::Whole(&mut b"next".to_vec())));
        assert!(lines.buffer.capacity() <= 16 * BUFFER_BYTES_FIRST);
    }

    #[test]
    fn a_line_that_grows_is_handed_out_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = crate::os::fs::open_append_private(&path).unwrap();
        let mut lines = Lines::new(super::super::LogFile::open(&path).unwrap());
        for (text, expected) in
            [("one\ntw", Some("one")), ("", None), ("o", None), ("\n\nlast", Some("two")), ("", Some(""))]
        {
            io::Write::write_all(&mut log, text.as_bytes()).unwrap();
            let line = lines.next_ended_line().unwrap();
            assert_eq!(line, expected.map(str::as_bytes).map(Vec::from).as_deref_mut().map(Line::Whole));
        }
        assert_eq!(lines.next_ended_line().unwrap(), None);
        assert_eq!(lines.pending(), 4);
    }
}
