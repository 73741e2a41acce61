//! Moving what is kept together, and apart again. With vector instructions neighbors are taken
//! together: one load, one compression, one store.

use super::super::Isa;
use super::super::blocking::GATHERED_COLUMNS as COLUMNS;
use super::super::matrix::{MatMut, MatView};
#[cfg(target_arch = "x86_64")]
use super::super::simd::Level;
use super::super::simd::for_each_isa;
use super::super::transpose::transpose;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// What a gathering or transposing move may write beyond its last row.
pub(super) const SLACK: usize = 16;

/// `out[k * mr + j] = source[rows[k] * width + columns[j]]`. What else is in rows of `out` is left
/// in any state.
///
/// # Panics
/// When `out` is shorter than `mr` times the rows and [`SLACK`], or there are more columns than mr
/// or [`COLUMNS`].
///
/// # Safety
/// Rows and columns ascend, and the last of both is within `source`, whose rows are `width` long.
pub(super) unsafe fn gather(
    isa: Isa,
    mr: usize,
    (source, width): (&[f32], usize),
    rows: &[u32],
    columns: &[u32],
    out: &mut [f32],
) {
    assert!(columns.len() <= mr.min(COLUMNS) && out.len() >= rows.len() * mr + SLACK);
    match isa.0 {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => {
            let mut room = [avx512::Chunk::default(); avx512::CHUNKS];
            let chunks = avx512::chunks(columns, 0, &mut room);
            // SAFETY: this Isa exists only where the features were detected; the elements are
            // within `source` as promised, and a row's stores end less than SLACK behind it.
            unsafe { avx512::gather(mr, (source.as_ptr(), width), rows, chunks, out.as_mut_ptr()) }
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 if width >= avx2::WIDTH => {
            let mut room = [avx2::Chunk::default(); avx2::CHUNKS];
            let chunks = avx2::compressing(columns, width, &mut room);
            // SAFETY: as above.
            unsafe { avx2::gather(mr, (source.as_ptr(), width), rows, chunks, out.as_mut_ptr()) }
        }
        _ => gather_by_index(isa, mr, source, width, rows, columns, out),
    }
}

for_each_isa! {
    fn gather_by_index(isa, mr: usize, source: &[f32], width: usize, rows: &[u32], columns: &[u32], out: &mut [f32]) {
        for (&row, out) in rows.iter().zip(out.chunks_exact_mut(mr)) {
            let source = &source[row as usize * width..][..width];
            for (out, &column) in out.iter_mut().zip(columns) {
                *out = source[column as usize];
            }
        }
    }
}

/// `out[k * mr + j] = source[rows[j] * width + columns[k]]`, by way of `block`, which has
/// [`COLUMNS`] rows as long and [`SLACK`].
///
/// # Panics
/// When `out` is shorter than `mr` times the columns, or there are more rows than mr or
/// [`COLUMNS`].
///
/// # Safety
/// As for [`gather`].
pub(super) unsafe fn gather_transposed(
    isa: Isa,
    mr: usize,
    (source, width): (&[f32], usize),
    rows: &[u32],
    columns: &[u32],
    block: &mut [f32],
    out: &mut [f32],
) {
    for (columns, out) in columns.chunks(COLUMNS).zip(out.chunks_mut(COLUMNS * mr)) {
        // SAFETY: as promised.
        unsafe { gather(isa, COLUMNS, (source, width), rows, columns, block) };
        let block = MatView { data: block, stride: COLUMNS, rows: rows.len(), columns: columns.len() };
        transpose(isa, block, out, mr);
    }
}

/// `target[(rows[k] - first) * width + columns[j] - origin] += values[k * columns + j]`.
///
/// # Panics
/// When there are not as many values, or the columns span more than 512.
///
/// # Safety
/// Rows and columns ascend from `first` and `origin`, and what lies from the first to the last of
/// these columns in each of the rows of `target` may be read and written now, by nobody else.
pub(super) unsafe fn scatter_add(
    isa: Isa,
    target: MatMut,
    (first, rows): (u32, &[u32]),
    (origin, columns): (u32, &[u32]),
    values: &[f32],
) {
    let (Some(&last), true) = (columns.last(), values.len() == rows.len() * columns.len()) else {
        panic!("a value for each row and column");
    };
    assert!(last - origin < 512);
    match isa.0 {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => {
            let mut room = [avx512::Chunk::default(); avx512::CHUNKS];
            let chunks = avx512::chunks(columns, origin, &mut room);
            // SAFETY: this Isa exists only where the features were detected; places as promised,
            // values as checked.
            unsafe {
                avx512::scatter_add((target.first, target.stride), first, rows, chunks, values.as_ptr(), columns.len())
            }
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 if columns.len() >= avx2::WIDTH => {
            let mut room = [avx2::Chunk::default(); avx2::CHUNKS];
            let chunks = avx2::expanding(columns, origin, &mut room);
            // SAFETY: as above.
            unsafe {
                avx2::scatter_add((target.first, target.stride), first, rows, chunks, values.as_ptr(), columns.len())
            }
        }
        _ => {
            for (&row, values) in rows.iter().zip(values.chunks_exact(columns.len())) {
                for (&column, value) in columns.iter().zip(values) {
                    // SAFETY: one of the places.
                    unsafe {
                        *target.first.add((row - first) as usize * target.stride + (column - origin) as usize) += value
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Different numbers, and zeros below zero, which must not become others.
    fn matrix(rows: usize, width: usize) -> Vec<f32> {
        (0..rows * width).map(|i| if i % 5 == 0 { -0.0 } else { i as f32 }).collect()
    }

    /// Some of `0 .. of`: every one that a fixed pattern of about `share` eighths says.
    fn some(of: u32, share: u32, turn: u32) -> Vec<u32> {
        (0..of).filter(|i| (i.wrapping_mul(0x9E37_79B9) >> 29).wrapping_add(turn) % 8 < share).collect()
    }

    #[test]
    fn moves_take_what_is_named() {
        for isa in Isa::available() {
            for (height, width, share) in
                [(40, 70, 4), (7, 129, 1), (130, 33, 8), (64, 300, 2), (9, 5, 7), (6, 3, 8), (1, 1, 8)]
            {
                let source = matrix(height, width);
                let (rows, columns) = (some(height as u32, share, 3), some(width as u32, share, 0));
                let at = |row: u32, column: u32| source[row as usize * width + column as usize];
                for columns in columns.chunks(COLUMNS) {
                    let mut out = vec![-1.0; rows.len() * COLUMNS + SLACK];
                    // SAFETY: ascending, and within the matrix.
                    unsafe { gather(isa, COLUMNS, (&source, width), &rows, columns, &mut out) };
                    for (out, &row) in out.chunks(COLUMNS).zip(&rows) {
                        columns.iter().zip(out).for_each(|(&column, out)| assert_eq!(*out, at(row, column)));
                    }
                }
                for mr in [2, 16, 64] {
                    let mut block = vec![-1.0; COLUMNS * COLUMNS + SLACK];
                    for rows in rows.chunks(mr) {
                        let mut out = vec![-1.0; columns.len().next_multiple_of(COLUMNS) * mr];
                        // SAFETY: as above.
                        unsafe { gather_transposed(isa, mr, (&source, width), rows, &columns, &mut block, &mut out) };
                        for (out, &column) in out.chunks(mr).zip(&columns) {
                            rows.iter().zip(out).for_each(|(&row, out)| assert_eq!(*out, at(row, column)));
                        }
                    }
                }
                if rows.is_empty() || columns.is_empty() {
                    continue;
                }
                let values: Vec<f32> = (0..rows.len() * columns.len()).map(|i| 1e5 + i as f32).collect();
                let mut target = source.clone();
                // SAFETY: as above.
                unsafe {
                    scatter_add(
                        isa,
                        MatMut { first: target.as_mut_ptr(), stride: width },
                        (0, &rows),
                        (0, &columns),
                        &values,
                    )
                };
                let mut values = values.iter();
                let mut expected = source.clone();
                for &row in &rows {
                    for &column in &columns {
                        expected[row as usize * width + column as usize] += values.next().unwrap();
                    }
                }
                let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&target), bits(&expected), "{} {height} x {width}", isa.name());
            }
        }
    }
}
