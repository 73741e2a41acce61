use super::optimizer::OptimizerNumbers;
use super::{KEYS, Recipe, TableInput, TrainFigures};
use crate::{Error, Result};
use furlough::compute::Precision;
use furlough::counted;
use furlough::data::{Partition, catalog};
use furlough::nn::{ConcretePrior, Dropout, DropoutKind, InputStage, MaskSharing, Sequential};
use furlough::optim::{GroupFactors, Regularizers, Schedule};
use furlough::train::{EarlyStopping, EvalMetric, LossOptions, TrainOptions};
use furlough_tables::Role;
use furlough_tables::model::{InputRecipe, member_partition, member_seed};

/// The most networks of a model.
const MOST_MEMBERS: u32 = 1000;

/// What a recipe says, and what it means for network and training.
impl Recipe {
    /// Name of the data set.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// Returns what a run's folder is called after: the data set, or the table's file without its
    /// endings.
    pub fn short_name(&self) -> String {
        let name = &self.data;
        let of_table = || name.split_once('.').map_or(name.as_str(), |(stem, _)| stem);
        let short = if self.table.is_some() { of_table() } else { name };
        if short.is_empty() { "table".into() } else { short.into() }
    }

    /// Returns the table that is learned from, where it is one.
    pub fn table(&self) -> Option<&TableInput> {
        self.table.as_ref()
    }

    /// Returns the lowest label in a folder of one's own files; of all other data 0.
    pub fn labels_from(&self) -> u32 {
        self.labels_from
    }

    /// Which of the data set's examples are learned from and held out.
    pub fn partition(&self) -> Partition {
        let Recipe { train_examples, folds, fold, split_seed, stratified, .. } = *self;
        Partition { train_examples, folds, fold, seed: split_seed, stratified }
    }

    /// Returns how many networks learn as one model; none for a single one.
    pub fn members(&self) -> Option<u32> {
        self.members
    }

    /// Returns whether a finished run has rows that it can be judged by without another table: they
    /// are read in memory, and those of several networks are a test set.
    pub fn has_rows_to_judge_by(&self) -> bool {
        let Some(table) = &self.table else { return true };
        let tests = table.test_fraction > 0.0 || table.test_file.is_some();
        table.on_disk.is_none() && (self.members.is_none() || tests)
    }

    /// Returns the recipe of one of several networks, counted from 0: that of a run of its own.
    pub fn member(&self, member: u32) -> Recipe {
        let folds = self.folds.unwrap_or(1);
        let Partition { fold, .. } = member_partition(member, folds, self.is_by_time(), self.split_seed);
        Recipe { members: None, fold, seed: member_seed(self.seed, member), ..self.clone() }
    }

    /// Whether the latest rows of a table are held out.
    pub(crate) fn is_by_time(&self) -> bool {
        self.table.as_ref().is_some_and(|table| table.schema.with_the_role(Role::Time).next().is_some())
    }

    /// Widths of the hidden layers.
    pub fn hidden(&self) -> &[usize] {
        &self.hidden
    }

    /// Drop probability after each hidden layer.
    pub fn dropout(&self) -> &[f64] {
        &self.dropout
    }

    /// Drop probability of the features.
    pub fn input_dropout(&self) -> f64 {
        self.input_dropout
    }

    /// The decay of the weights, as a penalty or decoupled.
    pub fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    /// Whether anything is dropped.
    pub fn drops(&self) -> bool {
        self.input_dropout > 0.0 || self.dropout.iter().any(|&p| p > 0.0)
    }

    /// What matrix products multiply.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Which examples of a batch share a dropout mask in training.
    pub fn dropout_sharing(&self) -> MaskSharing {
        self.dropout_sharing
    }

    /// What dropout does to its units.
    pub fn dropout_kind(&self) -> DropoutKind {
        self.dropout_kind
    }

    /// What drop probabilities are multiplied by in the course of the training.
    pub fn dropout_schedule(&self) -> &Schedule {
        &self.dropout_schedule
    }

    /// When the run stops early, if it may.
    pub fn early_stopping(&self) -> Option<EarlyStopping> {
        let metric = self.early_stopping_metric;
        let patience = self.early_stopping.filter(|&patience| patience > 0)?;
        Some(EarlyStopping { patience, metric })
    }

    /// Which figures of the training set there are after each epoch.
    pub fn train_figures(&self) -> TrainFigures {
        self.train_figures
    }

