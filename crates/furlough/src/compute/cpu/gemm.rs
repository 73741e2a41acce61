//! Matrix products: the register-level kernels of the `gemm` crate, on matrices that were packed for them beforehand.
//!
//! The crate's own driver packs anew for every call and allocates the room for it. A step multiplies the same weights with
//! one row tile after another, so they are packed once a step, and no call allocates (decision 003 has the figures).
//!
//! Packed means cut into panels of `lanes` neighbouring outputs, each panel contiguous: `panel[k][lane]`, the last one padded
//! with whatever is there, of which nothing is used.

use super::simd::{Isa, Level, for_each_isa, prefetch};
use super::transpose::turn_to;
use std::ops::Range;

/// `kernel(m, n, k, out, a, b, out column stride, out row stride, a stride, b row stride, b column stride,
/// keep, factor, keep status, three conjugations, prefetch)`; see the crate's `MicroKernelFn`.
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

/// The kernels of an instruction set: `table[vectors - 1][columns - 1]`.
pub(super) struct Kernels {
    table: &'static [Kernel],
    /// Outputs of one panel.
    pub(super) lanes: usize,
    /// Outputs of one vector.
    pub(super) vector: usize,
    /// Rows of `b` that one kernel takes.
    pub(super) group: usize,
}

macro_rules! kernels {
    ($module:path, $vector:expr) => {{
        use $module::{MR_DIV_N, NR, UKR};
        static TABLE: [[Kernel; NR]; MR_DIV_N] = UKR;
        Kernels { table: TABLE.as_flattened(), lanes: MR_DIV_N * $vector, vector: $vector, group: NR }
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

impl Kernels {
    /// How many panels `outputs` outputs make.
    pub(super) fn panels(&self, outputs: usize) -> usize {
        outputs.div_ceil(self.lanes)
    }
}

/// Depth that is multiplied at a time, so that a block of a panel (256 KB with AVX-512) stays in the second-level cache while it meets all
/// rows. Depths from 128 to 784 differed by less than the noise on the tutorial's job.
pub(super) const DEPTH: usize = 1024;

/// Outputs whose panels meet a group of rows while it is in the first-level cache, or one panel where that is wider. Rows of a wide layer come from
/// beyond the second-level cache, and with AVX2 this quarters what is read from there (decision 003).
const TOGETHER: usize = 64;

/// The factor that is not packed into panels: the element of row `j` and depth `k` is at
/// `first + j / group * groups + j % group * rows + k * depths`, where `group` is how many rows a kernel takes.
#[derive(Clone, Copy)]
pub(super) struct Factor {
    pub(super) first: *const f32,
    pub(super) groups: usize,
    pub(super) rows: usize,
    pub(super) depths: usize,
}

impl Kernels {
    /// A row-major matrix with rows `width` apart.
    pub(super) fn row_major(&self, first: *const f32, width: usize) -> Factor {
        Factor { first, groups: self.group * width, rows: width, depths: 1 }
    }

    /// What [`pack_groups`] leaves, `depth` deep.
    pub(super) fn grouped(&self, first: *const f32, depth: usize) -> Factor {
        Factor { first, groups: self.group * depth, rows: 1, depths: self.group }
    }
}

/// The factor whose outputs the lanes of the kernels take: output `i` and depth `k` is at
/// `first + i / lanes * panels + i % lanes + k * depths`.
#[derive(Clone, Copy)]
pub(super) struct Panels {
    pub(super) first: *const f32,
    pub(super) panels: usize,
    pub(super) depths: usize,
}

impl Kernels {
    /// Packed panels, `panels` elements apart.
    pub(super) fn packed(&self, first: *const f32, panels: usize) -> Panels {
        Panels { first, panels, depths: self.lanes }
    }

    /// The columns of a row-major matrix with rows `width` apart, where they lie. As whole vectors are read, `width` must be a multiple
    /// of [`Self::vector`].
    pub(super) fn columns(&self, first: *const f32, width: usize) -> Panels {
        Panels { first, panels: self.lanes, depths: width }
    }
}

/// `out[j][i] = keep * out[j][i] + factor * Σ_k a[i][k] · b[j][k]` for j < `rows`, i < `outputs`, k < `depth`. Rows of `out` are `stride` apart. With `keep` = 0 what was in `out` is not read.
///
/// A kernel for `width` outputs reads whole vectors of `a`, `width` rounded up, which a packed panel's padding holds; of `b` it reads the
/// elements of its rows and depths only, and of `out` it reads and writes exactly its rectangle (what is not a whole panel and
/// group goes through the stack). It takes at least one depth: with `depth` = 0 `out` stays as it was.
///
/// # Safety
/// All elements of the three matrices, and the padding of the panels of `a`, lie in memory that may be read (and for `out` written) now; no element of `out` is
/// shared with `a` or `b` or used by another thread; and the kernels are of an instruction set that this machine has.
pub(super) unsafe fn multiply(
    kernels: &Kernels,
    (rows, outputs, depth): (usize, usize, usize),
    (out, stride): (*mut f32, usize),
    (keep, factor): (f32, f32),
    a: Panels,
    b: Factor,
) {
    let Kernels { table, lanes, vector, group } = *kernels;
    let together = TOGETHER.div_ceil(lanes);
    let Panels { first: a, panels, depths } = a;
    for start in (0..depth).step_by(DEPTH) {
        let depth = DEPTH.min(depth - start);
        // After the first block the product so far is kept whole.
        let keep = if start == 0 { keep } else { 1.0 };
        let status = if keep == 0.0 {
            0
        } else if keep == 1.0 {
            1
        } else {
            2
        };
        // SAFETY: this depth is within both matrices.
        let (a, b_first) = unsafe { (a.add(start * depths), b.first.add(start * b.depths)) };
        for (some, first) in (0..outputs).step_by(together * lanes).enumerate() {
            let last = outputs.min(first + together * lanes);
            for (index, row) in (0..rows).step_by(group).enumerate() {
                let count = group.min(rows - row);
                for (panel, first) in (first..last).step_by(lanes).enumerate() {
                    let width = lanes.min(outputs - first);
                    let kernel = table[(width.div_ceil(vector) - 1) * group + count - 1];
                    // A kernel comes to its outputs last, and finds them in cache if it says at once that it will.
                    for row in row..row + count {
                        prefetch(out.wrapping_add(row * stride + first).cast(), size_of::<f32>() * width);
                    }
                    // SAFETY: `width` outputs of `count` rows, at most one panel and one group, all within the matrices;
                    // `vectors` of this kernel times `vector` is at most `lanes`, the width of a panel.
                    unsafe {
                        kernel(
                            width,
                            count,
                            depth,
                            out.add(row * stride + first),
                            a.add((some * together + panel) * panels),
                            b_first.add(index * b.groups),
                            stride as isize,
                            1,
                            depths as isize,
                            b.depths as isize,
                            b.rows as isize,
                            keep,
                            factor,
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

/// Packs rows `range` of a row-major matrix, rows `width` apart, as the outputs of `panel`: its `width × lanes` elements, of which those
/// without an output are left as they are. Past the caches if `streaming`.
pub(super) fn pack_panel(
    isa: Isa,
    lanes: usize,
    (source, width, range): (&[f32], usize, Range<usize>),
    panel: &mut [f32],
    streaming: bool,
) {
    assert!(range.len() <= lanes && panel.len() >= width * lanes);
    let source = &source[range.start * width..];
    // SAFETY: just checked.
    unsafe { turn_to(isa, (source, width), (range.len(), width), (panel.as_mut_ptr(), lanes), streaming) };
}

for_each_isa! {
    /// Packs `count` columns of row-major rows `width` apart, the first row beginning at `source`, into rows of `lanes`.
    pub(super) fn pack_rows(isa, lanes: usize, source: &[f32], width: usize, count: usize, packed: &mut [f32]) {
        copy_rows(lanes, source, width, count, packed);
    }
}

for_each_isa! {
    /// Packs `rows` rows of a [`Factor`], whose element of row `j` and depth `k` is `source[k * width + j]`: groups of `group` rows, each contiguous,
    /// `[k][row]`. A last group that is not full leaves gaps. Of a depth of `depths.1`, these are so many from `depths.0.start` on.
    pub(super) fn pack_groups(isa, group: usize, source: &[f32], width: usize, rows: usize, depths: (Range<usize>, usize), packed: &mut [f32]) {
        let place = depths.0.start * group..depths.0.end * group;
        for (first, values) in (0..rows).step_by(group).zip(packed.chunks_exact_mut(group * depths.1)) {
            copy_rows(group, &source[first..], width, group.min(rows - first), &mut values[place.clone()]);
        }
    }
}

/// `count` elements from the start of each row of `source`, rows `width` apart, to the start of each row of `out`, `to` apart. A copy of
/// constant length is a few moves; one of variable length is a call, so the lengths that matter are spelt out.
#[inline(always)]
fn copy_rows(to: usize, source: &[f32], width: usize, count: usize, out: &mut [f32]) {
    match (to, count) {
        (64, 64) => copy_rows_of::<64>(source, width, out),
        (16, 16) => copy_rows_of::<16>(source, width, out),
        (6, 6) => copy_rows_of::<6>(source, width, out),
        (4, 4) => copy_rows_of::<4>(source, width, out),
        _ => {
            for (row, out) in out.chunks_exact_mut(to).enumerate() {
                out[..count].copy_from_slice(&source[row * width..][..count]);
            }
        }
    }
}

#[inline(always)]
fn copy_rows_of<const COUNT: usize>(source: &[f32], width: usize, out: &mut [f32]) {
    let (rows, _) = out.as_chunks_mut::<COUNT>();
    for (row, out) in rows.iter_mut().enumerate() {
        out.copy_from_slice(&source[row * width..][..COUNT]);
    }
}
