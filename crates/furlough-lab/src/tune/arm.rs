use crate::recipe::Recipe;
use serde::{Deserialize, Serialize};

/// With dropout or without: each is tuned for itself, so that the two are compared at their best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DropoutArm {
    /// Networks that drop units.
    With,
    /// Networks that keep all units.
    Without,
}

impl DropoutArm {
    /// The arm that a recipe belongs to.
    pub fn of(recipe: &Recipe) -> Self {
        if recipe.drops() { DropoutArm::With } else { DropoutArm::Without }
    }
}
