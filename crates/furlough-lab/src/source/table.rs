use super::RunData;
use crate::recipe::{OneOrMany, OptimizerKind, RecipeKey, Settings, TableInput};
use crate::{Error, Result};
use furlough::counted;
use furlough::data::{Dataset, EvalSplit, Partition, Task, TrainingData};
use furlough_tables::model::{RowCounts, TableHeader, TableRecipe, member_folds};
use furlough_tables::preprocessing::{TargetRows, leaking_columns, named_like_target, repeated_rows};
use furlough_tables::{
    Kind, Preprocessing, PreprocessingOptions, Preset, Role, RowSplit, Schema, SplitOptions, Table, Told, read_table,
    read_table_like,
};
use std::path::Path;

/// Into how many parts the rows are cut that are not the test set; one of them validates.
pub(super) const FOLDS: u32 = 5;

/// The rows of a table, those of the test set apart.
#[derive(Debug, Clone)]
pub struct TableSource {
    table: Table,
    /// The rows that have a target and are not in the test set.
    rows: Vec<u32>,
    test: Option<TestRows>,
    options: PreprocessingOptions,
    notes: Vec<String>,
    /// How many rows had no target.
    dropped: u64,
}

/// The test set.
#[derive(Debug, Clone)]
struct TestRows {
    /// The table that they are of, where it is not the one that is learned from.
    other: Option<Box<Table>>,
    rows: Vec<u32>,
}

impl TableSource {
    /// Reads the table of a recipe, on `threads` threads, and sets its test rows apart.
    ///
    /// # Errors
    /// [`Error::Table`]: those of reading, and of shares that leave no rows.
    pub fn read(input: &TableInput, threads: usize) -> Result<Self> {
        let table = read_table(Path::new(&input.file), &input.schema, threads)?;
        let other = input.test_file.as_ref().map(|file| read_test(Path::new(file), &input.schema, threads));
        TableSource::of_tables(input, table, other.transpose()?)
    }

    /// Takes a table that is in memory, and perhaps another one with its test set, as `input` says;
    /// no file of it is read.
    ///
    /// # Errors
    /// As [`Self::read`], but for reading.
    pub fn of_tables(input: &TableInput, table: Table, other: Option<Table>) -> Result<Self> {
        let (all, mut notes) = (table.all_rows(), Vec::new());
        let TargetRows { rows, dropped } = TargetRows::of(&table, &all);
        if rows.is_empty() {
            // The message names the first row.
            Preprocessing::fit(&table, &all, &input.preprocessing)?;
        }
        if dropped > 0 {
            let are = if dropped == 1 { "is" } else { "are" };
            notes.push(format!("{} without a target {are} left out", counted(dropped as usize, "row")));
        }
        let share = SplitOptions { validation: 0.0, test: input.test_fraction, seed: input.test_seed };
        let (rows, test) = match other {
            Some(other) => {
                let of_other = TargetRows::of(&other, &other.all_rows()).rows;
                (rows, Some(TestRows { other: Some(Box::new(other)), rows: of_other }))
            }
            None if input.test_fraction > 0.0 => {
                let RowSplit { train, test, .. } = table.split_of(&rows, &share)?;
                (train, Some(TestRows { other: None, rows: test }))
            }
            None => (rows, None),
        };
        Ok(TableSource { table, rows, test, options: input.preprocessing, notes, dropped })
    }

    /// Returns what was said and, where nothing was said, what a preset has for a table with so
    /// many rows and features; a fifth of the rows validates and stops the training. Where what was
    /// said is a whole recipe of a table, such as that of a run, nothing is added but folds. The
    /// second part says which recipe was chosen, and why.
    ///
    /// # Errors
    /// As [`Settings::resolve`]; [`Error::Table`] when nothing can be learned from the table.
    pub fn settings(&self, said: Settings, preset: Preset) -> Result<(Settings, Option<String>)> {
        let by_time = self.table.schema().with_the_role(Role::Time).next().is_some();
        let folds = said.members.filter(|&members| members > 1).map_or(FOLDS, |members| member_folds(members, by_time));
        let said = with_folds(said, folds);
        if is_whole(&said) {
            return Ok((said, None));
        }
        let partition = partition_of(&said, preset, self.table.schema())?;
        let RunData { training: TrainingData { train, .. }, .. } = self.run_data(&partition)?;
        Ok(completed(said, preset, (train.len(), train.features(), train.targets().task()), |recipe| recipe))
    }

