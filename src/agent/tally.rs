//! What a run has used so far, counted while its log is written.

use super::json::repaired;
use super::stream::Fold;
use crate::run::Usage;

/// Counts line by line. At the end of a log it says what [`super::stream::read`] says of the whole.
#[derive(Debug, Default)]
pub struct Tally(Fold);

impl Tally {
    /// Takes the next line of the log, with or without its line end.
    pub fn take(&mut self, line: &[u8]) {
        self.0.take(repaired(&mut line.to_vec()));
    }

    /// Returns what was used so far. What something cost is known only once the agent says so, at the end of
    /// a piece of work; until then the rounds are counted, and the tokens that the model wrote are not.
    pub fn usage(&self) -> Usage {
        self.0.usage()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::stream::read;

    fn capture(name: &str) -> Vec<u8> {
        let path = format!("{}/tests/fixtures/captures/{name}.ndjson", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap()
    }

    #[test]
    fn rounds_are_counted_as_they_come_and_the_sum_is_that_of_the_whole_log() {
        for name in ["write-default", "maxturns2", "mt2-resume"] {
            let log = capture(name);
            let mut tally = Tally::default();
            let mut turns = vec![0];
            for line in log.split_inclusive(|byte| *byte == b'\n') {
                tally.take(line);
                turns.push(tally.usage().turns);
            }
            assert_eq!(tally.usage(), read(log.as_slice()).unwrap().usage, "{name}");
            assert!(turns.is_sorted(), "{name}: {turns:?}");
            assert!(turns.iter().filter(|count| **count == 1).count() > 1, "{name}: {turns:?}");
        }
    }
}
