//! The moves with AVX-512: a masked load, a compression or expansion, a store, for sixteen columns at a time.

use std::arch::x86_64::*;

/// How many rows ahead elements are asked for.
const AHEAD: usize = 8;

/// Sixteen neighbouring columns, of which some are wanted.
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
/// AVX-512 is there, `source` has the elements that rows and chunks name, and `out` has `lanes` for each row and sixteen more.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn gather(
    lanes: usize,
    (source, width): (*const f32, usize),
    rows: &[u32],
    chunks: &[Chunk],
    out: *mut f32,
) {
    for (k, &row) in rows.iter().enumerate() {
        // SAFETY: masked loads touch only what is wanted. What a store writes beyond its own values, the next one overwrites.
        unsafe {
            let from = source.add(row as usize * width);
            if let Some(&later) = rows.get(k + AHEAD) {
                let from = source.add(later as usize * width);
                for chunk in chunks {
                    _mm_prefetch::<_MM_HINT_T0>(from.add(chunk.start as usize).cast());
                }
            }
            let to = out.add(k * lanes);
            for chunk in chunks {
                let values = _mm512_maskz_loadu_ps(chunk.wanted, from.add(chunk.start as usize));
                let packed = _mm512_maskz_compress_ps(chunk.wanted, values);
                _mm512_storeu_ps(to.add(chunk.place as usize), packed);
            }
        }
    }
}

/// # Safety
/// AVX-512 is there, the places that rows and chunks name in `target` are ours, and `values` has `count` for each row.
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

/// Sixteen rows of sixteen become columns.
///
/// # Safety
/// AVX-512 is there, and both have sixteen rows of sixteen, so far apart.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn transpose((from, apart): (*const f32, usize), (to, to_apart): (*mut f32, usize)) {
    // SAFETY: as promised.
    let rows: [__m512; 16] = std::array::from_fn(|row| unsafe { _mm512_loadu_ps(from.add(row * apart)) });
    let mut pairs = rows;
    for two in 0..8 {
        let (a, b) = (rows[2 * two], rows[2 * two + 1]);
        pairs[2 * two] = _mm512_unpacklo_ps(a, b);
        pairs[2 * two + 1] = _mm512_unpackhi_ps(a, b);
    }
    // Quarter q of fours[4 * f + j] has column 4 * q + j of rows 4 * f and on.
    let mut fours = pairs;
    for four in 0..4 {
        let [a, b, c, d] = std::array::from_fn(|i| _mm512_castps_pd(pairs[4 * four + i]));
        fours[4 * four] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
        fours[4 * four + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
        fours[4 * four + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
        fours[4 * four + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
    }
    for j in 0..4 {
        let even = _mm512_shuffle_f32x4::<0x88>(fours[j], fours[4 + j]);
        let even_too = _mm512_shuffle_f32x4::<0x88>(fours[8 + j], fours[12 + j]);
        let odd = _mm512_shuffle_f32x4::<0xdd>(fours[j], fours[4 + j]);
        let odd_too = _mm512_shuffle_f32x4::<0xdd>(fours[8 + j], fours[12 + j]);
        let columns = [
            _mm512_shuffle_f32x4::<0x88>(even, even_too),
            _mm512_shuffle_f32x4::<0x88>(odd, odd_too),
            _mm512_shuffle_f32x4::<0xdd>(even, even_too),
            _mm512_shuffle_f32x4::<0xdd>(odd, odd_too),
        ];
        for (quarter, column) in columns.into_iter().enumerate() {
            // SAFETY: as promised.
            unsafe { _mm512_storeu_ps(to.add((4 * quarter + j) * to_apart), column) };
        }
    }
}
