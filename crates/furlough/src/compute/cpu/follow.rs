//! Parameters follow their gradient: a row of a tile at a time, while it is in cache.

use super::Isa;
use super::matrix::Scale;
use super::simd::for_each_isa;
use super::workspace::Borrowed;
use crate::nn::{Mlp, ParamGroup, ParamSpec};
use crate::optim::{MAX_BUFFERS, OptimizerState, Penalties, RowUpdate, UpdateRule};

/// The parameters and the optimizer's state, with what a step does to them.
pub(super) struct Follower<'a> {
    pub(super) isa: Isa,
    pub(super) rule: &'a UpdateRule,
    pub(super) parameters: Borrowed<'a>,
    state: [Borrowed<'a>; MAX_BUFFERS],
    corrections: [f64; 2],
}

/// What a step does to the parameters of one tile.
#[derive(Clone, Copy)]
pub(super) struct TileRule {
    update: RowUpdate,
    penalties: Penalties,
    /// What a weight is multiplied by where the gradient is added to it at once.
    fused: f32,
}

impl TileRule {
    /// Returns how a product that is the gradient meets the weights, for plain gradient descent
    /// without an L1 penalty.
    pub(super) fn fused(&self) -> Option<Scale> {
        match self.update {
            RowUpdate::Descent { rate } if self.penalties.l1 == 0.0 => Some(Scale { alpha: -rate, beta: self.fused }),
            _ => None,
        }
    }
}

impl<'a> Follower<'a> {
    /// Takes hold of everything that step `step` of the run changes, `state` being one of the
    /// rule's optimizer.
    pub(super) fn new(
        isa: Isa,
        (mlp, state): (&'a mut Mlp, &'a mut OptimizerState),
        rule: &'a UpdateRule,
        step: u32,
    ) -> Self {
        Follower {
            isa,
            rule,
            parameters: Borrowed::new(mlp.parameters_mut()),
            state: state.rows_mut().map(Borrowed::new),
            corrections: rule.optimizer.corrections(step),
        }
    }

    /// Returns what is done to a tile of a parameter, whose block's weights have so much L2 penalty
    /// of their own.
    pub(super) fn of(&self, spec: &ParamSpec, l2: f64) -> TileRule {
        let UpdateRule { optimizer, learning_rate, regularizers, .. } = *self.rule;
        let factors = self.rule.factors.of(spec);
        let rate = learning_rate * factors.learning_rate;
        let l2 = if matches!(spec.group, ParamGroup::Weight { .. }) { l2 } else { 0.0 };
        TileRule {
            update: optimizer.row_update(rate, self.corrections, factors.decay),
            penalties: regularizers.penalties(factors.decay, l2),
            fused: (1.0 - rate * (factors.decay * regularizers.l2 + l2)) as f32,
        }
    }

    /// One optimizer step of as many parameters from `start` as there are in `gradient`.
    ///
    /// # Safety
    /// Nobody else uses these parameters or their state now.
    pub(super) unsafe fn row(&self, rule: TileRule, start: usize, gradient: &[f32]) {
        let count = gradient.len();
        // SAFETY: as promised.
        let (weights, state) = unsafe {
            let state =
                self.state.each_ref().map(|row| if row.is_empty() { &mut [][..] } else { row.part(start, count) });
            (self.parameters.part(start, count), state)
        };
        update_row(self.isa, rule.update, weights, state, gradient, rule.penalties);
    }
}

for_each_isa! {
    fn update_row(
        isa,
        update: RowUpdate,
        weights: &mut [f32],
        state: [&mut [f32]; MAX_BUFFERS],
        gradient: &[f32],
        penalties: Penalties,
    ) {
        update.update_row(weights, state, gradient, penalties);
    }
}
