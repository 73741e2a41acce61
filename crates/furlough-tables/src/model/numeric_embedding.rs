use furlough::Error;
use furlough::nn::{InputColumn, InputStage};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a number becomes before the first linear layer. Features that say whether something holds
/// have no embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum NumericEmbedding {
    /// One input, as it is.
    #[default]
    None,
    /// A linear layer of learned waves beside the number itself ([`InputColumn::Periodic`]).
    Pbld,
}

/// What stands before the first linear layer of a table's network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InputRecipe {
    /// Learned numbers that a level of an embedded category becomes.
    pub embedding_width: usize,
    /// What a number becomes.
    pub numeric_embedding: NumericEmbedding,
    /// Waves of a number.
    pub pbld_frequencies: usize,
    /// Inputs of these waves.
    pub pbld_outputs: usize,
    /// The standard deviation of the waves' first frequencies.
    pub pbld_scale: f64,
    /// Whether each input has a learned factor.
    pub input_scaling: bool,
}

impl NumericEmbedding {
    /// All of them, in the order help texts list them.
    pub const ALL: [NumericEmbedding; 2] = [NumericEmbedding::None, NumericEmbedding::Pbld];

    /// Returns its name: `none` or `pbld`.
    pub fn name(self) -> &'static str {
        match self {
            NumericEmbedding::None => "none",
            NumericEmbedding::Pbld => "pbld",
        }
    }
}

impl Default for InputRecipe {
    /// Numbers as they are, eight numbers a level, and otherwise what RealMLP has.
    fn default() -> Self {
        InputRecipe {
            embedding_width: 8,
            numeric_embedding: NumericEmbedding::None,
            pbld_frequencies: 16,
            pbld_outputs: 3,
            pbld_scale: 0.1,
            input_scaling: false,
        }
    }
}

impl InputRecipe {
    /// Returns the stage for features with so many levels
    /// ([`Examples::levels`](furlough::data::Examples::levels)); none where each feature is an
    /// input as it is.
    pub fn stage(&self, features: usize, levels: &[u32]) -> Option<InputStage> {
        let number = match self.numeric_embedding {
            NumericEmbedding::None => InputColumn::Number,
            NumericEmbedding::Pbld => InputColumn::Periodic {
                frequencies: self.pbld_frequencies,
                outputs: self.pbld_outputs,
                deviation: self.pbld_scale,
            },
        };
        let numbers = vec![0; features];
        let levels = if levels.is_empty() { &numbers } else { levels };
        let stage = InputStage::with_numbers(levels, self.embedding_width, &number);
        if self.input_scaling {
            return Some(stage.with_scaling());
        }
        let is_plain = stage.columns().iter().all(|column| *column == InputColumn::Number);
        (!is_plain).then_some(stage)
    }
}

impl fmt::Display for NumericEmbedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<NumericEmbedding> for &'static str {
    fn from(embedding: NumericEmbedding) -> Self {
        embedding.name()
    }
}

impl FromStr for NumericEmbedding {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|embedding| embedding.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(NumericEmbedding::name).join(", ");
            let reason = format!("not an embedding of numbers; there are {known}");
            Error::Setting { name: "numeric_embedding".into(), value: name.into(), reason }
        })
    }
}

impl TryFrom<String> for NumericEmbedding {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        name.parse()
    }
}
