//! How an example's features come into a workspace.

use super::Isa;
use super::simd::{for_each_isa, prefetch};
use crate::data::{Dataset, Features};

/// How many rows ahead the bytes of an example are asked for.
pub(super) const AHEAD: usize = 4;

/// The features of `example` into `values`. `ahead` is an example that will be wanted soon.
pub(super) fn read_row(isa: Isa, data: &Dataset, example: u32, ahead: Option<u32>, values: &mut [f32]) {
    let width = values.len();
    match data.inputs() {
        Features::Bytes { rows, scale } => {
            let bytes = rows.as_slice().expect("standard layout, checked by Dataset");
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

for_each_isa! {
    /// `out = bytes * scale`.
    fn scale_bytes(isa, bytes: &[u8], scale: f32, out: &mut [f32]) {
        for (value, &byte) in out.iter_mut().zip(bytes) {
            *value = f32::from(byte) * scale;
        }
    }
}
