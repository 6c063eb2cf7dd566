//! Names of tasks and lists as values.

use super::SettingType;
use crate::task::{ListName, ListNameError, TaskId, TaskIdError};

impl SettingType for TaskId {
    fn expected() -> String {
        "the id of another task".to_owned()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: TaskIdError| error.to_string())
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
        text.parse().map_err(|error: ListNameError| error.to_string())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}
