//! Examples' features and activations as a product reads them.

use super::Isa;
use super::blocking::{DELTA_MAJOR_INPUTS, STRIP};
use super::matrix::MatView;
use super::simd::{for_each_isa, prefetch};
use crate::data::{Examples, Features};
use std::ops::Range;

/// How many rows ahead the bytes of an example are asked for.
pub(super) const AHEAD: usize = 4;

/// Examples that are looked at to guess how many features are zero.
const LOOKED_AT: usize = 8;

/// The factor of a gradient that comes from below: the rows of a batch, some columns at a time.
#[derive(Clone, Copy)]
pub(super) enum Operand<'a> {
    /// Rows so wide, one after the other.
    Floats { values: &'a [f32], width: usize },
    /// Rows of bytes of these examples, to be multiplied with a scale: a quarter of what floats
    /// read, and nothing that another core has written.
    Bytes { rows: &'a [u8], width: usize, scale: f32, examples: &'a [u32] },
}

impl<'a> Operand<'a> {
    /// Returns the features of `examples` as they are in the data set, if they are bytes.
    pub(super) fn of_bytes(data: &'a Examples, examples: &'a [u32]) -> Option<Operand<'a>> {
        let Features::Bytes { rows, scale } = data.inputs() else { return None };
        Some(Operand::Bytes { rows: bytes_of(rows), width: data.features(), scale: *scale, examples })
    }

    /// Returns the number of columns.
    pub(super) fn width(self) -> usize {
        match self {
            Operand::Floats { width, .. } | Operand::Bytes { width, .. } => width,
        }
    }

    /// Returns the number of rows.
    pub(super) fn len(self) -> usize {
        match self {
            Operand::Floats { values, width } => values.len() / width,
            Operand::Bytes { examples, .. } => examples.len(),
        }
    }

    /// Returns some of the rows.
    pub(super) fn rows(self, range: Range<usize>) -> Operand<'a> {
        match self {
            Operand::Floats { values, width } => {
                Operand::Floats { values: &values[range.start * width..range.end * width], width }
            }
            Operand::Bytes { rows, width, scale, examples } => {
                Operand::Bytes { rows, width, scale, examples: &examples[range] }
            }
        }
    }

    /// Calls `take` for columns `range` of all rows, [`STRIP`] rows at a time, with the place of
    /// the first.
    ///
    /// # Panics
    /// With more columns than a tile of parameters has inputs.
    pub(super) fn strips(self, isa: Isa, range: Range<usize>, mut take: impl FnMut(usize, MatView<'_>)) {
        match self {
            Operand::Floats { values, width } => {
                let all = MatView::contiguous(values, width);
                for first in (0..all.rows).step_by(STRIP) {
                    take(first, all.part(first, STRIP.min(all.rows - first), range.clone()));
                }
            }
            Operand::Bytes { rows, width, scale, examples } => {
                let mut strip = [0.0; STRIP * DELTA_MAJOR_INPUTS];
                for (first, some) in (0..).step_by(STRIP).zip(examples.chunks(STRIP)) {
                    let strip = &mut strip[..some.len() * range.len()];
                    scale_rows(isa, rows, width, range.clone(), &examples[first..], scale, strip);
                    take(first, MatView::contiguous(strip, range.len()));
                }
            }
        }
    }
}

/// Returns about which part of the features of `count` examples is not zero, from a look at some;
/// of pairs of neighbors if `pairs`.
pub(super) fn nonzero_features(
    isa: Isa,
    data: &Examples,
    count: usize,
    example_of: impl Fn(usize) -> u32,
    pairs: bool,
) -> f64 {
    let looked_at = LOOKED_AT.min(count);
    let width = data.features();
    let nonzero = |place: usize| {
        let example = example_of(place * count / looked_at) as usize;
        match data.inputs() {
            Features::Bytes { rows, .. } => count_bytes(isa, &bytes_of(rows)[example * width..][..width], pairs),
            Features::Floats(rows) => {
                let row = rows.row(example);
                (0..width)
                    .step_by(1 + usize::from(pairs))
                    .filter(|&i| row[i] != 0.0 || pairs && i + 1 < width && row[i + 1] != 0.0)
                    .count()
            }
        }
    };
    let all = if pairs { width.div_ceil(2) } else { width };
    (0..looked_at).map(nonzero).sum::<usize>() as f64 / (looked_at * all).max(1) as f64
}

for_each_isa! {
    /// Returns how many of them, or of their pairs, are not zero.
    fn count_bytes(isa, bytes: &[u8], pairs: bool) -> usize {
        if pairs {
            bytes.chunks(2).filter(|pair| pair.iter().any(|&byte| byte != 0)).count()
        } else {
            bytes.iter().filter(|&&byte| byte != 0).count()
        }
    }
}

/// Reads the features of `example` into `values`. `ahead` is an example that will be wanted soon.
pub(super) fn read_row(isa: Isa, data: &Examples, example: u32, ahead: Option<u32>, values: &mut [f32]) {
    let width = values.len();
    match data.inputs() {
        Features::Bytes { rows, scale } => {
            let bytes = bytes_of(rows);
            let of = |example: u32| &bytes[example as usize * width..][..width];
            if let Some(ahead) = ahead {
                // The rows of a batch lie anywhere in the data set.
                prefetch(of(ahead).as_ptr(), width);
            }
            scale_rows(isa, bytes, width, 0..width, &[example], *scale, values);
        }
        Features::Floats(_) => data.read_row(example as usize, values),
    }
}

fn bytes_of(rows: &ndarray::Array2<u8>) -> &[u8] {
    rows.as_slice().expect("standard layout, set by Examples::new")
}

for_each_isa! {
    /// `out = bytes * scale`, columns `range` of as many of the examples as it has rows.
    fn scale_rows(
        isa,
        rows: &[u8],
        width: usize,
        range: Range<usize>,
        examples: &[u32],
        scale: f32,
        out: &mut [f32],
    ) {
        let count = range.len();
        for (place, out) in out.chunks_exact_mut(count).enumerate() {
            if let Some(&ahead) = examples.get(place + 2 * AHEAD) {
                prefetch(rows[ahead as usize * width + range.start..].as_ptr(), count);
            }
            let bytes = &rows[examples[place] as usize * width + range.start..][..count];
            // Chunks of constant length stay in registers.
            let ((wholes, rest), (whole_bytes, rest_bytes)) = (out.as_chunks_mut::<16>(), bytes.as_chunks::<16>());
            for (out, bytes) in wholes.iter_mut().zip(whole_bytes) {
                for (value, &byte) in out.iter_mut().zip(bytes) {
                    *value = f32::from(byte) * scale;
                }
            }
            for (value, &byte) in rest.iter_mut().zip(rest_bytes) {
                *value = f32::from(byte) * scale;
            }
        }
    }
}
