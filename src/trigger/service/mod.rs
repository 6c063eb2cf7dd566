//! The watcher as a service of the user: one file for the system's service manager, and what to tell that manager.
//!
//! A [`Service`] is the file as it should be, and where. Making the value touches nothing; [`Service::installed`]
//! compares it with what lies there. [`Manager`] talks to `systemctl` or `launchctl`.

mod environment;
mod manager;

use std::path::{Path, PathBuf};

pub use environment::{Environment, UNWRITTEN_LOGINS, lasting_path, service_environment};
pub use manager::{Linger, Manager, ManagerError, ServiceState};

use crate::os::fs::{self, FileError};
use crate::template::{self, ServiceTextError, ServiceValues};

/// How much of the hash of a repository's path tells two of the same name apart.
const HASH_DIGITS: usize = 8;

/// Which service manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceKind {
    /// systemd's manager of a user's services (Linux).
    Systemd,
    /// launchd (macOS).
    Launchd,
}

/// The file of one repository's service, as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Which manager it is for.
    pub kind: ServiceKind,
    /// The manager's name of it: `git-claudedo-shop-1a2b3c4d.service`.
    pub name: String,
    /// Where the file belongs.
    pub path: PathBuf,
    /// What stands in it.
    pub text: String,
}

/// What lies where a service's file belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// Nothing.
    Absent,
    /// The file as it should be.
    Current,
    /// One that this program wrote, from other values or in another version.
    Outdated,
    /// One that somebody else wrote or changed.
    Foreign,
}

/// What a service is made from. Paths are absolute.
#[derive(Debug, Clone, Copy)]
pub struct ServiceSource<'a> {
    /// The repository's name.
    pub repository: &'a str,
    /// Its common directory, which tells it from others.
    pub common_dir: &'a Path,
    /// The folder that the watcher starts in.
    pub work_tree: &'a Path,
    /// This program.
    pub program: &'a Path,
    /// The file for what the watcher says, where the system keeps no journal.
    pub log: &'a Path,
}

