use crate::Result;
use crate::recipe::{OneOrMany, Recipe, Settings};
use serde::{Deserialize, Serialize};

/// What a trial of the search changes in the base recipe. None means: as the base has it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Drop probability after each hidden layer that there may be; those of deeper layers than the
    /// network has count for nothing.
    pub dropout: Vec<f64>,
    /// Drop probability of the features.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_dropout: Option<f64>,
    /// Units of each hidden layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Hidden layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Learning rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
    /// L2 penalty; 0 is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// Max-norm constraint; 0 is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_norm: Option<f64>,
}

impl Candidate {
    /// The base with drop probability `p` after each hidden layer. 0 takes away the dropout of the
    /// features too.
    pub fn uniform(p: f64, layers: usize) -> Self {
        Candidate { dropout: vec![p; layers], input_dropout: (p == 0.0).then_some(0.0), ..Candidate::default() }
    }

    /// The recipe: the base with what the candidate changes. Where there are more layers than the
    /// base has, they are like its last.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] when the base cannot be changed so.
    pub fn recipe(&self, base: &Recipe) -> Result<Recipe> {
        let mut settings = settings_of(base)?;
        let depth = self.depth.unwrap_or(base.hidden().len());
        let width = |layer: usize| {
            let own = base.hidden().get(layer).or(base.hidden().last()).copied();
            self.width.or(own).unwrap_or(1)
        };
        settings.hidden = Some(OneOrMany::Many((0..depth).map(width).collect()));
        settings.dropout = Some(OneOrMany::Many(self.dropout[..depth.min(self.dropout.len())].to_vec()));
        settings.input_dropout = self.input_dropout.or(settings.input_dropout);
        settings.lr = self.lr.or(settings.lr);
        settings.weight_decay = self.weight_decay.or(settings.weight_decay);
        settings.max_norm = self.max_norm.or(settings.max_norm).filter(|&norm| norm != 0.0);
        settings.resolve()
    }
}

/// The settings that say all that a recipe says.
pub(super) fn settings_of(recipe: &Recipe) -> Result<Settings> {
    Settings::parse(&recipe.to_toml(), None)
}

/// Whether a recipe drops anything.
pub(super) fn drops(recipe: &Recipe) -> bool {
    recipe.input_dropout() > 0.0 || recipe.dropout().iter().any(|&p| p > 0.0)
}
