//! Checks of the machine: git, this program, the sandbox, what the kernel tells of files.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::facts::Facts;
use super::finding::{Finding, quoted};
use crate::git::{GitError, GitVersion, commands_folder, git_programs};
use crate::os::executable::{find_all, is_same};
use crate::os::inotify::{InotifyUse, load_use};
use crate::os::process::{CapturedCommand, CapturedError};

/// How long the sandbox may take to start a program that does nothing. It takes 5 ms.
const SANDBOX_TIME_MAX: Duration = Duration::from_secs(3);

/// More than a refusal of the sandbox needs.
const SANDBOX_OUTPUT_MAX: usize = 4096;

/// How many listeners should be free: one for a watcher, and some for editors and builds.
const LISTENERS_FREE_MIN: u64 = 8;

/// How many watches should be free: tasks, lists and runs need some tens; a project with an editor, thousands.
const WATCHES_FREE_MIN: u64 = 1000;

/// How many events should find room: a checkout changes hundreds of files at once.
const EVENTS_MIN: u64 = 4096;

/// The limits that are proposed.
const LISTENERS_PROPOSED: u64 = 1024;
const WATCHES_PROPOSED: u64 = 524_288;
const EVENTS_PROPOSED: u64 = 16_384;

/// Package managers, and how each installs.
const INSTALLERS: [(&str, &str); 6] = [
    ("apt-get", "sudo apt-get install"),
    ("dnf", "sudo dnf install"),
    ("pacman", "sudo pacman -S"),
    ("apk", "sudo apk add"),
    ("zypper", "sudo zypper install"),
    ("brew", "brew install"),
];

/// Every git on the search path, the first one first.
pub(super) fn git(facts: &Facts) -> Vec<Finding> {
    let programs = git_programs(&facts.search_path);
    if programs.is_empty() {
        let finding = Finding::problem("There is no git on PATH.")
            .why("Commits of hooks, diffs and settings need it.")
            .mend(install(facts, "git"));
        return vec![finding];
    }
    let versions: Vec<_> = programs.into_iter().map(|path| (GitVersion::load(&path), path)).collect();
    judge_git(versions)
}

/// The first git is the one that is used; others matter to hooks, editors and other shells.
fn judge_git(versions: Vec<(Result<GitVersion, GitError>, PathBuf)>) -> Vec<Finding> {
    let first = versions.first().and_then(|(version, _)| version.as_ref().ok().copied());
    let mut findings = Vec::new();
    for (index, (version, path)) in versions.into_iter().enumerate() {
        let place = path.display();
        findings.push(match version {
            Err(error) if index == 0 => Finding::failed(error).why("It is the first git on PATH."),
            Err(error) => Finding { mark: super::Mark::Warning, ..Finding::failed(error) },
            Ok(version) if version < GitVersion::OLDEST => {
                let what = format!("git {version} at {place} is older than {}.", GitVersion::OLDEST);
                let finding = if index == 0 { Finding::problem(what) } else { Finding::warning(what) };
                finding.why("It does not understand what this program asks of it.")
            }
            Ok(version) if index > 0 && first.is_some_and(|first| first.runs_configured_hooks() != version.runs_configured_hooks()) => {
                Finding::info(format!("git {version} is also on PATH, at {place}")).why(format!(
                    "Hooks named in the configuration run from git {} on and are ignored by the older one.",
                    GitVersion::CONFIG_HOOKS
                ))
            }
            Ok(version) if index > 0 => Finding::info(format!("git {version} is also on PATH, at {place}")),
            Ok(version) if version < GitVersion::SAFE_TO_CLONE => {
                Finding::info(format!("git {version}, at {place}")).why(format!(
                    "Before {}, cloning a hostile repository could run its code, unless the distribution has mended that.",
                    GitVersion::SAFE_TO_CLONE
                ))
            }
            Ok(version) => Finding::ok(format!("git {version}, at {place}")),
        });
    }
    findings
}

