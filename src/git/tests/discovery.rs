//! Which repository it is, and what its configuration says.

use std::process::Command;

use super::{Fixture, git_in};
use crate::git::{GitError, Repository, Scope};

/// Set in the child that a test starts, to the name of what it is to print.
const CHILD: &str = "CLAUDEDO_TEST_CHILD";

/// Set where the child is to look for the repository from another folder than the main worktree.
const START: &str = "CLAUDEDO_TEST_START";

/// Runs `child_that_prints` of this very binary with an environment of its own, and returns what it printed.
fn in_child(fixture: &Fixture, question: &str, environment: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "git::tests::discovery::child_that_prints", "--nocapture", "--test-threads=1"])
        .env_clear()
        .env("HOME", fixture.folder.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env(CHILD, question)
        .envs(environment.iter().copied())
        .current_dir(fixture.root())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answer = text.split("[[answer:").nth(1).unwrap_or_else(|| panic!("{text}"));
    answer.split(":answer]]").next().unwrap().to_owned()
}

#[test]
fn child_that_prints() {
    let Ok(question) = std::env::var(CHILD) else { return };
    let start = std::env::var(START).unwrap_or_else(|_| ".".to_owned());
    let answer = match (question.as_str(), Repository::discover(std::path::Path::new(&start))) {
        (_, Err(error)) => format!("failed to {error}"),
        ("git_dir", Ok(repository)) => repository.git_dir().display().to_string(),
        ("identity", Ok(repository)) => repository.author_identity().to_string(),
        ("work_tree", Ok(repository)) => format!("{:?}", repository.work_tree()),
        ("open", Ok(repository)) => {
            let opened = Repository::open(&repository.common_dir()).unwrap();
            format!("{:?} {:?}", opened.work_tree(), opened.git_dir())
        }
        (section, Ok(repository)) => repository
            .config_values(section)
            .iter()
            .map(|value| format!("{}={} {:?}", value.key, value.value, value.scope))
            .collect::<Vec<_>>()
            .join("\n"),
    };
    println!("[[answer:{answer}:answer]]");
}

#[test]
fn a_repository_is_found_from_below_and_from_a_linked_worktree() {
    let fixture = Fixture::new();
    fixture.write("a/b/c", "x");
    let root = fixture.root().canonicalize().unwrap();
    let below = Repository::discover(&root.join("a/b")).unwrap();
    assert_eq!(below.work_tree(), Some(root.clone()));
    assert_eq!(below.common_dir(), root.join(".git"));
    assert_eq!(below.name(), "project");
    let path = fixture.add_worktree("one");
    let linked = Repository::discover(&path).unwrap();
    assert_eq!(linked.work_tree(), Some(path));
    assert_eq!(linked.main_work_tree().unwrap(), Some(root.clone()));
    assert_eq!(linked.common_dir(), root.join(".git"));
    assert_eq!(linked.git_dir(), root.join(".git/worktrees/one"));
    assert_eq!(linked.name(), "project");
    let opened = Repository::open(&root.join(".git")).unwrap();
    assert_eq!(opened.work_tree(), Some(root));
    assert!(!opened.is_bare());
}

#[test]
fn outside_of_a_repository_the_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Repository::discover(folder.path()).unwrap_err();
    assert!(matches!(error, GitError::NoRepository { .. }), "{error:?}");
    assert!(matches!(Repository::open(folder.path()).unwrap_err(), GitError::NoRepository { .. }));
}

#[test]
fn a_fresh_repository_says_what_is_missing() {
    let fixture = Fixture::unborn(&[]);
    let repository = fixture.repository();
    let words = "start from main: the repository has no commit yet; make one first";
    assert_eq!(repository.head_commit_id().unwrap_err().to_string(), words);
    assert_eq!(repository.resolve_commit("HEAD").unwrap_err().to_string(), words);
    assert_eq!(repository.head_branch().unwrap().unwrap().short(), "main");
}

#[test]
fn reftable_is_refused_with_the_way_out() {
    let fixture = Fixture::unborn(&["--ref-format=reftable"]);
    let error = Repository::discover(&fixture.root()).unwrap_err();
    assert!(matches!(error, GitError::Unsupported { .. }), "{error:?}");
    assert!(error.to_string().contains("git refs migrate --ref-format=files"), "{error}");
}

#[test]
fn sha256_is_a_repository_like_any_other() {
    let fixture = Fixture::with_format(&["--object-format=sha256"]);
    let repository = fixture.repository();
    let head = repository.head_commit_id().unwrap();
    assert_eq!(head.to_string().len(), 64);
    let path = fixture.add_worktree("one");
    super::write(&path, "deep/er/new", b"new\n");
    let snapshot = repository.snapshot(&path, head).unwrap();
    assert_eq!(snapshot.tree, super::tree_by_git(&path));
    let tracking = repository.tracking_ref("0123456789abcdef").unwrap();
    let mut changes = tracking.changes();
    changes.put("a/b", b"x").unwrap();
    tracking.append(changes, "x").unwrap();
    assert_eq!(tracking.read("a/b").unwrap().unwrap(), b"x");
    fixture.require_intact();
}

