//! Drop probabilities, and what else is asked for, chosen for somebody's own data; and whether
//! dropout helps there at all.
//!
//! The *search* compares trials on examples that are held out of the training set, never on the
//! test set. It begins with the rates that everybody tries, goes on with tree-structured Parzen
//! estimators, and gives up the worse trials early. The best with dropout and the best without are
//! then *replicated* over paired seeds, which says whether one is better and by how much. The
//! better one is at last *refitted* on all training examples, and tested once.

mod arm;
mod candidate;
mod dimension;
mod domain;
mod draws;
mod event;
mod folder;
mod halving;
mod metric;
mod options;
mod plot;
mod propose;
mod refit;
mod replication;
mod report;
mod runner;
mod search;
mod search_key;
mod searching;
mod space;
#[cfg(test)]
mod tests;
mod tuner;
mod verdict;

pub use arm::DropoutArm;
pub use candidate::{Candidate, SearchValue};
pub use domain::{Domain, Range};
pub use event::{Phase, TuneEvent};
pub use folder::{TuneContents, TuneDir};
pub use halving::{REDUCTION, places, promoted, rungs};
pub use metric::Metric;
pub use options::{FOLDS, TuneOptions};
pub use plot::error_by_p;
pub use propose::STARTS;
pub use report::{Finalist, RungValue, SearchedTrial, TestScores, TuneReport};
pub use search::{GENERATION, SearchEntry};
pub use search_key::SearchKey;
pub use space::Space;
pub use tuner::{Tuning, check, tune};
pub use verdict::{Outcome, Verdict};
