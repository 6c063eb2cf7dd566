//! The page on reliability names its tests and its code; what it names must be there.

use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../../docs/reliability.md");

/// The rows of the fault matrix that the page must have.
fn required_rows() -> impl Iterator<Item = String> {
    (1..=19).chain(26..=51).chain([54]).map(|number| format!("F{number:02}"))
}

/// Returns what stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn source(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let names: Vec<(&str, &str)> = quoted(PAGE).filter_map(|word| word.split_once(".rs::")).collect();
    assert!(names.len() > 80, "the page has lost its tests: {names:#?}");
    for (path, name) in names {
        let path = format!("{path}.rs");
        let text = source(&path).unwrap_or_else(|| panic!("there is no {path}"));
        assert!(text.contains(&format!("fn {name}()")), "{path} has no test {name}");
    }
}

#[test]
fn every_source_that_the_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_path = |word: &&str| word.starts_with("src/") || word.starts_with("tests/");
    for path in quoted(PAGE).filter(is_path).filter(|path| !path.contains("::")) {
        assert!(root.join(path).exists(), "there is no {path}");
    }
    // `function` in `file`
    for part in PAGE.split("` in `src/").skip(1) {
        let path = format!("src/{}", part.split('`').next().unwrap());
        let before = PAGE.split(&format!("` in `{path}`")).next().unwrap();
        let name = before.rsplit('`').next().unwrap();
        assert!(source(&path).unwrap().contains(&format!("fn {name}")), "{path} has no {name}");
    }
}

#[test]
fn every_row_has_a_test_or_says_why_not() {
    for row in required_rows() {
        let line = PAGE.lines().find(|line| line.starts_with(&format!("| {row} |")));
        let line = line.unwrap_or_else(|| panic!("the page has no row {row}"));
        let has_test = quoted(line).any(|word| word.contains(".rs::"));
        assert!(
            has_test || line.contains("by hand") || line.contains("campaign"),
            "{row} has no test: {line}"
        );
    }
}
