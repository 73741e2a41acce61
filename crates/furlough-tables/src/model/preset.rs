use super::{NumericEmbedding, TableRecipe, defaults};
use crate::preprocessing::PreprocessingOptions;
use furlough::Error;
use furlough::data::Task;
use furlough::nn::{Activation, Init};
use furlough::optim::{FactorSet, Schedule};
use furlough::train::EvalMetric;
use std::fmt;
use std::str::FromStr;

/// A recipe for tables by name: what is done with columns, and how the network is built and
/// trained. This is the one place that says what a preset is; the command expands it to the keys of
/// a recipe.
///
/// ```
/// use furlough_tables::{Preset, TableOptions};
/// let options = TableOptions::target("kind").with_preset("realmlp".parse()?);
/// assert_eq!(options.preset, Preset::RealMlp);
/// assert!(options.preprocessing.scale_levels);
/// # Ok::<(), furlough::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// What suits the table: [`defaults`].
    #[default]
    Auto,
    /// The defaults of RealMLP (Holzmüller, Grinsztajn and Steinwart, "Better by default", NeurIPS
    /// 2024), of any table.
    RealMlp,
}

impl Preset {
    /// All of them, in the order help texts list them.
    pub const ALL: [Preset; 2] = [Preset::Auto, Preset::RealMlp];

    /// Returns its name: `auto` or `realmlp`.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Auto => "auto",
            Preset::RealMlp => "realmlp",
        }
    }

    /// Returns how columns become features.
    pub fn preprocessing(self) -> PreprocessingOptions {
        match self {
            Preset::Auto => PreprocessingOptions::default(),
            Preset::RealMlp => PreprocessingOptions {
                min_count: 1,
                missing_apart: false,
                scale_levels: true,
                ..PreprocessingOptions::default()
            },
        }
    }

    /// Returns how the network is built and trained for so many training rows and features.
    pub fn recipe(self, rows: usize, features: usize, task: Task) -> TableRecipe {
        match self {
            Preset::Auto => defaults(rows, features, task),
            Preset::RealMlp => realmlp(task),
        }
    }

    /// Returns why this recipe was chosen, in words that follow its name.
    pub fn reason(self, rows: usize, task: Task) -> String {
        let rows = furlough::counted(rows, "training row");
        match (self, task) {
            (Preset::Auto, _) => format!("width, batch and epochs by {rows}"),
            (Preset::RealMlp, Task::Classification) => "the defaults of RealMLP (2024) for classes".into(),
            (Preset::RealMlp, Task::Regression) => "the defaults of RealMLP (2024) for numbers".into(),
        }
    }
}

/// RealMLP-TD. Both tasks share all but a few lines.
fn realmlp(task: Task) -> TableRecipe {
    const EPOCHS: u32 = 256;
    let classes = task == Task::Classification;
    TableRecipe {
        hidden: vec![256; 3],
        embedding_width: 8,
        dropout: 0.15,
        dropout_schedule: Schedule::FlatCos,
        numeric_embedding: NumericEmbedding::Pbld,
        input_scaling: true,
        activation: if classes { Activation::Selu } else { Activation::Mish },
        parametric_activation: true,
        init: Init::DataDriven,
        learning_rate: if classes { 0.04 } else { 0.2 },
        lr_schedule: Schedule::CosLog4,
        warmup: 0.0,
        beta2: 0.95,
        weight_decay: 0.02,
        weight_decay_schedule: Schedule::FlatCos,
        group_factors: FactorSet::RealMlp,
        label_smoothing: if classes { 0.1 } else { 0.0 },
        clamp_outputs: !classes,
        batch_size: 256,
        drop_last: true,
        epochs: EPOCHS,
        // The best of all epochs.
        patience: EPOCHS,
        metric: if classes { EvalMetric::Accuracy } else { EvalMetric::Loss },
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|preset| preset.name() == name).ok_or_else(|| {
            let reason = format!("no preset; there are {}", Self::ALL.map(Preset::name).join(", "));
            Error::Setting { name: "preset".into(), value: name.into(), reason }
        })
    }
}
