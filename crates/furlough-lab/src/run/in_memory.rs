//! A run that leaves nothing on disk: the same model, byte for byte, for those who keep it
//! themselves.

use crate::recipe::{Recipe, Settings};
use crate::source::{TableSource, completed};
use crate::{Error, Result};
use furlough::data::{Dataset, EvalData, Partition};
use furlough::files::{DataInfo, ModelInfo};
use furlough::nn::Sequential;
use furlough::optim::OptimizerState;
use furlough::train::{Control, EpochSummary, Event, Progress, StopReason, TrainState, Trainer};
use furlough_tables::model::{RowCounts, TableHeader};
use furlough_tables::preprocessing::{TargetEncoder, TargetRows};
use furlough_tables::{Preprocessing, Preset, Role, Table, TableModel};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// What is told while a model is fitted in memory.
#[derive(Debug, Clone)]
pub enum FitReport {
    /// A step was taken by one network or the other.
    Step,
    /// An epoch of a network is over; networks are counted from 0.
    Epoch(u32, EpochSummary),
}

/// A model that was fitted in memory.
pub struct FittedModel {
    /// The model.
    pub model: TableModel,
    /// Why the training ended; of several networks, whether all came to their end.
    pub stopped: StopReason,
    /// Where the optimizer stands, from which [`fit_further`] can go on; none of several networks.
    pub optimizer: Option<OptimizerState>,
}

/// What messages call a model that is in no file.
const NAME: &str = "model";

/// Fits a model to a table by a recipe, and tells `report` of it on this thread. A recipe without
/// folds learns from all rows. Where `report` asks to stop, the model has what was learned until
/// then: with early stopping the best epoch's network, if there was an epoch.
///
/// # Errors
/// Those of [`TableSource::run_data`], [`Trainer::new`] and [`Trainer::fit_with`];
/// [`TableModel::of_networks`]; [`Error::Run`] when several networks are stopped before each has
/// learned something.
pub fn fit_table(
    source: &TableSource,
    recipe: &Recipe,
    threads: usize,
    report: &mut dyn FnMut(FitReport) -> Control,
) -> Result<FittedModel> {
    match recipe.members() {
        Some(members) => fit_members(source, recipe, members, threads, report),
        None => {
            let mut fitted = fit_single(source, recipe, threads, report)?;
            if let Some((table, rows)) = source.test() {
                fitted.model = fitted.model.tested_by(table, rows)?;
            }
            Ok(fitted)
        }
    }
}

/// Fits a network alone.
fn fit_single(
    source: &TableSource,
    recipe: &Recipe,
    threads: usize,
    report: &mut dyn FnMut(FitReport) -> Control,
) -> Result<FittedModel> {
    let (train, held_out, header) = learned_from(source, &recipe.partition())?;
    let network = recipe.network(train.features(), train.levels(), train.outputs());
    let trainer = Trainer::new(&network, &recipe.options(), &train, threads)?;
    fit(trainer, recipe, (&train, held_out.as_ref()), header, report)
}

/// Returns what is learned from, what judges while it is learned, and what is said of the table.
fn learned_from(source: &TableSource, partition: &Partition) -> Result<(Dataset, Option<Dataset>, TableHeader)> {
    if partition.folds.is_none() {
        let (train, header) = source.all_data()?;
        return Ok((train, None, header));
    }
    let data = source.run_data(partition)?;
    let header = data.table.ok_or_else(|| Error::run(Path::new(NAME), "is not that of a table"))?;
    Ok((data.training.train, Some(data.training.eval), header))
}

