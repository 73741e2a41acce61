use furlough::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Which figures of the training set a run has after each epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum TrainFigures {
    /// The means over the epoch, dropout on, while the weights changed.
    #[default]
    Running,
    /// Those of the full network after the epoch, besides.
    Full,
}

impl TrainFigures {
    /// All of them, in the order help texts list them.
    pub const ALL: [TrainFigures; 2] = [TrainFigures::Running, TrainFigures::Full];

    /// Returns the name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            TrainFigures::Running => "running",
            TrainFigures::Full => "full",
        }
    }
}

impl fmt::Display for TrainFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<TrainFigures> for &'static str {
    fn from(figures: TrainFigures) -> Self {
        figures.name()
    }
}

impl FromStr for TrainFigures {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|figures| figures.name() == name).ok_or_else(|| Error::Setting {
            name: "train_figures".into(),
            value: name.into(),
            reason: "no such figures; there are running and full".into(),
        })
    }
}

impl TryFrom<String> for TrainFigures {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}
