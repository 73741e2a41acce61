//! Parametric activations: their numbers α follow gradients that are sums over the batch, in the
//! order of the examples, some units a task.

use super::Isa;
use super::clipping::FullGradient;
use super::follow::Follower;
use super::gradient::add_rows;
use super::matrix::MatView;
use super::workspace::Workspace;
use crate::nn::Architecture;
use std::ops::Range;

/// Units of a task, at most.
const TASK_UNITS: usize = 64;

/// Blocks and units whose α are updated together.
pub(super) fn parametric_tasks(architecture: &Architecture) -> Vec<(usize, Range<usize>)> {
    let parametric = architecture.blocks().iter().enumerate().filter(|(_, block)| block.parametric);
    let cut = |units: usize| (0..units).step_by(TASK_UNITS).map(move |first| first..units.min(first + TASK_UNITS));
    parametric.flat_map(|(index, block)| cut(block.outputs).map(move |units| (index, units))).collect()
}

/// The update of the α in one step. The backward pass has left their derivatives, row by row, where
/// the values before the activation were.
#[derive(Clone, Copy)]
pub(super) struct ParametricUpdate<'a> {
    pub(super) isa: Isa,
    pub(super) architecture: &'a Architecture,
    pub(super) tasks: &'a [(usize, Range<usize>)],
    pub(super) workspace: &'a Workspace,
    pub(super) examples: usize,
}

impl ParametricUpdate<'_> {
    /// Computes the gradient of a task into that of the whole network where there is one; else the
    /// α follow it.
    ///
    /// # Safety
    /// Nobody else works at this task, or writes the workspace, now.
    pub(super) unsafe fn differentiate(&self, task: usize, follower: &Follower<'_>, full: Option<&FullGradient>) {
        let (block, units) = &self.tasks[task];
        let width = self.architecture.blocks()[*block].outputs;
        let mut sums = [0.0; TASK_UNITS];
        let sums = &mut sums[..units.len()];
        // SAFETY: as promised.
        unsafe {
            let terms = self.workspace.pre[*block].read(0, self.examples * width);
            let terms = MatView::contiguous(terms, width).part(0, self.examples, units.clone());
            add_rows(self.isa, terms, sums);
            match full {
                Some(full) => full.values.part(self.first(task), units.len()).copy_from_slice(sums),
                None => self.step(task, follower, sums),
            }
        }
    }

    /// Lets the α of a task follow the gradient of the whole network times a factor.
    ///
    /// # Safety
    /// The gradient is there, and nobody else uses the α of the task now.
    pub(super) unsafe fn follow(&self, task: usize, follower: &Follower<'_>, (full, factor): (&FullGradient, f32)) {
        let mut gradient = [0.0; TASK_UNITS];
        let gradient = &mut gradient[..self.tasks[task].1.len()];
        // SAFETY: as promised.
        unsafe {
            let values = full.values.read(self.first(task), gradient.len());
            gradient.iter_mut().zip(values).for_each(|(gradient, value)| *gradient = factor * value);
            self.step(task, follower, gradient);
        }
    }

    /// # Safety
    /// Nobody else uses the α of the task now.
    unsafe fn step(&self, task: usize, follower: &Follower<'_>, gradient: &[f32]) {
        let Some(spec) = self.architecture.alpha_spec(self.tasks[task].0) else { return };
        // SAFETY: as promised.
        unsafe { follower.row(follower.of(spec, 0.0), self.first(task), gradient) };
    }

    /// Where the α of a task begin among all parameters.
    fn first(&self, task: usize) -> usize {
        let (block, units) = &self.tasks[task];
        self.architecture.alpha_spec(*block).map_or(0, |spec| spec.range.start) + units.start
    }
}
