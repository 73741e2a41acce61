//! Several networks as one model, and their answers for the rows that did not teach them.

use super::network::NetworkAnswers;
use super::{
    ConformalScores, EnsembleHeader, FoldScores, OutOfFold, TABLE_VERSION, TableAnswers, TableModel, TableScores,
};
use crate::error::{Error, Result};
use crate::preprocessing::TargetEncoder;
use crate::table::Table;
use furlough::data::{Dataset, Targets};
use furlough::predict::{RiskCoverage, Temperature, temperature};
use ndarray::{Array2, Axis, concatenate};
use std::collections::BTreeMap;

/// The rows that some networks did not learn from.
struct Fold<'a> {
    members: Vec<u32>,
    rows: &'a [u32],
    /// Of each of these networks: its outputs for the rows, and what is right in its eyes.
    seen: Vec<(Array2<f32>, Dataset)>,
}

impl TableModel {
    /// Makes one model of several that learned from the same table. Each did not learn from some of
    /// its rows, `held_out`, ascending; networks that left out the same rows answer for these
    /// together. These answers measure the model, fit its temperature, and make its intervals.
    ///
    /// # Errors
    /// [`Error::Schema`] when there is no network, one is itself made of several, one has no rows,
    /// or they do not answer for the same table; those of [`Self::predict`].
    pub fn of_networks(
        models: Vec<TableModel>,
        table: &Table,
        held_out: &[Vec<u32>],
    ) -> Result<(TableModel, OutOfFold)> {
        let refused = |reason: &str| Err(Error::Schema { path: None, reason: reason.into() });
        let mut networks = Vec::with_capacity(models.len());
        for model in models {
            match model.ensemble {
                None => networks.extend(model.networks),
                Some(_) => return refused("a model of several networks cannot be one of several"),
            }
        }
        if networks.is_empty() || networks.len() != held_out.len() || held_out.iter().any(Vec::is_empty) {
            return refused("each of several networks has rows that it did not learn from");
        }
        let target = networks[0].header.preprocessing.target()?.clone();
        for network in &networks[1..] {
            if !network.header.preprocessing.target()?.answers_as(&target) {
                return refused("its networks do not answer for the same targets and classes");
            }
        }
        let mut folds: BTreeMap<&[u32], Fold<'_>> = BTreeMap::new();
        for (member, (network, rows)) in networks.iter_mut().zip(held_out).enumerate() {
            let data = network.header.preprocessing.dataset(table, rows)?.0;
            let outputs = network.predictor.predict(&data)?;
            let fold = folds.entry(rows).or_insert(Fold { members: Vec::new(), rows, seen: Vec::new() });
            fold.members.push(member as u32);
            fold.seen.push((outputs, data));
        }
        let folds: Vec<Fold<'_>> = folds.into_values().collect();
        let fitted = fitted_temperature(&folds)?;
        let divisor = fitted.as_ref().map_or(1.0, |(fitted, _)| fitted.temperature);
        let targets: Vec<&TargetEncoder> =
            networks.iter().filter_map(|network| network.header.preprocessing.target.as_ref()).collect();
        let (mut scores, mut answered) = (Vec::new(), BTreeMap::new());
        for (number, fold) in folds.iter().enumerate() {
            let own = || fold.members.iter().map(|&member| targets[member as usize]);
            let outputs: Vec<Array2<f32>> = fold.seen.iter().map(|(outputs, _)| outputs.clone()).collect();
            let answers = NetworkAnswers::of(own(), &outputs, divisor).mean();
            // What measures the model has no temperature that was fitted to the same rows.
            let measured =
                fitted.as_ref().map(|(_, others)| NetworkAnswers::of(own(), &outputs, others[number]).mean());
            let measured = measured.as_ref().unwrap_or(&answers);
            let right = &fold.seen[0].1;
            scores.push(fold_scores(fold.members.clone(), &answers, right, targets[fold.members[0] as usize]));
            // Where folds overlap, a row's answer is that of the first one.
            for (place, &row) in fold.rows.iter().enumerate() {
                answered.entry(row).or_insert_with(|| (answers.row(place).to_vec(), measured.row(place).to_vec()));
            }
        }
        let (rows, both): (Vec<u32>, Vec<_>) = answered.into_iter().unzip();
        let shape = (rows.len(), target.outputs());
        let answers = Array2::from_shape_fn(shape, |(row, output)| both[row].0[output]);
        let measured = Array2::from_shape_fn(shape, |(row, output)| both[row].1[output]);
        let right = networks[0].header.preprocessing.dataset(table, &rows)?.0;
        let out_of_fold = TableScores::of(&target, &measured, &right)?;
        let ensemble = EnsembleHeader {
            version: TABLE_VERSION,
            out_of_fold,
            temperature: fitted.map(|(fitted, _)| fitted),
            conformal: ConformalScores { folds: scores },
            risk: risk_coverage(&answers, &right)?,
        };
        let probabilities = matches!(target, TargetEncoder::Classification { .. }).then(|| answers.clone());
        let answers = TableAnswers::of_mean(&target, answers);
        Ok((TableModel { networks, ensemble: Some(ensemble) }, OutOfFold { rows, answers, probabilities }))
    }
}

