use furlough::train::EpochSummary;
use std::cell::Cell;
use std::time::Instant;

/// An epoch's figures and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochRow {
    /// The figures.
    pub summary: EpochSummary,
    /// Seconds of training and evaluation, where known.
    pub seconds: Option<f64>,
}

/// Times the epochs, once for all who want to know.
#[derive(Debug)]
pub struct EpochClock {
    began: Cell<Instant>,
    last: Cell<f64>,
}

impl Default for EpochClock {
    fn default() -> Self {
        EpochClock { began: Cell::new(Instant::now()), last: Cell::new(0.0) }
    }
}

impl EpochClock {
    /// Ends an epoch, begins the next one, and says how many seconds the one that ended took.
    pub fn lap(&self) -> f64 {
        let now = Instant::now();
        self.last.set(now.duration_since(self.began.replace(now)).as_secs_f64());
        self.last()
    }

    /// How many seconds the epoch took that ended last.
    pub fn last(&self) -> f64 {
        self.last.get()
    }
}
