use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a dropout layer does to its units while training. Each kind is governed by a drop probability p, makes one random word a unit
/// into noise, and is left out at inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum DropoutKind {
    /// 0 with probability p, else `x / (1-p)`: dropout itself.
    #[default]
    Bernoulli,
    /// x times a normal number with mean 1 and variance `p/(1-p)`, which are mean and variance of what [`DropoutKind::Bernoulli`] multiplies by.
    /// Nothing is dropped. Srivastava et al., JMLR 15 (2014), section 10.
    Gaussian,
}

impl DropoutKind {
    /// Every kind, in the order help texts list them.
    pub const ALL: [DropoutKind; 2] = [DropoutKind::Bernoulli, DropoutKind::Gaussian];

    /// The name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            DropoutKind::Bernoulli => "bernoulli",
            DropoutKind::Gaussian => "gaussian",
        }
    }

    /// Whether it is [`DropoutKind::Bernoulli`].
    pub fn is_bernoulli(&self) -> bool {
        *self == DropoutKind::Bernoulli
    }

    /// What is wrong with a drop probability, if something is.
    pub(crate) fn objection(self, p: f64) -> Option<&'static str> {
        match self {
            _ if !(0.0..=1.0).contains(&p) => Some("a drop probability lies between 0 (keep all) and 1 (drop all)"),
            DropoutKind::Gaussian if p == 1.0 => {
                Some("gaussian dropout has variance p/(1-p), so it takes a p from 0 to below 1")
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for DropoutKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for DropoutKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(DropoutKind::name).join(", ");
            Error::setting("dropout_kind", name, format!("not a kind of dropout; there are {known}"))
        })
    }
}

impl TryFrom<String> for DropoutKind {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<DropoutKind> for &'static str {
    fn from(kind: DropoutKind) -> Self {
        kind.name()
    }
}
