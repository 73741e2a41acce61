//! Masked passes of networks with DropConnect: the weights of a sample are the same for all examples, so a sample goes through the network at
//! once, with weights that are packed for it, and the samples follow each other.

use super::samples::{FOLDED, Fold, PADDING, Samples};
use super::workspace::{Borrowed, Shared};
use super::{Cpu, rows};
use crate::data::Dataset;
use crate::nn::{MaskKey, Mlp};
use crate::random::{Key, Stream};
use std::ops::Range;

/// Examples of a pass, at most, so that memory does not grow with their number. The weights are packed anew for each pass.
const EXAMPLES: usize = 8192;

/// As [`super::samples::sample_phase`].
#[allow(clippy::too_many_arguments)]
pub(super) fn sample_phase(
    cpu: &mut Cpu,
    mlp: &Mlp,
    data: &Dataset,
    examples: Range<u32>,
    key: Key,
    samples: Range<u32>,
    kept: &mut [f64],
    fold: &Fold<'_>,
) {
    if examples.is_empty() {
        return;
    }
    let width = mlp.architecture().outputs();
    let stride = width.next_multiple_of(PADDING);
    let keeps = kept.len() / examples.len();
    let most = EXAMPLES.min(examples.len());
    let mut outputs = vec![0.0; most * width];
    let padded = Shared::new(most, stride);
    let mut folded = Shared::new(most, keeps);
    for (chunk, first) in examples.clone().step_by(most).enumerate() {
        let count = most.min((examples.end - first) as usize);
        let kept = &mut kept[chunk * most * keeps..][..count * keeps];
        let outputs = &mut outputs[..count * width];
        folded.all()[..count * keeps].copy_from_slice(kept);
        for sample in samples.clone() {
            let site = MaskKey { key, stream: Stream::MonteCarlo, step: sample, layer: 0 };
            rows::forward_phase(cpu, mlp, data, first..first + count as u32, Some(&site), outputs);
            let given = Borrowed::new(outputs);
            cpu.workers.run(count.div_ceil(FOLDED), &|task, _| {
                for place in task * FOLDED..count.min((task + 1) * FOLDED) {
                    // SAFETY: each task has its own examples, and these are their rows.
                    let (given, values, kept) = unsafe {
                        let given = given.part(place * width, width);
                        (given, padded.part(place * stride, stride), folded.part(place * keeps, keeps))
                    };
                    values[..width].copy_from_slice(given);
                    fold(Samples { example: first + place as u32, first: sample, values, width, stride }, kept);
                }
            });
        }
        kept.copy_from_slice(&folded.all()[..count * keeps]);
    }
}
