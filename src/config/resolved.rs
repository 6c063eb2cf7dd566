//! Adds the layers up: one value and one origin for each setting, and what holds the task.

use super::layer::{Layer, Origin};
use crate::task::settings::with_settings;
use crate::task::value::{
    Budget, CommandWords, Lines, OutsidePath, PermissionMode, Program, RelativePath, SettingType, Span, Text,
    VariableNames, Whole, Word, Workspace,
};
use crate::task::{SettingKey, SettingPlace, Settings};

/// The shortest silence after which Claude Code may be ended: healthy runs are silent for up to 361 s
/// (Claude Code 2.1.330, measured: its own retries of a busy service print nothing).
pub const SILENCE_MIN: Span = Span::minutes(7);

/// A value and where it is from.
#[derive(Debug, Clone, PartialEq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it is from.
    pub origin: Origin,
}

/// One line of `git claudedo config --show-origin`.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// The setting.
    pub key: SettingKey,
    /// Its value in text form, or `None` when it has none.
    pub value: Option<String>,
    /// Where it is from.
    pub origin: &'a Origin,
}

/// Why a task may not run with these settings.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Hold {
    /// A file of the repository says what command is to run, and the user did not allow that.
    #[error("{} from {origin} needs `git config claudedo.allowRepositoryCommands true`", key.name())]
    RepositoryCommand {
        /// The setting.
        key: SettingKey,
        /// The file.
        origin: Origin,
    },
    /// The silence limit would end healthy runs.
    #[error(
        "silence_timeout {value} from {origin} is less than {SILENCE_MIN}: healthy runs of Claude Code are silent for up to 361 s"
    )]
    SilenceTooShort {
        /// The limit.
        value: Span,
        /// Who set it.
        origin: Origin,
    },
}

macro_rules! resolved_type {
    ($type:ty = $default:expr) => { $type };
    ($type:ty) => { Option<$type> };
}

macro_rules! resolved_value {
    ($found:expr; = $default:expr) => {
        $found.map_or_else(
            || Sourced { value: $default, origin: Origin::BuiltIn },
            |(value, origin)| Sourced { value, origin },
        )
    };
    ($found:expr;) => {
        $found.map_or_else(
            || Sourced { value: None, origin: Origin::BuiltIn },
            |(value, origin)| Sourced { value: Some(value), origin },
        )
    };
}

macro_rules! shown_value {
    ($value:expr; = $default:expr) => {
        Some(SettingType::show(&$value))
    };
    ($value:expr;) => {
        $value.as_ref().map(SettingType::show)
    };
}

macro_rules! define_resolved {
    ($($(#[doc = $doc:literal])+ $variant:ident, $field:ident: $type:ty $(= $default:expr)?, $place:ident;)+) => {
        /// All settings of one task, each with its origin, and what holds the task.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Resolved {
            $($(#[doc = $doc])+ pub $field: Sourced<resolved_type!($type $(= $default)?)>,)+
            /// Who contributed to the instructions in `system_prompt`, in the order of the text.
            pub instruction_origins: Vec<Origin>,
            /// Why the task may not run; empty when it may.
            pub holds: Vec<Hold>,
        }

        impl Resolved {
            fn first_found(layers: &[Layer]) -> Self {
                Self {
                    $($field: resolved_value!(
                        first(layers, SettingKey::$variant, |settings| settings.$field.as_ref());
                        $(= $default)?
                    ),)+
                    instruction_origins: Vec::new(),
                    holds: Vec::new(),
                }
            }

            /// Returns all settings in the order of the table, with their values in text form.
            pub fn rows(&self) -> Vec<Row<'_>> {
                vec![$(Row {
                    key: SettingKey::$variant,
                    value: shown_value!(self.$field.value; $(= $default)?),
                    origin: &self.$field.origin,
                },)+]
            }
        }
    };
}
with_settings!(define_resolved);

impl Resolved {
    /// Adds the layers up. They come in the order of precedence: command line, task, list, repository, user.
    ///
    /// A value that a layer may not set (see [`SettingPlace`]) does not count, whatever brought it there.
    pub fn new(layers: &[Layer]) -> Self {
        let layers: Vec<Layer> = layers.iter().map(allowed).collect();
        let mut resolved = Self::first_found(&layers);
        resolved.merge_instructions(&layers);
        resolved.hold_repository_commands();
        resolved.hold_short_silence();
        resolved
    }

    /// Joins the instructions of all layers, the user's first, by a blank line; blank ones are dropped.
    fn merge_instructions(&mut self, layers: &[Layer]) {
        let mut parts = Vec::new();
        for layer in layers.iter().rev() {
            let text = layer.settings.system_prompt.as_ref().map_or("", Text::as_str).trim();
            if !text.is_empty() {
                parts.push(text);
                self.instruction_origins.push(layer.origin(SettingKey::SystemPrompt).clone());
            }
        }
        self.system_prompt.value = Text::from_text(&parts.join("\n\n")).ok().filter(|_| !parts.is_empty());
        self.system_prompt.origin = self.instruction_origins.last().cloned().unwrap_or(Origin::BuiltIn);
    }

    /// Holds the task when a command is the repository's and the user did not allow those.
    fn hold_repository_commands(&mut self) {
        if self.allow_repository_commands.value {
            return;
        }
        let held = [
            (SettingKey::AgentCommand, self.agent_command.value.is_some(), &self.agent_command.origin),
            (SettingKey::Checks, self.checks.value.is_some(), &self.checks.origin),
        ];
        for (key, is_set, origin) in held {
            if is_set && origin.is_repository_side() {
                self.holds.push(Hold::RepositoryCommand { key, origin: origin.clone() });
            }
        }
    }

    fn hold_short_silence(&mut self) {
        let Sourced { value, origin } = &self.silence_timeout;
        if *value < SILENCE_MIN && self.agent_command.value.is_none() {
            self.holds.push(Hold::SilenceTooShort { value: *value, origin: origin.clone() });
        }
    }
}

/// Returns the layer without what it may not say.
fn allowed(layer: &Layer) -> Layer {
    let mut layer = layer.clone();
    for key in SettingKey::ALL {
        let origin = layer.origin(*key);
        let may = match key.place() {
            SettingPlace::Everywhere | SettingPlace::EverywhereOnceAllowed => true,
            SettingPlace::Repository => !matches!(origin, Origin::Task(_) | Origin::List(_)),
            SettingPlace::UserOnly => !origin.is_repository_side(),
        };
        if !may {
            layer.settings.clear(*key);
        }
    }
    layer
}

fn first<T: Clone>(
    layers: &[Layer],
    key: SettingKey,
    field: impl Fn(&Settings) -> Option<&T>,
) -> Option<(T, Origin)> {
    layers.iter().find_map(|layer| Some((field(&layer.settings)?.clone(), layer.origin(key).clone())))
}
