//! Where the sums of a product go, and how they meet what is there. The kernels of single precision that are not ours do the same by themselves.

use super::Isa;
use super::simd::for_each_isa;

/// A rectangle of a row-major matrix, its rows `stride` apart: `first[i] = keep · first[i] + factor · sum`. With `keep` = 0 what was there is not read.
#[derive(Clone, Copy)]
pub(super) struct Out {
    pub(super) first: *mut f32,
    pub(super) stride: usize,
    pub(super) keep: f32,
    pub(super) factor: f32,
}

impl Out {
    /// The rectangle from a place on, with its stride; how much is kept, and the factor.
    pub(super) fn of((first, stride): (*mut f32, usize), (keep, factor): (f32, f32)) -> Out {
        Out { first, stride, keep, factor }
    }

    /// From a row and a column on.
    ///
    /// # Safety
    /// The rectangle goes as far.
    pub(super) unsafe fn from(self, row: usize, column: usize) -> Out {
        // SAFETY: within the matrix, as promised.
        Out { first: unsafe { self.first.add(row * self.stride + column) }, ..self }
    }

    /// Puts sums into the rectangle: those of each row one after the other, rows `apart`.
    ///
    /// # Safety
    /// There are sums for so many rows and columns, and the rectangle has as many, which may be written and are nobody else's now.
    pub(super) unsafe fn put(self, isa: Isa, (rows, columns): (usize, usize), (sums, apart): (*const f32, usize)) {
        for index in 0..rows {
            // SAFETY: as promised.
            unsafe {
                let sums = std::slice::from_raw_parts(sums.add(index * apart), columns);
                let values = std::slice::from_raw_parts_mut(self.first.add(index * self.stride), columns);
                put(isa, values, sums, self.keep, self.factor);
            }
        }
    }
}

for_each_isa! {
    /// Loops over all there is, and not over vectors of it, of which the compiler makes gathers; and no closures, which would not be compiled for the instruction set, so
    /// that each `mul_add` would be a call.
    fn put(isa, out: &mut [f32], sums: &[f32], keep: f32, factor: f32) {
        if keep == 0.0 {
            for (out, &sum) in out.iter_mut().zip(sums) {
                *out = factor * sum;
            }
        } else if keep == 1.0 {
            for (out, &sum) in out.iter_mut().zip(sums) {
                *out = factor.mul_add(sum, *out);
            }
        } else {
            for (out, &sum) in out.iter_mut().zip(sums) {
                *out = keep * *out + factor * sum;
            }
        }
    }
}
