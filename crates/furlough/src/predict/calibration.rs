//! Whether answers are as often right as they are sure.

use super::answers::answers;
use crate::data::{Dataset, Targets};
use crate::{Error, Result};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// How far a classifier's probabilities can be believed. An example's *confidence* is the
/// probability of its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Number of examples.
    pub examples: usize,
    /// ECE: the mean over the examples of |accuracy − mean confidence| of their bin, from 0 to 1.
    /// C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural networks",
    /// ICML 2017, equation 3. It depends on the number of bins.
    pub expected_calibration_error: f64,
    /// MCE: the largest such difference of any bin that has examples. Guo et al., equation 5.
    pub maximum_calibration_error: f64,
    /// The mean over the examples of Σ (p(c) − \[c is the example's class\])² over the classes c,
    /// from 0 to 2. G. W. Brier, "Verification of forecasts expressed in terms of probability",
    /// Monthly Weather Review 78 (1950).
    pub brier: f64,
    /// The mean of −ln p(the example's class), in nats; infinite where that probability is 0.
    pub negative_log_likelihood: f64,
    /// The examples by confidence, in bins of equal width. Drawn, they are the reliability diagram.
    pub bins: Vec<ReliabilityBin>,
}

/// The examples whose confidence is above `from` and at most `to`; the first bin has 0 too.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Confidences are above this.
    pub from: f64,
    /// And at most this.
    pub to: f64,
    /// Number of examples.
    pub examples: usize,
    /// Their mean confidence; none of no examples.
    pub confidence: Option<f64>,
    /// The share of them that is answered rightly; none of no examples.
    pub accuracy: Option<f64>,
}

impl Calibration {
    /// Bins that Guo et al. use.
    pub const BINS: usize = 15;
    /// The most bins.
    pub const MOST_BINS: usize = 10_000;
}

/// Measures how far `probabilities` (examples × classes) can be believed, with the examples'
/// classes and so many bins, 1 to [`Calibration::MOST_BINS`].
///
/// ```
/// use furlough::predict::calibration;
/// use ndarray::array;
/// let measured = calibration(array![[0.9, 0.1], [0.7, 0.3]].view(), &[0, 1], 5)?;
/// assert!((measured.expected_calibration_error - (0.1 + 0.7) / 2.0).abs() < 1e-12);
/// assert!((measured.brier - (0.02 + 0.98) / 2.0).abs() < 1e-12);
/// # Ok::<(), furlough::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] when there is no example, not one label an example, a label is not a class, or a
/// probability is not one; [`Error::Setting`] when the number of bins is out of range.
pub fn calibration<P: Copy + Into<f64>>(
    probabilities: ArrayView2<'_, P>,
    labels: &[u32],
    bins: usize,
) -> Result<Calibration> {
    if !(1..=Calibration::MOST_BINS).contains(&bins) {
        return Err(Error::setting("bins", bins, format!("1 to {} bins", Calibration::MOST_BINS)));
    }
    let answers = answers(probabilities, labels)?;
    let mut tallies = vec![(0usize, 0.0f64, 0usize); bins];
    let (mut brier, mut surprise) = (0.0, 0.0);
    for ((answer, row), &label) in answers.iter().zip(probabilities.rows()).zip(labels) {
        let label = label as usize;
        let place = (answer.confidence * bins as f64).ceil() as usize;
        let (examples, confidence, right) = &mut tallies[place.clamp(1, bins) - 1];
        *examples += 1;
        *confidence += answer.confidence;
        *right += usize::from(answer.class == label);
        let squares =
            row.iter().enumerate().map(|(class, &p)| (p.into() - f64::from(u8::from(class == label))).powi(2));
        brier += squares.sum::<f64>();
        surprise -= libm::log(row[label].into());
    }
    let count = labels.len() as f64;
    let edge = |place: usize| place as f64 / bins as f64;
    let bin = |(place, &(examples, confidence, right)): (usize, &(usize, f64, usize))| {
        let mean = |sum: f64| (examples > 0).then(|| sum / examples as f64);
        let (confidence, accuracy) = (mean(confidence), mean(right as f64));
        ReliabilityBin { from: edge(place), to: edge(place + 1), examples, confidence, accuracy }
    };
    let bins: Vec<ReliabilityBin> = tallies.iter().enumerate().map(bin).collect();
    let gaps = bins.iter().filter_map(|bin| Some((bin.examples, (bin.accuracy? - bin.confidence?).abs())));
    Ok(Calibration {
        examples: labels.len(),
        expected_calibration_error: gaps.clone().map(|(examples, gap)| examples as f64 / count * gap).sum(),
        maximum_calibration_error: gaps.map(|(_, gap)| gap).fold(0.0, f64::max),
        brier: brier / count,
        negative_log_likelihood: surprise / count,
        bins,
    })
}