/// Trains to the end, or until `report` asks to stop, and makes a model of the network.
fn fit(
    mut trainer: Trainer<'_>,
    recipe: &Recipe,
    (train, held_out): (&Dataset, Option<&Dataset>),
    mut header: TableHeader,
    report: &mut dyn FnMut(FitReport) -> Control,
) -> Result<FittedModel> {
    let mut watch = |event: &Event<'_>| {
        Ok(match event {
            Event::Step { .. } => report(FitReport::Step),
            Event::Epoch(summary) => report(FitReport::Epoch(0, (*summary).clone())),
            _ => Control::Continue,
        })
    };
    let stopped = trainer.fit_with(held_out.map(EvalData::validation), &mut watch)?;
    let state = trainer.state();
    let optimizer = Some(state.optimizer.clone());
    header.best_epoch = state.best.as_ref().map(|best| best.epoch);
    let best = state.best.as_ref().map(|best| best.mlp.clone());
    let mlp = best.unwrap_or_else(|| trainer.into_mlp());
    let info = ModelInfo { table: Some(header.to_json()), ..ModelInfo::new(DataInfo::of(train), "") };
    let model = TableModel::new(Path::new(NAME), mlp, &info, 1)?.with_precision(recipe.precision(), 1);
    let model = match held_out {
        Some(data) => model.measured_by(data)?,
        None => model,
    };
    Ok(FittedModel { model, stopped, optimizer })
}

