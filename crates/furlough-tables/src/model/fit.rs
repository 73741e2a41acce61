use super::{RowCounts, TableHeader, TableRecipe, defaults};
use crate::error::Result;
use crate::preprocessing::{
    Preprocessing, PreprocessingOptions, TargetRows, leaking_columns, named_like_target, repeated_rows,
};
use crate::schema::{Schema, TaskChoice};
use crate::table::{RowSplit, SplitOptions, Table};
use furlough::data::EvalData;
use furlough::nn::Mlp;
use furlough::predict::Predictor;
use furlough::train::{EpochSummary, Trainer};
use std::borrow::Cow;

/// What is learned of a table, and how. All but the targets has a default.
#[derive(Debug, Clone, PartialEq)]
pub struct TableOptions {
    /// The columns to predict; none where the table's schema says it.
    pub target: Vec<String>,
    /// Classes or numbers.
    pub task: TaskChoice,
    /// Whether a row without a target is an error; such rows are left out otherwise.
    pub strict: bool,
    /// How columns become features.
    pub preprocessing: PreprocessingOptions,
    /// Network and training; [`defaults`] if none is said.
    pub recipe: Option<TableRecipe>,
    /// Which share of the rows validates: training stops by it. They are chosen as
    /// [`Table::split_rows`] does. Without any, all epochs are trained.
    pub validation: f64,
    /// The seed of all that chance decides.
    pub seed: u64,
    /// How many threads compute; they change no bit.
    pub threads: usize,
}

/// A network that answers for tables.
///
/// ```
/// use furlough_tables::{Table, TableModel, TableOptions};
/// let sizes = (0..60).map(|row| f64::from(row % 30));
/// let kinds = (0..60).map(|row| if row % 30 < 15 { "small" } else { "large" });
/// let table = Table::builder().numbers("size", sizes).texts("kind", kinds).build()?;
/// let mut model = TableModel::fit(&table, &TableOptions::target("kind"))?;
/// let new = Table::builder().numbers("size", [3.0, 28.0]).build_as(model.schema())?;
/// assert_eq!(model.predict(&new)?.texts(), ["small", "large"]);
/// # Ok::<(), furlough_tables::Error>(())
/// ```
pub struct TableModel {
    pub(super) header: TableHeader,
    pub(super) predictor: Predictor,
    pub(super) fingerprint: String,
}

impl TableOptions {
    /// Returns the defaults, with one column to predict.
    pub fn target(name: &str) -> Self {
        TableOptions {
            target: vec![name.into()],
            task: TaskChoice::Auto,
            strict: false,
            preprocessing: PreprocessingOptions::default(),
            recipe: None,
            validation: 0.2,
            seed: 0,
            threads: 1,
        }
    }
}

impl TableModel {
    /// Trains a network on the rows of a table that have a target: on four fifths of them unless
    /// told otherwise, and the others decide when to stop.
    ///
    /// # Errors
    /// Those of [`Table::with_target`], [`Preprocessing::fit`] and [`Table::split_rows`];
    /// [`Error::Value`](crate::Error::Value) for a missing target when that is strict;
    /// [`Error::Engine`](crate::Error::Engine) when training fails.
    pub fn fit(table: &Table, options: &TableOptions) -> Result<TableModel> {
        TableModel::fit_with(table, options, |_| ())
    }

    /// [`Self::fit`], which tells the figures of each epoch.
    ///
    /// # Errors
    /// As [`Self::fit`].
    pub fn fit_with(table: &Table, options: &TableOptions, told: impl FnMut(&EpochSummary)) -> Result<TableModel> {
        let table = match &options.target[..] {
            [] => Cow::Borrowed(table),
            names => Cow::Owned(table.clone().with_target(names, options.task)?),
        };
        let table = &*table;
        let TargetRows { rows, dropped } = TargetRows::of(table, &table.all_rows());
        if options.strict && dropped > 0 {
            // Whichever row it is, the message names the first one.
            Preprocessing::fit(table, &table.all_rows(), &options.preprocessing)?;
        }
        let shares = SplitOptions { validation: options.validation, test: 0.0, seed: options.seed };
        let split = if rows.is_empty() { RowSplit::default() } else { table.split_of(&rows, &shares)? };
        let preprocessing = Preprocessing::fit_split(table, &split, &options.preprocessing)?;
        let train = preprocessing.dataset(table, &split.train)?.0;
        let held_out = match &split.validation[..] {
            [] => None,
            rows => Some(preprocessing.dataset(table, rows)?.0),
        };
        let usual = || defaults(train.len(), train.features(), train.targets().task());
        let recipe = options.recipe.clone().unwrap_or_else(usual);
        recipe.validate()?;
        let mlp = recipe.network(&train, options.seed)?;
        let train_options = recipe.train_options(options.seed, held_out.is_some());
        let mut trainer = Trainer::from_mlp(mlp, &train_options, &train, options.threads)?;
        trainer.on_epoch(told);
        trainer.fit(held_out.as_ref().map(EvalData::validation))?;
        let mut warnings = named_like_target(table);
        warnings.extend(leaking_columns(table, &rows));
        warnings.extend(repeated_rows(table, &split));
        let header = TableHeader {
            recipe: Some(recipe),
            dropped_rows: dropped,
            rows: Some(RowCounts {
                training: split.train.len() as u64,
                validation: split.validation.len() as u64,
                test: 0,
            }),
            warnings,
            ..TableHeader::new(table.schema().clone(), preprocessing)
        };
        let fingerprint = furlough::files::fingerprint(&train);
        let task = header.preprocessing.target()?.task();
        let predictor = Predictor::new(trainer.into_mlp(), options.threads).with_task(task);
        let mut model = TableModel { header, predictor, fingerprint };
        model.header.validation = held_out.map(|data| model.score(&data)).transpose()?;
        Ok(model)
    }

    /// Returns the schema of the tables that the model answers for.
    pub fn schema(&self) -> &Schema {
        &self.header.schema
    }

    /// Returns the network.
    pub fn network(&self) -> &Mlp {
        self.predictor.mlp()
    }

    /// Returns the way from a table to features.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.header.preprocessing
    }

    /// Returns all that is said of the table beside the network. The scores of the rows that
    /// decided when to stop are better than those of new rows: the best epoch was chosen by them.
    pub fn header(&self) -> &TableHeader {
        &self.header
    }
}
