use super::range;
use crate::nn::ConcretePrior;
use crate::{Error, Result};

/// What is asked of the weights besides a small loss, whatever the optimizer. Penalties are part of
/// what is minimized: their gradient, with that of the loss g,
///
/// ```text
/// g ← g + l2 · w + l1 · sign(w)                      sign(0) = 0
/// ```
///
/// for weights and embeddings, and for nothing else unless
/// [`GroupFactors`](super::GroupFactors) say otherwise,
/// passes through the optimizer. The decay of AdamW and Lion does not, and is the optimizer's. The
/// L1 penalty is the lasso's (Tibshirani 1996), by its subgradient. After the step each hidden unit
/// whose incoming weights (biases left out) have a Euclidean norm over `max_norm` has them scaled
/// back to it (Srivastava et al. 2014, section 5.1); the output layer is left free.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Regularizers {
    /// L2 penalty: `l2/2 · |w|²` is added to the loss. A recipe calls it
    /// `weight_decay`, except with AdamW and Lion.
    pub l2: f64,
    /// L1 penalty: `l1 · Σ|w|` is added to the loss. Each step of SGD takes a
    /// weight the same distance `learning_rate · l1` towards 0, however small it is: weights that
    /// the data do not hold up end within that distance of 0, on either side.
    pub l1: f64,
    /// Upper bound for the norm of a hidden unit's incoming weights.
    pub max_norm: Option<f64>,
    /// The regularizer of concrete dropout. Its derivative by the weights is added to theirs; the
    /// logits follow theirs by plain gradient descent, `logit ← logit − learning_rate · g`.
    pub concrete: ConcretePrior,
}

impl Regularizers {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting that is out of range, as a recipe spells it.
    pub fn validate(&self) -> Result<()> {
        if let Some(bound) = self.max_norm {
            range::above_0("max_norm", bound)?;
        }
        range::at_least_0("weight_decay", self.l2)?;
        range::at_least_0("l1", self.l1)?;
        let ConcretePrior { length, entropy } = self.concrete;
        for (name, value) in [("concrete_length", length), ("concrete_regularizer", entropy)] {
            if !(value >= 0.0 && range::is_single(value) && range::is_single(value * value)) {
                let reason = "must be a number of at least 0, and not beyond single precision";
                return Err(Error::setting(name, value, reason));
            }
        }
        Ok(())
    }

    /// Returns the penalties of parameters, times their factor. `l2` is what concrete dropout adds
    /// to the L2 penalty.
    pub(crate) fn penalties(&self, factor: f64, l2: f64) -> Penalties {
        Penalties { l2: (factor * self.l2 + l2) as f32, l1: (factor * self.l1) as f32 }
    }

    /// Whether a weight without a gradient may move all the same.
    pub(crate) fn moves_all(&self) -> bool {
        self.l2 != 0.0 || self.l1 != 0.0
    }
}

/// The penalties of some parameters, in single precision.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Penalties {
    pub(crate) l2: f32,
    pub(crate) l1: f32,
}

impl Penalties {
    /// Returns the gradient by a weight with those of the penalties: the definition.
    #[inline(always)]
    pub(crate) fn penalized(self, gradient: f32, w: f32) -> f32 {
        let smooth = gradient + self.l2 * w;
        // Asked once for a row, and not for each of its weights.
        if self.l1 == 0.0 { smooth } else { smooth + self.l1 * sign(w) }
    }
}

/// -1, 0 or 1, without a branch.
#[inline(always)]
pub(crate) fn sign(x: f32) -> f32 {
    f32::from(x > 0.0) - f32::from(x < 0.0)
}
