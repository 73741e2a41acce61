use crate::nn::ConcretePrior;
use crate::{Error, Result};

/// Stochastic gradient descent, with all that the dropout paper uses. With g the gradient of the
/// batch's mean loss,
///
/// ```text
/// g ← g + weight_decay · w + l1 · sign(w)            weights, not biases; sign(0) = 0
/// v ← momentum · v + g
/// w ← w − learning_rate · v                          without Nesterov
/// w ← w − learning_rate · (g + momentum · v)         with
/// ```
///
/// as in Sutskever et al. 2013 and PyTorch; the L1 penalty is the lasso's (Tibshirani 1996), by its
/// subgradient. Afterwards each hidden unit whose incoming weights (biases left out) have a
/// Euclidean norm over `max_norm` has them scaled back to it (Srivastava et al. 2014, section 5.1);
/// the output layer is left free.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Step size, above 0.
    pub learning_rate: f64,
    /// How much of the last step goes on, from 0 to below 1.
    pub momentum: f64,
    /// Look ahead along the momentum.
    pub nesterov: bool,
    /// L2 penalty: `weight_decay/2 · |w|²` is added to the loss, for weights only.
    pub weight_decay: f64,
    /// L1 penalty: `l1 · Σ|w|` is added to the loss, for weights only. Each step takes a weight the
    /// same distance `learning_rate · l1` towards 0, however small it is: weights that the data do
    /// not hold up end within that distance of 0, on either side.
    pub l1: f64,
    /// Upper bound for the norm of a hidden unit's incoming weights.
    pub max_norm: Option<f64>,
    /// The regularizer of concrete dropout. Its derivative by the weights is added to theirs; the
    /// logits follow theirs by plain gradient descent, `logit ← logit − learning_rate · g`.
    pub concrete: ConcretePrior,
}

impl Default for Sgd {
    /// The tutorial's: learning rate 0.5 and nothing else.
    fn default() -> Self {
        Sgd {
            learning_rate: 0.5,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            l1: 0.0,
            max_norm: None,
            concrete: ConcretePrior::default(),
        }
    }
}

impl Sgd {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let check = |good: bool, name: &str, value: f64, reason: &str| {
            if good { Ok(()) } else { Err(Error::setting(name, value, reason)) }
        };
        let number = |good: bool, name: &str, value: f64, range: &str| {
            // Infinity is in each of these ranges, but no number to compute with.
            let kind = if value.is_infinite() { "finite number" } else { "number" };
            check(good && value.is_finite(), name, value, &format!("must be a {kind} {range}"))
        };
        // Steps are computed in single precision, where a value may not become infinite, and a
        // factor not 0.
        let finite = |value: f64| (value as f32).is_finite();
        let single = |name: &str, value: f64| {
            if value as f32 > 0.0 && finite(value) {
                return Ok(());
            }
            let reason = "is beyond single precision, which goes from about 1e-45 to 3e38";
            Err(Error::setting(name, format!("{value:e}"), reason))
        };
        for (name, value) in [("lr", self.learning_rate), ("max_norm", self.max_norm.unwrap_or(1.0))] {
            number(value > 0.0, name, value, "above 0")?;
            single(name, value)?;
        }
        let momentum = (0.0..1.0).contains(&self.momentum) && (self.momentum as f32) < 1.0;
        check(momentum, "momentum", self.momentum, "must be at least 0 and below 1, in single precision too")?;
        for (name, penalty) in [("weight_decay", self.weight_decay), ("l1", self.l1)] {
            number(penalty >= 0.0, name, penalty, "of at least 0")?;
            if penalty > 0.0 {
                single(name, penalty)?;
            }
        }
        let ConcretePrior { length, entropy } = self.concrete;
        for (name, value) in [("concrete_length", length), ("concrete_regularizer", entropy)] {
            let good = value >= 0.0 && finite(value) && finite(value * value);
            check(good, name, value, "must be a number of at least 0, and not beyond single precision")?;
        }
        if self.nesterov && self.momentum == 0.0 {
            return Err(Error::setting("nesterov", true, "needs a momentum above 0 to look ahead along"));
        }
        Ok(())
    }

    /// Whether weights without a gradient, such as those of dropped units, may move all the same.
    pub(crate) fn moves_all(&self) -> bool {
        self.has_velocity() || self.weight_decay != 0.0 || self.l1 != 0.0
    }

    /// Whether parameters carry a velocity from step to step.
    pub fn has_velocity(&self) -> bool {
        self.momentum > 0.0
    }
}
