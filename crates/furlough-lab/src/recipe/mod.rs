//! What somebody said of a run, in flags or TOML, and the recipe that was decided and checked of
//! it.

mod resolved;
mod settings;
mod toml_text;

pub use resolved::Recipe;
pub use settings::{OneOrMany, Settings};
pub(crate) use toml_text::{read_toml, toml_reason};
