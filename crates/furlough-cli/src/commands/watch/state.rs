use furlough_lab::run::{RunDir, RunStatus};
use serde::{Serialize, Serializer};
use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A process is writing it.
    Running,
    /// None does. What is unfinished was stopped or killed, and can be resumed.
    Still(RunStatus),
    /// One of its files cannot be read.
    Unreadable,
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            State::Running => "running",
            State::Still(RunStatus::Unfinished) => "stopped",
            State::Still(status) => status.as_str(),
            State::Unreadable => "unreadable",
        })
    }
}

/// The files that processes of this machine hold locks on, by inode. Taking a lock to see whether
/// it is free could make a run fail that starts in this moment, so the system's list is read
/// instead.
#[derive(Debug)]
pub struct Locks(Option<HashSet<u64>>);

impl Locks {
    /// The locks at this moment. Only Linux lists them.
    pub fn read() -> Self {
        Locks(std::fs::read_to_string("/proc/locks").ok().map(|text| parse(&text)))
    }

    /// Whether the lock of the run in `folder` is held; none where the system does not say.
    pub fn held(&self, folder: &Path) -> Option<bool> {
        let held = self.0.as_ref()?;
        let lock = std::fs::metadata(folder.join(RunDir::LOCK));
        Some(lock.is_ok_and(|lock| held.contains(&inode(&lock))))
    }
}

/// A line is `1: FLOCK  ADVISORY  WRITE 4711 fe:00:10446544 0 EOF`; one with `->` waits for a lock.
fn parse(text: &str) -> HashSet<u64> {
    let inode = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let lock = words.next()? == "FLOCK" && words.nth(1)? == "WRITE";
        let file = words.nth(1).filter(|_| lock)?;
        file.rsplit(':').next()?.parse().ok()
    };
    text.lines().filter_map(inode).collect()
}

#[cfg(unix)]
fn inode(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> u64 {
    0 // never asked: there is no list of locks to style it up in
}

/// Whether a process is writing the run in `folder`, as far as the system says.
pub fn is_being_written(folder: &Path) -> bool {
    Locks::read().held(folder) == Some(true)
}

/// What tells whether an unfinished run is being written.
#[derive(Debug, Default)]
pub struct Signs {
    lock_seen: bool,
    grew: Option<Instant>,
}

impl Signs {
    /// The log has grown.
    pub fn grew(&mut self) {
        self.grew = Some(Instant::now());
    }

    /// Whether the run is being written: its lock is held; or nothing was ever seen of its lock, as
    /// with a run that another machine writes or on a system that lists no locks, and its log grew
    /// not longer ago than three epochs like the last, which took `seconds`.
    pub fn running(&mut self, held: Option<bool>, seconds: f64) -> bool {
        if held == Some(true) {
            self.lock_seen = true;
            return true;
        }
        let patience = Duration::try_from_secs_f64(3.0 * seconds).unwrap_or_default().max(Duration::from_secs(10));
        !self.lock_seen && self.grew.is_some_and(|when| when.elapsed() < patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_list_of_locks() {
        let text = "1: FLOCK  ADVISORY  WRITE 9151 fe:00:10446544 0 EOF\n\
                    2: FLOCK  ADVISORY  READ 9151 fe:00:10133513 0 EOF\n\
                    2: -> FLOCK  ADVISORY  WRITE 9078 fe:00:77 0 EOF\n\
                    3: POSIX  ADVISORY  WRITE 10413 fe:00:382078 0 EOF\n\
                    4: FLOCK  ADVISORY  WRITE 3 00:2f:12 0 EOF\n\
                    nonsense\n";
        assert_eq!(parse(text), HashSet::from([10_446_544, 12]));
    }

    #[test]
    fn a_lock_tells_more_than_growth() {
        let mut signs = Signs::default();
        assert!(!signs.running(None, 1.0));
        signs.grew();
        assert!(signs.running(None, 1.0) && signs.running(Some(false), 1.0));
        assert!(signs.running(Some(true), 1.0));
        assert!(!signs.running(Some(false), 1.0), "the lock was let go");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_run_that_is_locked_shows_without_being_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let run = RunDir::create(&path).unwrap();
        assert_eq!(Locks::read().held(&path), Some(true));
        drop(run);
        assert_eq!(Locks::read().held(&path), Some(false));
    }
}
