//! Every way that a run can end, with everything that an agent can leave behind: nothing of the run lives after it,
//! the record says what was ended, and nobody else was touched.
#![expect(clippy::disallowed_methods, reason = "a test starts bystanders and makes files")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use git_claudedo::agent::environment::RUN_VARIABLE;
use git_claudedo::os::clock;
use git_claudedo::os::lock::FileLock;
use git_claudedo::os::process::ProcessIdentity;
use git_claudedo::run::{EndedBy, ExitStatus, RunId};
use git_claudedo::store::run_directory::{ExitReport, Limits};
use git_claudedo::supervisor::{OrphanError, Supervision, end_orphan, supervision};
use rustix::process::Signal;

use crate::supervisor::{RESULT, Run, eventually, run_async, send};

/// What an agent leaves behind: a name, and the shell command that starts it and writes its name and number to `left`.
const LEFTOVERS: &[(&str, &str)] = &[
    ("group", "sleep 301 & echo group $! >> left"),
    ("session", "setsid sh -c 'echo session $$ >> left; exec sleep 302' &"),
    ("double_fork", "(setsid sh -c 'sleep 303 & echo double_fork $! >> left' &)"),
    ("nohup", "nohup sh -c 'echo nohup $$ >> left; exec sleep 304' > /dev/null 2>&1 &"),
    ("deaf", r#"setsid sh -c "trap '' TERM HUP; echo deaf \$\$ >> left; while :; do sleep 1; done" &"#),
    ("stopped", "setsid sh -c 'echo stopped $$ >> left; kill -STOP $$; sleep 305' &"),
    ("output", "setsid sh -c 'echo output $$ >> left; exec sleep 306' >&1 2>&2 &"),
    ("cleared", "setsid env -i sh -c 'echo cleared $$ >> left; exec sleep 307' &"),
    ("hidden", "(setsid env -i sh -c 'sleep 308 & echo hidden $! >> left' &)"),
    (
        "renamed",
        "setsid sh -c 'exec -a other-name sleep 309 2>/dev/null || exec sleep 309' & echo renamed $! >> left",
    ),
    ("other_folder", "setsid sh -c 'echo other_folder $$ >> left; cd /; exec sleep 310' &"),
    (
        "rewritten",
        "{ setsid perl -e '$0 = \"x\" x 9000; open F, \">>left\"; print F \"rewritten $$\\n\"; close F; sleep 311' || echo rewritten 0 >> left; } &",
    ),
    (
        "zombie_parent",
        "{ setsid perl -e 'if (!fork) { exit } if (my $p = fork) { open F, \">>left\"; print F \"zombie_parent $p\\n\"; close F } sleep 312' || echo zombie_parent 0 >> left; } &",
    ),
    (
        "threads",
        "{ setsid perl -Mthreads -e '\
        threads->create(sub { \
            for (;;) { open S, \"/proc/$$/stat\"; last if <S> =~ /\\) Z/; select undef, undef, undef, .01 } \
            open F, \">>left\"; print F \"threads $$\\n\"; close F; sleep 313 }); \
        syscall(EXIT, 0)' || echo threads 0 >> left; } &",
    ),
];

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Exit,
    Crash,
    KillsItself,
    Killed,
    HangsAfterResult,
    Deadline,
    Silence,
    Cancel,
    CancelTwice,
    CancelDeaf,
    SupervisorTerminated,
    SupervisorKilled,
    SupervisorAndAgentKilled,
    ReportNotWritten,
}

const ENDS: &[End] = &[
    End::Exit,
    End::Crash,
    End::KillsItself,
    End::Killed,
    End::HangsAfterResult,
    End::Deadline,
    End::Silence,
    End::Cancel,
    End::CancelTwice,
    End::CancelDeaf,
    End::SupervisorTerminated,
    End::SupervisorKilled,
    End::SupervisorAndAgentKilled,
    End::ReportNotWritten,
];