/// Why there can be no service.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The file cannot say this.
    #[error(transparent)]
    Text(#[from] ServiceTextError),
    /// A path or a variable is not text.
    #[error("write a service file: {what} is not valid UTF-8: {}", value.display())]
    NotUnicode {
        /// Which.
        what: String,
        /// Its value.
        value: PathBuf,
    },
    /// Nobody knows where services lie.
    #[error("find the folder of services: HOME is not set")]
    NoHome,
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Service {
    /// Returns the service of a repository, for a user with this environment.
    pub fn new(
        kind: ServiceKind,
        source: &ServiceSource<'_>,
        user: &Environment,
    ) -> Result<Self, ServiceError> {
        let label = label(kind, source);
        let values = ServiceValues {
            name: label.clone(),
            repository: source.repository.to_owned(),
            program: text("the program's path", source.program)?,
            work_tree: text("the work tree's path", source.work_tree)?,
            environment: service_environment(user)?,
            log: text("the log's path", source.log)?,
        };
        let folder = folder(kind, user).ok_or(ServiceError::NoHome)?;
        let (name, file, text) = match kind {
            ServiceKind::Systemd => {
                let name = format!("{label}.service");
                (name.clone(), name, template::systemd_unit(&values)?)
            }
            ServiceKind::Launchd => {
                let file = format!("{label}.plist");
                (label, file, template::launch_agent(&values)?)
            }
        };
        Ok(Self { kind, name, path: folder.join(file), text })
    }

    /// Looks at what lies where the file belongs.
    pub fn installed(&self) -> Result<Installed, ServiceError> {
        let Some(bytes) = fs::read_optional(&self.path)? else { return Ok(Installed::Absent) };
        if bytes == self.text.as_bytes() {
            return Ok(Installed::Current);
        }
        let untouched = std::str::from_utf8(&bytes).is_ok_and(template::is_untouched);
        Ok(if untouched { Installed::Outdated } else { Installed::Foreign })
    }

    /// Writes the file.
    pub fn write(&self) -> Result<(), ServiceError> {
        if let Some(folder) = self.path.parent() {
            fs::create_directory(folder)?;
        }
        Ok(fs::write_atomic(&self.path, self.text.as_bytes())?)
    }

    /// Removes the file.
    pub fn remove(&self) -> Result<(), ServiceError> {
        Ok(fs::remove_file(&self.path)?)
    }

    /// Returns the command that shows what the watcher says.
    pub fn log_command(&self, log: &Path) -> String {
        match self.kind {
            ServiceKind::Systemd => format!("journalctl --user --unit {}", self.name),
            ServiceKind::Launchd => format!("tail -n 50 '{}'", log.display()),
        }
    }
}

/// The name is plain: letters, digits, `.`, `_` and `-`, which neither manager gives a meaning of its own.
fn label(kind: ServiceKind, source: &ServiceSource<'_>) -> String {
    let hash = template::checksum(&source.common_dir.to_string_lossy());
    let name = format!("git-claudedo-{}-{}", source.repository, &hash[..HASH_DIGITS]);
    match kind {
        ServiceKind::Systemd => name,
        // Labels on macOS are names of hosts, the other way round.
        ServiceKind::Launchd => format!("io.github.{name}"),
    }
}

fn folder(kind: ServiceKind, user: &Environment) -> Option<PathBuf> {
    let path = |name: &str| {
        user.get(std::ffi::OsStr::new(name)).map(PathBuf::from).filter(|path| path.is_absolute())
    };
    match kind {
        ServiceKind::Systemd => path("XDG_CONFIG_HOME")
            .or_else(|| path("HOME").map(|home| home.join(".config")))
            .map(|config| config.join("systemd/user")),
        ServiceKind::Launchd => path("HOME").map(|home| home.join("Library/LaunchAgents")),
    }
}

fn text(what: &str, path: &Path) -> Result<String, ServiceError> {
    let not_unicode = || ServiceError::NotUnicode { what: what.to_owned(), value: path.to_owned() };
    path.to_str().map(str::to_owned).ok_or_else(not_unicode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(kind: ServiceKind, common_dir: &str, home: &Path) -> Service {
        let source = ServiceSource {
            repository: "shop",
            common_dir: Path::new(common_dir),
            work_tree: Path::new("/r/shop"),
            program: Path::new("/usr/bin/git-claudedo"),
            log: Path::new("/r/shop/.git/claudedo/watch.log"),
        };
        Service::new(kind, &source, &[("HOME".into(), home.into())].into()).unwrap()
    }

    #[test]
    fn two_repositories_of_one_name_have_two_services() {
        let home = Path::new("/home/dev");
        let one = service(ServiceKind::Systemd, "/r/shop/.git", home);
        let other = service(ServiceKind::Systemd, "/s/shop/.git", home);
        assert_ne!(one.path, other.path);
        insta::assert_snapshot!(one.path.display(), @"/home/dev/.config/systemd/user/git-claudedo-shop-5b0cce62.service");
        let agent = service(ServiceKind::Launchd, "/r/shop/.git", home);
        insta::assert_snapshot!(agent.path.display(), @"/home/dev/Library/LaunchAgents/io.github.git-claudedo-shop-5b0cce62.plist");
    }

    #[test]
    fn an_older_file_of_ours_is_told_from_one_that_a_person_changed() {
        let home = tempfile::tempdir().unwrap();
        let service = service(ServiceKind::Systemd, "/r/shop/.git", home.path());
        assert_eq!(service.installed().unwrap(), Installed::Absent);
        service.write().unwrap();
        assert_eq!(service.installed().unwrap(), Installed::Current);
        let mut newer = service.clone();
        newer.text.push('\n');
        assert_eq!(newer.installed().unwrap(), Installed::Outdated);
        fs::write_atomic(&service.path, format!("{}Nice=1\n", service.text).as_bytes()).unwrap();
        assert_eq!(service.installed().unwrap(), Installed::Foreign);
    }
}
