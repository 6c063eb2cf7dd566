//! The `key=value` pairs of a script's line.

use serde_json::Value;

/// The pairs, in the order of the line.
#[derive(Debug)]
pub(super) struct Keys(Vec<(String, Value)>);

impl Keys {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pairs = Vec::new();
        let mut rest = text.trim_start();
        while let Some((key, after)) = rest.split_once('=') {
            let (value, after) = first_value(after)?;
            pairs.push((key.to_owned(), value));
            rest = after.trim_start();
        }
        if rest.is_empty() { Ok(Self(pairs)) } else { Err(format!("{rest:?} is no key=value")) }
    }

    pub(super) fn value(&self, key: &str) -> Option<Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    }

    pub(super) fn required(&self, key: &str) -> Result<String, String> {
        match self.value(key) {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Ok(other.to_string()),
            None => Err(format!("key {key:?} is missing")),
        }
    }

    pub(super) fn text_or(&self, key: &str, default: &str) -> String {
        self.required(key).unwrap_or_else(|_| default.to_owned())
    }

    pub(super) fn number(&self, key: &str) -> Result<u64, String> {
        let text = self.required(key)?;
        text.parse().map_err(|_| format!("{key}={text:?} is no number"))
    }

    pub(super) fn number_or(&self, key: &str, default: u64) -> Result<u64, String> {
        if self.value(key).is_some() { self.number(key) } else { Ok(default) }
    }

    pub(super) fn status(&self, key: &str, default: Option<u16>) -> Result<u16, String> {
        match (self.value(key), default) {
            (None, Some(default)) => Ok(default),
            _ => u16::try_from(self.number(key)?).map_err(|_| format!("{key} is no HTTP status")),
        }
    }
}

/// Splits off a value: JSON where it begins so, else the text up to the next blank.
fn first_value(text: &str) -> Result<(Value, &str), String> {
    if !text.starts_with(['"', '{', '[']) {
        let (word, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
        return Ok((Value::String(word.to_owned()), rest));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => {
            let end = values.byte_offset();
            Ok((value, &text[end..]))
        }
        Some(Err(error)) => Err(format!("a value is not JSON: {error}")),
        None => Err("a value is missing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_word_or_json() {
        let keys = Keys::parse(r#"n=3 cmd="a \"b\" = c" value={"x": [1, 2]} path=a=b"#).unwrap();
        assert_eq!(keys.number("n"), Ok(3));
        assert_eq!(keys.required("cmd").as_deref(), Ok(r#"a "b" = c"#));
        assert_eq!(keys.value("value"), Some(serde_json::json!({"x": [1, 2]})));
        assert_eq!(keys.required("path").as_deref(), Ok("a=b"));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["word", "cmd=\"open", "value={", "a=1 b"] {
            assert!(Keys::parse(text).is_err(), "{text:?} was accepted");
        }
        assert!(Keys::parse("n=x").unwrap().number_or("n", 1).is_err());
    }
}
