use super::{DropoutArm, Metric};
use crate::study::statistics::{Estimate, t_quantile};
use serde::{Deserialize, Serialize};

/// Whether dropout helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The whole confidence interval is on dropout's side.
    Helps,
    /// The whole interval is on the other side.
    Hurts,
    /// The interval contains 0.
    NoDifference,
    /// Training diverged too often for a comparison.
    Unknown,
}

/// The comparison of the best network with dropout and the best without, over paired seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether dropout helps.
    pub outcome: Outcome,
    /// By how much, seed for seed: above 0 where the network with dropout is better, in accuracy
    /// from 0 to 1 or in loss. None when fewer than two pairs of runs came to an end.
    pub gain: Option<Estimate>,
    /// Which of the two is recommended.
    pub recommended: DropoutArm,
    /// The verdict in words.
    pub text: String,
}

impl Verdict {
    /// Compares scores seed for seed: the lower the better, infinite where training diverged. As
    /// many of each, at least two.
    ///
    /// `step` is what scores are multiples of: one example's share for accuracies, 0 for losses.
    /// Differences of a few steps may be equal over all seeds by mere rounding, and would then seem
    /// to be certain. So their standard deviation is taken to be step/√6 at the least, that of the
    /// difference of two values rounded to a step (W. F. Sheppard, *Proceedings of the London
    /// Mathematical Society* 29, 1897).
    ///
    /// Where the interval contains 0, the one that was better on average is recommended: it is the
    /// better guess, and no more than that.
    ///
    /// ```
    /// use furlough_lab::tune::{Metric, Verdict};
    /// // Errors of five seeds, with dropout and without.
    /// let (with, without) = ([0.031, 0.029, 0.033, 0.028, 0.030], [0.040, 0.037, 0.041, 0.040, 0.036]);
    /// let verdict = Verdict::of(Metric::Accuracy, 1.0 / 12_000.0, &with, &without);
    /// let says = "dropout helps: +0.86 ± 0.27 points of validation accuracy (95 % confidence, 5 paired seeds)";
    /// assert_eq!(verdict.text, says);
    /// ```
    pub fn of(metric: Metric, step: f64, with: &[f64], without: &[f64]) -> Self {
        let seeds = with.len().min(without.len());
        let diverged = |scores: &[f64]| scores.iter().filter(|score| !score.is_finite()).count();
        let pairs = without.iter().zip(with).filter(|(a, b)| a.is_finite() && b.is_finite());
        let (plain, dropped): (Vec<f64>, Vec<f64>) = pairs.unzip();
        let gain = Estimate::of_differences(&plain, &dropped).filter(|gain| gain.half_width.is_some());
        let gain = gain.map(|gain| at_least(gain, step / 6f64.sqrt()));
        let (lost_with, lost_without) = (diverged(with), diverged(without));
        if lost_with + lost_without > 0 {
            return Self::after_divergence(metric, gain, (lost_with, lost_without), seeds);
        }
        let Some(gain) = gain else {
            return Self::unknown(None, DropoutArm::Without, "one seed is too few to compare".into());
        };
        Self::plain(metric, gain)
    }

    fn plain(metric: Metric, gain: Estimate) -> Self {
        let better = if gain.mean > 0.0 { DropoutArm::With } else { DropoutArm::Without };
        let outcome = match (gain.excludes_zero(), better) {
            (false, _) => Outcome::NoDifference,
            (true, DropoutArm::With) => Outcome::Helps,
            (true, DropoutArm::Without) => Outcome::Hurts,
        };
        let n = gain.n;
        let by = metric.gain(gain.mean, gain.half_width.unwrap_or(0.0));
        let of = format!("(95 % confidence, {n} paired seeds)");
        let text = match outcome {
            Outcome::Helps => format!("dropout helps: {by} {of}"),
            Outcome::Hurts => format!("dropout hurts: {by} {of}"),
            _ => format!("no difference that {n} seeds can show: {by} {of}"),
        };
        Verdict { outcome, gain: Some(gain), recommended: better, text }
    }

    /// An arm that diverges more often is not the one to take, however good its other runs are.
    fn after_divergence(
        metric: Metric,
        gain: Option<Estimate>,
        (lost_with, lost_without): (usize, usize),
        seeds: usize,
    ) -> Self {
        let counts = format!(
            "training diverged with {lost_with} of {seeds} seeds where there was dropout, and with {lost_without} \
             where there was none"
        );
        let recommended = match lost_with.cmp(&lost_without) {
            std::cmp::Ordering::Less => DropoutArm::With,
            std::cmp::Ordering::Greater => DropoutArm::Without,
            std::cmp::Ordering::Equal => gain.map_or(DropoutArm::Without, |gain| Self::plain(metric, gain).recommended),
        };
        Self::unknown(gain, recommended, format!("{counts}; try a smaller learning rate"))
    }

