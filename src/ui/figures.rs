//! How lengths of time, money and numbers of things are written, shortly.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Returns a length of time by its largest unit, as in `45s`, `3m`, `2h`, `5d`.
pub fn age(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..MINUTE => format!("{seconds}s"),
        seconds @ MINUTE..HOUR => format!("{}m", seconds / MINUTE),
        seconds @ HOUR..DAY => format!("{}h", seconds / HOUR),
        seconds => format!("{}d", seconds / DAY),
    }
}

/// Returns a length of time by its two largest units, as in `0.4s`, `12s`, `3m05s`, `2h07m`.
pub fn elapsed(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..10 => format!("{seconds}.{}s", duration.subsec_millis() / 100),
        seconds @ 10..MINUTE => format!("{seconds}s"),
        seconds @ MINUTE..HOUR => format!("{}m{:02}s", seconds / MINUTE, seconds % MINUTE),
        seconds => format!("{}h{:02}m", seconds / HOUR, seconds % HOUR / MINUTE),
    }
}

/// Returns an amount of US dollars, as in `$0.12`, or `<$0.01` for what is less than a cent.
pub fn dollars(amount: f64) -> String {
    if amount > 0.0 && amount < 0.01 { "<$0.01".to_owned() } else { format!("${amount:.2}") }
}

/// Returns an amount of bytes by its largest unit, as in `512 B`, `3 kB`, `1.2 GB`: 1 kB is 1,000 B.
pub fn bytes(amount: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let unit = UNITS.into_iter().find(|(size, _)| amount >= *size);
    let Some((size, name)) = unit else { return format!("{amount} B") };
    let (whole, tenths) = (amount / size, amount % size / (size / 10));
    if whole < 10 { format!("{whole}.{tenths} {name}") } else { format!("{whole} {name}") }
}

/// Returns a number of things, as in `1 task` or `3 tasks`.
pub fn count(number: usize, singular: &str) -> String {
    if number == 1 { format!("1 {singular}") } else { format!("{number} {singular}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_short() {
        let shown = |milliseconds| {
            let duration = Duration::from_millis(milliseconds);
            (age(duration), elapsed(duration))
        };
        assert_eq!(shown(449), ("0s".to_owned(), "0.4s".to_owned()));
        assert_eq!(shown(185_000), ("3m".to_owned(), "3m05s".to_owned()));
        assert_eq!(shown(7_620_000), ("2h".to_owned(), "2h07m".to_owned()));
        assert_eq!(shown(200_000_000).0, "2d");
    }

    #[test]
    fn bytes_are_read_at_a_glance() {
        assert_eq!([999, 1_250, 45_999_999].map(bytes), ["999 B", "1.2 kB", "45 MB"]);
        assert_eq!(bytes(7_000_000_000_000), "7000 GB");
    }

    #[test]
    fn a_cost_is_never_shown_as_nothing() {
        assert_eq!(dollars(0.004), "<$0.01");
        assert_eq!(dollars(0.0), "$0.00");
        assert_eq!(dollars(1.005), "$1.00");
    }
}
