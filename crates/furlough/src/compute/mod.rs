//! What one training step costs: the fused kernels, the threads, the workspace. The only module
//! with `unsafe`.
//!
//! [`Cpu`] computes a step in two phases, *rows, then tiles* (ARCHITECTURE.md says why). How either
//! is cut changes neither the factors of a sum nor their order, so the results are the same bits at
//! any number of threads; [`StepPlan`] says how it is cut. [`mod@reference`] is the same step,
//! plainly: the oracle that every kernel is tested against.

mod cpu;
mod precision;
pub mod reference;

pub use cpu::{
    BlockPlan, Cpu, GradientPlan, Isa, MAX_THREADS, ProductPlan, SampleVisitor, Samples, SharedMaskMode, StepPlan,
    StepSchedule, StepSums, drop_in_place,
};
pub(crate) use cpu::{Comoments, accumulate_classes, accumulator_width, softmax_samples};
pub use precision::Precision;
