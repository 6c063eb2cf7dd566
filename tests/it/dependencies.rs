//! The audit of what this program is built from, as a test rather than as one more tool to install.
//!
//! Each list below names its exceptions with the reason, and each exception must still occur: a list that is
//! longer than the truth fails as well, so nothing stays on it by habit. The graph is always that of one
//! platform, so that the answer is the same on every machine.
#![expect(clippy::disallowed_methods, reason = "the audit asks cargo")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The platform whose graph is audited.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// The most packages that `Cargo.lock` may hold. Raising it is a decision, said in the commit.
const LOCKED_PACKAGES_MAX: usize = 340;

/// `(licence, why it is fine in a program under MIT or Apache-2.0)`. Every part of a crate's licence expression
/// must be here, so a choice between a good and an unknown licence is looked at by a person once.
const LICENCES: &[(&str, &str)] = &[
    ("Apache-2.0", "ours"),
    ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 with fewer duties for binaries"),
    ("BSD-3-Clause", "permissive: keep the notice"),
    ("BSL-1.0", "permissive: no notice in binaries"),
    ("CC0-1.0", "public domain"),
    ("ISC", "permissive: keep the notice"),
    ("MIT", "ours"),
    ("Unicode-3.0", "permissive; covers Unicode tables only"),
    ("Unlicense", "public domain"),
    ("Zlib", "permissive: no notice in binaries"),
];

/// `(crate, why it is there in more than one version)`.
const SEVERAL_VERSIONS: &[(&str, &str)] = &[
    ("hashbrown", "dashmap (under gix-tempfile), gix and indexmap each ask for another major version"),
    ("syn", "the derive macros move from 2 to 3 one by one; build time only"),
];

#[test]
fn every_licence_is_one_that_somebody_looked_at() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let known: BTreeSet<&str> = LICENCES.iter().map(|(licence, _)| *licence).collect();
    let mut seen = BTreeSet::new();
    let mut unknown = Vec::new();
    for package in packages {
        let expression = package["license"].as_str().unwrap_or("no licence given");
        for licence in licences(expression) {
            match known.get(licence.as_str()) {
                Some(known) => drop(seen.insert(*known)),
                None => unknown.push(format!("{}: {expression}", package["name"])),
            }
        }
    }
    assert!(unknown.is_empty(), "licences that are not on the list:\n{}", unknown.join("\n"));
    assert_eq!(seen, known, "a licence on the list no longer occurs");
}

#[test]
fn no_crate_is_built_in_several_versions_without_a_reason() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // `cargo metadata` follows optional dependencies that no feature asks for; `cargo tree` shows what is built.
    let tree = cargo(&["tree", "--edges", "normal,build", "--target", PLATFORM, "--prefix", "none"]);
    for line in tree.lines() {
        let mut words = line.split(' ');
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            versions.entry(name.to_owned()).or_default().insert(version.to_owned());
        }
    }
    let several: BTreeMap<_, _> = versions.iter().filter(|(_, versions)| versions.len() > 1).collect();
    let found: BTreeSet<&str> = several.keys().map(|name| name.as_str()).collect();
    let expected = SEVERAL_VERSIONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, expected, "crates in several versions: {several:#?}");
}

#[test]
fn every_package_comes_from_the_public_registry() {
    let elsewhere: Vec<_> = locked_packages()
        .into_iter()
        .filter(|package| {
            !package.contains("source = \"registry+https://github.com/rust-lang/crates.io-index\"")
        })
        .filter(|package| !package.contains("name = \"git-claudedo\"\n"))
        .collect();
    assert!(elsewhere.is_empty(), "packages from elsewhere:\n{}", elsewhere.join("\n"));
}

#[test]
fn the_lock_file_stays_within_its_budget() {
    let count = locked_packages().len();
    assert!(count > 1, "Cargo.lock was not understood");
    assert!(count <= LOCKED_PACKAGES_MAX, "{count} locked packages are more than {LOCKED_PACKAGES_MAX}");
}

#[test]
fn every_direct_dependency_is_used() {
    let metadata = metadata();
    let own =
        metadata["packages"].as_array().unwrap().iter().find(|package| package["name"] == "git-claudedo");
    let code = our_code();
    let unused: Vec<_> = own.unwrap()["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dependency| dependency["rename"].as_str().or(dependency["name"].as_str()).unwrap())
        .map(|name| name.replace('-', "_"))
        .filter(|name| !names_crate(&code, name))
        .collect();
    assert!(unused.is_empty(), "dependencies that no code names: {unused:?}");
}

#[test]
fn a_crate_is_named_by_a_path_and_not_by_a_word_in_passing() {
    assert!(names_crate("let id = uuid::Uuid::now_v7();", "uuid"));
    assert!(names_crate("use gix;", "gix"));
    assert!(!names_crate("let uuid = my_uuid::new();", "uuid"));
}

fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(start, _)| {
        let (before, after) = (&code[..start], &code[start + name.len()..]);
        let starts_a_word = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        starts_a_word && (after.starts_with("::") || (before.ends_with("use ") && after.starts_with(';')))
    })
}

/// Returns the parts of a licence expression, in SPDX form or in the older one with a slash.
fn licences(expression: &str) -> Vec<String> {
    expression
        .replace(['(', ')'], "")
        .replace('/', " OR ")
        .split(" OR ")
        .flat_map(|part| part.split(" AND "))
        .map(|licence| licence.trim().to_owned())
        .collect()
}

fn locked_packages() -> Vec<String> {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    lock.split("[[package]]\n").skip(1).map(str::to_owned).collect()
}

/// Returns all our Rust code without its comment lines.
fn our_code() -> String {
    let mut pending = vec![root().join("src"), root().join("tests"), root().join("benches")];
    let mut code = String::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            for line in fs::read_to_string(path).unwrap().lines() {
                if !line.trim_start().starts_with("//") {
                    code.push_str(line);
                    code.push('\n');
                }
            }
        }
    }
    code
}

fn metadata() -> Value {
    serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--filter-platform", PLATFORM]))
        .unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO")).args(arguments).arg("--locked").current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
