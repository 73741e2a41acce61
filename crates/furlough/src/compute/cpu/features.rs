//! How examples' features come into a workspace, and into a product.

use super::Isa;
use super::simd::{for_each_isa, prefetch};
use crate::data::{Batch, Dataset, Features};
use std::ops::Range;

/// How many rows ahead the bytes of an example are asked for.
pub(super) const AHEAD: usize = 4;

/// Rows of a strip: few enough for what they have of all groups of columns to stay in the first-level cache, as groups end within lines of it.
pub(super) const STRIP: usize = 32;

/// The most columns of a strip whose numbers are computed.
const MOST_COLUMNS: usize = super::partition::UNIT_ROWS;

/// Examples that are looked at to guess how many features are zero.
const LOOKED_AT: usize = 8;

/// The factor of a gradient that comes from below: the rows of a batch, some columns of which are wanted at a time.
#[derive(Clone, Copy)]
pub(super) enum Inputs<'a> {
    /// Rows so wide, one after the other.
    Floats(&'a [f32], usize),
    /// So wide rows of bytes: of these examples, to be multiplied with a scale. A quarter of what [`Self::Floats`] would read, and what no core
    /// has to take back from others to write it.
    Bytes { rows: &'a [u8], width: usize, scale: f32, examples: &'a [u32] },
}

impl<'a> Inputs<'a> {
    /// The features of `examples`, as they are in the data set, if they are bytes.
    pub(super) fn of_bytes(data: &'a Dataset, examples: &'a [u32]) -> Option<Inputs<'a>> {
        match data.inputs() {
            Features::Bytes { rows, scale } => {
                let (width, scale) = (data.features(), *scale);
                Some(Inputs::Bytes { rows: bytes_of(rows), width, scale, examples })
            }
            Features::Floats(_) => None,
        }
    }

    /// How many columns there are.
    pub(super) fn width(self) -> usize {
        match self {
            Inputs::Floats(_, width) | Inputs::Bytes { width, .. } => width,
        }
    }

    /// How many rows there are.
    pub(super) fn len(self) -> usize {
        match self {
            Inputs::Floats(values, width) => values.len() / width,
            Inputs::Bytes { examples, .. } => examples.len(),
        }
    }

    /// Some of the rows.
    pub(super) fn rows(self, range: Range<usize>) -> Inputs<'a> {
        match self {
            Inputs::Floats(values, width) => Inputs::Floats(&values[range.start * width..range.end * width], width),
            Inputs::Bytes { rows, width, scale, examples } => {
                Inputs::Bytes { rows, width, scale, examples: &examples[range] }
            }
        }
    }

    /// Calls `take` for all rows, [`STRIP`] at a time, with the place of the first of them, and a matrix of them whose rows begin with the columns
    /// `range` and are so far apart as its second part says.
    ///
    /// # Panics
    /// With more columns than a tile of parameters has rows.
    pub(super) fn strips(self, isa: Isa, range: Range<usize>, mut take: impl FnMut(usize, (&[f32], usize))) {
        match self {
            Inputs::Floats(values, width) => {
                for (first, values) in (0..).step_by(STRIP).zip(values.chunks(STRIP * width)) {
                    take(first, (&values[range.start..], width));
                }
            }
            Inputs::Bytes { rows, width, scale, examples } => {
                let mut strip = [0.0; STRIP * MOST_COLUMNS];
                for (first, some) in (0..).step_by(STRIP).zip(examples.chunks(STRIP)) {
                    let strip = &mut strip[..some.len() * range.len()];
                    scale_rows(isa, rows, width, range.clone(), &examples[first..], scale, strip, range.len());
                    take(first, (strip, range.len()));
                }
            }
        }
    }

    /// Columns `range` of all rows, into rows so far apart.
    pub(super) fn rows_to(self, isa: Isa, range: Range<usize>, (to, apart): (&mut [f32], usize)) {
        match self {
            Inputs::Floats(values, width) => {
                for (values, to) in values.chunks_exact(width).zip(to.chunks_exact_mut(apart)) {
                    to[..range.len()].copy_from_slice(&values[range.clone()]);
                }
            }
            Inputs::Bytes { rows, width, scale, examples } => {
                scale_rows(isa, rows, width, range, examples, scale, &mut to[..examples.len() * apart], apart);
            }
        }
    }
}

/// About which part of the examples' features is not zero.
pub(super) fn features_left(isa: Isa, batch: Batch<'_>) -> f64 {
    let looked_at = LOOKED_AT.min(batch.examples.len());
    let count = |place: usize| {
        let example = batch.examples[place * batch.examples.len() / looked_at] as usize;
        match batch.data.inputs() {
            Features::Bytes { rows, .. } => {
                count_bytes(isa, &bytes_of(rows)[example * batch.data.features()..][..batch.data.features()])
            }
            Features::Floats(rows) => rows.row(example).iter().filter(|&&value| value != 0.0).count(),
        }
    };
    (0..looked_at).map(count).sum::<usize>() as f64 / (looked_at * batch.data.features()) as f64
}

for_each_isa! {
    /// How many of them are not zero.
    fn count_bytes(isa, bytes: &[u8]) -> usize {
        bytes.iter().filter(|&&byte| byte != 0).count()
    }
}

/// The features of `example` into `values`. `ahead` is an example that will be wanted soon.
pub(super) fn read_row(isa: Isa, data: &Dataset, example: u32, ahead: Option<u32>, values: &mut [f32]) {
    let width = values.len();
    match data.inputs() {
        Features::Bytes { rows, scale } => {
            let bytes = bytes_of(rows);
            let of = |example: u32| &bytes[example as usize * width..][..width];
            if let Some(ahead) = ahead {
                // The rows of a batch lie anywhere in the data set.
                prefetch(of(ahead).as_ptr(), width);
            }
            scale_bytes(isa, of(example), *scale, values);
        }
        Features::Floats(_) => data.read_row(example as usize, values),
    }
}

fn bytes_of(rows: &ndarray::Array2<u8>) -> &[u8] {
    rows.as_slice().expect("standard layout, checked by Dataset")
}

for_each_isa! {
    /// `out = bytes * scale`, columns `range` of as many of the examples as it has rows, which are so far `apart`.
    fn scale_rows(isa, rows: &[u8], width: usize, range: Range<usize>, examples: &[u32], scale: f32, out: &mut [f32], apart: usize) {
        let count = range.len();
        for (place, out) in out.chunks_exact_mut(apart).enumerate() {
            let out = &mut out[..count];
            if let Some(&ahead) = examples.get(place + 2 * AHEAD) {
                prefetch(rows[ahead as usize * width + range.start..].as_ptr(), count);
            }
            let bytes = &rows[examples[place] as usize * width + range.start..][..count];
            let (wholes, rest) = out.as_chunks_mut::<16>();
            let (whole_bytes, rest_bytes) = bytes.as_chunks::<16>();
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

for_each_isa! {
    /// `out = bytes * scale`.
    fn scale_bytes(isa, bytes: &[u8], scale: f32, out: &mut [f32]) {
        for (value, &byte) in out.iter_mut().zip(bytes) {
            *value = f32::from(byte) * scale;
        }
    }
}
