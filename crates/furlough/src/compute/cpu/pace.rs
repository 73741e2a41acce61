//! How many threads small steps are worth. What a hand-over costs, and weights that move from core to core, is a property of the machine and the hour: two threads may be
//! half again as fast as one, or take twice as long, where a host has moved them apart (`bench/LOG.md`). So steps of some size are tried both ways now and
//! then, and done in the one that was faster. No number depends on it.

/// Steps of a trial in each of the two ways, all threads first, and those before them that bring caches and threads into it.
const TRIED: u32 = 6;
const WARM_UP: u32 = 3;

/// Steps from one trial to the next.
const APART: u32 = 512;

/// Which way steps of the same work are done.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Of the steps that are tried; others go the way these were decided to.
    work: usize,
    /// Steps since the trial began.
    steps: u32,
    /// The least time of a step with all threads, and with one.
    least: [f64; 2],
    alone: bool,
}

impl Pace {
    /// Whether the next step, of so much work, is to be done by one thread.
    pub(super) fn alone(&mut self, work: usize) -> bool {
        if work > self.work {
            // Larger than any before, so that a smaller last batch of an epoch begins nothing anew.
            *self = Pace { work, ..Pace::default() };
        }
        match self.trial() {
            Some(alone) if work == self.work => alone,
            _ => self.alone,
        }
    }

    /// A step of so much work took so many seconds.
    pub(super) fn took(&mut self, work: usize, seconds: f64) {
        if work != self.work {
            return;
        }
        if let Some(alone) = self.trial() {
            let least = &mut self.least[usize::from(alone)];
            match self.steps % (WARM_UP + TRIED) {
                place if place < WARM_UP => *least = f64::INFINITY,
                _ => *least = least.min(seconds),
            }
        }
        self.steps += 1;
        if self.steps == 2 * (WARM_UP + TRIED) {
            self.alone = self.least[1] <= self.least[0];
        }
        self.steps %= APART;
    }

    /// In a trial: whether it is with one thread by now.
    fn trial(&self) -> Option<bool> {
        (self.steps < 2 * (WARM_UP + TRIED)).then_some(self.steps >= WARM_UP + TRIED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `steps` steps are done by one thread, which takes `alone` where all take `shared`.
    fn alone(pace: &mut Pace, steps: u32, (alone, shared): (f64, f64)) -> u32 {
        let step = |step: u32| {
            let by_one = pace.alone(100);
            // Now and then something comes between.
            let late = if step.is_multiple_of(4) { 10.0 } else { 0.0 };
            pace.took(100, late + if by_one { alone } else { shared });
            u32::from(by_one)
        };
        (0..steps).map(step).sum()
    }

    #[test]
    fn the_faster_way_is_taken_and_tried_again() {
        let tried = WARM_UP + TRIED;
        let mut pace = Pace::default();
        assert_eq!(alone(&mut pace, APART, (1.0, 2.0)), APART - tried);
        assert_eq!(alone(&mut pace, APART, (2.0, 1.0)), tried, "the threads are neighbours now");
        assert_eq!(alone(&mut pace, APART, (1.0, 2.0)), APART - tried, "and apart again");
    }

    #[test]
    fn a_smaller_last_batch_changes_nothing() {
        let mut pace = Pace::default();
        alone(&mut pace, APART - 1, (1.0, 2.0));
        assert!(pace.alone(40));
        pace.took(40, 1e9);
        assert!(pace.alone(60) && pace.trial().is_none());
        pace.alone(200);
        assert_eq!(pace.trial(), Some(false), "larger steps are tried anew");
    }
}
