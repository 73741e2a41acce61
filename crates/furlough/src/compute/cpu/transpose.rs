//! Rows that become columns. Where one row of a matrix ends, the next begins far away, so what lies in the same lines of cache is turned
//! together: squares of sixteen, in registers.

use super::Isa;
use super::simd::Level;
use super::stream;

/// Elements of a line of cache, and of the side of a square.
const SIDE: usize = 16;

/// A square of words, row by row.
pub(super) type Square = [[u32; SIDE]; SIDE];

/// `to[column * to_apart + row] = from[row * apart + column]` for `row < rows`, `column < columns`; nothing else is written.
///
/// # Panics
/// When `from` or `to` end before the last of these elements, or rows overlap in `to`.
pub(super) fn turn(
    isa: Isa,
    from: (&[f32], usize),
    (rows, columns): (usize, usize),
    (to, to_apart): (&mut [f32], usize),
) {
    assert!(rows <= to_apart && (rows * columns == 0 || to.len() >= (columns - 1) * to_apart + rows));
    // SAFETY: just checked.
    unsafe { turn_to(isa, from, (rows, columns), (to.as_mut_ptr(), to_apart), false) }
}

/// [`turn`] to where other elements of the same rows may be in use; past the caches, if `streaming`, what are whole lines of them and turned in one go.
///
/// # Panics
/// When `from` ends before the last of these elements.
///
/// # Safety
/// Nobody else uses the elements that are written, now.
pub(super) unsafe fn turn_to(
    isa: Isa,
    (from, apart): (&[f32], usize),
    (rows, columns): (usize, usize),
    (to, to_apart): (*mut f32, usize),
    streaming: bool,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(from.len() >= (rows - 1) * apart + columns);
    for first in (0..columns).step_by(SIDE) {
        let width = SIDE.min(columns - first);
        for top in (0..rows).step_by(SIDE) {
            let height = SIDE.min(rows - top);
            let from = &from[top * apart + first..];
            // SAFETY: at most a square of `from`, as was checked, and of `to`, as was promised.
            unsafe {
                let to = (to.add(first * to_apart + top), to_apart);
                turn_square(isa, (from, apart), (height, width), to, streaming);
            }
        }
    }
    if streaming {
        stream::finish();
    }
}

/// [`turn_to`] of at most a square.
///
/// # Safety
/// As there; `from` has these elements.
unsafe fn turn_square(
    isa: Isa,
    (from, apart): (&[f32], usize),
    (height, width): (usize, usize),
    (to, to_apart): (*mut f32, usize),
    streaming: bool,
) {
    // How much of it whole vectors turn; the rest goes one by one.
    let turned = match isa.0 {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 if (height, width) == (SIDE, SIDE) => {
            // SAFETY: this Isa exists only where the features were detected, and a whole square lies in both.
            unsafe {
                let (from, place) = ((from.as_ptr().cast(), apart), (to.cast(), to_apart));
                match streaming && stream::is_at_lines(to, to_apart) {
                    true => avx512_at::<true>(from, place),
                    false => avx512_at::<false>(from, place),
                }
            }
            (SIDE, SIDE)
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => {
            let turned = (height - height % 4, width - width % 4);
            // SAFETY: as above; so many rows and columns lie in both.
            unsafe { avx2_at((from.as_ptr(), apart), turned, (to, to_apart)) };
            turned
        }
        Level::Baseline => {
            let _ = streaming;
            (0, 0)
        }
    };
    for row in 0..height {
        let done = if row < turned.0 { turned.1 } else { 0 };
        for column in done..width {
            // SAFETY: an element of the square.
            unsafe { *to.add(column * to_apart + row) = from[row * apart + column] };
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
    let mut out = [[0; SIDE]; SIDE];
    // SAFETY: two squares, whose rows follow each other.
    unsafe { avx512_at::<false>((square.as_ptr().cast(), SIDE), (out.as_mut_ptr().cast(), SIDE)) };
    out
}

/// Exchanges words, then pairs of them, then quarters of a vector, twice.
///
/// # Safety
/// AVX-512 is there, and both have sixteen rows of sixteen, so far apart; each a line of cache if they are stored past the caches.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn avx512_at<const PAST: bool>((from, apart): (*const u32, usize), (to, to_apart): (*mut u32, usize)) {
    use std::arch::x86_64::*;
    // SAFETY: as promised; a row is the 64 bytes of a vector.
    let rows: [__m512i; 16] = std::array::from_fn(|row| unsafe { _mm512_loadu_si512(from.add(row * apart).cast()) });
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
                let to = to.add(column * to_apart).cast();
                if PAST { _mm512_stream_si512(to, values) } else { _mm512_storeu_si512(to.cast(), values) }
            }
        }
    }
}

/// [`turn`] in squares of four. Within 128 bits a shuffle takes one instruction; across the halves of 256 it takes longer, and the oldest
/// processors with AVX2 compute those in halves anyway.
///
/// # Safety
/// AVX2 is there, both have so many rows and columns, so far apart, and both numbers are multiples of four.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2_at(
    (from, apart): (*const f32, usize),
    (rows, columns): (usize, usize),
    (to, to_apart): (*mut f32, usize),
) {
    use std::arch::x86_64::*;
    for row in (0..rows).step_by(4) {
        for column in (0..columns).step_by(4) {
            // SAFETY: as promised.
            unsafe {
                let (from, to) = (from.add(row * apart + column), to.add(column * to_apart + row));
                let [mut a, mut b, mut c, mut d] = std::array::from_fn(|row| _mm_loadu_ps(from.add(row * apart)));
                _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
                for (column, values) in [a, b, c, d].into_iter().enumerate() {
                    _mm_storeu_ps(to.add(column * to_apart), values);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns_and_nothing_else_is_written() {
        for isa in Isa::available() {
            for (rows, columns) in [(16, 16), (64, 100), (1, 1), (3, 5), (4, 4), (16, 7), (7, 16), (13, 33), (0, 4)] {
                let (apart, to_apart) = (columns + 3, rows + 2);
                let from: Vec<f32> = (0..rows * apart).map(|place| place as f32).collect();
                let mut to = vec![-1.0; columns * to_apart];
                turn(isa, (&from, apart), (rows, columns), (&mut to, to_apart));
                for (column, values) in to.chunks(to_apart).enumerate() {
                    for (row, &value) in values.iter().enumerate() {
                        let wanted = if row < rows { (row * apart + column) as f32 } else { -1.0 };
                        assert_eq!(value, wanted, "{} {rows} × {columns}: {row} {column}", isa.name());
                    }
                }
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn a_square_turns() {
        if !Isa::best().is_avx512() {
            return;
        }
        let square: Square = std::array::from_fn(|row| std::array::from_fn(|column| (100 * row + column) as u32));
        // SAFETY: the instructions are there.
        let turned = unsafe { avx512(&square) };
        for (row, values) in square.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                assert_eq!(turned[column][row], *value, "{row} {column}");
            }
        }
    }
}
