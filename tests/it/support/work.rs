//! Tasks at work: files written, commands started, records read back with plain git.
//!
//! Records are read as anybody could read them, by the paths that `docs/format.md` promises, and never
//! through the program's own code: what both would get wrong must not look right.
#![expect(clippy::disallowed_methods, reason = "tests start programs and write files from outside")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Answer, TestRepository, fake_claude};

/// Longest wait for anything. Far more than needed, because the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// How old a task file looks that a test writes: nobody is writing it any more.
const SETTLED: Duration = Duration::from_hours(1);

impl TestRepository {
    /// Makes a repository whose agent is the scripted stand-in.
    pub(crate) fn with_fake() -> Self {
        let repository = Self::new();
        repository.use_fake_claude();
        repository
    }

    /// Makes one of that name, by these arguments of `git init`.
    pub(crate) fn of_kind_with_fake(name: &'static str, init: &[&str]) -> Self {
        let repository = Self::of_kind(name, init);
        repository.use_fake_claude();
        repository
    }

    /// Sets one of the user's settings.
    pub(crate) fn set(&self, key: &str, value: &str) {
        self.git(&["config", "--global", &format!("claudedo.{key}"), value]);
    }

    /// Writes a task file as it stands, long ago.
    pub(crate) fn write_task(&self, task: &str, yaml: &str) {
        let path = format!(".claudedo/tasks/{task}.yaml");
        self.write(&path, yaml);
        let file = fs::File::options().append(true).open(self.path().join(path)).unwrap();
        file.set_modified(SystemTime::now() - SETTLED).unwrap();
    }

    /// Writes a task whose agent plays these steps.
    pub(crate) fn add_task(&self, task: &str, steps: &[&str]) {
        self.write_task(task, &task_yaml(task, steps));
    }

