//! About how many of a layer's numbers are not zero, as parts of one: what decides which products leave zeros out, and changes no bit.

use crate::nn::{Activation, Block, DropoutKind};

/// Of a block's outputs: half where ReLU is, and what dropout keeps.
pub(super) fn outputs_left(block: &Block) -> f64 {
    active(block) * kept(block, &[DropoutKind::Bernoulli])
}

/// Of its deltas. Alpha dropout puts other numbers in the place of outputs, whose deltas are zero.
pub(super) fn deltas_left(block: &Block) -> f64 {
    active(block) * kept(block, &[DropoutKind::Bernoulli, DropoutKind::Alpha])
}

fn active(block: &Block) -> f64 {
    if block.activation == Activation::Relu { 0.5 } else { 1.0 }
}

fn kept(block: &Block, kinds: &[DropoutKind]) -> f64 {
    if kinds.contains(&block.dropout.kind()) { 1.0 - block.dropout.p() } else { 1.0 }
}
