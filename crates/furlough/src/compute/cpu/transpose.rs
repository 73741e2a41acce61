//! Transposing. Where one row of a matrix ends, the next begins far away, so what lies in the same
//! cache lines is transposed together: squares of sixteen, in registers.

use super::Isa;
use super::blocking::LINE;
use super::matrix::{MatMut, MatView};
use super::non_temporal::finish;
#[cfg(target_arch = "x86_64")]
use super::non_temporal::starts_lines;
use super::simd::Level;

/// A square of words, row by row.
#[cfg(target_arch = "x86_64")]
pub(super) type Square = [[u32; LINE]; LINE];

/// Transposes `source` into `to`, whose rows are `stride` apart. Nothing else is written.
///
/// # Panics
/// When `to` ends before the last of these elements, or its rows overlap.
pub(super) fn transpose(isa: Isa, source: MatView<'_>, to: &mut [f32], stride: usize) {
    let MatView { rows, columns, .. } = source;
    assert!(rows <= stride && (rows * columns == 0 || to.len() >= (columns - 1) * stride + rows));
    // SAFETY: just checked.
    unsafe { transpose_to(isa, source, MatMut { first: to.as_mut_ptr(), stride }, false) }
}

/// [`transpose`] to where other elements of the same rows may be in use. Whole cache lines that are
/// transposed in one go are stored past the caches if `non_temporal`.
///
/// # Safety
/// Nobody else uses the elements that are written, now.
pub(super) unsafe fn transpose_to(isa: Isa, source: MatView<'_>, to: MatMut, non_temporal: bool) {
    for first in (0..source.columns).step_by(LINE) {
        let width = LINE.min(source.columns - first);
        for top in (0..source.rows).step_by(LINE) {
            let square = source.part(top, LINE.min(source.rows - top), first..first + width);
            // SAFETY: at most a square of `to`, as was promised.
            unsafe { transpose_square(isa, square, to.from(first, top), non_temporal) };
        }
    }
    if non_temporal {
        finish();
    }
}

/// [`transpose_to`] of at most a square.
///
/// # Safety
/// As there.
unsafe fn transpose_square(isa: Isa, source: MatView<'_>, to: MatMut, non_temporal: bool) {
    let MatView { data, stride, rows, columns } = source;
    assert!(data.len() >= (rows - 1) * stride + columns);
    // Whole vectors transpose some of it; the rest goes one by one.
    let done = match isa.0 {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 if (rows, columns) == (LINE, LINE) => {
            // SAFETY: this Isa exists only where the features were detected, and a whole square
            // lies in both.
            unsafe {
                let (from, place) = ((data.as_ptr().cast(), stride), (to.first.cast(), to.stride));
                match non_temporal && starts_lines(to.first, to.stride) {
                    true => avx512_at::<true>(from, place),
                    false => avx512_at::<false>(from, place),
                }
            }
            (LINE, LINE)
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => {
            let done = (rows - rows % 4, columns - columns % 4);
            // SAFETY: as above; so many rows and columns lie in both.
            unsafe { avx2_at((data.as_ptr(), stride), done, (to.first, to.stride)) };
            done
        }
        Level::Baseline => {
            let _ = non_temporal;
            (0, 0)
        }
    };
    for row in 0..rows {
        for column in if row < done.0 { done.1 } else { 0 }..columns {
            // SAFETY: an element of the square.
            unsafe { *to.first.add(column * to.stride + row) = data[row * stride + column] };
        }
    }
}

/// A square with rows and columns exchanged.
///
/// # Safety
/// AVX-512 is there.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn avx512(square: &Square) -> Square {
    let mut out = [[0; LINE]; LINE];
    // SAFETY: two squares, whose rows follow each other.
    unsafe { avx512_at::<false>((square.as_ptr().cast(), LINE), (out.as_mut_ptr().cast(), LINE)) };
    out
}

/// Exchanges words, then pairs of them, then quarters of a vector, twice.
///
/// # Safety
/// AVX-512 is there, and both have sixteen rows of sixteen, so far apart. Rows of `to` are cache
/// lines if `NON_TEMPORAL`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn avx512_at<const NON_TEMPORAL: bool>((from, stride): (*const u32, usize), (to, to_stride): (*mut u32, usize)) {
    use std::arch::x86_64::*;
    // SAFETY: as promised; a row is the 64 bytes of a vector.
    let rows: [__m512i; 16] = std::array::from_fn(|row| unsafe { _mm512_loadu_si512(from.add(row * stride).cast()) });
    let mut words = rows;
    for i in (0..16).step_by(2) {
        words[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        words[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    // Then, within each quarter q, quads[4 g + c] has column 4 q + c of rows 4 g .. 4 g + 4.
    let mut quads = words;
    for g in (0..16).step_by(4) {
        quads[g] = _mm512_unpacklo_epi64(words[g], words[g + 2]);
        quads[g + 1] = _mm512_unpackhi_epi64(words[g], words[g + 2]);
        quads[g + 2] = _mm512_unpacklo_epi64(words[g + 1], words[g + 3]);
        quads[g + 3] = _mm512_unpackhi_epi64(words[g + 1], words[g + 3]);
    }
    for c in 0..4 {
        let even_low = _mm512_shuffle_i32x4::<0b10_00_10_00>(quads[c], quads[4 + c]);
        let odd_low = _mm512_shuffle_i32x4::<0b11_01_11_01>(quads[c], quads[4 + c]);
        let even_high = _mm512_shuffle_i32x4::<0b10_00_10_00>(quads[8 + c], quads[12 + c]);
        let odd_high = _mm512_shuffle_i32x4::<0b11_01_11_01>(quads[8 + c], quads[12 + c]);
        let columns = [
            (c, _mm512_shuffle_i32x4::<0b10_00_10_00>(even_low, even_high)),
            (4 + c, _mm512_shuffle_i32x4::<0b10_00_10_00>(odd_low, odd_high)),
            (8 + c, _mm512_shuffle_i32x4::<0b11_01_11_01>(even_low, even_high)),
            (12 + c, _mm512_shuffle_i32x4::<0b11_01_11_01>(odd_low, odd_high)),
        ];
        for (column, values) in columns {
            // SAFETY: as promised.
            unsafe {
                let to = to.add(column * to_stride).cast();
                if NON_TEMPORAL { _mm512_stream_si512(to, values) } else { _mm512_storeu_si512(to.cast(), values) }
            }
        }
    }
}

/// [`transpose`] in squares of four. Within 128 bits a shuffle takes one instruction; across the
/// halves of 256 it takes longer, and the oldest processors with AVX2 compute those in halves
/// anyway.
///
/// # Safety
/// AVX2 is there, both have so many rows and columns, so far apart, and both numbers are multiples
/// of four.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2_at(
    (from, stride): (*const f32, usize),
    (rows, columns): (usize, usize),
    (to, to_stride): (*mut f32, usize),
) {
    use std::arch::x86_64::*;
    for row in (0..rows).step_by(4) {
        for column in (0..columns).step_by(4) {
            // SAFETY: as promised.
            unsafe {
                let (from, to) = (from.add(row * stride + column), to.add(column * to_stride + row));
                let [mut a, mut b, mut c, mut d] = std::array::from_fn(|row| _mm_loadu_ps(from.add(row * stride)));
                _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
                for (column, values) in [a, b, c, d].into_iter().enumerate() {
                    _mm_storeu_ps(to.add(column * to_stride), values);
                }
            }
        }
    }
}
