//! THE DEFINITION of the input stage: what a column becomes, and its derivatives. The fast step
//! runs the same functions where they have no elementary function in them, compiled for each
//! instruction set.

use super::{InputColumn, InputStage};
use std::ops::Range;

/// Where the parts of a stage are: the inputs of each column, and the parameters among those of the
/// stage.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StagePlaces {
    columns: Vec<ColumnPlace>,
    width: usize,
    scale: Range<usize>,
}

/// The place of one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnPlace {
    /// The inputs that it becomes.
    pub(crate) inputs: Range<usize>,
    /// Its parameters, counted from the first of the stage.
    pub(crate) parameters: Range<usize>,
}

impl StagePlaces {
    pub(in crate::nn) fn of(stage: &InputStage) -> StagePlaces {
        let (mut input, mut parameter) = (0, 0);
        let place = |column: &InputColumn| {
            let (first, start) = (input, parameter);
            (input, parameter) = (first + column.width(), start + column.parameters());
            ColumnPlace { inputs: first..input, parameters: start..parameter }
        };
        let columns: Vec<_> = stage.columns().iter().map(place).collect();
        let scale = parameter..parameter + if stage.scaling() { input } else { 0 };
        StagePlaces { columns, width: input, scale }
    }

    /// The places of the columns, in their order.
    pub(crate) fn columns(&self) -> &[ColumnPlace] {
        &self.columns
    }

    /// How many inputs there are.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The factors, one an input, counted from the first parameter of the stage; empty without
    /// scaling.
    pub(crate) fn scale(&self) -> Range<usize> {
        self.scale.clone()
    }

    /// How many parameters there are.
    pub(crate) fn parameters(&self) -> usize {
        self.scale.end
    }
}

impl InputColumn {
    /// Writes what `value` becomes, given the column's parameters.
    ///
    /// # Panics
    /// For a code that there is not.
    #[inline(always)]
    pub(crate) fn forward(&self, parameters: &[f32], value: f32, inputs: &mut [f32]) {
        match *self {
            InputColumn::Number => inputs[0] = value,
            InputColumn::Category { width, .. } => inputs.copy_from_slice(&parameters[row(value, width)]),
        }
    }

    /// Adds ∂L/∂parameters of one example to `gradient`, given `delta` = ∂L/∂inputs.
    ///
    /// # Panics
    /// For a code that there is not.
    #[inline(always)]
    pub(crate) fn backward(&self, value: f32, delta: &[f32], gradient: &mut [f32]) {
        match *self {
            InputColumn::Number => {}
            InputColumn::Category { width, .. } => {
                for (gradient, delta) in gradient[row(value, width)].iter_mut().zip(delta) {
                    *gradient += *delta;
                }
            }
        }
    }
}

/// The row of a code in a table so wide.
#[inline(always)]
fn row(code: f32, width: usize) -> Range<usize> {
    let first = code as usize * width;
    first..first + width
}