#[test]
fn the_environment_of_git_counts() {
    let fixture = Fixture::new();
    let other = fixture.folder.path().canonicalize().unwrap().join("other");
    git_in(fixture.folder.path(), &["clone", "-q", "project", "other"]);
    let git_dir = other.join(".git");
    let given = git_dir.to_str().unwrap();
    assert_eq!(in_child(&fixture, "git_dir", &[("GIT_DIR", given)]), given);
    let work_tree = in_child(&fixture, "work_tree", &[("GIT_DIR", given), ("GIT_WORK_TREE", "/")]);
    assert_eq!(work_tree, "Some(\"/\")");
    let refused = in_child(&fixture, "git_dir", &[("GIT_COMMON_DIR", given)]);
    assert!(refused.contains("GIT_COMMON_DIR names"), "{refused}");
    let parent = fixture.root().join(".git").canonicalize().unwrap();
    assert_eq!(in_child(&fixture, "git_dir", &[]), parent.to_str().unwrap());
}

#[test]
fn a_later_stage_is_not_led_astray_by_the_environment() {
    let fixture = Fixture::new();
    let root = fixture.root().canonicalize().unwrap();
    let linked = fixture.add_worktree("one");
    let git_dir = root.join(".git/worktrees/one");
    let given = [("GIT_DIR", git_dir.to_str().unwrap())];
    assert_eq!(in_child(&fixture, "work_tree", &given), format!("{:?}", Some(&linked)));
    let expected = format!("{:?} {:?}", Some(&root), root.join(".git"));
    assert_eq!(in_child(&fixture, "open", &given), expected);
    let git_dir = root.join(".git");
    let given = [
        ("GIT_DIR", git_dir.to_str().unwrap()),
        ("GIT_WORK_TREE", "/"),
        ("GIT_INDEX_FILE", "/nonexistent"),
        ("GIT_NAMESPACE", "other"),
    ];
    assert_eq!(in_child(&fixture, "open", &given), expected);
}

#[test]
fn a_repository_of_somebody_else_is_refused_until_it_is_declared_safe() {
    let fixture = Fixture::new();
    let root = fixture.root().canonicalize().unwrap();
    let to_nobody = |path: &std::path::Path| std::os::unix::fs::chown(path, Some(65534), None).is_ok();
    if !(to_nobody(&root.join(".git")) && to_nobody(&root)) {
        println!("SKIPPED: only root can give a folder away, so foreign repositories were NOT tested");
        return;
    }
    let refused = in_child(&fixture, "git_dir", &[]);
    let hint = format!("git config --global --add safe.directory {}", root.display());
    assert!(refused.contains(&hint), "{refused}");
    let global = fixture.folder.path().join("global");
    std::fs::write(&global, format!("[safe]\n\tdirectory = {}\n", root.display())).unwrap();
    let given = [("GIT_CONFIG_GLOBAL", global.to_str().unwrap())];
    assert_eq!(in_child(&fixture, "git_dir", &given), root.join(".git").to_str().unwrap());
}

#[test]
fn a_ceiling_ends_the_search() {
    let fixture = Fixture::new();
    fixture.write("a/b/c", "x");
    let root = fixture.root().canonicalize().unwrap();
    let ceiling = root.join("a").display().to_string();
    let found = in_child(&fixture, "git_dir", &[(START, "a/b")]);
    assert_eq!(found, root.join(".git").to_str().unwrap());
    let stopped = in_child(&fixture, "git_dir", &[(START, "a/b"), ("GIT_CEILING_DIRECTORIES", &ceiling)]);
    assert!(stopped.starts_with("failed to find a git repository"), "{stopped}");
    let elsewhere = in_child(&fixture, "git_dir", &[("GIT_CEILING_DIRECTORIES", "/nonexistent")]);
    assert_eq!(elsewhere, root.join(".git").to_str().unwrap());
}

#[test]
fn every_way_to_configure_git_is_seen_in_order() {
    let fixture = Fixture::new();
    let global = fixture.folder.path().join("global");
    std::fs::write(&global, "[claudedo]\n\tmaxTurns = 1\n\tflag\n[claudedo \"List\"]\n\tmodel = opus\n")
        .unwrap();
    fixture.git(&["config", "claudedo.maxTurns", "2"]);
    let answer = in_child(
        &fixture,
        "claudedo",
        &[
            ("GIT_CONFIG_GLOBAL", global.to_str().unwrap()),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "claudedo.maxturns"),
            ("GIT_CONFIG_VALUE_0", "3"),
            ("GIT_CONFIG_PARAMETERS", "'claudedo.maxTurns'='4' 'claudedo.note'='it'\\''s'"),
        ],
    );
    assert_eq!(
        answer,
        "maxturns=1 Global\nflag=true Global\nList.model=opus Global\nmaxturns=2 Local\nmaxturns=3 Environment\n\
         maxturns=4 Command\nnote=it's Command"
    );
}

#[test]
fn the_identity_of_the_command_line_wins_and_none_is_no_error() {
    let fixture = Fixture::new();
    let given = [("GIT_CONFIG_PARAMETERS", "'user.name'='Carol'")];
    assert_eq!(in_child(&fixture, "identity", &given), "Carol <ann@example.org>");
    fixture.git(&["config", "--unset", "user.name"]);
    fixture.git(&["config", "--unset", "user.email"]);
    assert_eq!(in_child(&fixture, "identity", &[]), "git-claudedo <git-claudedo@localhost.invalid>");
}

#[test]
fn configuration_written_by_git_is_read_back() {
    let fixture = Fixture::new();
    fixture.repository().set_config_local("claudedo.model", "a b").unwrap();
    let values = fixture.repository().config_values("claudedo");
    let value = values.last().unwrap();
    assert_eq!((value.key.as_str(), value.value.as_str(), value.scope), ("model", "a b", Scope::Local));
    assert!(fixture.repository().set_config_local("nosection", "x").is_err());
}
