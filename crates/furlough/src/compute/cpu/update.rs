//! The second phase: a tile of parameters gets its gradient over the whole batch, and the optimizer
//! follows while the tile is in cache. Plain SGD has no gradient at all: the product is added to
//! the weights. Where gradients are clipped all of them come first.

use super::Cpu;
use super::clipping::FullGradient;
use super::concrete::Concretes;
use super::connections::Connections;
use super::epilogue::drop_row;
use super::follow::Follower;
use super::gradient::{Deltas, Gradient, sum_deltas};
use super::input_stage::StageUpdate;
use super::matmul::{Matmul, floats_mut};
use super::matrix::{MatMut, Scale};
use super::operand::Operand;
use super::packed::Packed;
use super::parametric::ParametricUpdate;
use super::partition::ParameterTile;
use super::plan::{StepPlan, StepSchedule};
use super::workers::Workers;
use super::workspace::{Borrowed, Scratch, Workspace};
use crate::data::Batch;
use crate::nn::{Architecture, Mlp};
use crate::optim::{OptimizerState, UpdateRule, clip_factor};
use std::ops::Range;

/// Units whose norms are bounded together.
const NORM_COLUMNS: usize = 64;

/// The gradients of a step, tile by tile: products with the whole batch, or gathered ones.
pub(super) trait Gradients: Sync {
    /// Combines the gradient of a tile of weights with a rectangle.
    /// What is there already is multiplied by 0 or 1 in a gathered step.
    ///
    /// # Safety
    /// Nobody else uses the rectangle now, and the workspace is only read.
    unsafe fn of_weights(&self, tile: &ParameterTile, out: (MatMut, Scale), scratch: &mut [u32]);

    /// Sums the deltas of a tile's units, the gradient of its biases.
    ///
    /// # Safety
    /// The workspace is only read now.
    unsafe fn of_biases(&self, tile: &ParameterTile, sums: &mut [f32]);
}

/// The gradients of a dense step.
struct Dense<'a> {
    plan: &'a StepPlan,
    matmul: &'a Matmul,
    architecture: &'a Architecture,
    workspace: &'a Workspace,
    examples: usize,
    /// The features as bytes, where the first gradient reads them again.
    bytes: Option<Operand<'a>>,
}

impl Gradients for Dense<'_> {
    unsafe fn of_weights(&self, tile: &ParameterTile, out: (MatMut, Scale), scratch: &mut [u32]) {
        let Dense { matmul, workspace, examples, .. } = *self;
        let Some(how) = self.plan.blocks[tile.block].gradient else { return };
        let width = self.architecture.blocks()[tile.block].inputs;
        let columns = tile.inputs.clone().unwrap_or_default();
        // SAFETY: only read, as promised; the rectangle too.
        unsafe {
            let values = if tile.block == 0 { &workspace.input } else { &workspace.outputs[tile.block - 1] };
            let floats = || Operand::Floats { values: values.read(0, examples * width), width };
            let values = self.bytes.filter(|_| tile.block == 0).unwrap_or_else(floats);
            let deltas = Deltas::of(matmul, workspace, tile, how);
            Gradient { matmul, plan: how, inputs: values, columns, deltas }.multiply_batch(out, scratch);
        }
    }

    unsafe fn of_biases(&self, tile: &ParameterTile, sums: &mut [f32]) {
        let Some(how) = self.plan.blocks[tile.block].gradient else { return };
        // SAFETY: as promised.
        unsafe { sum_deltas(self.matmul, self.workspace, (tile, how), self.examples, sums) }
    }
}

/// What all tiles of the update have in common.
struct Update<'a> {
    plan: &'a StepPlan,
    matmul: &'a Matmul,
    architecture: &'a Architecture,
    packed: &'a Packed,
    connections: &'a Connections,
    concretes: &'a Concretes,
    scratch: &'a Scratch,
    follower: Follower<'a>,
    gradients: &'a dyn Gradients,
    /// Parametric activations.
    parametric: ParametricUpdate<'a>,
    /// The input stage, where it learns.
    stage: Option<StageUpdate<'a>>,
    /// Whether changed tiles are packed for the next forward pass.
    refills: bool,
}

