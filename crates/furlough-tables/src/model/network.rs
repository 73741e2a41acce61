//! What networks answer for rows, each by its own features.

use super::TableHeader;
use crate::error::Result;
use crate::preprocessing::{TargetEncoder, Told};
use crate::table::Table;
use furlough::predict::Predictor;
use ndarray::Array2;

/// A network of a model, and what it needs to see a table.
pub(super) struct Network {
    pub(super) header: TableHeader,
    pub(super) predictor: Predictor,
    pub(super) fingerprint: String,
}

/// What a network needs to answer: its header, and itself.
pub(super) type Answering<'a> = (&'a TableHeader, &'a mut Predictor);

/// Returns what each network makes of some rows, rows × outputs: logits, or standardized numbers.
/// And what they met that training did not have.
pub(super) fn outputs(networks: &mut [Answering<'_>], table: &Table, rows: &[u32]) -> Result<(Vec<Array2<f32>>, Told)> {
    let (mut all, mut told) = (Vec::with_capacity(networks.len()), Told::default());
    for (header, predictor) in networks {
        let (features, met) = header.preprocessing.features(table, rows)?;
        told.join(&met);
        all.push(predictor.predict(&features)?);
    }
    Ok((all, told))
}

/// Answers of several networks for the same rows: probabilities of classes, or numbers in the
/// targets' units, rows × outputs.
pub(super) struct NetworkAnswers(pub(super) Vec<Array2<f64>>);

impl NetworkAnswers {
    /// Makes answers of outputs; logits are divided by the temperature.
    pub(super) fn of<'a>(
        targets: impl IntoIterator<Item = &'a TargetEncoder>,
        outputs: &[Array2<f32>],
        temperature: f64,
    ) -> Self {
        let answer = |(target, outputs): (&TargetEncoder, &Array2<f32>)| match target {
            TargetEncoder::Classification { .. } => softmax(outputs, temperature),
            TargetEncoder::Regression { .. } => target.in_units(outputs.view()),
        };
        NetworkAnswers(targets.into_iter().zip(outputs).map(answer).collect())
    }

    /// Returns the mean of all networks.
    pub(super) fn mean(&self) -> Array2<f64> {
        self.mean_of(0..self.0.len() as u32)
    }

    /// Returns the greatest number of each row of the mean: how sure the answers are, of classes.
    pub(super) fn confidences(&self) -> Vec<f64> {
        self.mean().rows().into_iter().map(|row| row.fold(0.0, |most: f64, &p| most.max(p))).collect()
    }

    /// Returns the mean of some networks, at least one.
    pub(super) fn mean_of(&self, members: impl IntoIterator<Item = u32>) -> Array2<f64> {
        let mut members = members.into_iter();
        let first = members.next().expect("an answer is that of at least one network");
        let (mut sum, mut count) = (self.0[first as usize].clone(), 1.0);
        for member in members {
            sum += &self.0[member as usize];
            count += 1.0;
        }
        if count > 1.0 {
            sum /= count;
        }
        sum
    }
}

/// The softmax of each row of logits over the temperature, in double precision.
fn softmax(logits: &Array2<f32>, temperature: f64) -> Array2<f64> {
    let mut probabilities = logits.mapv(|logit| f64::from(logit) / temperature);
    for mut row in probabilities.rows_mut() {
        let largest = row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        row.mapv_inplace(|logit| libm::exp(logit - largest));
        let sum: f64 = row.iter().sum();
        row.mapv_inplace(|e| e / sum);
    }
    probabilities
}
