use super::range;
use crate::Result;
use crate::nn::{ParamGroup, ParamSpec};

/// What the learning rate and the decay are multiplied by for some parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Factors {
    /// Of the learning rate, at least 0; at 0 the parameters stay as they are.
    pub learning_rate: f64,
    /// Of decoupled weight decay and of the L2 and L1 penalties, at least 0. Decoupled decay is
    /// multiplied by the learning rate, so by both factors.
    pub decay: f64,
}

impl Factors {
    /// The learning rate and the decay as they are.
    pub const ALL: Factors = Factors { learning_rate: 1.0, decay: 1.0 };

    /// The learning rate as it is, and no decay.
    pub const NO_DECAY: Factors = Factors { learning_rate: 1.0, decay: 0.0 };

    /// One factor of the learning rate and of the decay.
    pub const fn both(factor: f64) -> Factors {
        Factors { learning_rate: factor, decay: factor }
    }
}

/// The factors of each group of parameters ([`ParamGroup`]).
///
/// ```
/// use furlough::optim::{Factors, GroupFactors};
/// let factors = GroupFactors { bias: Factors { learning_rate: 0.1, decay: 0.0 }, ..GroupFactors::default() };
/// factors.validate()?;
/// let wrong = GroupFactors { embedding: Factors::both(-1.0), ..factors }.validate().unwrap_err().to_string();
/// assert!(wrong.contains("embedding_lr_factor = -1"));
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct GroupFactors {
    /// Of the weights of the first linear layer.
    pub first_weight: Factors,
    /// Of the weights of the others.
    pub weight: Factors,
    /// Of biases.
    pub bias: Factors,
    /// Of the α of parametric activations.
    pub activation: Factors,
    /// Of embeddings of categories.
    pub embedding: Factors,
    /// Of what periodic columns learn.
    pub periodic: Factors,
    /// Of the factors of the inputs.
    pub input_scale: Factors,
    /// Whether the learning rate of a layer's weights is divided by √inputs too, and their decay
    /// factor multiplied by it: decoupled decay is as without, and L2 and L1 penalties are √inputs
    /// times as large. With Adam and Lion, whose steps do not depend on the
    /// gradient's size, this is a network that divides by √inputs what weights of size 1 give (the
    /// *neural tangent parametrization*; ε is then as much smaller).
    pub by_fan_in: bool,
}

impl Default for GroupFactors {
    /// [`GroupFactors::DEFAULT`].
    fn default() -> Self {
        GroupFactors::DEFAULT
    }
}

impl GroupFactors {
    /// One learning rate for all; weights and embeddings decay, and nothing else does.
    pub const DEFAULT: GroupFactors = GroupFactors {
        first_weight: Factors::ALL,
        weight: Factors::ALL,
        bias: Factors::NO_DECAY,
        activation: Factors::NO_DECAY,
        embedding: Factors::ALL,
        periodic: Factors::NO_DECAY,
        input_scale: Factors::NO_DECAY,
        by_fan_in: false,
    };

    /// Those of RealMLP (Holzmüller, Grinsztajn and Steinwart, "Better by default", NeurIPS 2024).
    pub const REALMLP: GroupFactors = GroupFactors {
        first_weight: Factors::ALL,
        weight: Factors::ALL,
        bias: Factors { learning_rate: 0.1, decay: 0.0 },
        activation: Factors::both(0.1),
        embedding: Factors::ALL,
        periodic: Factors::both(0.1),
        input_scale: Factors::both(6.0),
        by_fan_in: true,
    };

    /// Returns the factors of a parameter.
    pub fn of(&self, spec: &ParamSpec) -> Factors {
        match spec.group {
            ParamGroup::Weight { block } => {
                let Factors { learning_rate, decay } = if block == 0 { self.first_weight } else { self.weight };
                let root = if self.by_fan_in { (spec.shape[0] as f64).sqrt() } else { 1.0 };
                Factors { learning_rate: learning_rate / root, decay: decay * root }
            }
            ParamGroup::Bias { .. } => self.bias,
            ParamGroup::Activation { .. } => self.activation,
            ParamGroup::Embedding { .. } => self.embedding,
            ParamGroup::Periodic { .. } => self.periodic,
            ParamGroup::InputScale => self.input_scale,
        }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) naming the factor that is out of range.
    pub fn validate(&self) -> Result<()> {
        let GroupFactors { first_weight, weight, bias, activation, embedding, periodic, input_scale, by_fan_in: _ } =
            *self;
        let groups = [
            ("first_weight", first_weight),
            ("weight", weight),
            ("bias", bias),
            ("activation", activation),
            ("embedding", embedding),
            ("periodic", periodic),
            ("input_scale", input_scale),
        ];
        for (name, Factors { learning_rate, decay }) in groups {
            range::at_least_0(&format!("{name}_lr_factor"), learning_rate)?;
            range::at_least_0(&format!("{name}_decay_factor"), decay)?;
        }
        Ok(())
    }
}
