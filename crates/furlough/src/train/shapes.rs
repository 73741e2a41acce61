//! Whether data and a network go together.

use crate::data::{Dataset, DatasetRef, Examples};
use crate::nn::Architecture;
use crate::{Error, Result, counted};

/// Whether examples of `data` can go through such a network.
///
/// # Errors
/// [`Error::Data`] that says how the shapes differ.
pub(crate) fn check_fit(architecture: &Architecture, data: &Dataset) -> Result<()> {
    check_inputs(architecture, data)?;
    let outputs = architecture.outputs();
    if data.outputs() == outputs {
        return Ok(());
    }
    Err(Error::data("set", format!("has {} classes or targets, but the network gives {outputs}", data.outputs())))
}

/// [`check_fit`] of data in memory or in a file, of which no row is read: each that is read later
/// has codes of its levels.
///
/// # Errors
/// As [`check_fit`], and [`Error::Data`] for levels of a file that are not the network's.
pub(super) fn check_fit_any(architecture: &Architecture, data: DatasetRef<'_>) -> Result<()> {
    check_fit(architecture, data.like())?;
    match (data, architecture.input_stage()) {
        (DatasetRef::Disk(data), Some(stage)) => stage.check_levels(data.like()),
        _ => Ok(()),
    }
}

/// Whether such examples can go through such a network.
///
/// # Errors
/// [`Error::Data`] that says how the shapes differ, or which value is none that its column takes.
pub(crate) fn check_inputs(architecture: &Architecture, data: &Examples) -> Result<()> {
    let inputs = architecture.inputs();
    if data.features() != inputs {
        return Err(Error::data(
            "set",
            format!("has {} an example, but the network takes {inputs}", counted(data.features(), "feature")),
        ));
    }
    if data.shape().len() > 1 && !architecture.flattens() {
        let shape = data.shape();
        return Err(Error::data(
            "set",
            format!("has examples of shape {shape:?}; put Flatten before the first Linear"),
        ));
    }
    architecture.input_stage().map_or(Ok(()), |stage| stage.check_values(data))
}
