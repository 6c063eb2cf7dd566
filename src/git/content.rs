//! What identifies the bytes of a file: their SHA-256, and every blob that git may have made of them.
//!
//! The SHA-256 is that of the bytes alone, so that `sha256sum` gives the same; it does not depend on how the
//! repository names its objects. The blobs are named both ways, because the names are kept where nobody knows
//! which way the repository has.

use std::fmt;
use std::str::FromStr;

use gix::hash::Kind;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::BlobId;

/// The keyword that git's attribute `ident` expands in a work tree (gitattributes(5)).
const IDENT: &[u8] = b"$Id:";

/// The SHA-256 of the bytes of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId(gix::ObjectId);

/// A text that is not the id of a content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the id of a content: 64 hexadecimal digits are needed")]
pub struct ContentIdError {
    text: String,
}

/// The bytes of a file, by all their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileContent {
    /// What they are.
    pub id: ContentId,
    /// The blobs that git stores for them, whichever attributes a path has: the bytes as they are, with LF as the end of
    /// lines, and with `$Id$` unexpanded; each in SHA-1 and in SHA-256.
    pub(super) blobs: Vec<BlobId>,
}

impl FileContent {
    /// Returns what identifies these bytes.
    ///
    /// `None` when they were made to collide under a hash, so that no id tells them from others.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let mut hasher = gix::hash::hasher(Kind::Sha256);
        hasher.update(bytes);
        let id = ContentId(hasher.try_finalize().ok()?);
        let with_lf = without_carriage_returns(bytes);
        let plain = without_ident(&with_lf);
        let mut blobs = Vec::new();
        for form in [bytes, &with_lf, &plain] {
            for kind in [Kind::Sha1, Kind::Sha256] {
                let blob = gix::objs::compute_hash(kind, gix::objs::Kind::Blob, form).ok()?;
                blobs.push(BlobId::new(blob));
            }
        }
        blobs.sort_unstable();
        blobs.dedup();
        Some(Self { id, blobs })
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentId({})", self.0)
    }
}

impl FromStr for ContentId {
    type Err = ContentIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = gix::ObjectId::from_hex(text.as_bytes()).ok().filter(|id| id.kind() == Kind::Sha256);
        id.map(Self).ok_or_else(|| ContentIdError { text: text.chars().take(80).collect() })
    }
}

impl Serialize for ContentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn without_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().peekable();
    while let Some(byte) = rest.next() {
        if *byte != b'\r' || rest.peek() != Some(&&b'\n') {
            plain.push(*byte);
        }
    }
    plain
}

/// Turns every `$Id: …$` of one line back into `$Id$`, as git does when it stores a file.
fn without_ident(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(start) = rest.windows(IDENT.len()).position(|window| window == IDENT) {
        let (before, expanded) = rest.split_at(start);
        let after = &expanded[IDENT.len()..];
        plain.extend_from_slice(before);
        match after.iter().position(|byte| matches!(byte, b'$' | b'\n')) {
            Some(end) if after[end] == b'$' => {
                plain.extend_from_slice(b"$Id$");
                rest = &after[end + 1..];
            }
            Some(_) | None => {
                plain.extend_from_slice(IDENT);
                rest = after;
            }
        }
    }
    plain.extend_from_slice(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_what_sha256sum_prints() {
        let digits = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        assert_eq!(FileContent::of(b"hello\n").unwrap().id.to_string(), digits);
        assert_eq!(digits.parse::<ContentId>().unwrap(), FileContent::of(b"hello\n").unwrap().id);
        assert!("ce013625030ba8dba906f756967f9e9ca394464a".parse::<ContentId>().is_err());
    }

    #[test]
    fn the_blobs_of_a_file_are_those_of_every_form_that_git_may_store() {
        let stored = FileContent::of(b"a $Id$ b\nc\n").unwrap();
        assert_eq!(stored.blobs.len(), 2);
        for written in [&b"a $Id$ b\r\nc\r\n"[..], b"a $Id: 0123 $ b\nc\n", b"a $Id: 0123 $ b\r\nc\n"] {
            let written = FileContent::of(written).unwrap();
            assert_ne!(written.id, stored.id);
            assert!(stored.blobs.iter().all(|blob| written.blobs.contains(blob)), "{written:?}");
        }
        let other = FileContent::of(b"$Id: no end\n$ x\rz").unwrap();
        assert_eq!(other.blobs.len(), 2, "{other:?}");
    }
}
