//! Many networks' answers averaged, be they sub-networks of one or trained apart: how good they are
//! as they become more.

use super::answers::{largest, softmax};
use super::calibration::labels_of;
use super::{
    Calibration, Evaluation, Predictor,
    averaging_point::{AverageScore, AveragingPoint},
    calibration,
};
use crate::compute::{Samples, softmax_samples};
use crate::data::Dataset;
use crate::random::Key;
use crate::train::check_fit;
use crate::{Error, Result};
use ndarray::{Array2, ArrayView1};
use serde::{Deserialize, Serialize};

/// Averages of masked passes beside the full network, which weight scaling makes their
/// approximation.
///
/// N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout: a simple
/// way to prevent neural networks from overfitting", JMLR 15 (2014), section 7.5 and figure 11.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AveragingCurve {
    /// Number of examples.
    pub examples: usize,
    /// The full network.
    pub full: AverageScore,
    /// The averages, one for each number of passes.
    pub points: Vec<AveragingPoint>,
}

/// Examples whose sums are held at once.
const HELD: usize = 4096;

impl Predictor {
    /// The scores of the first k masked passes, their probabilities averaged, for each k of
    /// `counts` (rising, at least 1), `repetitions` times (at least 1) with other masks; and of the
    /// full network.
    ///
    /// Repetition r takes the samples from r · K on, K being the largest count, as
    /// [`Self::monte_carlo`] numbers them. So repetitions share no mask, and k passes of the first
    /// are those of `monte_carlo(data, k, key)`. Every pass is taken once, whatever the number of
    /// counts.
    ///
    /// ```
    /// use furlough::{data::digits, nn::{Init, Layer::*, Mlp, Sequential}, predict::Predictor, random::Key};
    /// let network = Sequential::new([Flatten, Linear(64, 32), Relu, Dropout(0.5), Linear(32, 10)]);
    /// let mlp = Mlp::new(network.validate()?, Init::Kaiming, Key::new(0)); // or a trained one
    /// let curve = Predictor::new(mlp, 2).averaging(&digits::load()?.test, &[1, 2, 5, 10], 3, Key::new(0))?;
    /// for point in &curve.points {
    ///     let deviation = point.standard_deviation().unwrap();
    ///     println!("{} passes: loss {:.3} ± {:.3}", point.members, point.mean().loss, deviation.loss);
    /// }
    /// println!("full network: loss {:.3}", curve.full.loss);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Data`] when the data does not fit the network or has numbers to predict;
    /// [`Error::Setting`] when the counts are not rising, there is no count or repetition, or more
    /// passes than there are numbers for (2³² − 1).
    pub fn averaging(&mut self, data: &Dataset, counts: &[u32], repetitions: u32, key: Key) -> Result<AveragingCurve> {
        let labels = labels_of(data, "averaging")?;
        check_fit(self.mlp.architecture(), data)?;
        let most = check_counts(counts, repetitions)?;
        let classes = data.outputs();
        let width = classes + 2 * counts.len();
        let isa = self.cpu.isa();
        let mut kept = vec![0.0; HELD.min(data.len()) * width];
        let mut scores = vec![Vec::with_capacity(repetitions as usize); counts.len()];
        for repetition in 0..repetitions {
            let samples = repetition * most..(repetition + 1) * most;
            let fold = |mut given: Samples<'_>, kept: &mut [f64]| {
                softmax_samples(isa, &mut given);
                let place = given.first - samples.start;
                fold_prefixes(given.rows(), place, labels[given.example as usize] as usize, counts, kept);
            };
            let mut sums = vec![[0.0; 2]; counts.len()];
            for start in (0..data.len()).step_by(HELD) {
                let end = data.len().min(start + HELD);
                let kept = &mut kept[..(end - start) * width];
                kept.fill(0.0);
                self.cpu.sample(&self.mlp, data, start as u32..end as u32, key, samples.clone(), kept, &fold);
                for kept in kept.chunks_exact(width) {
                    for (sums, [error, loss]) in sums.iter_mut().zip(kept[classes..].as_chunks::<2>().0) {
                        sums[0] += error;
                        sums[1] += loss;
                    }
                }
            }
            let count = data.len() as f64;
            for (scores, [errors, loss]) in scores.iter_mut().zip(sums) {
                scores.push(AverageScore { error: errors / count, loss: loss / count });
            }
        }
        let full = softmax(self.outputs(data).view());
        let point = |(&members, repetitions)| AveragingPoint { members, repetitions };
        Ok(AveragingCurve {
            examples: data.len(),
            full: score(&full, 1.0, labels),
            points: counts.iter().zip(scores).map(point).collect(),
        })
    }
}

