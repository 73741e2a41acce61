//! The moves with AVX-512: a masked load, a compression or expansion, a store, for sixteen columns
//! at a time.

use super::super::simd::prefetch;
use std::arch::x86_64::*;

/// How many rows ahead elements are asked for.
const AHEAD: usize = 8;

/// Sixteen neighboring columns, of which some are wanted.
#[derive(Clone, Copy, Default)]
pub(super) struct Chunk {
    start: u32,
    wanted: u16,
    /// How many columns are wanted before.
    place: u16,
}

/// The most chunks: of 64 columns anywhere, or of all columns within 1024.
pub(super) const CHUNKS: usize = 64;

/// The chunks of ascending `columns`, counted from `origin`.
pub(super) fn chunks<'a>(columns: &[u32], origin: u32, room: &'a mut [Chunk; CHUNKS]) -> &'a [Chunk] {
    let mut count = 0;
    for (place, column) in columns.iter().map(|column| column - origin).enumerate() {
        if count == 0 || room[count - 1].start != column & !15 {
            room[count] = Chunk { start: column & !15, wanted: 0, place: place as u16 };
            count += 1;
        }
        room[count - 1].wanted |= 1 << (column & 15);
    }
    &room[..count]
}

/// # Safety
/// AVX-512 is there, `source` has the elements that rows and chunks name, and `out` has `mr` for
/// each row and sixteen more.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn gather(
    mr: usize,
    (source, width): (*const f32, usize),
    rows: &[u32],
    chunks: &[Chunk],
    out: *mut f32,
) {
    for (k, &row) in rows.iter().enumerate() {
        // SAFETY: masked loads touch only what is wanted. What a store writes beyond its own
        // values, the next one overwrites.
        unsafe {
            let from = source.add(row as usize * width);
            if let Some(&later) = rows.get(k + AHEAD) {
                let from = source.add(later as usize * width);
                for chunk in chunks {
                    prefetch(from.add(chunk.start as usize).cast(), size_of::<__m512>());
                }
            }
            let to = out.add(k * mr);
            for chunk in chunks {
                let values = _mm512_maskz_loadu_ps(chunk.wanted, from.add(chunk.start as usize));
                let packed = _mm512_maskz_compress_ps(chunk.wanted, values);
                _mm512_storeu_ps(to.add(chunk.place as usize), packed);
            }
        }
    }
}

/// # Safety
/// AVX-512 is there, the places that rows and chunks name in `target` are ours, and `values` has
/// `count` for each row.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn scatter_add(
    (target, width): (*mut f32, usize),
    first: u32,
    rows: &[u32],
    chunks: &[Chunk],
    values: *const f32,
    count: usize,
) {
    for (k, &row) in rows.iter().enumerate() {
        // SAFETY: masked loads and stores touch only what is wanted.
        unsafe {
            let to = target.add((row - first) as usize * width);
            let from = values.add(k * count);
            for chunk in chunks {
                let place = to.add(chunk.start as usize);
                let change = _mm512_maskz_expandloadu_ps(chunk.wanted, from.add(chunk.place as usize));
                let sum = _mm512_add_ps(_mm512_maskz_loadu_ps(chunk.wanted, place), change);
                _mm512_mask_storeu_ps(place, chunk.wanted, sum);
            }
        }
    }
}
