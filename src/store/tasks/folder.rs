//! The folder `.claudedo` of one work tree.

use std::collections::HashMap;
use std::fs::{DirEntry, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::cache::{self, Cache, Entry};
use super::entry::{FileBytes, Stamp, is_passed_over, read, require_regular, unreadable};
use super::readiness::{LastLine, Readiness, SETTLE_TIME};
use crate::git::FileContent;
use crate::os::clock;
use crate::os::fs::{self, FileError};
use crate::task::{TaskFile, TaskFileError, TaskId};
use crate::timestamp::Timestamp;

/// How often a new id is made up before giving up. Four random characters collide once in a million.
const ID_ATTEMPTS_MAX: usize = 8;

/// Where people's files of one work tree are. Making the value touches nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFolder {
    /// The root of the work tree.
    pub(super) work_tree: PathBuf,
    /// `$GIT_COMMON_DIR/claudedo`.
    local: PathBuf,
}

/// All task files, read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoadedTasks {
    /// Those that can be used, by id.
    pub tasks: Vec<(TaskId, LoadedTask)>,
    /// Those that cannot, by path, with the reason.
    pub invalid: Vec<TaskFileError>,
}

/// A task file as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedTask {
    /// What it says.
    pub file: Box<TaskFile>,
    /// Where it is.
    pub path: PathBuf,
    /// When it was last modified.
    pub modified: Timestamp,
    /// Whether it may be run.
    pub readiness: Readiness,
    /// What identifies the bytes that say so.
    pub content: FileContent,
}

/// A task file with the exact bytes that were read, to be run and recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskWithText {
    /// The task.
    pub id: TaskId,
    /// What they say.
    pub task: LoadedTask,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What cannot be done with a task file.
#[derive(Debug, thiserror::Error)]
pub enum TaskFolderError {
    /// The file cannot be used.
    #[error(transparent)]
    Invalid(#[from] TaskFileError),
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no such task.
    #[error("find task {id} in {}: the file is gone", folder.display())]
    NotFound {
        /// The task.
        id: TaskId,
        /// The folder of tasks.
        folder: PathBuf,
    },
    /// Every id that was made up is taken.
    #[error("find a free name in {} for a new task: the last one tried was {id}", folder.display())]
    NoFreeId {
        /// The last one tried.
        id: TaskId,
        /// The folder of tasks.
        folder: PathBuf,
    },
}

impl TaskFolder {
    /// Returns the folder of a work tree; `local` is `$GIT_COMMON_DIR/claudedo`.
    pub fn new(work_tree: &Path, local: &Path) -> Self {
        Self { work_tree: work_tree.to_owned(), local: local.to_owned() }
    }

    /// Returns the root of the work tree that the folder is in.
    pub fn work_tree(&self) -> &Path {
        &self.work_tree
    }

    /// Returns the path of `.claudedo`.
    pub fn path(&self) -> PathBuf {
        self.work_tree.join(".claudedo")
    }

    /// Returns the path of `.claudedo/tasks`, which a watcher looks at.
    pub fn tasks_path(&self) -> PathBuf {
        self.path().join("tasks")
    }

    /// Returns the path of `.claudedo/lists`.
    pub fn lists_path(&self) -> PathBuf {
        self.path().join("lists")
    }

    /// Returns where a task's file is, or would be.
    pub fn task_path(&self, id: &TaskId) -> PathBuf {
        self.tasks_path().join(format!("{id}.yaml"))
    }

    /// Loads all tasks, from the cache where it is certain. A missing folder holds no tasks.
    ///
    /// `now` is the moment before the call: files that change later are read again the next time.
    pub fn load_all(&self, now: Timestamp) -> LoadedTasks {
        let mut loaded = LoadedTasks::default();
        let names = match self.require_own_folders().and_then(|()| self.names(&mut loaded)) {
            Ok(names) => names,
            Err(error) => {
                loaded.invalid.push(error);
                return loaded;
            }
        };
        let cache_path = self.local.join("cache/tasks.json");
        let mut cache = Cache::load(&cache_path);
        let mut entries = Vec::new();
        let mut read_anew = 0_usize;
        for (id, stamp) in names {
            if let Some(entry) = cache.take(&id, &stamp) {
                entries.push((id, entry));
                continue;
            }
            match self.read_entry(&id) {
                Ok(Some(entry)) => {
                    read_anew += 1;
                    entries.push((id, entry));
                }
                Ok(None) => {}
                Err(error) => loaded.invalid.push(error),
            }
        }
        entries.sort_by(|(left, _), (right, _)| left.cmp(right));
        if read_anew > 0 || !cache.is_used_up() {
            let entries: HashMap<&TaskId, Entry> =
                entries.iter().map(|(id, entry)| (id, entry.clone())).collect();
            cache::set(&cache_path, &entries, now);
        }
        loaded.invalid.sort_by(|left, right| left.path.cmp(&right.path));
        loaded.tasks = entries
            .into_iter()
            .map(|(id, entry)| (id.clone(), entry.into_task(self.task_path(&id), now)))
            .collect();
        loaded
    }

