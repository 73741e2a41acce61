//! Answers by many sub-networks instead of the full network, and how far they agree.

use super::answers::largest;
use super::calibration::labels_of;
use super::regression::RegressionSums;
use super::{Calibration, Evaluation, calibration};
use crate::compute::{Cpu, SampleVisitor, Samples, accumulate_classes, accumulator_width};
use crate::data::{Dataset, Examples, Targets, Task};
use crate::nn::Mlp;
use crate::random::Key;
use crate::{Error, Result};
use ndarray::{Array2, ArrayView1, ArrayView2, s};

/// The answers of many masked passes, taken together: *Monte-Carlo dropout*. Made by
/// [`Predictor::monte_carlo`](super::Predictor::monte_carlo).
///
/// Y. Gal and Z. Ghahramani, "Dropout as a Bayesian approximation: representing model uncertainty
/// in deep learning", ICML 2016.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MonteCarlo {
    /// Number of passes, at least 1.
    pub samples: u32,
    /// The mean over the passes, examples × outputs: of the probabilities (softmax) for classes, of
    /// the outputs for numbers.
    pub means: Array2<f64>,
    /// How far the passes agree.
    pub spread: Spread,
}

/// How far the passes through a network agree, example by example.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Spread {
    /// Of a classifier.
    Classes(Vec<Uncertainty>),
    /// Of a network that predicts numbers: the variance of each output over the passes, examples ×
    /// outputs. It is divided by the number of passes, so it is 0 for one; noise in the data itself
    /// is not in it.
    Numbers(Array2<f64>),
}

/// How unsure the sub-networks are of the class of an example. Entropies are in nats, from 0 to the
/// logarithm of the number of classes. With p(s, c) the probability of class c in pass s of S, and
/// p(c) its mean over the passes:
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Uncertainty {
    /// The most probable class of the mean, the first of equals.
    pub answer: usize,
    /// Predictive entropy, −Σ p(c) ln p(c) over c: how spread the averaged answer is, whatever the
    /// reason.
    pub predictive_entropy: f64,
    /// Expected entropy, the mean over the passes of −Σ p(s, c) ln p(s, c): how unsure each
    /// sub-network is by itself.
    pub expected_entropy: f64,
    /// Mutual information of answer and sub-network, the difference of the two: how far the
    /// sub-networks contradict each other. At least 0; rounding errors below are set to 0. N.
    /// Houlsby, F. Huszár, Z. Ghahramani and M. Lengyel, "Bayesian active learning for
    /// classification and preference learning" (arXiv:1112.5745, 2011), where it is called BALD.
    pub mutual_information: f64,
    /// The share of the passes that by themselves give the same answer.
    pub agreement: f64,
}

impl MonteCarlo {
    /// See [`Predictor::monte_carlo`](super::Predictor::monte_carlo); the examples fit the network.
    pub(super) fn sample(
        (cpu, mlp): (&mut Cpu, &Mlp),
        data: &Examples,
        task: Task,
        samples: u32,
        key: Key,
    ) -> Result<Self> {
        if samples == 0 {
            return Err(Error::setting("samples", samples, "at least one masked pass is needed"));
        }
        let outputs = mlp.architecture().outputs();
        let width = match task {
            Task::Classification => accumulator_width(outputs),
            Task::Regression => 3 * outputs,
        };
        let mut kept = Array2::zeros((data.len(), width));
        let values = kept.as_slice_mut().expect("a new array is contiguous");
        let isa = cpu.isa();
        let classes = |given: Samples<'_>, kept: &mut [f64]| accumulate_classes(isa, given, kept);
        let visit: &SampleVisitor<'_> = match task {
            Task::Classification => &classes,
            Task::Regression => &tally_numbers,
        };
        cpu.sample(mlp, data, 0..data.len() as u32, key, 0..samples, values, visit);
        Ok(match task {
            Task::Classification => of_classes(samples, outputs, kept.view()),
            Task::Regression => of_numbers(samples, outputs, kept.view()),
        })
    }

    /// How good the averaged answers are: accuracy, confusion and the mean of −ln p(class), or the
    /// mean squared error of the means.
    ///
    /// # Errors
    /// [`Error::Data`] when `data` has not as many examples, or other targets, than what was
    /// sampled.
    pub fn evaluate(&self, data: &Dataset) -> Result<Evaluation> {
        let (examples, outputs) = self.means.dim();
        if (data.len(), data.outputs()) != (examples, outputs) {
            let reason = format!(
                "has {} examples of {} classes or targets, but {examples} of {outputs} were sampled",
                data.len(),
                data.outputs()
            );
            return Err(Error::data("set", reason));
        }
        data.check_weights()?;
        match (data.targets(), &self.spread) {
            (Targets::Classes { labels, .. }, Spread::Classes(_)) => {
                Ok(Evaluation::of_probabilities(self.means.view(), labels, data))
            }
            (Targets::Values(values), Spread::Numbers(_)) => {
                let mut sums = RegressionSums::new(data, values.view());
                self.means.rows().into_iter().enumerate().for_each(|(row, means)| sums.add(row, means.iter().copied()));
                let (loss, regression) = (sums.mean_squared_error(), Some(sums.scores()));
                Ok(Evaluation { examples, loss, accuracy: None, confusion: None, regression })
            }
            (Targets::Classes { .. }, _) => Err(Error::data("set", "has classes, but numbers were sampled")),
            (Targets::Values(_), _) => Err(Error::data("set", "has numbers to predict, but classes were sampled")),
        }
    }

    /// How far the averaged probabilities can be believed, in so many bins ([`Calibration::BINS`]
    /// as a rule).
    ///
    /// # Errors
    /// [`Error::Data`] when `data` does not have as many examples of as many classes as what was
    /// sampled, [`Error::Setting`] when the number of bins is out of range.
    pub fn calibration(&self, data: &Dataset, bins: usize) -> Result<Calibration> {
        calibration(self.means.view(), labels_of(data, "calibration")?, bins)
    }
}

