//! What is done to a row while it is in cache: bias, activation and dropout in one pass, and their
//! derivative in another.

use super::Isa;
use super::concrete::{SoftMask, soften};
use super::dropout::{LayerMask, Noise};
use super::math;
use super::simd::for_each_isa;
use crate::nn::{Activation, Dropout, MaskKey};
use crate::random::normal;

/// [`Dropout::forward`] in place, bit for bit, by the kernel of a training step: `values` holds one
/// row after the other, row i being the example with id `examples[i]`. One thread; nothing is
/// allocated.
///
/// ```
/// use furlough::compute::{Isa, drop_in_place};
/// use furlough::{nn::{Dropout, MaskKey}, random::{Key, Stream}};
/// let site = MaskKey { key: Key::new(1), stream: Stream::Dropout, step: 0, layer: 1 };
/// let mut values = [1.0; 4 * 100];
/// drop_in_place(Dropout::new(0.5)?, &mut values, &[0, 1, 2, 3], &site, Isa::best());
/// assert!(values.iter().all(|&v| v == 0.0 || v == 2.0));
/// # Ok::<(), furlough::Error>(())
/// ```
///
/// # Panics
/// When `values` cannot be cut into as many rows of equal length as there are examples.
pub fn drop_in_place(dropout: Dropout, values: &mut [f32], examples: &[u32], site: &MaskKey, isa: Isa) {
    assert!(values.len().is_multiple_of(examples.len().max(1)), "rows of equal length");
    let width = values.len() / examples.len().max(1);
    if dropout.is_concrete() {
        let Some(mask) = SoftMask::beginning(isa, dropout, site) else { return };
        for (row, &example) in values.chunks_exact_mut(width.max(1)).zip(examples) {
            soften(isa, row, &mask, example);
        }
        return;
    }
    let Some(mask) = LayerMask::new(isa, dropout, site, site.layer) else { return };
    for (row, &example) in values.chunks_exact_mut(width.max(1)).zip(examples) {
        drop_row(isa, row, &mask, example);
    }
}

/// Dropout of a row in place.
pub(super) fn drop_row(isa: Isa, row: &mut [f32], mask: &LayerMask, id: u32) {
    match mask.noise {
        Noise::Drop => zero_row(isa, row, mask, id),
        Noise::Gaussian { deviation } => blur_row(isa, row, mask, id, deviation),
        Noise::Alpha { dropped, .. } if mask.drops_all => row.fill(dropped),
        Noise::Alpha { shift, dropped } => alpha_row(isa, row, mask, id, shift, dropped),
    }
}

/// The derivative of [`drop_row`]: ∂L/∂output becomes ∂L/∂input.
pub(super) fn drop_row_back(isa: Isa, row: &mut [f32], mask: &LayerMask, id: u32) {
    match mask.noise {
        Noise::Drop | Noise::Alpha { .. } => zero_row(isa, row, mask, id),
        Noise::Gaussian { deviation } => blur_row(isa, row, mask, id, deviation),
    }
}

/// Dropout of `values` into `row`.
pub(super) fn masked_copy(isa: Isa, row: &mut [f32], values: &[f32], mask: &LayerMask, id: u32) {
    match mask.noise {
        Noise::Drop => zero_copy(isa, row, values, mask, id),
        _ => {
            row.copy_from_slice(values);
            drop_row(isa, row, mask, id);
        }
    }
}

for_each_isa! {
    /// Zero for what is dropped, in place.
    fn zero_row(isa, row: &mut [f32], mask: &LayerMask, id: u32) {
        masked(row, &[], Some(mask), id, |value, _| value);
    }

    /// `values` into `row`, zero for what is dropped.
    fn zero_copy(isa, row: &mut [f32], values: &[f32], mask: &LayerMask, id: u32) {
        masked(row, values, Some(mask), id, |_, value| value);
    }

    /// Times normal numbers of mean 1 and this deviation, in place.
    fn blur_row(isa, row: &mut [f32], mask: &LayerMask, id: u32, deviation: f32) {
        each_unit(row, &[], mask, id, |value, _, word| value * (1.0 + deviation * normal(word)));
    }

    /// `dropped` for what is dropped, the scale and then the shift for what is kept, in place.
    fn alpha_row(isa, row: &mut [f32], mask: &LayerMask, id: u32, shift: f32, dropped: f32) {
        let LayerMask { threshold, scale, .. } = *mask;
        each_unit(row, &[], mask, id, |value, _, word| {
            let kept = value * scale + shift;
            if word < threshold { dropped } else { kept }
        });
    }
}

