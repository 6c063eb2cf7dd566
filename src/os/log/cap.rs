//! Bounds what a growing file takes of the disk, without stopping whoever writes it.

use std::fs::File;
use std::io;
use std::ops::Range;

use super::GRAIN;

/// The bound of one file: its first quarter and what came last are kept, the middle is given back to the file system
/// (`fallocate(2)`, `FALLOC_FL_PUNCH_HOLE`, Linux), in steps of a quarter.
///
/// The file keeps its size: it looks larger than it is.
#[derive(Debug)]
pub struct LogCap {
    bytes_max: u64,
    freed_to: u64,
    refused: Option<io::Error>,
}

impl LogCap {
    /// Returns a bound of so many bytes.
    pub fn new(bytes_max: u64) -> Self {
        Self { bytes_max: bytes_max.max(8 * GRAIN), freed_to: 0, refused: None }
    }

    /// Returns why nothing can be given back, once that is known.
    pub fn refused(&self) -> Option<&io::Error> {
        self.refused.as_ref()
    }

    /// Returns from where on a file that grows to this size is kept, if it is time to give back what lies before.
    fn due(&self, size: u64, kept_from: u64) -> Option<u64> {
        if size <= self.bytes_max || self.refused.is_some() {
            return None;
        }
        let tail = aligned_down((size - self.bytes_max / 2).min(kept_from));
        (tail >= self.freed_to + self.bytes_max / 4 && tail > self.head()).then_some(tail)
    }

    fn head(&self) -> u64 {
        aligned_down(self.bytes_max / 4)
    }

    /// Frees the middle of a file that has this size, when it is time; what lies in `kept` or from `kept_from` on stays.
    ///
    /// A file system that cannot do that is asked once ([`Self::refused`]).
    pub fn apply(&mut self, file: &File, size: u64, kept_from: u64, kept: &Range<u64>) {
        let Some(tail) = self.due(size, kept_from) else { return };
        let middle = self.head()..tail;
        let before = middle.start..tail.min(aligned_down(kept.start));
        let after = middle.start.max(aligned_down(kept.end + GRAIN - 1))..tail;
        let parts: &[Range<u64>] = if kept.is_empty() { &[middle] } else { &[before, after] };
        for part in parts.iter().filter(|part| !part.is_empty()) {
            if let Err(error) = punch(file, part) {
                self.refused = Some(error);
                return;
            }
        }
        self.freed_to = tail;
    }
}

fn aligned_down(position: u64) -> u64 {
    position - position % GRAIN
}

#[cfg(target_os = "linux")]
fn punch(file: &File, part: &Range<u64>) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};

    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    Ok(rustix::io::retry_on_intr(|| fallocate(file, flags, part.start, part.end - part.start))?)
}

#[cfg(not(target_os = "linux"))]
fn punch(_file: &File, _part: &Range<u64>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::{FileExt, MetadataExt};

    use super::*;

    const MAX: u64 = 16 * GRAIN;

    #[test]
    fn a_file_that_grows_without_end_takes_no_more_than_its_bound() {
        let file = tempfile::tempfile_in("/dev/shm").unwrap();
        let mut cap = LogCap::new(MAX);
        let kept = 5 * GRAIN + 7..5 * GRAIN + 9;
        for number in 0..200 {
            file.write_all_at(&vec![b'a'; 64 << 10], number * GRAIN).unwrap();
            cap.apply(&file, (number + 1) * GRAIN, u64::MAX, &kept);
            assert!(file.metadata().unwrap().blocks() * 512 <= MAX + 2 * GRAIN, "{number}");
        }
        assert!(cap.refused().is_none());
        assert_eq!(file.metadata().unwrap().len(), 200 * GRAIN);
        let is_there = |grain: u64| {
            let mut byte = [0];
            file.read_exact_at(&mut byte, grain * GRAIN).unwrap();
            byte == [b'a']
        };
        let there: Vec<u64> = (0..200).filter(|grain| is_there(*grain)).collect();
        assert_eq!(&there[..5], [0, 1, 2, 3, 5], "the head, and what was to be kept");
        assert!(there[5] <= 192 && there[5..] == (there[5]..200).collect::<Vec<_>>(), "{there:?}");
    }

    #[test]
    fn a_file_that_cannot_be_freed_is_left_alone_and_asked_once() {
        let path = tempfile::NamedTempFile::new_in("/dev/shm").unwrap();
        path.as_file().set_len(100 * GRAIN).unwrap();
        let unwritable = File::open(path.path()).unwrap();
        let mut cap = LogCap::new(MAX);
        cap.apply(&unwritable, 100 * GRAIN, u64::MAX, &(0..0));
        assert!(cap.refused().is_some());
        assert_eq!(cap.due(200 * GRAIN, u64::MAX), None);
    }

    #[test]
    fn the_line_that_is_being_written_is_kept() {
        let file = tempfile::tempfile_in("/dev/shm").unwrap();
        file.write_all_at(&vec![b'a'; 100 << 16], 0).unwrap();
        let mut cap = LogCap::new(MAX);
        cap.apply(&file, 100 * GRAIN, 20 * GRAIN + 1, &(0..0));
        assert_eq!(file.metadata().unwrap().blocks() * 512, (100 - 16) * GRAIN);
    }
}
