//! Clipping: the whole gradient is there before any parameter moves, because its norm decides by
//! how much.

use super::Isa;
use super::follow::{Follower, TileRule};
use super::partition::ParameterTile;
use super::simd::for_each_isa;
use super::workers::Workers;
use super::workspace::{Borrowed, Shared};
use crate::nn::Architecture;
use crate::optim::clip_factor;

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

/// A gradient that is there, and what it is multiplied by.
pub(super) type Clipped<'a> = (&'a FullGradient, f32);

/// What is done to each of some tiles of parameters, which are called by their numbers; the last
/// argument is the worker.
pub(super) struct TileJobs<'a> {
    /// How many tiles there are.
    pub(super) tiles: usize,
    /// Writes a tile's gradient to its place.
    pub(super) differentiate: &'a (dyn Fn(usize, &Borrowed<'_>, usize) + Sync),
    /// Updates a tile: with part of a gradient that is there, or with its own.
    pub(super) update: &'a (dyn Fn(usize, Option<Clipped<'_>>, usize) + Sync),
}

/// Updates all tiles, in `full` first if the rule clips. Returns the norm of the gradient if it is
/// to be clipped, else 0; where it is not finite nothing changes.
pub(super) fn update_tiles(
    workers: &mut Workers,
    follower: &Follower<'_>,
    full: &mut Option<FullGradient>,
    jobs: &TileJobs<'_>,
) -> f64 {
    let Some(bound) = follower.rule.clip_norm else {
        workers.run(jobs.tiles, &|tile, worker| (jobs.update)(tile, None, worker));
        return 0.0;
    };
    let full = full.get_or_insert_with(|| FullGradient::new(follower.parameters.len()));
    workers.run(jobs.tiles, &|tile, worker| (jobs.differentiate)(tile, &full.values, worker));
    let norm = full.norm(follower.isa, workers);
    if norm.is_finite() {
        let clipped = (&*full, clip_factor(norm, bound));
        workers.run(jobs.tiles, &|tile, worker| (jobs.update)(tile, Some(clipped), worker));
    }
    norm
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
