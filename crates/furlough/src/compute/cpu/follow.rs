//! Parameters follow their gradient: a row of a tile at a time, while it is in cache.

use super::Isa;
use super::matrix::Scale;
use super::simd::for_each_isa;
use super::workspace::Borrowed;
use crate::nn::{Mlp, ParamSpec};
use crate::optim::{AdamStep, LionStep, MAX_BUFFERS, OptimizerState, RowUpdate, UpdateRule};

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
    l2: f32,
    l1: f32,
    /// What a weight is multiplied by where the gradient is added to it at once.
    fused: f32,
}

impl TileRule {
    /// Returns how a product that is the gradient meets the weights, for plain gradient descent
    /// without an L1 penalty.
    pub(super) fn fused(&self) -> Option<Scale> {
        match self.update {
            RowUpdate::Descent { rate } if self.l1 == 0.0 => Some(Scale { alpha: -rate, beta: self.fused }),
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

    /// Returns what is done to a tile of a parameter, whose block has so much L2 penalty of its
    /// own.
    pub(super) fn of(&self, spec: &ParamSpec, l2: f64) -> TileRule {
        let UpdateRule { optimizer, learning_rate, regularizers, .. } = *self.rule;
        let rate = learning_rate * spec.lr_factor;
        let (l2, l1) = if spec.decay { (regularizers.l2 + l2, regularizers.l1) } else { (0.0, 0.0) };
        TileRule {
            update: optimizer.row_update(rate, self.corrections, spec.decay),
            l2: l2 as f32,
            l1: l1 as f32,
            fused: (1.0 - rate * l2) as f32,
        }
    }

    /// One optimizer step of as many parameters from `start` as there are in `gradient`, which is
    /// used up.
    ///
    /// # Safety
    /// Nobody else uses these parameters or their state now.
    pub(super) unsafe fn row(&self, TileRule { update, l2, l1, .. }: TileRule, start: usize, gradient: &mut [f32]) {
        let (isa, count) = (self.isa, gradient.len());
        // SAFETY: as promised.
        let weights = unsafe { self.parameters.part(start, count) };
        // SAFETY: as promised.
        let state = |buffer: usize| unsafe { self.state[buffer].part(start, count) };
        let mut l2 = l2;
        if l1 != 0.0 {
            penalize_row(isa, weights, gradient, std::mem::take(&mut l2), l1);
        }
        match update {
            RowUpdate::Descent { rate } => descend_row(isa, weights, gradient, rate, l2),
            RowUpdate::Momentum { rate, momentum, nesterov } => {
                momentum_row(isa, weights, state(0), gradient, rate, momentum, l2, nesterov);
            }
            RowUpdate::Adam(step) => adam_row(isa, weights, [state(0), state(1)], gradient, step, l2),
            RowUpdate::Lion(step) => lion_row(isa, weights, state(0), gradient, step, l2),
        }
    }
}

for_each_isa! {
    /// The gradient of both penalties, for the rare run that has the L1 one: the rows below do
    /// without it.
    fn penalize_row(isa, weights: &[f32], gradient: &mut [f32], l2: f32, l1: f32) {
        for (g, &w) in gradient.iter_mut().zip(weights) {
            let slope = if w > 0.0 { l1 } else { 0.0 };
            let slope = if w < 0.0 { -l1 } else { slope };
            *g = *g + l2 * w + slope;
        }
    }

    fn descend_row(isa, weights: &mut [f32], gradient: &[f32], rate: f32, l2: f32) {
        for (w, &g) in weights.iter_mut().zip(gradient) {
            *w -= rate * (g + l2 * *w);
        }
    }

    fn momentum_row(
        isa,
        weights: &mut [f32],
        velocity: &mut [f32],
        gradient: &[f32],
        rate: f32,
        momentum: f32,
        l2: f32,
        nesterov: bool,
    ) {
        let (own, present) = if nesterov { (1.0, momentum) } else { (0.0, 1.0) };
        for ((w, v), &g) in weights.iter_mut().zip(velocity).zip(gradient) {
            let g = g + l2 * *w;
            *v = momentum * *v + g;
            *w -= rate * (own * g + present * *v);
        }
    }

    fn adam_row(isa, weights: &mut [f32], moments: [&mut [f32]; 2], gradient: &[f32], step: AdamStep, l2: f32) {
        let AdamStep { shrink, rate, own, beta2, unbias, epsilon } = step;
        let [first, second] = moments;
        for (((w, m), v), &g) in weights.iter_mut().zip(first).zip(second).zip(gradient) {
            let g = g + l2 * *w;
            *m += own[0] * (g - *m);
            *v = beta2 * *v + own[1] * (g * g);
            *w = shrink * *w - rate * (*m / (v.sqrt() * unbias + epsilon));
        }
    }

    fn lion_row(isa, weights: &mut [f32], first: &mut [f32], gradient: &[f32], step: LionStep, l2: f32) {
        let LionStep { shrink, rate, old, own } = step;
        for ((w, m), &g) in weights.iter_mut().zip(first).zip(gradient) {
            let g = g + l2 * *w;
            let ahead = old[0] * *m + own[0] * g;
            let step = if ahead > 0.0 { rate } else { 0.0 };
            let step = if ahead < 0.0 { -rate } else { step };
            *w = shrink * *w - step;
            *m = old[1] * *m + own[1] * g;
        }
    }
}
