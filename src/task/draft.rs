//! What a task file says while it is being read, key by key.

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::file::{ListFile, RepositoryFile, Subtask};
use super::problem::complaint;
use super::reader::{Items, Keyed, KeyedSeed, ValueSeed};
use super::settings::{SettingPlace, Settings};
use super::value::{SettingType, Text, TextVisitor, Title};
use super::{ListName, TaskId};

/// A task of which parts may still be missing.
#[derive(Default)]
pub(super) struct TaskDraft {
    pub(super) own_id: Option<String>,
    pub(super) title: Option<Title>,
    pub(super) description: Option<Text>,
    pub(super) subtasks: Vec<Subtask>,
    pub(super) list: Option<ListName>,
    pub(super) draft: bool,
    pub(super) priority: i32,
    pub(super) after: Vec<TaskId>,
    pub(super) settings: Settings,
}

impl Keyed for TaskDraft {
    const NAME: &'static str = "a task";
    const KEYS: &'static [&'static str] =
        &["title", "description", "subtasks", "list", "draft", "priority", "after"];

    fn allows(place: SettingPlace) -> bool {
        matches!(place, SettingPlace::Everywhere | SettingPlace::EverywhereOnceAllowed)
    }

    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, values: &mut A) -> Result<(), A::Error> {
        match key {
            "title" => self.title = Some(values.next_value_seed(ValueSeed::new())?),
            "description" => self.description = Some(values.next_value_seed(ValueSeed::new())?),
            "subtasks" => self.subtasks = values.next_value_seed(Items("a list of subtasks", SubtaskSeed))?,
            "list" => self.list = Some(values.next_value_seed(ValueSeed::new())?),
            "draft" => self.draft = values.next_value_seed(ValueSeed::new())?,
            "priority" => self.priority = values.next_value_seed(ValueSeed::new())?,
            _ => {
                let seed = PredecessorSeed { own_id: self.own_id.clone() };
                self.after =
                    values.next_value_seed(Items("a list of task ids, such as [fix-login-7k3f]", seed))?;
            }
        }
        Ok(())
    }

    fn settings(&mut self) -> Option<&mut Settings> {
        Some(&mut self.settings)
    }
}

impl Keyed for ListFile {
    const NAME: &'static str = "a list";
    const KEYS: &'static [&'static str] = &["repository"];

    fn allows(place: SettingPlace) -> bool {
        TaskDraft::allows(place)
    }

    fn read<'de, A: MapAccess<'de>>(&mut self, _key: &str, values: &mut A) -> Result<(), A::Error> {
        self.repository = Some(values.next_value_seed(ValueSeed::new())?);
        Ok(())
    }

    fn settings(&mut self) -> Option<&mut Settings> {
        Some(&mut self.settings)
    }
}

impl Keyed for RepositoryFile {
    const NAME: &'static str = "the repository's config.yaml";
    const KEYS: &'static [&'static str] = &[];

    fn allows(place: SettingPlace) -> bool {
        place != SettingPlace::UserOnly
    }

    fn read<'de, A: MapAccess<'de>>(&mut self, _key: &str, _values: &mut A) -> Result<(), A::Error> {
        Ok(())
    }

    fn settings(&mut self) -> Option<&mut Settings> {
        Some(&mut self.settings)
    }
}

#[derive(Default)]
struct SubtaskDraft {
    title: Option<Title>,
    completed: bool,
}

impl Keyed for SubtaskDraft {
    const NAME: &'static str = "a subtask";
    const KEYS: &'static [&'static str] = &["title", "completed"];

    fn allows(_place: SettingPlace) -> bool {
        false
    }

    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, values: &mut A) -> Result<(), A::Error> {
        match key {
            "title" => self.title = Some(values.next_value_seed(ValueSeed::new())?),
            _ => self.completed = values.next_value_seed(ValueSeed::new())?,
        }
        Ok(())
    }

    fn settings(&mut self) -> Option<&mut Settings> {
        None
    }
}

#[derive(Clone, Copy)]
struct SubtaskSeed;

impl<'de> DeserializeSeed<'de> for SubtaskSeed {
    type Value = Subtask;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Subtask, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SubtaskSeed {
    type Value = Subtask;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a subtask with `title: …`")
    }

    fn visit_map<A: MapAccess<'de>>(self, values: A) -> Result<Subtask, A::Error> {
        let draft = KeyedSeed(SubtaskDraft::default()).visit_map(values)?;
        match draft.title {
            Some(title) => Ok(Subtask { title, completed: draft.completed }),
            None => Err(de::Error::custom(complaint("this subtask has no title", "write `title: …`"))),
        }
    }
}

/// Reads the id of a task that must be done before this one.
#[derive(Clone)]
struct PredecessorSeed {
    own_id: Option<String>,
}

impl<'de> DeserializeSeed<'de> for PredecessorSeed {
    type Value = TaskId;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<TaskId, D::Error> {
        let rule = |text: &str| match TaskId::from_text(text) {
            Ok(id) if self.own_id.as_deref() == Some(id.as_str()) => {
                Err("a task cannot wait for itself".to_owned())
            }
            other => other,
        };
        deserializer.deserialize_str(TextVisitor(rule))
    }
}
