use super::super::parameters::{ParamGroup, ParamInit};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;
use std::fmt;

/// A column of the data as the network takes it. `docs/reference/input-stage.md` has the formulas.
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
    /// A number x that becomes a linear layer of `frequencies` learned waves cos(2π w x + b), and
    /// itself: `outputs` + 1 inputs (Gorishniy, Rubachev and Babenko, "On embeddings for numerical
    /// features in tabular deep learning", NeurIPS 2022, with the biases and the x of RealMLP's
    /// *PBLD* embedding: [`InputColumn::PBLD`]).
    Periodic {
        /// Waves, at least 1.
        frequencies: usize,
        /// Outputs of the linear layer, at least 1.
        outputs: usize,
        /// The standard deviation of the first frequencies w, above 0.
        deviation: f64,
    },
    /// A number that becomes its piecewise-linear encoding: one input for each bin between two
    /// `edges`, which is 0 below the bin, 1 above it, and rises from 0 to 1 within. The first goes
    /// on below 0, and the last above 1 (Gorishniy, Rubachev and Babenko 2022).
    PiecewiseLinear {
        /// Two edges at least, ascending: quantiles of the training rows, as a rule.
        edges: Vec<f32>,
    },
}

/// A parameter of a column, as [`ParamSpec`](crate::nn::ParamSpec) has it.
pub(super) struct ColumnTensor {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) init: ParamInit,
    pub(super) group: ParamGroup,
}

impl InputColumn {
    /// The most levels of a category: single precision holds each code exactly.
    pub const MOST_LEVELS: usize = 1 << 24;

    /// The numeric embedding of RealMLP (Holzmüller, Grinsztajn and Steinwart, "Better by default",
    /// NeurIPS 2024): 16 waves, and 3 inputs of them beside the number.
    pub const PBLD: InputColumn = InputColumn::Periodic { frequencies: 16, outputs: 3, deviation: 0.1 };

    /// The most waves, outputs or bins of a column.
    const MOST: usize = 1 << 20;

    /// Returns the number of inputs that the column becomes.
    pub fn width(&self) -> usize {
        match self {
            InputColumn::Number => 1,
            InputColumn::Category { width, .. } => *width,
            InputColumn::Periodic { outputs, .. } => outputs.saturating_add(1),
            InputColumn::PiecewiseLinear { edges } => edges.len().saturating_sub(1),
        }
    }

    /// Returns the number of parameters.
    pub(super) fn parameters(&self) -> usize {
        match self {
            InputColumn::Number | InputColumn::PiecewiseLinear { .. } => 0,
            InputColumn::Category { levels, width } => levels.saturating_mul(*width),
            InputColumn::Periodic { frequencies, outputs, .. } => {
                let weights = frequencies.saturating_mul(*outputs);
                weights.saturating_add(frequencies.saturating_mul(2)).saturating_add(*outputs)
            }
        }
    }

    /// Returns the parameters of column `number`, in their order in the buffer. `layer` is the
    /// first that is free in the stream of the stage.
    pub(super) fn tensors(&self, number: usize, layer: u32) -> Vec<ColumnTensor> {
        match *self {
            InputColumn::Number | InputColumn::PiecewiseLinear { .. } => Vec::new(),
            InputColumn::Category { levels, width } => {
                vec![ColumnTensor {
                    name: format!("embedding.{number}"),
                    shape: vec![levels, width],
                    init: ParamInit::Normal { layer, deviation: 1.0 },
                    group: ParamGroup::Embedding { column: number },
                }]
            }
            InputColumn::Periodic { frequencies, outputs, deviation } => {
                let group = ParamGroup::Periodic { column: number };
                let of = |name: &str, shape: &[usize], init| {
                    let name = format!("periodic.{number}.{name}");
                    ColumnTensor { name, shape: shape.to_vec(), init, group }
                };
                // As PyTorch begins a linear layer.
                let bound = 1.0 / (frequencies as f64).sqrt();
                vec![
                    of("frequency", &[frequencies], ParamInit::Normal { layer, deviation }),
                    of("phase", &[frequencies], ParamInit::Uniform { layer: layer + 1, bound: PI }),
                    of("weight", &[outputs, frequencies], ParamInit::Uniform { layer: layer + 2, bound }),
                    of("bias", &[outputs], ParamInit::Uniform { layer: layer + 3, bound }),
                ]
            }
        }
    }

