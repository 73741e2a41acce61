//! What somebody said of a run, in flags or TOML, and the recipe that was decided and checked of
//! it.

mod key;
mod keys;
mod one_or_many;
mod optimizer;
mod resolved;
mod schema;
mod search;
mod settings;
mod table_input;
mod text;
mod toml_text;
mod train_figures;

pub use keys::{KEYS, Recipe, RecipeKey, Settings};
pub use one_or_many::OneOrMany;
pub use optimizer::OptimizerKind;
pub use schema::{GoesWith, Heading, Varies};
pub use search::{Absent, Scale, Search, Usual};
pub use settings::LetGo;
pub use table_input::TableInput;
pub use text::{Form, whole};
pub(crate) use toml_text::{read_toml, toml_reason};
pub use train_figures::TrainFigures;
