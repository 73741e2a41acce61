use super::{Activation, Dropout, DropoutKind, Sharing};

/// One entry of a layer list.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// `Dropout(p)`: inverted dropout with *drop* probability p. Before the first linear layer it is input dropout.
    Dropout(f64),
    /// `SharedDropout(p, sharing)`: dropout whose masks several examples of a batch have in common, which saves time ([`Sharing`]).
    /// All shared layers of a network share among the same examples.
    SharedDropout(f64, Sharing),
    /// `DropConnect(p)`: drops weights of the next linear layer with probability p, the same for a whole batch
    /// ([`drop_connect`](super::drop_connect())).
    DropConnect(f64),
    /// `ConcreteDropout(p)`: dropout after hidden units whose probability is learnt, from p on ([`Concrete`](super::Concrete)).
    ConcreteDropout(f64),
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
            Layer::Flatten
            | Layer::Linear(..)
            | Layer::Dropout(_)
            | Layer::SharedDropout(..)
            | Layer::DropConnect(_)
            | Layer::ConcreteDropout(_) => None,
        }
    }

    pub(super) fn is_dropout(self) -> bool {
        matches!(self, Layer::Dropout(_) | Layer::SharedDropout(..) | Layer::DropConnect(_) | Layer::ConcreteDropout(_))
    }

    /// The layer of a dropout, as one would write it; none where nothing is dropped.
    pub(crate) fn dropout(dropout: Dropout) -> Option<Layer> {
        let p = dropout.p();
        let layer = match (dropout.kind(), dropout.sharing()) {
            (DropoutKind::Bernoulli, Sharing::PerExample) => Layer::Dropout(p),
            (DropoutKind::Bernoulli, sharing) => Layer::SharedDropout(p, sharing),
            (DropoutKind::DropConnect, _) => Layer::DropConnect(p),
            (DropoutKind::Concrete, _) => Layer::ConcreteDropout(p),
        };
        (!dropout.is_identity()).then_some(layer)
    }

    /// What it drops, if it is dropout.
    pub(super) fn kind(self) -> DropoutKind {
        match self {
            Layer::DropConnect(_) => DropoutKind::DropConnect,
            Layer::ConcreteDropout(_) => DropoutKind::Concrete,
            _ => DropoutKind::Bernoulli,
        }
    }

    /// The layer of an activation; none for the identity.
    pub(crate) fn of(activation: Activation) -> Option<Layer> {
        match activation {
            Activation::Identity => None,
            Activation::Relu => Some(Layer::Relu),
            Activation::LeakyRelu => Some(Layer::LeakyRelu),
            Activation::Tanh => Some(Layer::Tanh),
            Activation::Sigmoid => Some(Layer::Sigmoid),
            Activation::Gelu => Some(Layer::Gelu),
            Activation::Silu => Some(Layer::Silu),
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Layer::Linear(inputs, outputs) => write!(f, "Linear({inputs}, {outputs})"),
            Layer::Dropout(p) => write!(f, "Dropout({p})"),
            Layer::SharedDropout(p, sharing) => write!(f, "SharedDropout({p}, {sharing})"),
            Layer::DropConnect(p) => write!(f, "DropConnect({p})"),
            Layer::ConcreteDropout(p) => write!(f, "ConcreteDropout({p})"),
            other => write!(f, "{other:?}"),
        }
    }
}
