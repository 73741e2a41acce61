use super::Activation;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a dropout layer does to its units while training. Each kind is governed by a drop
/// probability p, makes one random word a unit into noise, and is left out at inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum DropoutKind {
    /// 0 with probability p, else `x / (1-p)`: dropout itself.
    #[default]
    Bernoulli,
    /// x times a normal number with mean 1 and variance `p/(1-p)`, which are mean and variance of
    /// what [`DropoutKind::Bernoulli`] multiplies by. Nothing is dropped. Srivastava et al., JMLR
    /// 15 (2014), section 10.
    Gaussian,
    /// With probability p the value [`DropoutKind::ALPHA_DROPPED`], which is where
    /// [`Activation::Selu`](super::Activation::Selu) ends below; then all units by an affine map,
    /// after which mean and variance are what they were. For values of mean 0 and variance 1, as
    /// networks of SELU with [`Init::Lecun`](super::Init::Lecun) keep them. Klambauer, Unterthiner,
    /// Mayr and Hochreiter, "Self-normalizing neural networks", NeurIPS 2017.
    Alpha,
    /// Weights of the next linear layer instead of units, one mask for a whole batch:
    /// [`drop_connect`](super::drop_connect()).
    DropConnect,
    /// Softly, with a probability that is learned and only begins at p:
    /// [`Concrete`](super::Concrete). On the features, where nothing learns, it is dropout itself.
    Concrete,
}

impl DropoutKind {
    /// Every kind, in the order help texts list them.
    pub const ALL: [DropoutKind; 5] = [
        DropoutKind::Bernoulli,
        DropoutKind::Gaussian,
        DropoutKind::Alpha,
        DropoutKind::DropConnect,
        DropoutKind::Concrete,
    ];

    /// Those that change each unit as its word and p decide.
    pub const OF_UNITS: [DropoutKind; 3] = [DropoutKind::Bernoulli, DropoutKind::Gaussian, DropoutKind::Alpha];

    /// What alpha dropout puts in the place of a dropped unit, before the affine map: -λα of SELU,
    /// about -1.7581.
    pub const ALPHA_DROPPED: f64 = -(Activation::SELU_LAMBDA * Activation::SELU_ALPHA);

    /// The name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            DropoutKind::Bernoulli => "bernoulli",
            DropoutKind::Gaussian => "gaussian",
            DropoutKind::Alpha => "alpha",
            DropoutKind::DropConnect => "dropconnect",
            DropoutKind::Concrete => "concrete",
        }
    }

    /// Whether it is [`DropoutKind::Bernoulli`].
    pub fn is_bernoulli(&self) -> bool {
        *self == DropoutKind::Bernoulli
    }

    /// What is wrong with a drop probability, if something is.
    pub fn objection(self, p: f64) -> Option<&'static str> {
        match self {
            _ if !(0.0..=1.0).contains(&p) => Some("a drop probability lies between 0 (keep all) and 1 (drop all)"),
            DropoutKind::Gaussian if p == 1.0 => {
                Some("gaussian dropout has variance p/(1-p), so it takes a p from 0 to below 1")
            }
            DropoutKind::Alpha if p == 1.0 => {
                Some("alpha dropout keeps the variance, so it takes a p from 0 to below 1, which keeps some units")
            }
            DropoutKind::Concrete if p == 1.0 => Some("concrete dropout learns its probability from a value below 1"),
            _ => None,
        }
    }

    /// Why masks are not shared among some examples, if they are not.
    pub fn objection_to_sharing(self) -> Option<&'static str> {
        match self {
            DropoutKind::DropConnect => {
                Some("dropconnect always has one mask of the weights for a whole batch; leave it out")
            }
            DropoutKind::Concrete => Some("concrete dropout has masks for each example; leave it out"),
            _ => None,
        }
    }

    /// Why drop probabilities do not follow a schedule, if they do not.
    pub fn objection_to_schedule(self) -> Option<&'static str> {
        self.is_learned().then_some("concrete dropout learns its probability; leave it out")
    }

    /// Whether p is learned.
    pub fn is_learned(self) -> bool {
        self == DropoutKind::Concrete
    }

    /// Whether it is one of [`Self::OF_UNITS`].
    pub(crate) fn is_of_units(self) -> bool {
        Self::OF_UNITS.contains(&self)
    }
}

impl std::fmt::Display for DropoutKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for DropoutKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(DropoutKind::name).join(", ");
            Error::setting("dropout_kind", name, format!("not a kind of dropout; there are {known}"))
        })
    }
}

impl TryFrom<String> for DropoutKind {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<DropoutKind> for &'static str {
    fn from(kind: DropoutKind) -> Self {
        kind.name()
    }
}