/// Fits several networks side by side, as many at once as there are threads. Where all is stopped,
/// the model is made of those that had begun.
fn fit_members(
    source: &TableSource,
    recipe: &Recipe,
    members: u32,
    threads: usize,
    report: &mut dyn FnMut(FitReport) -> Control,
) -> Result<FittedModel> {
    let (next, halted) = (AtomicU32::new(0), AtomicBool::new(false));
    let (own_threads, workers) = ((threads / members as usize).max(1), threads.clamp(1, members as usize));
    let train = |member: u32, reports: &Sender<FitReport>| {
        let mut tell = |told: FitReport| {
            // Whoever listens ends after all members.
            let _ = reports.send(told.in_network(member));
            if halted.load(Ordering::Relaxed) { Control::Stop } else { Control::Continue }
        };
        let fitted = fit_single(source, &recipe.member(member), own_threads, &mut tell);
        halted.fetch_or(fitted.is_err(), Ordering::Relaxed);
        fitted
    };
    let work = |reports: Sender<FitReport>| {
        let mut done = Vec::new();
        while !halted.load(Ordering::Relaxed) {
            let member = next.fetch_add(1, Ordering::Relaxed);
            if member >= members {
                break;
            }
            done.push((member, train(member, &reports)));
        }
        done
    };
    let mut outcomes = Vec::new();
    thread::scope(|scope| {
        let (reports, inbox) = channel();
        let mut handles = Vec::new();
        for _ in 0..workers {
            let (work, reports) = (&work, reports.clone());
            match thread::Builder::new().name("furlough-member".into()).spawn_scoped(scope, move || work(reports)) {
                Ok(handle) => handles.push(handle),
                Err(source) if handles.is_empty() => return Err(Error::from(furlough::Error::NoThread { source })),
                Err(_) => break, // those that there are do the work
            }
        }
        drop(reports);
        for told in &inbox {
            halted.fetch_or(report(told) == Control::Stop, Ordering::Relaxed);
        }
        for handle in handles {
            outcomes.extend(handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        Ok(())
    })?;
    outcomes.sort_by_key(|(member, _)| *member);
    joined(source, recipe, members, outcomes)
}

/// Makes one model of several networks.
fn joined(
    source: &TableSource,
    recipe: &Recipe,
    members: u32,
    outcomes: Vec<(u32, Result<FittedModel>)>,
) -> Result<FittedModel> {
    let (mut models, mut held_out) = (Vec::new(), Vec::new());
    let mut stopped = if outcomes.len() < members as usize { StopReason::Asked } else { StopReason::Finished };
    for (member, fitted) in outcomes {
        let FittedModel { model, stopped: own, .. } = fitted?;
        if own == StopReason::Asked {
            stopped = own;
        }
        models.push(model);
        held_out.push(source.held_out(&recipe.member(member).partition())?);
    }
    let (model, _) = TableModel::of_networks(models, source.table(), &held_out)?;
    Ok(FittedModel { model, stopped, optimizer: None })
}

/// Returns a network with its first weights, before it has learned anything, for [`fit_further`].
/// These features decide how columns become features, and their number what the preset has where
/// nothing is said. The targets beside them need not show all of `classes`; numbers have none.
///
/// # Errors
/// Those of [`Preprocessing::fit`], [`TargetEncoder::fit`], [`Settings::resolve`] and
/// [`Trainer::new`].
pub fn begin_model(
    features: Table,
    targets: Table,
    classes: Option<Vec<String>>,
    (said, preset): (Settings, Preset),
) -> Result<(TableModel, Recipe)> {
    let rows = features.all_rows();
    let mut preprocessing = Preprocessing::fit(&features, &rows, &preset.preprocessing())?;
    let table = features.beside(targets)?;
    let target = match classes.zip(table.schema().with_the_role(Role::Target).next()) {
        Some((classes, place)) => {
            TargetEncoder::Classification { column: table.schema().columns[place].name.clone(), classes }
        }
        None => TargetEncoder::fit(&table, &rows)?,
    };
    let sizes = (rows.len(), preprocessing.width(), target.task());
    let recipe = completed(said, preset, sizes, |recipe| recipe).0.resolve()?;
    preprocessing.target = Some(target);
    let (data, _) = preprocessing.dataset(&table, &rows)?;
    let network = recipe.network(data.features(), data.levels(), data.outputs());
    let mlp = Trainer::new(&network, &recipe.options(), &data, 1)?.into_mlp();
    let header = TableHeader::new(table.schema().clone(), preprocessing);
    let info = ModelInfo { table: Some(header.to_json()), ..ModelInfo::new(DataInfo::of(&data), "") };
    Ok((TableModel::new(Path::new(NAME), mlp, &info, 1)?, recipe))
}

/// Where a network goes on from.
pub struct GoingOn {
    /// The model, of one network. Its schema and preprocessing stay.
    pub model: TableModel,
    /// Where its optimizer stands; it begins anew where that is not known.
    pub optimizer: Option<OptimizerState>,
}

/// Fits a model further, to rows of a table that was built by its schema. The recipe says how, and
/// which of the rows are held out; its network is the one that there is.
///
/// # Errors
/// As [`fit_table`]; [`Error::Run`] for a model of several networks;
/// [`furlough_tables::Error::Value`] for a class that the model does not know.
pub fn fit_further(
    GoingOn { model, optimizer }: GoingOn,
    table: &Table,
    recipe: &Recipe,
    threads: usize,
    report: &mut dyn FnMut(FitReport) -> Control,
) -> Result<FittedModel> {
    if model.members() > 1 {
        return Err(Error::run(Path::new(NAME), "is of several networks, which do not learn on; fit it anew"));
    }
    let preprocessing = model.preprocessing();
    let TargetRows { rows, dropped } = TargetRows::of(table, &table.all_rows());
    let (learned, held_out) = table.fold_rows(&rows, &recipe.partition())?;
    let train = preprocessing.dataset(table, &learned)?.0;
    let held_out = match &held_out[..] {
        [] => None,
        rows => Some(preprocessing.dataset(table, rows)?.0),
    };
    let (options, mlp) = (recipe.options(), model.network().clone());
    let trainer = match optimizer {
        Some(optimizer) if optimizer.fits(&options.optimizer, mlp.parameters().len()) => {
            let network = Sequential::from(mlp.architecture());
            let state = TrainState { mlp, optimizer, progress: Progress::default(), best: None };
            Trainer::resume(&network, &options, &train, threads, state)?
        }
        _ => Trainer::from_mlp(mlp, &options, &train, threads)?,
    };
    let mut header = model.header().clone();
    let validation = held_out.as_ref().map_or(0, |data| data.len()) as u64;
    header.rows = Some(RowCounts { training: train.len() as u64, validation, test: 0 });
    header.dropped_rows = dropped;
    (header.validation, header.conformal) = (None, None);
    fit(trainer, recipe, (&train, held_out.as_ref()), header, report)
}

impl FitReport {
    /// Returns the same of a network among several.
    fn in_network(self, network: u32) -> Self {
        match self {
            FitReport::Step => FitReport::Step,
            FitReport::Epoch(_, summary) => FitReport::Epoch(network, summary),
        }
    }
}
