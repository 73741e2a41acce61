//! What somebody said of a run, in flags or TOML, and the recipe that was decided and checked of
//! it.

mod keys;
mod optimizer;
mod resolved;
mod schema;
mod search;
mod settings;
mod text;
mod toml_text;
mod train_figures;

pub use keys::{KEYS, Recipe, Settings};
pub use optimizer::OptimizerKind;
pub use schema::{GoesWith, Heading, Key, Varies};
pub use search::{Absent, Scale, Search, Usual};
pub use settings::OneOrMany;
pub use text::{Form, whole};
pub(crate) use toml_text::{read_toml, toml_reason};
pub use train_figures::TrainFigures;
