use super::{GroupFactors, Optimizer, Regularizers, range};
use crate::Result;

/// What one step does with the gradient of the batch's mean loss: clip it, add the penalties', let
/// the parameters follow, bound the norms.
///
/// ```
/// use furlough::optim::{Optimizer, UpdateRule};
/// let rule = UpdateRule { optimizer: Optimizer::ADAM, learning_rate: 0.001, ..UpdateRule::default() };
/// rule.validate()?;
/// assert_eq!(rule.optimizer.state_buffers(), ["first_moment", "second_moment"]);
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UpdateRule {
    /// How parameters follow.
    pub optimizer: Optimizer,
    /// The step's learning rate, from 0.
    pub learning_rate: f64,
    /// Penalties and bounds.
    pub regularizers: Regularizers,
    /// Upper bound of the norm of the gradient by all parameters together: a gradient that
    /// is longer is scaled to it, `g ← min(1, clip_norm / (|g| + 1e-6)) · g`, as PyTorch's
    /// `clip_grad_norm_` does (Pascanu, Mikolov and Bengio, "On the difficulty of training
    /// recurrent neural networks", 2013). Penalties are added afterwards and are not part of the
    /// norm, nor are the logits of concrete dropout.
    pub clip_norm: Option<f64>,
    /// What learning rate and decay are multiplied by, group by group.
    #[cfg_attr(feature = "serde", serde(default))]
    pub factors: GroupFactors,
}

impl Default for UpdateRule {
    /// The tutorial's: plain SGD with learning rate 0.5 and nothing else.
    fn default() -> Self {
        UpdateRule {
            optimizer: Optimizer::SGD,
            learning_rate: 0.5,
            regularizers: Regularizers::default(),
            clip_norm: None,
            factors: GroupFactors::default(),
        }
    }
}

impl UpdateRule {
    /// Checks the ranges, with a learning rate above 0.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) naming the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        range::above_0("lr", self.learning_rate)?;
        self.optimizer.validate()?;
        self.regularizers.validate()?;
        self.factors.validate()?;
        self.clip_norm.map_or(Ok(()), |bound| range::above_0("clip_norm", bound))
    }

    /// Returns the rule of a step: the learning rate, and the decay of weights whether decoupled or
    /// a penalty, multiplied by what their schedules say.
    pub fn scheduled(&self, learning_rate: f64, weight_decay: f64) -> UpdateRule {
        UpdateRule {
            optimizer: self.optimizer.with_decay_times(weight_decay),
            learning_rate: self.learning_rate * learning_rate,
            regularizers: Regularizers { l2: self.regularizers.l2 * weight_decay, ..self.regularizers },
            clip_norm: self.clip_norm,
            factors: self.factors,
        }
    }

    /// Whether weights without a gradient, such as those of dropped units, may move all the same.
    pub(crate) fn moves_all(&self) -> bool {
        !self.optimizer.fuses_into_product() || self.regularizers.moves_all()
    }
}

/// Returns what a gradient of this norm is multiplied by.
pub(crate) fn clip_factor(norm: f64, bound: f64) -> f32 {
    (bound / (norm + 1e-6)).min(1.0) as f32
}
