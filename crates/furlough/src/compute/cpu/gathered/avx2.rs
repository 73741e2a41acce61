//! The moves with AVX2, which has no compression: a load, a permutation and a store for four
//! neighbors. Across the halves of 256 bits a permutation takes longer (decision 008).

use super::super::simd::prefetch;
use std::arch::x86_64::*;

/// How many rows ahead elements are asked for.
const AHEAD: usize = 8;

/// Neighbors of one chunk.
pub(super) const WIDTH: usize = 4;

/// The most chunks: of 64 columns anywhere, or of all columns within 512.
pub(super) const CHUNKS: usize = 128;

/// Four neighboring columns, of which some are wanted.
#[derive(Clone, Copy, Default)]
pub(super) struct Chunk {
    /// For [`gather`], which neighbor each place gets. For [`scatter_add`], which value each
    /// neighbor gets, with the highest bit if it gets one.
    order: [u32; WIDTH],
    /// The first column.
    start: u32,
    /// The first value.
    place: u32,
}

/// Cuts ascending columns below `end`, of which there are at least [`WIDTH`] whether wanted or not:
/// the start of four neighbors, the place of the first that is wanted, and all that are.
fn cut(columns: &[u32], end: u32) -> impl Iterator<Item = (u32, usize, &[u32])> {
    let mut place = 0;
    std::iter::from_fn(move || {
        let rest = &columns[place..];
        let start = (*rest.first()?).min(end - WIDTH as u32);
        let wanted = rest.iter().take_while(|&&column| column < start + WIDTH as u32).count();
        place += wanted;
        Some((start, place - wanted, &rest[..wanted]))
    })
}

/// Puts chunks, no more than there is room for, where no allocation is needed.
fn fill(chunks: impl Iterator<Item = Chunk>, room: &mut [Chunk; CHUNKS]) -> &[Chunk] {
    let mut count = 0;
    for (slot, chunk) in room.iter_mut().zip(chunks) {
        *slot = chunk;
        count += 1;
    }
    &room[..count]
}

/// The chunks that [`gather`] takes for ascending `columns` of rows of `width`, at least [`WIDTH`].
pub(super) fn compressing<'a>(columns: &[u32], width: usize, room: &'a mut [Chunk; CHUNKS]) -> &'a [Chunk] {
    let chunk = |(start, place, wanted): (u32, usize, &[u32])| {
        let mut order = [0; WIDTH];
        order.iter_mut().zip(wanted).for_each(|(order, column)| *order = column - start);
        Chunk { order, start, place: place as u32 }
    };
    fill(cut(columns, width as u32).map(chunk), room)
}

/// The chunks that [`scatter_add`] takes for ascending `columns`, at least [`WIDTH`], counted from
/// `origin`.
pub(super) fn expanding<'a>(columns: &[u32], origin: u32, room: &'a mut [Chunk; CHUNKS]) -> &'a [Chunk] {
    let last_place = columns.len() - WIDTH;
    let chunk = |(start, place, wanted): (u32, usize, &[u32])| {
        let from = place.min(last_place);
        let mut order = [0; WIDTH];
        for (column, place) in wanted.iter().zip(place..) {
            order[(column - start) as usize] = 1 << 31 | (place - from) as u32;
        }
        Chunk { order, start: start - origin, place: from as u32 }
    };
    fill(cut(columns, columns[columns.len() - 1] + 1).map(chunk), room)
}

/// # Safety
/// AVX2 is there, `source` has the rows, whose width the chunks were made for, and `out` has `mr`
/// for each row and four more.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn gather(
    mr: usize,
    (source, width): (*const f32, usize),
    rows: &[u32],
    chunks: &[Chunk],
    out: *mut f32,
) {
    let (Some(first), Some(last)) = (chunks.first(), chunks.last()) else { return };
    for (k, &row) in rows.iter().enumerate() {
        // SAFETY: four neighbors lie within the row. What a store writes beyond its own values,
        // the next one overwrites.
        unsafe {
            if let Some(&later) = rows.get(k + AHEAD) {
                let columns = first.start as usize..last.start as usize + WIDTH;
                prefetch(source.add(later as usize * width + columns.start).cast(), size_of::<f32>() * columns.len());
            }
            let from = source.add(row as usize * width);
            let to = out.add(k * mr);
            for chunk in chunks {
                let values = _mm_loadu_ps(from.add(chunk.start as usize));
                let packed = _mm_permutevar_ps(values, order(chunk));
                _mm_storeu_ps(to.add(chunk.place as usize), packed);
            }
        }
    }
}

/// # Safety
/// AVX2 is there, what lies between the first and the last of the columns in the named rows of
/// `target` is ours, and `values` has `count` for each row.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn scatter_add(
    (target, width): (*mut f32, usize),
    first: u32,
    rows: &[u32],
    chunks: &[Chunk],
    values: *const f32,
    count: usize,
) {
    for (k, &row) in rows.iter().enumerate() {
        // SAFETY: a chunk's four neighbors lie between the first and the last column, and its four
        // values within the row's.
        unsafe {
            let to = target.add((row - first) as usize * width);
            let from = values.add(k * count);
            for chunk in chunks {
                let place = to.add(chunk.start as usize);
                let order = order(chunk);
                let change = _mm_permutevar_ps(_mm_loadu_ps(from.add(chunk.place as usize)), order);
                let old = _mm_loadu_ps(place);
                // Chosen by the highest bit: what is not wanted stays as it was, the sign of its
                // zero included.
                _mm_storeu_ps(place, _mm_blendv_ps(old, _mm_add_ps(old, change), _mm_castsi128_ps(order)));
            }
        }
    }
}

#[target_feature(enable = "avx2")]
fn order(chunk: &Chunk) -> __m128i {
    // SAFETY: as long as the vector.
    unsafe { _mm_loadu_si128(chunk.order.as_ptr().cast()) }
}
