/// Where values stand along one side of a panel: from `low` to `high`, with labeled ticks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
    /// Values and their labels, ascending, all within the axis.
    pub ticks: Vec<(f64, String)>,
}

/// From this ratio of largest to smallest value a linear axis hides what happens near the bottom.
const LOG_FROM: f64 = 100.0;

impl Axis {
    /// For losses: linear from 0, or logarithmic when they span orders of magnitude.
    pub fn losses(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (least, most) = extent(values).unwrap_or((0.0, 1.0));
        if spans_orders(least, most) { Self::logarithmic(least, most) } else { Self::linear(0.0, most) }
    }

    /// For shares: as narrow as the values allow, within 0 to 1.
    pub fn shares(values: impl Iterator<Item = f64> + Clone) -> Self {
        let (least, most) = extent(values).unwrap_or((0.0, 1.0));
        // A few points of room, so that curves that hardly move are not drawn as if they did.
        let room = (0.06 - (most - least)).max(0.0) / 2.0;
        let low = (least - room).clamp(0.0, 0.94);
        Self::linear(low, (most + room).max(low + 0.06).min(1.0))
    }

    /// Epochs 1 to `last`.
    pub fn epochs(last: u32) -> Self {
        let (low, high) = if last == 1 { (0.5, 1.5) } else { (1.0, f64::from(last)) };
        let step = nice_step(f64::from(last) / 10.0).max(1.0);
        let first = if step == 1.0 { 1.0 } else { step };
        let ticks = multiples(first, high, step).map(|value| (value, value.to_string())).collect();
        Axis { low, high, log: false, ticks }
    }

    /// For measurements of any kind: as narrow as the values allow, from 0 where that is not far,
    /// and logarithmic if asked for and they span a power of ten.
    pub fn measured(values: impl Iterator<Item = f64> + Clone, log: bool) -> Self {
        let (least, most) = extent(values).unwrap_or((0.0, 1.0));
        if log && least > 0.0 && most / least >= 10.0 {
            return Self::logarithmic(least, most);
        }
        let near_zero = least >= 0.0 && least < 0.3 * most;
        let room = 0.02 * (most - least).max(1e-3 * most.abs());
        Self::linear(if near_zero { 0.0 } else { least - room }, most + room)
    }

    /// For settings: from the least to the largest, with ticks at the values themselves where these
    /// are few and apart. Logarithmic if asked for and all are above 0.
    pub fn among(values: impl Iterator<Item = f64>, log: bool) -> Self {
        let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let (Some(&least), Some(&most)) = (values.first(), values.last()) else { return Self::linear(0.0, 1.0) };
        let log = log && least > 0.0;
        let scale = |value: f64| if log { value.log10() } else { value };
        let room = if most > least { 0.0 } else { 0.5 * if log { 1.0 } else { most.abs().max(1.0) } };
        let mut axis = Axis { low: scale(least) - room, high: scale(most) + room, log, ticks: Vec::new() };
        const APART: f64 = 0.055;
        let close = values.windows(2).any(|pair| axis.place(pair[1]) - axis.place(pair[0]) < APART);
        if !log && close {
            let step = nice_step((most - least) / 8.0);
            let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
            let first = (least / step - 1e-9).ceil() * step;
            axis.ticks = multiples(first, most, step).map(|value| (value, format!("{value:.decimals$}"))).collect();
            return axis;
        }
        for value in values {
            // Close ones are passed over, from the low end.
            if axis.ticks.last().is_none_or(|(last, _)| axis.place(value) - axis.place(*last) >= APART) {
                axis.ticks.push((value, plain(value)));
            }
        }
        axis
    }

    pub fn linear(least: f64, most: f64) -> Self {
        let most = if most > least { most } else { least + 1.0 };
        let step = nice_step((most - least) / 7.0);
        let low = (least / step + 1e-9).floor() * step;
        let high = (most / step - 1e-9).ceil() * step;
        let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
        let label = |value: f64| {
            if (1e-4..1e5).contains(&step) {
                format!("{value:.decimals$}")
            } else {
                format!("{value:.1e}").replace(".0e", "e")
            }
        };
        let ticks = multiples(low, high, step).map(|value| (value, label(value))).collect();
        Axis { low, high, log: false, ticks }
    }

    fn logarithmic(least: f64, most: f64) -> Self {
        let (first, last) = (least.log10().floor() as i32, most.log10().ceil() as i32);
        let stride = ((last - first + 5) / 6).max(1);
        let ticks = (first..=last)
            .step_by(stride as usize)
            .map(|power| {
                let value = 10f64.powi(power);
                let plain = (-4..5).contains(&power);
                (value, if plain { value.to_string() } else { format!("1e{power}") })
            })
            .collect();
        Axis { low: f64::from(first), high: f64::from(last), log: true, ticks }
    }

    /// Whether the axis is logarithmic.
    pub fn is_log(&self) -> bool {
        self.log
    }

    /// Where `value` stands: 0 at the low end, 1 at the high end.
    pub fn place(&self, value: f64) -> f64 {
        let value = if self.log { value.log10() } else { value };
        (value - self.low) / (self.high - self.low)
    }
}

/// Whether losses are better drawn on a logarithmic axis.
pub(crate) fn wants_logarithm(losses: impl Iterator<Item = f64>) -> bool {
    extent(losses).is_some_and(|(least, most)| spans_orders(least, most))
}

