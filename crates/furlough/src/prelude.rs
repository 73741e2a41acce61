//! What most programs name, for `use furlough::prelude::*;`.

pub use crate::data::{Dataset, EvalData, Examples, Split, digits};
pub use crate::nn::{Activation, DropoutKind, Init, Layer, MaskSharing, Mlp, Sequential};
pub use crate::optim::{Optimizer, Regularizers, Schedule};
pub use crate::predict::Predictor;
pub use crate::train::{Control, LossOptions, TrainOptions, Trainer};
