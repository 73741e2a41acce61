//! What is estimated to be faster: a gathered step or the dense one, and whose zeros to skip.
//!
//! Gathered and dense steps round differently, so shapes, p and sharing alone decide between them:
//! every machine decides alike. The dense step skips zeros too, and more: what dropout makes is
//! zero there.

use crate::nn::{Activation, Architecture};

/// The unit is the product of a number with a weight in a kernel that skips zeros and finds none.
/// Where a part q of the numbers is not zero, a number takes q + `ROW` on average, as a row costs
/// something beside its products, and in the dense kernels `DENSE` in any case (decision 014).
const ROW: f64 = 0.12;
const DENSE: f64 = 0.87;

/// What gathering a weight and adding its change back take in a step, as measured with AVX2 at 256
/// to 4,096 units and p from 0.2 to 0.7. (AVX-512 needs 60.)
const MOVES: f64 = 80.0;

/// How much longer products take that gather for fewer units than so many: what is kept of them is
/// cut into pieces of 64, and few are left.
const NARROW: usize = 512;
const OF_NARROW: f64 = 1.3;

/// What a gathered step may take, in parts of the dense one.
const WORTH: f64 = 0.94;

/// The fewest rows of a group, and the fewest weights, for which gathering was seen to be faster.
const FEWEST_ROWS: usize = 16;
const FEWEST_WEIGHTS: usize = 100_000;

/// Which part of the features is taken to be other than zero: data must not decide.
const FEATURES: f64 = 0.5;

/// The most numbers other than zero, in parts of one, with which a kernel that skips zeros is
/// faster.
pub(super) const MOST_NONZERO: f64 = 0.7;

/// How much fewer numbers must be left of the deltas than of the inputs for a delta-major gradient,
/// whose product is transposed on its way to the weights.
const DELTA_MAJOR_GAIN: f64 = 0.95;

/// Returns whether so many fewer of the deltas than of the inputs are not zero that the deltas are
/// the factor to skip.
pub(super) fn has_fewer_deltas(deltas: f64, inputs: f64) -> bool {
    deltas <= MOST_NONZERO && deltas < DELTA_MAJOR_GAIN * inputs
}

/// Returns whether to gather for groups of so many rows on average, when drop probabilities are
/// multiplied by `factor`.
pub(super) fn should_gather(architecture: &Architecture, rows: usize, factor: f64) -> bool {
    let weights: usize = architecture.blocks().iter().map(|block| block.inputs * block.outputs).sum();
    rows >= FEWEST_ROWS && weights >= FEWEST_WEIGHTS && quotient(architecture, rows, factor) <= WORTH
}

/// Returns what a gathered step is estimated to take, in parts of the dense one.
fn quotient(architecture: &Architecture, rows: usize, factor: f64) -> f64 {
    let product = |others: f64| DENSE.min(others + ROW);
    let others = |activation: Activation| if activation == Activation::Relu { 0.5 } else { 1.0 };
    // Of the inputs of a block, which part is kept, and which part of that is not zero.
    let (mut kept, mut values) = (1.0 - factor * architecture.input_dropout().p(), FEATURES);
    let (mut dense, mut gathered) = (0.0, 0.0);
    for (index, block) in architecture.blocks().iter().enumerate() {
        let (units, deltas) = (1.0 - factor * block.dropout.p(), others(block.activation));
        let weights = (block.inputs * block.outputs) as f64;
        // Forward by the inputs, backward by the deltas, which the first block does without, and
        // the gradient by the inputs or, in dense steps, by what has more zeros.
        let back = if index == 0 { 0.0 } else { 1.0 };
        let gradient = if has_fewer_deltas(units * deltas, kept * values) { units * deltas } else { kept * values };
        dense += weights * (product(kept * values) + product(gradient) + back * product(units * deltas));
        let narrow = if block.outputs < NARROW { OF_NARROW } else { 1.0 };
        let products = narrow * (2.0 * product(values) + back * product(deltas));
        gathered += kept * units * weights * (products + MOVES / rows as f64);
        (kept, values) = (units, deltas);
    }
    gathered / dense
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Sequential;

    fn perceptron(width: usize, p: f64, activation: Activation) -> Architecture {
        Sequential::mlp(784, 10, &[width, width], activation, 0.0, &[p, p]).validate().unwrap()
    }

    #[test]
    fn it_is_decided_as_it_was_measured() {
        // With AVX2 and with AVX-512, batches of 256, the time of steps that gather over that of
        // dense ones.
        let with_eight = [
            (256, 0.5, 64, 1.19),
            (256, 0.5, 96, 1.10),
            (256, 0.5, 256, 0.84),
            (512, 0.5, 64, 0.98),
            (1024, 0.5, 48, 1.11),
            (1024, 0.5, 56, 1.03),
            (1024, 0.5, 64, 0.87),
            (4096, 0.5, 48, 1.10),
            (4096, 0.5, 64, 0.86),
            (1024, 0.2, 256, 0.92),
            (1024, 0.35, 64, 1.07),
            (1024, 0.35, 256, 0.73),
            (256, 0.35, 256, 0.97),
            (1024, 0.7, 32, 0.87),
            (256, 0.7, 48, 1.15),
        ];
        let with_sixteen = [
            (256, 0.5, 64, 1.15),
            (256, 0.5, 128, 1.02),
            (256, 0.5, 256, 0.95),
            (512, 0.5, 64, 0.89),
            (1024, 0.5, 32, 1.01),
            (1024, 0.5, 48, 0.89),
            (1024, 0.5, 64, 0.72),
            (1024, 0.5, 256, 0.57),
            (4096, 0.5, 32, 1.00),
            (4096, 0.5, 64, 0.76),
            (4096, 0.5, 256, 0.53),
        ];
        for (times, tolerance) in [(&with_eight[..], 0.17), (&with_sixteen[..], 0.36)] {
            for &(width, p, rows, time) in times {
                let architecture = perceptron(width, p, Activation::Relu);
                let rows = 256 / 256usize.div_ceil(rows);
                let estimate = quotient(&architecture, rows, 1.0);
                assert!((estimate / time - 1.0).abs() < tolerance, "{width}, {p}, {rows}: {estimate:.3} and {time}");
                // Who errs loses a tenth at most, and by not gathering.
                let lost = if should_gather(&architecture, rows, 1.0) { time - 1.0 } else { 1.0 - time };
                assert!(lost <= 0.115, "{width}, {p}, {rows}: {estimate:.3} and {time}");
            }
        }
    }

    #[test]
    fn nothing_dropped_or_little_to_do_is_not_worth_it() {
        let gathers = |width, p, rows, factor| should_gather(&perceptron(width, p, Activation::Tanh), rows, factor);
        assert!(gathers(1024, 0.5, 256, 1.0));
        assert!(!gathers(1024, 0.5, 256, 0.0) && !gathers(1024, 0.0, 256, 1.0));
        assert!(!gathers(1024, 0.9, 15, 1.0) && !gathers(64, 0.9, 256, 1.0));
    }
}
