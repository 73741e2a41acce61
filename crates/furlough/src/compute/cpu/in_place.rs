//! Dropout by itself, for those who have values and no network.

use super::Isa;
use super::concrete::{SoftMask, soften};
use super::dropout::LayerMask;
use super::epilogue::drop_row;
use crate::nn::{Dropout, MaskKey};

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
