//! Many runs as one experiment, and what may be concluded from it.
//!
//! A *trial* is a run in a folder that is named after what determines it, so that no run is ever
//! repeated. A *pool* has many of them trained at once. What they came to is compared by a few
//! plain statistics.

mod checked;
mod counts;
mod figure;
mod file;
mod folder;
mod grid;
mod keys;
mod measure;
mod measured;
mod names;
mod pool;
mod results;
pub mod statistics;
mod tables;
#[cfg(test)]
mod tests;
mod trial;
mod trial_data;

pub use checked::Study;
pub use counts::TrialCounts;
pub use figure::{figure, picture};
pub use file::{Compare, PlotSpec};
pub use folder::{StudyFolder, difference};
pub use grid::{Arm, Label};
pub use measure::Measure;
pub use measured::{Measured, measure_trial};
pub use pool::{Job, JobReport, Plan, PoolConfig, Queue, run_pool};
pub use results::{ArmComparison, ArmResult, DataSummary, Missing, MissingState, Results, TrialResult};
pub(crate) use trial::begin as begin_run;
pub use trial::{Ended, Trial, TrialConfig, TrialOutcome, TrialRecord, TrialState, run_trial};
pub use trial_data::TrialData;
