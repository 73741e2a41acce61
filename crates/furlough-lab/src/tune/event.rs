use super::{DropoutArm, Metric, SearchEntry, Verdict};
use crate::run::Failure;

/// What a tune does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Trials with many recipes.
    Search,
    /// The best with dropout and the best without, over paired seeds.
    Replication,
    /// The recommended recipe on all training examples.
    Refit,
}

/// What happens in a tune.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum TuneEvent<'a> {
    /// A phase begins.
    Phase {
        /// Which.
        phase: Phase,
        /// Epochs that it takes if nothing diverges; those on record from an earlier process are
        /// among them. None for a search that goes on as long as there is time.
        epochs: Option<u64>,
        /// Seconds that the tune has taken, by earlier processes too.
        used: f64,
    },
    /// Epochs were trained, or found on record.
    Epochs {
        /// How many more.
        more: u64,
    },
    /// A trial of the search has come to a rung.
    Compared {
        /// Number of the trial, from 1.
        trial: usize,
        /// The trial.
        entry: &'a SearchEntry,
        /// Epochs it was trained for.
        epoch: u32,
        /// Epochs it would have in all.
        epochs: u32,
        /// Its score there, the lower the better; infinite when it diverged.
        score: f64,
        /// What it was compared by.
        metric: Metric,
        /// Whether it is trained to the end and the best of those so far.
        best: bool,
    },
    /// The search is over.
    Searched {
        /// Trials that were begun.
        trials: usize,
        /// Whether time ran out before there were as many as asked for.
        out_of_time: bool,
    },
    /// A finalist was trained with another seed.
    Replicated {
        /// With dropout or without.
        arm: DropoutArm,
        /// The seed.
        seed: u64,
        /// Its score; infinite when it diverged.
        score: f64,
        /// What it was compared by.
        metric: Metric,
    },
    /// Whether dropout helps is known.
    Judged(&'a Verdict),
    /// The better finalist failed on all training examples, and the other one takes its place.
    PassedOver {
        /// With dropout or without.
        arm: DropoutArm,
        /// Why.
        failure: &'a Failure,
    },
}
