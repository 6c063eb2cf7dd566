//! Ids of objects, one type for each kind, so that a tree cannot be passed where a commit is meant.
//!
//! An id is 40 hexadecimal digits in a SHA-1 repository and 64 in a SHA-256 one. It is written as those
//! digits everywhere: on the screen, in JSON, in file names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not the full id of an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the id of a {kind}: 40 or 64 hexadecimal digits are needed")]
pub struct IdError {
    kind: &'static str,
    text: String,
}

macro_rules! object_id {
    ($name:ident, $kind:literal, $story:literal) => {
        #[doc = $story]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(gix::ObjectId);

        impl $name {
            pub(super) fn new(id: gix::ObjectId) -> Self {
                Self(id)
            }

            pub(super) fn object_id(self) -> gix::ObjectId {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                gix::ObjectId::from_hex(text.as_bytes())
                    .map(Self)
                    .map_err(|_| IdError { kind: $kind, text: text.chars().take(80).collect() })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

object_id!(CommitId, "commit", "The id of a commit.");
object_id!(TreeId, "tree", "The id of a tree: a folder with everything in it.");
object_id!(BlobId, "blob", "The id of a blob: the bytes of one file.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_as_its_digits() {
        let digits = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        let id: TreeId = digits.parse().unwrap();
        assert_eq!(id.to_string(), digits);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{digits}\""));
        assert_eq!(serde_json::from_str::<TreeId>(&json).unwrap(), id);
    }

    #[test]
    fn an_abbreviation_is_no_id() {
        let error = "4b825dc".parse::<CommitId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"4b825dc\" is not the id of a commit: 40 or 64 hexadecimal digits are needed"
        );
    }
}
