//! The input stage: features become the inputs of the first block, row by row in the first phase.
//! In the second one its parameters follow their gradient, which is summed over the batch in the
//! order of the examples, some columns a task.

use super::Isa;
use super::clipping::FullGradient;
use super::follow::Follower;
use super::math::sin_cos;
use super::simd::for_each_isa;
use super::workspace::{Scratch, Shared, Workspace};
use crate::data::{Batch, Examples, Features};
use crate::nn::{Architecture, InputStage, Mlp, ParamSpec, StagePlaces};
use std::ops::Range;

/// Inputs of the columns of a task, at most, unless a single column has more: some cache lines of
/// each row of derivatives.
const TASK_INPUTS: usize = 64;

/// The features of one example as they are in the data set.
#[derive(Clone, Copy)]
enum FeatureRow<'a> {
    Floats(&'a [f32]),
    Bytes(&'a [u8], f32),
}

impl FeatureRow<'_> {
    fn of(data: &Examples, example: u32) -> FeatureRow<'_> {
        let place = example as usize * data.features()..(example as usize + 1) * data.features();
        match data.inputs() {
            Features::Floats(rows) => FeatureRow::Floats(&rows.as_slice().expect("rows in order")[place]),
            Features::Bytes { rows, scale } => {
                FeatureRow::Bytes(&rows.as_slice().expect("rows in order")[place], *scale)
            }
        }
    }

    #[inline(always)]
    fn get(self, column: usize) -> f32 {
        match self {
            FeatureRow::Floats(values) => values[column],
            FeatureRow::Bytes(bytes, scale) => f32::from(bytes[column]) * scale,
        }
    }
}

/// Writes what the features of `example` become.
pub(super) fn read_inputs(
    isa: Isa,
    mlp: &Mlp,
    stage: (&InputStage, &StagePlaces),
    from: (&Examples, u32),
    inputs: &mut [f32],
) {
    expand_row(isa, stage, mlp.stage_parameters(), FeatureRow::of(from.0, from.1), inputs);
}

for_each_isa! {
    fn expand_row(
        isa,
        stage: (&InputStage, &StagePlaces),
        parameters: &[f32],
        features: FeatureRow<'_>,
        inputs: &mut [f32],
    ) {
        let (stage, places) = stage;
        for (number, (column, place)) in stage.columns().iter().zip(places.columns()).enumerate() {
            let parameters = &parameters[place.parameters.clone()];
            let inputs = &mut inputs[place.inputs.clone()];
            column.forward(parameters, features.get(number), inputs, |phase| sin_cos(phase).1);
        }
        // None without scaling.
        for (input, factor) in inputs.iter_mut().zip(&parameters[places.scale()]) {
            *input *= *factor;
        }
    }
}

/// The memory of a stage that learns.
pub(super) struct StageMemory {
    /// The gradient by the parameters of the stage.
    gradient: Shared<f32>,
    /// Columns.
    tasks: Vec<Range<usize>>,
    /// Room for each worker: what a column becomes, and the derivatives by it.
    scratch: Scratch,
}

impl StageMemory {
    /// Returns none where there is no stage, or it has nothing to learn.
    pub(super) fn new(architecture: &Architecture, workers: usize) -> Option<StageMemory> {
        let (_, places) = architecture.placed_stage().filter(|_| architecture.learns_inputs())?;
        let mut tasks: Vec<Range<usize>> = Vec::new();
        let mut inputs = 0;
        for (number, place) in places.columns().iter().enumerate() {
            match tasks.last_mut().filter(|_| inputs + place.inputs.len() <= TASK_INPUTS) {
                Some(task) => task.end = number + 1,
                None => {
                    tasks.push(number..number + 1);
                    inputs = 0;
                }
            }
            inputs += place.inputs.len();
        }
        let widest = places.columns().iter().map(|place| place.inputs.len()).max().unwrap_or(0);
        let gradient = Shared::new(places.parameters(), 1);
        Some(StageMemory { gradient, tasks, scratch: Scratch::new(workers, 2 * widest) })
    }
}

/// The update of the stage in one step.
#[derive(Clone, Copy)]
pub(super) struct StageUpdate<'a> {
    isa: Isa,
    memory: &'a StageMemory,
    architecture: &'a Architecture,
    stage: &'a InputStage,
    places: &'a StagePlaces,
    batch: Batch<'a>,
    workspace: &'a Workspace,
}

impl<'a> StageUpdate<'a> {
    pub(super) fn new(
        isa: Isa,
        memory: &'a StageMemory,
        architecture: &'a Architecture,
        batch: Batch<'a>,
        workspace: &'a Workspace,
    ) -> Option<Self> {
        let (stage, places) = architecture.placed_stage()?;
        Some(StageUpdate { isa, memory, architecture, stage, places, batch, workspace })
    }

    pub(super) fn tasks(&self) -> usize {
        self.memory.tasks.len()
    }

    /// Where the parameters of a task are, counted from the first of the stage: those of its
    /// columns, and their factors.
    fn parts(&self, task: usize) -> [Range<usize>; 2] {
        let columns = &self.places.columns()[self.memory.tasks[task].clone()];
        let (first, last) = (&columns[0], &columns[columns.len() - 1]);
        let scale = self.places.scale();
        let factors = match scale.is_empty() {
            true => scale,
            false => scale.start + first.inputs.start..scale.start + last.inputs.end,
        };
        [first.parameters.start..last.parameters.end, factors]
    }

