//! What is done to a row while it is in cache: scaling bytes, bias, activation and dropout in one pass, and their derivative
//! in another.

use super::dropout::LayerMask;
use super::math;
use super::simd::for_each_isa;
use crate::nn::Activation;

for_each_isa! {
    /// `out = bytes * scale`.
    pub(super) fn scale_bytes(isa, bytes: &[u8], scale: f32, out: &mut [f32]) {
        for (value, &byte) in out.iter_mut().zip(bytes) {
            *value = f32::from(byte) * scale;
        }
    }
}

/// Asks for a row's bytes before they are needed: the rows of a batch lie anywhere in the data set.
#[inline(always)]
pub(super) fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that a program could notice, and every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}

for_each_isa! {
    /// Dropout of a row in place.
    pub(super) fn drop_row(isa, row: &mut [f32], mask: &LayerMask, example: u32) {
        masked(row, &[], mask, example, |value, _| value);
    }
}

for_each_isa! {
    /// Dropout of `values` into `row`.
    pub(super) fn masked_copy(isa, row: &mut [f32], values: &[f32], mask: &LayerMask, example: u32) {
        masked(row, values, mask, example, |_, value| value);
    }
}

for_each_isa! {
    /// A row of xW becomes `dropout(activation(xW + bias))`; xW + bias is kept in `pre` unless that is empty.
    pub(super) fn forward_row(
        isa,
        row: &mut [f32],
        pre: &mut [f32],
        bias: &[f32],
        activation: Activation,
        mask: Option<&LayerMask>,
        example: u32,
    ) {
        if !pre.is_empty() {
            for ((z, kept), b) in row.iter().zip(pre.iter_mut()).zip(bias) {
                *kept = *z + *b;
            }
        }
        // The match is outside the loops, so that each is compiled for one activation.
        match activation {
            Activation::Identity => activated(row, bias, mask, example, |z| z),
            Activation::Relu => activated(row, bias, mask, example, |z| math::activate(Activation::Relu, z)),
            Activation::LeakyRelu => activated(row, bias, mask, example, |z| math::activate(Activation::LeakyRelu, z)),
            Activation::Tanh => activated(row, bias, mask, example, |z| math::activate(Activation::Tanh, z)),
            Activation::Sigmoid => activated(row, bias, mask, example, |z| math::activate(Activation::Sigmoid, z)),
            Activation::Gelu => activated(row, bias, mask, example, |z| math::activate(Activation::Gelu, z)),
            Activation::Silu => activated(row, bias, mask, example, |z| math::activate(Activation::Silu, z)),
        }
    }
}

#[inline(always)]
fn activated(row: &mut [f32], bias: &[f32], mask: Option<&LayerMask>, example: u32, f: impl Fn(f32) -> f32) {
    match mask {
        Some(mask) => masked(row, bias, mask, example, |z, b| f(z + b)),
        None => {
            for (z, b) in row.iter_mut().zip(bias) {
                *z = f(*z + *b);
            }
        }
    }
}

for_each_isa! {
    /// A row of ∂L/∂output becomes one of ∂L/∂(xW + bias). `output` is what [`forward_row`] left, `pre` what it kept.
    ///
    /// Behind ReLU the mask need not be drawn again: an output is above 0 exactly where the unit was active and kept.
    pub(super) fn backward_row(
        isa,
        row: &mut [f32],
        output: &[f32],
        pre: &[f32],
        activation: Activation,
        mask: Option<&LayerMask>,
        example: u32,
    ) {
        match activation {
            Activation::Identity => {
                if let Some(mask) = mask {
                    masked(row, &[], mask, example, |d, _| d);
                }
            }
            Activation::Relu => {
                let scale = mask.map_or(1.0, |mask| mask.scale);
                for (d, &y) in row.iter_mut().zip(output) {
                    *d = if y > 0.0 { *d * scale } else { 0.0 };
                }
            }
            Activation::LeakyRelu => sloped(row, pre, mask, example, |z| math::derivative(Activation::LeakyRelu, z)),
            Activation::Tanh => sloped(row, pre, mask, example, |z| math::derivative(Activation::Tanh, z)),
            Activation::Sigmoid => sloped(row, pre, mask, example, |z| math::derivative(Activation::Sigmoid, z)),
            Activation::Gelu => sloped(row, pre, mask, example, |z| math::derivative(Activation::Gelu, z)),
            Activation::Silu => sloped(row, pre, mask, example, |z| math::derivative(Activation::Silu, z)),
        }
    }
}

#[inline(always)]
fn sloped(row: &mut [f32], pre: &[f32], mask: Option<&LayerMask>, example: u32, slope: impl Fn(f32) -> f32) {
    match mask {
        Some(mask) => masked(row, pre, mask, example, |d, z| d * slope(z)),
        None => {
            for (d, z) in row.iter_mut().zip(pre) {
                *d *= slope(*z);
            }
        }
    }
}

/// `row = mask(f(row, other))`, where `other` is as long as `row` or empty, which stands for zeros.
#[inline(always)]
fn masked(row: &mut [f32], other: &[f32], mask: &LayerMask, example: u32, f: impl Fn(f32, f32) -> f32) {
    if mask.drops_all {
        row.fill(0.0);
        return;
    }
    const ZEROS: [f32; 64] = [0.0; 64];
    let LayerMask { threshold, scale, .. } = *mask;
    for (block, values) in row.chunks_mut(64).enumerate() {
        let words = mask.words(example, block as u32);
        let others = if other.is_empty() { &ZEROS[..values.len()] } else { &other[64 * block..][..values.len()] };
        // A full block has a constant length, which is what lets it stay in registers.
        if let (Ok(values), Ok(others)) = (<&mut [f32; 64]>::try_from(&mut *values), <&[f32; 64]>::try_from(others)) {
            for unit in 0..64 {
                let kept = f(values[unit], others[unit]) * scale;
                values[unit] = if words[unit] < threshold { 0.0 } else { kept };
            }
        } else {
            for ((value, other), word) in values.iter_mut().zip(others).zip(words) {
                let kept = f(*value, *other) * scale;
                *value = if word < threshold { 0.0 } else { kept };
            }
        }
    }
}
