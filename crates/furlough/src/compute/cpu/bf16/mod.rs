//! Matrix products of bfloat16 numbers, summed in single precision, by processors that have instructions for them. Others round the factors of
//! single-precision products (`product.rs`); on other architectures than x86-64 there is no [`Engine`], and so nothing here is called.
//!
//! Two neighbours in depth share a 32-bit word, the first in the lower half: what `TDPBF16PS` (AMX) and `VDPBF16PS` (AVX512-BF16) multiply
//! at a time. One factor is packed into panels of [`LANES`] outputs, `panel[slot][lane]`, the other lies row by row, `row[slot]`; a slot is
//! a pair in depth, and their number is rounded up to whole AMX tiles. What is beyond the depth is zero in both.

#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, unused_variables, unreachable_code))]

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
#[cfg(target_arch = "x86_64")]
mod dot;
mod pack;
mod round;

pub(super) use pack::{pack_columns, pack_panel, pack_row_pairs, pack_rows};

use super::Isa;
use super::gemm::Panels;
use super::out::Out;
use super::sparse::{self, Kind};

/// Outputs of one panel.
pub(super) const LANES: usize = 32;

/// Rows of one block of a product.
pub(super) const GROUP: usize = 32;

/// Slots of one AMX tile.
const TILE_SLOTS: usize = 16;

/// Slots that are multiplied at a time: with them a panel takes 128 KB and 64 rows 256 KB, which the second-level cache holds.
const DEPTH: usize = 1024;

/// What is packed in parts, one after the other in depth, has parts of a multiple of so much: then the slots of one end where those of the next begin.
pub(super) const PART: usize = 2 * TILE_SLOTS;

/// How many slots a depth takes.
pub(super) fn slots(depth: usize) -> usize {
    depth.div_ceil(2).next_multiple_of(TILE_SLOTS)
}

/// The product of one block: [`GROUP`] rows by [`LANES`] outputs, row by row.
#[repr(C, align(64))]
struct Block([[f32; LANES]; GROUP]);

/// What multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Amx,
    #[cfg(target_arch = "x86_64")]
    Dot,
}

impl Engine {
    /// All that this machine has beside the kernels of `isa`, best first; none where it has no instructions for bfloat16.
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

    /// What it multiplies without zeros, if it does.
    pub(super) fn kind(self, isa: Isa) -> Option<Kind> {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Engine::Amx => None,
            #[cfg(target_arch = "x86_64")]
            Engine::Dot => Some(Kind::pairs(isa, LANES)),
        }
    }

    /// Its name, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Engine::Amx => "AMX",
            #[cfg(target_arch = "x86_64")]
            Engine::Dot => "AVX512-BF16",
        }
    }
}

/// `out[j][i] = keep * out[j][i] + factor * Σ_k a[i][k] · b[j][k]` for j < `rows`, i < `outputs`, k < 2 × `slots`. `a` is packed, its
/// panels `panel` words apart; rows of `b` are `row` words apart.
///
/// # Safety
/// Memory may be read: of `a`, whole panels of `slots × LANES` words; of `b`, `slots` words of each row, with `rows` rounded up to a multiple
/// of [`GROUP`]. `out` may be read and written. No element of `out` is in `a` or `b` or used by another thread. `slots` is a multiple of
/// what [`slots`] returns, and the machine has this engine and instruction set.
pub(super) unsafe fn multiply(
    (isa, engine): (Isa, Engine),
    (rows, outputs, slots): (usize, usize, usize),
    out: Out,
    (a, panel): (*const u32, usize),
    (b, row_words): (*const u32, usize),
) {
    if let Some(kind) = engine.kind(isa) {
        // SAFETY: the rows are there, as promised, and the panels as this kernel reads them.
        unsafe {
            let row = |row: usize| std::slice::from_raw_parts(b.add(row * row_words).cast::<f32>(), slots);
            if sparse::pays(kind, (outputs, slots), rows, row) {
                let panels = Panels { first: a.cast(), panels: panel, depths: LANES };
                return sparse::multiply(kind, (rows, outputs, slots), out, panels, (b.cast(), row_words));
            }
        }
    }
    // SAFETY: as promised.
    unsafe { dense((isa, engine), (rows, outputs, slots), out, (a, panel), (b, row_words)) }
}

/// [`multiply`], zeros and all.
///
/// # Safety
/// As there.
unsafe fn dense(
    (isa, engine): (Isa, Engine),
    (rows, outputs, slots): (usize, usize, usize),
    out: Out,
    (a, panel): (*const u32, usize),
    (b, row_words): (*const u32, usize),
) {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    let _configured = match engine {
        // SAFETY: this machine has AMX, as promised.
        Engine::Amx => Some(unsafe { amx::Configured::new() }),
        _ => None,
    };
    let mut block = Block([[0.0; LANES]; GROUP]);
    for start in (0..slots).step_by(DEPTH) {
        let depth = DEPTH.min(slots - start);
        let keep = if start == 0 { out.keep } else { 1.0 };
        for (index, first) in (0..outputs).step_by(LANES).enumerate() {
            let width = LANES.min(outputs - first);
            for row in (0..rows).step_by(GROUP) {
                let count = GROUP.min(rows - row);
                let whole = (count, width, keep, out.factor) == (GROUP, LANES, 0.0, 1.0);
                // SAFETY: within the matrices, as promised; a block that is whole goes to its place at once.
                unsafe {
                    let place = Out { keep, ..out.from(row, first) };
                    let (to, stride) =
                        if whole { (place.first, place.stride) } else { (block.0.as_mut_ptr().cast::<f32>(), LANES) };
                    let a = a.add(index * panel + start * LANES);
                    let b = b.add(row * row_words + start);
                    match engine {
                        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
                        Engine::Amx => amx::product(count, depth, a, (b, row_words), (to, stride)),
                        #[cfg(target_arch = "x86_64")]
                        Engine::Dot => dot::product(count, depth, a, (b, row_words), (to, stride)),
                    }
                    if !whole {
                        place.put(isa, (count, width), (to, stride));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