/// A row of xW becomes `dropout(activation(xW + bias))`; xW + bias is kept in `pre` unless that is
/// empty.
pub(super) fn forward_row(
    isa: Isa,
    row: &mut [f32],
    pre: &mut [f32],
    bias: &[f32],
    activation: Activation,
    mask: Option<&LayerMask>,
    id: u32,
) {
    // Only zeros are fused with the activation: other noise costs more than another pass over a row
    // in cache.
    let (zeros, noise) = mask.map_or((None, None), by_noise);
    activate_row(isa, row, pre, bias, activation, zeros, id);
    if let Some(mask) = noise {
        drop_row(isa, row, mask, id);
    }
}

/// A row of ∂L/∂output becomes one of ∂L/∂(xW + bias). `output` is what [`forward_row`] left, `pre`
/// what it kept.
pub(super) fn backward_row(
    isa: Isa,
    row: &mut [f32],
    output: &[f32],
    pre: &[f32],
    activation: Activation,
    mask: Option<&LayerMask>,
    id: u32,
) {
    let (zeros, noise) = mask.map_or((None, None), by_noise);
    if let Some(mask) = noise {
        drop_row_back(isa, row, mask, id);
    }
    derive_row(isa, row, output, pre, activation, zeros, id);
}

/// The mask as one of zeros, or as one of other noise.
fn by_noise(mask: &LayerMask) -> (Option<&LayerMask>, Option<&LayerMask>) {
    if mask.noise == Noise::Drop { (Some(mask), None) } else { (None, Some(mask)) }
}

/// Passes the activation to a macro as a constant, outside the loops, so that each is compiled for
/// one.
macro_rules! by_activation {
    ($activation:expr, $apply:ident) => {
        match $activation {
            Activation::Identity => $apply!(Activation::Identity),
            Activation::Relu => $apply!(Activation::Relu),
            Activation::LeakyRelu => $apply!(Activation::LeakyRelu),
            Activation::Tanh => $apply!(Activation::Tanh),
            Activation::Sigmoid => $apply!(Activation::Sigmoid),
            Activation::Gelu => $apply!(Activation::Gelu),
            Activation::Silu => $apply!(Activation::Silu),
            Activation::Selu => $apply!(Activation::Selu),
            Activation::Mish => $apply!(Activation::Mish),
        }
    };
}

for_each_isa! {
    /// [`forward_row`] with zeros only.
    fn activate_row(
        isa,
        row: &mut [f32],
        pre: &mut [f32],
        bias: &[f32],
        activation: Activation,
        mask: Option<&LayerMask>,
        id: u32,
    ) {
        if !pre.is_empty() {
            for ((z, kept), b) in row.iter().zip(pre.iter_mut()).zip(bias) {
                *kept = *z + *b;
            }
        }
        macro_rules! apply {
            ($activation:expr) => {
                masked(row, bias, mask, id, |z, b| math::activate($activation, z + b))
            };
        }
        by_activation!(activation, apply);
    }
}

for_each_isa! {
    /// [`backward_row`] with zeros only.
    ///
    /// Behind ReLU the mask need not be drawn again: an output is above 0 exactly where the unit
    /// was active and kept. Where that does not hold, because the layer has other noise, there is a
    /// `pre`.
    fn derive_row(
        isa,
        row: &mut [f32],
        output: &[f32],
        pre: &[f32],
        activation: Activation,
        mask: Option<&LayerMask>,
        id: u32,
    ) {
        macro_rules! apply {
            ($activation:expr) => {
                masked(row, pre, mask, id, |d, z| d * math::derivative($activation, z))
            };
        }
        match activation {
            Activation::Identity if mask.is_none() => {}
            Activation::Identity => masked(row, &[], mask, id, |d, _| d),
            Activation::Relu if pre.is_empty() => {
                let scale = mask.map_or(1.0, |mask| mask.scale);
                for (d, &y) in row.iter_mut().zip(output) {
                    *d = if y > 0.0 { *d * scale } else { 0.0 };
                }
            }
            _ => by_activation!(activation, apply),
        }
    }
}

