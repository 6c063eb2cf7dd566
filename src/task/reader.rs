//! Reads a YAML mapping key by key, against the keys that it may have.
//!
//! So an unknown or repeated key is reported where it stands, which neither `deny_unknown_fields` (it
//! ends at a flattened struct) nor the library's own check (it names the start of the mapping) does.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::problem::{Flaw, TaskFileError, complaint};
use super::settings::{SettingKey, SettingPlace, Settings};
use super::strict::{require_no_references, require_text};
use super::suggestion::closest;
use super::value::{SettingType, quoted};

/// What a mapping may hold, and where it goes.
pub(super) trait Keyed {
    /// What the mapping is, for messages: `a task`.
    const NAME: &'static str;
    /// Its keys besides the settings.
    const KEYS: &'static [&'static str];

    /// Returns whether a setting may stand here.
    fn allows(place: SettingPlace) -> bool;

    /// Reads the value of one of [`Self::KEYS`].
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, values: &mut A) -> Result<(), A::Error>;

    /// Returns where settings go, where there are any.
    fn settings(&mut self) -> Option<&mut Settings>;
}

/// Reads a whole file into a draft.
pub(super) fn parse<T: Keyed>(path: &Path, bytes: &[u8], draft: T) -> Result<T, TaskFileError> {
    let parsed = require_text(bytes).and_then(|text| {
        require_no_references(text)?;
        KeyedSeed(draft)
            .deserialize(serde_yaml::Deserializer::from_str(text))
            .map_err(|error| Flaw::of(text, &error))
    });
    parsed.map_err(|flaw| flaw.in_file(path, bytes))
}

/// Reads a mapping into a draft.
pub(super) struct KeyedSeed<T>(pub(super) T);

impl<'de, T: Keyed> DeserializeSeed<'de> for KeyedSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Keyed> Visitor<'de> for KeyedSeed<T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`key: value` lines that make {}", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut values: A) -> Result<T, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = values.next_key_seed(KeySeed::<T> { seen: &mut seen, kind: PhantomData })? {
            match (SettingKey::from_name(&key), self.0.settings()) {
                (Some(setting), Some(settings)) => settings.read(setting, &mut values)?,
                (Some(_) | None, _) => self.0.read(&key, &mut values)?,
            }
        }
        Ok(self.0)
    }
}

/// Reads a key, so that an unknown or repeated one is reported where it stands.
struct KeySeed<'a, T> {
    seen: &'a mut BTreeSet<String>,
    kind: PhantomData<T>,
}

impl<'de, T: Keyed> DeserializeSeed<'de> for KeySeed<'_, T> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T: Keyed> Visitor<'_> for KeySeed<'_, T> {
    type Value = String;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<String, E> {
        require_known::<T>(key).map_err(|(problem, fix)| E::custom(complaint(problem, fix)))?;
        if self.seen.insert(key.to_owned()) {
            return Ok(key.to_owned());
        }
        let problem = format!("the key {key} stands here for the second time");
        Err(E::custom(complaint(problem, "keep one of the two lines")))
    }
}

/// Refuses a key that this kind of file does not have, with what to write instead.
fn require_known<T: Keyed>(key: &str) -> Result<(), (String, String)> {
    let setting = SettingKey::from_name(key);
    if T::KEYS.contains(&key) || setting.is_some_and(|setting| T::allows(setting.place())) {
        return Ok(());
    }
    if key == "<<" {
        let problem = "a YAML merge key, which is not supported here".to_owned();
        return Err((problem, "write the keys out".to_owned()));
    }
    let has_settings = T::allows(SettingPlace::Everywhere);
    if let Some(setting) = setting.filter(|_| has_settings) {
        let problem = format!("{} cannot be set in {}", setting.name(), T::NAME);
        return Err((problem, format!("set it with `git config {} …`", setting.git_key())));
    }
    let settings = SettingKey::ALL.iter().filter(|key| T::allows(key.place())).map(|key| key.name());
    let fix = match closest(key, T::KEYS.iter().copied().chain(settings)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if has_settings => "delete the line; `git claudedo config` lists the settings".to_owned(),
        None => format!("delete it; {} has the keys {}", T::NAME, T::KEYS.join(", ")),
    };
    Err((format!("unknown key {}", quoted(key)), fix))
}

/// Reads a list whose items are read by a seed.
pub(super) struct Items<S>(pub(super) &'static str, pub(super) S);

impl<'de, S: DeserializeSeed<'de> + Clone> DeserializeSeed<'de> for Items<S> {
    type Value = Vec<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Clone> Visitor<'de> for Items<S> {
    type Value = Vec<S::Value>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = values.next_element_seed(self.1.clone())? {
            items.push(item);
        }
        Ok(items)
    }
}

/// Reads a value by the rule of its type.
pub(super) struct ValueSeed<T>(PhantomData<T>);

impl<T> ValueSeed<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: SettingType> DeserializeSeed<'de> for ValueSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::from_yaml(deserializer)
    }
}
