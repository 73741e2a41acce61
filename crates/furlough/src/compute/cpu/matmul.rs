//! Matrix products in either precision: how factors are packed and which kernels multiply them.
//! Packed factors are words of 32 bits: a number, or two neighbors in depth in bfloat16.

use super::bf16::{self, Engine};
use super::blocking::{AMX_K, BF16_MR, BF16_NR, LINE};
use super::gemm::{self, Kernels};
use super::matrix::{MatMut, MatView, Panels, Rows, Scale, Shape};
use super::non_temporal::{copy_lines, copy_rows, finish};
use super::simd::for_each_isa;
use super::sparse::{self, SparseKernel};
use super::transpose::transpose_to;
use super::{Isa, Precision};

/// The kernels of products, and with them the layout of packed factors.
#[derive(Clone)]
pub(super) enum Matmul {
    /// Single precision. For bfloat16 without instructions of its own, factors are rounded as they
    /// are packed: the product of two such numbers is exact in single precision.
    Single { isa: Isa, kernels: Kernels, precision: Precision },
    /// The instructions for bfloat16.
    Bf16 { isa: Isa, engine: Engine },
}

impl Matmul {
    pub(super) fn new(isa: Isa, precision: Precision) -> Self {
        let engine = Engine::available(isa).first().copied();
        match engine.filter(|_| precision == Precision::Bf16) {
            Some(engine) => Matmul::Bf16 { isa, engine },
            None => Matmul::Single { isa, kernels: Kernels::of(isa), precision },
        }
    }