fn spans_orders(least: f64, most: f64) -> bool {
    least > 0.0 && most / least >= LOG_FROM
}

fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| value.is_finite()).fold(None, |extent, value| match extent {
        None => Some((value, value)),
        Some((least, most)) => Some((least.min(value), most.max(value))),
    })
}

/// A value as people write it.
fn plain(value: f64) -> String {
    // What was measured has no end of digits, and four are enough to read.
    let value = if value.fract() == 0.0 { value } else { format!("{value:.3e}").parse().unwrap_or(value) };
    if value == 0.0 || (1e-4..1e7).contains(&value.abs()) { value.to_string() } else { format!("{value:e}") }
}

/// The smallest of 1, 2 or 5 times a power of ten that is not below `at_least`.
fn nice_step(at_least: f64) -> f64 {
    let power = 10f64.powf(at_least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= at_least * 0.999_999).unwrap_or(10.0);
    factor * power
}

fn multiples(first: f64, last: f64, step: f64) -> impl Iterator<Item = f64> {
    let count = ((last - first) / step + 1e-6).floor() as usize;
    // Adding 0 makes a negative zero a plain one.
    (0..=count).map(move |i| ((first / step).round() + i as f64) * step + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn measured_values_are_rounded_and_settings_are_not() {
        let axis = Axis::among([14.354_689_07, 0.125, 669_706.0, 222.213_364_49].into_iter(), true);
        assert_eq!(labels(&axis), ["0.125", "14.35", "222.2", "669706"]);
    }

    #[test]
    fn ticks_are_round_numbers() {
        let losses = Axis::losses([1.04, 0.35].into_iter());
        assert_eq!(labels(&losses), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0", "1.2"]);
        assert!((losses.place(0.6) - 0.5).abs() < 1e-9);
        assert_eq!(
            labels(&Axis::shares([0.58, 0.872].into_iter())),
            ["0.55", "0.60", "0.65", "0.70", "0.75", "0.80", "0.85", "0.90"]
        );
        assert_eq!(
            labels(&Axis::shares([0.981, 0.979].into_iter())),
            ["0.94", "0.95", "0.96", "0.97", "0.98", "0.99", "1.00"]
        );
        assert_eq!(labels(&Axis::shares([1.0].into_iter())), ["0.94", "0.95", "0.96", "0.97", "0.98", "0.99", "1.00"]);
        assert_eq!(labels(&Axis::losses([250.0, 0.3].into_iter())), ["0.1", "1", "10", "100", "1000"]);
        assert_eq!(labels(&Axis::losses([3e40, 1e40].into_iter())).last(), Some(&"3e40"));
    }

    #[test]
    fn settings_are_ticks_where_they_have_room() {
        let among = |values: &[f64], log| Axis::among(values.iter().copied(), log);
        assert_eq!(labels(&among(&[0.5, 0.0, 0.1, 0.5], false)), ["0", "0.1", "0.5"]);
        assert_eq!(labels(&among(&[100.0, 1000.0, 60000.0], true)), ["100", "1000", "60000"]);
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(labels(&among(&hundred, false)), ["20", "40", "60", "80", "100"]);
        assert_eq!(labels(&among(&[3.0], false)), ["3"]);
        assert!((among(&[3.0], false).place(3.0) - 0.5).abs() < 1e-9);
        // Nothing logarithmic can be at 0.
        assert!(!among(&[0.0, 1.0], true).is_log());
        let measured = |values: &[f64], log| Axis::measured(values.iter().copied(), log);
        assert_eq!(
            labels(&measured(&[10.9, 11.4], false)),
            ["10.8", "10.9", "11.0", "11.1", "11.2", "11.3", "11.4", "11.5"]
        );
        assert_eq!(labels(&measured(&[0.4, 9.8], false)), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(labels(&measured(&[0.5, 60.0], true)), ["0.1", "1", "10", "100"]);
        assert!(measured(&[-1.0, 2.0], true).place(-1.0) >= 0.0);
    }

    #[test]
    fn epochs_are_whole() {
        assert_eq!(labels(&Axis::epochs(1)), ["1"]);
        assert_eq!(labels(&Axis::epochs(3)), ["1", "2", "3"]);
        assert_eq!(labels(&Axis::epochs(10)).len(), 10);
        assert_eq!(labels(&Axis::epochs(30)), ["5", "10", "15", "20", "25", "30"]);
        assert_eq!(labels(&Axis::epochs(1000)).first(), Some(&"100"));
    }

    #[test]
    fn every_value_is_within_its_axis() {
        for values in [[0.0, 0.0], [1e-30, 1e30], [f64::NAN, 0.2], [f64::INFINITY, 5.0], [0.999, 1.0], [0.0, 1e-9]] {
            for axis in [Axis::losses(values.into_iter()), Axis::shares(values.into_iter())] {
                assert!(axis.ticks.len() >= 2 && axis.ticks.len() <= 12, "{values:?}: {axis:?}");
                assert!(axis.ticks.iter().all(|(value, _)| (-1e-9..=1.0 + 1e-9).contains(&axis.place(*value))));
            }
            let axis = Axis::losses(values.into_iter());
            for value in values.into_iter().filter(|value| value.is_finite() && (*value > 0.0 || !axis.is_log())) {
                assert!((-1e-9..=1.0 + 1e-9).contains(&axis.place(value)), "{value} on {axis:?}");
            }
        }
    }
}
