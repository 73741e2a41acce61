//! How columns of numbers vary together: sums of products of their distances from their means.

use super::Cpu;
use super::simd::for_each_isa;
use crate::{Error, Result};
use std::sync::{Mutex, PoisonError};

/// Columns of a panel: a vector of doubles with AVX-512.
const SIDE: usize = 8;

/// `[i, j]`: Σ (x(i) − mean(i)) (x(j) − mean(j)) over rows x that come some at a time. Each sum is
/// taken in double precision in the order of the rows, so neither threads nor how the rows come
/// show in it.
pub(crate) struct Comoments {
    means: Vec<f64>,
    /// The columns of `sums`, a multiple of [`SIDE`].
    stride: usize,
    /// `[i, j]`; left of the square of panels on the diagonal there are only zeros.
    sums: Vec<f64>,
    /// Rows less the means: panel by panel of [`SIDE`] columns, row by row.
    panels: Vec<f64>,
}

impl Comoments {
    /// For rows of as many columns as there are means.
    ///
    /// # Errors
    /// [`Error::Setting`] when the system does not give the memory.
    pub(crate) fn new(means: Vec<f64>) -> Result<Self> {
        let stride = means.len().next_multiple_of(SIDE);
        let mut sums = Vec::new();
        if stride.checked_mul(stride).is_none_or(|count| sums.try_reserve_exact(count).is_err()) {
            let gigabytes = 8e-9 * (stride as f64).powi(2);
            let reason = format!("their correlations take {gigabytes:.0} GB, which this machine does not give");
            return Err(Error::setting("units", means.len(), reason));
        }
        sums.resize(stride * stride, 0.0);
        Ok(Comoments { means, stride, sums, panels: Vec::new() })
    }

    /// Adds rows, which stand one after the other.
    ///
    /// # Panics
    /// When the last is not whole.
    pub(crate) fn add(&mut self, cpu: &mut Cpu, rows: &[f32]) {
        let Comoments { means, stride, sums, panels } = self;
        let (width, stride) = (means.len(), *stride);
        assert!(rows.len().is_multiple_of(width), "whole rows");
        let count = rows.len() / width;
        panels.clear();
        panels.resize(count * stride, 0.0);
        for (row, values) in rows.chunks_exact(width).enumerate() {
            for (panel, (values, means)) in values.chunks(SIDE).zip(means.chunks(SIDE)).enumerate() {
                let place = (panel * count + row) * SIDE;
                for ((out, &value), mean) in panels[place..].iter_mut().zip(values).zip(means) {
                    *out = f64::from(value) - mean;
                }
            }
        }
        let (isa, panels) = (cpu.isa(), &*panels);
        let bands: Vec<Mutex<&mut [f64]>> = sums.chunks_mut(SIDE * stride).map(Mutex::new).collect();
        cpu.choose_threads(count, stride * stride / 2);
        cpu.workers.run(bands.len(), &|band, _| {
            let mut sums = bands[band].lock().unwrap_or_else(PoisonError::into_inner);
            add_band(isa, band, count, panels, &mut sums);
        });
    }

    /// The sum of columns `i` and `j`.
    ///
    /// # Panics
    /// When there are no such columns.
    pub(crate) fn sum(&self, i: usize, j: usize) -> f64 {
        assert!(i.max(j) < self.means.len(), "columns there are");
        self.sums[i.min(j) * self.stride + i.max(j)]
    }
}

for_each_isa! {
    /// Adds to the sums of panel `band`'s columns with those of itself and of all panels to its
    /// right.
    fn add_band(isa, band: usize, count: usize, panels: &[f64], sums: &mut [f64]) {
        let (panels, _) = panels.as_chunks::<SIDE>();
        let stride = sums.len() / SIDE;
        let own = &panels[band * count..][..count];
        for other in band..stride / SIDE {
            let theirs = &panels[other * count..][..count];
            let mut square = [[0.0; SIDE]; SIDE];
            for (line, sums) in square.iter_mut().zip(sums.chunks_exact(stride)) {
                line.copy_from_slice(&sums[other * SIDE..][..SIDE]);
            }
            for (a, b) in own.iter().zip(theirs) {
                for (line, a) in square.iter_mut().zip(a) {
                    for (sum, b) in line.iter_mut().zip(b) {
                        *sum += a * b;
                    }
                }
            }
            for (line, sums) in square.iter().zip(sums.chunks_exact_mut(stride)) {
                sums[other * SIDE..][..SIDE].copy_from_slice(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::{Isa, Precision};
    use crate::nn::{Layer, Sequential};

    #[test]
    fn sums_are_the_formula_however_the_rows_come_and_whoever_adds() {
        let architecture = Sequential::new([Layer::Linear(1, 1)]).validate().unwrap();
        for width in [1, 7, 8, 9, 200] {
            let rows: Vec<f32> = (0..500 * width).map(|i| ((i * 7919 + i / 3) % 101) as f32 / 8.0 - 5.0).collect();
            let means: Vec<f64> = (0..width).map(|column| column as f64 / 16.0).collect();
            let plainly = |i: usize, j: usize| {
                let centered = |row: &[f32], column: usize| f64::from(row[column]) - means[column];
                rows.chunks_exact(width).map(|row| centered(row, i) * centered(row, j)).fold(0.0, |sum, one| sum + one)
            };
            for isa in Isa::available() {
                for (threads, at_once) in [(1, 500), (3, 500), (2, 77)] {
                    let mut cpu = Cpu::with(&architecture, 0, threads, Precision::F32, isa);
                    let mut sums = Comoments::new(means.clone()).unwrap();
                    rows.chunks(at_once * width).for_each(|rows| sums.add(&mut cpu, rows));
                    for (i, j) in
                        [(0, 0), (0, width - 1), (width - 1, 0), (width / 2, width - 1), (width / 3, width / 2)]
                    {
                        assert_eq!(sums.sum(i, j), plainly(i, j), "{i} and {j} of {width}, {threads} threads");
                    }
                }
            }
        }
    }

    #[test]
    fn what_no_memory_holds_is_refused() {
        let said = Comoments::new(vec![0.0; 40_000_000]).err().unwrap().to_string();
        assert_eq!(said, "units = 40000000: their correlations take 12800000 GB, which this machine does not give");
    }
}