    /// Starts `git-claudedo` in the work tree and does not wait for it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Started {
        self.start_with(arguments, &[])
    }

    /// Starts it with variables in its environment.
    pub(crate) fn start_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Started {
        let output = tempfile::tempdir_in(self.root().join("tmp")).unwrap();
        let create = |name: &str| Stdio::from(fs::File::create(output.path().join(name)).unwrap());
        // Who started the tests in the background may have had them ignore what ends a program.
        let mut command = self.program("env");
        command.args(["--default-signal=HUP,INT", env!("CARGO_BIN_EXE_git-claudedo")]).args(arguments);
        command.envs(variables.iter().copied());
        command.stdout(create("stdout")).stderr(create("stderr"));
        Started { child: command.spawn().unwrap(), output }
    }

    /// Runs tasks until nothing is left to run and requires this exit code.
    pub(crate) fn run(&self, status: i32) -> Answer {
        let answer = self.claudedo(&["run"]);
        assert_eq!(answer.status, status, "{answer:#?}");
        answer
    }

    /// Returns all records of a task, the first run first.
    pub(crate) fn records(&self, task: &str) -> Vec<Value> {
        let files = self.tracked_files(task);
        let records = files.iter().filter(|path| path.ends_with("/run.json"));
        records.map(|path| serde_json::from_slice(&self.tracked(path)).unwrap()).collect()
    }

    /// Returns the only record of a task.
    pub(crate) fn record(&self, task: &str) -> Value {
        let records = self.records(task);
        assert_eq!(records.len(), 1, "{records:#?}");
        records.into_iter().next().unwrap()
    }

    /// Returns all events of a task, the first one first.
    pub(crate) fn events(&self, task: &str) -> Vec<Value> {
        let files = self.tracked_files(task);
        let events = files.iter().filter(|path| path.contains("/events/"));
        events.map(|path| serde_json::from_slice(&self.tracked(path)).unwrap()).collect()
    }

    /// Returns the kinds of all events of a task, and the outcome of those that end a claim.
    pub(crate) fn history(&self, task: &str) -> String {
        let word = |event: &Value| {
            let kind = event["kind"].as_str().unwrap().to_owned();
            event["outcome"].as_str().map_or(kind.clone(), |outcome| format!("{kind}:{outcome}"))
        };
        self.events(task).iter().map(word).collect::<Vec<_>>().join(" ")
    }

    /// Returns a file that lies beside a run's record; the first run has number 1.
    pub(crate) fn run_file(&self, task: &str, number: u32, name: &str) -> Option<Vec<u8>> {
        let files = self.tracked_files(task);
        let ends = format!("/{name}");
        let of_run = format!("/runs/{number:04}-");
        files
            .iter()
            .find(|path| path.contains(&of_run) && path.ends_with(&ends))
            .map(|path| self.tracked(path))
    }

    /// Returns the log of a run: all segments, joined.
    pub(crate) fn log(&self, task: &str, number: u32) -> Vec<u8> {
        let of_run = format!("/runs/{number:04}-");
        let files = self.tracked_files(task);
        let segments = files.iter().filter(|path| path.contains(&of_run) && path.contains("/log/"));
        segments.flat_map(|path| self.tracked(path)).collect()
    }

    /// Returns the paths of a task on all tracking refs, sorted.
    fn tracked_files(&self, task: &str) -> Vec<String> {
        let folder = format!("tasks/{}/{task}", &task[task.len() - 2..]);
        self.tracking_refs()
            .iter()
            .flat_map(|name| {
                let files = self.git(&["ls-tree", "-r", "--name-only", name, "--", &format!("{folder}/")]);
                files.lines().map(|path| format!("{name}:{path}")).collect::<Vec<_>>()
            })
            .collect()
    }

    fn tracking_refs(&self) -> Vec<String> {
        let names = self.git(&["for-each-ref", "--format=%(refname)", "refs/claudedo/runs"]);
        names.lines().map(str::to_owned).collect()
    }

    fn tracked(&self, path: &str) -> Vec<u8> {
        let output = self.program("git").args(["cat-file", "blob", path]).output().unwrap();
        assert!(output.status.success(), "{path}");
        output.stdout
    }

    /// Returns the lines of the local event stream.
    pub(crate) fn stream(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.local("events.ndjson")).unwrap_or_default();
        // The last line may be in the middle of being written.
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Returns a path in this machine's local state.
    pub(crate) fn local(&self, path: &str) -> PathBuf {
        PathBuf::from(self.git(&["rev-parse", "--path-format=absolute", "--git-common-dir"]))
            .join("claudedo")
            .join(path)
    }

    /// Returns the folders of the runs that are not finished.
    pub(crate) fn run_folders(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.local("runs")) else { return Vec::new() };
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        folders
    }

    /// Returns the folder of the worktrees (or, by that name, of the sandboxes) of this repository.
    pub(crate) fn workspace(&self, kind: &str, task: &str) -> PathBuf {
        let clones = self.root().join("state/git-claudedo");
        let clone = fs::read_dir(clones).unwrap().next().unwrap().unwrap().path();
        clone.join(kind).join(task)
    }

    /// Returns the path that a task's agent was started in, as the stand-in saw it, once it is at work.
    pub(crate) fn wait_for_start(&self, count: usize) -> super::FakeStart {
        eventually("the agent starts", || {
            let mut starts = self.fake_starts();
            (starts.len() >= count && self.root().join(format!("fake/{count}/stdin")).exists())
                .then(|| starts.swap_remove(count - 1))
        })
    }

    /// Writes the file that an agent's step `wait-for` waits for.
    pub(crate) fn release(&self, name: &str) {
        fs::write(self.gate(name), "").unwrap();
    }

    /// Returns the absolute path of such a file, outside of every worktree.
    pub(crate) fn gate(&self, name: &str) -> PathBuf {
        self.root().join("tmp").join(name)
    }

    /// Returns the step that waits until the test releases it.
    pub(crate) fn wait_step(&self, name: &str) -> String {
        format!("wait-for {}", self.gate(name).display())
    }

    /// Waits until what the agent of the only run has printed holds a text.
    pub(crate) fn wait_for_output(&self, text: &str) {
        eventually(&format!("the agent prints {text:?}"), || {
            let log = fs::read(self.run_folders().first()?.join("log.ndjson")).ok()?;
            String::from_utf8_lossy(&log).contains(text).then_some(())
        });
    }

    /// Waits until the event stream tells something.
    pub(crate) fn wait_for_event(&self, text: &str) {
        eventually(&format!("the runner tells {text:?}"), || {
            self.stream().iter().any(|event| event.to_string().contains(text)).then_some(())
        });
    }

    /// Returns the only run's `process.json`, as soon as it is there.
    pub(crate) fn wait_for_process(&self) -> Value {
        eventually("the supervisor reports", || {
            let folders = self.run_folders();
            let text = fs::read(folders.first()?.join("process.json")).ok()?;
            serde_json::from_slice(&text).ok()
        })
    }
}

/// Returns a task file whose agent plays these steps.
pub(crate) fn task_yaml(title: &str, steps: &[&str]) -> String {
    let mut text = format!("title: {title}\ndescription: |\n  Play:\n");
    for step in steps {
        text.push_str("  @fake ");
        text.push_str(step);
        text.push('\n');
    }
    text
}

/// Waits until something is there.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// Kills a process by its id, as `kill -9` does.
pub(crate) fn kill(id: &Value) {
    let id = i32::try_from(id.as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
    // Its file locks are free, and a reader knows that it is gone, only once the kernel has ended it.
    eventually("the process is gone", || is_gone(id).then_some(()));
}

/// A zombie counts as gone: whoever should wait for it may be busy.
fn is_gone(id: i32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { return true };
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// A command that is at work.
#[derive(Debug)]
pub(crate) struct Started {
    child: Child,
    output: tempfile::TempDir,
}

impl Started {
    /// Returns its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Kills it and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Returns what it has said on stderr so far.
    pub(crate) fn stderr(&self) -> String {
        read(&self.output.path().join("stderr"))
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Answer {
        let status = eventually("the command ends", || self.child.try_wait().unwrap());
        Answer {
            status: status.code().unwrap_or(-1),
            stdout: read(&self.output.path().join("stdout")),
            stderr: self.stderr(),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It is gone already where the test waited for it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// Returns the path of the stand-in as text.
pub(crate) fn fake_program() -> String {
    fake_claude().to_str().unwrap().to_owned()
}
