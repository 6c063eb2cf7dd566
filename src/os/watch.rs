//! Hears of changes in folders.
//!
//! A change that is told is a hint to look again, never a fact: file systems forget some and tell
//! others twice, and some (NFS) tell none at all. So whoever waits gives a longest time as well.

use std::ffi::OsString;
use std::fmt::{self, Debug, Formatter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Listens to the changes of the files that are directly in a folder.
#[derive(Debug)]
pub struct Changes {
    receiver: Receiver<()>,
    _folders: Folders,
}

/// The folder cannot be listened to.
#[derive(Debug, thiserror::Error)]
#[error("listen for changes in {}", folder.display())]
pub struct WatchError {
    /// The folder.
    pub folder: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: notify::Error,
}

impl Changes {
    /// Starts to listen. In a folder that is missing there is nothing to hear.
    pub fn of(folder: &Path) -> Result<Self, WatchError> {
        // Room for one: a second hint before anybody looked says nothing new.
        let (sender, receiver) = sync_channel(1);
        // No room means that a hint waits already.
        let told = Arc::new(move || if sender.try_send(()).is_err() {});
        let mut folders = Folders::new(vec![Folder { path: folder.to_owned(), only: None }], told);
        folders.renew()?;
        Ok(Self { receiver, _folders: folders })
    }

    /// Waits for a change, or for the longest time.
    pub fn wait(&self, time_max: Duration) {
        // A watcher that has died leaves the longest time.
        if self.receiver.recv_timeout(time_max).is_err() {}
    }
}

/// Hears a hint. Called on a thread of the watcher's; it must not block.
pub type Told = Arc<dyn Fn() + Send + Sync>;

/// A folder to listen to: what is directly in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Where it is. It may be missing.
    pub path: PathBuf,
    /// The only name in it that matters, if not all do.
    pub only: Option<OsString>,
}

/// Listens to several folders that may come and go.
pub struct Folders {
    wanted: Arc<Vec<Folder>>,
    told: Told,
    watcher: Option<RecommendedWatcher>,
}

impl Debug for Folders {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folders").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

impl Folders {
    /// Returns a listener that hears nothing before the first [`Self::renew`]. A folder comes before those in it.
    pub fn new(wanted: Vec<Folder>, told: Told) -> Self {
        Self { wanted: Arc::new(wanted), told, watcher: None }
    }

    /// Listens to all folders that are there now. One that was deleted and made again is another folder to the
    /// operating system, so this is called before every look.
    pub fn renew(&mut self) -> Result<(), WatchError> {
        let result = self.try_renew();
        if result.is_err() {
            // The next call starts anew.
            self.watcher = None;
        }
        result
    }

    fn try_renew(&mut self) -> Result<(), WatchError> {
        let failed = |folder: &Path| {
            let folder = folder.to_owned();
            move |source| WatchError { folder, source }
        };
        let first = self.wanted.first().map(|folder| folder.path.clone()).unwrap_or_default();
        let mut watcher = match self.watcher.take() {
            Some(watcher) => watcher,
            None => self.listener().map_err(failed(&first))?,
        };
        for folder in self.wanted.iter() {
            match watcher.watch(&folder.path, RecursiveMode::NonRecursive) {
                Err(error) if !is_absent(&error) => return Err(failed(&folder.path)(error)),
                Ok(()) | Err(_) => {}
            }
        }
        self.watcher = Some(watcher);
        Ok(())
    }

