//! One ref sent to a remote, by the git program: it knows the user's ssh, proxies and credential helpers.
//!
//! Nothing is ever mirrored: exactly one ref goes to the ref of the same name, and what the remote does not take stays
//! untaken. It is forced only over the very commit that the caller names. No hook of the user's runs, and nobody is asked for a password: there may be no terminal.

use std::time::Duration;

use super::{CommitId, GitError, GitProgram, Repository};

/// The longest that a push or a question may take.
const TIME_MAX: Duration = Duration::from_mins(5);

/// The remote that git takes when nothing names another.
const USUAL_REMOTE: &str = "origin";

/// Whether the remote is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushWish {
    /// Pushes.
    Push,
    /// Asks what a push would do.
    Try,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushEnd {
    /// The remote has the ref now, or would have it.
    Pushed,
    /// It had it before.
    UpToDate,
    /// It did not take it.
    Refused {
        /// What git says.
        reason: String,
    },
    /// Nobody knows: the remote was not reached, or its answer was not.
    Unknown {
        /// What git says.
        reason: String,
    },
}

impl Repository {
    /// Pushes one ref to the ref of the same name, by the name or the address of a remote.
    ///
    /// With `over`, it takes the place of that commit, which it need not follow; where the remote has another one by
    /// then, it is refused (git-push(1), `--force-with-lease`).
    pub fn push_ref(
        &self,
        remote: &str,
        name: &str,
        over: Option<CommitId>,
        wish: PushWish,
    ) -> Result<PushEnd, GitError> {
        let refspec = format!("{name}:{name}");
        // An explicit ref and `remote.<name>.mirror` exclude each other (git-push(1)).
        let no_mirror = format!("remote.{remote}.mirror=false");
        let mut words: Vec<&str> = Vec::new();
        if self.has_remote(remote) {
            words.extend(["-c", &no_mirror]);
        }
        words.extend(["push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"]);
        let lease = over.map(|over| format!("--force-with-lease={name}:{over}"));
        words.extend(lease.as_deref());
        if wish == PushWish::Try {
            words.push("--dry-run");
        }
        words.extend(["--", remote, &refspec]);
        let program = GitProgram::for_remotes(self, TIME_MAX);
        let output = match program.capture(words) {
            Ok(output) => output,
            // It was ended in the middle, so the remote may have the ref all the same.
            Err(GitError::Program { reason, .. }) => return Ok(PushEnd::Unknown { reason }),
            Err(error) => return Err(error),
        };
        let (is_success, said, complaint) = output.into_parts();
        Ok(parse(&said, name).unwrap_or(if is_success {
            PushEnd::Pushed
        } else {
            PushEnd::Unknown { reason: complaint }
        }))
    }

    /// Asks a remote which commit a ref of it names.
    pub fn remote_ref(&self, remote: &str, name: &str) -> Result<Option<CommitId>, GitError> {
        let program = GitProgram::for_remotes(self, TIME_MAX);
        let answer = program.capture(["ls-remote", "--", remote, name])?.require_success()?;
        let answer = String::from_utf8_lossy(&answer);
        let line = answer.lines().find_map(|line| line.split_once('\t').filter(|(_, found)| *found == name));
        Ok(line.and_then(|(id, _)| id.parse().ok()))
    }

    /// Returns whether a remote has that name.
    pub fn has_remote(&self, name: &str) -> bool {
        let url = format!("{name}.url");
        self.config_values("remote").iter().any(|value| value.key == url)
    }

    /// Returns the remote that `git push` takes when it is not told another, git-config(1).
    pub fn default_remote(&self) -> Result<String, GitError> {
        let branch = self.head_branch()?;
        let of_branch = |key: &str| {
            let wanted = format!("{}.{key}", branch.as_ref()?.short());
            last(&self.config_values("branch"), &wanted)
        };
        let remotes = self.config_values("remote");
        let found = of_branch("pushremote")
            .or_else(|| last(&remotes, "pushdefault"))
            .or_else(|| of_branch("remote"))
            .or_else(|| only_remote(&remotes));
        Ok(found.unwrap_or_else(|| USUAL_REMOTE.to_owned()))
    }
}

fn last(values: &[super::ConfigValue], key: &str) -> Option<String> {
    values.iter().rfind(|value| value.key == key).map(|value| value.value.clone())
}

fn only_remote(values: &[super::ConfigValue]) -> Option<String> {
    let mut names: Vec<&str> = values.iter().filter_map(|value| value.key.strip_suffix(".url")).collect();
    names.dedup();
    if let [name] = names.as_slice() { Some((*name).to_owned()) } else { None }
}

/// Reads the lines about one ref, git-push(1): `<flag> TAB <from>:<to> TAB <summary>`. One remote may have several
/// addresses; that it refused anywhere counts.
fn parse(said: &str, name: &str) -> Option<PushEnd> {
    let refspec = format!("{name}:{name}");
    let mut ends = said.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        let (flag, refs, summary) = (fields.next()?, fields.next()?, fields.next().unwrap_or_default());
        (refs == refspec).then(|| match flag {
            "!" => PushEnd::Refused { reason: summary.to_owned() },
            "=" => PushEnd::UpToDate,
            _ => PushEnd::Pushed,
        })
    });
    let first = ends.next()?;
    Some(ends.fold(first, |worst, end| match (&worst, &end) {
        (PushEnd::Refused { .. }, _) | (PushEnd::Pushed, PushEnd::UpToDate) => worst,
        _ => end,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_of_the_ref_is_read_and_the_worst_address_counts() {
        let line = |flag: &str, summary: &str| format!("{flag}\trefs/x/1:refs/x/1\t{summary}\n");
        let said = |lines: &[String]| parse(&format!("To /somewhere\n{}Done\n", lines.concat()), "refs/x/1");
        let refused = PushEnd::Refused { reason: "[rejected] (fetch first)".to_owned() };
        assert_eq!(said(&[line("*", "[new reference]")]), Some(PushEnd::Pushed));
        assert_eq!(said(&[line(" ", "1234567..89abcde")]), Some(PushEnd::Pushed));
        assert_eq!(said(&[line("=", "[up to date]")]), Some(PushEnd::UpToDate));
        let both = [line("=", "[up to date]"), line("!", "[rejected] (fetch first)"), line("*", "[new]")];
        assert_eq!(said(&both), Some(refused));
        assert_eq!(said(&[line("=", "[up to date]"), line("*", "[new]")]), Some(PushEnd::Pushed));
        assert_eq!(said(&[]), None);
    }
}
