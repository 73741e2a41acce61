//! Clipping: the whole gradient is there before any parameter moves, because its norm decides by
//! how much.

use super::Isa;
use super::follow::{Follower, TileRule};
use super::partition::ParameterTile;
use super::simd::for_each_isa;
use super::workers::Workers;
use super::workspace::Shared;
use crate::nn::Architecture;

/// Parameters whose squares one task sums. The norm's order of summation is by these, and not by
/// tiles, which depend on the number of workers.
const TASK: usize = 1 << 15;

/// Sums that are kept side by side.
const LANES: usize = 16;

/// The gradient by all parameters, in their order.
pub(super) struct FullGradient {
    pub(super) values: Shared<f32>,
    squares: Shared<f64>,
}

impl FullGradient {
    pub(super) fn new(parameters: usize) -> Self {
        FullGradient { values: Shared::new(parameters, 1), squares: Shared::new(parameters.div_ceil(TASK), 1) }
    }

    /// Returns its Euclidean norm, with sums in double precision whose order depends on the number
    /// of parameters only.
    pub(super) fn norm(&mut self, isa: Isa, workers: &mut Workers) -> f64 {
        let FullGradient { values, squares } = self;
        let values = &*values.all();
        workers.run(squares.len(), &|task, _| {
            let values = &values[task * TASK..values.len().min((task + 1) * TASK)];
            // SAFETY: each task has its own place.
            unsafe { squares.part(task, 1)[0] = sum_squares(isa, values) };
        });
        squares.all().iter().sum::<f64>().sqrt()
    }

    /// Updates a tile with its gradient times `factor`. `scratch` is as long as a row of it.
    ///
    /// # Safety
    /// Nobody else uses the tile's parameters or their state now, and the gradient is only read.
    pub(super) unsafe fn follow(
        &self,
        follower: &Follower<'_>,
        architecture: &Architecture,
        (tile, rule): (&ParameterTile, TileRule),
        factor: f32,
        scratch: &mut [f32],
    ) {
        for (start, columns) in rows(architecture, tile) {
            let row = &mut scratch[..columns];
            // SAFETY: only read, as promised.
            let gradient = unsafe { self.values.read(start, columns) };
            row.iter_mut().zip(gradient).for_each(|(to, g)| *to = factor * g);
            // SAFETY: the tile's own parameters.
            unsafe { follower.row(rule, start, row) };
        }
    }
}

/// Returns where each row of a tile begins in the parameters, and how long it is: one row for
/// biases.
fn rows(architecture: &Architecture, tile: &ParameterTile) -> impl Iterator<Item = (usize, usize)> + use<> {
    let (weights, biases) = architecture.ranges(tile.block);
    let units = architecture.blocks()[tile.block].outputs;
    let (first, inputs) = match &tile.inputs {
        Some(inputs) => (weights.start, inputs.clone()),
        None => (biases.start, 0..1),
    };
    let (start, columns) = (first + tile.units.start, tile.units.len());
    inputs.map(move |input| (start + input * units, columns))
}

for_each_isa! {
    fn sum_squares(isa, values: &[f32]) -> f64 {
        let mut sums = [0.0f64; LANES];
        for values in values.chunks(LANES) {
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum += f64::from(value) * f64::from(value);
            }
        }
        sums.iter().sum()
    }
}
