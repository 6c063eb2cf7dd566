//! The folders whose changes wake a runner.
//!
//! Four places matter and each is flat: the folder of the tasks, that of the lists, the folder they are in with
//! the settings, and the local folder that changes when a command asks for a look. Two more are listened to for the one
//! name in them: the root of the work tree, so that a `.claudedo` that was deleted and made again is seen, and the
//! repository's own folder, for its configuration.

use crate::os::watch::Folder;
use crate::runner::{Engine, Wakes};

/// Returns what wakes a runner of this repository.
pub fn wakes(engine: &Engine) -> Wakes {
    let tasks = &engine.tasks;
    let all = |path| Folder { path, only: None };
    Wakes::of(vec![
        Folder { path: tasks.work_tree().to_owned(), only: tasks.path().file_name().map(ToOwned::to_owned) },
        Folder { path: engine.common_dir(), only: Some("config".into()) },
        all(tasks.path()),
        all(tasks.tasks_path()),
        all(tasks.lists_path()),
        all(engine.state.wake_path()),
    ])
}
