//! The quick start of the README, typed as it stands there.
//!
//! Every block marked `console` holds commands, each after `$ `, and below each what it prints. They run in one
//! temporary repository, where the first of them chooses the demo agent, and must print what is shown, but for
//! what differs from one time to the next: the random part of ids, times, paths, git's ids and, because tasks run side
//! by side, the order of lines and the number of a slot.
#![expect(clippy::disallowed_methods, reason = "the demo agent is put on the search path as a program")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{Answer, TestRepository};

/// The repository as the README names it.
const SHOWN_REPOSITORY: &str = "/home/ada/project";

/// The tasks of the quick start; four random characters follow each.
const SLUGS: [&str; 3] = ["fix-the-login-redirect-", "say-hello-in-french-", "say-hello-in-dutch-"];

/// How many characters of a task's id are random.
const ID_RANDOM_CHARACTERS: usize = 4;

#[test]
fn the_quick_start_prints_what_the_readme_shows() {
    let repository = TestRepository::new();
    let shown = shown_commands(include_str!("../../README.md"));
    assert!(shown.len() >= 5, "the quick start has lost its commands: {shown:#?}");
    for Shown { command, output } in shown {
        let answer = type_in(&repository, &command);
        assert_eq!(answer.status, 0, "{command}: {}", answer.stdout);
        let printed = answer.stdout.replace(repository.path().to_str().unwrap(), SHOWN_REPOSITORY);
        assert_eq!(shape(&printed), shape(&output), "{command} prints\n{printed}");
    }
    repository.assert_sound();
    repository.assert_no_process_left();
}

#[test]
fn a_program_that_prints_the_conversation_of_the_page_on_agents_is_an_agent_with_a_session() {
    let page = include_str!("../../docs/agents.md");
    let conversation = page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let repository = TestRepository::new();
    let agent = repository.root().join("my-agent");
    let script = format!(
        "#!/bin/sh\ncat >\"session-$CLAUDEDO_RESUME\"\n\
         sed \"s/<CLAUDEDO_SESSION>/$CLAUDEDO_SESSION/\" <<'END'\n{conversation}END\n"
    );
    make_program(&agent, &script);
    repository.git(&["config", "claudedo.agentCommand", agent.to_str().unwrap()]);
    for arguments in [
        ["add", "Mend it", "--id=mend", "--run"].as_slice(),
        &["continue", "mend", "--message=And more.", "--run"],
    ] {
        let answer = repository.claudedo(arguments);
        assert_eq!(answer.status, 0, "{arguments:?}: {}{}", answer.stdout, answer.stderr);
    }
    assert_eq!(repository.git(&["show", "claudedo/mend:session-0"]), "Mend it");
    assert_eq!(repository.git(&["show", "claudedo/mend:session-1"]), "And more.");
}

#[test]
fn every_document_that_is_linked_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    pages.extend(fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            let is_page = !file.is_empty() && !file.starts_with("https://");
            assert!(!is_page || page.with_file_name(file).exists(), "{} links to {link}", page.display());
        }
    }
}

#[test]
fn what_differs_from_one_time_to_the_next_is_left_out_and_nothing_else() {
    let shown = shape("14:29:22 say-hello-in-dutch-4ggi   done 2cf2e72d84908f4626 in 0.8s, slot 2: a\nb");
    assert_eq!(shown, shape("b\n01:00:01 say-hello-in-dutch-zzzz done 0000000 in 12s, slot 1: a"));
    assert_ne!(shown, shape("b\n01:00:01 say-hello-in-dutch-zzzz failed 0000000 in 12s, slot 1: a"));
    assert_ne!(shape("1 file, +3 -0"), shape("2 files, +3 -0"));
}

/// A command of the README and what it is said to print.
#[derive(Debug)]
struct Shown {
    command: String,
    output: String,
}

fn shown_commands(page: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for block in page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                shown.push(Shown { command: command.to_owned(), output: String::new() });
            } else {
                // A block begins with a command.
                let output = &mut shown.last_mut().unwrap().output;
                output.push_str(line);
                output.push('\n');
            }
        }
    }
    shown
}

/// Types a command at a shell; both streams are one, as on a terminal.
fn type_in(repository: &TestRepository, command: &str) -> Answer {
    let line = format!("{{ {command}; }} 2>&1");
    repository.program("sh").args(["-c", &line]).output().unwrap().into()
}

fn make_program(path: &Path, script: &str) {
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Returns the lines of an output without what differs from one time to the next, sorted.
fn shape(output: &str) -> Vec<String> {
    let mut output = output.to_owned();
    for slug in SLUGS {
        let ids: Vec<String> = output
            .match_indices(slug)
            .filter_map(|(start, _)| output.get(start..start + slug.len() + ID_RANDOM_CHARACTERS))
            .map(str::to_owned)
            .collect();
        for id in ids {
            output = output.replace(&id, slug);
        }
    }
    let words = |line: &str| line.split_whitespace().map(masked).collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = output.lines().map(words).map(|line| slotless(&line)).collect();
    lines.sort_unstable();
    lines
}

/// Returns a word, or what kind of word it is when it is a time, a length of time, or an id of git or a session.
fn masked(word: &str) -> String {
    let bare = word.trim_end_matches(',');
    let digits = |text: &str, others: &str| {
        text.contains(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || others.contains(c))
    };
    let is_object = bare.len() >= 7 && bare.chars().all(|c| c.is_ascii_hexdigit() || c == '.' || c == '-');
    if is_object {
        "[ID]".to_owned()
    } else if bare.contains(':') && digits(bare, ":") {
        "[TIME]".to_owned()
    } else if bare.strip_suffix('s').is_some_and(|number| digits(number, ".m")) {
        "[DURATION]".to_owned()
    } else {
        word.to_owned()
    }
}

fn slotless(line: &str) -> String {
    match line.split_once("slot ") {
        Some((before, after)) => {
            format!("{before}slot {}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None => line.to_owned(),
    }
}
