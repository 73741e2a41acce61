//! What is kept of a classifier's samples: sums from which probabilities, entropies and votes come.

use super::Isa;
use super::math::exp;
use super::samples::{PADDING, Samples};
use super::simd::for_each_isa;
use crate::nn::argmax;

/// What [`tally_classes`] keeps for an example of `classes` classes: the sum of the probabilities of each class, the number of
/// samples that answered with it, and the sum of the samples' entropies.
pub(crate) fn tally_width(classes: usize) -> usize {
    2 * classes + 1
}

/// Adds samples of logits to `kept`, [`tally_width`] long.
pub(crate) fn tally_classes(isa: Isa, samples: Samples<'_>, kept: &mut [f64]) {
    tally_rows(isa, samples.values, samples.stride, samples.width, kept);
}

for_each_isa! {
    fn tally_rows(isa, values: &mut [f32], stride: usize, classes: usize, kept: &mut [f64]) {
        let (probabilities, rest) = kept.split_at_mut(classes);
        let (votes, entropy) = rest.split_at_mut(classes);
        for row in values.chunks_exact_mut(stride) {
            votes[argmax(&row[..classes])] += 1.0;
            let (total, own) = softmax(row, classes);
            entropy[0] += own;
            for (sum, e) in probabilities.iter_mut().zip(row) {
                *sum += f64::from(*e * (1.0 / total));
            }
        }
    }
}

/// Makes each logit z of a padded row e^(z - largest), and gives their sum and the entropy of the softmax in nats, which is
/// ln(sum) - Σ e^(z - largest) (z - largest) / sum.
#[inline(always)]
fn softmax(row: &mut [f32], classes: usize) -> (f32, f64) {
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
    for (index, vector) in vectors.iter_mut().enumerate() {
        for lane in 0..PADDING {
            let below = vector[lane] - largest;
            // Where e^x ends, so that nothing is multiplied by infinity.
            let below = if below < -87.0 { -87.0 } else { below };
            let e = if PADDING * index + lane < classes { exp(below) } else { 0.0 };
            sums[lane] += e;
            weighted[lane] += e * below;
            vector[lane] = e;
        }
    }
    let sum = halve(sums, |a, b| a + b);
    let weighted = halve(weighted, |a, b| a + b);
    (sum, libm::log(f64::from(sum)) - f64::from(weighted / sum))
}

/// Folds the upper half of a vector onto the lower one until one value is left.
#[inline(always)]
fn halve(mut lanes: [f32; PADDING], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = PADDING / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = f(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}