    /// Returns what a run sees that holds out what `partition` says. The preprocessing is fitted to
    /// the rows that it learns from, and to no others; the classes are those of all rows of the
    /// file that is learned from.
    pub fn run_data(&self, partition: &Partition) -> Result<RunData> {
        let table = &self.table;
        let (learned, held_out) = table.fold_rows(&self.rows, partition)?;
        let own_test =
            self.test.as_ref().filter(|test| test.other.is_none()).map_or(Vec::new(), |own| own.rows.clone());
        let split = RowSplit { train: learned, validation: held_out, test: own_test };
        let preprocessing = self.fit(&split)?;
        let mut told = Told::default();
        let mut seen = |table: &Table, rows: &[u32]| -> Result<Dataset> {
            let (data, new) = preprocessing.dataset(table, rows)?;
            told.add(&new);
            Ok(data)
        };
        let train = seen(table, &split.train)?;
        let of_test = |test: &TestRows| seen(test.other.as_deref().unwrap_or(table), &test.rows);
        let test = self.test.as_ref().map(of_test).transpose()?;
        let (eval, eval_split, test) = match (partition.folds, test) {
            (Some(_), test) => (seen(table, &split.validation)?, EvalSplit::Validation, test),
            (None, Some(test)) => (test, EvalSplit::Test, None),
            (None, None) => {
                let reason = "without a test set there are no rows to judge by, unless folds hold some out";
                return Err(Error::setting("test_fraction", 0, reason));
            }
        };
        let mut header = TableHeader::new(table.schema().clone(), preprocessing);
        header.dropped_rows = self.dropped;
        let tested = test.as_ref().map_or(0, |test| test.len()) as u64;
        header.rows = Some(match eval_split {
            EvalSplit::Validation => {
                RowCounts { training: train.len() as u64, validation: eval.len() as u64, test: tested }
            }
            EvalSplit::Test => RowCounts { training: train.len() as u64, validation: 0, test: eval.len() as u64 },
        });
        header.warnings = named_like_target(table);
        header.warnings.extend(leaking_columns(table, &split.train));
        header.warnings.extend(repeated_rows(table, &split));
        let said = header.preprocessing.notes.iter().map(ToString::to_string);
        let warned = header.warnings.iter().map(ToString::to_string);
        let notes = self.notes.iter().cloned().chain(said).chain(warned).chain(told.sentences()).collect();
        Ok(RunData { training: TrainingData { train, eval, eval_split }, test, table: Some(header), notes })
    }

    /// Returns what was said and, where nothing was said, what suits a table all of whose rows are
    /// learned from: none is held out, so nothing stops the training before its last epoch.
    ///
    /// # Errors
    /// As [`Self::settings`].
    pub fn settings_of_all(&self, said: Settings, preset: Preset) -> Result<Settings> {
        let (train, _) = self.all_data()?;
        let said = Settings { early_stopping: said.early_stopping.or(Some(0)), ..said };
        let sizes = (train.len(), train.features(), train.targets().task());
        Ok(completed(said, preset, sizes, |recipe| recipe).0)
    }

    /// Returns what a run sees that learns from all rows and is judged by none, with the table's
    /// schema and preprocessing.
    ///
    /// # Errors
    /// [`Error::Table`] when nothing can be learned from the table.
    pub fn all_data(&self) -> Result<(Dataset, TableHeader)> {
        let split = RowSplit { train: self.rows.clone(), ..RowSplit::default() };
        let preprocessing = self.fit(&split)?;
        let (train, _) = preprocessing.dataset(&self.table, &split.train)?;
        let mut header = TableHeader::new(self.table.schema().clone(), preprocessing);
        header.dropped_rows = self.dropped;
        header.rows = Some(RowCounts { training: train.len() as u64, validation: 0, test: 0 });
        header.warnings = named_like_target(&self.table);
        header.warnings.extend(leaking_columns(&self.table, &split.train));
        Ok((train, header))
    }

    /// Returns the table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Returns the rows that a run holds out, ascending.
    ///
    /// # Errors
    /// Those of [`Table::fold_rows`].
    pub fn held_out(&self, partition: &Partition) -> Result<Vec<u32>> {
        Ok(self.table.fold_rows(&self.rows, partition)?.1)
    }

    /// Returns the test rows, and the table that they are of; none where there is no test set.
    pub fn test(&self) -> Option<(&Table, &[u32])> {
        self.test.as_ref().map(|test| (test.other.as_deref().unwrap_or(&self.table), &test.rows[..]))
    }