    /// Loads the ids of all task files, also of those that cannot be used, in order. Opens none of them.
    pub fn load_ids(&self) -> Result<Vec<TaskId>, TaskFileError> {
        self.require_own_folders()?;
        let names = self.names(&mut LoadedTasks::default())?;
        let mut ids: Vec<TaskId> = names.into_iter().map(|(id, _)| id).collect();
        ids.sort();
        Ok(ids)
    }

    /// Loads one task from its file, never from the cache.
    pub fn load(&self, id: &TaskId, now: Timestamp) -> Result<Option<TaskWithText>, TaskFileError> {
        self.require_own_folders()?;
        let path = self.task_path(id);
        let Some(read) = read(&path)? else { return Ok(None) };
        let task = parsed(&path, &read)?.into_task(path, now);
        Ok(Some(TaskWithText { id: id.clone(), task, bytes: read.bytes }))
    }

    /// Creates a task's file under the first free id, ready to run at once.
    ///
    /// `new_id` makes up another id on each call. The cost does not depend on how many tasks there are.
    pub fn create(
        &self,
        task: &TaskFile,
        mut new_id: impl FnMut() -> TaskId,
    ) -> Result<TaskId, TaskFolderError> {
        self.require_own_folders()?;
        fs::create_directory(&self.tasks_path())?;
        let text = task.to_yaml();
        let mut id = new_id();
        for _ in 0..ID_ATTEMPTS_MAX {
            let path = self.task_path(&id);
            TaskFile::parse(&path, text.as_bytes())?;
            match fs::create_new(&path, text.as_bytes()) {
                Ok(()) => {
                    settle(&path);
                    return Ok(id);
                }
                Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => id = new_id(),
                Err(error) => return Err(error.into()),
            }
        }
        Err(TaskFolderError::NoFreeId { id, folder: self.tasks_path() })
    }

    /// Replaces a task's file by a text that must be valid, ready to run at once.
    pub fn replace(&self, id: &TaskId, text: &str) -> Result<TaskFile, TaskFolderError> {
        let path = self.require_task(id)?;
        let task = TaskFile::parse(&path, text.as_bytes())?;
        fs::write_atomic(&path, text.as_bytes())?;
        settle(&path);
        Ok(task)
    }

    /// Removes a task's file.
    pub fn remove(&self, id: &TaskId) -> Result<(), TaskFolderError> {
        let path = self.require_task(id)?;
        fs::remove_file(&path)?;
        Ok(fs::sync_directory(&self.tasks_path())?)
    }

    /// Refuses a `.claudedo` or `.claudedo/tasks` that leads elsewhere.
    /// Removes what killed commands left half written, unless the folder is a link to somewhere else.
    pub fn sweep(&self) {
        if self.require_own_folders().is_ok() {
            fs::sweep_files(&self.tasks_path());
        }
    }

    pub(super) fn require_own_folders(&self) -> Result<(), TaskFileError> {
        [self.path(), self.tasks_path()].iter().try_for_each(|path| require_folder(path))
    }

    fn require_task(&self, id: &TaskId) -> Result<PathBuf, TaskFolderError> {
        self.require_own_folders()?;
        let path = self.task_path(id);
        match path.symlink_metadata() {
            Ok(metadata) => Ok(require_regular(&path, &metadata).map(|()| path)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(TaskFolderError::NotFound { id: id.clone(), folder: self.tasks_path() })
            }
            Err(error) => Err(FileError::on("look at", &path)(error).into()),
        }
    }

    /// Returns the task files in the folder; what is in the way of one goes to `loaded.invalid`.
    fn names(&self, loaded: &mut LoadedTasks) -> Result<Vec<(TaskId, Stamp)>, TaskFileError> {
        let folder = self.tasks_path();
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(&folder, &error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(&folder, &error))?;
            match task_name(&entry) {
                Ok(Some(name)) => names.push(name),
                Ok(None) => {}
                Err(error) => loaded.invalid.push(error),
            }
        }
        Ok(names)
    }

