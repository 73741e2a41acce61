use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// How the learning rate falls in the course of a training, as a pure function of the step: so a
/// run that is resumed goes on as it would have.
///
/// Written `constant`, `linear`, `cosine`.
///
/// ```
/// use furlough::optim::LrSchedule;
/// assert_eq!([0, 50, 75].map(|step| LrSchedule::Linear.factor(step, 100)), [1.0, 0.5, 0.25]);
/// assert_eq!(LrSchedule::Cosine.factor(50, 100), 0.5);
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LrSchedule {
    /// The same throughout.
    #[default]
    Constant,
    /// Down in a straight line, to 0 after the last step.
    Linear,
    /// Down along half a cosine, to 0 after the last step: slow, fast, slow. The single descent of
    /// Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
    /// without the restarts.
    Cosine,
}

impl LrSchedule {
    const NAMES: [(&'static str, LrSchedule); 3] =
        [("constant", LrSchedule::Constant), ("linear", LrSchedule::Linear), ("cosine", LrSchedule::Cosine)];

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(name, _)| *name)
    }

    /// What the learning rate is multiplied by at `step`, from 0, of `steps` in all: from 0 to 1,
    /// and exactly 1 with [`LrSchedule::Constant`].
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        let done = step as f64 / steps as f64;
        match self {
            LrSchedule::Constant => 1.0,
            LrSchedule::Linear => 1.0 - done,
            // libm's, because the system's may differ in the last bit from machine to machine.
            LrSchedule::Cosine => 0.5 * (1.0 - libm::sin(PI * (done - 0.5))),
        }
    }

    /// Whether it is [`LrSchedule::Constant`].
    pub fn is_constant(&self) -> bool {
        *self == LrSchedule::Constant
    }
}

impl fmt::Display for LrSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, _) = Self::NAMES.iter().find(|(_, schedule)| schedule == self).unwrap_or(&Self::NAMES[0]);
        f.write_str(name)
    }
}

impl FromStr for LrSchedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        let refused = || Error::setting("lr_schedule", text, "not a schedule; there are constant, linear and cosine");
        found.map(|(_, schedule)| *schedule).ok_or_else(refused)
    }
}

impl TryFrom<String> for LrSchedule {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<LrSchedule> for String {
    fn from(schedule: LrSchedule) -> Self {
        schedule.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_begins_at_1_and_falls() {
        for name in LrSchedule::names() {
            let schedule: LrSchedule = name.parse().unwrap();
            assert_eq!(schedule.to_string(), name);
            assert_eq!(schedule.factor(0, 1), 1.0);
            for steps in [7, 1000, u64::from(u32::MAX)] {
                let factors: Vec<f64> =
                    [0, steps / 3, steps / 2, steps - 1].iter().map(|&step| schedule.factor(step, steps)).collect();
                assert!(factors[0] == 1.0 && factors[3] >= 0.0, "{name}, {steps}: {factors:?}");
                let falls = factors.is_sorted_by(|a, b| if schedule.is_constant() { a == b } else { a > b });
                assert!(falls, "{name}, {steps}: {factors:?}");
            }
        }
        assert!((LrSchedule::Cosine.factor(25, 100) - (0.5 + 0.125f64.sqrt())).abs() < 1e-15);
        assert!(
            "cosin".parse::<LrSchedule>().unwrap_err().to_string().contains("there are constant, linear and cosine")
        );
    }
}
