use super::in_order::{Work, in_order};
use super::network::Network;
use super::{
    ConformalScores, EnsembleHeader, Preset, RowCounts, TableHeader, TableRecipe, member_folds, member_partition,
    member_seed,
};
use crate::error::Result;
use crate::preprocessing::{
    Preprocessing, PreprocessingOptions, TargetRows, leaking_columns, named_like_target, repeated_rows,
};
use crate::schema::{Role, Schema, TaskChoice};
use crate::table::{RowSplit, SplitOptions, Table};
use furlough::data::{EvalData, Partition};
use furlough::nn::Mlp;
use furlough::predict::{Predictor, RiskCoverage};
use furlough::train::{EpochSummary, Trainer};
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

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
    /// By which recipe, where that is not said. How columns become features is with
    /// [`Self::preprocessing`] ([`Self::with_preset`]).
    pub preset: Preset,
    /// Network and training; those of the preset if none are said.
    pub recipe: Option<TableRecipe>,
    /// Which share of the rows validates: training stops by it. Without any, all epochs are
    /// trained. A k-th of the rows is the first of k folds ([`Table::fold_rows`]), as the command
    /// holds out; other shares are chosen as [`Table::split_rows`] does.
    pub validation: f64,
    /// The seed of all that chance decides.
    pub seed: u64,
    /// How many networks are trained side by side as one model; each is judged by another part of
    /// the rows ([`member_partition`]). With more than one the share that validates says nothing.
    pub members: u32,
    /// How many threads compute; they change no bit.
    pub threads: usize,
}

/// A network that answers for tables, or several whose answers are averaged.
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
    /// At least one.
    pub(super) networks: Vec<Network>,
    /// What is said of several together; none of a single one.
    pub(super) ensemble: Option<EnsembleHeader>,
}

impl TableOptions {
    /// Returns the defaults, with one column to predict.
    pub fn target(name: &str) -> Self {
        TableOptions {
            target: vec![name.into()],
            task: TaskChoice::Auto,
            strict: false,
            preprocessing: Preset::default().preprocessing(),
            preset: Preset::default(),
            recipe: None,
            validation: 0.2,
            seed: 0,
            members: 1,
            threads: 1,
        }
    }

    /// Returns these options with another preset, and what it does with columns.
    pub fn with_preset(self, preset: Preset) -> Self {
        TableOptions { preset, preprocessing: preset.preprocessing(), ..self }
    }
}

impl TableModel {
    /// Trains a network on the rows of a table that have a target: on four fifths of them unless
    /// told otherwise, and the others decide when to stop. Several networks each leave out another
    /// part, and answer for its rows where these measure the model.
    ///
    /// # Errors
    /// Those of [`Table::with_target`], [`Preprocessing::fit`] and [`Table::split_rows`];
    /// [`Error::Value`](crate::Error::Value) for a missing target when that is strict;
    /// [`Error::Engine`](crate::Error::Engine) when training fails, and for no members.
    pub fn fit(table: &Table, options: &TableOptions) -> Result<TableModel> {
        TableModel::fit_with(table, options, |_, _| ())
    }

    /// [`Self::fit`], which tells the figures of each epoch of each network, counted from 0.
    ///
    /// # Errors
    /// As [`Self::fit`].
    pub fn fit_with(
        table: &Table,
        options: &TableOptions,
        told: impl FnMut(u32, &EpochSummary) + Send,
    ) -> Result<TableModel> {
        let table = match &options.target[..] {
            [] => Cow::Borrowed(table),
            names => Cow::Owned(table.clone().with_target(names, options.task)?),
        };
        let table = &*table;
        let targets = TargetRows::of(table, &table.all_rows());
        if options.strict && targets.dropped > 0 {
            // Whichever row it is, the message names the first one.
            Preprocessing::fit(table, &table.all_rows(), &options.preprocessing)?;
        }
        let told = Mutex::new(told);
        match options.members {
            0 => {
                let (name, value, reason) = ("members".into(), "0".into(), "there is at least one network".into());
                Err(furlough::Error::Setting { name, value, reason }.into())
            }
            1 => {
                let rows = &targets.rows;
                let split = if rows.is_empty() { RowSplit::default() } else { single_split(table, rows, options)? };
                fit_network(table, &targets, &split, options, |summary| tell(&told, 0, summary))
            }
            members => fit_networks(table, &targets, members, options, &told),
        }
    }

    /// Returns the schema of the tables that the model answers for.
    pub fn schema(&self) -> &Schema {
        &self.header().schema
    }

    /// Returns the network, or the first one of several.
    pub fn network(&self) -> &Mlp {
        self.networks[0].predictor.mlp()
    }

    /// Returns how many networks there are.
    pub fn members(&self) -> usize {
        self.networks.len()
    }