/// Updates all parameters from the training workspace, whose first rows the first phase has filled
/// from `batch`, in step `step` of the run. Returns the norm of the gradient if it is to be
/// clipped, else 0; where it is not finite nothing changes.
pub(super) fn update(
    cpu: &mut Cpu,
    (mlp, state): (&mut Mlp, &mut OptimizerState),
    rule: &UpdateRule,
    batch: Batch<'_>,
    step: u32,
) -> f64 {
    let Cpu { plan, matmul, packed, workers, training: workspace, partitions, scratch, .. } = cpu;
    let Cpu { architecture, connections, concretes, gathered, gradient, stage, parametric, .. } = cpu;
    // A bound of norms changes the weights once more.
    let refills = rule.regularizers.max_norm.is_none() && plan.packs_next;
    packed.set_filled(None);
    let examples = batch.examples.len();
    let bytes = Operand::of_bytes(batch.data, batch.examples).filter(|_| plan.features_read_again);
    let dense = Dense { plan, matmul, architecture, workspace, examples, bytes };
    let gathered = gathered.as_ref().filter(|_| plan.schedule == StepSchedule::Gathered);
    let kept = gathered.map(|gathered| gathered.step(plan, matmul, architecture, workspace, scratch));
    let partition = gathered.map_or(&partitions[plan.partition()], |gathered| &gathered.partition);
    let update = Update {
        plan,
        matmul,
        architecture,
        packed,
        connections,
        concretes,
        scratch,
        follower: Follower::new(matmul.isa, (mlp, state), rule, step),
        gradients: kept.as_ref().map_or(&dense, |step| step as &dyn Gradients),
        parametric: ParametricUpdate { isa: matmul.isa, architecture, tasks: parametric, workspace, examples },
        stage: stage.as_ref().and_then(|memory| StageUpdate::new(matmul.isa, memory, architecture, batch, workspace)),
        refills,
    };
    let norm = update.all(workers, &partition.tiles, gradient);
    if norm.is_finite() {
        bound_all_norms(workers, architecture, &update.follower.parameters, rule);
        packed.set_filled(refills.then(|| mlp.revision()));
    }
    norm
}

/// A task of the update.
enum Task<'a> {
    Tile(&'a ParameterTile),
    /// One of those of the parametric activations.
    Parametric(usize),
    /// One of those of the input stage.
    Stage(&'a StageUpdate<'a>, usize),
}

