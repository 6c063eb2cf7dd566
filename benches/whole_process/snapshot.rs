//! Figures of snapshots: a worktree of two thousand files in which nothing, or one file, has changed.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::measure::{Costs, Range};
use crate::report::{Figure, Report};
use crate::workshop::{PROGRAM, Workshop};

/// Files of the worktree, and folders that they lie in.
const FILES: usize = 2_000;
const FOLDERS: usize = 100;

/// How often each command is run.
const ROUNDS: usize = 60;

/// Files that were written so recently are looked into once more.
const FRESH: Duration = Duration::from_secs(4);

const TASK: &str = "fill-a1b2";

/// An unchanged worktree against `git status` there, both without the price of starting at all; then one changed file.
pub(crate) fn snapshot(report: &mut Report) {
    let workshop = Workshop::new();
    let worktree = at_rest(&workshop);
    let worktree = worktree.to_str().unwrap();
    let create = ["snapshots", "create", TASK];
    let (mut git, mut ours, mut git_start, mut our_start) =
        (Costs::default(), Costs::default(), Costs::default(), Costs::default());
    for _ in 0..ROUNDS {
        git_start.push(workshop.measure("git", &["--version"]));
        git.push(workshop.measure("git", &["-C", worktree, "status", "--porcelain"]));
        our_start.push(workshop.measure(PROGRAM, &["--version"]));
        ours.push(workshop.measure(PROGRAM, &create));
    }
    let (ours_wall, git_wall) = (ours.wall_above(&our_start), git.wall_above(&git_start));
    let (ours_cpu, git_cpu) = (ours.cpu_above(&our_start), git.cpu_above(&git_start));
    report.add(
        Figure::new("snapshot of 2,000 unchanged files (git: `status`), wall", "ms", ours_wall)
            .beside(git_wall),
    );
    report.add(Figure::new("snapshot of 2,000 unchanged files, CPU", "ms", ours_cpu).beside(git_cpu));
    report.add(
        Figure::new(
            "snapshot of 2,000 unchanged files, wall against git's",
            "×",
            ours_wall.over(git_wall.median),
        )
        .at_most(1.2),
    );
    report.add(
        Figure::new(
            "snapshot of 2,000 unchanged files, CPU against git's",
            "×",
            ours_cpu.over(git_cpu.median),
        )
        .at_most(1.2),
    );
    report.add(Figure::new("the whole command, wall", "ms", ours.wall()).beside(git.wall()));
    changed(report, &workshop, worktree);
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
