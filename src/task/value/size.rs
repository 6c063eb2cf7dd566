//! Sizes on the disk, as people write them: `8M`, `256M`, `2G`.

use std::fmt;

use super::{SettingType, json_by_text, quoted};

/// The units, largest first, and how many mebibytes they are.
const UNITS: [(char, u32); 3] = [('T', 1 << 20), ('G', 1 << 10), ('M', 1)];

/// The largest size, in mebibytes.
const MEBIBYTES_MAX: u32 = 1 << 20;

/// A size from 1 MiB to 1 TiB, in whole MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    mebibytes: u32,
}

impl Size {
    /// Returns a number of MiB as a size, moved into the range where it lies outside.
    pub const fn mebibytes(mebibytes: u32) -> Self {
        let mebibytes = if mebibytes > MEBIBYTES_MAX { MEBIBYTES_MAX } else { mebibytes };
        Self { mebibytes: if mebibytes == 0 { 1 } else { mebibytes } }
    }

    /// Returns the size in bytes.
    pub fn bytes(self) -> u64 {
        u64::from(self.mebibytes) << 20
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS.into_iter().find(|(_, length)| self.mebibytes.is_multiple_of(*length));
        let (unit, length) = whole.unwrap_or(('M', 1));
        write!(f, "{}{unit}", self.mebibytes / length)
    }
}

impl SettingType for Size {
    fn expected() -> String {
        "a size from 1M to 1T, such as 256M or 2G".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let mebibytes = mebibytes(text).ok_or_else(|| format!("{} is not a size", quoted(text)))?;
        match u32::try_from(mebibytes) {
            Ok(mebibytes @ 1..=MEBIBYTES_MAX) => Ok(Self { mebibytes }),
            Ok(0) => Err(format!("{} is too small", quoted(text))),
            Ok(_) | Err(_) => Err(format!("{} is too large", quoted(text))),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

json_by_text!(Size);

fn mebibytes(text: &str) -> Option<u64> {
    let (_, length) = UNITS
        .into_iter()
        .find(|(unit, _)| text.ends_with(|last: char| last.to_ascii_uppercase() == *unit))?;
    let digits = &text[..text.len() - 1];
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // What does not fit is too large, whatever it is.
    is_number.then(|| digits.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(u64::from(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_as_people_write_it() {
        for (text, bytes) in [("1M", 1 << 20), ("256M", 256 << 20), ("2G", 2 << 30), ("1T", 1 << 40)] {
            let size = Size::from_text(text).unwrap();
            assert_eq!((size.bytes(), size.show()), (bytes, text.to_owned()));
        }
        assert_eq!(Size::from_text("20g").unwrap().show(), "20G");
        assert_eq!(Size::from_text("1024M").unwrap().show(), "1G");
        for text in ["", "M", "0M", "5", "5K", "-1M", "+1M", "1.5G", " 1M", "2T", "99999999999999999999G"] {
            assert!(Size::from_text(text).is_err(), "{text:?} was accepted");
        }
    }
}
