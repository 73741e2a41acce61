//! Matrix products of bfloat16 numbers, summed in single precision, by processors that have
//! instructions for them. Others round the factors of single-precision products (`matmul.rs`). On
//! other architectures than x86-64 there is no [`Engine`], so nothing here is called.
//!
//! Two neighbors in depth share a 32-bit word, the first in the lower half: what `TDPBF16PS` (AMX)
//! and `VDPBF16PS` (AVX512-BF16) multiply at a time. One factor is packed into panels of
//! [`BF16_MR`] columns, `panel[word][column]`, the other lies row by row, `row[word]`. Their number
//! is rounded up to whole AMX tiles, and what is beyond the depth is zero in both.

#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, unused_variables, unreachable_code))]

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
#[cfg(target_arch = "x86_64")]
mod dot;
mod pack;

pub(super) use pack::{pack_columns, pack_panel, pack_panel_of_rows, pack_rows};

use super::Isa;
use super::blocking::{BF16_KC, BF16_MR, BF16_NR};
use super::matrix::{MatMut, Panels, Rows, Scale, Shape, store};
use super::sparse::SparseKernel;

/// The product of one block, row by row.
#[repr(C, align(64))]
struct Block([[f32; BF16_MR]; BF16_NR]);

/// What multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Amx,
    #[cfg(target_arch = "x86_64")]
    Dot,
}

impl Engine {
    /// Returns all that this machine has beside the kernels of `isa`, best first; none where it has
    /// no instructions for bfloat16.
    pub(super) fn available(isa: Isa) -> Vec<Engine> {
        #[allow(unused_mut)]
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if isa.is_avx512() {
            // Packing for AMX rounds by AVX512-BF16 too.
            let rounds = is_x86_feature_detected!("avx512bf16");
            #[cfg(target_os = "linux")]
            all.extend((rounds && amx::is_available()).then_some(Engine::Amx));
            all.extend(rounds.then_some(Engine::Dot));
        }
        let _ = isa;
        all
    }

    /// Returns the kernel that skips zeros, if there is one. AMX multiplies faster than zeros are
    /// skipped.
    pub(super) fn sparse(self, isa: Isa) -> Option<SparseKernel> {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Engine::Amx => None,
            #[cfg(target_arch = "x86_64")]
            Engine::Dot => Some(SparseKernel::pairs(isa, BF16_MR)),
        }
    }

    /// Returns its name, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Engine::Amx => "AMX",
            #[cfg(target_arch = "x86_64")]
            Engine::Dot => "AVX512-BF16",
        }
    }
}

/// `out = alpha * rows * panels + beta * out`, the depth counted in words.
///
/// # Safety
/// Memory may be read: of `a` whole panels of `depth` words a column; of `b` so many words of each
/// row, with the rows rounded up to a multiple of [`BF16_NR`]. `out` may be read and written, is in
/// no factor, and nobody else uses it now. The depth is that of packed factors, and the machine has
/// this engine.
pub(super) unsafe fn multiply(
    (isa, engine): (Isa, Engine),
    shape: Shape,
    (out, scale): (MatMut, Scale),
    a: Panels,
    b: Rows,
) {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    let _configured = match engine {
        // SAFETY: this machine has AMX, as promised.
        Engine::Amx => Some(unsafe { amx::Configured::new() }),
        _ => None,
    };
    let mut block = Block([[0.0; BF16_MR]; BF16_NR]);
    let block = MatMut { first: block.0.as_mut_ptr().cast::<f32>(), stride: BF16_MR };
    for start in (0..shape.depth).step_by(BF16_KC) {
        let depth = BF16_KC.min(shape.depth - start);
        let scale = scale.of_block(start);
        for (index, first) in (0..shape.columns).step_by(BF16_MR).enumerate() {
            let width = BF16_MR.min(shape.columns - first);
            for row in (0..shape.rows).step_by(BF16_NR) {
                let count = BF16_NR.min(shape.rows - row);
                let whole = (count, width, scale.beta, scale.alpha) == (BF16_NR, BF16_MR, 0.0, 1.0);
                // SAFETY: within the matrices, as promised; a block that is whole goes to its place
                // at once.
                unsafe {
                    let place = out.from(row, first);
                    let to = if whole { place } else { block };
                    let a = a.first.add(index * a.stride + start * BF16_MR).cast::<u32>();
                    let rows = Rows { first: b.first.add(row * b.stride + start), ..b };
                    match engine {
                        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
                        Engine::Amx => amx::product(depth, a, rows, to),
                        #[cfg(target_arch = "x86_64")]
                        Engine::Dot => dot::product(count, depth, a, rows, to),
                    }
                    if !whole {
                        store(isa, place, scale, (count, width), to);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
