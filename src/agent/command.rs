//! What an agent that is an ordinary program printed: all of its output is its answer.

use std::io::{self, Read, Seek, SeekFrom};

/// How much of the output is kept as the answer, in bytes. A person reads it; the log has the rest.
pub const ANSWER_BYTES_MAX: u64 = 256 << 10;

/// Reads the answer out of a log: all of it, or its end when it is longer than [`ANSWER_BYTES_MAX`].
///
/// Bytes that are not UTF-8 become U+FFFD. Fails only when the log cannot be read.
pub fn load_answer(log: &mut (impl Read + Seek)) -> io::Result<String> {
    let length = log.seek(SeekFrom::End(0))?;
    let skipped = length.saturating_sub(ANSWER_BYTES_MAX);
    log.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    // The program may still be writing, so the limit is set here as well.
    log.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(match skipped {
        0 => text.into_owned(),
        _ => format!("… {skipped} bytes left out\n{text}"),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_short_output_is_the_answer_as_it_is() {
        assert_eq!(load_answer(&mut Cursor::new(b"a\n\xff\n")).unwrap(), "a\n\u{fffd}\n");
    }

    #[test]
    fn of_a_long_output_the_end_is_kept() {
        let mut output = vec![b'x'; 300 << 10];
        output.extend(b"the end");
        let answer = load_answer(&mut Cursor::new(output)).unwrap();
        assert!(answer.starts_with("… 45063 bytes left out\nxxx"));
        assert!(answer.ends_with("xthe end"));
    }
}