    /// Returns the name of the instructions that multiply.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Matmul::Single { isa, .. } => isa.name(),
            Matmul::Bf16 { engine, .. } => engine.name(),
        }
    }

    pub(super) fn isa(&self) -> Isa {
        match self {
            Matmul::Single { isa, .. } | Matmul::Bf16 { isa, .. } => *isa,
        }
    }

    pub(super) fn precision(&self) -> Precision {
        match self {
            Matmul::Single { precision, .. } => *precision,
            Matmul::Bf16 { .. } => Precision::Bf16,
        }
    }

    /// Returns whether packed factors are the numbers themselves.
    pub(super) fn is_exact(&self) -> bool {
        self.precision() == Precision::F32
    }

    /// Returns the kernel that skips zeros, where there is one.
    pub(super) fn sparse(&self) -> Option<SparseKernel> {
        match self {
            Matmul::Single { isa, kernels, .. } => SparseKernel::single(*isa, kernels),
            Matmul::Bf16 { isa, engine } => engine.sparse(*isa),
        }
    }

    /// Returns the columns of a panel.
    pub(super) fn mr(&self) -> usize {
        match self {
            Matmul::Single { kernels, .. } => kernels.mr,
            Matmul::Bf16 { .. } => BF16_MR,
        }
    }

    /// Returns the rows that a kernel multiplies at once.
    pub(super) fn nr(&self) -> usize {
        match self {
            Matmul::Single { kernels, .. } => kernels.nr,
            Matmul::Bf16 { .. } => BF16_NR,
        }
    }

    /// Returns the columns of a vector.
    pub(super) fn vector(&self) -> usize {
        match self {
            Matmul::Single { kernels, .. } => kernels.vector,
            Matmul::Bf16 { .. } => 16,
        }
    }

    /// Returns the words of a row, or of a column of a panel, for a product so deep.
    pub(super) fn packed_k(&self, depth: usize) -> usize {
        match self {
            Matmul::Single { .. } => depth,
            Matmul::Bf16 { .. } => depth.div_ceil(2).next_multiple_of(AMX_K),
        }
    }

    /// Returns the words of a panel for a product so deep.
    pub(super) fn panel(&self, depth: usize) -> usize {
        self.packed_k(depth) * self.mr()
    }

    /// Returns the words of the panels of so many columns.
    pub(super) fn panels(&self, columns: usize, depth: usize) -> usize {
        columns.div_ceil(self.mr()) * self.panel(depth)
    }

    /// Returns the stride of rows that [`Self::pack_columns`] packs: whole cache lines, and an odd
    /// number of them, so that rows do not compete for the same places of a cache.
    pub(super) fn row_stride(&self, depth: usize) -> usize {
        (self.packed_k(depth).div_ceil(LINE) | 1) * LINE
    }

    /// Returns the words of so many such rows: kernels for bfloat16 read whole groups of rows.
    pub(super) fn packed_rows(&self, rows: usize, depth: usize) -> usize {
        rows.next_multiple_of(BF16_NR) * self.row_stride(depth)
    }

    /// Returns the words of scratch that [`Self::pack_rows`] takes.
    pub(super) fn row_scratch(&self, rows: usize, depth: usize) -> usize {
        if self.is_exact() { 0 } else { rows.next_multiple_of(BF16_NR) * self.packed_k(depth) }
    }

    /// Packs the rows of `source` as the columns of a panel; its columns are the depth. What lies
    /// in the panel beyond its columns stays as it is.
    pub(super) fn pack_panel_of_rows(&self, source: MatView<'_>, panel: &mut [u32], non_temporal: bool) {
        assert!(source.rows <= self.mr() && panel.len() >= self.panel(source.columns));
        match self {
            Matmul::Single { isa, kernels, precision } => {
                let (panel, exact) = (floats_mut(panel), self.is_exact());
                let to = MatMut { first: panel.as_mut_ptr(), stride: kernels.mr };
                // SAFETY: just checked. What is to be rounded is wanted in cache.
                unsafe { transpose_to(*isa, source, to, non_temporal && exact) };
                round(*isa, *precision, panel);
            }
            Matmul::Bf16 { engine, .. } => bf16::pack_panel_of_rows(*engine, source, panel, non_temporal),
        }
    }

    /// Packs the columns of `source`, at most a panel of them, whose rows are the depth.
    pub(super) fn pack_panel(&self, source: MatView<'_>, panel: &mut [u32], non_temporal: bool) {
        match self {
            Matmul::Single { isa, kernels, precision } => {
                let panel = floats_mut(panel);
                if non_temporal && self.is_exact() && source.columns == kernels.mr {
                    copy_lines(*isa, source, panel);
                    finish();
                } else {
                    copy_rows(*isa, source, panel, kernels.mr);
                    round(*isa, *precision, panel);
                }
            }
            Matmul::Bf16 { engine, .. } => bf16::pack_panel(*engine, source, panel, non_temporal),
        }
    }

    /// Packs each column of `source` as a row, `stride` words apart; the rows of `source` are the
    /// depth.
    ///
    /// # Safety
    /// `packed_k(rows)` words of each row may be written from `to` on, and nobody else uses them
    /// now.
    pub(super) unsafe fn pack_columns(&self, source: MatView<'_>, to: *mut u32, stride: usize, non_temporal: bool) {
        // SAFETY: as promised.
        unsafe {
            match self {
                Matmul::Single { isa, precision, .. } => {
                    let exact = self.is_exact();
                    transpose_to(*isa, source, MatMut { first: to.cast(), stride }, non_temporal && exact);
                    for column in 0..if exact { 0 } else { source.columns } {
                        let row = std::slice::from_raw_parts_mut(to.add(column * stride).cast(), source.rows);
                        round(*isa, *precision, row);
                    }
                }
                Matmul::Bf16 { engine, .. } => bf16::pack_columns(*engine, source, to, stride, non_temporal),
            }
        }
    }

    /// Returns contiguous rows as the product wants them: as they are, or packed into `scratch`,
    /// whose length is [`Self::row_scratch`].
    pub(super) fn pack_rows(&self, source: MatView<'_>, scratch: &mut [u32]) -> Rows {
        assert!(source.data.len() >= source.rows * source.columns && source.stride == source.columns);
        let values = &source.data[..source.rows * source.columns];
        match self {
            Matmul::Single { precision: Precision::F32, .. } => Rows { first: values.as_ptr(), stride: source.columns },
            Matmul::Single { isa, precision, .. } => {
                let copy = floats_mut(&mut scratch[..values.len()]);
                copy.copy_from_slice(values);
                round(*isa, *precision, copy);
                Rows { first: copy.as_ptr(), stride: source.columns }
            }
            Matmul::Bf16 { engine, .. } => {
                let stride = self.packed_k(source.columns);
                let words = &mut scratch[..source.rows.next_multiple_of(BF16_NR) * stride];
                bf16::pack_rows(*engine, values, source.columns, words);
                Rows { first: words.as_ptr().cast(), stride }
            }
        }
    }

    /// Returns packed panels, `stride` words apart.
    pub(super) fn packed(&self, words: &[u32], stride: usize) -> Panels {
        Panels { first: words.as_ptr().cast(), stride, k_stride: self.mr() }
    }

    /// Returns the columns of a row-major matrix where they lie. Whole vectors of them are read.
    pub(super) fn in_place(&self, values: &[f32], stride: usize) -> Panels {
        Panels { first: values.as_ptr(), stride: self.mr(), k_stride: stride }
    }

    /// `out = alpha * rows * panels + beta * out`, without the zeros of the rows if `skip_zeros`,
    /// which changes no bit where all numbers are finite. The depth is the one that is multiplied,
    /// not packed.
    ///
    /// # Safety
    /// All of the factors may be read: of the panels whole vectors, in bfloat16 whole panels and
    /// groups of rows. `out` may be written, is in no factor, and nobody else uses it now. Zeros
    /// are skipped only where [`Self::sparse`] is some.
    pub(super) unsafe fn multiply(
        &self,
        shape: Shape,
        (out, scale): (MatMut, Scale),
        panels: Panels,
        rows: Rows,
        skip_zeros: bool,
    ) {
        let shape = Shape { depth: self.packed_k(shape.depth), ..shape };
        // SAFETY: as promised.
        unsafe {
            match (self, self.sparse().filter(|_| skip_zeros)) {
                (_, Some(kernel)) => sparse::multiply(kernel, shape, (out, scale), panels, rows),
                (Matmul::Single { kernels, .. }, _) => gemm::multiply(kernels, shape, out, scale, panels, rows),
                (Matmul::Bf16 { isa, engine }, _) => {
                    bf16::multiply((*isa, *engine), shape, (out, scale), panels, rows);
                }
            }
        }
    }
}

/// Rounds factors that were just packed, while they are in cache.
fn round(isa: Isa, precision: Precision, values: &mut [f32]) {
    for_each_isa! {
        fn bf16(isa, values: &mut [f32]) {
            values.iter_mut().for_each(|value| *value = Precision::Bf16.round(*value));
        }
    }
    if precision == Precision::Bf16 {
        bf16(isa, values);
    }
}

/// Returns words as the numbers of single precision that they hold.
pub(super) fn floats(words: &[u32]) -> &[f32] {
    // SAFETY: of the same size and alignment, and all bits are a value of either.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), words.len()) }
}

/// [`floats`] to be written.
pub(super) fn floats_mut(words: &mut [u32]) -> &mut [f32] {
    // SAFETY: as above.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len()) }
}
