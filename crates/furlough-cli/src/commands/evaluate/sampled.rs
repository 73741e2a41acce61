//! What masked passes say beside the full network.

use super::Full;
use crate::terminal::{Style, duration, thousands};
use furlough::data::{Dataset, Targets};
use furlough::nn::Architecture;
use furlough::noun_of;
use furlough::predict::{Calibration, Evaluation, Predictor, Spread, Uncertainty};
use furlough::random::Key;
use serde::Serialize;
use std::time::Instant;

/// The average of the passes, and how sure they are.
#[derive(Serialize)]
pub struct Sampled {
    samples: u32,
    seed: u64,
    /// Of the passes alone.
    seconds: f64,
    loss: f64,
    accuracy: Option<f64>,
    right: Option<Surety>,
    wrong: Option<Surety>,
    /// Of the averaged probabilities.
    calibration: Option<Calibration>,
}

/// Means over some examples; entropies in nats.
#[derive(Serialize)]
struct Surety {
    examples: usize,
    predictive_entropy: f64,
    mutual_information: f64,
    agreement: f64,
}

/// Whether masked passes differ from each other.
pub fn check(architecture: &Architecture) -> anyhow::Result<()> {
    let masked = |dropout: furlough::nn::Dropout| !dropout.is_identity();
    let blocks = architecture.blocks().iter();
    if masked(architecture.input_dropout()) || blocks.into_iter().any(|block| masked(block.dropout)) {
        return Ok(());
    }
    anyhow::bail!("--samples: this network was trained without dropout, so its passes would all be the same")
}

impl Sampled {
    /// Takes `samples` masked passes over `test`.
    pub fn new(predictor: &mut Predictor, test: &Dataset, samples: u32, seed: u64) -> furlough::Result<Self> {
        let start = Instant::now();
        let sampled = predictor.monte_carlo(test, samples, Key::new(seed))?;
        let seconds = start.elapsed().as_secs_f64();
        let Evaluation { loss, accuracy, .. } = sampled.evaluate(test)?;
        let surety = |right: bool| match (test.targets(), &sampled.spread) {
            (Targets::Classes { labels, .. }, Spread::Classes(answers)) => {
                let of_these =
                    answers.iter().zip(labels).filter(|(one, label)| (one.answer == **label as usize) == right);
                Surety::of(of_these.map(|(one, _)| one))
            }
            _ => None,
        };
        let calibration = accuracy.map(|_| sampled.calibration(test, Calibration::BINS)).transpose()?;
        Ok(Sampled { samples, seed, seconds, loss, accuracy, right: surety(true), wrong: surety(false), calibration })
    }

    /// A table beside the full network's figures, and one of how sure right and wrong answers are.
    /// `of` names the run where there are several.
    pub fn tables(&self, full: &Full, of: Option<&str>, style: Style) -> Vec<String> {
        let Full { evaluation: full, calibration } = full;
        let passes = noun_of(self.samples as usize, "masked pass");
        let of = of.map_or(String::new(), |run| format!(" of {run}"));
        let (count, seconds) = (thousands(self.samples.into()), duration(self.seconds));
        let heading = format!("{count} {passes}{of} · seed {} · {seconds}", self.seed);
        let columns = |first: &str, second: &str| style.dim(&format!("  {:<18}  {first:>13}   {second:>13}", ""));
        let line = |name: &str, a: String, b: String| format!("  {name:<18}  {a:>13}   {b:>13}");
        let share = |share: f64| format!("{:.2} %", 100.0 * share);
        let mut lines = vec![format!("  {}", style.text(&heading)), columns("full network", "their average")];
        if let (Some(full), Some(own)) = (full.accuracy, self.accuracy) {
            lines.push(line("accuracy", share(full), share(own)));
        }
        lines.push(line("loss", format!("{:.4}", full.loss), format!("{:.4}", self.loss)));
        if let (Some(full), Some(own)) = (calibration, &self.calibration) {
            let [full_error, own_error] = [full, own].map(|one| share(one.expected_calibration_error));
            lines.push(line("calibration error", full_error, own_error));
            lines.push(line("Brier score", format!("{:.4}", full.brier), format!("{:.4}", own.brier)));
        }
        lines.push(String::new());
        let groups = [&self.right, &self.wrong];
        if groups.iter().any(|group| group.is_some()) {
            let show = |name: &str, text: &dyn Fn(&Surety) -> String| {
                let [right, wrong] = groups.map(|group| group.as_ref().map_or("–".into(), text));
                line(name, right, wrong)
            };
            lines.push(columns("right answers", "wrong answers"));
            lines.push(show("examples", &|s| thousands(s.examples as u64)));
            lines.push(show("predictive entropy", &|s| format!("{:.4}", s.predictive_entropy)));
            lines.push(show("mutual information", &|s| format!("{:.4}", s.mutual_information)));
            lines.push(show("agreement", &|s| share(s.agreement)));
            lines.push(String::new());
        }
        lines
    }
}

impl Surety {
    /// None of no examples.
    fn of<'a>(answers: impl Iterator<Item = &'a Uncertainty>) -> Option<Self> {
        let mut sums = Surety { examples: 0, predictive_entropy: 0.0, mutual_information: 0.0, agreement: 0.0 };
        for one in answers {
            sums.examples += 1;
            sums.predictive_entropy += one.predictive_entropy;
            sums.mutual_information += one.mutual_information;
            sums.agreement += one.agreement;
        }
        let count = sums.examples as f64;
        (sums.examples > 0).then(|| Surety {
            predictive_entropy: sums.predictive_entropy / count,
            mutual_information: sums.mutual_information / count,
            agreement: sums.agreement / count,
            ..sums
        })
    }
}
