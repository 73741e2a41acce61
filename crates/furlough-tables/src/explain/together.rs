//! Which columns say nearly the same.

use super::ExplainOptions;
use super::rows::{columns_of, rows_of};
use crate::error::Result;
use crate::model::TableModel;
use crate::table::{Column, Table};
use serde::{Deserialize, Serialize};

/// Two columns whose ranks go together, so that neither's figures are its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorrelatedColumns {
    /// The columns.
    pub columns: [String; 2],
    /// Spearman's rank correlation, from −1 to 1.
    pub correlation: f64,
}

/// From this size on a correlation is told.
const TOLD: f64 = 0.7;

/// More rows and columns are not looked at.
const ROWS: usize = 2000;
const COLUMNS: usize = 100;

impl TableModel {
    /// Returns pairs of the columns of numbers, dates and booleans that are asked about whose ranks
    /// go together: those whose rank correlation is 0.7 or more in size, the largest first. Of
    /// many columns the first 100 are looked at, or those that the options name first.
    ///
    /// # Errors
    /// [`Error::Column`](crate::Error::Column) for a column that the model does not see.
    pub fn correlated_columns(&self, table: &Table, options: &ExplainOptions) -> Result<Vec<CorrelatedColumns>> {
        let few = ExplainOptions { rows: options.rows.clamp(1, ROWS), ..options.clone() };
        let table = table.select(&rows_of(table, &few));
        let asked = columns_of(self.preprocessing(), &table, options)?;
        let ranked: Vec<(String, Vec<f64>)> = asked
            .into_iter()
            .filter_map(|(name, place)| Some((name, ranks(&table.columns()[place])?)))
            .take(COLUMNS)
            .collect();
        let mut found = Vec::new();
        for (place, (name, one)) in ranked.iter().enumerate() {
            for (other_name, other) in &ranked[..place] {
                let correlation = correlation(one, other);
                if correlation.abs() >= TOLD {
                    found.push(CorrelatedColumns { columns: [other_name.clone(), name.clone()], correlation });
                }
            }
        }
        found.sort_by(|a, b| b.correlation.abs().total_cmp(&a.correlation.abs()));
        Ok(found)
    }
}

/// Returns the ranks of a column's values, equal ones with their mean rank and missing ones with
/// the middle of all; none of categories.
fn ranks(column: &Column) -> Option<Vec<f64>> {
    let values: Vec<f64> = match column {
        Column::Numbers(numbers) => numbers.clone(),
        Column::Codes { codes, levels } if levels.len() == 2 => {
            codes.iter().map(|&code| if code < 2 { f64::from(code) } else { f64::NAN }).collect()
        }
        Column::Codes { .. } | Column::Dropped => return None,
    };
    let mut order: Vec<usize> = (0..values.len()).filter(|&row| values[row].is_finite()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![(order.len() as f64 - 1.0).max(0.0) / 2.0; values.len()];
    let mut begin = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = begin as f64 + (equal.len() as f64 - 1.0) / 2.0;
        equal.iter().for_each(|&row| ranks[row] = mean);
        begin += equal.len();
    }
    Some(ranks)
}

/// Returns Pearson's correlation; 0 where one does not vary.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len().max(1) as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / count, b.iter().sum::<f64>() / count);
    let (mut both, mut squares_a, mut squares_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        both += (a - mean_a) * (b - mean_b);
        squares_a += (a - mean_a).powi(2);
        squares_b += (b - mean_b).powi(2);
    }
    if squares_a > 0.0 && squares_b > 0.0 { both / (squares_a * squares_b).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.17: `spearmanr([1, 2, 2, 3, 9], [9, 7, 8, 3, 1])`.
    #[test]
    fn ranks_go_together_as_scipy_has_it() {
        let rank = |values: &[f64]| ranks(&Column::Numbers(values.to_vec())).unwrap();
        assert_eq!(rank(&[1.0, 2.0, 2.0, 3.0, 9.0]), [0.0, 1.5, 1.5, 3.0, 4.0]);
        let found = correlation(&rank(&[1.0, 2.0, 2.0, 3.0, 9.0]), &rank(&[9.0, 7.0, 8.0, 3.0, 1.0]));
        assert!((found - SPEARMAN).abs() < 1e-12, "{found}");
        assert_eq!(rank(&[5.0, f64::NAN, 1.0]), [1.0, 0.5, 0.0]);
        assert_eq!(correlation(&[1.0, 2.0], &[3.0, 3.0]), 0.0);
    }

    const SPEARMAN: f64 = -0.974_679_434_480_896_3;
}
