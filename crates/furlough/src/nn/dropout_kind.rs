use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a dropout layer drops, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum DropoutKind {
    /// Units, each with probability p.
    #[default]
    Bernoulli,
    /// Weights of the next linear layer, one mask for a whole batch: [`drop_connect`](super::drop_connect()).
    DropConnect,
    /// Units, softly, with a probability that is learnt: [`Concrete`](super::Concrete). p is where it begins.
    Concrete,
}

impl DropoutKind {
    /// Every kind, in the order help texts list them.
    pub const ALL: [DropoutKind; 3] = [DropoutKind::Bernoulli, DropoutKind::DropConnect, DropoutKind::Concrete];

    /// The name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            DropoutKind::Bernoulli => "bernoulli",
            DropoutKind::DropConnect => "dropconnect",
            DropoutKind::Concrete => "concrete",
        }
    }

    /// Whether p is learnt.
    pub fn is_learnt(self) -> bool {
        self == DropoutKind::Concrete
    }

    /// Whether it is [`DropoutKind::Bernoulli`].
    pub fn is_bernoulli(&self) -> bool {
        *self == DropoutKind::Bernoulli
    }
}

impl std::str::FromStr for DropoutKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        DropoutKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names = DropoutKind::ALL.map(DropoutKind::name).join(", ");
            Error::setting("dropout_kind", name, format!("not a kind of dropout; there are {names}"))
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