    /// The layer list for data with so many features and outputs. Where some features are
    /// categories, `levels` says how many levels each has
    /// ([`Examples::levels`](furlough::data::Examples::levels)).
    pub fn network(&self, inputs: usize, levels: &[u32], outputs: usize) -> Sequential {
        let stage = self.table.as_ref().and_then(|_| self.inputs().stage(inputs, levels));
        let inputs = stage.as_ref().map_or(inputs, InputStage::width);
        let list = Sequential::mlp(inputs, outputs, &self.hidden, self.activation, self.input_dropout, &self.dropout)
            .with_dropout_kind(self.dropout_kind)
            .with_sharing(self.dropout_sharing);
        let list = if self.parametric_activation { list.with_parametric_activations() } else { list };
        match stage {
            Some(stage) => list.with_input_stage(stage),
            None => list,
        }
    }

    fn inputs(&self) -> InputRecipe {
        let usual = InputRecipe::default();
        InputRecipe {
            embedding_width: self.embedding_width.unwrap_or(1),
            numeric_embedding: self.numeric_embedding,
            pbld_frequencies: self.pbld_frequencies.unwrap_or(usual.pbld_frequencies),
            pbld_outputs: self.pbld_outputs.unwrap_or(usual.pbld_outputs),
            pbld_scale: self.pbld_scale.unwrap_or(usual.pbld_scale),
            input_scaling: self.input_scaling,
        }
    }

    /// What learning rate and decay are multiplied by, group by group.
    fn factors(&self) -> GroupFactors {
        self.group_factors.factors().with(self.first_layer_factor, self.pbld_factor, self.input_scaling_factor)
    }

    /// All that is not the network or the data.
    pub fn options(&self) -> TrainOptions {
        let prior = ConcretePrior::default();
        let (optimizer, l2) = self.optimizer.with(&self.optimizer_numbers());
        TrainOptions {
            init: self.init,
            optimizer,
            learning_rate: self.lr,
            regularizers: Regularizers {
                l2,
                l1: self.l1,
                max_norm: self.max_norm,
                concrete: ConcretePrior {
                    length: self.concrete_length.unwrap_or(prior.length),
                    entropy: self.concrete_regularizer.unwrap_or(prior.entropy),
                },
            },
            lr_schedule: self.lr_schedule.clone(),
            weight_decay_schedule: self.weight_decay_schedule.clone(),
            factors: self.factors(),
            clip_norm: self.clip_norm,
            batch_size: self.batch_size,
            drop_last: self.drop_last,
            epochs: self.epochs,
            seed: self.seed,
            precision: self.precision,
            dropout_schedule: self.dropout_schedule.clone(),
            loss: LossOptions { label_smoothing: self.label_smoothing, class_weights: self.class_weights.clone() },
            early_stopping: self.early_stopping(),
            clamp_outputs: self.clamp_outputs,
            full_train_figures: self.train_figures == TrainFigures::Full,
        }
    }

    fn optimizer_numbers(&self) -> OptimizerNumbers {
        let Recipe { momentum, nesterov, weight_decay, beta1, beta2, epsilon, .. } = *self;
        OptimizerNumbers { momentum, nesterov, weight_decay, moments: [beta1, beta2, epsilon] }
    }

    /// The same with another seed.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] `seed` when it is above 2^63 - 1.
    pub fn with_seed(&self, seed: u64) -> Result<Self> {
        check_seed("seed", seed)?;
        Ok(Recipe { seed, ..self.clone() })
    }

