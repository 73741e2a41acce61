//! Where predicted numbers are off, and by how much.

use crate::preprocessing::TargetEncoder;
use furlough::data::{Dataset, Targets};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// How far the answers for one target are off, along the answers: residuals are target − answer, in
/// the target's units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetResiduals {
    /// The column.
    pub target: String,
    /// Parts of about as many rows each, the lowest answers first.
    pub bins: Vec<ResidualBin>,
    /// Answer and residual of each row, or of some of many, evenly chosen.
    #[serde(skip)]
    pub points: Vec<(f64, f64)>,
}

/// Rows whose answers lie between `from` and `to`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ResidualBin {
    /// The lowest answer.
    pub from: f64,
    /// The highest answer.
    pub to: f64,
    /// How many rows.
    pub rows: u64,
    /// The mean residual: above 0 where answers are too low.
    pub mean: f64,
    /// The root of the mean squared residual.
    pub rmse: f64,
}

impl TargetResiduals {
    /// Bins of many rows.
    pub const BINS: usize = 10;
    /// So many points are kept.
    pub const POINTS: usize = 2000;

    /// Measures a network's outputs for labeled rows, whose targets are `target`'s, target by
    /// target; none of classes. Rows count alike, whatever their weights.
    ///
    /// # Panics
    /// When there is not one row of outputs a row.
    pub fn of(outputs: ArrayView2<'_, f32>, data: &Dataset, target: &TargetEncoder) -> Vec<Self> {
        assert_eq!(outputs.nrows(), data.len(), "one row of outputs a row");
        let Targets::Values(values) = data.targets() else { return Vec::new() };
        let (targets, answers) = (target.in_units(values.view()), target.in_units(outputs));
        let of_target = |(place, name): (usize, &str)| {
            let pairs = targets.column(place).into_iter().zip(answers.column(place));
            TargetResiduals::of_pairs(name, pairs.map(|(target, answer)| (*answer, target - answer)).collect())
        };
        target.names().into_iter().enumerate().map(of_target).collect()
    }

    /// Of answers and residuals.
    fn of_pairs(target: &str, mut pairs: Vec<(f64, f64)>) -> Self {
        let stride = pairs.len().div_ceil(Self::POINTS).max(1);
        let points = pairs.iter().copied().step_by(stride).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Ten rows a bin at least, as far as there are so many.
        let bins = (pairs.len() / 10).clamp(1, Self::BINS);
        let bin = |place: usize| {
            let rows = &pairs[place * pairs.len() / bins..(place + 1) * pairs.len() / bins];
            let (first, last) = (rows.first()?, rows.last()?);
            let count = rows.len() as f64;
            let mean = rows.iter().map(|(_, residual)| residual).sum::<f64>() / count;
            let squares = rows.iter().map(|(_, residual)| residual * residual).sum::<f64>() / count;
            Some(ResidualBin { from: first.0, to: last.0, rows: rows.len() as u64, mean, rmse: squares.sqrt() })
        };
        TargetResiduals { target: target.into(), bins: (0..bins).filter_map(bin).collect(), points }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_have_as_many_rows_and_their_own_errors() {
        // Answers 0 to 99, too low by 2 in the upper half.
        let pairs = (0..100).rev().map(|row| (f64::from(row), if row < 50 { 0.0 } else { 2.0 })).collect();
        let found = TargetResiduals::of_pairs("y", pairs);
        assert_eq!((found.bins.len(), found.points.len()), (10, 100));
        assert_eq!(found.bins[4], ResidualBin { from: 40.0, to: 49.0, rows: 10, mean: 0.0, rmse: 0.0 });
        assert_eq!(found.bins[5], ResidualBin { from: 50.0, to: 59.0, rows: 10, mean: 2.0, rmse: 2.0 });
        let many = (0..9000).map(|row| (f64::from(row), 0.0)).collect();
        assert_eq!(TargetResiduals::of_pairs("y", many).points.len(), 1800);
        assert_eq!(TargetResiduals::of_pairs("y", vec![(1.0, 3.0)]).bins.len(), 1);
        assert!(TargetResiduals::of_pairs("y", Vec::new()).bins.is_empty());
    }
}
