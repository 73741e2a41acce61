//! What a step does to a row of parameters, in single precision.

use super::regularizers::{Penalties, sign};

/// The most buffers of state that an optimizer has.
pub(crate) const MAX_BUFFERS: usize = 2;

/// What a step does to a row of parameters, with its numbers in single precision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RowUpdate {
    /// Plain gradient descent.
    Descent { rate: f32 },
    /// With momentum.
    Momentum { rate: f32, momentum: f32, nesterov: bool },
    /// Adam and AdamW.
    Adam(AdamStep),
    /// Lion.
    Lion(LionStep),
}

/// The numbers of a step of Adam or AdamW.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AdamStep {
    /// What the parameter is multiplied by: 1 without decoupled decay.
    pub(crate) shrink: f32,
    /// The learning rate over the first bias correction.
    pub(crate) rate: f32,
    /// What the new gradient and its square weigh in their means.
    pub(crate) own: [f32; 2],
    /// What the mean of the squares weighs in the next one.
    pub(crate) beta2: f32,
    /// One over the root of the second bias correction.
    pub(crate) unbias: f32,
    /// Added to the root of the mean of the squares.
    pub(crate) epsilon: f32,
}

/// The numbers of a step of Lion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LionStep {
    /// What the parameter is multiplied by: 1 without decoupled decay.
    pub(crate) shrink: f32,
    /// The learning rate.
    pub(crate) rate: f32,
    /// What the mean weighs, in the step and in the next mean.
    pub(crate) old: [f32; 2],
    /// What the new gradient weighs, likewise.
    pub(crate) own: [f32; 2],
}

impl RowUpdate {
    /// Updates parameters with their gradient and that of their penalties: the definition, which
    /// the fast step runs too, compiled for each instruction set. `state` has a row of each of
    /// [`Optimizer::state_buffers`].
    #[inline(always)]
    pub(crate) fn update_row(
        &self,
        weights: &mut [f32],
        state: [&mut [f32]; MAX_BUFFERS],
        gradient: &[f32],
        penalties: Penalties,
    ) {
        let [first, second] = state;
        match *self {
            RowUpdate::Descent { rate } => {
                for (w, &g) in weights.iter_mut().zip(gradient) {
                    *w -= rate * penalties.penalized(g, *w);
                }
            }
            RowUpdate::Momentum { rate, momentum, nesterov } => {
                for ((w, v), &g) in weights.iter_mut().zip(first).zip(gradient) {
                    let g = penalties.penalized(g, *w);
                    *v = momentum * *v + g;
                    *w -= rate * if nesterov { g + momentum * *v } else { *v };
                }
            }
            RowUpdate::Adam(AdamStep { shrink, rate, own, beta2, unbias, epsilon }) => {
                for (((w, m), v), &g) in weights.iter_mut().zip(first).zip(second).zip(gradient) {
                    let g = penalties.penalized(g, *w);
                    *m += own[0] * (g - *m);
                    *v = beta2 * *v + own[1] * (g * g);
                    *w = shrink * *w - rate * (*m / (v.sqrt() * unbias + epsilon));
                }
            }
            RowUpdate::Lion(LionStep { shrink, rate, old, own }) => {
                for ((w, m), &g) in weights.iter_mut().zip(first).zip(gradient) {
                    let g = penalties.penalized(g, *w);
                    let ahead = old[0] * *m + own[0] * g;
                    *w = shrink * *w - rate * sign(ahead);
                    *m = old[1] * *m + own[1] * g;
                }
            }
        }
    }
}
