//! How many threads small steps are worth. What a hand-over costs, and weights that move from core to core, is a property of the machine and the hour: two threads may be
//! half again as fast as one, or take twice as long, where a host has moved them apart (`bench/LOG.md`). So steps of some size are tried both ways now and
//! then, and done in the one that was faster. No number depends on it.

/// Steps of a trial in each of the two ways, all threads first, and those before them that bring caches and threads into it.
const TRIED: u32 = 6;
const WARM_UP: u32 = 3;

/// The fewest steps from one trial to the next; and there are as many as take so many times as long as the trial's steps in the slower way.
const APART: u32 = 512;
const WORTH: f64 = 50.0;

/// Which way steps of the same work are done.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Of the steps that are tried.
    work: usize,
    /// Steps since the trial began.
    steps: u32,
    /// Steps from the beginning of this trial to that of the next.
    apart: u32,
    /// With all threads and with one: the least time of a step, and all of them.
    least: [f64; 2],
    spent: [f64; 2],
    alone: Option<bool>,
}

impl Pace {
    /// Whether the next step, of so much work, is to be done by one thread; nothing where it is not known.
    pub(super) fn alone(&mut self, work: usize) -> Option<bool> {
        if work > self.work {
            // Larger than any before, so that a smaller last batch of an epoch begins nothing anew.
            *self = Pace { work, least: [f64::INFINITY; 2], ..Pace::default() };
        }
        if work == self.work { self.trial().or(self.alone) } else { None }
    }

    /// A step of so much work took so many seconds.
    pub(super) fn took(&mut self, work: usize, seconds: f64) {
        if work != self.work {
            return;
        }
        if let Some(alone) = self.trial().map(usize::from) {
            self.spent[alone] += seconds;
            if self.steps % (WARM_UP + TRIED) >= WARM_UP {
                self.least[alone] = self.least[alone].min(seconds);
            }
        }
        self.steps += 1;
        if self.steps == 2 * (WARM_UP + TRIED) {
            let alone = self.least[1] <= self.least[0];
            let (faster, slower) = (usize::from(alone), usize::from(!alone));
            // The conversion ends at the largest number there is.
            self.apart = APART.max((WORTH * self.spent[slower] / self.least[faster]) as u32);
            self.alone = Some(alone);
        } else if self.steps >= self.apart.max(APART) {
            (self.steps, self.least, self.spent) = (0, [f64::INFINITY; 2], [0.0; 2]);
        }
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
            let by_one = pace.alone(100).unwrap();
            // Now and then something comes between.
            let late = if step.is_multiple_of(4) { 0.1 } else { 0.0 };
            pace.took(100, late + if by_one { alone } else { shared });
            u32::from(by_one)
        };
        (0..steps).map(step).sum()
    }

    /// Steps until the next trial.
    fn apart(pace: &Pace) -> u32 {
        pace.apart - pace.steps
    }

    #[test]
    fn the_faster_way_is_taken_and_tried_again() {
        let tried = WARM_UP + TRIED;
        let mut pace = Pace::default();
        assert_eq!(alone(&mut pace, 2 * tried, (1.0, 2.0)), tried);
        let rest = apart(&pace);
        assert_eq!(alone(&mut pace, rest, (1.0, 2.0)), rest);
        assert_eq!(alone(&mut pace, 2 * tried, (2.0, 1.0)), tried);
        let rest = apart(&pace);
        assert_eq!(alone(&mut pace, rest, (2.0, 1.0)), 0, "the threads are neighbours now");
    }

    #[test]
    fn trials_take_a_fiftieth_of_the_time_however_slow_a_way_is() {
        let mut pace = Pace::default();
        alone(&mut pace, 2 * (WARM_UP + TRIED), (1.0, 1000.0));
        assert!((apart(&pace) as f64 / (9.0 * 1000.0) - 50.0).abs() < 1.0);
        let mut pace = Pace::default();
        alone(&mut pace, 2 * (WARM_UP + TRIED), (1.0, 1.1));
        assert_eq!(pace.apart, APART);
    }

    #[test]
    fn other_batches_change_nothing() {
        let mut pace = Pace::default();
        alone(&mut pace, APART - 1, (1.0, 2.0));
        assert_eq!(pace.alone(40), None);
        pace.took(40, 1e9);
        assert_eq!(pace.alone(100), Some(true));
        assert_eq!(pace.alone(200), Some(false), "larger steps are tried anew");
    }
}
