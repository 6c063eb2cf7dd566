//! Settings with several values: lines, the words of a command.

use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::text::{require_allowed, require_value};
use super::{GitValue, SettingType, TextVisitor, Written, quoted};
use crate::task::problem::complaint;

/// How many values a list may have: what still fits a command line.
const ITEMS_MAX: usize = 200;

/// Lines of text, such as tools or commands to check with. Values of git config add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Lines(Vec<String>);

/// A program and its arguments. In git config the values of the last file that has any are the words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct CommandWords(Vec<String>);

/// What the two have in common.
trait List: SettingType + TryFrom<Vec<String>, Error = String> + Into<Vec<String>> {
    const EXPECTED: &'static str;

    fn require_item(text: &str) -> Result<(), String>;
}

macro_rules! list {
    ($type:ident, $expected:literal, $require_item:expr, $git_values:expr) => {
        impl $type {
            /// Returns the values in the order they were written.
            pub fn items(&self) -> &[String] {
                &self.0
            }
        }

        impl List for $type {
            const EXPECTED: &'static str = $expected;

            fn require_item(text: &str) -> Result<(), String> {
                $require_item(text)
            }
        }

        impl TryFrom<Vec<String>> for $type {
            type Error = String;

            fn try_from(items: Vec<String>) -> Result<Self, String> {
                if items.is_empty() || items.len() > ITEMS_MAX {
                    return Err(format!("has {} values, and 1 to {ITEMS_MAX} are allowed", items.len()));
                }
                items.iter().try_for_each(|item| Self::require_item(item))?;
                Ok(Self(items))
            }
        }

        impl From<$type> for Vec<String> {
            fn from(list: $type) -> Self {
                list.0
            }
        }

        impl SettingType for $type {
            fn expected() -> String {
                Self::EXPECTED.to_owned()
            }

            /// Reads a list in YAML's or JSON's bracket form, or one value.
            fn from_text(text: &str) -> Result<Self, String> {
                if !text.starts_with('[') {
                    return Self::try_from(vec![text.to_owned()]);
                }
                let items: Vec<String> =
                    serde_yaml::from_str(text).map_err(|_| format!("{} is not a list", quoted(text)))?;
                Self::try_from(items)
            }

            fn from_git(values: &[GitValue<'_>]) -> Result<Self, String> {
                let values: Vec<&str> = $git_values(values);
                match values.as_slice() {
                    [text] => Self::from_text(text),
                    _ => Self::try_from(values.into_iter().map(str::to_owned).collect::<Vec<_>>()),
                }
            }

            fn show(&self) -> String {
                let items: Vec<String> = self.0.iter().map(|item| crate::task::write::scalar(item)).collect();
                format!("[{}]", items.join(", "))
            }

            fn written(&self) -> Written {
                Written::List(self.0.clone())
            }

            fn from_yaml<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_seq(ListVisitor(PhantomData))
            }
        }
    };
}

list!(Lines, "a list of lines, such as [cargo test, cargo fmt --check]", require_line, added_up);
list!(
    CommandWords,
    "a program and its arguments as a list, such as [my-agent, --fast]",
    require_word,
    last_file
);

/// Returns all values; an empty one drops those before it, as git's own lists do.
fn added_up<'a>(values: &[GitValue<'a>]) -> Vec<&'a str> {
    let kept = values.iter().rposition(|value| value.text.is_empty()).map_or(0, |last| last + 1);
    values[kept..].iter().map(|value| value.text).collect()
}

/// Returns the values of the last file: words of two files together are no command that anybody wrote.
fn last_file<'a>(values: &[GitValue<'a>]) -> Vec<&'a str> {
    let last = values.last().map_or("", |value| value.origin);
    values.iter().filter(|value| value.origin == last).map(|value| value.text).collect()
}

fn require_line(text: &str) -> Result<(), String> {
    require_value(text)?;
    require_allowed(text)?;
    if text.contains('\n') { Err(format!("{} has more than one line", quoted(text))) } else { Ok(()) }
}

fn require_word(text: &str) -> Result<(), String> {
    require_allowed(text)
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: List> Visitor<'de> for ListVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<T, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = values.next_element_seed(ItemSeed::<T>(PhantomData))? {
            items.push(item);
        }
        T::try_from(items).map_err(|problem| {
            de::Error::custom(complaint(problem, format_args!("write {}, or delete the line", T::EXPECTED)))
        })
    }
}

/// Reads one item, so that the error has the item's place and not the list's.
struct ItemSeed<T>(PhantomData<T>);

impl<'de, T: List> DeserializeSeed<'de> for ItemSeed<T> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let one = |text: &str| T::try_from(vec![text.to_owned()]);
        let list: Vec<String> = deserializer.deserialize_str(TextVisitor(one))?.into();
        Ok(list.into_iter().next().unwrap_or_default())
    }
}
