use super::range;
use super::row_update::{AdamStep, LionStep, RowUpdate};
use crate::{Error, Result};

/// How parameters follow their gradients. With g the gradient of the batch's mean loss and of its
/// penalties ([`Regularizers`](super::Regularizers)), η the learning rate, and t the number of the
/// step from 1:
///
/// ```text
/// Sgd      v ← momentum · v + g
///          w ← w − η · v                            without Nesterov
///          w ← w − η · (g + momentum · v)           with
/// Adam     m ← m + (1 − β₁) · (g − m)
///          v ← β₂ · v + (1 − β₂) · g²
///          w ← w − η/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
/// AdamW    w ← (1 − η · weight_decay) · w           then as Adam
/// Lion     w ← (1 − η · weight_decay) · w
///          w ← w − η · sign(β₁ · m + (1 − β₁) · g)  sign(0) = 0
///          m ← β₂ · m + (1 − β₂) · g
/// ```
///
/// as in Sutskever et al. 2013, Kingma and Ba 2015, Loshchilov and Hutter 2019 ("Decoupled weight
/// decay regularization"), Chen et al. 2023 ("Symbolic discovery of optimization algorithms"), and
/// PyTorch where it has them. Weights and embeddings decay, and nothing else unless
/// [`GroupFactors`](super::GroupFactors) say otherwise. All state is 0 before the first step.
/// Adam's t is the run's step and is not kept beside the state.
///
/// Concrete dropout's logits follow plain gradient descent with any optimizer: there is one for
/// each layer, its gradient is a mean over all units, and steps that do not depend on the
/// gradient's size would make p drift.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd {
        /// How much of the last step goes on, from 0 to below 1.
        momentum: f64,
        /// Look ahead along the momentum, which must then be above 0.
        nesterov: bool,
    },
    /// Adam.
    Adam {
        /// How much of the mean of the gradients goes on, from 0 to below 1.
        beta1: f64,
        /// How much of the mean of their squares goes on, from 0 to below 1.
        beta2: f64,
        /// Added to the root of that mean, above 0.
        epsilon: f64,
    },
    /// Adam with decoupled weight decay.
    AdamW {
        /// As Adam's.
        beta1: f64,
        /// As Adam's.
        beta2: f64,
        /// As Adam's.
        epsilon: f64,
        /// What a weight shrinks by in a step, as a part of it and of the learning rate; at least
        /// 0.
        weight_decay: f64,
    },
    /// Lion: steps of one length, by the sign of a mean gradient.
    Lion {
        /// How much of the mean counts in the sign, from 0 to below 1.
        beta1: f64,
        /// How much of the mean goes on, from 0 to below 1.
        beta2: f64,
        /// As AdamW's.
        weight_decay: f64,
    },
}

impl Default for Optimizer {
    /// The tutorial's: plain SGD.
    fn default() -> Self {
        Optimizer::SGD
    }
}

impl Optimizer {
    /// Plain SGD, without momentum.
    pub const SGD: Optimizer = Optimizer::Sgd { momentum: 0.0, nesterov: false };

    /// Adam with the constants of its paper.
    pub const ADAM: Optimizer = Optimizer::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

