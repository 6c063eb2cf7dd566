//! Picks single fields out of JSON that may be anything, of any size.
//!
//! Nothing here fails on content: a value of the wrong kind counts as absent. Values stay slices of the
//! line they came from until one is asked for, so that a line of megabytes costs no second copy of what
//! nobody reads. Values that nobody asked for are stepped over without recursion, so depth does no harm;
//! of equal keys the last one counts, as in JavaScript.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::transcript::one_line;

/// Returns the line as text, with bytes that are not UTF-8 overwritten by `?` in place.
pub(super) fn repaired(line: &mut [u8]) -> &str {
    let mut start = 0;
    while let Err(error) = std::str::from_utf8(&line[start..]) {
        let bad = start + error.valid_up_to();
        let end = error.error_len().map_or(line.len(), |length| bad + length);
        line[bad..end].fill(b'?');
        start = end;
    }
    std::str::from_utf8(line).unwrap_or_default()
}

/// Returns the values of these keys of a JSON object, or `None` when the text is no whole JSON object.
pub(super) fn pick<'a, const N: usize>(json: &'a str, keys: [&str; N]) -> Option<[Option<&'a RawValue>; N]> {
    if !json.starts_with('{') {
        return None;
    }
    whole(json, Keys(keys))
}

/// Returns the first `limit` elements of a JSON array and how many there are; none when it is no array.
pub(super) fn elements(json: &RawValue, limit: usize) -> (Vec<&RawValue>, usize) {
    if !json.get().starts_with('[') {
        return (Vec::new(), 0);
    }
    whole(json.get(), Elements { limit }).unwrap_or_default()
}

/// Returns the first `limit` values of a JSON object, whatever their keys; none when it is no object.
pub(super) fn values(json: &RawValue, limit: usize) -> Vec<&RawValue> {
    if !json.get().starts_with('{') {
        return Vec::new();
    }
    whole(json.get(), Values { limit }).unwrap_or_default()
}

/// Returns a JSON string as text, or `None` when it is no string. A lone surrogate becomes U+FFFD.
///
/// Claude Code cuts long texts by UTF-16 units, so that an escaped half of a pair is to be expected.
pub(super) fn text(json: &RawValue) -> Option<String> {
    whole(json.get(), Text)
}

/// Returns a text as one short line without control characters: for words and sentences, which may be anything.
pub(super) fn short(json: &RawValue) -> Option<String> {
    text(json).map(|text| one_line(&text))
}

/// Returns a JSON number as a count: fractions are cut off, negative numbers count as absent.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and what is negative was refused"
)]
pub(super) fn count(json: &RawValue) -> Option<u64> {
    json.get().parse().ok().or_else(|| amount(json).map(|amount| amount as u64))
}

/// Returns a JSON number that is finite and not negative.
pub(super) fn amount(json: &RawValue) -> Option<f64> {
    serde_json::from_str::<f64>(json.get()).ok().filter(|amount| amount.is_finite() && *amount >= 0.0)
}

/// Returns a JSON boolean.
pub(super) fn truth(json: &RawValue) -> Option<bool> {
    match json.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn whole<'a, S: DeserializeSeed<'a>>(json: &'a str, seed: S) -> Option<S::Value> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = seed.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok().map(|()| value)
}

struct Keys<'k, const N: usize>([&'k str; N]);

impl<'a, const N: usize> DeserializeSeed<'a> for Keys<'_, N> {
    type Value = [Option<&'a RawValue>; N];

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a, const N: usize> Visitor<'a> for Keys<'_, N> {
    type Value = [Option<&'a RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(key) = map.next_key_seed(Text)? {
            match self.0.iter().position(|wanted| *wanted == key) {
                Some(index) => found[index] = Some(map.next_value::<&RawValue>()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

struct Elements {
    limit: usize,
}

impl<'a> DeserializeSeed<'a> for Elements {
    type Value = (Vec<&'a RawValue>, usize);

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Elements {
    type Value = (Vec<&'a RawValue>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut first = Vec::new();
        let mut length = 0;
        loop {
            let more = if first.len() < self.limit {
                sequence.next_element::<&RawValue>()?.map(|value| first.push(value)).is_some()
            } else {
                sequence.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                return Ok((first, length));
            }
            length += 1;
        }
    }
}

struct Values {
    limit: usize,
}

impl<'a> DeserializeSeed<'a> for Values {
    type Value = Vec<&'a RawValue>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Values {
    type Value = Vec<&'a RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut first = Vec::new();
        while map.next_key::<IgnoredAny>()?.is_some() {
            if first.len() < self.limit {
                first.push(map.next_value::<&RawValue>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(first)
    }
}

/// Reads a string by its bytes, the one way in which `serde_json` takes a lone surrogate.
struct Text;

impl<'a> DeserializeSeed<'a> for Text {
    type Value = String;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Text {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
        Ok(match String::from_utf8_lossy(bytes) {
            Cow::Borrowed(text) => text.to_owned(),
            Cow::Owned(text) => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn of_equal_keys_the_last_one_counts_and_depth_does_no_harm() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let json = format!(r#"{{"a":1,"deep":{deep},"\u0061":2,"b":{deep}}}"#);
        let [a, b, c] = pick(&json, ["a", "b", "c"]).unwrap();
        assert_eq!(a.and_then(count), Some(2));
        assert_eq!(b.map(RawValue::get), Some(deep.as_str()));
        assert!(c.is_none());
    }

    #[test]
    fn what_is_no_whole_object_is_nothing() {
        for json in ["", "[]", "1", "null", r#"{"a":1"#, r#"{"a":1} {"#, r#"{"a":}"#, r#"{"a" 1}"#] {
            assert!(pick(json, ["a"]).is_none(), "{json}");
        }
    }

    #[test]
    fn values_of_the_wrong_kind_are_absent() {
        for json in ["null", "[1]", "{}", "true", "-1", r#""1""#, "1e999"] {
            assert_eq!((count(raw(json)), amount(raw(json))), (None, None), "{json}");
        }
        assert_eq!((count(raw("2.9")), count(raw("1e30"))), (Some(2), Some(u64::MAX)));
        assert_eq!((text(raw("1")), text(raw("[]"))), (None, None));
        assert_eq!(text(raw(r#""\ud83d\ude00 \ud83d""#)).unwrap(), "😀 \u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(elements(raw("{}"), 9).1, 0);
        assert_eq!(values(raw("[1]"), 9).len(), 0);
    }

    #[test]
    fn only_the_first_elements_are_kept_and_all_are_counted() {
        let (first, length) = elements(raw("[1, 2, 3]"), 2);
        assert_eq!((first.len(), length), (2, 3));
        assert_eq!(values(raw(r#"{"a":1,"b":2,"c":3}"#), 2).len(), 2);
    }

    #[test]
    fn bytes_that_are_no_text_are_overwritten_and_nothing_else() {
        let repair = |bytes: &[u8]| repaired(&mut bytes.to_vec()).to_owned();
        assert_eq!(repair("zażółć 日本".as_bytes()), "zażółć 日本");
        assert_eq!(repair(b"a\xffb\xe6\x97c\xe6\x97"), "a?b??c??");
    }
}
