//! Checks of the repository: whether it may be used, what is unusual about it, who commits, what is checked out where.

use std::path::{Path, PathBuf};

use super::facts::{Facts, Place};
use super::finding::{Finding, quoted};
use super::machine::install;
use crate::agent::program::require_program;
use crate::git::{GitError, GitVersion, Peculiarity, Worktree, complaint, git_programs};
use crate::os::executable::find_all;

/// The formats of signatures, with the key that names the program and the one that is used without it (git-config(1)).
const SIGNERS: [(&str, &str, &str); 3] = [
    ("openpgp", "openpgp.program", "gpg"),
    ("ssh", "ssh.program", "ssh-keygen"),
    ("x509", "x509.program", "gpgsm"),
];

/// Why a signature that cannot be made matters, and what turns signatures off.
const SIGNING_WHY: &str = "commit.gpgSign asks for it, and a run whose commit cannot be signed fails.";
const SIGNING_OFF: &str = "git config commit.gpgSign false";

/// Whether there is a repository, and whether it may be used.
pub(super) fn repository(facts: &Facts) -> Vec<Finding> {
    let place = match &facts.found {
        Ok(place) => place.repository.git_dir(),
        Err(error) => return vec![refused(error, &facts.start)],
    };
    vec![Finding::ok(format!("A git repository, at {}", place.display()))]
}

fn refused(error: &GitError, start: &Path) -> Finding {
    if let GitError::NoRepository { .. } = error {
        return Finding::info("No repository here: only the machine and the agent are checked.")
            .why(format!("Looked for from {}", start.display()));
    }
    if let GitError::NotOwned { path, .. } = error {
        let owned = owned_folder(path, start);
        return Finding::problem(format!("The repository belongs to another user: {}", owned.display()))
            .why("Its settings and hooks could run anything, so git refuses it as well. Only if it may be trusted:")
            .mend(format!("git config --global --add safe.directory {}", quoted(owned.display())));
    }
    let finding = Finding::problem(format!("failed to {error}"));
    if let GitError::Unsupported { reason, .. } = error {
        return match reason.split('`').nth(1) {
            Some(command) => finding.mend(command),
            None => finding,
        };
    }
    unreadable(finding, error, start)
}

/// Lets git say what is wrong: it knows the file and the line.
fn unreadable(finding: Finding, error: &GitError, start: &Path) -> Finding {
    let said = complaint(start);
    let why = said.clone().or_else(|| std::error::Error::source(error).map(ToString::to_string));
    let finding = if let Some(why) = why { finding.why(why) } else { finding };
    match said.as_deref().and_then(broken_line) {
        Some((line, file)) => finding.mend(format!("\"${{EDITOR:-vi}}\" +{line} {}", quoted(file))),
        None => finding.mend("git rev-parse --git-dir"),
    }
}

/// Returns the folder that `safe.directory` has to name: that which holds `.git`, or the bare repository.
fn owned_folder(path: &Path, start: &Path) -> PathBuf {
    let holds_git = |folder: &&Path| folder.join(".git").exists();
    let found = start.ancestors().find(holds_git).unwrap_or(path);
    found.canonicalize().unwrap_or_else(|_| found.to_owned())
}

/// Takes the line and the file out of `fatal: bad config line 3 in file .git/config`.
fn broken_line(words: &str) -> Option<(u32, &str)> {
    let (_, rest) = words.split_once("bad config line ")?;
    let (line, rest) = rest.split_once(" in file ")?;
    Some((line.parse().ok()?, rest.lines().next()?.trim()))
}

/// What is unusual about the repository.
pub(super) fn form(facts: &Facts, place: &Place) -> Vec<Finding> {
    let peculiarities = place.repository.peculiarities();
    if peculiarities.is_empty() {
        return vec![Finding::ok("Nothing about its form is unusual.")];
    }
    peculiarities.into_iter().map(|peculiarity| describe(peculiarity, facts)).collect()
}

fn describe(peculiarity: Peculiarity, facts: &Facts) -> Finding {
    match peculiarity {
        Peculiarity::Bare => Finding::info("It is bare.")
            .why("Task files lie in a work tree: tasks are added and run in a clone of it; records can be read here."),
        Peculiarity::Sha256 => {
            Finding::info("Its objects are named by SHA-256.").why("Many forges do not take such a repository.")
        }
        Peculiarity::Shallow => Finding::info("Its history is cut off (a shallow clone).")
            .why("Branches of tasks begin at commits that are here; agents cannot see what was before.")
            .mend("git fetch --unshallow"),
        Peculiarity::Partial => Finding::warning("Objects are missing until git fetches them (a partial clone).")
            .why("A worktree is not made when the files that it needs are missing.")
            .mend("git fetch --refetch --no-filter"),
        Peculiarity::Sparse => Finding::info("This checkout leaves files out (core.sparseCheckout).")
            .why("Worktrees of tasks leave out the same ones, so agents do not see them."),
        Peculiarity::Submodules => Finding::info("It has submodules.")
            .why("They are empty in the worktree of a task, and what an agent changes in one is not kept."),
        Peculiarity::Lfs if find_all("git-lfs", &facts.search_path).is_empty() => {
            Finding::problem("It keeps files by Git LFS, and no folder of PATH holds git-lfs.")
                .why("Worktrees of tasks would hold pointers in the place of these files, and hooks of git-lfs fail.")
                .mend(install(facts, "git-lfs"))
        }
        Peculiarity::Lfs => Finding::info("It keeps files by Git LFS."),
        Peculiarity::RelativeWorktrees => relative_worktrees(facts),
    }
}

