//! Reads the YAML that people write: tasks, lists and the repository's `config.yaml`.
//!
//! One visitor reads all three, key by key, against the keys that the kind of file may have. So an
//! unknown or repeated key is reported where it stands, which neither `deny_unknown_fields` (it
//! ends at a flattened struct) nor the library's own check (it names the start of the mapping) does.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::problem::{Flaw, TaskFileError, complaint, unpacked};
use super::settings::{SettingKey, SettingPlace, Settings};
use super::strict::{require_no_references, require_text};
use super::suggestion::closest;
use super::value::{OutsidePath, SettingType, Text, TextVisitor, Title, quoted};
use super::{ListName, TaskId};

/// What somebody wants: `.claudedo/tasks/<id>.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFile {
    /// What is wanted, in one line.
    pub title: Title,
    /// The rest of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text>,
    /// Its parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subtasks: Vec<Subtask>,
    /// The list whose defaults apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListName>,
    /// Whether it is kept out of the queue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
    /// Higher runs first; 0 when absent.
    #[serde(default)]
    pub priority: i32,
    /// Tasks that must be done before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<TaskId>,
    /// What it says of the settings.
    #[serde(default)]
    pub settings: Settings,
}

/// A part of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subtask {
    /// What is to be done, in one line.
    pub title: Title,
    /// Whether it is done.
    #[serde(default)]
    pub completed: bool,
}

/// Defaults for the tasks of one list: `.claudedo/lists/<list>.yaml`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListFile {
    /// Another local repository to work in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<OutsidePath>,
    /// What it says of the settings.
    pub settings: Settings,
}

/// Defaults for all tasks of the repository: `.claudedo/config.yaml`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepositoryFile {
    /// What it says of the settings.
    pub settings: Settings,
}

