//! What holds for every file: reading it ends, soon, and what this program writes is read back as it was.

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{PeopleFile, RepositoryFile, SettingKey, SettingType, Settings, Subtask, TaskFile, Text, Title};
use crate::task::settings::with_settings;
use crate::task::value::{
    Age, Budget, CommandWords, Interval, Lines, OutsidePath, PermissionMode, Program, PushAlong,
    PushUnproven, RelativePath, Size, Span, Whole, Word, Workspace,
};

/// Generous, since tests run beside others: reading ends in milliseconds, a bomb would take hours.
const SOON: Duration = Duration::from_secs(5);

fn parse(text: &str) -> Result<TaskFile, super::TaskFileError> {
    TaskFile::parse(Path::new("task-2345.yaml"), text.as_bytes())
}

fn valid<T: SettingType>(candidate: &str) -> Option<T> {
    T::from_text(candidate).ok()
}

/// Gives every setting of the table a value made from one seed, where the seed fits it.
fn settings_from(seed: &str, number: u32) -> Settings {
    let mut settings = Settings::default();
    macro_rules! fill {
        ($($(#[doc = $doc:literal])+ $variant:ident, $field:ident: $type:ty $(= $default:expr)?, $place:ident;)+) => {
            $(settings.$field = valid::<$type>(seed)
                .or_else(|| valid::<$type>(&number.to_string()))
                .or_else(|| valid::<$type>(&format!("{number}ms")));)+
        };
    }
    with_settings!(fill);
    for key in SettingKey::ALL.iter().filter(|key| !TASK_PLACES.contains(&key.place())) {
        settings.clear(*key);
    }
    settings
}

const TASK_PLACES: [super::SettingPlace; 2] =
    [super::SettingPlace::Everywhere, super::SettingPlace::EverywhereOnceAllowed];

/// Texts with all that YAML could stumble over.
fn text() -> BoxedStrategy<String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("  ".to_owned()),
        Just("\t".to_owned()),
        Just("---".to_owned()),
        Just("# ".to_owned()),
        Just(": ".to_owned()),
        Just("- ".to_owned()),
        Just("*a &b !c".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("null".to_owned()),
        "[ -~]{0,12}",
        "\\PC{0,6}",
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces: Vec<String>| pieces.concat()).boxed()
}

fn task() -> impl Strategy<Value = TaskFile> {
    let title = text().prop_filter_map("not a title", |text| Title::from_text(&text).ok()).boxed();
    let subtasks = proptest::collection::vec((title.clone(), any::<bool>()), 0..3);
    let names = proptest::collection::vec("[a-z0-9][a-z0-9-]{0,20}", 0..3);
    (title, proptest::option::of(text()), subtasks, names, any::<i32>(), text(), any::<u32>()).prop_map(
        |(title, description, subtasks, names, priority, seed, number)| {
            let mut task = TaskFile::new(title);
            task.description = description.and_then(|text| Text::from_text(&text).ok());
            task.subtasks =
                subtasks.into_iter().map(|(title, completed)| Subtask { title, completed }).collect();
            task.list = names.first().and_then(|name| name.parse().ok());
            task.after = names.iter().filter_map(|name| name.parse().ok()).collect();
            task.priority = priority;
            task.draft = number % 2 == 0;
            task.settings = settings_from(&seed, number);
            task
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_a_task_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let error = TaskFile::parse(Path::new("x.yaml"), &bytes);
        prop_assert!(error.is_ok() || !error.unwrap_err().fix.is_empty());
    }

    #[test]
    fn any_yaml_like_text_is_a_task_or_an_error_with_a_place_inside_it(
        text in r#"(title: |description: |after: |\[|\]|\{|\}|&a|\*a|!t |\||>|'|"|- |: |\n|  |a|é|,|\?|#|%|\\|1){0,40}"#
    ) {
        if let Err(error) = parse(&text) {
            let line = error.place.unwrap().line;
            prop_assert!(line >= 1 && line <= text.lines().count().max(1), "line {line}");
        }
    }

    #[test]
    fn a_task_is_read_back_as_it_was_written(task in task()) {
        let yaml = task.to_yaml();
        prop_assert_eq!(parse(&yaml).map_err(|error| format!("{error}\n{yaml}")), Ok(task));
    }

    #[test]
    fn a_task_survives_json(task in task()) {
        let json = serde_json::to_string(&task).unwrap();
        prop_assert_eq!(serde_json::from_str::<TaskFile>(&json).unwrap(), task);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long reading takes is what is tested")]
fn a_file_that_would_unfold_into_billions_is_refused_at_once() {
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (name, former) in ('b'..='z').zip('a'..='y') {
        let aliases = format!("*{former},").repeat(6);
        bomb.extend([format!("{name}: &{name} [{aliases}]\n")]);
    }
    let nested = [
        ("[", ""),
        ("{a: ", ""),
        ("- ", ""),
        ("? ", ""),
        ("[[],", ""),
        ("a: {", "}"),
        ("!", ""),
        ("&a ", ""),
        ("'", "'"),
    ]
    .map(|(open, close)| open.repeat(60_000 / open.len() / 2) + &close.repeat(5_000));
    for text in nested.iter().chain([&bomb]) {
        for text in
            [text.clone(), format!("title: a\ndescription: {text}"), format!("title: a\nafter: [\n  {text}")]
        {
            let started = Instant::now();
            drop(parse(&text));
            assert!(started.elapsed() < SOON, "{:?} for {}…", started.elapsed(), &text[..40]);
        }
    }
}

#[test]
fn brackets_in_a_block_of_text_are_free() {
    let log = "[31mred [0m{\n  ".repeat(500);
    let task = parse(&format!("title: a\ndescription: |\n  {log}\nmodel: b\n")).unwrap();
    assert_eq!(task.settings.model.unwrap().as_str(), "b");
}

#[test]
fn a_written_task_is_tidy() {
    let text = "title: Fix the login redirect\ndescription: \"After SSO the user lands on /\\n\\nand not on the page.\\n\"\n\
        subtasks: [{title: 'Add: a test', completed: true}, {title: b}]\nlist: backend\npriority: -2\nafter: [one, two]\n\
        max_turns: 40\ntimeout: 90m\nchecks: [cargo test -q, 'true']\n";
    insta::assert_snapshot!(parse(text).unwrap().to_yaml(), @r##"
    title: Fix the login redirect
    description: |
      After SSO the user lands on /

      and not on the page.
    subtasks:
      - title: "Add: a test"
        completed: true
      - title: b
    list: backend
    priority: -2
    after: [one, two]
    max_turns: 40
    timeout: 1h30m
    checks: [cargo test -q, "true"]
    "##);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_obstacle() {
    let task = parse("\u{feff}title: a\r\ndescription: |\r\n  one\r\n  two\r\n").unwrap();
    assert_eq!(task.description.unwrap().as_str(), "one\ntwo\n");
}

#[test]
fn signs_of_yaml_are_plain_text_inside_text() {
    let task = parse("title: Fix *this* & that!\ndescription: |\n  **bold** *a &b\n  !important\n  <<: x\nchecks: ['*a']\n").unwrap();
    assert_eq!(task.title.as_str(), "Fix *this* & that!");
    assert_eq!(task.settings.checks.unwrap().items(), ["*a"]);
}

#[test]
fn a_repository_file_may_be_a_single_setting() {
    let file = RepositoryFile::parse(Path::new("config.yaml"), b"slots: 4\n").unwrap();
    assert_eq!(file.settings.slots, Some(Whole::clamped(4)));
}
