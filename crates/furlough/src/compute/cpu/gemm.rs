//! Matrix products, by the `gemm` crate.

/// A matrix somewhere in memory: element (i, j) is at `first + i * rows + j * columns`.
#[derive(Clone, Copy)]
pub(super) struct View<P> {
    pub first: P,
    pub row_stride: usize,
    pub column_stride: usize,
}

impl<P> View<P> {
    /// Row-major, with rows `width` apart.
    pub(super) fn rows(first: P, width: usize) -> Self {
        View { first, row_stride: width, column_stride: 1 }
    }

    /// The transpose.
    pub(super) fn t(self) -> Self {
        View { first: self.first, row_stride: self.column_stride, column_stride: self.row_stride }
    }
}

/// `out = keep * out + factor * a · b` on the calling thread, with out: m × n, a: m × k, b: k × n. With `keep` = 0 what was in `out`
/// is not read.
///
/// # Safety
/// All elements of the three matrices lie in memory that may be read (and for `out` written) now, and no element of
/// `out` is shared with `a` or `b` or with another thread.
pub(super) unsafe fn gemm(
    (m, n, k): (usize, usize, usize),
    out: View<*mut f32>,
    keep: f32,
    factor: f32,
    a: View<*const f32>,
    b: View<*const f32>,
) {
    // SAFETY: the caller's promise is the crate's requirement.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.first,
            out.column_stride as isize,
            out.row_stride as isize,
            keep != 0.0,
            a.first,
            a.column_stride as isize,
            a.row_stride as isize,
            b.first,
            b.column_stride as isize,
            b.row_stride as isize,
            keep,
            factor,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
