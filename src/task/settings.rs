//! The one table of settings: what each is called, what it holds, who may say it, what it is when nobody does.
//!
//! The table makes the [`Settings`] of a file, the resolved settings of `config`, the keys that the
//! parser knows, the lines of `git claudedo config` and the comparison with `docs/settings.md`. A new
//! setting is one more row.

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};

use super::reader::ValueSeed;
use super::value::{
    Age, Budget, CommandWords, GitValue, Interval, Lines, OutsidePath, PermissionMode, Program, PushAlong,
    PushUnproven, RelativePath, SettingType, Size, Span, Text, Whole, Word, Workspace, Written,
};

/// Where a setting may stand. Every one may stand in the user's git config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingPlace {
    /// In a task, a list and the repository's `config.yaml` too.
    Everywhere,
    /// Likewise, but from those files it counts only once the user allowed the repository's commands.
    EverywhereOnceAllowed,
    /// In the repository's `config.yaml` too, not in a task or list.
    Repository,
    /// Nowhere else: it loosens trust, passes on the environment or is about this machine.
    UserOnly,
}

/// Calls a macro with the rows: documentation, variant, field, type, default if any, place.
macro_rules! with_settings {
    ($callback:path) => {
        $callback! {
            /// Commit or branch to start from.
            Base, base: Word = Word::head(), Everywhere;
            /// Model of the agent, as `claude --model` takes it; without it, the agent's own default.
            Model, model: Word, Everywhere;
            /// Instructions on top of the agent's own; those of user, repository, list and task are all used.
            SystemPrompt, system_prompt: Text, Everywhere;
            /// Agent file (Markdown with front matter) to work as.
            Agent, agent: RelativePath, Everywhere;
            /// Most turns of one run; without it, no limit.
            MaxTurns, max_turns: Whole<1, 10000>, Everywhere;
            /// Most US dollars that one run may cost; without it, no limit.
            MaxBudgetUsd, max_budget_usd: Budget, Everywhere;
            /// What the agent may do without asking.
            PermissionMode, permission_mode: PermissionMode = PermissionMode::AcceptEdits, Everywhere;
            /// Tools the agent may use without asking, as `claude --allowedTools` takes them.
            AllowedTools, allowed_tools: Lines, EverywhereOnceAllowed;
            /// Longest time that one run may take.
            Timeout, timeout: Span = Span::minutes(120), Everywhere;
            /// Longest time without any output; less than 7m only for an agent that is a command.
            SilenceTimeout, silence_timeout: Span = Span::minutes(15), Everywhere;
            /// How often a failed run is tried again in the same session.
            Retries, retries: Whole<0, 10> = Whole::clamped(1), Everywhere;
            /// Pause before a run is tried again because the service was busy.
            ApiRetryPause, api_retry_pause: Span = Span::seconds(30), Everywhere;
            /// Time for the agent to end by itself after its result.
            ResultGrace, result_grace: Span = Span::seconds(30), Everywhere;
            /// The same while background work of the agent goes on.
            BackgroundGrace, background_grace: Span = Span::minutes(10), Everywhere;
            /// Time between asking the agent to end and killing it.
            KillGrace, kill_grace: Span = Span::seconds(10), Everywhere;
            /// JSON schema that the agent's answer must fit.
            ResultSchema, result_schema: RelativePath, Everywhere;
            /// Where the agent works: a linked worktree, or an empty folder.
            Workspace, workspace: Workspace = Workspace::Worktree, Everywhere;
            /// Commands that must exit 0 on the result; this version runs none, and holds a task that has some.
            Checks, checks: Lines, EverywhereOnceAllowed;
            /// Program to run as the agent in place of Claude Code, with its arguments.
            AgentCommand, agent_command: CommandWords, EverywhereOnceAllowed;
            /// How many runs go on at the same time.
            Slots, slots: Whole<1, 64> = Whole::clamped(2), Repository;
            /// What a push does with the branch of a task that is not proven: say nothing, tell, or refuse the push.
            PushUnproven, push_unproven: PushUnproven = PushUnproven::Warn, Repository;
            /// Most that the output of one run takes of the disk while it goes on; the middle of a longer one is dropped.
            LogMax, log_max: Size = Size::mebibytes(256), Repository;
            /// Most of a run's output that its record keeps: the beginning and the end.
            LogRecordMax, log_record_max: Size = Size::mebibytes(64), Repository;
            /// How often the worktree of a run that goes on is kept as a snapshot, if anything changed.
            SnapshotInterval, snapshot_interval: Interval = Interval::Every(Span::minutes(5)), Repository;
            /// Folder under which worktrees are made; without it, one in the user's state folder.
            WorktreeRoot, worktree_root: OutsidePath, UserOnly;
            /// Keep the worktree of a task that is done; if not, it goes once its files are on the branch.
            KeepWorktrees, keep_worktrees: bool = true, UserOnly;
            /// How long after its end a task's worktree stays, as long as all that is in it can be had again from a ref.
            PruneWorktrees, prune_worktrees: Age = Age::days(14), UserOnly;
            /// How long after its end a task's snapshots stay, as long as its branch has all that is in them.
            PruneSnapshots, prune_snapshots: Age = Age::days(90), UserOnly;
            /// How long after its end a run's log stays in the records.
            PruneLogs, prune_logs: Age = Age::Never, UserOnly;
            /// The most room for what is kept; beyond it, the oldest that is safe to remove goes before its age.
            PruneDisk, prune_disk: Size, UserOnly;
            /// Let the agent load the repository's own Claude Code settings, hooks and servers.
            ProjectSettings, project_settings: bool = false, UserOnly;
            /// The Claude Code program.
            Claude, claude: Program = Program::claude(), UserOnly;
            /// What travels along with a push; records hold all that the agents printed.
            Push, push: PushAlong = PushAlong::Nothing, UserOnly;
            /// Let files of the repository say which commands run.
            AllowRepositoryCommands, allow_repository_commands: bool = false, UserOnly;
        }
    };
}
pub(crate) use with_settings;

