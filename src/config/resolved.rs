//! Adds the layers up: one value and one origin for each setting, and what holds the task.

use super::layer::{Layer, Origin};
use crate::task::settings::with_settings;
use crate::task::value::{
    Age, Budget, CommandWords, Interval, Lines, OutsidePath, PermissionMode, Program, PushAlong,
    PushUnproven, RelativePath, SettingType, Size, Span, Text, Whole, Word, Workspace,
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
    /// A file of the repository says what may run without a question, and the user did not allow that.
    #[error("{} from {origin} needs `git config claudedo.allowRepositoryCommands true`", key.name())]
    RepositoryCommand {
        /// The setting.
        key: SettingKey,
        /// The file.
        origin: Origin,
    },
    /// The task relies on checks, which this version does not run.
    #[error("checks from {origin} are not run by this version; remove them to run the task without")]
    ChecksNotRun {
        /// Who set them.
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
        resolved.hold_checks();
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
            (SettingKey::AllowedTools, self.allowed_tools.value.is_some(), &self.allowed_tools.origin),
            (
                SettingKey::PermissionMode,
                self.permission_mode.value == PermissionMode::BypassPermissions,
                &self.permission_mode.origin,
            ),
        ];
        for (key, is_set, origin) in held {
            if is_set && origin.is_repository_side() {
                self.holds.push(Hold::RepositoryCommand { key, origin: origin.clone() });
            }
        }
    }

    /// Holds a task that relies on checks, since a success that nobody checked would not be what it asks for.
    fn hold_checks(&mut self) {
        if self.checks.value.is_some() {
            self.holds.push(Hold::ChecksNotRun { origin: self.checks.origin.clone() });
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{GitEntry, from_git};
    use crate::task::{ListFile, PeopleFile, RepositoryFile, TaskFile};

    fn task(yaml: &str) -> Layer {
        let file = TaskFile::parse(Path::new("tasks/a.yaml"), yaml.as_bytes()).unwrap();
        Layer::new(file.settings, Origin::Task("tasks/a.yaml".into()))
    }

    fn list(yaml: &str) -> Layer {
        let file = ListFile::parse(Path::new("lists/l.yaml"), yaml.as_bytes()).unwrap();
        Layer::new(file.settings, Origin::List("lists/l.yaml".into()))
    }

    fn repository(yaml: &str) -> Layer {
        let file = RepositoryFile::parse(Path::new("config.yaml"), yaml.as_bytes()).unwrap();
        Layer::new(file.settings, Origin::Repository("config.yaml".into()))
    }

    fn user(entries: &[(&str, &str)]) -> Layer {
        let entry = |(key, value): &(&str, &str)| GitEntry {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            origin: "global ~/.gitconfig".to_owned(),
        };
        from_git(&entries.iter().map(entry).collect::<Vec<_>>()).unwrap().0
    }

    fn shown(resolved: &Resolved) -> String {
        let row =
            |row: Row<'_>| format!("{}={} ({})", row.key.name(), row.value.unwrap_or_default(), row.origin);
        resolved.rows().into_iter().map(row).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_nearest_layer_wins_and_each_value_knows_where_it_is_from() {
        let layers = [
            task("title: a\nmodel: opus\n"),
            list("model: haiku\nmax_turns: 40\n"),
            repository("max_turns: 7\nslots: 3\ntimeout: 90m\n"),
            user(&[("claudedo.timeout", "1h"), ("CLAUDEDO.RETRIES", "0"), ("claudedo.keepworktrees", "yes")]),
        ];
        insta::assert_snapshot!(shown(&Resolved::new(&layers)), @r##"
        base=HEAD (built in)
        model=opus (tasks/a.yaml)
        system_prompt= (built in)
        agent= (built in)
        max_turns=40 (lists/l.yaml)
        max_budget_usd= (built in)
        permission_mode=acceptEdits (built in)
        allowed_tools= (built in)
        timeout=1h30m (config.yaml)
        silence_timeout=15m (built in)
        retries=0 (global ~/.gitconfig)
        api_retry_pause=30s (built in)
        result_grace=30s (built in)
        background_grace=10m (built in)
        kill_grace=10s (built in)
        result_schema= (built in)
        workspace=worktree (built in)
        checks= (built in)
        agent_command= (built in)
        slots=3 (config.yaml)
        push_unproven=warn (built in)
        log_max=256M (built in)
        log_record_max=64M (built in)
        snapshot_interval=5m (built in)
        worktree_root= (built in)
        keep_worktrees=true (global ~/.gitconfig)
        prune_worktrees=14d (built in)
        prune_snapshots=90d (built in)
        prune_logs=never (built in)
        prune_disk= (built in)
        project_settings=false (built in)
        claude=claude (built in)
        push=nothing (built in)
        allow_repository_commands=false (built in)
        "##);
    }

    #[test]
    fn instructions_of_all_layers_are_joined_the_users_first() {
        let layers = [
            task("title: a\nsystem_prompt: '  task  '\n"),
            list("system_prompt: \"\\n \\n\"\n"),
            repository("system_prompt: |\n  repository\n\n  second\n"),
            user(&[("claudedo.systemPrompt", "user")]),
        ];
        let resolved = Resolved::new(&layers);
        let text = resolved.system_prompt.value.unwrap();
        assert_eq!(text.as_str(), "user\n\nrepository\n\nsecond\n\ntask");
        let origins: Vec<String> = resolved.instruction_origins.iter().map(Origin::to_string).collect();
        assert_eq!(origins, ["global ~/.gitconfig", "config.yaml", "tasks/a.yaml"]);
        assert_eq!(Resolved::new(&[]).system_prompt.value, None);
    }

    #[test]
    fn a_command_of_the_repository_holds_the_task_until_the_user_allows_it() {
        let layer = repository(
            "agent_command: [sh, -c, evil]\nallowed_tools: [Bash]\npermission_mode: bypassPermissions\n",
        );
        let held = Resolved::new(std::slice::from_ref(&layer));
        let reasons: Vec<String> = held.holds.iter().map(Hold::to_string).collect();
        insta::assert_snapshot!(reasons.join("\n"), @r##"
        agent_command from config.yaml needs `git config claudedo.allowRepositoryCommands true`
        allowed_tools from config.yaml needs `git config claudedo.allowRepositoryCommands true`
        permission_mode from config.yaml needs `git config claudedo.allowRepositoryCommands true`
        "##);
        let allowed = [layer, user(&[("claudedo.allowRepositoryCommands", "true")])];
        assert_eq!(Resolved::new(&allowed).holds, []);
    }

    #[test]
    fn checks_that_nobody_would_run_hold_the_task() {
        let reasons: Vec<String> =
            Resolved::new(&[task("title: a\nchecks: [make]\n")]).holds.iter().map(Hold::to_string).collect();
        insta::assert_snapshot!(reasons.join("\n"), @"checks from tasks/a.yaml are not run by this version; remove them to run the task without");
    }

    #[test]
    fn a_command_of_the_user_needs_no_leave() {
        let words = [("claudedo.agentCommand", "my-agent"), ("claudedo.agentCommand", "--fast")];
        let resolved = Resolved::new(&[user(&words)]);
        assert_eq!(resolved.agent_command.value.unwrap().items(), ["my-agent", "--fast"]);
        assert_eq!(resolved.holds, []);
        let resolved = Resolved::new(&[user(&[("claudedo.agentCommand", r#"["my agent", "-x"]"#)])]);
        assert_eq!(resolved.agent_command.value.unwrap().items(), ["my agent", "-x"]);
    }

    #[test]
    fn a_silence_limit_that_ends_healthy_runs_holds_the_task_unless_the_agent_is_a_command() {
        let short = task("title: a\nsilence_timeout: 1m\n");
        let reasons: Vec<String> =
            Resolved::new(std::slice::from_ref(&short)).holds.iter().map(Hold::to_string).collect();
        insta::assert_snapshot!(reasons.join("\n"), @r##"silence_timeout 1m from tasks/a.yaml is less than 7m: healthy runs of Claude Code are silent for up to 361 s"##);
        assert_eq!(Resolved::new(&[short, user(&[("claudedo.agentCommand", "my-agent")])]).holds, []);
        assert_eq!(Resolved::new(&[task("title: a\nsilence_timeout: 7m\n")]).holds, []);
    }

    #[test]
    fn what_is_the_users_to_say_does_not_count_from_the_repository_whoever_put_it_there() {
        let settings = Settings {
            allow_repository_commands: Some(true),
            claude: Program::from_text("./evil").ok(),
            slots: Some(Whole::clamped(9)),
            ..Settings::default()
        };
        let resolved = Resolved::new(&[Layer::new(settings, Origin::Task("tasks/a.yaml".into()))]);
        assert!(!resolved.allow_repository_commands.value);
        assert_eq!(resolved.claude.value, Program::claude());
        assert_eq!(resolved.slots.origin, Origin::BuiltIn);
    }
}
