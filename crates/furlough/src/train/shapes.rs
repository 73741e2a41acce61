//! Whether data and a network go together.

use crate::data::{Dataset, Examples};
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
