use super::{Factors, GroupFactors};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Factors of the groups of parameters by name.
///
/// ```
/// use furlough::optim::{FactorSet, GroupFactors};
/// assert_eq!("realmlp".parse::<FactorSet>()?.factors(), GroupFactors::REALMLP);
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum FactorSet {
    /// [`GroupFactors::DEFAULT`]: one learning rate for all.
    #[default]
    Uniform,
    /// [`GroupFactors::REALMLP`].
    RealMlp,
}

impl FactorSet {
    /// All of them, in the order help texts list them.
    pub const ALL: [FactorSet; 2] = [FactorSet::Uniform, FactorSet::RealMlp];

    /// Returns its name: `uniform` or `realmlp`.
    pub fn name(self) -> &'static str {
        match self {
            FactorSet::Uniform => "uniform",
            FactorSet::RealMlp => "realmlp",
        }
    }

    /// Returns the factors.
    pub fn factors(self) -> GroupFactors {
        match self {
            FactorSet::Uniform => GroupFactors::DEFAULT,
            FactorSet::RealMlp => GroupFactors::REALMLP,
        }
    }
}

impl GroupFactors {
    /// Returns these factors with others in place of three: one number each for learning rate and
    /// decay, of the weights of the first linear layer, of what periodic columns learn, and of the
    /// factors of the inputs. What RealMLP's published search space has.
    pub fn with(self, first_weight: Option<f64>, periodic: Option<f64>, input_scale: Option<f64>) -> GroupFactors {
        let both = |said: Option<f64>, own: Factors| said.map_or(own, Factors::both);
        GroupFactors {
            first_weight: both(first_weight, self.first_weight),
            periodic: both(periodic, self.periodic),
            input_scale: both(input_scale, self.input_scale),
            ..self
        }
    }
}

impl fmt::Display for FactorSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<FactorSet> for &'static str {
    fn from(set: FactorSet) -> Self {
        set.name()
    }
}

impl FromStr for FactorSet {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(FactorSet::name).join(", ");
            Error::setting("group_factors", name, format!("no set of factors; there are {known}"))
        })
    }
}

impl TryFrom<String> for FactorSet {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}
