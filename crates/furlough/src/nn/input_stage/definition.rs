//! THE DEFINITION of the input stage: what a column becomes, and its derivatives. The fast step
//! runs the same functions, compiled for each instruction set, with sines and cosines of its own.

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

/// Waves that are computed side by side.
const LANES: usize = 16;

/// The largest phase: beyond, cosines of single precision are noise.
const LARGEST_PHASE: f32 = 8192.0;

impl InputColumn {
    /// Writes what `value` becomes, given the column's parameters. `cos` is the cosine of a phase
    /// within ±8192. Values have been checked: a code is that of a level.
    #[inline(always)]
    pub(crate) fn forward(&self, parameters: &[f32], value: f32, inputs: &mut [f32], cos: impl Fn(f32) -> f32) {
        match *self {
            InputColumn::Number => inputs[0] = value,
            InputColumn::Category { width, .. } => inputs.copy_from_slice(&parameters[row(value, width)]),
            InputColumn::Periodic { frequencies, outputs, .. } => {
                let Waves { frequency, phase, weight, bias } = Waves::of(parameters, frequencies, outputs);
                inputs[..outputs].copy_from_slice(bias);
                inputs[outputs] = value;
                for first in (0..frequencies).step_by(LANES) {
                    let some = first..frequencies.min(first + LANES);
                    let phases = phases(value, &frequency[some.clone()], &phase[some.clone()]);
                    let waves = each(&phases, &cos);
                    for (input, weight) in inputs[..outputs].iter_mut().zip(weight.chunks_exact(frequencies)) {
                        let weight = lanes(&weight[some.clone()]);
                        *input += dot(&weight, &waves);
                    }
                }
            }
            InputColumn::PiecewiseLinear { ref edges } => {
                let last = inputs.len() - 1;
                for (bin, (input, edges)) in inputs.iter_mut().zip(edges.windows(2)).enumerate() {
                    let share = (value - edges[0]) / (edges[1] - edges[0]);
                    let share = if bin > 0 && share < 0.0 { 0.0 } else { share };
                    *input = if bin < last && share > 1.0 { 1.0 } else { share };
                }
            }
        }
    }

    /// Adds ∂L/∂parameters of one example to `gradient`, given `delta` = ∂L/∂inputs. `sin_cos`
    /// gives both of a phase within ±8192. Values have been checked: a code is that of a level.
    #[inline(always)]
    pub(crate) fn backward(
        &self,
        parameters: &[f32],
        value: f32,
        delta: &[f32],
        gradient: &mut [f32],
        sin_cos: impl Fn(f32) -> (f32, f32),
    ) {
        match *self {
            InputColumn::Number | InputColumn::PiecewiseLinear { .. } => {}
            InputColumn::Category { width, .. } => {
                for (gradient, delta) in gradient[row(value, width)].iter_mut().zip(delta) {
                    *gradient += *delta;
                }
            }
            InputColumn::Periodic { frequencies, outputs, .. } => {
                let Waves { frequency, phase, weight, .. } = Waves::of(parameters, frequencies, outputs);
                let (by_frequency, rest) = gradient.split_at_mut(frequencies);
                let (by_phase, rest) = rest.split_at_mut(frequencies);
                let (by_weight, by_bias) = rest.split_at_mut(weight.len());
                by_bias.iter_mut().zip(delta).for_each(|(by, delta)| *by += *delta);
                for first in (0..frequencies).step_by(LANES) {
                    let some = first..frequencies.min(first + LANES);
                    let phases = phases(value, &frequency[some.clone()], &phase[some.clone()]);
                    let (mut sin, mut cos) = ([0.0; LANES], [0.0; LANES]);
                    for ((phase, sin), cos) in phases.iter().zip(&mut sin).zip(&mut cos) {
                        (*sin, *cos) = sin_cos(*phase);
                    }
                    let mut by_wave = [0.0; LANES];
                    let rows = weight.chunks_exact(frequencies).zip(by_weight.chunks_exact_mut(frequencies));
                    for ((weight, by_weight), delta) in rows.zip(delta) {
                        let weight = lanes(&weight[some.clone()]);
                        for (by, weight) in by_wave.iter_mut().zip(&weight) {
                            *by += *delta * *weight;
                        }
                        for (by, cos) in by_weight[some.clone()].iter_mut().zip(&cos) {
                            *by += *delta * *cos;
                        }
                    }
                    // At the bound the phase does not move.
                    let mut by = [0.0; LANES];
                    for (((by, sin), by_wave), phase) in by.iter_mut().zip(&sin).zip(&by_wave).zip(&phases) {
                        let moves = if phase.abs() < LARGEST_PHASE { 1.0 } else { 0.0 };
                        *by = -(*sin * *by_wave * moves);
                    }
                    let turn = std::f32::consts::TAU * value;
                    by_phase[some.clone()].iter_mut().zip(&by).for_each(|(sum, by)| *sum += *by);
                    by_frequency[some].iter_mut().zip(&by).for_each(|(sum, by)| *sum += *by * turn);
                }
            }
        }
    }
}