macro_rules! default_text {
    ($type:ty, $default:expr) => {{
        let default: $type = $default;
        Some(SettingType::show(&default))
    }};
    ($type:ty) => {
        None
    };
}

macro_rules! define_settings {
    ($($(#[doc = $doc:literal])+ $variant:ident, $field:ident: $type:ty $(= $default:expr)?, $place:ident;)+) => {
        /// A setting.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum SettingKey {
            $($(#[doc = $doc])+ $variant,)+
        }

        /// What one file, or the user, says of the settings. Absent means: ask the next layer.
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Settings {
            $($(#[doc = $doc])+ #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)+
        }

        impl SettingKey {
            /// All settings in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the name in YAML: `max_turns`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($field)),+ }
            }

            /// Returns what it means, in one line.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+)),+ }.trim()
            }

            /// Returns where it may stand.
            pub const fn place(self) -> SettingPlace {
                match self { $(Self::$variant => SettingPlace::$place),+ }
            }

            /// Returns what kind of value it has: `a whole number from 1 to 64`.
            pub fn expected(self) -> String {
                match self { $(Self::$variant => <$type as SettingType>::expected()),+ }
            }
        }

        impl SettingKey {
            /// Returns the text form of what it is when nobody says anything, where it has such a value.
            pub fn default_text(self) -> Option<String> {
                match self { $(Self::$variant => default_text!($type $(, $default)?)),+ }
            }
        }

        impl Settings {
            /// Reads the value of a key in a YAML file.
            pub(super) fn read<'de, A: MapAccess<'de>>(
                &mut self,
                key: SettingKey,
                values: &mut A,
            ) -> Result<(), A::Error> {
                match key {
                    $(SettingKey::$variant => self.$field = Some(values.next_value_seed(ValueSeed::new())?),)+
                }
                Ok(())
            }

            /// Reads the values that git config has for a key, oldest first; the error says what is wrong.
            pub fn set_from_git(&mut self, key: SettingKey, values: &[GitValue<'_>]) -> Result<(), String> {
                match key {
                    $(SettingKey::$variant => self.$field = Some(SettingType::from_git(values)?),)+
                }
                Ok(())
            }

            /// Forgets a value.
            pub fn clear(&mut self, key: SettingKey) {
                match key {
                    $(SettingKey::$variant => self.$field = None,)+
                }
            }

            /// Returns the settings that are present, in the order of the table, as a file has them.
            pub fn written(&self) -> Vec<(SettingKey, Written)> {
                let mut written = Vec::new();
                $(if let Some(value) = &self.$field {
                    written.push((SettingKey::$variant, value.written()));
                })+
                written
            }
        }
    };
}
with_settings!(define_settings);

impl SettingKey {
    /// Returns the setting with that name in YAML.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.name() == name)
    }

    /// Returns the setting with that key in git config, whatever the case: `claudedo.maxTurns`.
    pub fn from_git_key(git_key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.git_key().eq_ignore_ascii_case(git_key))
    }

    /// Returns the key in git config: `claudedo.maxTurns`.
    pub fn git_key(self) -> String {
        let mut words = self.name().split('_');
        let mut key = format!("claudedo.{}", words.next().unwrap_or_default());
        for word in words {
            key.push_str(&word[..1].to_ascii_uppercase());
            key.push_str(&word[1..]);
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    /// The table of `docs/settings.md`, as the table in this file has it.
    fn documented() -> String {
        let mut table = "| setting | git config | value | default | may stand in | meaning |\n|---|---|---|---|---|---|\n".to_owned();
        for key in SettingKey::ALL {
            let place = match key.place() {
                SettingPlace::Everywhere => "task, list, repository, user",
                SettingPlace::EverywhereOnceAllowed => "user; task, list, repository once allowed",
                SettingPlace::Repository => "repository, user",
                SettingPlace::UserOnly => "user",
            };
            let (name, git_key, expected, meaning) =
                (key.name(), key.git_key(), key.expected(), key.meaning());
            let default = key.default_text().map_or(String::new(), |text| format!("`{text}`"));
            let _ =
                writeln!(table, "| `{name}` | `{git_key}` | {expected} | {default} | {place} | {meaning} |");
        }
        table
    }

    #[test]
    fn the_documentation_has_exactly_this_table() {
        let page = include_str!("../../docs/settings.md");
        let start = page.find("| setting |").unwrap_or(page.len());
        let table: String =
            page[start..].split_inclusive('\n').take_while(|line| line.starts_with('|')).collect();
        assert!(table == documented(), "docs/settings.md should have this table:\n\n{}", documented());
    }

    #[test]
    fn every_setting_is_found_by_both_of_its_names() {
        for key in SettingKey::ALL {
            assert_eq!(SettingKey::from_name(key.name()), Some(*key));
            assert_eq!(SettingKey::from_git_key(&key.git_key().to_uppercase()), Some(*key));
        }
        assert_eq!(SettingKey::MaxBudgetUsd.git_key(), "claudedo.maxBudgetUsd");
    }
}