/// `git claudedo` has to find this very program.
pub(super) fn program(facts: &Facts) -> Vec<Finding> {
    let Ok(own) = std::env::current_exe() else {
        return vec![Finding::warning("The path of this program is not known.")];
    };
    judge_program(&own, &find_all("git-claudedo", &where_git_looks(facts)))
}

/// Returns the folders in which git looks for a subcommand: first its own, which a package may have put it into.
fn where_git_looks(facts: &Facts) -> OsString {
    let own = git_programs(&facts.search_path).first().and_then(|git| commands_folder(git));
    let folders = own.into_iter().chain(std::env::split_paths(&facts.search_path));
    std::env::join_paths(folders).unwrap_or_else(|_| facts.search_path.clone())
}

fn judge_program(own: &Path, found: &[PathBuf]) -> Vec<Finding> {
    let folder = own.parent().unwrap_or(own);
    let put_first = format!("export PATH={}:\"$PATH\"", quoted(folder.display()));
    let Some((first, others)) = found.split_first() else {
        let finding = Finding::problem("`git claudedo` does not work: no folder of PATH holds git-claudedo.")
            .why(format!("Only this very file was started: {}", own.display()))
            .mend(put_first);
        return vec![finding];
    };
    let mut findings = vec![if is_same(own, first) {
        Finding::ok(format!("`git claudedo` {}, at {}", env!("CARGO_PKG_VERSION"), first.display()))
    } else {
        Finding::warning(format!("`git claudedo` starts another program than this one: {}", first.display()))
            .why(format!("This one is {}", own.display()))
            .mend(put_first)
    }];
    findings.extend(others.iter().map(|other| {
        Finding::info(format!("Another git-claudedo is on PATH, and never started: {}", other.display()))
    }));
    findings
}

/// The sandbox that agents may run in one day.
pub(super) fn bubblewrap(facts: &Facts) -> Vec<Finding> {
    const NOT_YET: &str = "This version does not use it yet: agents run without a sandbox.";
    let Some(program) = find_all("bwrap", &facts.search_path).into_iter().next() else {
        return vec![Finding::info("bubblewrap is not installed.").why(NOT_YET)];
    };
    let place = program.display().to_string();
    let tried = CapturedCommand {
        program,
        arguments: ["--ro-bind", "/", "/", "true"].map(Into::into).to_vec(),
        environment: facts.environment.clone(),
        working_directory: "/".into(),
        time_max: SANDBOX_TIME_MAX,
        output_bytes_max: SANDBOX_OUTPUT_MAX,
    }
    .run();
    let refusal = match tried {
        Ok(ended) if ended.status.success() => {
            return vec![Finding::info(format!("bubblewrap works, at {place}")).why(NOT_YET)];
        }
        Ok(ended) => String::from_utf8_lossy(&ended.stderr).trim().to_owned(),
        Err(error @ CapturedError::TimeOut { .. }) => format!("It failed to {error}"),
        Err(error) => format!("It failed to {:#}", anyhow::Error::from(error)),
    };
    let finding = Finding::info(format!("bubblewrap does not work, at {place}"));
    let finding = finding.why(format!("{refusal}\n{NOT_YET}"));
    vec![match namespace_command() {
        Some(command) => finding.mend(command),
        None => finding,
    }]
}

/// Returns what lets ordinary users make namespaces, where the kernel says that they may not.
fn namespace_command() -> Option<&'static str> {
    let value = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let is = |path: &str, refusing: &str| value(path).is_some_and(|value| value == refusing);
    if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        return Some("sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0");
    }
    if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        return Some("sudo sysctl kernel.unprivileged_userns_clone=1");
    }
    is("/proc/sys/user/max_user_namespaces", "0").then_some("sudo sysctl user.max_user_namespaces=15000")
}

/// How many changes of files the kernel tells.
pub(super) fn inotify(_: &Facts) -> Vec<Finding> {
    load_use().map(|found| judge_inotify(&found)).unwrap_or_default()
}