    /// AdamW with the constants of Adam's paper, and PyTorch's decay.
    pub const ADAMW: Optimizer = Optimizer::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };

    /// Lion with the constants of its paper, and no decay.
    pub const LION: Optimizer = Optimizer::Lion { beta1: 0.9, beta2: 0.99, weight_decay: 0.0 };

    /// Returns its name, as a recipe spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Optimizer::Sgd { .. } => "sgd",
            Optimizer::Adam { .. } => "adam",
            Optimizer::AdamW { .. } => "adamw",
            Optimizer::Lion { .. } => "lion",
        }
    }

    /// Returns its name as papers write it.
    pub fn title(&self) -> &'static str {
        match self {
            Optimizer::Sgd { .. } => "SGD",
            Optimizer::Adam { .. } => "Adam",
            Optimizer::AdamW { .. } => "AdamW",
            Optimizer::Lion { .. } => "Lion",
        }
    }

    /// Returns the names of what it keeps from step to step: buffers as long as the parameters, all
    /// 0 at first. Checkpoints have them under these names.
    pub fn state_buffers(&self) -> &'static [&'static str] {
        match self {
            Optimizer::Sgd { momentum: 0.0, .. } => &[],
            Optimizer::Sgd { .. } => &["velocity"],
            Optimizer::Adam { .. } | Optimizer::AdamW { .. } => &["first_moment", "second_moment"],
            Optimizer::Lion { .. } => &["first_moment"],
        }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        match *self {
            Optimizer::Sgd { momentum, nesterov } => {
                range::below_1("momentum", momentum)?;
                if nesterov && momentum == 0.0 {
                    return Err(Error::setting("nesterov", true, "needs a momentum above 0 to look ahead along"));
                }
                Ok(())
            }
            Optimizer::Adam { beta1, beta2, epsilon } => {
                range::below_1("beta1", beta1)?;
                range::below_1("beta2", beta2)?;
                // With 0 a parameter that never had a gradient would become 0/0.
                range::above_0("epsilon", epsilon)
            }
            Optimizer::AdamW { beta1, beta2, epsilon, weight_decay } => {
                Optimizer::Adam { beta1, beta2, epsilon }.validate()?;
                range::at_least_0("weight_decay", weight_decay)
            }
            Optimizer::Lion { beta1, beta2, weight_decay } => {
                range::below_1("beta1", beta1)?;
                range::below_1("beta2", beta2)?;
                range::at_least_0("weight_decay", weight_decay)
            }
        }
    }

    /// The same with its decoupled decay, if it has one, multiplied by `factor`.
    pub(super) fn with_decay_times(self, factor: f64) -> Optimizer {
        match self {
            Optimizer::AdamW { beta1, beta2, epsilon, weight_decay } => {
                Optimizer::AdamW { beta1, beta2, epsilon, weight_decay: weight_decay * factor }
            }
            Optimizer::Lion { beta1, beta2, weight_decay } => {
                Optimizer::Lion { beta1, beta2, weight_decay: weight_decay * factor }
            }
            other => other,
        }
    }

    /// Whether a step is `w ← a·w + b·g` with the same a and b for all weights: then the product
    /// that makes the gradient is added to the weights at once, and a weight without a gradient,
    /// such as that of a dropped unit, does not move.
    pub(crate) fn fuses_into_product(&self) -> bool {
        matches!(self, Optimizer::Sgd { momentum: 0.0, .. })
    }

    /// What a weight shrinks by in a step, as a part of it and of the learning rate.
    fn decoupled_decay(&self) -> f64 {
        match *self {
            Optimizer::Sgd { .. } | Optimizer::Adam { .. } => 0.0,
            Optimizer::AdamW { weight_decay, .. } | Optimizer::Lion { weight_decay, .. } => weight_decay,
        }
    }

    /// Returns what a step does at this learning rate, with the bias corrections of its number
    /// ([`Self::corrections`]): numbers that are the same for all parameters, computed in double
    /// precision. `decay` is the parameters' factor of decoupled decay.
    pub(crate) fn row_update(&self, learning_rate: f64, corrections: [f64; 2], decay: f64) -> RowUpdate {
        let shrink = (1.0 - learning_rate * (decay * self.decoupled_decay())) as f32;
        match *self {
            Optimizer::Sgd { .. } if self.fuses_into_product() => RowUpdate::Descent { rate: learning_rate as f32 },
            Optimizer::Sgd { momentum, nesterov } => {
                RowUpdate::Momentum { rate: learning_rate as f32, momentum: momentum as f32, nesterov }
            }
            Optimizer::Adam { beta1, beta2, epsilon } | Optimizer::AdamW { beta1, beta2, epsilon, .. } => {
                RowUpdate::Adam(AdamStep {
                    shrink,
                    rate: (learning_rate / corrections[0]) as f32,
                    own: [(1.0 - beta1) as f32, (1.0 - beta2) as f32],
                    beta2: beta2 as f32,
                    unbias: (1.0 / corrections[1].sqrt()) as f32,
                    epsilon: epsilon as f32,
                })
            }
            Optimizer::Lion { beta1, beta2, .. } => RowUpdate::Lion(LionStep {
                shrink,
                rate: learning_rate as f32,
                old: [beta1 as f32, beta2 as f32],
                own: [(1.0 - beta1) as f32, (1.0 - beta2) as f32],
            }),
        }
    }

    /// Returns Adam's bias corrections 1 − βᵗ in step `step` of the run, from 0; for others 1.
    pub(crate) fn corrections(&self, step: u32) -> [f64; 2] {
        let t = f64::from(step) + 1.0;
        match *self {
            Optimizer::Sgd { .. } | Optimizer::Lion { .. } => [1.0; 2],
            // libm's, because the system's may differ in the last bit from machine to machine.
            Optimizer::Adam { beta1, beta2, .. } | Optimizer::AdamW { beta1, beta2, .. } => {
                [beta1, beta2].map(|beta| 1.0 - libm::pow(beta, t))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::{MAX_BUFFERS, Penalties};

    const ALL: [Optimizer; 5] = [
        Optimizer::SGD,
        Optimizer::Sgd { momentum: 0.9, nesterov: true },
        Optimizer::ADAM,
        Optimizer::ADAMW,
        Optimizer::LION,
    ];

    #[test]
    fn each_has_a_name_and_not_too_many_buffers() {
        for optimizer in ALL {
            assert_eq!(optimizer.title().to_lowercase(), optimizer.name());
            assert!(optimizer.state_buffers().len() <= MAX_BUFFERS);
            optimizer.validate().unwrap();
        }
    }

    #[test]
    fn the_bias_corrections_are_those_of_their_formula() {
        let [first, second] = Optimizer::ADAM.corrections(0);
        assert!((first - 0.1).abs() < 1e-15 && (second - 0.001).abs() < 1e-15, "{first} {second}");
        let exact = 1.0 - 0.999f64.powi(200);
        assert!((Optimizer::ADAMW.corrections(199)[1] - exact).abs() < 1e-14);
        assert_eq!(Optimizer::ADAM.corrections(u32::MAX), [1.0; 2]);
    }

    /// With the first gradient Adam takes a step of the learning rate, whatever the gradient's
    /// size.
    #[test]
    fn the_first_step_of_adam_is_as_long_as_the_learning_rate() {
        for gradient in [3.0f32, -1e-3, 1e5] {
            let (mut w, mut m, mut v) = ([1.0f32], [0.0], [0.0]);
            let update = Optimizer::ADAM.row_update(0.25, Optimizer::ADAM.corrections(0), 1.0);
            update.update_row(&mut w, [&mut m, &mut v], &[gradient], Penalties::default());
            assert!((w[0] - (1.0 - 0.25 * gradient.signum())).abs() < 1e-5, "{gradient}: {w:?}");
        }
    }

    #[test]
    fn decoupled_decay_is_of_weights_only_and_does_not_pass_through_the_moments() {
        let optimizer = Optimizer::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.5 };
        for (decay, expected) in [(1.0, 1.9), (0.5, 1.95), (0.0, 2.0)] {
            let (mut w, mut m, mut v) = ([2.0f32], [0.0], [0.0]);
            optimizer.row_update(0.1, optimizer.corrections(0), decay).update_row(
                &mut w,
                [&mut m, &mut v],
                &[0.0],
                Penalties::default(),
            );
            assert_eq!((w, m, v), ([expected], [0.0], [0.0]));
        }
        assert_eq!(optimizer.with_decay_times(0.5).with_decay_times(0.0).row_update(0.1, [1.0; 2], 1.0), {
            Optimizer::ADAM.row_update(0.1, [1.0; 2], 1.0)
        });
    }

    /// The algorithm of the paper, by hand: two steps, the second against the mean.
    #[test]
    fn lion_steps_by_the_sign_of_a_mean_that_it_then_changes() {
        let lion = Optimizer::Lion { beta1: 0.5, beta2: 0.75, weight_decay: 0.5 };
        let (mut w, mut m) = ([1.0f32, 1.0], [0.0f32, 0.0]);
        for gradient in [[4.0, 0.0], [-0.5, -8.0]] {
            lion.row_update(0.5, [1.0; 2], 1.0).update_row(&mut w, [&mut m, &mut []], &gradient, Penalties::default());
        }
        // 1 → 0.75 − 0.5 = 0.25 → 0.1875 − 0.5 (the mean 1 outweighs −0.5), and 1 → 0.75 → 0.5625 +
        // 0.5.
        assert_eq!((w, m), ([-0.3125, 1.0625], [0.625, -2.0]));
    }

    #[test]
    fn values_out_of_range_are_named() {
        let adam = |beta1, beta2, epsilon| Optimizer::Adam { beta1, beta2, epsilon };
        for (optimizer, expected) in [
            (adam(1.0, 0.9, 1e-8), "beta1 = 1: must be at least 0 and below 1"),
            (adam(-0.1, 0.9, 1e-8), "beta1 = -0.1: must be at least 0 and below 1"),
            (adam(f64::NAN, 0.9, 1e-8), "beta1 = NaN: must be at least 0 and below 1"),
            (adam(0.9, 1.5, 1e-8), "beta2 = 1.5: must be at least 0 and below 1"),
            (adam(0.9, 0.999_999_999_99, 1e-8), "beta2 = 0.99999999999: must be at least 0 and below 1, in single"),
            (adam(0.9, 0.9, 0.0), "epsilon = 0: must be a number above 0"),
            (adam(0.9, 0.9, -1e-8), "epsilon = -0.00000001: must be a number above 0"),
            (adam(0.9, 0.9, f64::NAN), "epsilon = NaN: must be a number above 0"),
            (adam(0.9, 0.9, f64::INFINITY), "epsilon = inf: must be a finite number above 0"),
            (adam(0.9, 0.9, 1e300), "epsilon = 1e300: is beyond single precision"),
            (adam(0.9, 0.9, 1e-60), "epsilon = 1e-60: is beyond single precision"),
            (Optimizer::Sgd { momentum: 1.0, nesterov: false }, "momentum = 1: must be at least 0 and below 1"),
            (Optimizer::Sgd { momentum: 0.0, nesterov: true }, "nesterov = true: needs a momentum"),
        ] {
            let error = optimizer.validate().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let decay = Optimizer::AdamW { beta1: 0.9, beta2: 0.9, epsilon: 1e-8, weight_decay: -1.0 };
        assert!(
            decay.validate().unwrap_err().to_string().starts_with("weight_decay = -1: must be a number of at least 0")
        );
    }
}
