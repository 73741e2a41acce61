//! Errors as exceptions, in the kinds that scikit-learn raises.

use furlough_lab::Error as LabError;
use furlough_tables::Error as TableError;
use pyo3::exceptions::{PyMemoryError, PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Runs `work` without the interpreter's lock. A panic becomes an exception: it is a bug, and the
/// interpreter goes on.
pub(crate) fn guarded<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T, Failed> + Send) -> PyResult<T> {
    py.detach(|| catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Failed::Bug(panic_text(&*panic)))))
        .map_err(PyErr::from)
}

/// Why something could not be done.
#[derive(Debug)]
pub(crate) enum Failed {
    /// An error of the libraries.
    Lab(LabError),
    /// An exception of the caller's own code, or one that is ready.
    Python(PyErr),
    /// A panic's message.
    Bug(String),
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it does not say more".into())
}

impl From<LabError> for Failed {
    fn from(error: LabError) -> Self {
        Failed::Lab(error)
    }
}

impl From<TableError> for Failed {
    fn from(error: TableError) -> Self {
        Failed::Lab(error.into())
    }
}

impl From<furlough::Error> for Failed {
    fn from(error: furlough::Error) -> Self {
        Failed::Lab(error.into())
    }
}

impl From<PyErr> for Failed {
    fn from(error: PyErr) -> Self {
        Failed::Python(error)
    }
}

impl From<Failed> for PyErr {
    fn from(failed: Failed) -> PyErr {
        match failed {
            Failed::Python(error) => error,
            Failed::Lab(error) => exception(&error),
            Failed::Bug(text) => {
                PyRuntimeError::new_err(format!("this is a bug of furlough, please report it: {text}"))
            }
        }
    }
}

fn exception(error: &LabError) -> PyErr {
    let text = error.to_string();
    match error {
        LabError::Engine(engine) | LabError::Table(TableError::Engine(engine)) => match engine {
            furlough::Error::Io { source, path, .. } => of_system(source, path, text),
            furlough::Error::NoThread { .. } => PyRuntimeError::new_err(text),
            _ => PyValueError::new_err(text),
        },
        LabError::Table(TableError::Io { source, path, .. }) => of_system(source, path, text),
        LabError::Table(TableError::TooLarge { .. }) => PyMemoryError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}

/// The exception of a system's error, which Python makes a `FileNotFoundError` and the like of.
fn of_system(source: &io::Error, path: &Path, text: String) -> PyErr {
    match source.raw_os_error() {
        Some(code) => PyOSError::new_err((code, text, path.as_os_str().to_os_string())),
        None => PyOSError::new_err(text),
    }
}
