//! The Rust half of the Python package furlough. The other half, `python/furlough`, has what people
//! call; this one has what it takes: tables of arrays and frames, training without the
//! interpreter's lock, models as bytes, and exceptions in place of errors.
#![warn(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]
#![forbid(unsafe_code)]

mod command;
mod exceptions;
mod fit;
mod frame;
mod masks;
mod model;
mod nn;
mod progress;

use pyo3::prelude::*;

/// What `furlough` imports of Rust.
#[pymodule(gil_used = false)]
mod _furlough {
    #[pymodule_export]
    use crate::command::command;
    #[pymodule_export]
    use crate::fit::{begin, fit_columns, fit_file, fit_further};
    #[pymodule_export]
    use crate::masks::{first_weights, mask_applied, mask_factors, mask_keeps, order_of_epoch};
    #[pymodule_export]
    use crate::model::Model;
    #[pymodule_export]
    use crate::nn::Network;

    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