    /// The recipe as TOML, with every key that matters (those with which nothing is changed may be
    /// left out); [`Settings::parse`](super::Settings::parse) reads it.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a flat table of numbers and strings is always TOML")
    }

    pub(super) fn validate(&self) -> Result<()> {
        let of = self.hidden.len();
        if let Some(layer) = self.hidden.iter().position(|&units| units == 0) {
            return Err(Error::setting(
                "hidden",
                format!("{:?}", self.hidden),
                format!("hidden layer {} of {of} has no units", layer + 1),
            ));
        }
        if self.dropout.len() != of {
            let reason = format!(
                "{} for {}; give one for each, or a single one for all",
                counted(self.dropout.len(), "drop probability"),
                counted(of, "hidden layer")
            );
            return Err(Error::setting("dropout", format!("{:?}", self.dropout), reason));
        }
        for &p in &self.dropout {
            Dropout::of(self.dropout_kind, p, self.dropout_sharing)?;
        }
        if let Some(reason) = self.dropout_kind.objection(self.input_dropout) {
            return Err(Error::setting("input_dropout", self.input_dropout, reason));
        }
        self.validate_kind()?;
        KEYS.iter().try_for_each(|key| key.check_company(self))?;
        if self.labels_from != 0 && self.data != catalog::OWN_FILES {
            let reason = format!("is for a folder of your own (data = {})", catalog::OWN_FILES);
            return Err(Error::setting("labels_from", self.labels_from, reason));
        }
        if let Some(name) = self.table.as_ref().map(TableInput::name).filter(|name| *name != self.data) {
            let reason =
                format!("the recipe learns from a table, {name}; leave out its [table] to learn from a data set");
            return Err(Error::setting("data", &self.data, reason));
        }
        if self.embedding_width == Some(0) {
            return Err(Error::setting("embedding_width", 0, "a level becomes at least one number"));
        }
        self.validate_inputs()?;
        check_seed("seed", self.seed)?;
        check_seed("split_seed", self.split_seed)?;
        self.partition().validate()?;
        self.validate_early_stopping()?;
        self.validate_members()?;
        Ok(self.options().validate()?)
    }

    /// What the waves of numbers and the factors of groups cannot be.
    fn validate_inputs(&self) -> Result<()> {
        for (name, count) in [("pbld_frequencies", self.pbld_frequencies), ("pbld_outputs", self.pbld_outputs)] {
            if let Some(count) = count.filter(|count| !(1..=1024).contains(count)) {
                return Err(Error::setting(name, count, "a number has from 1 to 1024 of them"));
            }
        }
        if let Some(scale) = self.pbld_scale.filter(|scale| !(*scale > 0.0 && (*scale as f32).is_normal())) {
            return Err(Error::setting(
                "pbld_scale",
                scale,
                "must be a number above 0, and not beyond single precision",
            ));
        }
        let factors = [
            ("first_layer_factor", self.first_layer_factor),
            ("pbld_factor", self.pbld_factor),
            ("input_scaling_factor", self.input_scaling_factor),
        ];
        for (name, factor) in factors {
            if let Some(factor) = factor.filter(|factor| !(*factor >= 0.0 && (*factor as f32).is_finite())) {
                return Err(Error::setting(name, factor, "must be a finite number of at least 0"));
            }
        }
        Ok(())
    }

    /// The test set must not choose the epoch.
    fn validate_early_stopping(&self) -> Result<()> {
        match self.early_stopping.filter(|&patience| patience > 0) {
            Some(patience) if self.folds.is_none() => {
                let reason =
                    "needs validation data, which the test set is not: set folds, such as 10, to hold some out";
                Err(Error::setting("early_stopping", patience, reason))
            }
            None if self.early_stopping_metric != EvalMetric::default() => {
                let reason = "goes with early_stopping: say how many epochs may be worse";
                Err(Error::setting("early_stopping_metric", self.early_stopping_metric, reason))
            }
            _ => Ok(()),
        }
    }

    /// What several networks cannot have.
    fn validate_members(&self) -> Result<()> {
        let Some(members) = self.members else { return Ok(()) };
        let refused = |reason: &str| Err(Error::setting("members", members, reason));
        if !(2..=MOST_MEMBERS).contains(&members) {
            return refused("from 1 to 1000 networks are one model");
        }
        if self.table.is_none() {
            return refused(
                "they are for a table; of other data train runs with other seeds and name them together to evaluate",
            );
        }
        if self.folds.is_none() {
            return refused("each holds out another fold: say how many folds there are");
        }
        if self.fold != 0 {
            return refused("each holds out another fold, so leave fold out");
        }
        if self.train_examples.is_some() {
            return refused("they learn from all rows but those that they hold out; leave train_examples out");
        }
        Ok(())
    }

    /// What one kind of dropout cannot have.
    fn validate_kind(&self) -> Result<()> {
        let kind = self.dropout_kind;
        if let (Some(reason), false) = (kind.objection_to_sharing(), self.dropout_sharing.is_per_example()) {
            return Err(Error::setting("dropout_sharing", self.dropout_sharing, reason));
        }
        if let (Some(reason), false) = (kind.objection_to_schedule(), self.dropout_schedule.is_constant()) {
            return Err(Error::setting("dropout_schedule", &self.dropout_schedule, reason));
        }
        Ok(())
    }
}

/// TOML has signed 64-bit integers only, and a recipe must survive being written.
fn check_seed(name: &str, seed: u64) -> Result<()> {
    match i64::try_from(seed) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::setting(name, seed, format!("must be at most {}", i64::MAX))),
    }
}
