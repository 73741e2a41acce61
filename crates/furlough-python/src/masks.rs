//! The random numbers of a run, as arrays: masks, the order of an epoch, first weights.
//! `docs/reference/masks.md` defines them.

use crate::exceptions::{Failed, guarded};
use furlough::data::epoch_order;
use furlough::nn::{Dropout, DropoutKind, Init, MaskKey, MaskSharing};
use furlough::random::{Key, Stream};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Which mask, and of what kind.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct MaskOf {
    seed: u64,
    step: u32,
    layer: u32,
    p: f64,
    kind: String,
    sharing: String,
    /// Whether it is that of a training step, and not of a sampled prediction.
    training: bool,
}

impl MaskOf {
    fn parts(&self) -> Result<(Dropout, MaskKey), Failed> {
        let (kind, sharing): (DropoutKind, MaskSharing) = (self.kind.parse()?, self.sharing.parse()?);
        if !DropoutKind::OF_UNITS.contains(&kind) {
            let known = DropoutKind::OF_UNITS.map(DropoutKind::name).join(", ");
            let reason =
                format!("kind = {kind}: has no mask of units that nothing but chance decides; there are {known}");
            return Err(PyValueError::new_err(reason).into());
        }
        if self.layer >= 1 << 24 {
            return Err(PyValueError::new_err(format!("layer = {}: must be below 2^24", self.layer)).into());
        }
        let stream = if self.training { Stream::Dropout } else { Stream::MonteCarlo };
        let site = MaskKey { key: Key::new(self.seed), stream, step: self.step, layer: self.layer };
        Ok((Dropout::of(kind, self.p, sharing)?, site))
    }
}

/// What is asked of a mask for each unit.
type OfUnit<T> = fn(Dropout, &MaskKey, u32, u32) -> T;

fn per_unit<'py, T: numpy::Element + Send>(
    py: Python<'py>,
    of: &MaskOf,
    (examples, units): (PyReadonlyArray1<'py, u32>, u32),
    ask: OfUnit<T>,
) -> PyResult<Bound<'py, PyArray2<T>>> {
    let examples = examples.as_array().to_vec();
    let values = guarded(py, || {
        let (dropout, site) = of.parts()?;
        let owner = |row: usize| dropout.mask_id(&site, row as u32, examples[row]);
        let size = (examples.len(), units as usize);
        Ok(ndarray::Array2::from_shape_fn(size, |(row, unit)| ask(dropout, &site, owner(row), unit as u32)))
    })?;
    Ok(values.into_pyarray(py))
}

/// Returns which units of which examples a mask keeps, examples × units.
#[pyfunction]
pub fn mask_keeps<'py>(
    py: Python<'py>,
    of: MaskOf,
    examples: PyReadonlyArray1<'py, u32>,
    units: u32,
) -> PyResult<Bound<'py, PyArray2<bool>>> {
    per_unit(py, &of, (examples, units), |dropout, site, owner, unit| dropout.keeps(site, owner, unit))
}

/// Returns what the units of examples are multiplied by, examples × units.
#[pyfunction]
pub fn mask_factors<'py>(
    py: Python<'py>,
    of: MaskOf,
    examples: PyReadonlyArray1<'py, u32>,
    units: u32,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    per_unit(py, &of, (examples, units), |dropout, site, owner, unit| dropout.factor(site, owner, unit))
}

/// Returns dropout of values, or of derivatives in the backward pass.
#[pyfunction]
pub fn mask_applied<'py>(
    py: Python<'py>,
    of: MaskOf,
    values: PyReadonlyArray2<'py, f32>,
    examples: PyReadonlyArray1<'py, u32>,
    backward: bool,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let (values, examples) = (values.as_array().to_owned(), examples.as_array().to_vec());
    if values.nrows() != examples.len() {
        let reason = format!("{} rows of values have {} examples; there is one a row", values.nrows(), examples.len());
        return Err(PyValueError::new_err(reason));
    }
    let applied = guarded(py, || {
        let (dropout, site) = of.parts()?;
        Ok(match backward {
            true => dropout.backward(values.view(), &examples, &site),
            false => dropout.forward(values.view(), &examples, &site),
        })
    })?;
    Ok(applied.into_pyarray(py))
}

/// Returns the order in which an epoch takes the examples.
#[pyfunction]
pub fn order_of_epoch(py: Python<'_>, seed: u64, epoch: u32, examples: u32) -> PyResult<Bound<'_, PyArray1<u32>>> {
    let order = guarded(py, || {
        let mut order: Vec<u32> = (0..examples).collect();
        epoch_order(Key::new(seed), epoch, &mut order);
        Ok(order)
    })?;
    Ok(order.into_pyarray(py))
}

/// Returns the first weights of a linear layer, inputs × outputs.
#[pyfunction]
pub fn first_weights<'py>(
    py: Python<'py>,
    seed: u64,
    layer: u32,
    init: &str,
    inputs: usize,
    outputs: usize,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let init: Init = init.parse().map_err(Failed::from)?;
    let weights = guarded(py, || {
        init.validate()?;
        let mut weights = ndarray::Array2::zeros((inputs, outputs));
        if let Some(all) = weights.as_slice_mut() {
            init.fill(Key::new(seed), layer, inputs, outputs, all);
        }
        Ok(weights)
    })?;
    Ok(weights.into_pyarray(py))
}
