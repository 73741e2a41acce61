//! Answers by many masks of one network.

use super::{AnswerOptions, MaskedPasses, RowAnswers, RowSpread, TableAnswers, TableHeader};
use crate::error::Result;
use crate::preprocessing::{TargetEncoder, Told};
use crate::table::Table;
use furlough::predict::{Predictor, Spread};
use furlough::random::Key;
use ndarray::Array2;

/// Answers by the mean of masked passes of a network: of some that are drawn, or of all.
pub(super) fn masked(
    header: &TableHeader,
    predictor: &mut Predictor,
    (table, first_row): (&Table, u64),
    options: &AnswerOptions,
) -> Result<(RowAnswers, Told)> {
    let target = header.preprocessing.target()?;
    let (features, told) = header.preprocessing.features(table, &table.all_rows())?;
    let (means, spread) = match options.passes {
        MaskedPasses::Drawn { samples, seed } => {
            let sampled = predictor.monte_carlo_from(&features, first_row as u32, samples, Key::new(seed))?;
            (sampled.means, sampled.spread)
        }
        MaskedPasses::Full | MaskedPasses::Analytic => {
            let moments = predictor.moments(&features)?;
            if let (Some(entropies), Some(means)) = (moments.predictive_entropies(), moments.probabilities) {
                return Ok((of_means(target, first_row, means, RowSpread::Entropies(entropies), options), told));
            }
            (moments.means, Spread::Numbers(moments.variances))
        }
    };
    let spread = match (spread, target) {
        (Spread::Classes(doubts), _) => RowSpread::Classes(doubts),
        (Spread::Numbers(variances), TargetEncoder::Regression { columns }) => {
            let mut deviations = variances.mapv(f64::sqrt);
            for (column, mut deviations) in columns.iter().zip(deviations.columns_mut()) {
                deviations.mapv_inplace(|deviation| deviation * column.deviation);
            }
            RowSpread::Numbers(deviations)
        }
        (Spread::Numbers(_), TargetEncoder::Classification { .. }) => unreachable!("the spread is that of the task"),
    };
    Ok((of_means(target, first_row, means, spread, options), told))
}

/// Returns what means over masks say: of probabilities of classes, or of standardized numbers.
fn of_means(
    target: &TargetEncoder,
    first_row: u64,
    means: Array2<f64>,
    spread: RowSpread,
    options: &AnswerOptions,
) -> RowAnswers {
    let (answers, is_classes) = match target {
        TargetEncoder::Classification { .. } => (TableAnswers::of_mean(target, means.clone()), true),
        TargetEncoder::Regression { .. } => (TableAnswers::of_mean(target, target.in_units(means.view())), false),
    };
    let probabilities = (options.probabilities && is_classes).then(|| means.mapv(|mean| mean as f32));
    let (spread, cells) = (Some(spread), Vec::new());
    RowAnswers { first_row, answers, probabilities, spread, interval: None, confidence: None, cells }
}
