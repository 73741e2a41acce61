//! THE DEFINITION of DropConnect. `docs/reference/masks.md` says the same in words and numbers.

use super::{Architecture, Dropout, DropoutKind, MaskKey};
use crate::random::Stream;
use ndarray::{Array2, ArrayView2};

/// The weights of a linear layer (inputs × outputs) under the DropConnect mask of `site`: each
/// weight is zero with the drop probability p of `dropout` and `w * 1/(1-p)` otherwise. Biases are
/// never masked.
///
/// It is linear in w with a diagonal matrix, so ∂L/∂w is this same function of the derivative by
/// the masked weights.
///
/// The mask is one for all examples of a step: inputs take the place of examples, and the layer's
/// outputs are the units, in streams of their own ([`MaskKey::of_weights`]). The layer of `site` is
/// the number of linear layers before this one.
///
/// L. Wan, M. Zeiler, S. Zhang, Y. LeCun and R. Fergus, "Regularization of neural networks using
/// DropConnect", ICML 2013. The paper draws a mask for each example, which no matrix product can
/// compute, scales nothing in training, and answers with samples of normal approximations; here, as
/// in most implementations, the weights that are kept are scaled and the full network answers.
///
/// ```
/// use furlough::{nn::{Dropout, MaskKey, drop_connect}, random::{Key, Stream}};
/// let site = MaskKey { key: Key::new(1), stream: Stream::Dropout, step: 0, layer: 1 };
/// let w = drop_connect(Dropout::new(0.5)?, ndarray::Array2::ones((30, 20)).view(), &site);
/// assert!(w.iter().all(|&w| w == 0.0 || w == 2.0));
/// # Ok::<(), furlough::Error>(())
/// ```
///
/// # Panics
/// When there are more than 2^32 inputs.
pub fn drop_connect(dropout: Dropout, w: ArrayView2<f32>, site: &MaskKey) -> Array2<f32> {
    let inputs: Vec<u32> = (0..u32::try_from(w.nrows()).expect("inputs are numbered with 32 bits")).collect();
    dropout.of_weights().forward(w, &inputs, &site.of_weights())
}

impl Dropout {
    /// The same probability with a mask for each row of a matrix of weights.
    fn of_weights(self) -> Dropout {
        Dropout::new(self.p()).unwrap_or(Dropout::NONE)
    }
}

impl MaskKey {
    /// Where the masks of weights stand: the same place, in the stream [`Stream::DropConnect`], or
    /// [`Stream::DropConnectMonteCarlo`] for sampled predictions.
    pub fn of_weights(self) -> MaskKey {
        let stream = match self.stream {
            Stream::MonteCarlo | Stream::DropConnectMonteCarlo => Stream::DropConnectMonteCarlo,
            _ => Stream::DropConnect,
        };
        MaskKey { stream, ..self }
    }
}

impl Architecture {
    /// What drops weights of block `index` in training, as plain dropout of the rows of its
    /// weights: the DropConnect before it. None where nothing does.
    pub fn drop_connect(&self, index: usize) -> Option<Dropout> {
        let before = if index == 0 { self.input_dropout() } else { self.blocks()[index - 1].dropout };
        (before.kind() == DropoutKind::DropConnect && !before.is_identity()).then(|| before.of_weights())
    }
}
