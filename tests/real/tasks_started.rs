//! Tasks that start by themselves: with a commit through git's hooks, and under a watcher.

use crate::named_pipe::NamedPipe;
use crate::processes;
use crate::repository::RealRepository;

/// What the agent is to do: tell the variables that it has of git, and commit something itself.
const SCRIPT: &str = "@stub bash cmd=\"env | grep ^GIT_ | cut -d= -f1 | sort >variables\"\n\
    @stub bash cmd=\"git add variables && git commit -qm 'In my own words'\"\n\
    @stub write path=b.txt content=left-to-the-runner";

#[test]
fn a_commit_that_brings_a_task_starts_it_once_and_nothing_of_the_hook_reaches_the_agent() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("allowedTools", "Bash");
    repository.answer(&["hooks", "install"]);
    let task = repository.add("commits", SCRIPT);
    repository.git(&["add", ".claudedo"]);
    let author = "--author=Somebody Else <else@example.com>";
    repository.git(&["commit", "--quiet", author, "--date=2001-01-01T00:00:00Z", "--message=A task"]);
    assert!(processes::wait_until_gone(repository.claude.folder()).is_empty());
    assert_eq!(task.outcomes(), ["done"]);
    // What this program and the CLI set themselves; a commit hook has GIT_INDEX_FILE, GIT_AUTHOR_NAME and more.
    let own = "GIT_CEILING_DIRECTORIES\nGIT_EDITOR\nGIT_OPTIONAL_LOCKS\nGIT_TERMINAL_PROMPT";
    assert_eq!(task.file("variables"), own);
    let commits = repository.git(&[
        "log",
        "--reverse",
        "--format=%s %an %ad",
        "--date=format:%Y",
        "main..claudedo/commits",
    ]);
    assert!(commits.starts_with("In my own words Test 2"), "{commits}");
    assert!(!commits.contains("Somebody") && !commits.contains("2001"), "{commits}");
    assert_eq!(repository.git(&["log", "-1", "--format=%s", "main"]), "A task");
}

#[test]
fn a_watcher_in_the_background_takes_a_task_that_is_added_and_waits_for_it_when_it_is_stopped() {
    let Some(repository) = RealRepository::prepare() else { return };
    repository.set("allowedTools", "Bash");
    let told = NamedPipe::create(&repository.claude.folder().join("told"));
    repository.answer(&["watch", "--detach"]);
    let script = format!(
        "@stub bash cmd=\"echo running >{}/told\"\n@stub write path=a.txt content=whole",
        repository.claude.folder().display()
    );
    let task = repository.add("watched", &script);
    assert_eq!(told.line().as_deref(), Some("running"));
    repository.answer(&["watch", "stop"]);
    assert_eq!((task.state().as_str(), task.file("a.txt").as_str()), ("done", "whole"));
    assert!(processes::wait_until_gone(repository.claude.folder()).is_empty());
}
