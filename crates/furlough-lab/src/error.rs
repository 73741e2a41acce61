use std::path::{Path, PathBuf};

/// Everything that can go wrong in the laboratory. Each message says what was wrong, where, and
/// what to do about it where that can be known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine failed, or a setting, a data set or a file is refused as the engine refuses it.
    #[error(transparent)]
    Engine(furlough::Error),
    /// A table cannot be read, or nothing can be learned from it as it is.
    #[error(transparent)]
    Table(#[from] furlough_tables::Error),
    /// A recipe file is not valid TOML or has a key that does not exist.
    #[error("recipe {}: {reason}", place(.path))]
    Recipe {
        /// The file, when it came from one.
        path: Option<PathBuf>,
        /// Line, column and what is wrong there.
        reason: String,
    },
    /// A study's file or folder makes no sense.
    #[error("study {}: {reason}", place(.path))]
    Study {
        /// The file or folder, when it came from one.
        path: Option<PathBuf>,
        /// What is wrong, where, and what would be right.
        reason: String,
    },
    /// A folder holds something else than what is about to be written there.
    #[error("{}: {reason}; choose another folder", .path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// What is there.
        reason: String,
        /// Whether it is something unfinished of the same kind, which can be gone on with.
        resumable: bool,
    },
    /// A run or a tune that is over, so that nothing is left to go on with.
    #[error("{}: is already finished", .path.display())]
    Finished {
        /// The folder.
        path: PathBuf,
    },
    /// A run that has no model yet.
    #[error("{}: has no model yet: the run is not finished", .path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that another process is writing.
    #[error("{}: another process is writing here; wait for it, or choose another folder", .path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// One of several networks failed.
    #[error("member {member}: {error}")]
    Member {
        /// Its number, from 0.
        member: u32,
        /// How.
        error: Box<Error>,
    },
    /// A file of a run directory is not what it should be.
    #[error("{}: {reason}", .path.display())]
    Run {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
}

/// Shorthand for results that fail with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

fn place(path: &Option<PathBuf>) -> String {
    path.as_ref().map_or("text".into(), |p| p.display().to_string())
}

impl Error {
    /// Returns the engine's error, if that is what it is.
    pub fn engine(&self) -> Option<&furlough::Error> {
        match self.itself() {
            Error::Engine(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the error of one of several networks without its number, and any other as it is.
    pub fn itself(&self) -> &Self {
        match self {
            Error::Member { error, .. } => error.itself(),
            _ => self,
        }
    }

    /// Returns whether there was no room left to write something, as
    /// [`furlough::Error::is_out_of_space`] does.
    pub fn is_out_of_space(&self) -> bool {
        self.engine().is_some_and(furlough::Error::is_out_of_space)
    }

    pub(crate) fn setting(name: &str, value: impl std::fmt::Display, reason: impl Into<String>) -> Self {
        Error::Engine(furlough::Error::Setting { name: name.into(), value: value.to_string(), reason: reason.into() })
    }

    pub(crate) fn data(origin: impl std::fmt::Display, reason: impl Into<String>) -> Self {
        Error::Engine(furlough::Error::Data { origin: origin.to_string(), reason: reason.into() })
    }

    pub(crate) fn occupied(path: &Path, reason: impl Into<String>, resumable: bool) -> Self {
        Error::Occupied { path: path.to_path_buf(), reason: reason.into(), resumable }
    }

    pub(crate) fn run(path: &Path, reason: impl Into<String>) -> Self {
        Error::Run { path: path.to_path_buf(), reason: reason.into() }
    }

    /// Returns what makes an I/O error of `path`, for use with `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Engine(furlough::Error::Io { action, path, source })
    }
}

/// An error of the laboratory that went through the engine, as an observer's, comes out as what it
/// was.
impl From<furlough::Error> for Error {
    fn from(error: furlough::Error) -> Self {
        match error {
            furlough::Error::Observer(error) => match error.downcast() {
                Ok(own) => *own,
                Err(other) => Error::Engine(furlough::Error::Observer(other)),
            },
            error => Error::Engine(error),
        }
    }
}

/// For observers: the engine passes their errors on.
impl From<Error> for furlough::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Engine(error) => error,
            own => furlough::Error::Observer(Box::new(own)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observers_error_comes_back_from_the_engine_as_it_was() {
        let locked = || Error::Locked { path: "runs/a".into() };
        let through = Error::from(furlough::Error::from(locked()));
        assert!(matches!(through, Error::Locked { .. }), "{through}");
        assert_eq!(furlough::Error::from(locked()).to_string(), locked().to_string());
        let foreign = furlough::Error::Observer("out of paper".into());
        assert!(matches!(Error::from(foreign), Error::Engine(furlough::Error::Observer(_))));
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert!(Error::io("write", Path::new("a"))(full()).is_out_of_space() && !locked().is_out_of_space());
    }
}