impl End {
    /// What the agent does once everything is left behind.
    fn script(self) -> String {
        match self {
            Self::Exit => "exit 0".to_owned(),
            Self::Crash => "exit 7".to_owned(),
            Self::KillsItself => "kill -9 $$".to_owned(),
            Self::HangsAfterResult => format!("echo '{RESULT}'; exec sleep 300"),
            Self::CancelDeaf => "trap '' TERM; echo > deaf; while :; do sleep 1; done".to_owned(),
            Self::ReportNotWritten => "mkdir -p \"$DIRECTORY/exit.json/in-the-way\"; exit 0".to_owned(),
            Self::Killed
            | Self::Deadline
            | Self::Silence
            | Self::Cancel
            | Self::CancelTwice
            | Self::SupervisorTerminated
            | Self::SupervisorKilled
            | Self::SupervisorAndAgentKilled => "exec sleep 300".to_owned(),
        }
    }

    fn limit(self, limits: &mut Limits) {
        limits.kill_grace_ms = 300;
        // Long enough for everything to be left behind before.
        limits.deadline_ms = (self == Self::Deadline).then_some(8_000);
        limits.silence_ms = (self == Self::Silence).then_some(3_000);
        if self == Self::HangsAfterResult {
            limits.result_grace_ms = 50;
        }
    }

    fn ended_by(self) -> EndedBy {
        match self {
            Self::Exit | Self::Crash | Self::KillsItself | Self::Killed => EndedBy::Itself,
            Self::HangsAfterResult => EndedBy::ResultGrace,
            Self::Deadline => EndedBy::Deadline,
            Self::Silence => EndedBy::Silence,
            Self::Cancel | Self::CancelTwice | Self::CancelDeaf | Self::SupervisorTerminated => {
                EndedBy::Cancel
            }
            Self::SupervisorKilled | Self::SupervisorAndAgentKilled | Self::ReportNotWritten => {
                EndedBy::SupervisorLost
            }
        }
    }

    /// Brings the end about and returns what is reported of it.
    fn happen(self, run: &Run, supervisor: &mut Child, agent: i32) -> ExitReport {
        let agent = u32::try_from(agent).unwrap();
        match self {
            Self::Killed => send(agent, Signal::KILL),
            Self::Cancel => run.cancel(),
            Self::CancelDeaf => {
                run.wait_for_file("deaf");
                run.cancel();
            }
            Self::CancelTwice => {
                run.cancel();
                send(supervisor.id(), Signal::INT);
            }
            Self::SupervisorTerminated => send(supervisor.id(), Signal::TERM),
            Self::SupervisorKilled | Self::SupervisorAndAgentKilled => {
                eventually("process.json", || run.directory.load_process().unwrap());
                send(supervisor.id(), Signal::KILL);
                supervisor.wait().unwrap();
                if self == Self::SupervisorAndAgentKilled {
                    send(agent, Signal::KILL);
                }
                return recover(run).unwrap();
            }
            Self::ReportNotWritten => {
                let status = eventually("the supervisor gives up", || supervisor.try_wait().unwrap());
                assert!(!status.success());
                assert_eq!(run.processes(), Vec::<String>::new(), "it had ended them before");
                recover(run).unwrap_err();
                fs::remove_dir_all(run.directory.path().join("exit.json")).unwrap();
                return recover(run).unwrap();
            }
            Self::Exit
            | Self::Crash
            | Self::KillsItself
            | Self::HangsAfterResult
            | Self::Deadline
            | Self::Silence => {}
        }
        run.wait(supervisor)
    }
}

fn recover(run: &Run) -> Result<ExitReport, OrphanError> {
    run_async(end_orphan(&run.directory, Some(&run.task_lock_path()), clock::now()))
}

/// Returns an agent that leaves everything behind and then ends in one way.
fn agent(end: End) -> Run {
    // SYS_exit ends one thread alone.
    let exit = if cfg!(target_arch = "aarch64") { "93" } else { "60" };
    let leave: Vec<String> = LEFTOVERS.iter().map(|(_, start)| start.replace("EXIT", exit)).collect();
    let wait = format!("while [ \"$(wc -l < left)\" -lt {} ]; do echo .; sleep 0.02; done", LEFTOVERS.len());
    let script = format!("> left\n{}\n{wait}\necho $$ > pid\n{}", leave.join("\n"), end.script());
    let mut run = Run::of_script(&script).with_limits(|limits| end.limit(limits));
    let directory = run.directory.path().to_str().unwrap().to_owned();
    run.launch.environment.insert("DIRECTORY".to_owned(), directory);
    run
}

