//! How unsure a model is of each row, in the ways that there are.

use super::{AnswerOptions, MaskedPasses, RowSpread, TableModel};
use crate::error::Result;
use crate::preprocessing::Told;
use crate::table::Table;
use furlough::data::Task;
use furlough::predict::entropy;
use ndarray::{Array2, ArrayView1};

/// A way to say how unsure a model is of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum DoubtKind {
    /// 1 less the probability of the answer.
    LeastConfidence,
    /// The entropy of the probabilities, of their mean where there are several.
    PredictiveEntropy,
    /// What of it comes from networks, or passes, that contradict each other.
    MutualInformation,
    /// The standard deviation of the networks' or the passes' numbers for a target.
    Deviation {
        /// The target.
        target: String,
    },
}

/// How unsure a model is of the rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Doubts {
    /// Each way with a number a row, greater for more doubt. None where a single network predicts
    /// numbers and no masks are drawn.
    pub kinds: Vec<(DoubtKind, Vec<f64>)>,
    /// What was met in the table that training did not have.
    pub told: Told,
}

impl TableModel {
    /// Returns how unsure the model is of each row of a table: by its probabilities, by its
    /// networks contradicting each other if there are several, and by masked passes where these
    /// are asked for.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn doubts(&mut self, table: &Table, passes: MaskedPasses) -> Result<Doubts> {
        if passes != MaskedPasses::Full {
            let options = AnswerOptions { passes, ..AnswerOptions::default() };
            let (answers, told) = self.answer(table, 0, &options)?;
            let kinds = match answers.spread {
                None => Vec::new(),
                Some(RowSpread::Entropies(entropies)) => vec![(DoubtKind::PredictiveEntropy, entropies)],
                Some(RowSpread::Classes(doubts)) => vec![
                    (DoubtKind::PredictiveEntropy, doubts.iter().map(|doubt| doubt.predictive_entropy).collect()),
                    (DoubtKind::MutualInformation, doubts.iter().map(|doubt| doubt.mutual_information).collect()),
                ],
                Some(RowSpread::Numbers(deviations)) => self.deviations(&deviations)?,
            };
            return Ok(Doubts { kinds, told });
        }
        let (each, told) = self.answers(table)?;
        let mean = each.mean();
        if self.preprocessing().target()?.task() == Task::Regression {
            let mut variances = Array2::<f64>::zeros(mean.dim());
            each.0.iter().for_each(|one| variances += &(one - &mean).mapv(|off| off * off));
            let deviations = variances.mapv(|sum| (sum / each.0.len() as f64).sqrt());
            let kinds = if self.members() > 1 { self.deviations(&deviations)? } else { Vec::new() };
            return Ok(Doubts { kinds, told });
        }
        let entropies = |all: &Array2<f64>| -> Vec<f64> { all.rows().into_iter().map(entropy).collect() };
        let predictive = entropies(&mean);
        let least = each.confidences().into_iter().map(|confidence| 1.0 - confidence).collect();
        let mut kinds = vec![(DoubtKind::LeastConfidence, least)];
        if self.members() > 1 {
            let mut own = vec![0.0; predictive.len()];
            for one in &each.0 {
                own.iter_mut().zip(entropies(one)).for_each(|(own, entropy)| *own += entropy / each.0.len() as f64);
            }
            let shared = predictive.iter().zip(own).map(|(all, own)| (all - own).max(0.0)).collect();
            kinds.push((DoubtKind::MutualInformation, shared));
        }
        kinds.insert(1, (DoubtKind::PredictiveEntropy, predictive));
        Ok(Doubts { kinds, told })
    }

    /// Returns a column of deviations for each target.
    fn deviations(&self, deviations: &Array2<f64>) -> Result<Vec<(DoubtKind, Vec<f64>)>> {
        let names = self.preprocessing().target()?.names();
        let kind = |(name, column): (&&str, ArrayView1<'_, f64>)| {
            (DoubtKind::Deviation { target: name.to_string() }, column.to_vec())
        };
        Ok(names.iter().zip(deviations.columns()).map(kind).collect())
    }
}