    /// Returns how many rows are learned from and held out by one run or the other.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Fits to the training rows, with the classes of all rows, so that all partitions have the
    /// same outputs.
    fn fit(&self, split: &RowSplit) -> Result<Preprocessing> {
        let others = [&split.validation[..], &split.test].concat();
        let all = RowSplit { train: split.train.clone(), validation: others, test: Vec::new() };
        Ok(Preprocessing::fit_split(&self.table, &all, &self.options)?)
    }
}

/// Returns what was said, and that one of so many parts of the rows validates where nothing was
/// said of folds.
pub(super) fn with_folds(said: Settings, folds: u32) -> Settings {
    if said.folds.is_some() {
        return said;
    }
    Settings { folds: Some(folds), stratified: said.stratified.or(Some(true)), ..said }
}

/// Whether these are a whole recipe, as one is written: that has an optimizer, a batch and all
/// other keys that are always written, and what it leaves out is neutral.
pub(super) fn is_whole(said: &Settings) -> bool {
    let always = ["hidden", "dropout", "activation", "init", "optimizer", "lr", "weight_decay", "batch_size", "epochs"];
    always.iter().all(|name| RecipeKey::named(name).is_some_and(|key| key.is_said(said)))
}

/// Returns which rows are learned from and held out. What is wrong with what was said is found
/// before the rows are: by a preset's recipe for some table of this kind.
pub(super) fn partition_of(said: &Settings, preset: Preset, schema: &Schema) -> Result<Partition> {
    let is_number = |place: usize| schema.columns[place].kind == Kind::Number;
    let numbers = schema.with_the_role(Role::Target).all(is_number);
    let task = if numbers { Task::Regression } else { Task::Classification };
    let (settings, _) = completed(said.clone(), preset, (1, 1, task), |recipe| recipe);
    Ok(settings.resolve()?.partition())
}

/// Returns what was said, and where nothing was said the values of a preset's recipe for so many
/// rows and features, `fitting` what is learned from. And which one it is, and why.
pub(crate) fn completed(
    said: Settings,
    preset: Preset,
    (rows, features, task): (usize, usize, Task),
    fitting: impl Fn(TableRecipe) -> TableRecipe,
) -> (Settings, Option<String>) {
    let mut usual = usual(&fitting(preset.recipe(rows, features, task)));
    if said.early_stopping == Some(0) {
        usual.early_stopping_metric = None; // there is no best epoch
    }
    (said.over(usual), Some(format!("{preset}: {}", preset.reason(rows, task))))
}

/// Returns the recipe of a table as settings: each of its values is that of a key.
fn usual(recipe: &TableRecipe) -> Settings {
    let recipe = recipe.clone();
    Settings {
        hidden: Some(OneOrMany::Many(recipe.hidden.clone())),
        embedding_width: Some(recipe.embedding_width),
        numeric_embedding: Some(recipe.numeric_embedding),
        input_scaling: Some(recipe.input_scaling),
        dropout: Some(OneOrMany::One(recipe.dropout)),
        lr_schedule: Some(recipe.rate_schedule()),
        dropout_schedule: Some(recipe.dropout_schedule),
        activation: Some(recipe.activation),
        parametric_activation: Some(recipe.parametric_activation),
        init: Some(recipe.init),
        optimizer: Some(OptimizerKind::AdamW),
        lr: Some(recipe.learning_rate),
        beta2: Some(recipe.beta2),
        group_factors: Some(recipe.group_factors),
        weight_decay: Some(recipe.weight_decay),
        weight_decay_schedule: Some(recipe.weight_decay_schedule),
        label_smoothing: Some(recipe.label_smoothing),
        clamp_outputs: Some(recipe.clamp_outputs),
        batch_size: Some(recipe.batch_size),
        drop_last: Some(recipe.drop_last),
        epochs: Some(recipe.epochs),
        early_stopping: Some(recipe.patience),
        early_stopping_metric: Some(recipe.metric),
        ..Settings::default()
    }
}

/// Reads the test set from a file of its own, which must have targets.
fn read_test(path: &Path, schema: &Schema, threads: usize) -> Result<Table> {
    let table = read_table_like(path, schema, threads)?;
    if TargetRows::of(&table, &table.all_rows()).rows.is_empty() {
        let targets: Vec<&str> =
            schema.with_the_role(Role::Target).map(|place| schema.columns[place].name.as_str()).collect();
        let reason = format!("no row has a target ({}), so it cannot be the test set", targets.join(", "));
        return Err(Error::data(path.display(), reason));
    }
    Ok(table)
}
