//! The files that tell a system's service manager to keep the watcher alive.
//!
//! A repository cannot replace these templates: what they make runs outside of every sandbox. Every value is
//! escaped for the file it goes into; what a file cannot hold is refused rather than bent. Each file carries a
//! checksum of itself, so that one that a person changed can be told from one that an older version wrote.

use serde::Serialize;

use super::engine::{TemplateError, render_text};

/// What stands in the place of the checksum while it is computed.
const NO_CHECKSUM: &str = "0000000000000000";

/// What the checksum follows in a file.
const CHECKSUM_LABEL: &str = "Checksum: ";

/// What these templates may use.
const VALUES: &str = "name, repository, program, work_tree, environment, log, checksum";

/// What a service is made of. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceValues {
    /// The service's name: of the unit for systemd, the label for launchd.
    pub name: String,
    /// The repository's name, for people.
    pub repository: String,
    /// This program.
    pub program: String,
    /// The folder that the watcher starts in.
    pub work_tree: String,
    /// The variables that are set for it, by name.
    pub environment: Vec<(String, String)>,
    /// The file for what it says, where the system keeps no journal.
    pub log: String,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum ServiceTextError {
    /// A value holds what no line of such a file can.
    #[error("write a service file: {what} holds a line break or another control character: {value:?}")]
    Control {
        /// Which value.
        what: String,
        /// The value.
        value: String,
    },
    /// The template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

#[derive(Serialize)]
struct UnitValues<'a> {
    name: &'a str,
    repository: String,
    program: String,
    work_tree: String,
    environment: Vec<String>,
    checksum: &'static str,
}

#[derive(Serialize)]
struct AgentValues {
    name: String,
    program: String,
    work_tree: String,
    environment: Vec<Variable>,
    log: String,
    checksum: &'static str,
}

#[derive(Serialize)]
struct Variable {
    name: String,
    value: String,
}

/// Returns the text of a systemd user unit (systemd.service(5)).
pub fn systemd_unit(values: &ServiceValues) -> Result<String, ServiceTextError> {
    refuse_control_characters(values)?;
    let environment = values.environment.iter().map(|(name, value)| unit_word(&format!("{name}={value}")));
    let unit = UnitValues {
        name: &values.name,
        repository: unit_line(&values.repository),
        program: unit_program(&values.program),
        work_tree: unit_folder(&values.work_tree),
        environment: environment.collect(),
        checksum: NO_CHECKSUM,
    };
    let text = include_str!("../../templates/claudedo.service.j2");
    Ok(sealed(&render_text("templates/claudedo.service.j2", text, unit, VALUES)?))
}

/// Returns the text of a launchd agent (launchd.plist(5)).
pub fn launch_agent(values: &ServiceValues) -> Result<String, ServiceTextError> {
    refuse_control_characters(values)?;
    let environment = values.environment.iter();
    let agent = AgentValues {
        name: xml(&values.name),
        program: xml(&values.program),
        work_tree: xml(&values.work_tree),
        environment: environment
            .map(|(name, value)| Variable { name: xml(name), value: xml(value) })
            .collect(),
        log: xml(&values.log),
        checksum: NO_CHECKSUM,
    };
    let text = include_str!("../../templates/claudedo.plist.j2");
    Ok(sealed(&render_text("templates/claudedo.plist.j2", text, agent, VALUES)?))
}

/// Returns whether a file is as this program wrote it, whatever the version.
pub fn is_untouched(text: &str) -> bool {
    let Some(start) = text.find(CHECKSUM_LABEL).map(|start| start + CHECKSUM_LABEL.len()) else {
        return false;
    };
    let end = start + NO_CHECKSUM.len();
    let Some(found) = text.get(start..end) else { return false };
    let unsealed = format!("{}{NO_CHECKSUM}{}", &text[..start], &text[end..]);
    found == checksum(&unsealed)
}

