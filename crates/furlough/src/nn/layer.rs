use super::{Activation, DropoutKind, MaskSharing};

/// One entry of a layer list.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Layer {
    /// Any shape of example becomes one row of features. First, if at all.
    Flatten,
    /// `Linear(inputs, outputs)`: a fully connected layer with biases.
    Linear(usize, usize),
    /// [`Activation::Relu`].
    Relu,
    /// [`Activation::LeakyRelu`].
    LeakyRelu,
    /// [`Activation::Tanh`].
    Tanh,
    /// [`Activation::Sigmoid`].
    Sigmoid,
    /// [`Activation::Gelu`].
    Gelu,
    /// [`Activation::Silu`].
    Silu,
    /// [`Activation::Selu`].
    Selu,
    /// [`Activation::Mish`].
    Mish,
    /// `Parametric(f)`: an activation with a learned number α for each unit, 1 at first
    /// ([`Activation::parametric_forward`]).
    Parametric(Activation),
    /// `Dropout(p)`: inverted dropout with *drop* probability p. Before the first linear layer it
    /// is input dropout.
    Dropout(f64),
    /// `SharedDropout(p, sharing)`: dropout whose masks several examples of a batch have in common,
    /// which saves time ([`MaskSharing`]). All shared layers of a network share among the same
    /// examples.
    SharedDropout(f64, MaskSharing),
    /// `GaussianDropout(p)`: [`DropoutKind::Gaussian`].
    GaussianDropout(f64),
    /// `AlphaDropout(p)`: [`DropoutKind::Alpha`], for networks of [`Layer::Selu`].
    AlphaDropout(f64),
    /// `DropConnect(p)`: [`DropoutKind::DropConnect`].
    DropConnect(f64),
    /// `ConcreteDropout(p)`: [`DropoutKind::Concrete`], after hidden units only.
    ConcreteDropout(f64),
    /// `DropoutWith(kind, p, sharing)`: dropout of which the others are special cases.
    DropoutWith(DropoutKind, f64, MaskSharing),
}

impl Layer {
    pub(super) fn activation(self) -> Option<Activation> {
        match self {
            Layer::Relu => Some(Activation::Relu),
            Layer::LeakyRelu => Some(Activation::LeakyRelu),
            Layer::Tanh => Some(Activation::Tanh),
            Layer::Sigmoid => Some(Activation::Sigmoid),
            Layer::Gelu => Some(Activation::Gelu),
            Layer::Silu => Some(Activation::Silu),
            Layer::Selu => Some(Activation::Selu),
            Layer::Mish => Some(Activation::Mish),
            Layer::Parametric(activation) => Some(activation),
            _ => None,
        }
    }

    /// What a dropout layer is made of; none for other layers.
    pub(super) fn dropout_parts(self) -> Option<(DropoutKind, f64, MaskSharing)> {
        match self {
            Layer::Dropout(p) => Some((DropoutKind::Bernoulli, p, MaskSharing::PerExample)),
            Layer::SharedDropout(p, sharing) => Some((DropoutKind::Bernoulli, p, sharing)),
            Layer::GaussianDropout(p) => Some((DropoutKind::Gaussian, p, MaskSharing::PerExample)),
            Layer::AlphaDropout(p) => Some((DropoutKind::Alpha, p, MaskSharing::PerExample)),
            Layer::DropConnect(p) => Some((DropoutKind::DropConnect, p, MaskSharing::PerExample)),
            Layer::ConcreteDropout(p) => Some((DropoutKind::Concrete, p, MaskSharing::PerExample)),
            Layer::DropoutWith(kind, p, sharing) => Some((kind, p, sharing)),
            _ => None,
        }
    }

    pub(super) fn is_dropout(self) -> bool {
        self.dropout_parts().is_some()
    }

    /// Returns the layer of a dropout, as one would write it.
    pub fn dropout(kind: DropoutKind, p: f64, sharing: MaskSharing) -> Layer {
        match (kind, sharing) {
            (DropoutKind::Bernoulli, MaskSharing::PerExample) => Layer::Dropout(p),
            (DropoutKind::Bernoulli, sharing) => Layer::SharedDropout(p, sharing),
            (DropoutKind::Gaussian, MaskSharing::PerExample) => Layer::GaussianDropout(p),
            (DropoutKind::Alpha, MaskSharing::PerExample) => Layer::AlphaDropout(p),
            (DropoutKind::DropConnect, MaskSharing::PerExample) => Layer::DropConnect(p),
            (DropoutKind::Concrete, MaskSharing::PerExample) => Layer::ConcreteDropout(p),
            (kind, sharing) => Layer::DropoutWith(kind, p, sharing),
        }
    }

    /// Returns the layer of an activation of which units learn their part, or not; none for the
    /// identity of which they do not.
    pub fn activated(activation: Activation, parametric: bool) -> Option<Layer> {
        if parametric { Some(Layer::Parametric(activation)) } else { Layer::of(activation) }
    }

    /// The layer of an activation; none for the identity.
    pub(super) fn of(activation: Activation) -> Option<Layer> {
        match activation {
            Activation::Identity => None,
            Activation::Relu => Some(Layer::Relu),
            Activation::LeakyRelu => Some(Layer::LeakyRelu),
            Activation::Tanh => Some(Layer::Tanh),
            Activation::Sigmoid => Some(Layer::Sigmoid),
            Activation::Gelu => Some(Layer::Gelu),
            Activation::Silu => Some(Layer::Silu),
            Activation::Selu => Some(Layer::Selu),
            Activation::Mish => Some(Layer::Mish),
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Layer::Linear(inputs, outputs) => write!(f, "Linear({inputs}, {outputs})"),
            Layer::Dropout(p) => write!(f, "Dropout({p})"),
            Layer::SharedDropout(p, sharing) => write!(f, "SharedDropout({p}, {sharing})"),
            Layer::GaussianDropout(p) => write!(f, "GaussianDropout({p})"),
            Layer::AlphaDropout(p) => write!(f, "AlphaDropout({p})"),
            Layer::DropConnect(p) => write!(f, "DropConnect({p})"),
            Layer::ConcreteDropout(p) => write!(f, "ConcreteDropout({p})"),
            Layer::DropoutWith(kind, p, sharing) => write!(f, "DropoutWith({kind}, {p}, {sharing})"),
            other => write!(f, "{other:?}"),
        }
    }
}