fn of_classes(samples: u32, classes: usize, kept: ArrayView2<'_, f64>) -> MonteCarlo {
    let count = f64::from(samples);
    let means = kept.slice(s![.., ..classes]).mapv(|sum| sum / count);
    let unsure = |(kept, mean): (ArrayView1<'_, f64>, ArrayView1<'_, f64>)| {
        let answer = largest(mean);
        let predictive_entropy = entropy(mean);
        let expected_entropy = kept[2 * classes] / count;
        Uncertainty {
            answer,
            predictive_entropy,
            expected_entropy,
            mutual_information: not_below_zero(predictive_entropy - expected_entropy),
            agreement: kept[classes + answer] / count,
        }
    };
    let spread = Spread::Classes(kept.rows().into_iter().zip(means.rows()).map(unsure).collect());
    MonteCarlo { samples, means, spread }
}

/// Rounding errors set right; NaN stays NaN.
fn not_below_zero(value: f64) -> f64 {
    if value < 0.0 { 0.0 } else { value }
}

/// Returns −Σ p ln p of probabilities in nats, where 0 ln 0 is 0: 0 is certain, and the logarithm
/// of the number of classes a guess.
pub fn entropy(probabilities: ArrayView1<'_, f64>) -> f64 {
    0.0 - probabilities.iter().filter(|&&p| p != 0.0).map(|&p| p * libm::log(p)).sum::<f64>()
}

/// Keeps, for each output, the value of the first sample, and the sums of the others' differences
/// from it and of their squares: sums of the values themselves would lose a small variance beside a
/// large mean.
fn tally_numbers(given: Samples<'_>, kept: &mut [f64]) {
    let (references, sums) = kept.split_at_mut(kept.len() / 3);
    let (sums, squares) = sums.split_at_mut(references.len());
    for (sample, row) in (given.first..).zip(given.rows()) {
        for (((reference, sum), square), &value) in references.iter_mut().zip(&mut *sums).zip(&mut *squares).zip(row) {
            if sample == 0 {
                *reference = f64::from(value);
            }
            let difference = f64::from(value) - *reference;
            *sum += difference;
            *square += difference * difference;
        }
    }
}

fn of_numbers(samples: u32, outputs: usize, kept: ArrayView2<'_, f64>) -> MonteCarlo {
    let count = f64::from(samples);
    let part = |number: usize| kept.slice(s![.., number * outputs..(number + 1) * outputs]);
    let offsets = part(1).mapv(|sum| sum / count);
    let variances = part(2).mapv(|sum| sum / count) - &offsets * &offsets;
    MonteCarlo { samples, means: &part(0) + &offsets, spread: Spread::Numbers(variances.mapv(not_below_zero)) }
}
