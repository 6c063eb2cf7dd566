//! Cuts a stream into lines of bounded size.
//!
//! A line of ten megabytes is normal (an answer is printed whole, twice), so lines have no small limit; but
//! the log of a program that has gone wrong must not fill the memory either.

use std::io::{self, BufRead, ErrorKind};

/// The longest line that is read, in bytes. Claude Code 2.1.330 printed lines of 10 MB, measured.
pub const LINE_BYTES_MAX: usize = 32 << 20;

/// Where the buffer starts, so that doubling it ends at [`LINE_BYTES_MAX`] and not beyond.
const BUFFER_BYTES_FIRST: usize = 64 << 10;

/// A reader of lines that uses one buffer for all of them.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
}

/// What was found between two line ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line without its end. The last one of the stream may lack its end.
    Whole(&'a mut [u8]),
    /// A line of more than [`LINE_BYTES_MAX`] bytes, skipped.
    Oversized,
}

impl<R: BufRead> Lines<R> {
    /// Returns a reader at the start of `input`.
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::with_capacity(BUFFER_BYTES_FIRST) }
    }

    /// Returns the next line, or `None` at the end of the stream.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let mut oversized = false;
        let mut started = false;
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let used = end.map_or(chunk.len(), |end| end + 1);
            started |= used > 0;
            oversized |= self.buffer.len() + part.len() > LINE_BYTES_MAX;
            if oversized {
                self.buffer.clear();
            } else {
                self.buffer.extend_from_slice(part);
            }
            self.input.consume(used);
            if end.is_some() || used == 0 {
                break;
            }
        }
        Ok(match (started, oversized) {
            (false, _) => None,
            (true, true) => Some(Line::Oversized),
            (true, false) => Some(Line::Whole(&mut self.buffer)),
        })
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
        assert_eq!(lines.next_line().unwrap(), Some(Line::Oversized));
        assert!(lines.buffer.capacity() <= LINE_BYTES_MAX);
        assert_eq!(lines.next_line().unwrap(), Some(Line::Whole(&mut b"next".to_vec())));
    }
}
