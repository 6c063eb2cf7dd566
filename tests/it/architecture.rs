//! The layers in `src/lib.rs`, held by a test rather than by review.
//!
//! A module may name (`crate::x`) only modules in its own row of [`MAY_USE`].
//! Comments are skipped, so documentation may link anywhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// `(module, what it may use)`. Moving a row is an architecture decision.
const MAY_USE: &[(&str, &[&str])] = &[
    ("timestamp", &[]),
    ("task", &["timestamp"]),
    ("run", &["task", "timestamp"]),
    ("config", &["task", "timestamp"]),
    ("schedule", &["task", "run", "timestamp"]),
    ("template", &["task", "run"]),
    ("os", &["timestamp"]),
    ("git", &["os", "timestamp"]),
    ("agent", &["run", "os", "timestamp"]),
    ("store", &["task", "run", "config", "schedule", "template", "git", "os", "timestamp"]),
    ("supervisor", &["task", "run", "agent", "store", "os", "timestamp"]),
    (
        "runner",
        &[
            "task",
            "run",
            "config",
            "schedule",
            "template",
            "store",
            "supervisor",
            "git",
            "agent",
            "os",
            "timestamp",
        ],
    ),
    ("prune", &["task", "run", "store", "git", "os", "timestamp"]),
    ("remote", &["task", "run", "store", "git", "os", "timestamp"]),
    (
        "trigger",
        &[
            "task",
            "run",
            "config",
            "schedule",
            "template",
            "store",
            "remote",
            "runner",
            "git",
            "os",
            "timestamp",
        ],
    ),
    ("ui", &["task", "run", "config", "schedule", "agent", "store", "runner", "os", "timestamp"]),
    (
        "cli",
        &[
            "task",
            "run",
            "config",
            "schedule",
            "template",
            "store",
            "supervisor",
            "git",
            "agent",
            "os",
            "prune",
            "remote",
            "runner",
            "trigger",
            "ui",
            "timestamp",
        ],
    ),
];

#[test]
fn modules_use_only_lower_layers() {
    let mut violations = Vec::new();
    for (module, may_use) in MAY_USE {
        for file in rust_files(module) {
            for used in crate_paths(&fs::read_to_string(&file).unwrap()) {
                if used != *module && !may_use.contains(&used.as_str()) {
                    violations.push(format!("{}: `crate::{used}` is not below `{module}`", file.display()));
                }
            }
        }
    }
    assert!(violations.is_empty(), "layering broken:\n{}", violations.join("\n"));
}

#[test]
fn every_module_has_a_row_and_a_story() {
    let listed: BTreeSet<&str> = MAY_USE.iter().map(|(module, _)| *module).collect();
    let lib = fs::read_to_string(src().join("lib.rs")).unwrap();
    let declared: BTreeSet<&str> =
        lib.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(declared, listed, "src/lib.rs and MAY_USE name different modules");
    for module in listed {
        for file in rust_files(module) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("//! "), "{} does not open with a module story", file.display());
        }
    }
}

#[test]
fn no_forgotten_test_files() {
    let main = fs::read_to_string(tests().join("main.rs")).unwrap();
    for entry in fs::read_dir(tests()).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_module = path.extension().is_some_and(|e| e == "rs") && stem != "main";
        assert!(!is_module || main.contains(&format!("mod {stem};")), "{stem}.rs is never compiled");
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it")
}

fn rust_files(module: &str) -> Vec<PathBuf> {
    let single = src().join(format!("{module}.rs"));
    if single.exists() {
        return vec![single];
    }
    let mut pending = vec![src().join(module)];
    let mut files = Vec::new();
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files
}

fn crate_paths(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .filter(|name: &String| !name.is_empty())
        .collect()
}