    fn read_entry(&self, id: &TaskId) -> Result<Option<Entry>, TaskFileError> {
        let path = self.task_path(id);
        read(&path)?.map(|read| parsed(&path, &read)).transpose()
    }
}

impl Entry {
    fn into_task(self, path: PathBuf, now: Timestamp) -> LoadedTask {
        let readiness = Readiness::of(&self.stamp, self.last_line, now);
        let modified = self.stamp.modified();
        LoadedTask { file: self.task, path, modified, readiness, content: self.content }
    }
}

/// Refuses anything but a folder; what does not exist is fine.
pub(super) fn require_folder(path: &Path) -> Result<(), TaskFileError> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(metadata) if metadata.is_symlink() => {
            let fix = "replace it by a folder; its content would be somebody else's";
            Err(TaskFileError::whole(path, "it is a symlink, and those are not followed", fix))
        }
        Ok(_) => Err(TaskFileError::whole(path, "it is not a folder", "move it out of the way")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Returns the task that a file of the folder is, or `None` for a file that is none of ours.
fn task_name(entry: &DirEntry) -> Result<Option<(TaskId, Stamp)>, TaskFileError> {
    let (name, path) = (entry.file_name(), entry.path());
    let Some(name) = name.to_str() else {
        let fix = "rename the file to <id>.yaml, the id of lowercase letters, digits and hyphens";
        return Err(TaskFileError::whole(&path, "the file's name is not UTF-8", fix));
    };
    if is_passed_over(name) {
        return Ok(None);
    }
    let Some(stem) = name.strip_suffix(".yaml") else {
        let fix = format!(
            "rename the file to {}.yaml, or move it out of this folder",
            name.strip_suffix(".yml").unwrap_or("<id>")
        );
        return Err(TaskFileError::whole(&path, "the file's name does not end in .yaml", fix));
    };
    let id = stem.parse::<TaskId>().map_err(|error| {
        let fix = "rename the file to <id>.yaml, the id of lowercase letters, digits and hyphens";
        TaskFileError::whole(&path, format!("the file's name is no task id: {}", error.reason), fix)
    })?;
    let metadata = match entry.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&path, &error)),
    };
    require_regular(&path, &metadata)?;
    Ok(Some((id, Stamp::of(&metadata))))
}

fn parsed(path: &Path, read: &FileBytes) -> Result<Entry, TaskFileError> {
    let task = Box::new(TaskFile::parse(path, &read.bytes)?);
    let content = FileContent::of(&read.bytes).ok_or_else(|| {
        TaskFileError::whole(path, "its bytes are made to pass for others", "do not run it")
    })?;
    Ok(Entry { stamp: read.stamp, last_line: LastLine::of(&read.bytes), content, task })
}

