//! Lengths of time, as people write them: `90s`, `30m`, `2h`, `1h30m`.

use std::fmt;
use std::time::Duration;

use super::{SettingType, json_by_text, quoted};

/// The longest span: 30 days in milliseconds. Whatever waits longer is forgotten.
const SPAN_MILLISECONDS_MAX: u64 = 30 * 24 * 60 * 60 * 1000;

/// The units, largest first, and their milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A length of time above zero, in whole milliseconds, at most 30 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    milliseconds: u64,
}

/// How often something is done again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// After each such time.
    Every(Span),
    /// Not at all.
    Never,
}

impl Span {
    /// Returns a number of seconds as a span.
    pub const fn seconds(seconds: u32) -> Self {
        Self { milliseconds: seconds as u64 * 1_000 }
    }

    /// Returns a number of minutes as a span.
    pub const fn minutes(minutes: u32) -> Self {
        Self::seconds(minutes * 60)
    }

    /// Returns the length as the standard library has it.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }

    /// Returns the length in milliseconds.
    pub fn milliseconds(self) -> u64 {
        self.milliseconds
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.milliseconds;
        for (unit, length) in UNITS {
            if rest >= length {
                write!(f, "{}{unit}", rest / length)?;
                rest %= length;
            }
        }
        Ok(())
    }
}

impl SettingType for Span {
    fn expected() -> String {
        "a length of time such as 90s, 30m or 1h30m".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        match milliseconds(text) {
            None => Err(format!("{} is not a length of time", quoted(text))),
            Some(milliseconds @ 1..=SPAN_MILLISECONDS_MAX) => Ok(Self { milliseconds }),
            Some(0) => Err(format!("{} is no time at all", quoted(text))),
            Some(_) => Err(format!("{} is longer than 30 days (720h)", quoted(text))),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl SettingType for Interval {
    fn expected() -> String {
        "a length of time such as 90s or 5m, or never".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "never" | "0" => Ok(Self::Never),
            text => Span::from_text(text).map(Self::Every),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Every(span) => span.show(),
            Self::Never => "never".to_owned(),
        }
    }
}

json_by_text!(Span, Interval);

/// Adds up `<number><unit>` pairs; each unit at most once, larger ones first.
fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total = 0_u64;
    let mut smaller = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_lowercase).count();
        let (unit, next) = after.split_at(letters);
        let (_, length) = smaller.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*length)?)?;
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_as_people_write_it() {
        for (text, milliseconds) in
            [("90s", 90_000), ("30m", 1_800_000), ("2h", 7_200_000), ("1h30m", 5_400_000), ("500ms", 500)]
        {
            assert_eq!(Span::from_text(text).unwrap().milliseconds(), milliseconds, "{text}");
        }
        for text in [
            "",
            "5",
            "s",
            "m5",
            "1 h",
            "1d",
            "-1s",
            "30m1h",
            "1m1m",
            "1.5h",
            "0s",
            "99999999999999999999s",
            "721h",
        ] {
            assert!(Span::from_text(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn an_interval_may_be_never() {
        for (text, interval) in
            [("5m", Interval::Every(Span::minutes(5))), ("never", Interval::Never), ("0", Interval::Never)]
        {
            assert_eq!(Interval::from_text(text).unwrap(), interval, "{text}");
        }
        assert_eq!(Interval::Never.show(), "never");
        assert!(Interval::from_text("sometimes").is_err());
    }

    proptest::proptest! {
        #[test]
        fn every_span_reads_back_what_it_shows(milliseconds in 1..=SPAN_MILLISECONDS_MAX) {
            let span = Span { milliseconds };
            proptest::prop_assert_eq!(Span::from_text(&span.show()), Ok(span));
        }
    }
}
