//! Many runs as one experiment, and what may be concluded from it.
//!
//! A *trial* is a run in a folder that is named after what determines it, so that no run is ever repeated. A *pool* has many
//! of them trained at once. What they came to is compared by a few plain statistics.

mod pool;
pub mod statistics;
#[cfg(test)]
mod tests;
mod trial;

pub use pool::{Crew, Job, Plan, Queue, Report, run_pool};
pub(crate) use trial::begin as begin_run;
pub use trial::{Ended, Setting, Trial, TrialData, TrialOutcome, run_trial};