    fn unknown(gain: Option<Estimate>, recommended: DropoutArm, why: String) -> Self {
        Verdict {
            outcome: Outcome::Unknown,
            gain,
            recommended,
            text: format!("cannot say whether dropout helps: {why}"),
        }
    }
}

/// The estimate with a standard deviation of at least `floor`.
fn at_least(estimate: Estimate, floor: f64) -> Estimate {
    if estimate.sd.is_none_or(|sd| sd >= floor) {
        return estimate;
    }
    let n = estimate.n as f64;
    Estimate { sd: Some(floor), half_width: Some(t_quantile(0.975, n - 1.0) * floor / n.sqrt()), ..estimate }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_is_said_plainly() {
        let verdict = |with: &[f64], without: &[f64]| Verdict::of(Metric::Accuracy, 1e-4, with, without);
        let helps = verdict(&[0.10, 0.11, 0.10], &[0.12, 0.13, 0.121]);
        assert_eq!((helps.outcome, helps.recommended), (Outcome::Helps, DropoutArm::With));
        assert_eq!(
            helps.text,
            "dropout helps: +2.03 ± 0.14 points of validation accuracy (95 % confidence, 3 paired seeds)"
        );
        let hurts = verdict(&[0.12, 0.13, 0.121], &[0.10, 0.11, 0.10]);
        assert_eq!((hurts.outcome, hurts.recommended), (Outcome::Hurts, DropoutArm::Without));
        assert!(hurts.text.starts_with("dropout hurts: -2.03 ± 0.14 points"), "{}", hurts.text);
        let none = verdict(&[0.10, 0.12, 0.11], &[0.12, 0.10, 0.115]);
        assert_eq!((none.outcome, none.recommended), (Outcome::NoDifference, DropoutArm::With));
        assert!(none.text.starts_with("no difference that 3 seeds can show: +0.2 ± 5.0 points"), "{}", none.text);
        let same = verdict(&[0.1, 0.2], &[0.1, 0.2]);
        assert_eq!((same.outcome, same.recommended), (Outcome::NoDifference, DropoutArm::Without));
        assert!(same.text.starts_with("no difference that 2 seeds can show: +0.000 ± 0.037 points"), "{}", same.text);
    }

    #[test]
    fn one_example_more_is_no_proof() {
        // 287 held out, and with dropout one more is right, whatever the seed.
        let (with, without) = ([11.0 / 287.0; 2], [12.0 / 287.0; 2]);
        let verdict = Verdict::of(Metric::Accuracy, 1.0 / 287.0, &with, &without);
        assert_eq!(verdict.outcome, Outcome::NoDifference, "{}", verdict.text);
        // Ten seeds that all agree are.
        let (with, without) = ([11.0 / 287.0; 10], [12.0 / 287.0; 10]);
        assert_eq!(Verdict::of(Metric::Accuracy, 1.0 / 287.0, &with, &without).outcome, Outcome::Helps);
    }

    #[test]
    fn losses_are_lower_or_higher() {
        let helps = Verdict::of(Metric::Loss, 0.0, &[0.30, 0.31, 0.30], &[0.32, 0.33, 0.321]);
        assert!(helps.text.starts_with("dropout helps: validation loss lower by 0.0203 ± 0.0014 ("), "{}", helps.text);
        let hurts = Verdict::of(Metric::Loss, 0.0, &[0.32, 0.33, 0.321], &[0.30, 0.31, 0.30]);
        assert!(hurts.text.starts_with("dropout hurts: validation loss higher by 0.0203 ± 0.0014 ("), "{}", hurts.text);
    }

    #[test]
    fn what_diverges_is_not_recommended() {
        let nan = f64::INFINITY;
        let with = Verdict::of(Metric::Accuracy, 1e-4, &[0.1, nan, 0.1], &[0.2, 0.2, 0.2]);
        assert_eq!((with.outcome, with.recommended), (Outcome::Unknown, DropoutArm::Without));
        assert!(with.text.contains("with 1 of 3 seeds where there was dropout, and with 0"), "{}", with.text);
        let without = Verdict::of(Metric::Accuracy, 1e-4, &[0.3, 0.3, 0.3], &[nan, nan, nan]);
        assert_eq!((without.outcome, without.recommended, without.gain), (Outcome::Unknown, DropoutArm::With, None));
        let both = Verdict::of(Metric::Accuracy, 1e-4, &[nan, 0.1, 0.1], &[0.2, nan, 0.2]);
        assert_eq!((both.recommended, both.gain), (DropoutArm::Without, None));
        assert_eq!(Verdict::of(Metric::Loss, 0.0, &[0.1], &[0.2]).outcome, Outcome::Unknown);
    }
}
