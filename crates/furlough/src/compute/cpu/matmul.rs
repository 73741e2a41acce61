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
pub(super) struct Matmul {
    pub(super) isa: Isa,
    pub(super) precision: Precision,
    /// The instructions for bfloat16. Without any, factors are rounded as they are packed: the
    /// product of two such numbers is exact in single precision.
    engine: Option<Engine>,
    kernels: Kernels,
    /// The kernel that skips zeros, where there is one.
    pub(super) sparse: Option<SparseKernel>,
    /// Columns of a panel, rows that a kernel multiplies at once, and columns of a vector.
    pub(super) mr: usize,
    pub(super) nr: usize,
    pub(super) vector: usize,
}

impl Matmul {
    /// Takes the best kernels beside those of `isa`.
    pub(super) fn new(isa: Isa, precision: Precision) -> Self {
        let engine = Engine::available(isa).first().copied();
        Matmul::with(isa, precision, engine.filter(|_| precision == Precision::Bf16))
    }

    pub(super) fn with(isa: Isa, precision: Precision, engine: Option<Engine>) -> Self {
        let kernels = Kernels::of(isa);
        let (mr, nr, vector) = match engine {
            Some(_) => (BF16_MR, BF16_NR, 16),
            None => (kernels.mr, kernels.nr, kernels.vector),
        };
        let sparse = engine.map_or_else(|| SparseKernel::single(isa, &kernels), |engine| engine.sparse(isa));
        Matmul { isa, precision, engine, kernels, sparse, mr, nr, vector }
    }

    /// Returns the name of the instructions that multiply.
    pub(super) fn name(&self) -> &'static str {
        self.engine.map_or(self.isa.name(), Engine::name)
    }

    /// Returns whether packed factors are the numbers themselves.
    pub(super) fn is_exact(&self) -> bool {
        self.precision.is_f32()
    }

    /// Returns whether a word of packed factors is two numbers.
    pub(super) fn takes_pairs(&self) -> bool {
        self.engine.is_some()
    }

    /// Returns the words of a row, or of a column of a panel, for a product so deep.
    pub(super) fn packed_k(&self, depth: usize) -> usize {
        if self.takes_pairs() { depth.div_ceil(2).next_multiple_of(AMX_K) } else { depth }
    }

    /// Returns the words of a panel for a product so deep.
    pub(super) fn panel(&self, depth: usize) -> usize {
        self.packed_k(depth) * self.mr
    }

    /// Returns the words of the panels of so many columns.
    pub(super) fn panels(&self, columns: usize, depth: usize) -> usize {
        columns.div_ceil(self.mr) * self.panel(depth)
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
        assert!(source.rows <= self.mr && panel.len() >= self.panel(source.columns));
        if let Some(engine) = self.engine {
            return bf16::pack_panel_of_rows(engine, source, panel, non_temporal);
        }
        let panel = floats_mut(panel);
        let to = MatMut { first: panel.as_mut_ptr(), stride: self.mr };
        // SAFETY: just checked. What is to be rounded is wanted in cache.
        unsafe { transpose_to(self.isa, source, to, non_temporal && self.is_exact()) };
        self.round(panel);
    }

    /// Packs the columns of `source`, at most a panel of them, whose rows are the depth.
    pub(super) fn pack_panel(&self, source: MatView<'_>, panel: &mut [u32], non_temporal: bool) {
        if let Some(engine) = self.engine {
            return bf16::pack_panel(engine, source, panel, non_temporal);
        }
        let panel = floats_mut(panel);
        if non_temporal && self.is_exact() && source.columns == self.mr {
            copy_lines(self.isa, source, panel);
            finish();
        } else {
            copy_rows(self.isa, source, panel, self.mr);
            self.round(panel);
        }
    }

    /// Packs each column of `source` as a row, `stride` words apart; the rows of `source` are the
    /// depth.
    ///
    /// # Safety
    /// `packed_k(rows)` words of each row may be written from `to` on, and nobody else uses them
    /// now.
    pub(super) unsafe fn pack_columns(&self, source: MatView<'_>, to: *mut u32, stride: usize, non_temporal: bool) {
        let exact = self.is_exact();
        // SAFETY: as promised.
        unsafe {
            if let Some(engine) = self.engine {
                return bf16::pack_columns(engine, source, to, stride, non_temporal);
            }
            transpose_to(self.isa, source, MatMut { first: to.cast(), stride }, non_temporal && exact);
            for column in 0..if exact { 0 } else { source.columns } {
                self.round(std::slice::from_raw_parts_mut(to.add(column * stride).cast(), source.rows));
            }
        }
    }

    /// Returns contiguous rows as the product wants them: as they are, or packed into `scratch`,
    /// whose length is [`Self::row_scratch`].
    pub(super) fn pack_rows(&self, source: MatView<'_>, scratch: &mut [u32]) -> Rows {
        assert!(source.data.len() >= source.rows * source.columns && source.stride == source.columns);
        let values = &source.data[..source.rows * source.columns];
        if let Some(engine) = self.engine {
            let stride = self.packed_k(source.columns);
            let words = &mut scratch[..source.rows.next_multiple_of(BF16_NR) * stride];
            bf16::pack_rows(engine, values, source.columns, words);
            return Rows { first: words.as_ptr().cast(), stride };
        }
        let mut first = values.as_ptr();
        if !self.is_exact() {
            let copy = floats_mut(&mut scratch[..values.len()]);
            copy.copy_from_slice(values);
            self.round(copy);
            first = copy.as_ptr();
        }
        Rows { first, stride: source.columns }
    }

    /// Returns packed panels, `stride` words apart.
    pub(super) fn packed(&self, words: &[u32], stride: usize) -> Panels {
        Panels { first: words.as_ptr().cast(), stride, k_stride: self.mr }
    }

    /// Returns the columns of a row-major matrix where they lie. Whole vectors of them are read.
    pub(super) fn in_place(&self, values: &[f32], stride: usize) -> Panels {
        Panels { first: values.as_ptr(), stride: self.mr, k_stride: stride }
    }

    /// `out = alpha * rows * panels + beta * out`, without the zeros of the rows if `skip_zeros`,
    /// which changes no bit where all numbers are finite. The depth is the one that is multiplied,
    /// not packed.
    ///
    /// # Safety
    /// All of the factors may be read: of the panels whole vectors, in bfloat16 whole panels and
    /// groups of rows. `out` may be written, is in no factor, and nobody else uses it now. Zeros
    /// are skipped only where `sparse` is some.
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
            match (self.engine, self.sparse.filter(|_| skip_zeros)) {
                (_, Some(kernel)) => sparse::multiply(kernel, shape, (out, scale), panels, rows),
                (None, _) => gemm::multiply(&self.kernels, shape, out, scale, panels, rows),
                (Some(engine), _) => bf16::multiply((self.isa, engine), shape, (out, scale), panels, rows),
            }
        }
    }

    /// Rounds factors that were just packed, while they are in cache.
    fn round(&self, values: &mut [f32]) {
        if !self.is_exact() {
            round(self.isa, values);
        }
    }
}

for_each_isa! {
    fn round(isa, values: &mut [f32]) {
        values.iter_mut().for_each(|value| *value = Precision::Bf16.round(*value));
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