fn relative_worktrees(facts: &Facts) -> Finding {
    let versions = git_programs(&facts.search_path).into_iter().map(|path| (GitVersion::load(&path), path));
    let mut old = versions.filter(|(version, _)| {
        version.as_ref().is_ok_and(|version| *version < GitVersion::RELATIVE_WORKTREES)
    });
    match old.next() {
        Some((_, path)) => Finding::problem(format!(
            "Worktrees have relative paths, and this git cannot read that: {}",
            path.display()
        ))
        .why(format!("git before {} refuses the whole repository.", GitVersion::RELATIVE_WORKTREES))
        .mend("git config --unset worktree.useRelativePaths; git worktree repair --no-relative-paths"),
        None => Finding::info("Worktrees are registered by relative paths.")
            .why(format!("git before {} refuses the whole repository.", GitVersion::RELATIVE_WORKTREES)),
    }
}

/// Who the commits of runs are by.
pub(super) fn identity(_: &Facts, place: &Place) -> Vec<Finding> {
    let author = place.repository.author_identity();
    if place.repository.knows_author() {
        return vec![Finding::ok(format!("Commits are by {author}"))];
    }
    let refusal = place.repository.author_refusal();
    let why = refusal.as_deref().and_then(last_line).unwrap_or("user.name or user.email is not set.");
    vec![
        Finding::warning(format!("Commits of runs would be by {author}"))
            .why(format!("git does not know who works here: {why}"))
            .mend("git config --global user.name \"Your Name\" && git config --global user.email you@example.com"),
    ]
}

fn last_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).rfind(|line| !line.is_empty())
}

/// Whether commits can be signed, where they are to be.
pub(super) fn signing(facts: &Facts, place: &Place) -> Vec<Finding> {
    if !place.value("commit", "gpgsign").is_some_and(|value| is_true(&value)) {
        return vec![Finding::ok("Commits are not to be signed.")];
    }
    let format = place.value("gpg", "format").unwrap_or_else(|| "openpgp".to_owned());
    let Some((_, key, usual)) = SIGNERS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&format)) else {
        return vec![
            Finding::problem(format!("There is no format of signatures {format:?}."))
                .why(SIGNING_WHY)
                .mend(SIGNING_OFF),
        ];
    };
    let older = || place.value("gpg", "program").filter(|_| format.eq_ignore_ascii_case("openpgp"));
    let program = place.value("gpg", key).or_else(older).unwrap_or_else(|| (*usual).to_owned());
    match require_program(&program, &facts.search_path, &facts.root()) {
        Err(error) => vec![Finding::failed(error).why(SIGNING_WHY).mend(SIGNING_OFF)],
        Ok(_) if format == "ssh" && place.value("user", "signingkey").is_none() => {
            vec![
                Finding::problem("Commits are to be signed by ssh, and no key is named.")
                    .why(SIGNING_WHY)
                    .mend("git config --global user.signingKey ~/.ssh/id_ed25519.pub"),
            ]
        }
        Ok(path) => vec![Finding::ok(format!("Commits are signed ({format}) by {}", path.display()))],
    }
}

fn is_true(value: &str) -> bool {
    ["true", "yes", "on", "1"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Worktrees whose folder is gone.
pub(super) fn worktrees(_: &Facts, place: &Place) -> Vec<Finding> {
    let worktrees = match place.repository.worktrees() {
        Ok(worktrees) => worktrees,
        Err(error) => return vec![Finding::failed(error)],
    };
    let gone: Vec<&Worktree> = worktrees.iter().filter(|worktree| !worktree.path.exists()).collect();
    let Some(first) = gone.first() else {
        return vec![Finding::ok(match worktrees.len() {
            0 => "There is no linked worktree.".to_owned(),
            number => format!("All folders of linked worktrees are there ({number})."),
        })];
    };
    let locked = gone.iter().find(|worktree| worktree.lock.is_some());
    let mend = match locked {
        Some(worktree) => {
            format!("git worktree unlock {} && git worktree prune", quoted(worktree.path.display()))
        }
        None => "git worktree prune".to_owned(),
    };
    let others = if gone.len() > 1 { format!(", and {} more", gone.len() - 1) } else { String::new() };
    vec![
        Finding::warning(format!("The folder of a worktree is gone: {}{others}", first.path.display()))
            .why("Its branch counts as checked out until git forgets the worktree.")
            .mend(mend),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broken_line_is_taken_from_the_words_of_git() {
        assert_eq!(broken_line("fatal: bad config line 3 in file .git/config\n"), Some((3, ".git/config")));
        assert_eq!(broken_line("fatal: not a git repository"), None);
    }
}
