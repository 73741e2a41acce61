use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Everything that can go wrong in the library. Each message says what was wrong, where, and
/// where it can be known, what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer of a layer list cannot stand where it stands. `position` counts from 1.
    #[error("layer {position} ({layer}): {reason}")]
    Layer {
        /// Place in the layer list, from 1.
        position: usize,
        /// The layer as it is written.
        layer: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// A setting has a value that it must not have.
    #[error("{name} = {value}: {reason}")]
    Setting {
        /// The setting's name, as a recipe file spells it.
        name: String,
        /// The value that was given.
        value: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// A data set is unusable: broken file, disagreeing counts, values out of range.
    #[error("data {origin}: {reason}")]
    Data {
        /// The file or the data set's name.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The loss stopped being finite. What was learned before this step is kept.
    #[error(
        "the loss became {loss} in epoch {epoch}, step {step}; the last checkpoint is from before that. \
         Try a smaller learning rate or a max-norm constraint, or check the data for extreme values"
    )]
    NotFinite {
        /// Epoch of the step, from 1.
        epoch: u32,
        /// Step of the epoch, from 1.
        step: u64,
        /// The loss: infinite or NaN. NaN too where the norm of a gradient that is to be clipped is
        /// not finite.
        loss: f64,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried, as a verb: "read", "write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// The system started none of the threads that the work needs.
    #[error(
        "cannot start a thread ({source}): the system allows no more of them; \
         see `ulimit -u`, and the limit of the container or service on processes"
    )]
    NoThread {
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A model file or a checkpoint is not what it should be.
    #[error("{}: {reason}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// An observer of a run failed with an error of its own.
    #[error(transparent)]
    Observer(Box<dyn std::error::Error + Send + Sync>),
}

/// Shorthand for results that fail with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether there was no room left to write something: the disk is full, or all that one may
    /// have of it is used up. What needs more room fails likewise.
    pub fn is_out_of_space(&self) -> bool {
        let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
        matches!(self, Error::Io { source, .. } if full.contains(&source.kind()))
    }

    pub(crate) fn setting(name: &str, value: impl std::fmt::Display, reason: impl Into<String>) -> Self {
        Error::Setting { name: name.into(), value: value.to_string(), reason: reason.into() }
    }

    pub(crate) fn data(origin: impl std::fmt::Display, reason: impl Into<String>) -> Self {
        Error::Data { origin: origin.to_string(), reason: reason.into() }
    }

    pub(crate) fn file(path: &Path, reason: impl Into<String>) -> Self {
        Error::File { path: path.to_path_buf(), reason: reason.into() }
    }

    /// An [`Error::Io`] for `path`, for use with `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io { action, path, source }
    }
}

/// What cannot fail has no error.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_room_is_told_from_other_errors_of_writing() {
        let of = |kind: ErrorKind| Error::io("write", Path::new("a"))(kind.into()).is_out_of_space();
        assert!(of(ErrorKind::StorageFull) && of(ErrorKind::QuotaExceeded));
        assert!(!of(ErrorKind::PermissionDenied) && !Error::file(Path::new("a"), "no storage space").is_out_of_space());
        // As the systems of today number them.
        #[cfg(target_os = "linux")]
        for (code, expected) in [(28, true), (122, true), (13, false)] {
            let error = Error::io("write", Path::new("a"))(std::io::Error::from_raw_os_error(code));
            assert_eq!(error.is_out_of_space(), expected, "{error}");
        }
    }
}