/// Somebody who looks like a process of the run and is none.
fn bystander(variable: &str, value: &str, folder: &Path, lock: &Path) -> Child {
    let mut command = Command::new("sh");
    let marker = format!("{RUN_VARIABLE}={value}");
    command.args(["-c", "exec 9< \"$1\"; exec cat", &marker, lock.to_str().unwrap()]);
    command.env(variable, value).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn after_every_end_nothing_of_the_run_lives_and_nobody_else_was_touched() {
    for end in ENDS {
        let run = agent(*end);
        drop(FileLock::try_take(&run.task_lock_path()).unwrap());
        let id = run.id.to_string();
        let others = [
            (RUN_VARIABLE.to_owned(), RunId::new_unique().to_string()),
            (format!("X{RUN_VARIABLE}"), id.clone()),
            (RUN_VARIABLE.to_owned(), format!("{id}0")),
        ];
        let mut bystanders = others
            .map(|(variable, value)| bystander(&variable, &value, run.folder.path(), &run.task_lock_path()));
        let mut supervisor = run.start();
        let agent = run.load_pid("pid");
        let left = fs::read_to_string(run.path("left")).unwrap();
        let left: Vec<(&str, ProcessIdentity)> = left
            .lines()
            .map(|line| line.split_once(' ').unwrap())
            .filter_map(|(name, pid)| Some((name, ProcessIdentity::of(pid.parse().unwrap()).unwrap()?)))
            .collect();
        let report = end.happen(&run, &mut supervisor, agent);
        assert_eq!(report.ended_by, end.ended_by(), "{end:?}");
        if *end == End::Exit {
            assert_eq!(report.status, ExitStatus::Code(0));
        }
        for (name, process) in &left {
            assert!(!process.is_alive(), "{end:?}: {name} lives");
            // What shares the agent's group goes with it where the agent is asked to end.
            let is_listed = report.swept.iter().any(|swept| swept.pid == process.pid);
            let goes_along = ["group", "nohup"].contains(name) || *end == End::ReportNotWritten;
            assert!(is_listed || goes_along, "{end:?}: {name} is not listed in {:#?}", report.swept);
        }
        assert_eq!(run.processes(), Vec::<String>::new(), "{end:?}");
        assert!(matches!(supervision(&run.directory).unwrap(), Supervision::Ended(_)), "{end:?}");
        eventually("the lock is free", || (!FileLock::is_held(&run.task_lock_path()).unwrap()).then_some(()));
        for bystander in &mut bystanders {
            drop(bystander.stdin.take());
            assert!(bystander.wait().unwrap().success(), "{end:?}: a bystander was killed");
        }
    }
}

#[test]
fn whoever_took_the_lock_by_itself_is_not_taken_for_a_process_of_the_run() {
    let run = Run::of_script("echo $$ > pid; exec sleep 300");
    let mut supervisor = run.start();
    run.wait_for_file("pid");
    eventually("process.json", || run.directory.load_process().unwrap());
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    recover(&run).unwrap();
    fs::remove_file(run.directory.path().join("exit.json")).unwrap();
    // perl closes what it opens when another program starts, as this program does.
    let script = "use Fcntl ':flock'; open F, '+<', $ARGV[0]; flock F, LOCK_EX; print qq(held\\n); close STDOUT; <STDIN>";
    let holder = Command::new("perl")
        .args(["-e", script])
        .arg(run.task_lock_path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut holder) = holder else { return };
    eventually("the lock is held", || FileLock::is_held(&run.task_lock_path()).unwrap().then_some(()));
    assert_eq!(recover(&run).unwrap().swept, []);
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success(), "it was killed");
}