/// Returns a short name for a text that others do not have, sixteen hexadecimal digits (FNV-1a).
///
/// It tells places and versions apart; it protects from nobody.
pub fn checksum(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn sealed(rendered: &str) -> String {
    let text = format!("{rendered}\n");
    let label = format!("{CHECKSUM_LABEL}{NO_CHECKSUM}");
    text.replacen(&label, &format!("{CHECKSUM_LABEL}{}", checksum(&text)), 1)
}

fn refuse_control_characters(values: &ServiceValues) -> Result<(), ServiceTextError> {
    let fixed = [
        ("the service's name", &values.name),
        ("the repository's name", &values.repository),
        ("the program's path", &values.program),
        ("the work tree's path", &values.work_tree),
        ("the log's path", &values.log),
    ];
    let fixed = fixed.into_iter().map(|(what, value)| (what.to_owned(), value));
    let variables = values.environment.iter().map(|(name, value)| (format!("the variable {name}"), value));
    match fixed.chain(variables).find(|(_, value)| value.chars().any(char::is_control)) {
        Some((what, value)) => Err(ServiceTextError::Control { what, value: value.clone() }),
        None => Ok(()),
    }
}

/// Returns the rest of a unit's line: only `%` means something there.
fn unit_line(value: &str) -> String {
    value.replace('%', "%%")
}

/// Returns a folder as the rest of a line. The slash at its end keeps a space or a backslash from ending the line,
/// where systemd would drop the one and join the next line for the other.
fn unit_folder(value: &str) -> String {
    format!("{}/", unit_line(value.trim_end_matches('/')))
}

/// Returns one word of a line that is split into words.
fn unit_word(value: &str) -> String {
    format!("\"{}\"", unit_line(&value.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// Returns the program's path as the first word of a command line. The colon says that `$` is no variable.
fn unit_program(value: &str) -> String {
    let prefix = if value.contains('$') { ":" } else { "" };
    format!("{prefix}{}", unit_word(value))
}

fn xml(value: &str) -> String {
    value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(work_tree: &str) -> ServiceValues {
        ServiceValues {
            name: "git-claudedo-shop-0123abcd".to_owned(),
            repository: "shop".to_owned(),
            program: "/opt/100% $new/git-claudedo".to_owned(),
            work_tree: work_tree.to_owned(),
            environment: vec![
                ("HOME".to_owned(), "/home/dev".to_owned()),
                ("PATH".to_owned(), "/a \"b\"/bin:/c\\d:/usr/bin".to_owned()),
            ],
            log: "/r/.git/claudedo/watch.log".to_owned(),
        }
    }

    #[test]
    fn a_unit_means_what_was_given_whatever_the_path_holds() {
        let text = systemd_unit(&values("/home/dev/50% \"off\" \\")).unwrap();
        let lines = ["ConditionPathIsDirectory=", "WorkingDirectory=", "ExecStart=", "Environment="];
        let lines: Vec<&str> =
            text.lines().filter(|line| lines.iter().any(|key| line.starts_with(key))).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        ConditionPathIsDirectory=/home/dev/50%% "off" \/
        WorkingDirectory=/home/dev/50%% "off" \/
        ExecStart=:"/opt/100%% $new/git-claudedo" watch
        Environment="HOME=/home/dev"
        Environment="PATH=/a \"b\"/bin:/c\\d:/usr/bin"
        "#);
    }

    #[test]
    fn an_agent_of_launchd_is_sound_xml_whatever_the_path_holds() {
        let text = launch_agent(&values("/Users/dev/<R&D> \"it's\"")).unwrap();
        assert!(text.contains("<string>/Users/dev/&lt;R&amp;D&gt; &quot;it&apos;s&quot;</string>"), "{text}");
        assert!(text.starts_with("<?xml "), "{text}");
    }

    #[test]
    fn a_path_with_a_line_break_is_refused_by_name() {
        let odd = values("/home/dev/two\nlines");
        let refused = systemd_unit(&odd).unwrap_err().to_string();
        insta::assert_snapshot!(refused, @r#"write a service file: the work tree's path holds a line break or another control character: "/home/dev/two\nlines""#);
        assert_eq!(launch_agent(&odd).unwrap_err().to_string(), refused);
    }

    #[test]
    fn a_file_that_was_changed_by_hand_is_known() {
        for text in [systemd_unit(&values("/r")).unwrap(), launch_agent(&values("/r")).unwrap()] {
            assert!(is_untouched(&text), "{text}");
            assert!(!is_untouched(&text.replace("watch", "watch --slots 9")));
            assert!(!is_untouched(&format!("{text} ")));
        }
        assert!(!is_untouched("[Unit]\n"));
        assert!(!is_untouched("# Checksum: 00"));
    }
}
