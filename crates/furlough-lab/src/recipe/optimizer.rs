use furlough::optim::Optimizer;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An optimizer by name, its numbers left to keys of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum OptimizerKind {
    /// Stochastic gradient descent.
    #[default]
    Sgd,
    /// Adam; its weight decay is the L2 penalty.
    Adam,
    /// Adam with decoupled weight decay.
    AdamW,
    /// Lion, with decoupled weight decay.
    Lion,
}

impl OptimizerKind {
    /// All of them, in the order help texts list them.
    pub const ALL: [OptimizerKind; 4] =
        [OptimizerKind::Sgd, OptimizerKind::Adam, OptimizerKind::AdamW, OptimizerKind::Lion];

    /// Returns the optimizer with the numbers that it has where nothing is said.
    pub fn usual(self) -> Optimizer {
        match self {
            OptimizerKind::Sgd => Optimizer::SGD,
            OptimizerKind::Adam => Optimizer::ADAM,
            OptimizerKind::AdamW => Optimizer::ADAMW,
            OptimizerKind::Lion => Optimizer::LION,
        }
    }

    /// Returns the learning rate where nothing is said; for none the data decide.
    pub(super) fn usual_lr(self) -> Option<f64> {
        match self {
            OptimizerKind::Sgd => None,
            OptimizerKind::Adam | OptimizerKind::AdamW => Some(0.001),
            OptimizerKind::Lion => Some(0.0001),
        }
    }

    /// Returns the optimizer with these numbers, and its L2 penalty.
    pub(super) fn with(self, numbers: &OptimizerNumbers) -> (Optimizer, f64) {
        let OptimizerNumbers { momentum, nesterov, weight_decay, .. } = *numbers;
        let [beta1, beta2, epsilon] = numbers.moments.map(Option::unwrap_or_default);
        match self {
            OptimizerKind::Sgd => (Optimizer::Sgd { momentum, nesterov }, weight_decay),
            OptimizerKind::Adam => (Optimizer::Adam { beta1, beta2, epsilon }, weight_decay),
            OptimizerKind::AdamW => (Optimizer::AdamW { beta1, beta2, epsilon, weight_decay }, 0.0),
            OptimizerKind::Lion => (Optimizer::Lion { beta1, beta2, weight_decay }, 0.0),
        }
    }

    /// Returns the name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        self.usual().name()
    }

    /// Returns β₁, β₂ and ε where nothing is said, of an optimizer that has them.
    pub(super) fn usual_moments(self) -> [Option<f64>; 3] {
        match self.usual() {
            Optimizer::Sgd { .. } => [None; 3],
            Optimizer::Adam { beta1, beta2, epsilon } | Optimizer::AdamW { beta1, beta2, epsilon, .. } => {
                [beta1, beta2, epsilon].map(Some)
            }
            Optimizer::Lion { beta1, beta2, .. } => [Some(beta1), Some(beta2), None],
        }
    }

    /// Returns the weight decay where nothing is said.
    pub(super) fn usual_decay(self) -> f64 {
        match self.usual() {
            Optimizer::AdamW { weight_decay, .. } => weight_decay,
            _ => 0.0,
        }
    }
}

/// The numbers of all optimizers, as a recipe has them.
pub(super) struct OptimizerNumbers {
    pub(super) momentum: f64,
    pub(super) nesterov: bool,
    pub(super) weight_decay: f64,
    /// β₁, β₂ and ε.
    pub(super) moments: [Option<f64>; 3],
}

impl fmt::Display for OptimizerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<OptimizerKind> for &'static str {
    fn from(kind: OptimizerKind) -> Self {
        kind.name()
    }
}

impl FromStr for OptimizerKind {
    type Err = furlough::Error;

    fn from_str(name: &str) -> furlough::Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(OptimizerKind::name).join(", ");
            furlough::Error::Setting {
                name: "optimizer".into(),
                value: name.into(),
                reason: format!("not an optimizer; there are {known}"),
            }
        })
    }
}

impl TryFrom<String> for OptimizerKind {
    type Error = furlough::Error;

    fn try_from(name: String) -> furlough::Result<Self> {
        name.parse()
    }
}
