//! Turning a square of words.

use super::Isa;

/// A square of words, row by row.
pub(super) type Square = [[u32; 16]; 16];

/// The square with rows and columns exchanged.
pub(super) fn transpose(isa: Isa, square: &Square) -> Square {
    #[cfg(target_arch = "x86_64")]
    if isa.is_avx512() {
        // SAFETY: this Isa exists only where AVX-512 was detected.
        return unsafe { avx512(square) };
    }
    let _ = isa;
    std::array::from_fn(|row| std::array::from_fn(|column| square[column][row]))
}

/// Exchanges words, then pairs of them, then quarters of a vector, twice.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(square: &Square) -> Square {
    use std::arch::x86_64::{
        __m512i, _mm512_loadu_si512, _mm512_shuffle_i32x4, _mm512_storeu_si512, _mm512_unpackhi_epi32,
        _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    };
    // SAFETY: a row is the 64 bytes of a vector.
    let rows: [__m512i; 16] = std::array::from_fn(|row| unsafe { _mm512_loadu_si512(square[row].as_ptr().cast()) });
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
    let mut out = [[0; 16]; 16];
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
            // SAFETY: a row is the 64 bytes of a vector.
            unsafe { _mm512_storeu_si512(out[column].as_mut_ptr().cast(), values) };
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        let square: Square = std::array::from_fn(|row| std::array::from_fn(|column| (100 * row + column) as u32));
        for isa in Isa::available() {
            let turned = transpose(isa, &square);
            for row in 0..16 {
                for column in 0..16 {
                    assert_eq!(turned[row][column], square[column][row], "{} {row} {column}", isa.name());
                }
            }
        }
    }
}