/// The classes of a data set's examples.
///
/// # Errors
/// [`Error::Data`] when it has numbers to predict; `what` says what needs classes.
pub(super) fn labels_of<'a>(data: &'a Dataset, what: &str) -> Result<&'a [u32]> {
    match data.targets() {
        Targets::Classes { labels, .. } => Ok(labels),
        Targets::Values(_) => Err(Error::data("set", format!("has numbers to predict; {what} needs classes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn close(seen: f64, expected: f64) {
        assert!((seen - expected).abs() < 1e-12, "{seen}, by hand {expected}");
    }

    #[test]
    fn by_hand() {
        // Confidences 0.6 | 0.7, 0.75 | 0.95 in bins of a fifth; 0.6 belongs to the bin that ends
        // there.
        let p = array![[0.6, 0.4, 0.0], [0.1, 0.7, 0.2], [0.25, 0.75, 0.0], [0.05, 0.0, 0.95]];
        let seen = calibration(p.view(), &[0, 1, 0, 0], 5).unwrap();
        let counts: Vec<usize> = seen.bins.iter().map(|bin| bin.examples).collect();
        assert_eq!(counts, [0, 0, 1, 2, 1]);
        assert_eq!((seen.bins[0].confidence, seen.bins[0].accuracy), (None, None));
        assert_eq!((seen.bins[3].from, seen.bins[3].to), (0.6, 0.8));
        close(seen.bins[3].confidence.unwrap(), 0.725);
        assert_eq!(seen.bins[3].accuracy, Some(0.5));
        close(seen.expected_calibration_error, (0.4 + 2.0 * 0.225 + 0.95) / 4.0);
        close(seen.maximum_calibration_error, 0.95);
        let brier = [0.16 + 0.16, 0.01 + 0.09 + 0.04, 0.5625 + 0.5625, 0.9025 + 0.9025];
        close(seen.brier, brier.iter().sum::<f64>() / 4.0);
        let surprise = [0.6, 0.7, 0.25, 0.05].map(|p: f64| -p.ln());
        close(seen.negative_log_likelihood, surprise.iter().sum::<f64>() / 4.0);
    }

    #[test]
    fn the_ends() {
        let certain = calibration(array![[1.0f32, 0.0], [0.0, 1.0]].view(), &[0, 1], 15).unwrap();
        assert_eq!(certain.bins[14].examples, 2);
        let zeros = [certain.expected_calibration_error, certain.maximum_calibration_error, certain.brier];
        assert_eq!((zeros, certain.negative_log_likelihood), ([0.0; 3], 0.0));
        let wrong = calibration(array![[1.0f32, 0.0]].view(), &[1], 15).unwrap();
        assert_eq!((wrong.brier, wrong.negative_log_likelihood), (2.0, f64::INFINITY));
        let nothing = calibration(Array2::<f64>::zeros((1, 2)).view(), &[0], 3).unwrap();
        assert_eq!(nothing.bins[0].examples, 1);
    }

    #[test]
    fn bins_out_of_range_are_refused() {
        for bins in [0, Calibration::MOST_BINS + 1] {
            let said = calibration(array![[1.0]].view(), &[0], bins).unwrap_err().to_string();
            assert_eq!(said, format!("bins = {bins}: 1 to 10000 bins"));
        }
    }
}
