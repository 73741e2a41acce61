//! Dense products in single precision: the register-level kernels of the `gemm` crate under our own
//! blocking, on factors that were packed beforehand.
//!
//! The crate's driver packs for every call and allocates room for it. A step multiplies the same
//! weights with one row tile after another, so they are packed once a step and no call allocates.

use super::blocking::{KC, NC};
use super::matrix::{MatMut, Panels, Rows, Scale, Shape};
use super::simd::{Isa, Level, prefetch};

/// The crate's `MicroKernelFn`: `kernel(m, n, k, out, a, b, out column stride, out row stride, a
/// stride, b row stride, b column stride, beta, alpha, beta status, three conjugations, prefetch)`.
type Kernel = unsafe fn(
    usize,
    usize,
    usize,
    *mut f32,
    *const f32,
    *const f32,
    isize,
    isize,
    isize,
    isize,
    isize,
    f32,
    f32,
    u8,
    bool,
    bool,
    bool,
    *const f32,
);

/// The kernels of an instruction set: `table[(vectors - 1) * nr + rows - 1]`.
#[derive(Clone)]
pub(super) struct Kernels {
    table: &'static [Kernel],
    /// Columns of one panel.
    pub(super) mr: usize,
    /// Columns of one vector.
    pub(super) vector: usize,
    /// Rows that one kernel takes.
    pub(super) nr: usize,
}

macro_rules! kernels {
    ($module:path, $vector:expr) => {{
        use $module::{MR_DIV_N, NR, UKR};
        static TABLE: [[Kernel; NR]; MR_DIV_N] = UKR;
        Kernels { table: TABLE.as_flattened(), mr: MR_DIV_N * $vector, vector: $vector, nr: NR }
    }};
}

impl Kernels {
    pub(super) fn of(isa: Isa) -> Kernels {
        match isa.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => kernels!(gemm_f32::microkernel::avx512f::f32, 16),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => kernels!(gemm_f32::microkernel::fma::f32, 8),
            #[cfg(target_arch = "aarch64")]
            Level::Baseline => kernels!(gemm_f32::microkernel::neon::f32, 4),
            #[cfg(not(target_arch = "aarch64"))]
            Level::Baseline => kernels!(gemm_f32::microkernel::scalar::f32, 1),
        }
    }
}

/// `out = alpha * rows * panels + beta * out`. A kernel reads whole vectors of the panels,
/// `columns` rounded up, which a packed panel's padding holds; of `out` it touches exactly the
/// rectangle.
///
/// # Safety
/// All elements of the three matrices, and the padding of the panels, may be read, and `out`
/// written, now; no element of `out` is in another matrix or used by another thread; this machine
/// has the kernels' instruction set.
pub(super) unsafe fn multiply(kernels: &Kernels, shape: Shape, out: MatMut, scale: Scale, a: Panels, b: Rows) {
    let Kernels { table, mr, vector, nr } = *kernels;
    let Shape { rows, columns, depth } = shape;
    let step = NC.next_multiple_of(mr);
    for start in (0..depth).step_by(KC) {
        let depth = KC.min(depth - start);
        let Scale { alpha, beta } = scale.of_block(start);
        let status = if beta == 0.0 { 0 } else { 2 - u8::from(beta == 1.0) };
        for some in (0..columns).step_by(step) {
            for row in (0..rows).step_by(nr) {
                let count = nr.min(rows - row);
                for first in (some..columns.min(some + step)).step_by(mr) {
                    let width = mr.min(columns - first);
                    let kernel = table[(width.div_ceil(vector) - 1) * nr + count - 1];
                    // A kernel reads its outputs last. Asked for now, they are in cache by then.
                    for row in row..row + count {
                        let place = out.first.wrapping_add(row * out.stride + first);
                        prefetch(place.cast(), size_of::<f32>() * width);
                    }
                    // SAFETY: `width` columns of `count` rows, at most one panel and one group of
                    // rows, all within the matrices.
                    unsafe {
                        kernel(
                            width,
                            count,
                            depth,
                            out.first.add(row * out.stride + first),
                            a.first.add(first / mr * a.stride + start * a.k_stride),
                            b.first.add(row * b.stride + start),
                            out.stride as isize,
                            1,
                            a.k_stride as isize,
                            1,
                            b.stride as isize,
                            beta,
                            alpha,
                            status,
                            false,
                            false,
                            false,
                            std::ptr::null(),
                        );
                    }
                }
            }
        }
    }
}