    fn listener(&self) -> Result<RecommendedWatcher, notify::Error> {
        let (wanted, told) = (Arc::clone(&self.wanted), Arc::clone(&self.told));
        notify::recommended_watcher(move |event: Result<Event, notify::Error>| {
            if event.is_ok_and(|event| !matters(&event, &wanted)) {
                return;
            }
            told();
        })
    }
}

/// Returns whether a folder is on a file system that others change without the kernel hearing of it.
pub fn is_remote(folder: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        /// NFS, SMB, CIFS, SMB 2, 9P (as WSL has it), AFS, Ceph, FUSE (sshfs and the like); see statfs(2).
        const REMOTE: [u64; 8] = [
            0x0000_6969,
            0x0000_517B,
            0xFF53_4D42,
            0xFE53_4D42,
            0x0102_1997,
            0x5346_414F,
            0x00C3_6400,
            0x6573_5546,
        ];
        rustix::fs::statfs(folder)
            .is_ok_and(|found| u64::try_from(found.f_type).is_ok_and(|kind| REMOTE.contains(&kind)))
    }
    #[cfg(not(target_os = "linux"))]
    {
        folder.as_os_str().is_empty()
    }
}

/// Returns whether an event may mean a change. What says nothing clear does.
fn matters(event: &Event, wanted: &[Folder]) -> bool {
    match event.kind {
        // Whoever reads the files on a hint would hear of that, and read them again.
        EventKind::Access(_) => false,
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => {
            event.paths.is_empty() || event.paths.iter().any(|path| is_wanted(path, wanted))
        }
    }
}

fn is_wanted(path: &Path, wanted: &[Folder]) -> bool {
    !wanted.iter().any(|folder| {
        folder.only.as_ref().is_some_and(|only| {
            path == folder.path || (path.parent() == Some(&folder.path) && path.file_name() != Some(only))
        })
    })
}

fn is_absent(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound | notify::ErrorKind::WatchNotFound => true,
        notify::ErrorKind::Io(error) => {
            matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
        }
        notify::ErrorKind::Generic(_)
        | notify::ErrorKind::InvalidConfig(_)
        | notify::ErrorKind::MaxFilesWatch => false,
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, CreateKind, Flag};

    use super::*;

    fn event(kind: EventKind, path: &str) -> Event {
        Event::new(kind).add_path(PathBuf::from(path))
    }

    #[test]
    fn only_what_may_be_a_change_of_what_is_wanted_is_a_hint() {
        let create = EventKind::Create(CreateKind::File);
        let wanted = [
            Folder { path: "/w".into(), only: Some(".claudedo".into()) },
            Folder { path: "/w/.claudedo".into(), only: None },
        ];
        let cases = [
            (event(create, "/w/.claudedo/config.yaml"), true),
            (event(create, "/w/.claudedo"), true),
            (event(create, "/w/README.md"), false),
            (event(create, "/w"), false),
            (event(EventKind::Access(AccessKind::Any), "/w/.claudedo/config.yaml"), false),
            (Event::new(EventKind::Other).set_flag(Flag::Rescan), true),
        ];
        for (event, expected) in cases {
            assert_eq!(matters(&event, &wanted), expected, "{event:?}");
        }
    }

    #[test]
    fn a_folder_that_is_deleted_and_made_again_is_heard_again() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("inner");
        let (sender, receiver) = sync_channel(1);
        let told = Arc::new(move || if sender.try_send(()).is_err() {});
        let wanted = vec![
            Folder { path: root.path().to_owned(), only: Some("inner".into()) },
            Folder { path: inner.clone(), only: None },
        ];
        let mut folders = Folders::new(wanted, told);
        folders.renew().unwrap();
        for _ in 0..3 {
            std::fs::create_dir(&inner).unwrap();
            receiver.recv_timeout(Duration::from_secs(50)).unwrap();
            folders.renew().unwrap();
            while receiver.try_recv().is_ok() {}
            super::super::fs::write_derived(&inner.join("file"), b"x").unwrap();
            receiver.recv_timeout(Duration::from_secs(50)).unwrap();
            super::super::fs::remove_directory(&inner).unwrap();
            while receiver.recv_timeout(Duration::from_millis(100)).is_ok() {}
        }
    }

    #[test]
    fn a_change_ends_the_wait() {
        let folder = tempfile::tempdir().unwrap();
        let changes = Changes::of(folder.path()).unwrap();
        super::super::fs::write_derived(&folder.path().join("file"), b"x").unwrap();
        changes.receiver.recv_timeout(Duration::from_secs(50)).unwrap();
    }
}