    /// Returns the way from a table to features, of several networks that of the first one. What
    /// the outputs mean, all agree but for the standardization of numbers.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.header().preprocessing
    }

    /// Returns all that is said of the table beside the network, or beside the first one of
    /// several. The scores of the rows that decided when to stop are better than those of new rows:
    /// the best epoch was chosen by them.
    pub fn header(&self) -> &TableHeader {
        &self.networks[0].header
    }

    /// Returns what is said of each network alone.
    pub fn headers(&self) -> impl Iterator<Item = &TableHeader> {
        self.networks.iter().map(|network| &network.header)
    }

    /// Returns what is said of several networks together; none of a single one.
    pub fn ensemble(&self) -> Option<&EnsembleHeader> {
        self.ensemble.as_ref()
    }

    /// Returns how often answers were wrong, by how sure they were, for rows that did not teach the
    /// networks which gave them; none for numbers, and where no rows measured that.
    pub fn risk_coverage(&self) -> Option<&RiskCoverage> {
        self.ensemble.as_ref().map_or(self.header().risk.as_ref(), |ensemble| ensemble.risk.as_ref())
    }

    /// Returns how far answers were off for rows that did not teach the networks which gave them;
    /// none where no rows measured that.
    pub fn conformal(&self) -> Option<&ConformalScores> {
        self.ensemble.as_ref().map_or(self.header().conformal.as_ref(), |ensemble| Some(&ensemble.conformal))
    }
}

/// Returns which rows a single network learns from, and which validate.
fn single_split(table: &Table, rows: &[u32], options: &TableOptions) -> Result<RowSplit> {
    let TableOptions { validation, seed, .. } = *options;
    let folds = (1.0 / validation).round();
    if folds >= 2.0 && (folds * validation - 1.0).abs() < 1e-9 && folds <= rows.len() as f64 {
        let partition = Partition { folds: Some(folds as u32), fold: 0, seed, stratified: true, train_examples: None };
        let (train, validation) = table.fold_rows(rows, &partition)?;
        return Ok(RowSplit { train, validation, test: Vec::new() });
    }
    table.split_of(rows, &SplitOptions { validation, test: 0.0, seed })
}

fn tell(told: &Mutex<impl FnMut(u32, &EpochSummary)>, member: u32, summary: &EpochSummary) {
    told.lock().unwrap_or_else(PoisonError::into_inner)(member, summary);
}

/// Trains one network.
fn fit_network(
    table: &Table,
    TargetRows { rows, dropped }: &TargetRows,
    split: &RowSplit,
    options: &TableOptions,
    told: impl FnMut(&EpochSummary),
) -> Result<TableModel> {
    let preprocessing = Preprocessing::fit_split(table, split, &options.preprocessing)?;
    let train = preprocessing.dataset(table, &split.train)?.0;
    let held_out = match &split.validation[..] {
        [] => None,
        rows => Some(preprocessing.dataset(table, rows)?.0),
    };
    let usual = || options.preset.recipe(train.len(), train.features(), train.targets().task());
    let recipe = options.recipe.clone().unwrap_or_else(usual);
    recipe.validate()?;
    let train_options = recipe.train_options(options.seed, held_out.is_some());
    let mut trainer = Trainer::new(&recipe.network(&train), &train_options, &train, options.threads)?;
    trainer.on_epoch(told);
    trainer.fit(held_out.as_ref().map(EvalData::validation))?;
    let mut warnings = named_like_target(table);
    warnings.extend(leaking_columns(table, rows));
    warnings.extend(repeated_rows(table, split));
    let header = TableHeader {
        recipe: Some(recipe),
        dropped_rows: *dropped,
        rows: Some(RowCounts {
            training: split.train.len() as u64,
            validation: split.validation.len() as u64,
            test: 0,
        }),
        warnings,
        best_epoch: trainer.state().best.as_ref().map(|best| best.epoch),
        ..TableHeader::new(table.schema().clone(), preprocessing)
    };
    let fingerprint = furlough::files::fingerprint(&train);
    let task = header.preprocessing.target()?.task();
    let predictor = Predictor::new(trainer.into_mlp(), options.threads).with_task(task);
    let model = TableModel { networks: vec![Network { header, predictor, fingerprint }], ensemble: None };
    match held_out {
        Some(data) => model.measured_by(&data),
        None => Ok(model),
    }
}

/// Trains several networks side by side, as many at once as there are threads.
fn fit_networks(
    table: &Table,
    targets: &TargetRows,
    members: u32,
    options: &TableOptions,
    told: &Mutex<impl FnMut(u32, &EpochSummary) + Send>,
) -> Result<TableModel> {
    let by_time = table.schema().with_the_role(Role::Time).next().is_some();
    let folds = member_folds(members, by_time);
    let split = |member: u32| -> Result<RowSplit> {
        let partition = member_partition(member, folds, by_time, options.seed);
        let (train, validation) = table.fold_rows(&targets.rows, &partition)?;
        Ok(RowSplit { train, validation, test: Vec::new() })
    };
    let mut next = 0..members;
    let work = Work {
        start: || (),
        each: |(): &mut (), member: u32| {
            let (seed, threads) = (member_seed(options.seed, member), (options.threads / members as usize).max(1));
            let own = TableOptions { seed, threads, ..options.clone() };
            let split = split(member)?;
            let model = fit_network(table, targets, &split, &own, |summary| tell(told, member, summary))?;
            Ok((model, split.validation))
        },
    };
    let (mut models, mut held_out) = (Vec::new(), Vec::new());
    in_order(
        options.threads,
        || Ok(next.next()),
        &work,
        |(model, rows): (TableModel, Vec<u32>)| {
            models.push(model);
            held_out.push(rows);
            Ok::<_, crate::Error>(())
        },
    )?;
    Ok(TableModel::of_networks(models, table, &held_out)?.0)
}