/// The parameters of a periodic column, in their order.
struct Waves<'a> {
    frequency: &'a [f32],
    phase: &'a [f32],
    /// Outputs × frequencies.
    weight: &'a [f32],
    bias: &'a [f32],
}

impl<'a> Waves<'a> {
    #[inline(always)]
    fn of(parameters: &'a [f32], frequencies: usize, outputs: usize) -> Self {
        let (frequency, rest) = parameters.split_at(frequencies);
        let (phase, rest) = rest.split_at(frequencies);
        let (weight, bias) = rest.split_at(frequencies * outputs);
        Waves { frequency, phase, weight, bias }
    }
}

/// 2π w x + b, within the bound, for up to sixteen waves.
#[inline(always)]
fn phases(value: f32, frequency: &[f32], phase: &[f32]) -> [f32; LANES] {
    let (frequency, phase) = (lanes(frequency), lanes(phase));
    let mut phases = [0.0; LANES];
    for ((out, frequency), phase) in phases.iter_mut().zip(&frequency).zip(&phase) {
        let phase = std::f32::consts::TAU * *frequency * value + *phase;
        let phase = if phase > LARGEST_PHASE { LARGEST_PHASE } else { phase };
        *out = if phase < -LARGEST_PHASE { -LARGEST_PHASE } else { phase };
    }
    phases
}

/// A function of each lane. Arrays' own `map` and `from_fn` are not always inlined, and then they
/// are compiled for the least processor.
#[inline(always)]
fn each(lanes: &[f32; LANES], of: impl Fn(f32) -> f32) -> [f32; LANES] {
    let mut all = [0.0; LANES];
    for (out, lane) in all.iter_mut().zip(lanes) {
        *out = of(*lane);
    }
    all
}

/// Up to sixteen values, with zeros behind them.
#[inline(always)]
fn lanes(values: &[f32]) -> [f32; LANES] {
    if let Ok(values) = <[f32; LANES]>::try_from(values) {
        return values;
    }
    let mut lanes = [0.0; LANES];
    lanes[..values.len()].copy_from_slice(values);
    lanes
}

/// The sum of products of lanes, half by half.
#[inline(always)]
fn dot(a: &[f32; LANES], b: &[f32; LANES]) -> f32 {
    let (mut eight, mut four) = ([0.0; 8], [0.0; 4]);
    for lane in 0..8 {
        eight[lane] = a[lane] * b[lane] + a[lane + 8] * b[lane + 8];
    }
    for lane in 0..4 {
        four[lane] = eight[lane] + eight[lane + 4];
    }
    (four[0] + four[2]) + (four[1] + four[3])
}

/// The row of a code in a table so wide.
#[inline(always)]
fn row(code: f32, width: usize) -> Range<usize> {
    let first = code as usize * width;
    first..first + width
}
