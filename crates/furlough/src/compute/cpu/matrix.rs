//! The matrices that kernels take: row-major views and packed panels.

use super::Isa;
use super::simd::for_each_isa;

/// Rows, columns and depth of a product, whose columns are what vectors hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) depth: usize,
}

/// A row-major matrix to be read: row `i` begins at `i * stride`.
#[derive(Clone, Copy)]
pub(super) struct MatView<'a> {
    pub(super) data: &'a [f32],
    pub(super) stride: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl<'a> MatView<'a> {
    /// Whole rows, one after the other.
    pub(super) fn contiguous(data: &'a [f32], columns: usize) -> Self {
        MatView { data, stride: columns, rows: data.len() / columns, columns }
    }

    /// Returns the rectangle of these columns, of which `count` rows follow from `row` on.
    pub(super) fn part(self, row: usize, count: usize, columns: std::ops::Range<usize>) -> Self {
        let start = row * self.stride + columns.start;
        MatView { data: &self.data[start..], rows: count, columns: columns.len(), ..self }
    }

    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &'a [f32] {
        &self.data[row * self.stride..][..self.columns]
    }
}

/// A row-major matrix to be written, by one of several threads.
#[derive(Clone, Copy)]
pub(super) struct MatMut {
    pub(super) first: *mut f32,
    pub(super) stride: usize,
}

impl MatMut {
    /// Returns the matrix from a row and a column on.
    ///
    /// # Safety
    /// The matrix goes as far.
    pub(super) unsafe fn from(self, row: usize, column: usize) -> MatMut {
        // SAFETY: within the matrix, as promised.
        MatMut { first: unsafe { self.first.add(row * self.stride + column) }, ..self }
    }
}

/// The factor whose rows are broadcast: row `j`, depth `k` is at `first + j * stride + k`. In
/// bfloat16 an element is a word of two neighbors in depth.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub(super) first: *const f32,
    pub(super) stride: usize,
}

/// The factor whose columns the vectors hold, in panels of `mr` columns: column `i`, depth `k` is
/// at `first + i / mr * stride + i % mr + k * k_stride`.
#[derive(Clone, Copy)]
pub(super) struct Panels {
    pub(super) first: *const f32,
    pub(super) stride: usize,
    pub(super) k_stride: usize,
}

/// How a product meets what is there: `C = alpha * A * B + beta * C`. With `beta` = 0 C is not
/// read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) alpha: f32,
    pub(super) beta: f32,
}

impl Scale {
    /// `C = A * B`.
    pub(super) const SET: Scale = Scale { alpha: 1.0, beta: 0.0 };

    /// The scale of a later block of the depth, which adds to the blocks before it.
    pub(super) fn of_block(self, start: usize) -> Scale {
        if start == 0 { self } else { Scale { beta: 1.0, ..self } }
    }
}

/// Combines finished sums with a rectangle of `out`, as [`Scale`] says: what a kernel of single
/// precision does with its sums, operation for operation.
///
/// # Safety
/// There are sums for so many rows and columns. The rectangle may be written, by nobody else now.
pub(super) unsafe fn store(isa: Isa, out: MatMut, scale: Scale, (rows, columns): (usize, usize), sums: MatMut) {
    for row in 0..rows {
        // SAFETY: as promised.
        unsafe {
            let sums = std::slice::from_raw_parts(sums.first.add(row * sums.stride), columns);
            let values = std::slice::from_raw_parts_mut(out.first.add(row * out.stride), columns);
            store_row(isa, values, sums, scale);
        }
    }
}

for_each_isa! {
    // Closures are not compiled for the instruction set: each `mul_add` would be a call.
    fn store_row(isa, out: &mut [f32], sums: &[f32], scale: Scale) {
        let Scale { alpha, beta } = scale;
        if beta == 0.0 {
            for (out, &sum) in out.iter_mut().zip(sums) {
                *out = alpha * sum;
            }
        } else if beta == 1.0 {
            for (out, &sum) in out.iter_mut().zip(sums) {
                *out = alpha.mul_add(sum, *out);
            }
        } else {
            for (out, &sum) in out.iter_mut().zip(sums) {
                *out = beta * *out + alpha * sum;
            }
        }
    }
}