/// Says of a file that this program just put in place whole that nobody is writing it.
///
/// Where the file system refuses, the file is ready two seconds later; that is no reason to fail, since the
/// file is there and would be written a second time by whoever tries again.
fn settle(path: &Path) {
    let milliseconds = u64::try_from(clock::now().unix_milliseconds()).unwrap_or(0);
    let settled = UNIX_EPOCH + Duration::from_millis(milliseconds).saturating_sub(SETTLE_TIME);
    let times = FileTimes::new().set_modified(settled);
    drop(File::options().write(true).open(path).and_then(|file| file.set_times(times)));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::readiness::Unsettled;
    use super::*;
    use crate::task::{SettingType, Title, new_task_id};

    struct Place {
        root: tempfile::TempDir,
        folder: TaskFolder,
    }

    impl Place {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let folder = TaskFolder::new(&root.path().join("work"), &root.path().join("git/claudedo"));
            std::fs::create_dir_all(root.path().join("work/.claudedo/tasks")).unwrap();
            Self { root, folder }
        }

        fn put(&self, name: &str, text: &str) -> PathBuf {
            let path = self.root.path().join("work/.claudedo/tasks").join(name);
            io::Write::write_all(&mut File::create(&path).unwrap(), text.as_bytes()).unwrap();
            path
        }

        fn load(&self) -> LoadedTasks {
            self.folder.load_all(later(Duration::from_secs(10)))
        }

        fn ids(&self) -> Vec<String> {
            self.load().tasks.iter().map(|(id, _)| id.to_string()).collect()
        }

        fn problems(&self) -> String {
            let root = self.root.path().join("work/.claudedo").display().to_string();
            let problems: Vec<String> = self.load().invalid.iter().map(ToString::to_string).collect();
            problems.join("\n").replace(&root, "<.claudedo>")
        }
    }

    fn later(duration: Duration) -> Timestamp {
        clock::now().plus(duration)
    }

    fn task(title: &str) -> TaskFile {
        TaskFile::new(Title::from_text(title).unwrap())
    }

    fn id(text: &str) -> TaskId {
        text.parse().unwrap()
    }

    #[test]
    fn no_folder_is_no_tasks() {
        let root = tempfile::tempdir().unwrap();
        let folder = TaskFolder::new(root.path(), &root.path().join("local"));
        assert_eq!(folder.load_all(clock::now()), LoadedTasks::default());
        assert_eq!(folder.load(&id("a"), clock::now()).unwrap(), None);
    }

    #[test]
    fn one_bad_file_never_stops_the_others() {
        let place = Place::new();
        place.put("good-1.yaml", "title: a\n");
        place.put("bad.yaml", "title: a\nmodle: b\n");
        place.put("Big Name.yaml", "title: a\n");
        place.put("notes.txt", "hello\n");
        place.put("other.yml", "title: a\n");
        for passed_over in [".good-1.yaml.swp", "good-1.yaml~", "#x#", ".hidden.yaml", "4913", "a.yaml.orig"]
        {
            place.put(passed_over, "half");
        }
        std::fs::create_dir(place.folder.tasks_path().join("folder.yaml")).unwrap();
        symlink("/etc/passwd", place.folder.tasks_path().join("link.yaml")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            place.folder.tasks_path().join("pipe.yaml"),
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        assert_eq!(place.ids(), ["good-1"]);
        assert_eq!(place.folder.load_ids().unwrap(), [id("bad"), id("good-1")]);
        insta::assert_snapshot!(place.problems(), @r##"
        read <.claudedo>/tasks/Big Name.yaml: the file's name is no task id: only lowercase letters, digits and hyphens are allowed
          fix: rename the file to <id>.yaml, the id of lowercase letters, digits and hyphens
        read <.claudedo>/tasks/bad.yaml:2:1: unknown key "modle"
          2 | modle: b
            | ^
          fix: did you mean `model`?
        read <.claudedo>/tasks/folder.yaml: it is not a regular file
          fix: move it out of this folder
        read <.claudedo>/tasks/link.yaml: it is a symlink, and those are not followed
          fix: replace it by the file that it points to
        read <.claudedo>/tasks/notes.txt: the file's name does not end in .yaml
          fix: rename the file to <id>.yaml, or move it out of this folder
        read <.claudedo>/tasks/other.yml: the file's name does not end in .yaml
          fix: rename the file to other.yaml, or move it out of this folder
        read <.claudedo>/tasks/pipe.yaml: it is not a regular file
          fix: move it out of this folder
        "##);
    }

    #[test]
    fn a_folder_that_leads_elsewhere_is_refused_for_reading_and_writing() {
        let place = Place::new();
        let tasks = place.folder.tasks_path();
        std::fs::rename(&tasks, place.root.path().join("elsewhere")).unwrap();
        symlink(place.root.path().join("elsewhere"), &tasks).unwrap();
        insta::assert_snapshot!(place.problems(), @r##"
        read <.claudedo>/tasks: it is a symlink, and those are not followed
          fix: replace it by a folder; its content would be somebody else's
        "##);
        assert!(place.folder.create(&task("a"), || id("a")).is_err());
        assert!(place.folder.load(&id("a"), clock::now()).is_err());
    }

    #[test]
    fn a_hand_written_file_is_ready_when_it_was_left_alone_and_ends_in_a_newline() {
        let place = Place::new();
        let path = place.put("half.yaml", "title: a");
        let readiness = |now| place.folder.load(&id("half"), now).unwrap().unwrap().task.readiness;
        assert_eq!(readiness(later(Duration::from_secs(9))), Readiness::Unsettled(Unsettled::NoFinalNewline));
        io::Write::write_all(&mut File::options().append(true).open(&path).unwrap(), b"b\n").unwrap();
        let Readiness::Unsettled(Unsettled::Changing { until }) = readiness(clock::now()) else {
            panic!("a file that changed this moment was ready");
        };
        assert_eq!(readiness(until), Readiness::Ready);
    }

    #[test]
    fn a_file_dated_in_the_future_is_judged_by_this_machines_clock() {
        let place = Place::new();
        let path = place.put("future.yaml", "title: a\n");
        let in_a_year = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
        File::options().write(true).open(path).unwrap().set_modified(in_a_year).unwrap();
        let readiness = |now| place.folder.load(&id("future"), now).unwrap().unwrap().task.readiness;
        assert_ne!(readiness(clock::now()), Readiness::Ready);
        assert_eq!(readiness(later(Duration::from_secs(9))), Readiness::Ready);
    }

    #[test]
    fn a_task_of_this_program_is_ready_at_once_until_somebody_edits_it() {
        let place = Place::new();
        let added = place.folder.create(&task("Fix it"), || new_task_id("Fix it", [1; 4])).unwrap();
        let load = || place.folder.load(&added, clock::now()).unwrap().unwrap();
        assert_eq!(load().task.readiness, Readiness::Ready);
        assert_eq!(load().bytes, b"title: Fix it\n");
        place.put(&format!("{added}.yaml"), "title: Fix that\n");
        assert_ne!(load().task.readiness, Readiness::Ready);
        place.folder.replace(&added, "title: Fix all\n").unwrap();
        assert_eq!(load().task.readiness, Readiness::Ready);
        assert!(place.folder.replace(&added, "titel: x\n").is_err());
        assert_eq!(load().bytes, b"title: Fix all\n");
        place.folder.remove(&added).unwrap();
        assert!(matches!(place.folder.remove(&added), Err(TaskFolderError::NotFound { .. })));
    }

    #[test]
    fn a_taken_id_is_left_alone_and_another_one_made_up() {
        let place = Place::new();
        place.put("a-1.yaml", "title: mine\n");
        let mut candidates = ["a-1", "a-2"].into_iter();
        let added = place.folder.create(&task("b"), || id(candidates.next().unwrap())).unwrap();
        assert_eq!(added, id("a-2"));
        assert!(matches!(
            place.folder.create(&task("b"), || id("a-1")),
            Err(TaskFolderError::NoFreeId { .. })
        ));
        assert_eq!(place.load().tasks[0].1.file.title.as_str(), "mine");
    }

    #[test]
    fn the_cache_never_hides_a_change() {
        let place = Place::new();
        let titles = || -> Vec<String> {
            let tasks = place.folder.load_all(clock::now()).tasks;
            tasks.iter().map(|(_, task)| task.file.title.to_string()).collect()
        };
        let path = place.put("a.yaml", "title: one\n");
        assert_eq!(titles(), ["one"]);
        place.put("a.yaml", "title: two\n");
        let modified = path.metadata().unwrap().modified().unwrap();
        assert_eq!(titles(), ["two"]);
        place.put("a.yaml", "title: six\n");
        File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert_eq!(titles(), ["six"]);
        std::fs::remove_file(path).unwrap();
        assert!(titles().is_empty());
    }

    #[test]
    fn an_unchanged_file_is_listed_from_the_cache_and_run_from_itself() {
        let place = Place::new();
        place.put("a.yaml", "title: one\n");
        place.put("b.yaml", "title: two\n");
        place.load();
        let cache = place.root.path().join("git/claudedo/cache/tasks.json");
        let text = std::fs::read_to_string(&cache).unwrap().replace("one", "forged");
        io::Write::write_all(&mut File::create(&cache).unwrap(), text.as_bytes()).unwrap();
        assert_eq!(place.load().tasks[0].1.file.title.as_str(), "forged");
        let run = place.folder.load(&id("a"), clock::now()).unwrap().unwrap();
        assert_eq!(run.task.file.title.as_str(), "one");
    }

    #[test]
    fn a_broken_cache_is_no_cache() {
        let place = Place::new();
        place.put("a.yaml", "title: one\n");
        let cache = place.root.path().join("git/claudedo/cache/tasks.json");
        for text in ["", "{", "[]", "{\"form\":\"0\",\"written\":\"2026-01-01T00:00:00Z\",\"entries\":{}}"] {
            assert_eq!(place.ids(), ["a"]);
            io::Write::write_all(&mut File::create(&cache).unwrap(), text.as_bytes()).unwrap();
        }
        assert_eq!(place.ids(), ["a"]);
    }
}
