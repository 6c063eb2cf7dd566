//! Numbers with a range, switches and money.

use std::fmt;

use super::{SettingType, json_by_text, quoted};

/// The largest budget of one run in millionths of a dollar: beyond 10,000 dollars it is a typing mistake.
const BUDGET_MICRODOLLARS_MAX: u64 = 10_000_000_000;

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whole<const MIN: u32, const MAX: u32>(u32);

/// An amount of US dollars, in millionths, above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Budget {
    microdollars: u64,
}

impl<const MIN: u32, const MAX: u32> Whole<MIN, MAX> {
    /// Returns the number, moved into the range where it lies outside.
    pub const fn clamped(number: u32) -> Self {
        Self(if number < MIN {
            MIN
        } else if number > MAX {
            MAX
        } else {
            number
        })
    }

    /// Returns the number.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> SettingType for Whole<MIN, MAX> {
    fn expected() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(number) if digits && (MIN..=MAX).contains(&number) => Ok(Self(number)),
            Err(_) if !digits => Err(format!("{} is not a whole number", quoted(text))),
            _ => Err(format!("{} is not from {MIN} to {MAX}", quoted(text))),
        }
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

impl<const MIN: u32, const MAX: u32> serde::Serialize for Whole<MIN, MAX> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de, const MIN: u32, const MAX: u32> serde::Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        Self::from_text(&number.to_string()).map_err(serde::de::Error::custom)
    }
}

impl Budget {
    /// Returns the amount in millionths of a US dollar.
    pub fn microdollars(self) -> u64 {
        self.microdollars
    }

    /// Returns the amount in US dollars.
    pub fn dollars(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "amounts of money are far below 2^53 microdollars")]
        let microdollars = self.microdollars as f64;
        microdollars / 1_000_000.0
    }
}

impl fmt::Display for Budget {
    /// Writes a decimal number without trailing zeros: `5`, `0.25`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.microdollars / 1_000_000, self.microdollars % 1_000_000);
        let text = format!("{whole}.{rest:06}");
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl SettingType for Budget {
    fn expected() -> String {
        "an amount in US dollars above 0, such as 5 or 0.25".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(rest) {
            return Err(format!("{} is not an amount", quoted(text)));
        }
        let millionths = format!("{rest:0<6}");
        let amount = whole
            .parse::<u64>()
            .ok()
            .and_then(|whole| whole.checked_mul(1_000_000)?.checked_add(millionths.parse::<u64>().ok()?));
        match amount {
            Some(microdollars)
                if rest.len() <= 6 && (1..=BUDGET_MICRODOLLARS_MAX).contains(&microdollars) =>
            {
                Ok(Self { microdollars })
            }
            _ => Err(format!("{} is not above 0 and at most 10000, with at most 6 decimals", quoted(text))),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

json_by_text!(Budget);

impl SettingType for bool {
    fn expected() -> String {
        "true or false".to_owned()
    }

    /// Reads what git reads as a boolean (git-config(1), "boolean"), but for numbers other than 0 and 1.
    fn from_text(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(format!("{} is neither true nor false", quoted(text))),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl SettingType for i32 {
    fn expected() -> String {
        format!("a whole number from {} to {}", i32::MIN, i32::MAX)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{} is not {}", quoted(text), Self::expected()))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}
