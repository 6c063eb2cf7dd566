//! A moment in time, always UTC.
//!
//! Domain code takes `now` as an argument and never asks for it; `os::clock` is the one place that
//! does. The type hides the date library, so that changing it touches this file and that one.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Local, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC with millisecond precision, written as RFC 3339 (`2026-11-22T13:10:19.000Z`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// Returns the moment that lies `milliseconds` after 1970-01-01T00:00:00Z, or `None` outside the calendar.
    pub fn from_unix_milliseconds(milliseconds: i64) -> Option<Self> {
        DateTime::from_timestamp_millis(milliseconds).map(Self)
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_milliseconds(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Returns the whole seconds since 1970-01-01T00:00:00Z.
    pub fn unix_seconds(self) -> i64 {
        self.0.timestamp()
    }

    /// Returns how long ago `earlier` was, or zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        (self.0 - earlier.0).to_std().unwrap_or_default()
    }

    /// Returns this moment moved forward; saturates at the end of the calendar.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_milliseconds(self.unix_milliseconds().saturating_add(milliseconds))
            .unwrap_or(Self(DateTime::<Utc>::MAX_UTC))
    }

    /// Returns how many seconds the machine's own time zone is ahead of UTC at this moment; negative when behind.
    pub fn local_offset_seconds(self) -> i32 {
        self.0.with_timezone(&Local).offset().local_minus_utc()
    }

    /// Returns the moment in the machine's own time zone, as `2026-11-22 14:10`.
    pub fn to_local_minutes(self) -> String {
        self.0.with_timezone(&Local).format("%Y-%m-%d %H:%M").to_string()
    }

    /// Returns the moment in the machine's own time zone, as `14:10` on the day of `now` and with its date otherwise.
    pub fn to_local_short(self, now: Self) -> String {
        let (this, now) = (self.0.with_timezone(&Local), now.0.with_timezone(&Local));
        let is_today = this.date_naive() == now.date_naive();
        this.format(if is_today { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
    }

    /// Returns the time of day in the machine's own time zone, as `14:10:19`.
    pub fn to_local_time(self) -> String {
        self.0.with_timezone(&Local).format("%H:%M:%S").to_string()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    /// Drops what is finer than a millisecond, so that a value equals itself when read back.
    fn from(moment: DateTime<Utc>) -> Self {
        Self(DateTime::from_timestamp_millis(moment.timestamp_millis()).unwrap_or(moment))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl FromStr for Timestamp {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(text).map(|moment| Self(moment.with_timezone(&Utc)))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_back_what_it_wrote() {
        let moment = Timestamp::from_unix_milliseconds(1_795_353_019_123).unwrap();
        assert_eq!(moment.to_string(), "2026-11-22T13:10:19.123Z");
        assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
    }

    #[test]
    fn time_that_runs_backwards_is_no_time_at_all() {
        let early = Timestamp::from_unix_milliseconds(0).unwrap();
        let late = early.plus(Duration::from_secs(5));
        assert_eq!(late.since(early), Duration::from_secs(5));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
