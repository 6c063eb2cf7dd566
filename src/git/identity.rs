//! Who a commit is by.

use std::fmt;

use super::Repository;

/// Used where git knows neither a name nor an address: work must not be lost for want of one.
///
/// `.invalid` is a domain that never exists (RFC 2606), so no mail can go to a stranger.
pub(super) const FALLBACK_NAME: &str = "git-claudedo";
pub(super) const FALLBACK_EMAIL: &str = "git-claudedo@localhost.invalid";

/// A name and an address, as in the author line of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name, without line ends or angle brackets.
    pub name: String,
    /// The address.
    pub email: String,
}

impl Identity {
    /// Returns an identity without the characters that a commit header cannot hold (`<`, `>`, line ends).
    ///
    /// An empty part is replaced by this program's own.
    pub fn new(name: &str, email: &str) -> Self {
        let clean = |text: &str, fallback: &str| {
            let text: String = text
                .chars()
                .filter(|character| !matches!(character, '<' | '>' | '\n' | '\r' | '\0'))
                .collect();
            if text.trim().is_empty() { fallback.to_owned() } else { text.trim().to_owned() }
        };
        Self { name: clean(name, FALLBACK_NAME), email: clean(email, FALLBACK_EMAIL) }
    }

    /// Returns whether a part of it is this program's own.
    pub fn is_made_up(&self) -> bool {
        self.name == FALLBACK_NAME || self.email == FALLBACK_EMAIL
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
    }
}

impl Repository {
    /// Returns the author that git would use here: `GIT_AUTHOR_*`, `author.*`, `user.*`, `EMAIL`, in that order.
    ///
    /// Falls back to `git-claudedo <git-claudedo@localhost.invalid>`, each part on its own. Never fails:
    /// unlike git, which refuses, since this commit may be the only copy of an agent's work.
    pub fn author_identity(&self) -> Identity {
        let repository = self.local();
        if let Some(Ok(author)) = repository.author() {
            return Identity::new(&author.name.to_string(), &author.email.to_string());
        }
        let config = repository.config_snapshot();
        let text = |key: &str| config.string(key).map(|value| value.to_string()).unwrap_or_default();
        Identity::new(&text("user.name"), &text("user.email"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_always_fits_into_a_commit_header() {
        let identity = Identity::new("Eve <eve@evil>\nparent 0", " ");
        assert_eq!(identity.to_string(), "Eve eve@evilparent 0 <git-claudedo@localhost.invalid>");
    }
}