/// [`forward_row`] with an activation of which each unit has its own part α.
pub(super) fn forward_parametric_row(
    isa: Isa,
    row: &mut [f32],
    pre: &mut [f32],
    (bias, alphas): (&[f32], &[f32]),
    activation: Activation,
    mask: Option<&LayerMask>,
    id: u32,
) {
    bend_row(isa, row, pre, bias, alphas, activation);
    if let Some(mask) = mask {
        drop_row(isa, row, mask, id);
    }
}

/// [`backward_row`] of [`forward_parametric_row`]. `pre` becomes ∂L/∂α of this row.
pub(super) fn backward_parametric_row(
    isa: Isa,
    row: &mut [f32],
    pre: &mut [f32],
    alphas: &[f32],
    activation: Activation,
    mask: Option<&LayerMask>,
    id: u32,
) {
    if let Some(mask) = mask {
        drop_row_back(isa, row, mask, id);
    }
    derive_bent_row(isa, row, pre, alphas, activation);
}

for_each_isa! {
    fn bend_row(isa, row: &mut [f32], pre: &mut [f32], bias: &[f32], alphas: &[f32], activation: Activation) {
        for (z, b) in row.iter_mut().zip(bias) {
            *z += *b;
        }
        if !pre.is_empty() {
            pre.copy_from_slice(row);
        }
        macro_rules! apply {
            ($activation:expr) => {
                for (z, alpha) in row.iter_mut().zip(alphas) {
                    *z += *alpha * (math::activate($activation, *z) - *z);
                }
            };
        }
        by_activation!(activation, apply);
    }

    fn derive_bent_row(isa, row: &mut [f32], pre: &mut [f32], alphas: &[f32], activation: Activation) {
        macro_rules! apply {
            ($activation:expr) => {
                for ((d, z), alpha) in row.iter_mut().zip(pre.iter_mut()).zip(alphas) {
                    let (value, slope) = (math::activate($activation, *z), math::derivative($activation, *z));
                    *z = *d * (value - *z);
                    *d *= 1.0 + *alpha * (slope - 1.0);
                }
            };
        }
        by_activation!(activation, apply);
    }
}

/// `row = mask(f(row, other))`, where `other` is as for [`each_unit`]; as long as `row` without a
/// mask.
#[inline(always)]
fn masked(row: &mut [f32], other: &[f32], mask: Option<&LayerMask>, id: u32, f: impl Fn(f32, f32) -> f32) {
    let Some(mask) = mask else {
        return row.iter_mut().zip(other).for_each(|(value, &other)| *value = f(*value, other));
    };
    if mask.drops_all {
        row.fill(0.0);
        return;
    }
    let LayerMask { threshold, scale, .. } = *mask;
    each_unit(row, other, mask, id, |value, other, word| {
        let kept = f(value, other) * scale;
        if word < threshold { 0.0 } else { kept }
    });
}

/// `row = f(row, other, words)`, where `other` is as long as `row` or empty, which stands for
/// zeros.
#[inline(always)]
fn each_unit(row: &mut [f32], other: &[f32], mask: &LayerMask, id: u32, f: impl Fn(f32, f32, u32) -> f32) {
    const ZEROS: [f32; 64] = [0.0; 64];
    for (block, values) in row.chunks_mut(64).enumerate() {
        let words = mask.words(id, block as u32);
        let others = if other.is_empty() { &ZEROS[..values.len()] } else { &other[64 * block..][..values.len()] };
        // A full block has a constant length, which is what lets it stay in registers.
        if let (Ok(values), Ok(others)) = (<&mut [f32; 64]>::try_from(&mut *values), <&[f32; 64]>::try_from(others)) {
            for unit in 0..64 {
                values[unit] = f(values[unit], others[unit], words[unit]);
            }
        } else {
            for ((value, other), word) in values.iter_mut().zip(others).zip(words) {
                *value = f(*value, *other, word);
            }
        }
    }
}
