use furlough::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An optimizer by name, its numbers left to keys of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum OptimizerKind {
    /// Stochastic gradient descent.
    #[default]
    Sgd,
}

impl OptimizerKind {
    /// All of them, in the order help texts list them.
    pub const ALL: [OptimizerKind; 1] = [OptimizerKind::Sgd];

    /// Returns the name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            OptimizerKind::Sgd => "sgd",
        }
    }
}

impl fmt::Display for OptimizerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<OptimizerKind> for &'static str {
    fn from(kind: OptimizerKind) -> Self {
        kind.name()
    }
}

impl FromStr for OptimizerKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(OptimizerKind::name).join(", ");
            Error::Setting {
                name: "optimizer".into(),
                value: name.into(),
                reason: format!("not an optimizer; there is {known}"),
            }
        })
    }
}

impl TryFrom<String> for OptimizerKind {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}
