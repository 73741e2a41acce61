//! The network: the layer list users write, and the mathematics of each layer, every derivative
//! beside its function.
//!
//! The functions here are plain definitions on [`ndarray`]: read them to learn, call them to write
//! a training loop by hand (`examples/from_scratch.rs`), and hold the fast kernels of
//! [`compute`](crate::compute) against them. Rows are examples; weights are inputs × outputs.

mod activation;
mod builder;
mod concrete;
mod drop_connect;
mod dropout;
mod dropout_kind;
mod init;
mod input_stage;
mod layer;
mod linear;
mod loss;
mod mask_key;
mod mlp;
mod output_bounds;
mod parameters;
mod sequential;
mod sharing;
mod validation;
mod warm_start;

pub use activation::Activation;
pub use builder::MlpBuilder;
pub use concrete::{Concrete, ConcretePrior};
pub use drop_connect::drop_connect;
pub use dropout::Dropout;
pub use dropout_kind::DropoutKind;
pub use init::Init;
pub(crate) use input_stage::StagePlaces;
pub use input_stage::{InputColumn, InputStage};
pub use layer::Layer;
pub use linear::{linear, linear_backward};
pub use loss::{Loss, argmax, mean_squared_error, softmax_cross_entropy, weighted_squared_error};
pub use mask_key::MaskKey;
pub(crate) use mlp::Revision;
pub use mlp::{Architecture, Block, Mlp};
pub use parameters::{ParamGroup, ParamInit, ParamSpec};
pub use sequential::Sequential;
pub use sharing::MaskSharing;
