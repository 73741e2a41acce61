use super::super::parameters::{ParamGroup, ParamInit};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A column of the data as the network takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum InputColumn {
    /// A number: one input, as it is.
    Number,
    /// A category: a whole number from 0 to below `levels` that says which row of a table of
    /// `levels` × `width` learned numbers, its embedding, are the inputs. They begin at standard
    /// normal numbers, as PyTorch's `nn.Embedding` has them.
    Category {
        /// How many levels there are, from 1 to [`InputColumn::MOST_LEVELS`].
        levels: usize,
        /// Inputs that a level becomes, at least 1.
        width: usize,
    },
}

/// A parameter of a column, as [`ParamSpec`](crate::nn::ParamSpec) has it.
pub(in crate::nn) struct ColumnTensor {
    pub(in crate::nn) name: String,
    pub(in crate::nn) shape: Vec<usize>,
    pub(in crate::nn) init: ParamInit,
    pub(in crate::nn) decay: bool,
    pub(in crate::nn) group: ParamGroup,
}

impl InputColumn {
    /// The most levels of a category: single precision holds each code exactly.
    pub const MOST_LEVELS: usize = 1 << 24;

    /// Returns the number of inputs that the column becomes.
    pub fn width(&self) -> usize {
        match self {
            InputColumn::Number => 1,
            InputColumn::Category { width, .. } => *width,
        }
    }

    /// Returns the number of parameters.
    pub(in crate::nn) fn parameters(&self) -> usize {
        match self {
            InputColumn::Number => 0,
            InputColumn::Category { levels, width } => levels.saturating_mul(*width),
        }
    }

    /// Returns the parameters of column `number`, in their order in the buffer. `layer` is the
    /// first that is free in the stream of the stage.
    pub(in crate::nn) fn tensors(&self, number: usize, layer: u32) -> Vec<ColumnTensor> {
        match *self {
            InputColumn::Number => Vec::new(),
            InputColumn::Category { levels, width } => {
                vec![ColumnTensor {
                    name: format!("embedding.{number}"),
                    shape: vec![levels, width],
                    init: ParamInit::Normal { layer, deviation: 1.0 },
                    decay: true,
                    group: ParamGroup::Embedding { column: number },
                }]
            }
        }
    }

    /// Says why the column makes no sense.
    pub(super) fn check(&self) -> Result<(), String> {
        match *self {
            InputColumn::Number => Ok(()),
            InputColumn::Category { levels, width } => {
                if !(1..=Self::MOST_LEVELS).contains(&levels) {
                    return Err(format!("a category has 1 to {} levels", Self::MOST_LEVELS));
                }
                if width == 0 || u32::try_from(width).is_err() {
                    return Err(format!("an embedding has 1 to {} inputs a level", u32::MAX));
                }
                Ok(())
            }
        }
    }

    /// Whether every number is a value of the column.
    pub(super) fn takes_all(&self) -> bool {
        !matches!(self, InputColumn::Category { .. })
    }

    /// Says what the column takes instead of `value`.
    pub(super) fn refuses(&self, value: f32) -> Option<String> {
        match *self {
            InputColumn::Number => None,
            InputColumn::Category { levels, .. } => {
                let takes = value >= 0.0 && value < levels as f32 && value.fract() == 0.0;
                (!takes).then(|| format!("a whole number from 0 to {}", levels - 1))
            }
        }
    }
}

impl fmt::Display for InputColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputColumn::Number => f.write_str("number"),
            InputColumn::Category { levels, width } => write!(f, "category of {levels} levels, {width} wide"),
        }
    }
}
