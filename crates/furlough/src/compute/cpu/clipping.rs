//! Clipping: the whole gradient is there before any parameter moves, because its norm decides by
//! how much.

use super::Isa;
use super::simd::for_each_isa;
use super::workers::Workers;
use super::workspace::Shared;

/// Parameters whose squares one task sums. The norm's order of summation is by these, and not by
/// tiles, which depend on the number of workers.
const TASK: usize = 1 << 15;

/// Sums that are kept side by side.
const LANES: usize = 16;

/// The gradient by all parameters, in their order.
pub(super) struct FullGradient {
    pub(super) values: Shared<f32>,
    squares: Shared<f64>,
}

impl FullGradient {
    pub(super) fn new(parameters: usize) -> Self {
        FullGradient { values: Shared::new(parameters, 1), squares: Shared::new(parameters.div_ceil(TASK), 1) }
    }

    /// Returns its Euclidean norm, with sums in double precision whose order depends on the number
    /// of parameters only.
    pub(super) fn norm(&mut self, isa: Isa, workers: &mut Workers) -> f64 {
        let FullGradient { values, squares } = self;
        let values = &*values.all();
        workers.run(squares.len(), &|task, _| {
            let values = &values[task * TASK..values.len().min((task + 1) * TASK)];
            // SAFETY: each task has its own place.
            unsafe { squares.part(task, 1)[0] = sum_squares(isa, values) };
        });
        squares.all().iter().sum::<f64>().sqrt()
    }
}

for_each_isa! {
    fn sum_squares(isa, values: &[f32]) -> f64 {
        let mut sums = [0.0f64; LANES];
        for values in values.chunks(LANES) {
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum += f64::from(value) * f64::from(value);
            }
        }
        sums.iter().sum()
    }
}
