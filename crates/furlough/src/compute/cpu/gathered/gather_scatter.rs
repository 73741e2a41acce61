//! Moving what is kept together, and apart again.

use super::super::Isa;
use super::super::blocking::GATHERED_COLUMNS as COLUMNS;
use super::super::matrix::{MatMut, MatView};
#[cfg(target_arch = "x86_64")]
use super::super::simd::Level;
use super::super::simd::for_each_isa;
use super::super::transpose::transpose;
#[cfg(target_arch = "x86_64")]
use super::moves::{FOUR, Move};

/// What a gathering or transposing move may write, and a scattering one read, beyond the last row.
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
    #[cfg(target_arch = "x86_64")]
    let (matrix, values) = (source.as_ptr().cast_mut(), out.as_mut_ptr());
    #[cfg(target_arch = "x86_64")]
    let moved = Move { matrix, stride: width, rows, columns, values, count: mr };
    match isa.0 {
        // SAFETY: this Isa exists only where the features were detected; the elements are within
        // `source` as promised, and a row's stores end less than SLACK behind it.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { moved.gather_avx512() },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 if width >= FOUR => unsafe { moved.gather_avx2() },
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
/// When there are fewer values than rows × columns and [`SLACK`], when there is no column, and when
/// the columns span more than 512.
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
    let (Some(&last), count) = (columns.last(), columns.len()) else { panic!("columns") };
    assert!(last - origin < 512 && values.len() >= rows.len() * count + SLACK);
    let (matrix, stride) = (target.first.wrapping_sub(first as usize * target.stride + origin as usize), target.stride);
    #[cfg(target_arch = "x86_64")]
    let moved = Move { matrix, stride, rows, columns, values: values.as_ptr().cast_mut(), count };
    match isa.0 {
        // SAFETY: this Isa exists only where the features were detected; places as promised, values
        // as checked.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { moved.scatter_avx512() },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 if count >= FOUR => unsafe { moved.scatter_avx2() },
        _ => {
            for (&row, values) in rows.iter().zip(values.chunks_exact(count)) {
                for (&column, value) in columns.iter().zip(values) {
                    // SAFETY: one of the places.
                    unsafe { *matrix.wrapping_add(row as usize * stride + column as usize) += value };
                }
            }
        }
    }
}