impl TaskFile {
    /// Returns a task with nothing but a title.
    pub fn new(title: Title) -> Self {
        Self {
            title,
            description: None,
            subtasks: Vec::new(),
            list: None,
            draft: false,
            priority: 0,
            after: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// Reads a task file. `path` is for messages; its stem is the task's id where it is one.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, TaskFileError> {
        <Self as PeopleFile>::parse(path, bytes)
    }
}

/// A kind of file that people write.
pub trait PeopleFile: Sized {
    /// Reads the file. `path` is for messages.
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, TaskFileError>;
}

impl PeopleFile for TaskFile {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, TaskFileError> {
        let own_id = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
        let draft = TaskDraft { own_id, ..TaskDraft::default() };
        let parts = parse(path, bytes, draft)?;
        let mut task = Self::new(parts.title.ok_or_else(|| missing_title(path, bytes))?);
        task.description = parts.description;
        task.subtasks = parts.subtasks;
        task.list = parts.list;
        task.draft = parts.draft;
        task.priority = parts.priority;
        task.after = parts.after;
        task.settings = parts.settings;
        Ok(task)
    }
}

impl PeopleFile for ListFile {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, TaskFileError> {
        parse(path, bytes, Self::default())
    }
}

impl PeopleFile for RepositoryFile {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, TaskFileError> {
        parse(path, bytes, Self::default())
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

/// What a mapping may hold, and where it goes.
trait Keyed {
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

#[derive(Default)]
struct TaskDraft {
    own_id: Option<String>,
    title: Option<Title>,
    description: Option<Text>,
    subtasks: Vec<Subtask>,
    list: Option<ListName>,
    draft: bool,
    priority: i32,
    after: Vec<TaskId>,
    settings: Settings,
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

/// Reads a mapping into a draft.
struct KeyedSeed<T>(T);

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
    if let Some(setting) = setting.filter(|_| T::NAME != SubtaskDraft::NAME) {
        let problem = format!("{} cannot be set in {}", setting.name(), T::NAME);
        return Err((problem, format!("set it with `git config {} …`", setting.git_key())));
    }
    let settings = SettingKey::ALL.iter().filter(|key| T::allows(key.place())).map(|key| key.name());
    let fix = match closest(key, T::KEYS.iter().copied().chain(settings)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if T::allows(SettingPlace::Everywhere) => {
            "delete the line; `git claudedo config` lists the settings".to_owned()
        }
        None => format!("delete it; {} has the keys {}", T::NAME, T::KEYS.join(", ")),
    };
    Err((format!("unknown key {}", quoted(key)), fix))
}

/// Reads a list whose items are read by a seed.
struct Items<S>(&'static str, S);

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

impl SettingType for TaskId {
    fn expected() -> String {
        "the id of another task".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: super::TaskIdError| error.to_string())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl SettingType for ListName {
    fn expected() -> String {
        "the name of a list: lowercase letters, digits and hyphens".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: super::ListNameError| error.to_string())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

fn parse<T: Keyed>(path: &Path, bytes: &[u8], draft: T) -> Result<T, TaskFileError> {
    let parsed = require_text(bytes).and_then(|text| {
        require_no_references(text)?;
        KeyedSeed(draft)
            .deserialize(serde_yaml::Deserializer::from_str(text))
            .map_err(|error| Flaw::of(text, &error))
    });
    parsed.map_err(|flaw| flaw.in_file(path, bytes))
}

fn missing_title(path: &Path, bytes: &[u8]) -> TaskFileError {
    Flaw::at(1, 1, "the task has no title", "write `title: …` on a line of its own").in_file(path, bytes)
}

impl Flaw {
    /// Returns what is wrong with a text that is not YAML at all.
    pub(super) fn in_yaml(text: &str) -> Self {
        let parsed: Result<de::IgnoredAny, _> = serde_yaml::from_str(text);
        match parsed {
            Err(error) => Self::of(text, &error),
            Ok(_) => Self::at(1, 1, "this is not YAML that can be read", "write plain `key: value` lines"),
        }
    }

    /// Returns what the YAML library found, in the words of this program.
    fn of(text: &str, error: &serde_yaml::Error) -> Self {
        let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
        let words = error.to_string();
        if let Some((problem, fix)) = unpacked(&words) {
            return Self::at(line, column, named(text, line, &words, problem), fix);
        }
        let (problem, fix) = translated(text, line, &words);
        Self::at(line, column, problem, fix)
    }
}

/// Puts the key in front of a complaint about its value: `max_turns: "many" is not a whole number`.
fn named(_text: &str, _line: usize, words: &str, problem: &str) -> String {
    match words.split_once(": \u{1f}") {
        Some((path, _)) => format!("{path}: {problem}"),
        None => problem.to_owned(),
    }
}

/// Returns the problem and the fix for an error in the library's own words.
fn translated(text: &str, line: usize, words: &str) -> (String, String) {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let has_tab = |line: &str| line[..indent(line)].contains('\t');
    let words = words.split(" at line ").next().unwrap_or(words);
    if let Some((path, mismatch)) = words.split_once("invalid type: ") {
        let (found, expected) = mismatch.split_once(", expected ").unwrap_or((mismatch, "something else"));
        let found = if found.starts_with("unit") { "nothing" } else { found };
        return (format!("{path}found {found}"), format!("write {expected}"));
    }
    if text.lines().nth(line.saturating_sub(1)).is_some_and(has_tab) {
        return ("a tab in the indentation".to_owned(), "indent with spaces".to_owned());
    }
    let fix = match words {
        "mapping values are not allowed in this context" => {
            "quote the text if it holds a colon, or line the key up with the others"
        }
        "unknown anchor" => {
            return (
                "a YAML alias, which is not supported here".to_owned(),
                "quote the text, or write it out".to_owned(),
            );
        }
        "recursion limit exceeded" => "write it flat; nothing here needs so many levels",
        "found character that cannot start any token" => "quote the text",
        "could not find expected ':'" => "write `key: value`, or indent the text under its key with `key: |`",
        "did not find expected key" => "line all keys up, and quote text that starts with a sign",
        _ => "write plain `key: value` lines, and quote text that holds signs",
    };
    (format!("this is not YAML: {words}"), fix.to_owned())
}