impl Update<'_> {
    /// Updates all tiles, where the rule clips with a gradient that is first put in `full`.
    fn all(&self, workers: &mut Workers, tiles: &[ParameterTile], full: &mut Option<FullGradient>) -> f64 {
        let Update { follower, architecture, scratch, .. } = self;
        let Some(bound) = follower.rule.clip_norm else {
            self.run(workers, tiles, &|task, worker| {
                // SAFETY: each worker has its own scratch, and each task its own parameters. The
                // phase before is over, and in this one the workspace is only read.
                unsafe {
                    match task {
                        Task::Tile(tile) => self.tile(tile, None, scratch.of(worker)),
                        Task::Parametric(task) => self.parametric.differentiate(task, follower, None),
                        Task::Stage(stage, task) => {
                            stage.differentiate(task, worker, follower, None);
                            stage.follow(task, follower, None);
                        }
                    }
                };
            });
            return 0.0;
        };
        let full = full.get_or_insert_with(|| FullGradient::new(follower.parameters.len()));
        self.run(workers, tiles, &|task, worker| {
            // SAFETY: as above, and each task has its own part of the gradient.
            unsafe {
                match task {
                    Task::Tile(tile) => {
                        let (start, stride) = tile.place(architecture);
                        let out = MatMut { first: full.values.at(start), stride };
                        self.differentiate(tile, out, scratch.of(worker));
                    }
                    Task::Parametric(task) => self.parametric.differentiate(task, follower, Some(full)),
                    Task::Stage(stage, task) => stage.differentiate(task, worker, follower, Some(full)),
                }
            };
        });
        let norm = full.norm(self.matmul.isa, workers);
        if norm.is_finite() {
            let clipped = (&*full, clip_factor(norm, bound));
            self.run(workers, tiles, &|task, worker| {
                // SAFETY: as above; the gradient is only read by now.
                unsafe {
                    match task {
                        Task::Tile(tile) => self.tile(tile, Some(clipped), scratch.of(worker)),
                        Task::Parametric(task) => self.parametric.follow(task, follower, clipped),
                        Task::Stage(stage, task) => stage.follow(task, follower, Some(clipped)),
                    }
                };
            });
        }
        norm
    }

    /// Runs all tiles, and after them the tasks of parametric activations and of the input stage.
    fn run(&self, workers: &mut Workers, tiles: &[ParameterTile], work: &(dyn Fn(Task<'_>, usize) + Sync)) {
        let parametric = tiles.len()..tiles.len() + self.parametric.tasks.len();
        let of_stage = self.stage.as_ref().map_or(0, StageUpdate::tasks);
        workers.run(parametric.end + of_stage, &|task, worker| match (tiles.get(task), &self.stage) {
            (Some(tile), _) => work(Task::Tile(tile), worker),
            (None, _) if parametric.contains(&task) => work(Task::Parametric(task - parametric.start), worker),
            (None, Some(stage)) => work(Task::Stage(stage, task - parametric.end), worker),
            (None, None) => {}
        });
    }

    /// Updates a tile: with part of a gradient that is there, times a factor, or with its own.
    ///
    /// # Safety
    /// Nobody else uses the tile's parameters now, and the workspace is only read.
    unsafe fn tile(&self, tile: &ParameterTile, clipped: Option<(&FullGradient, f32)>, scratch: &mut [u32]) {
        let (gradient, scratch) = scratch.split_at_mut(tile.gradient_words());
        let gradient = floats_mut(&mut gradient[..tile.len()]);
        let Update { follower, architecture, .. } = self;
        let rule = follower.of(tile.spec(architecture), self.concretes.decay(tile.block));
        let ((start, stride), columns) = (tile.place(architecture), tile.units.len());
        // What a gathered product leaves out stays as it is, unless something else moves it.
        let spreads = self.plan.schedule == StepSchedule::Gathered && follower.rule.moves_all();
        let fuses = tile.inputs.is_some() && !spreads && self.connections.mask(tile.block).is_none();
        // SAFETY: the tile's own parameters, and a rectangle of our own.
        unsafe {
            match (clipped, rule.fused().filter(|_| fuses)) {
                (None, Some(scale)) => {
                    let out = MatMut { first: follower.parameters.at(start), stride };
                    self.gradients.of_weights(tile, (out, scale), scratch);
                }
                _ => {
                    if clipped.is_none() {
                        let out = MatMut { first: gradient.as_mut_ptr(), stride: columns };
                        self.differentiate(tile, out, scratch);
                    }
                    for (row, gradient) in gradient.chunks_exact_mut(columns).enumerate() {
                        let start = start + row * stride;
                        if let Some((full, factor)) = clipped {
                            let values = full.values.read(start, columns);
                            gradient.iter_mut().zip(values).for_each(|(g, value)| *g = factor * value);
                        }
                        follower.row(rule, start, gradient);
                    }
                }
            }
            if let (true, Some(inputs)) = (self.refills, tile.inputs.clone()) {
                let place = (inputs, tile.units.clone());
                let weights = (&follower.parameters, start);
                self.packed.refill(self.matmul, tile.block, place, weights, gradient, self.plan.non_temporal_stores);
            }
        }
    }

    /// Writes the gradient of a tile to a rectangle.
    ///
    /// # Safety
    /// Nobody else uses the rectangle now, and the workspace is only read.
    unsafe fn differentiate(&self, tile: &ParameterTile, out: MatMut, scratch: &mut [u32]) {
        let row = |row: usize| {
            // SAFETY: a row of the rectangle, one at a time.
            unsafe { std::slice::from_raw_parts_mut(out.first.add(row * out.stride), tile.units.len()) }
        };
        let Some(inputs) = &tile.inputs else {
            // SAFETY: as promised.
            return unsafe { self.gradients.of_biases(tile, row(0)) };
        };
        // SAFETY: as promised.
        unsafe { self.gradients.of_weights(tile, (out, Scale::SET), scratch) };
        if let Some(mask) = self.connections.mask(tile.block) {
            let mask = mask.starting_at(tile.units.start);
            inputs
                .clone()
                .enumerate()
                .for_each(|(place, input)| drop_row(self.matmul.isa, row(place), &mask, input as u32));
        }
    }
}

/// Scales back the weights of all hidden units whose norm is over the rule's bound, if it has one.
fn bound_all_norms(workers: &mut Workers, architecture: &Architecture, parameters: &Borrowed<'_>, rule: &UpdateRule) {
    let Some(bound) = rule.regularizers.max_norm else { return };
    let hidden = &architecture.blocks()[..architecture.blocks().len() - 1];
    for (index, units) in hidden.iter().map(|block| block.outputs).enumerate() {
        workers.run(units.div_ceil(NORM_COLUMNS), &|group, _| {
            let columns = group * NORM_COLUMNS..units.min((group + 1) * NORM_COLUMNS);
            // SAFETY: the columns of this group are written by this call only.
            unsafe { bound_norms(parameters, architecture.ranges(index).0, units, columns, bound as f32) };
        });
    }
}

/// Scales back the columns whose norm is over `bound`.
///
/// # Safety
/// Nobody else uses these columns of the weights now.
unsafe fn bound_norms(
    parameters: &Borrowed<'_>,
    weights: Range<usize>,
    units: usize,
    columns: Range<usize>,
    bound: f32,
) {
    let mut factors = [0.0f32; NORM_COLUMNS];
    let rows = weights.len() / units;
    // SAFETY: one row of these columns at a time, as promised.
    let row = |row: usize| unsafe { parameters.part(weights.start + row * units + columns.start, columns.len()) };
    for index in 0..rows {
        for (sum, w) in factors.iter_mut().zip(row(index)) {
            *sum += *w * *w;
        }
    }
    for factor in &mut factors {
        let norm = factor.sqrt();
        *factor = if norm > bound { bound / norm } else { 1.0 };
    }
    for index in 0..rows {
        for (w, factor) in row(index).iter_mut().zip(&factors) {
            *w *= *factor;
        }
    }
}
