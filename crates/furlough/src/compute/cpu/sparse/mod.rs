//! Products without the zeros of one factor (docs/internals/sparsity.md): one row at a time meets a
//! block of the panels, and a word of 64 bits says which of its numbers count. With finite factors
//! they give the bits of the dense kernels, but for the sign of a sum that underflows.

// Elsewhere nothing is ever multiplied here.
#[cfg_attr(
    not(target_arch = "x86_64"),
    allow(dead_code, unused_imports, unused_macros, unused_unsafe, unused_variables)
)]
mod kernel;

use super::Isa;
use super::blocking::{KC, SPARSE_KC, SPARSE_ROWS, SPARSE_VECTORS};
use super::gemm::Kernels;
use super::matrix::{MatMut, Panels, Rows, Scale, Shape, store};
use kernel::{Block, ElementType, Marks, mark};
use std::mem::MaybeUninit;

/// Room for so many rows of vectors of sixteen: for the sums of rows, or for a block of panels.
#[repr(align(64))]
struct Room<const ROWS: usize>(MaybeUninit<[[f32; SPARSE_VECTORS * 16]; ROWS]>);

/// Numbers in panels from which on they may lie beyond the second-level cache, and the fewest rows
/// that together need most of them. Then the next block is asked for ahead: no processor foresees
/// what rows with zeros read.
const FAR: usize = 1 << 16;
const FEWEST_ROWS: usize = 8;

/// What is multiplied, and how many columns a panel and a vector of it have.
#[derive(Clone, Copy)]
pub(super) struct SparseKernel {
    elements: ElementType,
    mr: usize,
    pub(super) vector: usize,
}

impl SparseKernel {
    /// Returns the kernel beside these dense ones: with AVX2 and AVX-512 there is one.
    pub(super) fn single(isa: Isa, kernels: &Kernels) -> Option<SparseKernel> {
        let Kernels { mr, vector, .. } = *kernels;
        (vector >= 8).then_some(SparseKernel { elements: ElementType::F32(isa), mr, vector })
    }

    /// Returns the kernel for pairs in bfloat16, on a machine that has AVX512-BF16.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn pairs(isa: Isa, mr: usize) -> SparseKernel {
        SparseKernel { elements: ElementType::Bf16Pairs(isa), mr, vector: 16 }
    }
}

/// The product of the dense kernels without the zeros of `b`. Of pairs, words are the depth.
///
/// # Safety
/// As for [`super::gemm::multiply`]. The machine has the kernel.
pub(super) unsafe fn multiply(kernel: SparseKernel, shape: Shape, (out, scale): (MatMut, Scale), a: Panels, b: Rows) {
    let Shape { rows, columns, depth } = shape;
    let mut marks: [Marks; SPARSE_ROWS] = [[0; KC / SPARSE_KC]; SPARSE_ROWS];
    for top in (0..rows).step_by(SPARSE_ROWS) {
        let count = SPARSE_ROWS.min(rows - top);
        for start in (0..depth).step_by(KC) {
            let depth = KC.min(depth - start);
            // SAFETY: these depths of these rows, within all matrices.
            unsafe {
                let b = Rows { first: b.first.add(top * b.stride + start), ..b };
                for (row, marks) in marks[..count].iter_mut().enumerate() {
                    mark(kernel.elements, std::slice::from_raw_parts(b.first.add(row * b.stride), depth), marks);
                }
                let a = Panels { first: a.first.add(start * a.k_stride), ..a };
                let out = (out.from(top, 0), scale.of_block(start));
                multiply_marked(kernel, Shape { rows, columns, depth }, out, a, b, &marks[..count]);
            }
        }
    }
}

/// [`multiply`] of the rows that have marks, at most a block deep; `shape.rows` are all there will
/// be.
///
/// # Safety
/// As there.
unsafe fn multiply_marked(
    kernel: SparseKernel,
    shape: Shape,
    (out, scale): (MatMut, Scale),
    a: Panels,
    b: Rows,
    marks: &[Marks],
) {
    let SparseKernel { elements, mr, vector } = kernel;
    let Shape { rows, columns, depth } = shape;
    let most = SPARSE_VECTORS * vector;
    let panels = |column: usize, depth: usize| Panels {
        first: a.first.wrapping_add(column / mr * a.stride + depth * a.k_stride),
        ..a
    };
    let far = rows >= FEWEST_ROWS && columns * depth >= FAR;
    // Weights in place: rows of 1 KB fall into half of the first-level cache's sets, of 4 KB into
    // an eighth.
    let pack = rows >= FEWEST_ROWS && a.k_stride > mr;
    let mut sums = Room::<SPARSE_ROWS>(MaybeUninit::uninit());
    let sums = sums.0.as_mut_ptr().cast::<f32>();
    let mut packed = Room::<SPARSE_KC>(MaybeUninit::uninit());
    let packed = packed.0.as_mut_ptr().cast::<f32>();
    for first in (0..columns).step_by(most) {
        let width = most.min(columns - first);
        let vectors = width.div_ceil(vector);
        let whole = width == vectors * vector;
        // SAFETY: all of these depths, rows and columns are within the matrices, and there is room
        // for the sums of so many.
        unsafe {
            let out = out.from(0, first);
            for (word, at) in (0..depth).step_by(SPARSE_KC).enumerate() {
                let (column, then) = if at + SPARSE_KC < depth { (first, at + SPARSE_KC) } else { (first + most, 0) };
                let next = (panels(column, then), SPARSE_KC.min(depth - then));
                let a = match panels(first, at) {
                    a if pack => pack_block(a, (marks, word), vectors * vector, packed),
                    a => a,
                };
                let block = Block {
                    marks,
                    word,
                    b: Rows { first: b.first.add(at), ..b },
                    a,
                    next: (far && column < columns).then_some(next),
                    sums,
                    out: (whole && at + SPARSE_KC >= depth).then_some((out, scale)),
                };
                block.multiply(elements, vectors);
            }
            if !whole {
                let sums = MatMut { first: sums, stride: vectors * vector };
                store(elements.isa(), out, scale, (marks.len(), width), sums);
            }
        }
    }
}

/// Copies a block of `columns` columns where they lie side by side, but for the depths at which no
/// row has a number.
///
/// # Safety
/// The columns of these depths may be read, and so many numbers of `to` written.
unsafe fn pack_block(a: Panels, (marks, word): (&[Marks], usize), columns: usize, to: *mut f32) -> Panels {
    let mut depths = marks.iter().fold(0, |depths, marks| depths | marks[word]);
    while depths != 0 {
        let depth = depths.trailing_zeros() as usize;
        depths &= depths - 1;
        // SAFETY: as promised.
        unsafe { std::ptr::copy_nonoverlapping(a.first.add(depth * a.k_stride), to.add(depth * columns), columns) };
    }
    Panels { first: to, k_stride: columns, ..a }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_not_finite_counts_and_a_negative_zero_does_not() {
        let mut values = [0.0; 70];
        (values[3], values[63], values[64], values[69]) = (f32::NAN, -0.0, f32::INFINITY, 1.0);
        for isa in Isa::available() {
            let mut marks = [0; KC / SPARSE_KC];
            mark(ElementType::F32(isa), &values, &mut marks);
            assert_eq!((marks[0], marks[1]), (1 << 3, 1 | 1 << 5), "{}", isa.name());
        }
    }
}
