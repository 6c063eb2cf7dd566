//! What a start costs that has nothing to recover, and one that has 100 dead runs.
//!
//! A hundred dead runs are made in two halves, since a runner has at most 64 slots: the locks of the first half are held
//! by this program while the second half is made, or its runner would finish the first. Of each half, every other agent
//! was killed at its work together with its supervisor (an orphan whose session goes on, so that a new agent starts);
//! the others had ended after their runner was killed (an end to be recorded).

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::measure::Costs;
use crate::report::{Figure, Report};
use crate::workshop::{PROGRAM, Workshop};

/// How often a start with nothing to recover is measured.
const ROUNDS: usize = 200;

/// What a start may take more that looks for something to recover and finds nothing.
const START_MILLISECONDS_MAX: f64 = 5.0;

/// Runs that are killed in one go.
const HALF: usize = 50;

/// How often a hundred dead runs are recovered.
const RECOVERIES: usize = 3;

/// An agent that waits for a file named for its task, on its first start only, and writes one.
const WAITING_AGENT: &str = "cat >/dev/null\necho before >before.txt\ntouch \"$ROOT/at-work/$CLAUDEDO_TASK\"\n\
    while [ ! -e \"$ROOT/gate/$CLAUDEDO_TASK\" ]; do sleep 0.05; done\necho after >after.txt\n";

/// Starts without anything to recover: a queue that is empty against one command that only reads.
pub(crate) fn recovery(report: &mut Report) {
    idle(report);
    dead(report);
}

fn idle(report: &mut Report) {
    let workshop = Workshop::new();
    workshop.use_agent("cat >/dev/null\n");
    workshop.write_tasks(1);
    workshop.claudedo(&["run"]);
    let (mut list, mut run) = (Costs::default(), Costs::default());
    for round in 0..ROUNDS {
        // Neither is always the one that finds everything in the processor's caches.
        if round % 2 == 0 {
            list.push(workshop.measure(PROGRAM, &["list"]));
            run.push(workshop.measure(PROGRAM, &["run"]));
        } else {
            run.push(workshop.measure(PROGRAM, &["run"]));
            list.push(workshop.measure(PROGRAM, &["list"]));
        }
    }
    let (cpu, wall) = (run.cpu_above(&list), run.wall_above(&list));
    report.add(
        Figure::new("`run` with nothing to recover, CPU above `list`", "ms", cpu)
            .at_most(START_MILLISECONDS_MAX),
    );
    report.add(
        Figure::new("`run` with nothing to recover, wall above `list`", "ms", wall)
            .at_most(START_MILLISECONDS_MAX),
    );
}

fn dead(report: &mut Report) {
    let mut whole = Costs::default();
    for _ in 0..RECOVERIES {
        let workshop = Workshop::new();
        let script =
            WAITING_AGENT.replace("$ROOT", workshop.path("").to_str().unwrap().trim_end_matches('/'));
        workshop.use_agent(&script);
        fs::create_dir(workshop.path("gate")).unwrap();
        fs::create_dir(workshop.path("at-work")).unwrap();
        let aside = workshop.path("aside");
        kill_half(&workshop, 0);
        fs::rename(runs(&workshop), &aside).unwrap();
        let locks: Vec<File> = (0..HALF).map(|number| hold(&workshop, number)).collect();
        kill_half(&workshop, HALF);
        for folder in fs::read_dir(&aside).unwrap() {
            let folder = folder.unwrap();
            fs::rename(folder.path(), runs(&workshop).join(folder.file_name())).unwrap();
        }
        drop(locks);
        assert_eq!(fs::read_dir(runs(&workshop)).unwrap().count(), 2 * HALF);
        for number in 0..2 * HALF {
            fs::write(gate(&workshop, number), "").unwrap();
        }
        whole.push(workshop.measure(PROGRAM, &["run"]));
        assert!(workshop.is_quiet());
    }
    let name = "100 dead runs recovered, 50 of them with a new agent";
    report.add(Figure::new(&format!("{name}, wall"), "s", whole.wall().over(1e3)).at_most(3.0));
    report.add(Figure::new(&format!("{name}, CPU with their agents and git"), "s", whole.cpu().over(1e3)));
}

fn runs(workshop: &Workshop) -> PathBuf {
    workshop.path("repository/.git/claudedo/runs")
}

fn gate(workshop: &Workshop, number: usize) -> PathBuf {
    workshop.path("gate").join(Workshop::task(number))
}

/// Holds a task's lock as a supervisor does.
fn hold(workshop: &Workshop, number: usize) -> File {
    let path = format!("repository/.git/claudedo/locks/task-{}", Workshop::task(number));
    let file = File::open(workshop.path(&path)).unwrap();
    file.lock().unwrap();
    file
}

/// Makes dead runs of the tasks from a number on: the runner is killed first.
fn kill_half(workshop: &Workshop, first: usize) {
    workshop.write_tasks_from(first, HALF);
    let mut runner = workshop.start(&["run", "--slots", &HALF.to_string()]);
    let at_work = workshop.path("at-work");
    until(|| fs::read_dir(&at_work).unwrap().count() == first + HALF);
    until(|| folders(workshop).iter().all(|folder| folder.join("process.json").exists()));
    kill_now(&mut runner);
    for folder in folders(workshop) {
        let plan = fs::read_to_string(folder.join("plan.json")).unwrap();
        let number = (first..first + HALF).find(|number| plan.contains(&Workshop::task(*number))).unwrap();
        if number % 2 == 0 {
            fs::write(gate(workshop, number), "").unwrap();
            until(|| folder.join("exit.json").exists());
        } else {
            kill_run(&folder);
        }
    }
}

fn folders(workshop: &Workshop) -> Vec<PathBuf> {
    fs::read_dir(runs(workshop)).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Kills the supervisor of a run and then its agent.
fn kill_run(folder: &Path) {
    let text = fs::read(folder.join("process.json")).unwrap();
    let process: serde_json::Value = serde_json::from_slice(&text).unwrap();
    for who in ["supervisor", "agent"] {
        let id = i32::try_from(process[who]["pid"].as_i64().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
    }
}

fn kill_now(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn until(mut is_so: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_mins(2);
    while !is_so() {
        assert!(Instant::now() < give_up, "waited in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}
