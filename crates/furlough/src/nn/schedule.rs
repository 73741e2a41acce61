use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How dropout changes in the course of a training: what every drop probability is multiplied by,
/// as a pure function of the step.
///
/// Fractions F are of the whole training, from 0 to 1. Written `constant`, `early:F`, `late:F`,
/// `ramp:F`, `decay`.
///
/// ```
/// use furlough::nn::DropoutSchedule;
/// let early: DropoutSchedule = "early:0.25".parse()?;
/// assert_eq!([0, 24, 25, 99].map(|step| early.factor(step, 100)), [1.0, 1.0, 0.0, 0.0]);
/// let ramp = DropoutSchedule::Ramp(0.5);
/// assert_eq!([0, 10, 50, 99].map(|step| ramp.factor(step, 100)), [0.0, 0.2, 1.0, 1.0]);
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DropoutSchedule {
    /// p throughout.
    #[default]
    Constant,
    /// p for the first F of the training, then no dropout: against underfitting ("early dropout" of
    /// Liu, Xu, Jin, Shen and Darrell, "Dropout reduces underfitting", ICML 2023).
    Early(f64),
    /// No dropout for the first F of the training, then p: against overfitting ("late dropout" of
    /// the same paper).
    Late(f64),
    /// From 0 up to p in a straight line over the first F of the training, then p: a curriculum
    /// from easy to hard. Morerio, Cavazza, Volpi, Vidal and Murino, "Curriculum dropout", ICCV
    /// 2017, let the drop probability rise as `p (1 - exp(-10 step / steps))`, which is half of p
    /// after 7 % of the training and never quite p; a ramp over 0.2 is about as fast and then
    /// stays.
    Ramp(f64),
    /// From p down to 0 in a straight line over the whole training, so that its end is close to
    /// what is evaluated. RealMLP's falls to 0 too (Holzmüller, Grinsztajn and Steinwart, "Better
    /// by default", NeurIPS 2024), but stays p in the first half and then follows a cosine.
    Decay,
}

const REASON: &str = "write constant, early:F, late:F, ramp:F or decay, with F a fraction of the training from 0 to 1";

impl DropoutSchedule {
    /// What drop probabilities are multiplied by at `step`, from 0, of `steps` in all: from 0 to 1,
    /// and exactly 1 with [`DropoutSchedule::Constant`]. `docs/reference/masks.md` has the
    /// formulas.
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        let (step, steps) = (step as f64, steps as f64);
        match self {
            DropoutSchedule::Constant => 1.0,
            DropoutSchedule::Early(part) if step < part * steps => 1.0,
            DropoutSchedule::Early(_) => 0.0,
            DropoutSchedule::Late(part) if step < part * steps => 0.0,
            DropoutSchedule::Late(_) => 1.0,
            DropoutSchedule::Ramp(part) if step < part * steps => step / (part * steps),
            DropoutSchedule::Ramp(_) => 1.0,
            DropoutSchedule::Decay => 1.0 - step / steps,
        }
    }

    /// Checks the fraction.
    ///
    /// # Errors
    /// [`Error::Setting`] when it is not from 0 to 1.
    pub fn validate(self) -> Result<()> {
        use DropoutSchedule::{Early, Late, Ramp};
        match self {
            Early(part) | Late(part) | Ramp(part) if !(0.0..=1.0).contains(&part) => {
                Err(Error::setting("dropout_schedule", self, REASON))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is [`DropoutSchedule::Constant`].
    pub fn is_constant(&self) -> bool {
        *self == DropoutSchedule::Constant
    }
}

impl fmt::Display for DropoutSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DropoutSchedule::Constant => f.write_str("constant"),
            DropoutSchedule::Early(part) => write!(f, "early:{part}"),
            DropoutSchedule::Late(part) => write!(f, "late:{part}"),
            DropoutSchedule::Ramp(part) => write!(f, "ramp:{part}"),
            DropoutSchedule::Decay => f.write_str("decay"),
        }
    }
}

impl std::str::FromStr for DropoutSchedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, part) = text.split_once(':').map_or((text, None), |(name, part)| (name, Some(part)));
        // What is no number at all is refused as NaN is.
        let part = part.map(|part| part.parse::<f64>().unwrap_or(f64::NAN));
        let schedule = match (name, part) {
            ("constant", None) => DropoutSchedule::Constant,
            ("early", Some(part)) => DropoutSchedule::Early(part),
            ("late", Some(part)) => DropoutSchedule::Late(part),
            ("ramp", Some(part)) => DropoutSchedule::Ramp(part),
            ("decay", None) => DropoutSchedule::Decay,
            _ => return Err(Error::setting("dropout_schedule", text, REASON)),
        };
        schedule.validate().map_err(|_| Error::setting("dropout_schedule", text, REASON))?;
        Ok(schedule)
    }
}

impl TryFrom<String> for DropoutSchedule {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<DropoutSchedule> for String {
    fn from(schedule: DropoutSchedule) -> Self {
        schedule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::DropoutSchedule::{self, Constant, Decay, Early, Late, Ramp};

    #[test]
    fn factors_are_those_of_the_formulas() {
        let at = |schedule: DropoutSchedule, steps: u64| -> Vec<f64> {
            (0..steps).map(|step| schedule.factor(step, steps)).collect()
        };
        assert_eq!(at(Constant, 3), [1.0, 1.0, 1.0]);
        assert_eq!(at(Early(0.5), 4), [1.0, 1.0, 0.0, 0.0]);
        assert_eq!(at(Late(0.5), 4), [0.0, 0.0, 1.0, 1.0]);
        // Two and a half steps: the third is begun within them.
        assert_eq!(at(Early(0.5), 5), [1.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(at(Ramp(0.8), 5), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(at(Decay, 4), [1.0, 0.75, 0.5, 0.25]);
        // Both ends of F.
        assert_eq!((at(Early(0.0), 2), at(Early(1.0), 2)), (vec![0.0; 2], vec![1.0; 2]));
        assert_eq!((at(Late(0.0), 2), at(Late(1.0), 2)), (vec![1.0; 2], vec![0.0; 2]));
        assert_eq!((at(Ramp(0.0), 2), at(Ramp(1.0), 2)), (vec![1.0; 2], vec![0.0, 0.5]));
        for steps in [1, 7, u64::from(u32::MAX)] {
            for schedule in [Constant, Early(0.3), Late(1e-300), Ramp(1e-300), Ramp(0.999), Decay] {
                for step in [0, steps / 3, steps - 1] {
                    let factor = schedule.factor(step, steps);
                    assert!((0.0..=1.0).contains(&factor), "{schedule} at {step} of {steps}: {factor}");
                }
            }
        }
    }

    #[test]
    fn text_is_read_back_and_nonsense_is_named() {
        for schedule in [Constant, Early(0.25), Late(0.0), Ramp(1.0), Ramp(0.1), Decay] {
            assert_eq!(schedule.to_string().parse::<DropoutSchedule>().unwrap(), schedule);
        }
        for bad in [
            "",
            "early",
            "early:",
            "early:x",
            "late:nan",
            "ramp:1.5",
            "ramp:-0.1",
            "decay:0.5",
            "constant:1",
            "Early:1",
        ] {
            let error = bad.parse::<DropoutSchedule>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("dropout_schedule = {bad}: write constant, early:F")), "{error}");
        }
    }
}