/// Separately trained networks whose probabilities are averaged. Made by [`ensemble`].
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    /// The scores of the first k networks, for each k from 1 to all of them.
    pub points: Vec<AveragingPoint>,
    /// The mean of the probabilities of all networks, examples × classes.
    pub means: Array2<f64>,
    /// How good that mean is.
    pub evaluation: Evaluation,
}

impl Ensemble {
    /// How far the averaged probabilities can be believed, in so many bins ([`Calibration::BINS`]
    /// as a rule).
    ///
    /// # Errors
    /// [`Error::Data`] when `data` does not have as many examples of as many classes as what was
    /// averaged, [`Error::Setting`] when the number of bins is out of range.
    pub fn calibration(&self, data: &Dataset, bins: usize) -> Result<Calibration> {
        calibration(self.means.view(), labels_of(data, "calibration")?, bins)
    }
}

/// Averages the probabilities of `members` as they become more: an *ensemble*. They may differ in
/// everything but the data that they fit.
///
/// B. Lakshminarayanan, A. Pritzel and C. Blundell, "Simple and scalable predictive uncertainty
/// estimation using deep ensembles", NeurIPS 2017, section 2.4.
///
/// # Errors
/// [`Error::Setting`] when there is no member, [`Error::Data`] when the data does not fit one or
/// has numbers to predict.
pub fn ensemble(members: &mut [Predictor], data: &Dataset) -> Result<Ensemble> {
    let labels = labels_of(data, "averaging")?;
    if members.is_empty() {
        return Err(Error::setting("members", 0, "an ensemble has at least one network"));
    }
    let mut sums = Array2::<f64>::zeros((data.len(), data.outputs()));
    let mut points: Vec<AveragingPoint> = Vec::with_capacity(members.len());
    for (count, member) in (1..).zip(&mut *members) {
        sums += &softmax(member.predict(data)?.view());
        points.push(AveragingPoint { members: count, repetitions: vec![score(&sums, f64::from(count), labels)] });
    }
    let means = sums / members.len() as f64;
    data.check_weights()?;
    let evaluation = Evaluation::of_probabilities(means.view(), labels, data);
    Ok(Ensemble { points, means, evaluation })
}

/// The largest count.
fn check_counts(counts: &[u32], repetitions: u32) -> Result<u32> {
    let Some(&most) = counts.last() else {
        return Err(Error::setting("counts", "none", "at least one number of passes is needed"));
    };
    if counts[0] == 0 || counts.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(Error::setting("counts", format!("{counts:?}"), "numbers of passes rise and are at least 1"));
    }
    if repetitions == 0 || most.checked_mul(repetitions).is_none() {
        let reason =
            format!("at least 1, and at most {} of {most} passes, which have numbers of 32 bits", u32::MAX / most);
        return Err(Error::setting("repetitions", repetitions, reason));
    }
    Ok(most)
}

/// Adds the probabilities of the samples from `place` on to an example's sum of probabilities,
/// which `kept` begins with; then come, for each count that is reached, whether the mean's answer
/// is wrong, and −ln of its probability of the label.
fn fold_prefixes<'a>(
    rows: impl Iterator<Item = &'a [f32]>,
    place: u32,
    label: usize,
    counts: &[u32],
    kept: &mut [f64],
) {
    let (sums, scores) = kept.split_at_mut(kept.len() - 2 * counts.len());
    let scores = scores.as_chunks_mut::<2>().0;
    let mut next = counts.partition_point(|&count| count <= place);
    for (count, row) in (place + 1..).zip(rows) {
        sums.iter_mut().zip(row).for_each(|(sum, &p)| *sum += f64::from(p));
        if counts.get(next) == Some(&count) {
            let wrong = largest(ArrayView1::from(&*sums)) != label;
            scores[next] = [f64::from(u8::from(wrong)), -libm::log(sums[label] / f64::from(count))];
            next += 1;
        }
    }
}

/// Of sums of `count` networks' probabilities.
fn score(sums: &Array2<f64>, count: f64, labels: &[u32]) -> AverageScore {
    let (mut wrong, mut loss) = (0u64, 0.0);
    for (row, &label) in sums.rows().into_iter().zip(labels) {
        wrong += u64::from(largest(row) != label as usize);
        loss -= libm::log(row[label as usize] / count);
    }
    AverageScore { error: wrong as f64 / labels.len() as f64, loss: loss / labels.len() as f64 }
}
