//! Figures of snapshots: a worktree of two thousand files in which nothing, or one file, has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use git_claudedo::git::{BranchName, Repository};
use git_claudedo::runner::snapshots::Site;
use git_claudedo::store::snapshots::{Snapshots, Why};
use git_claudedo::store::state_directory::StateDirectory;
use git_claudedo::task::TaskId;

use crate::measure::{Costs, Range, help_with};
use crate::report::{Figure, Report};
use crate::workshop::{PROGRAM, Workshop};

/// Files of the worktree, and folders that they lie in.
const FILES: usize = 2_000;
const FOLDERS: usize = 100;

/// How often each command is run.
const ROUNDS: usize = 60;

/// Files that were written so recently are looked into once more.
const FRESH: Duration = Duration::from_secs(4);

/// How often what git takes one of ours may take.
const LIMIT: f64 = 1.2;

const TASK: &str = "fill-a1b2";

/// The word that makes this program take snapshots as a runner does.
pub(crate) const HELPER: &str = "--snapshots";

/// How many it takes.
const CALLS: u32 = 20;

/// An unchanged worktree: a snapshot as it is taken while a run goes on, in the runner, against all that `git status` does
/// beyond starting; then the command; then one changed file.
pub(crate) fn snapshot(report: &mut Report) {
    let workshop = Workshop::new();
    let worktree = at_rest(&workshop);
    let worktree = worktree.to_str().unwrap();
    let (mut git, mut git_start) = (Costs::default(), Costs::default());
    let (mut command, mut start, mut taken) = (Costs::default(), Costs::default(), Costs::default());
    for _ in 0..ROUNDS {
        git_start.push(workshop.measure("git", &["--version"]));
        git.push(workshop.measure("git", &["-C", worktree, "status", "--porcelain"]));
        taken.push(workshop.measure_own(&[HELPER, worktree]));
        start.push(workshop.measure(PROGRAM, &["--version"]));
        command.push(workshop.measure(PROGRAM, &["snapshots", "create", TASK]));
    }
    let (git_wall, git_cpu) = (git.wall_above(&git_start), git.cpu_above(&git_start));
    let name = "snapshot of 2,000 unchanged files (git: `status`)";
    both(report, name, (taken.cpu(), taken.wall()), (git_cpu, git_wall), Some(LIMIT));
    let ours = (command.cpu_above(&start), command.wall_above(&start));
    both(report, "`snapshots create` of them, without its start", ours, (git_cpu, git_wall), None);
    both(
        report,
        "`snapshots create` as a whole",
        (command.cpu(), command.wall()),
        (git.cpu(), git.wall()),
        None,
    );
    changed(report, &workshop, worktree);
}

/// Prints CPU and wall, and how often git's they are.
fn both(report: &mut Report, name: &str, ours: (Range, Range), git: (Range, Range), limit: Option<f64>) {
    for (what, ours, git) in [("CPU", ours.0, git.0), ("wall", ours.1, git.1)] {
        report.add(Figure::new(&format!("{name}, {what}"), "ms", ours).beside(git));
        let name = format!("{name}, {what} against git's");
        let figure = Figure::new(&name, "×", ours.over(git.median));
        report.add(match limit {
            Some(limit) => figure.at_most(limit),
            None => figure,
        });
    }
}

/// Takes snapshots of the task's worktree as its runner would, and prints what one costs.
pub(crate) fn help(words: &[String]) {
    let repository = Repository::discover(Path::new(".")).unwrap();
    let state = StateDirectory::new(&repository.common_dir());
    let task: TaskId = TASK.parse().unwrap();
    let branch: BranchName = format!("refs/heads/claudedo/{task}").parse().unwrap();
    let run = Snapshots::new(&repository, &state).load(&task).unwrap().pop().unwrap().run;
    let begins = repository.head_commit_id().unwrap();
    let path = Path::new(&words[0]);
    let site = Site { repository: &repository, state: &state, path, branch: &branch, begins };
    help_with(CALLS, || {
        let taken = site.take_again(&task, run, Why::Periodic, &AtomicBool::new(false)).unwrap();
        assert!(taken.is_none(), "something changed");
    });
}

fn changed(report: &mut Report, workshop: &Workshop, worktree: &str) {
    let (mut git, mut ours) = (Costs::default(), Costs::default());
    for round in 0..ROUNDS {
        fs::write(format!("{worktree}/folder-7/file-7.txt"), format!("Round {round}\n")).unwrap();
        let commit = format!("cd {worktree} && git add -A && git write-tree");
        ours.push(workshop.measure(PROGRAM, &["snapshots", "create", TASK]));
        git.push(workshop.measure("sh", &["-c", &commit]));
    }
    let (ours, git): (Range, Range) = (ours.wall(), git.wall());
    report.add(
        Figure::new("snapshot of 2,000 files, one changed (git: `add -A`, `write-tree`), wall", "ms", ours)
            .beside(git),
    );
}

/// Makes a task whose worktree has all the files, some of them untracked, and of which a snapshot was taken.
fn at_rest(workshop: &Workshop) -> PathBuf {
    let file = |folder: &str, number: usize| {
        workshop.path(&format!("{folder}/folder-{}/file-{number}.txt", number % FOLDERS))
    };
    for number in 0..FILES {
        let path = file("repository", number);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("File {number}\n").repeat(40)).unwrap();
    }
    fs::write(workshop.path("repository/.gitignore"), "*.log\ntarget/\nnode_modules/\n").unwrap();
    workshop.git(&["add", "-A"]);
    workshop.git(&["commit", "-qm", "Fill"]);
    workshop.use_agent("cat >/dev/null\necho untracked >untracked.txt\n");
    let tasks = workshop.path("repository/.claudedo/tasks");
    fs::create_dir_all(&tasks).unwrap();
    fs::write(tasks.join(format!("{TASK}.yaml")), "title: Fill\n").unwrap();
    workshop.claudedo(&["approve", "--all"]);
    workshop.claudedo(&["run", TASK]);
    let clones = fs::read_dir(workshop.path("state/git-claudedo")).unwrap();
    let worktree = clones.map(|clone| clone.unwrap().path().join("worktrees").join(TASK)).next().unwrap();
    fs::write(worktree.join("more.txt"), "more\n").unwrap();
    std::thread::sleep(FRESH);
    // git remembers what it saw, and so does a snapshot.
    workshop.git(&["-C", worktree.to_str().unwrap(), "status"]);
    workshop.claudedo(&["snapshots", "create", TASK]);
    worktree
}
