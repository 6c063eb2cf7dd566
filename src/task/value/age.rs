//! How long things are kept: `14d`, `36h`, `never`.

use std::fmt;
use std::time::Duration;

use super::{SettingType, json_by_text, quoted};

/// The longest age: 100 years in days.
const DAYS_MAX: u64 = 36_500;

/// The word for what is kept for ever.
const NEVER: &str = "never";

/// The units of an age and their seconds, the largest first.
const UNITS: [(&str, u64); 5] = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// The age from which on something may go, or `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    /// So many seconds.
    Seconds(u64),
    /// It stays.
    Never,
}

impl Age {
    /// Returns a number of days as an age.
    pub const fn days(days: u32) -> Self {
        Self::Seconds(days as u64 * 86_400)
    }

    /// Returns the age, or `None` for what stays.
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::Seconds(seconds) => Some(Duration::from_secs(seconds)),
            Self::Never => None,
        }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Seconds(seconds) = self else { return f.write_str(NEVER) };
        let days_or_less = &UNITS[1..];
        let fits = days_or_less.iter().find(|(_, length)| seconds.is_multiple_of(*length));
        let (unit, length) = fits.copied().unwrap_or(("s", 1));
        write!(f, "{}{unit}", seconds / length)
    }
}

impl SettingType for Age {
    fn expected() -> String {
        "an age such as 14d, 36h or 0d, or never".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        if text == NEVER {
            return Ok(Self::Never);
        }
        let (number, unit) =
            number_and_unit(text).ok_or_else(|| format!("{} is not an age", quoted(text)))?;
        let found = UNITS.iter().find(|(name, _)| *name == unit);
        let (_, length) = found.ok_or_else(|| format!("{} is not an age", quoted(text)))?;
        match number.checked_mul(*length) {
            Some(seconds) if seconds <= DAYS_MAX * 86_400 => Ok(Self::Seconds(seconds)),
            Some(_) | None => Err(format!("{} is more than 100 years", quoted(text))),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

json_by_text!(Age);

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_read_as_people_write_it_and_shown_so() {
        let shown = |text| Age::from_text(text).map(|age| age.show());
        assert_eq!(shown("14d").unwrap(), "14d");
        assert_eq!(shown("2w").unwrap(), "14d");
        assert_eq!(shown("36h").unwrap(), "36h");
        assert_eq!(shown("0d").unwrap(), "0d");
        assert_eq!(shown("never").unwrap(), "never");
        assert_eq!(Age::from_text("1d").unwrap(), Age::days(1));
        for text in ["", "14", "d", "-1d", "1.5d", "soon", "99999999999999999999d", "36501d", "1d1h"] {
            assert!(shown(text).is_err(), "{text:?} was accepted");
        }
    }
}