fn judge_inotify(found: &InotifyUse) -> Vec<Finding> {
    const WHY: &str =
        "A watcher that hears of no change finds a new task at its next look, up to a minute later.";
    let few = |name: &str, used: u64, max: u64, proposed: u64| {
        let what = format!("{used} of {max} inotify {name} of this user are in use.");
        let setting = if name == "instances" { "max_user_instances" } else { "max_user_watches" };
        let proposed = proposed.max(max.saturating_mul(2));
        Finding::warning(what).why(WHY).mend(format!("sudo sysctl fs.inotify.{setting}={proposed}"))
    };
    let mut findings = Vec::new();
    if found.instances + LISTENERS_FREE_MIN > found.instances_max {
        findings.push(few("instances", found.instances, found.instances_max, LISTENERS_PROPOSED));
    }
    if found.watches + WATCHES_FREE_MIN > found.watches_max {
        findings.push(few("watches", found.watches, found.watches_max, WATCHES_PROPOSED));
    }
    if found.queued_events_max < EVENTS_MIN {
        let what = format!("Only {} changes of files wait to be heard of.", found.queued_events_max);
        let mend = format!("sudo sysctl fs.inotify.max_queued_events={EVENTS_PROPOSED}");
        findings.push(Finding::warning(what).why(WHY).mend(mend));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(format!(
            "inotify: {} of {} instances and {} of {} watches in use",
            found.instances, found.instances_max, found.watches, found.watches_max
        )));
    }
    findings
}

/// Returns the command that installs a package, by the package manager that is there.
pub(super) fn install(facts: &Facts, package: &str) -> String {
    let is_there = |name: &str| !find_all(name, &facts.search_path).is_empty();
    let found = INSTALLERS.iter().find(|(name, _)| is_there(name));
    let command = found.map_or("sudo apt-get install", |(_, command)| command);
    format!("{command} {package}")
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
    use super::*;

    fn marks(findings: &[Finding]) -> Vec<Mark> {
        findings.iter().map(|finding| finding.mark).collect()
    }

    #[test]
    fn the_first_git_counts_and_the_others_are_told() {
        let judge = |versions: &[(u32, u32, u32)]| {
            let found = versions.iter().map(|&(major, minor, patch)| {
                (Ok(GitVersion::new(major, minor, patch)), PathBuf::from("/bin/git"))
            });
            marks(&judge_git(found.collect()))
        };
        assert_eq!(judge(&[(2, 47, 3)]), [Mark::Ok]);
        assert_eq!(judge(&[(2, 39, 5), (2, 20, 0)]), [Mark::Info, Mark::Warning]);
        assert_eq!(judge(&[(2, 23, 9), (2, 54, 0)]), [Mark::Problem, Mark::Info]);
        let hooks = judge_git(vec![
            (Ok(GitVersion::new(2, 54, 0)), "/a/git".into()),
            (Ok(GitVersion::new(2, 47, 0)), "/b/git".into()),
        ]);
        assert!(hooks[1].why.as_deref().is_some_and(|why| why.contains("2.54.0")), "{hooks:?}");
    }

    #[test]
    fn full_limits_are_told_before_they_are_reached() {
        let free = InotifyUse {
            instances_max: 128,
            watches_max: 65536,
            queued_events_max: 16384,
            instances: 3,
            watches: 100,
        };
        assert_eq!(marks(&judge_inotify(&free)), [Mark::Ok]);
        let full = InotifyUse { instances: 125, watches: 65000, queued_events_max: 100, ..free };
        let mends: Vec<_> = judge_inotify(&full).into_iter().filter_map(|finding| finding.mend).collect();
        assert_eq!(
            mends,
            [
                "sudo sysctl fs.inotify.max_user_instances=1024",
                "sudo sysctl fs.inotify.max_user_watches=524288",
                "sudo sysctl fs.inotify.max_queued_events=16384"
            ]
        );
    }
}
