//! What is kept of a classifier's samples: sums from which probabilities, entropies and votes come.

use super::math::{exp, ln};
use super::samples::{PADDING, Samples};
use super::simd::for_each_isa;
use crate::nn::argmax;

/// What [`accumulate_classes`] keeps for an example of `classes` classes: the sum of the
/// probabilities of each class, the number of samples that answered with it, and the sum of the
/// samples' entropies.
pub(crate) fn accumulator_width(classes: usize) -> usize {
    2 * classes + 1
}

/// Rows whose logarithms are taken together.
const ROWS: usize = 16;

for_each_isa! {
    /// Makes samples of logits probabilities, those that [`accumulate_classes`] adds.
    pub(crate) fn softmax_samples(isa, samples: &mut Samples<'_>) {
        for row in samples.values.chunks_exact_mut(samples.stride) {
            softmax(row, samples.width);
        }
    }

    /// Adds samples of logits to `kept`, [`accumulator_width`] long. The sums are in double
    /// precision, one sample after the other.
    pub(crate) fn accumulate_classes(isa, samples: Samples<'_>, kept: &mut [f64]) {
        let Samples { values, stride, width: classes, .. } = samples;
        let (probabilities, rest) = kept.split_at_mut(classes);
        let (votes, entropy) = rest.split_at_mut(classes);
        for rows in values.chunks_mut(ROWS * stride) {
            let mut sums = [1.0; ROWS];
            let mut weighted = [0.0; ROWS];
            for ((row, sum), weighted) in rows.chunks_exact_mut(stride).zip(&mut sums).zip(&mut weighted) {
                let answer;
                (answer, *sum, *weighted) = softmax(row, classes);
                votes[answer] += 1.0;
            }
            // A row that is not there has the entropy of certainty, 0.
            let entropies: [f32; ROWS] = std::array::from_fn(|row| ln(sums[row]) - weighted[row]);
            for one in entropies {
                entropy[0] += f64::from(one);
            }
        }
        for (index, kept) in probabilities.chunks_mut(PADDING).enumerate() {
            let mut sums = [0.0; PADDING];
            sums[..kept.len()].copy_from_slice(kept);
            for row in values.chunks_exact(stride) {
                for (sum, p) in sums.iter_mut().zip(&row.as_chunks::<PADDING>().0[index]) {
                    *sum += f64::from(*p);
                }
            }
            kept.copy_from_slice(&sums[..kept.len()]);
        }
    }
}

/// Makes the logits of a padded row probabilities. Gives the most probable class, Σ e^d and Σ p d
/// with d = logit - largest logit: the softmax's entropy in nats is ln Σ e^d - Σ p d.
#[inline(always)]
fn softmax(row: &mut [f32], classes: usize) -> (usize, f32, f32) {
    let (vectors, _) = row.as_chunks_mut::<PADDING>();
    let mut largest = [f32::NEG_INFINITY; PADDING];
    for (index, vector) in vectors.iter_mut().enumerate() {
        for lane in 0..PADDING {
            if PADDING * index + lane >= classes {
                vector[lane] = f32::NEG_INFINITY;
            }
            largest[lane] = if vector[lane] > largest[lane] { vector[lane] } else { largest[lane] };
        }
    }
    let largest = halve(largest, |a, b| if a > b { a } else { b });
    let mut sums = [0.0; PADDING];
    let mut weighted = [0.0; PADDING];
    let mut places = [u32::MAX; PADDING];
    for (index, vector) in vectors.iter_mut().enumerate() {
        for lane in 0..PADDING {
            let place = PADDING * index + lane;
            let at = if place < classes && vector[lane] == largest { place as u32 } else { u32::MAX };
            places[lane] = places[lane].min(at);
            let below = vector[lane] - largest;
            // Where `exp` ends, so that nothing is multiplied by infinity.
            let below = if below < -87.0 { -87.0 } else { below };
            let e = if place < classes { exp(below) } else { 0.0 };
            sums[lane] += e;
            weighted[lane] += e * below;
            vector[lane] = e;
        }
    }
    let answer = halve(places, u32::min);
    // Logits that are not numbers have no largest; they are answered as everywhere else.
    let answer = if answer == u32::MAX { argmax(&row[..classes]) } else { answer as usize };
    let sum = halve(sums, |a, b| a + b);
    let share = 1.0 / sum;
    row.iter_mut().for_each(|e| *e *= share);
    (answer, sum, halve(weighted, |a, b| a + b) * share)
}

/// Folds the upper half of a vector onto the lower one until one value is left.
#[inline(always)]
fn halve<T: Copy>(lanes: [T; PADDING], f: impl Fn(T, T) -> T) -> T {
    let eight: [T; 8] = std::array::from_fn(|lane| f(lanes[lane], lanes[lane + 8]));
    let four: [T; 4] = std::array::from_fn(|lane| f(eight[lane], eight[lane + 4]));
    f(f(four[0], four[2]), f(four[1], four[3]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::Isa;

    /// Sums over `count` samples by the formulas, in double precision.
    fn plainly(rows: &[Vec<f32>], classes: usize) -> Vec<f64> {
        let mut kept = vec![0.0; accumulator_width(classes)];
        for row in rows {
            let exps: Vec<f64> = row.iter().map(|&z| libm::exp(f64::from(z))).collect();
            let sum: f64 = exps.iter().sum();
            for (class, e) in exps.iter().enumerate() {
                kept[class] += e / sum;
                kept[2 * classes] -= e / sum * libm::log(e / sum);
            }
            kept[classes + argmax(row)] += 1.0;
        }
        kept
    }

    #[test]
    fn sums_are_the_formulas() {
        for isa in Isa::available() {
            for (classes, count) in [(2, 1), (3, 15), (10, 16), (10, 100), (15, 17), (16, 33), (17, 5), (1000, 18)] {
                // Whole numbers in between, so that some rows have two that are the largest.
                let logit = |row: usize, class: usize| ((row * 7919 + class * 104_729) % 61) as f32 / 4.0 - 7.0;
                let rows: Vec<Vec<f32>> =
                    (0..count).map(|row| (0..classes).map(|class| logit(row, class).floor()).collect()).collect();
                let stride = classes.next_multiple_of(PADDING);
                let mut values = vec![f32::NAN; count * stride];
                for (values, row) in values.chunks_exact_mut(stride).zip(&rows) {
                    values[..classes].copy_from_slice(row);
                }
                let mut kept = vec![0.0; accumulator_width(classes)];
                let (first, rest) = values.split_at_mut(count / 3 * stride);
                for values in [first, rest] {
                    accumulate_classes(
                        isa,
                        Samples { example: 0, first: 0, values, width: classes, stride },
                        &mut kept,
                    );
                }
                for (place, (seen, plain)) in kept.iter().zip(plainly(&rows, classes)).enumerate() {
                    let what = format!("{} number {place} of {classes} classes, {count} samples", isa.name());
                    assert!((seen - plain).abs() <= 3e-7 * count as f64, "{what}: {seen}, plainly {plain}");
                }
            }
        }
    }
}
