//! The kinds of value that a setting can have, each a type that holds only what is valid.
//!
//! Every value has one text form, the same in YAML, in git config and on the command line, so the
//! rule for it stands in one place: [`SettingType::from_text`]. What the rule refuses is said as a
//! fragment that follows the value's name: `"many" is not a whole number`.

mod age;
mod list;
mod name;
mod number;
mod path;
mod size;
mod span;
mod text;
mod word;

use std::fmt::Debug;

use serde::de::{self, Deserializer, Visitor};

use super::problem::complaint;

pub use age::Age;
pub use list::{CommandWords, Lines};
pub use number::{Budget, Whole};
pub use path::{OutsidePath, Program, RelativePath};
pub use size::Size;
pub use span::{Interval, Span};
pub use text::{Text, Title, Word};
pub use word::{PermissionMode, PushAlong, PushUnproven, Workspace};

/// A kind of value: how it is read and written.
pub trait SettingType: Sized + Clone + Debug + PartialEq {
    /// What is wanted, as a fragment: `a whole number from 1 to 64`.
    fn expected() -> String;

    /// Reads the text form; the error is a fragment that says what is wrong with it.
    fn from_text(text: &str) -> Result<Self, String>;

    /// Reads the values that git config has under one key, oldest first. The last one counts.
    fn from_git(values: &[GitValue<'_>]) -> Result<Self, String> {
        Self::from_text(values.last().map_or("", |value| value.text))
    }

    /// Returns the text form; several values are joined as a YAML list.
    fn show(&self) -> String;

    /// Returns the form that [`super::write`] puts into a file.
    fn written(&self) -> Written {
        Written::Text(self.show())
    }

    /// Reads a value of a YAML file.
    fn from_yaml<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(Self::from_text))
    }
}

/// One value of a key of git config that may have several.
#[derive(Debug, Clone, Copy)]
pub struct GitValue<'a> {
    /// The value.
    pub text: &'a str,
    /// Which file it is from.
    pub origin: &'a str,
}

/// What a value is in a YAML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// One scalar.
    Text(String),
    /// A list of scalars.
    List(Vec<String>),
}

/// Reads one scalar by a rule for texts.
pub(super) struct TextVisitor<F>(pub(super) F);

impl<T: SettingType, F: FnOnce(&str) -> Result<T, String>> Visitor<'_> for TextVisitor<F> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&T::expected())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text)
            .map_err(|problem| E::custom(complaint(problem, format_args!("write {}", T::expected()))))
    }
}

/// Quotes what a person wrote, cut to a readable length, with controls escaped.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{more}")
}

/// Makes a type go through its text form in JSON as well, so that no file of ours can hold an invalid one.
macro_rules! json_by_text {
    ($($type:ty),*) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&$crate::task::value::SettingType::show(self))
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $crate::task::value::SettingType::from_text(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}
use json_by_text;
