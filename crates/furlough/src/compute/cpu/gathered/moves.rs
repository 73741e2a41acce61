//! The moves of x86-64, neighbors together: one load, one compression, one store. AVX2 has no
//! compression, but a permutation. It takes four neighbors, because across the halves of 256 bits
//! that takes longer (decision 008).

use super::super::simd::prefetch;
use std::arch::x86_64::*;

/// How many rows ahead elements are asked for.
const AHEAD: usize = 8;

/// Columns that a vector takes with AVX-512, and with AVX2.
const SIXTEEN: u32 = 16;
pub(super) const FOUR: usize = 4;

/// The most chunks: of 64 columns anywhere, or of all columns within 512.
const CHUNKS: usize = 128;

/// Neighboring columns of which some are wanted, as many as a vector has lanes.
#[derive(Clone, Copy, Default)]
struct Chunk<O> {
    /// The first column, and which of the wanted ones is the first here.
    start: u32,
    place: u32,
    /// What the instructions take for those that are wanted.
    order: O,
}

/// The places of a permutation.
type Order = [u32; FOUR];

/// What is moved between rows of a matrix and rows of `count` values: ascending columns.
pub(super) struct Move<'a> {
    /// Where column 0 of row 0 is, or would be.
    pub(super) matrix: *mut f32,
    pub(super) stride: usize,
    pub(super) rows: &'a [u32],
    pub(super) columns: &'a [u32],
    pub(super) values: *mut f32,
    pub(super) count: usize,
}

impl Move<'_> {
    /// # Safety
    /// AVX-512 is there, the elements that rows and columns name may be read, and values for all
    /// rows and sixteen more written. What a store writes beyond its own values, the next one
    /// overwrites.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn gather_avx512(&self) {
        let mut room = [Chunk::default(); CHUNKS];
        let chunks = self.cut(SIXTEEN, |first| first & !15, mask, &mut room);
        // SAFETY: masked loads touch only what is wanted.
        self.each(chunks, true, |&wanted, from, to| unsafe {
            _mm512_storeu_ps(to, _mm512_maskz_compress_ps(wanted, _mm512_maskz_loadu_ps(wanted, from)));
        });
    }

    /// Adds to the elements.
    ///
    /// # Safety
    /// AVX-512 is there, the elements that rows and columns name are ours, and so many values may
    /// be read.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn scatter_avx512(&self) {
        let mut room = [Chunk::default(); CHUNKS];
        let chunks = self.cut(SIXTEEN, |first| first & !15, mask, &mut room);
        // SAFETY: masked loads and stores touch only what is wanted.
        self.each(chunks, false, |&wanted, to, from| unsafe {
            let change = _mm512_maskz_expandloadu_ps(wanted, from);
            _mm512_mask_storeu_ps(to, wanted, _mm512_add_ps(_mm512_maskz_loadu_ps(wanted, to), change));
        });
    }

    /// # Safety
    /// AVX2 is there, the rows may be read, which have four columns at least, and values for all
    /// rows and four more written.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn gather_avx2(&self) {
        let mut room = [Chunk::default(); CHUNKS];
        let last = (self.stride - FOUR) as u32;
        // Which neighbor each place gets.
        let order_of = |start: u32, wanted: &[u32]| {
            let mut order = [0; FOUR];
            order.iter_mut().zip(wanted).for_each(|(order, column)| *order = column - start);
            order
        };
        let chunks = self.cut(FOUR as u32, |first| first.min(last), order_of, &mut room);
        // SAFETY: as promised: chunks lie within rows.
        self.each(chunks, true, |order: &Order, from, to| unsafe {
            let order = _mm_loadu_si128(order.as_ptr().cast());
            _mm_storeu_ps(to, _mm_permutevar_ps(_mm_loadu_ps(from), order));
        });
    }

    /// Adds to the elements.
    ///
    /// # Safety
    /// AVX2 is there, there are four columns at least, the elements from the first to the last of
    /// them are ours, and four more values than there are may be read.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn scatter_avx2(&self) {
        let mut room = [Chunk::default(); CHUNKS];
        let last = self.columns[self.columns.len() - 1] + 1 - FOUR as u32;
        // Which value each neighbor gets, with the highest bit if it gets one.
        let order_of = |start: u32, wanted: &[u32]| {
            let mut order = [0; FOUR];
            wanted.iter().zip(1 << 31..).for_each(|(column, place)| order[(column - start) as usize] = place);
            order
        };
        let chunks = self.cut(FOUR as u32, |first| first.min(last), order_of, &mut room);
        // SAFETY: as promised: chunks lie within the columns.
        self.each(chunks, false, |order: &Order, to, from| unsafe {
            let order = _mm_loadu_si128(order.as_ptr().cast());
            let (old, change) = (_mm_loadu_ps(to), _mm_permutevar_ps(_mm_loadu_ps(from), order));
            // Chosen by the highest bit: what is not wanted stays as it was, the sign of its zero
            // included.
            _mm_storeu_ps(to, _mm_blendv_ps(old, _mm_add_ps(old, change), _mm_castsi128_ps(order)));
        });
    }

    /// Cuts the columns into chunks of so many, which begin where `start_of` says for the first
    /// that is wanted. `order_of` takes that and all that are.
    fn cut<'a, O>(
        &self,
        lanes: u32,
        start_of: impl Fn(u32) -> u32,
        order_of: impl Fn(u32, &[u32]) -> O,
        room: &'a mut [Chunk<O>; CHUNKS],
    ) -> &'a [Chunk<O>] {
        let (mut place, mut count) = (0, 0);
        while let Some(&first) = self.columns.get(place) {
            let start = start_of(first);
            let rest = &self.columns[place..];
            let wanted = &rest[..rest.iter().take_while(|&column| column - start < lanes).count()];
            room[count] = Chunk { start, place: place as u32, order: order_of(start, wanted) };
            (place, count) = (place + wanted.len(), count + 1);
        }
        &room[..count]
    }

    /// Calls `one` for each chunk of each row with its places in the matrix and in the values.
    #[inline(always)]
    fn each<O>(&self, chunks: &[Chunk<O>], reads_ahead: bool, one: impl Fn(&O, *mut f32, *mut f32)) {
        let (Some(first), Some(last)) = (chunks.first(), chunks.last()) else { return };
        let bytes = size_of::<f32>() * (last.start + 1 - first.start) as usize;
        for (k, &row) in self.rows.iter().enumerate() {
            let of_row = |row: u32| self.matrix.wrapping_add(row as usize * self.stride);
            if let Some(&later) = self.rows.get(k + AHEAD).filter(|_| reads_ahead) {
                prefetch(of_row(later).wrapping_add(first.start as usize).cast(), bytes);
            }
            let (matrix, values) = (of_row(row), self.values.wrapping_add(k * self.count));
            for Chunk { start, place, order } in chunks {
                one(order, matrix.wrapping_add(*start as usize), values.wrapping_add(*place as usize));
            }
        }
    }
}

/// A bit for each column that is wanted.
fn mask(start: u32, wanted: &[u32]) -> u16 {
    wanted.iter().fold(0, |mask, column| mask | 1 << (column - start))
}