/// Returns how far the answers of some networks for a fold's rows are off.
pub(super) fn fold_scores(
    members: Vec<u32>,
    answers: &Array2<f64>,
    right: &Dataset,
    target: &TargetEncoder,
) -> FoldScores {
    let labels = match right.targets() {
        Targets::Classes { labels, names } => Some((&labels[..], names.len())),
        Targets::Values(_) => None,
    };
    FoldScores::new(members, score_rows(answers, right, target), labels)
}

/// Returns how often answers are wrong by how sure they are; none for numbers.
pub(super) fn risk_coverage(answers: &Array2<f64>, right: &Dataset) -> Result<Option<RiskCoverage>> {
    match right.targets() {
        Targets::Classes { labels, .. } => Ok(Some(RiskCoverage::of(answers.view(), labels)?)),
        Targets::Values(_) => Ok(None),
    }
}

/// Returns how far answers are off, of each target: `|y − ŷ|`, or 1 less the probability of the
/// class.
fn score_rows(answers: &Array2<f64>, right: &Dataset, target: &TargetEncoder) -> Vec<Vec<f64>> {
    match right.targets() {
        Targets::Classes { labels, .. } => {
            vec![labels.iter().enumerate().map(|(row, &label)| 1.0 - answers[[row, label as usize]]).collect()]
        }
        Targets::Values(values) => {
            let right = target.in_units(values.view());
            let off = |column: usize| {
                let pairs = answers.column(column).to_vec().into_iter().zip(right.column(column).to_vec());
                pairs.map(|(answer, right)| (answer - right).abs()).collect()
            };
            (0..values.ncols()).map(off).collect()
        }
    }
}

/// Fits the temperature to the answers out of fold. It is none where one that is fitted to the
/// other folds makes a fold's log loss greater, all folds together. It is none above 1 either: a
/// mean of probabilities is less sure than they are, and on tables it was as good or worse with it.
/// Beside it stands for each fold the one that is fitted to the others.
fn fitted_temperature(folds: &[Fold<'_>]) -> Result<Option<(Temperature, Vec<f64>)>> {
    let pairs: Vec<(usize, &Array2<f32>, &[u32])> = folds
        .iter()
        .enumerate()
        .flat_map(|(fold, Fold { seen, .. })| seen.iter().map(move |(outputs, data)| (fold, outputs, data)))
        .filter_map(|(fold, outputs, data)| match data.targets() {
            Targets::Classes { labels, .. } => Some((fold, outputs, &labels[..])),
            Targets::Values(_) => None,
        })
        .collect();
    let of = |is_wanted: &dyn Fn(usize) -> bool| {
        let own: Vec<_> = pairs.iter().filter(|(fold, ..)| is_wanted(*fold)).collect();
        let views: Vec<_> = own.iter().map(|(_, outputs, _)| outputs.view()).collect();
        let labels: Vec<u32> = own.iter().flat_map(|(.., labels)| labels.iter().copied()).collect();
        let outputs = concatenate(Axis(0), &views).expect("all networks have the same classes");
        (outputs, labels)
    };
    if pairs.is_empty() || folds.len() < 2 {
        return Ok(None); // nothing would judge it that did not fit it
    }
    let (mut before, mut after, mut rows, mut of_others) = (0.0, 0.0, 0.0, Vec::new());
    for fold in 0..folds.len() {
        let (outputs, labels) = of(&|other| other != fold);
        let fitted = temperature(outputs.view(), &labels)?.temperature;
        let (outputs, labels) = of(&|other| other == fold);
        before += log_loss(&outputs, &labels, 1.0);
        after += log_loss(&outputs, &labels, fitted);
        of_others.push(fitted);
        rows += labels.len() as f64;
    }
    let (outputs, labels) = of(&|_| true);
    let fitted = temperature(outputs.view(), &labels)?;
    let judged = Temperature { loss_before: before / rows, loss_after: after / rows, ..fitted };
    Ok((after < before && judged.temperature < 1.0).then_some((judged, of_others)))
}

/// Returns the sum of the log losses of logits over a temperature.
fn log_loss(outputs: &Array2<f32>, labels: &[u32], temperature: f64) -> f64 {
    let loss = |(row, &label): (ndarray::ArrayView1<'_, f32>, &u32)| {
        let scaled: Vec<f64> = row.iter().map(|&logit| f64::from(logit) / temperature).collect();
        let largest = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scaled.iter().map(|logit| libm::exp(logit - largest)).sum();
        libm::log(sum) + largest - scaled[label as usize]
    };
    outputs.rows().into_iter().zip(labels).map(loss).sum()
}