    /// Says why the column makes no sense.
    pub(super) fn check(&self) -> Result<(), String> {
        let counts = |counts: &[usize]| counts.iter().all(|count| (1..=Self::MOST).contains(count));
        match self {
            InputColumn::Number => Ok(()),
            InputColumn::Category { levels, .. } if !(1..=Self::MOST_LEVELS).contains(levels) => {
                Err(format!("a category has 1 to {} levels", Self::MOST_LEVELS))
            }
            InputColumn::Category { width, .. } if !counts(&[*width]) => {
                Err(format!("an embedding has 1 to {} inputs a level", Self::MOST))
            }
            InputColumn::Periodic { frequencies, outputs, .. } if !counts(&[*frequencies, *outputs]) => {
                Err(format!("it takes 1 to {} waves, and as many outputs", Self::MOST))
            }
            InputColumn::Periodic { deviation, .. } if !(*deviation > 0.0 && (*deviation as f32).is_finite()) => {
                Err("the standard deviation of frequencies is a finite number above 0".into())
            }
            InputColumn::PiecewiseLinear { edges } if !counts(&[edges.len().saturating_sub(1)]) => {
                Err(format!("it takes 2 to {} edges", Self::MOST + 1))
            }
            InputColumn::PiecewiseLinear { edges } => {
                // A width that is no number would make inputs that are none.
                let ascends = |pair: &[f32]| pair[1] > pair[0] && pair[0].is_finite() && pair[1].is_finite();
                let width = |pair: &[f32]| pair[1] - pair[0];
                match edges.windows(2).find(|pair| !(ascends(pair) && width(pair).is_normal())) {
                    Some(&[edge, next]) if ascends(&[edge, next]) => {
                        let width = width(&[edge, next]);
                        let bin = format!("{width:e}, from {edge:e} to {next:e}");
                        Err(format!("a bin's width is a normal number of single precision, but one is {bin}"))
                    }
                    Some(pair) => {
                        let (edge, next) = (pair[0], pair[1]);
                        Err(format!("edges are finite numbers that ascend, but {edge} comes before {next}"))
                    }
                    None => Ok(()),
                }
            }
            InputColumn::Category { .. } | InputColumn::Periodic { .. } => Ok(()),
        }
    }

    /// Whether every number is a value of the column.
    pub(super) fn takes_all(&self) -> bool {
        !matches!(self, InputColumn::Category { .. })
    }

    /// Says what the column takes instead of the codes of so many levels, 0 for any number.
    pub(super) fn refuses_levels(&self, levels: usize) -> Option<String> {
        match *self {
            InputColumn::Category { levels: most, .. } => {
                (!(1..=most).contains(&levels)).then(|| format!("a category of 1 to {most} levels"))
            }
            _ => None,
        }
    }

    /// Says what the column takes instead of `value`.
    pub(super) fn refuses(&self, value: f32) -> Option<String> {
        match *self {
            InputColumn::Category { levels, .. } => {
                let takes = value >= 0.0 && value < levels as f32 && value.fract() == 0.0;
                (!takes).then(|| format!("a whole number from 0 to {}", levels - 1))
            }
            _ => None,
        }
    }
}

impl fmt::Display for InputColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputColumn::Number => f.write_str("number"),
            InputColumn::Category { levels, width } => write!(f, "category of {levels} levels, {width} wide"),
            InputColumn::Periodic { frequencies, outputs, deviation } => {
                write!(f, "periodic of {frequencies} waves by {deviation}, {outputs} outputs")
            }
            InputColumn::PiecewiseLinear { edges } => write!(f, "piecewise linear between {} edges", edges.len()),
        }
    }
}