    /// Where the stage begins among all parameters.
    fn first(&self) -> usize {
        self.architecture.parameters() - self.places.parameters()
    }

    /// Computes the gradient of a task, into that of the whole network too where there is one.
    ///
    /// # Safety
    /// Nobody else works at this task, uses this worker's scratch, or writes the workspace or the
    /// parameters of the task, now.
    pub(super) unsafe fn differentiate(
        &self,
        task: usize,
        worker: usize,
        follower: &Follower<'_>,
        full: Option<&FullGradient>,
    ) {
        let parts = self.parts(task);
        let columns = self.memory.tasks[task].clone();
        let widest = self.places.columns()[columns.clone()].iter().map(|place| place.inputs.len()).max();
        // SAFETY: as promised: the parts of this task, and of two different buffers.
        unsafe {
            let [own, factors] = parts.clone().map(|part| self.memory.gradient.part(part.start, part.len()));
            let parameters = parts.clone().map(|part| follower.parameters.read(self.first() + part.start, part.len()));
            let examples = self.batch.examples.len();
            let work = Derivatives {
                columns,
                stage: self.stage,
                places: self.places,
                batch: self.batch,
                deltas: self.workspace.input_deltas.read(0, examples * self.places.width()),
                parameters,
            };
            let room = super::matmul::floats_mut(self.memory.scratch.of(worker));
            sum_derivatives(self.isa, &work, [own, factors], &mut room[..2 * widest.unwrap_or(0)]);
            if let Some(full) = full {
                for part in parts {
                    let gradient = self.memory.gradient.read(part.start, part.len());
                    full.values.part(self.first() + part.start, part.len()).copy_from_slice(gradient);
                }
            }
        }
    }

    /// Lets the parameters of a task follow their gradient, or that of the whole network times a
    /// factor.
    ///
    /// # Safety
    /// The gradient is there, and nobody else uses the parameters and the gradient of the task now.
    pub(super) unsafe fn follow(&self, task: usize, follower: &Follower<'_>, clipped: Option<(&FullGradient, f32)>) {
        let first = self.first();
        for part in self.parts(task) {
            let specs = self.architecture.stage_specs();
            let place = |spec: &ParamSpec| spec.range.start - first..spec.range.end - first;
            let from = specs.partition_point(|spec| place(spec).end <= part.start);
            // A tensor of a column is in one task; factors are cut.
            for spec in specs[from..].iter().take_while(|spec| place(spec).start < part.end) {
                let (start, end) = (place(spec).start.max(part.start), place(spec).end.min(part.end));
                // SAFETY: the task's own.
                unsafe {
                    let gradient = self.memory.gradient.part(start, end - start);
                    if let Some((full, factor)) = clipped {
                        let values = full.values.read(first + start, end - start);
                        gradient.iter_mut().zip(values).for_each(|(gradient, value)| *gradient = factor * value);
                    }
                    follower.row(follower.of(spec, 0.0), first + start, gradient);
                }
            }
        }
    }
}

/// What the derivatives of some columns are made of.
struct Derivatives<'a> {
    columns: Range<usize>,
    stage: &'a InputStage,
    places: &'a StagePlaces,
    batch: Batch<'a>,
    /// By the inputs, row by row.
    deltas: &'a [f32],
    /// Of the columns, and their factors.
    parameters: [&'a [f32]; 2],
}

for_each_isa! {
    /// Sums the derivatives by the parameters and by the factors over the rows, in their order.
    /// `room` is for two times the inputs of a column.
    fn sum_derivatives(isa, work: &Derivatives<'_>, gradients: [&mut [f32]; 2], room: &mut [f32]) {
        let Derivatives { columns, stage, places, batch, deltas, parameters: [own_parameters, factors] } = work;
        let [own, by_factors] = gradients;
        own.fill(0.0);
        by_factors.fill(0.0);
        let width = places.width();
        let (kinds, places) = (&stage.columns()[columns.clone()], &places.columns()[columns.clone()]);
        let (first_input, first_parameter) = (places[0].inputs.start, places[0].parameters.start);
        for (deltas, &example) in deltas.chunks_exact(width).zip(batch.examples) {
            let features = FeatureRow::of(batch.data, example);
            for ((number, kind), place) in columns.clone().zip(kinds).zip(places) {
                let (value, count) = (features.get(number), place.inputs.len());
                let delta = &deltas[place.inputs.clone()];
                let parameters = place.parameters.start - first_parameter..place.parameters.end - first_parameter;
                let (inputs, scaled) = room.split_at_mut(count);
                let scaled = &mut scaled[..count];
                if factors.is_empty() {
                    scaled.copy_from_slice(delta);
                } else {
                    kind.forward(&own_parameters[parameters.clone()], value, inputs, |phase| sin_cos(phase).1);
                    let first = place.inputs.start - first_input;
                    let by_factors = by_factors[first..first + count].iter_mut();
                    for ((by_factor, delta), input) in by_factors.zip(delta).zip(&*inputs) {
                        *by_factor += *delta * *input;
                    }
                    for ((scaled, delta), factor) in scaled.iter_mut().zip(delta).zip(&factors[first..first + count]) {
                        *scaled = *delta * *factor;
                    }
                }
                kind.backward(&own_parameters[parameters.clone()], value, scaled, &mut own[parameters], sin_cos);
            }
        }
    }
}
