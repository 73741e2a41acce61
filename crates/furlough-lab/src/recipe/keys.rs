//! The table of all keys of a recipe. A key is added by an entry here; what it does is said where
//! `Recipe` becomes a network and options.

use super::schema::{About, GoesWith, Heading, Varies, keys};
use super::search::{Absent, Search};
use super::text::{Form, FromText, TextError};
use super::{OneOrMany, OptimizerKind, TableInput, TrainFigures};
use furlough::compute::Precision;
use furlough::nn::{Activation, ConcretePrior, DropoutKind, Init, MaskSharing};
use furlough::optim::{FactorSet, Schedule};
use furlough::train::{ClassWeights, EvalMetric};
use furlough_tables::model::{InputRecipe, NumericEmbedding};

/// What goes with concrete dropout alone.
const CONCRETE: &[GoesWith] = &[GoesWith::Dropping, GoesWith::Value("dropout_kind", &["concrete"])];
/// What goes with stochastic gradient descent alone.
const SGD: &[GoesWith] = &[GoesWith::Value("optimizer", &["sgd"])];
/// What goes with Adam and its relatives alone.
const ADAM: &[GoesWith] = &[GoesWith::Value("optimizer", &["adam", "adamw"])];
/// What goes with waves of numbers alone.
const PBLD: &[GoesWith] = &[GoesWith::Value("numeric_embedding", &["pbld"])];
/// Beta1 and beta2, of optimizers that keep means.
const MOMENTS: &[GoesWith] = &[GoesWith::Value("optimizer", &["adam", "adamw", "lion"])];

keys! {
    /// Name of the data set.
    data: String => String {
        written: always,
        decided: |said| {
            let table = || said.table.as_ref().map(TableInput::name);
            said.data.clone().or_else(table).unwrap_or_else(|| "fashion-mnist".into())
        },
        about: About::new(Heading::Data, "NAME", "Data set: see `furlough data list`")
            .default("fashion-mnist").varies(Varies::ByStudy),
    }
    /// The lowest label in a folder of one's own files, which becomes the first class.
    labels_from: u32 => u32 {
        written: unless_neutral,
        decided: |said| said.labels_from.unwrap_or_default(),
        about: About::new(Heading::Data, "N", "Lowest label in a folder of your own files: 1 where they count from 1, \
            as EMNIST's letters do").default("0").varies(Varies::ByStudy).follows("data"),
    }
    /// How many of the training examples are learned from, at least 1.
    train_examples: usize => Option<usize> {
        written: unless_neutral,
        decided: |said| said.train_examples,
        about: About::new(Heading::Data, "N", "Learn from only N of the training examples").default("all"),
    }
    /// Into how many parts the training set is cut, at least 2; one is held out and takes the place
    /// of the test set.
    folds: u32 => Option<u32> {
        written: unless_neutral,
        decided: |said| said.folds,
        about: About::new(Heading::Data, "K", "Cut the training examples into K parts and hold one out for \
            validation, in place of the test set"),
    }
    /// Which part is held out, from 0.
    fold: u32 => u32 {
        written: unless_neutral,
        decided: |said| said.fold.unwrap_or_default(),
        about: About::new(Heading::Data, "N", "Which part is held out, from 0").default("0"),
    }
    /// Seed of which examples are chosen and held out, at most 2^63 - 1.
    split_seed: u64 => u64 {
        written: unless_neutral,
        decided: |said| said.split_seed.unwrap_or_default(),
        about: About::new(Heading::Data, "SEED", "Seed of which examples are chosen and held out").default("0"),
    }
    /// Whether each part has its share of each class. Recipes from before this key do not have it,
    /// and mean that no part was chosen by class.
    stratified: bool => bool {
        written: unless_neutral,
        decided: |said| said.stratified.unwrap_or_default(),
        about: About::new(Heading::Data, "BOOL", "Give each part its share of each class")
            .default("true with --folds; false in a recipe file that does not have it"),
    }
    /// How many networks learn from a table as one model, from 2 to 1000; none for a single one.
    members: u32 => Option<u32> {
        written: unless_neutral,
        decided: |said| said.members.filter(|&members| members != 1),
        about: About::new(Heading::Training, "N", "Of a table: train N networks side by side as one model, each with \
            a seed of its own and without another of the folds").default("1").varies(Varies::ByStudy),
    }
    /// Widths of the hidden layers, each at least 1; an empty list for none.
    hidden: OneOrMany<usize> => Vec<usize> {
        written: always,
        decided: |said| said.hidden.clone().map_or(vec![256, 256], |hidden| hidden.expand(1)),
        about: About::new(Heading::Network, "N,N,…", "Widths of the hidden layers, or 'none'").default("256,256"),
    }
    /// How many learned numbers the level of a category becomes, at least 1. Categories with few
    /// levels have a feature a level instead.
    embedding_width: usize => Option<usize> {
        written: unless_neutral,
        decided: |said| said.embedding_width.or(said.table.as_ref().map(|_| 8)),
        about: About::new(Heading::Network, "N", "Learned numbers that a level of a table's category becomes, where \
            there are more levels than have a feature each").default("8").goes_with(&[GoesWith::Table]),
    }
    /// What a number of a table becomes before the first layer.
    numeric_embedding: NumericEmbedding => NumericEmbedding {
        written: unless_neutral,
        decided: |said| said.numeric_embedding.unwrap_or_default(),
        about: About::new(Heading::Network, "NAME", "What a table's number becomes before the first layer: none (as it \
            is) or pbld (a linear layer of learned waves beside it)").default("none")
            .goes_with(&[GoesWith::Table]).search(Search::names()),
    }
    /// The standard deviation of the waves' first frequencies, above 0.
    pbld_scale: f64 => Option<f64> {
        written: unless_neutral,
        decided: |said| said.pbld_scale.or(said.waves().map(|waves| waves.pbld_scale)),
        about: About::new(Heading::Network, "S", "Of pbld: standard deviation of the first frequencies").default("0.1")
            .goes_with(PBLD).search(Search::ratio(0.01, 50.0)),
    }
    /// How many waves a number has, at least 1.
    pbld_frequencies: usize => Option<usize> {
        written: unless_neutral,
        decided: |said| said.pbld_frequencies.or(said.waves().map(|waves| waves.pbld_frequencies)),
        about: About::new(Heading::Network, "N", "Of pbld: waves of a number").default("16").goes_with(PBLD),
    }
    /// How many inputs these become, at least 1.
    pbld_outputs: usize => Option<usize> {
        written: unless_neutral,
        decided: |said| said.pbld_outputs.or(said.waves().map(|waves| waves.pbld_outputs)),
        about: About::new(Heading::Network, "N", "Of pbld: inputs that a number's waves become, beside it").default("3")
            .goes_with(PBLD),
    }
    /// Whether each input has a learned factor.
    input_scaling: bool => bool {
        written: unless_neutral,
        decided: |said| said.input_scaling.unwrap_or_default(),
        about: About::new(Heading::Network, "BOOL", "Learn a factor for each input of a table's network")
            .default("false").goes_with(&[GoesWith::Table]).search(Search::choices(&["false", "true"])),
    }
    /// Drop probability after each hidden layer, from 0 to 1.
    dropout: OneOrMany<f64> => Vec<f64> {
        written: always,
        decided: |said| {
            let layers = said.layers();
            let usual = || (1..=layers).map(|layer| if layer == layers { 0.5 } else { 0.2 }).collect();
            said.dropout.clone().map_or_else(usual, |dropout| dropout.expand(layers))
        },
        about: About::new(Heading::Dropout, "P,P,…", "Drop probability after each hidden layer, or one for all")
            .default("0.2, and 0.5 after the last")
            .goes_with(&[GoesWith::HiddenLayers])
            .search(Search::even(0.0, 0.95)),
    }
    /// Drop probability of the features, from 0 to 1.
    input_dropout: f64 => f64 {
        written: always,
        decided: |said| said.input_dropout.unwrap_or(0.0),
        about: About::new(Heading::Dropout, "P", "Drop probability of the features themselves").default("0")
            .search(Search::even(0.0, 0.5)),
    }
    /// What dropout does to its units, those of the input too.
    dropout_kind: DropoutKind => DropoutKind {
        written: unless_neutral,
        decided: |said| said.dropout_kind.unwrap_or_default(),
        about: About::new(Heading::Dropout, "KIND", "What dropout does: bernoulli switches units off, gaussian \
            multiplies each by normal noise with the same variance, alpha suits '--activation selu --init lecun', \
            dropconnect switches weights off, concrete learns p from where it begins").default("bernoulli")
            .goes_with(&[GoesWith::Dropping])
            .search(Search::choices(&["bernoulli", "gaussian", "dropconnect", "concrete"])),
    }
    /// Which examples of a batch share a dropout mask in training.
    dropout_sharing: MaskSharing => MaskSharing {
        written: unless_neutral,
        decided: |said| said.dropout_sharing.unwrap_or_default(),
        about: About::new(Heading::Dropout, "N|batch", "Who shares a mask in a step: per-example, batch, or N \
            examples; sharing saves time").default("per-example")
            .goes_with(&[GoesWith::Dropping]).search(Search::choices(&["per-example", "batch"])),
    }
    /// How drop probabilities change in the course of the training.
    dropout_schedule: Schedule => Schedule {
        written: unless_neutral,
        decided: |said| said.dropout_schedule.clone().unwrap_or_default(),
        about: About::new(Heading::Dropout, "WHEN", "Multiply all drop probabilities in the course of training: \
            constant, early:F (only the first F of it), late:F (all but the first F), ramp:F (from 0 up over the \
            first F), decay (down to 0 at the end)").default("constant")
            .goes_with(&[GoesWith::Dropping])
            .search(Search::choices(&["constant", "early:0.5", "late:0.2", "ramp:0.3", "decay"])),
    }
    /// Prior length scale of the weights with concrete dropout, at least 0.
    concrete_length: f64 => Option<f64> {
        written: unless_neutral,
        decided: |said| said.concrete_length.or(said.prior().map(|prior| prior.length)),
        about: About::new(Heading::Dropout, "L", "Of concrete dropout: prior length scale of the weights")
            .default("0.0001")
            .goes_with(CONCRETE).search(Search::ratio(1e-6, 1e-2)),
    }
    /// Factor of the entropy with concrete dropout, at least 0.
    concrete_regularizer: f64 => Option<f64> {
        written: unless_neutral,
        decided: |said| said.concrete_regularizer.or(said.prior().map(|prior| prior.entropy)),
        about: About::new(Heading::Dropout, "C", "Of concrete dropout: factor of the entropy, which draws p to 1/2")
            .default("1")
            .goes_with(CONCRETE).search(Search::ratio(0.01, 10.0)),
    }
    /// Activation of the hidden layers.
    activation: Activation => Activation {
        written: always,
        decided: |said| said.activation.unwrap_or(Activation::Relu),
        about: About::new(Heading::Network, "NAME", "What hidden units do with their input").default("relu")
            .goes_with(&[GoesWith::HiddenLayers]).search(Search::choices(&["relu", "gelu", "silu", "tanh"])),
    }
    /// Whether each hidden unit learns how much of the activation it takes.
    parametric_activation: bool => bool {
        written: unless_neutral,
        decided: |said| said.parametric_activation.unwrap_or_default(),
        about: About::new(Heading::Network, "BOOL", "Learn for each hidden unit how much of the activation it takes")
            .default("false").goes_with(&[GoesWith::HiddenLayers]).search(Search::choices(&["false", "true"])),
    }
    /// How weights start.
    init: Init => Init {
        written: always,
        decided: |said| said.init.unwrap_or(if said.is_small() { Init::Kaiming } else { Init::DEFAULT }),
        about: About::new(Heading::Network, "INIT", "How weights start: normal:SD, uniform:BOUND, kaiming, lecun, \
            xavier, data-driven (by the training rows)").default("normal:0.01; digits: kaiming")
            .search(Search::choices(&["normal:0.01", "kaiming", "lecun", "xavier"])),
    }
    /// What a step does with the gradient.
    optimizer: OptimizerKind => OptimizerKind {
        written: always,
        decided: |said| said.optimizer.unwrap_or_default(),
        about: About::new(Heading::Optimizer, "NAME", "Optimizer: sgd, adam, adamw or lion; the weight decay \
            of the last two is decoupled").default("sgd")
            .search(Search::names()),
    }
    /// Learning rate, above 0.
    lr: f64 => f64 {
        written: always,
        decided: |said| {
            let of_sgd = || if said.is_small() { 0.1 } else { 0.5 };
            said.lr.or(said.kind().usual_lr()).unwrap_or_else(of_sgd)
        },
        about: About::new(Heading::Optimizer, "RATE", "Learning rate")
            .default("0.5, of digits 0.1; with adam and adamw 0.001, with lion 0.0001")
            .follows("optimizer").search(Search::ratio(0.01, 1.0).around(10.0)),
    }
    /// How it changes in the course of the training.
    lr_schedule: Schedule => Schedule {
        written: unless_neutral,
        decided: |said| said.lr_schedule.clone().unwrap_or_default(),
        about: About::new(Heading::Optimizer, "WHEN", "How the learning rate changes: constant, linear or cosine (down \
            to 0 at the end), warmup:F+NAME (up over the first F, then NAME), onecycle, coslog4, flat_cos, or any that \
            '--dropout-schedule' takes").default("constant")
            .search(Search::choices(&["constant", "linear", "cosine", "onecycle", "warmup:0.1+cosine"])),
    }
    /// What learning rate and decay are multiplied by in each group of parameters.
    group_factors: FactorSet => FactorSet {
        written: unless_neutral,
        decided: |said| said.group_factors.unwrap_or_default(),
        about: About::new(Heading::Optimizer, "NAME", "What learning rate and decay are multiplied by in each group of \
            parameters: uniform, or realmlp").default("uniform").search(Search::names()),
    }
    /// The factor of the weights of the first layer, in place of the set's.
    first_layer_factor: f64 => Option<f64> {
        written: unless_neutral,
        decided: |said| said.first_layer_factor,
        about: About::new(Heading::Optimizer, "F", "Multiply learning rate and decay of the first layer's weights by F")
            .default("that of --group-factors").search(Search::ratio(0.3, 1.5)),
    }
    /// The factor of what waves of numbers learn, in place of the set's.
    pbld_factor: f64 => Option<f64> {
        written: unless_neutral,
        decided: |said| said.pbld_factor,
        about: About::new(Heading::Optimizer, "F", "Multiply learning rate and decay of a pbld embedding by F")
            .default("that of --group-factors").goes_with(PBLD).search(Search::ratio(0.05, 0.3)),
    }
    /// The factor of the inputs' learned factors, in place of the set's.
    input_scaling_factor: f64 => Option<f64> {
        written: unless_neutral,
        decided: |said| said.input_scaling_factor,
        about: About::new(Heading::Optimizer, "F", "Multiply learning rate and decay of the inputs' factors by F")
            .default("that of --group-factors").goes_with(&[GoesWith::Value("input_scaling", &["true"])])
            .search(Search::ratio(2.0, 10.0)),
    }
    /// How much of the last step goes on, from 0 to below 1.
    momentum: f64 => f64 {
        written: always,
        decided: |said| said.momentum.unwrap_or(0.0),
        about: About::new(Heading::Optimizer, "M", "How much of the last step goes on, from 0 to below 1").default("0")
            .goes_with(SGD).search(Search::even(0.0, 0.95).within(0.0, 0.99)),
    }
    /// Look ahead along the momentum, which must then be above 0.
    nesterov: bool => bool {
        written: always,
        decided: |said| said.nesterov.unwrap_or(false),
        about: About::new(Heading::Optimizer, "BOOL", "Look ahead along the momentum").default("false")
            .goes_with(SGD).search(Search::choices(&["false", "true"])),
    }
    /// How much of the mean of the gradients goes on from step to step, from 0 to below 1.
    beta1: f64 => Option<f64> {
        written: unless_neutral,
        decided: |said| said.beta1.or(said.kind().usual_moments()[0]),
        about: About::new(Heading::Optimizer, "B", "Of adam, adamw and lion: how much of the mean gradient goes on, \
            from 0 to below 1").default("0.9")
            .goes_with(MOMENTS).follows("optimizer").search(Search::even(0.8, 0.99).within(0.0, 0.99)),
    }
    /// How much of the mean of their squares goes on, from 0 to below 1.
    beta2: f64 => Option<f64> {
        written: unless_neutral,
        decided: |said| said.beta2.or(said.kind().usual_moments()[1]),
        about: About::new(Heading::Optimizer, "B", "Of adam and adamw: how much of the mean square goes on, of lion: \
            of the mean gradient, from 0 to below 1").default("0.999; with lion 0.99")
            .goes_with(MOMENTS).follows("optimizer").search(Search::choices(&["0.9", "0.95", "0.99", "0.999"])),
    }
    /// Added to the root of that mean, above 0.
    epsilon: f64 => Option<f64> {
        written: unless_neutral,
        decided: |said| said.epsilon.or(said.kind().usual_moments()[2]),
        about: About::new(Heading::Optimizer, "E", "Of adam and adamw: what is added to the root of the mean square")
            .default("1e-8")
            .goes_with(ADAM).follows("optimizer").search(Search::ratio(1e-9, 1e-4).within(1e-12, 1.0)),
    }
    /// L2 penalty of the weights, or what the optimizer has in its place, at least 0.
    weight_decay: f64 => f64 {
        written: always,
        decided: |said| said.weight_decay.unwrap_or(said.kind().usual_decay()),
        about: About::new(Heading::Regularization, "D", "L2 penalty on the weights; with adamw and lion decoupled \
            decay")
            .default("0; with adamw 0.01")
            .follows("optimizer").search(Search::ratio(1e-6, 1e-2).or_none(Absent::Below)),
    }
    /// How it changes in the course of the training.
    weight_decay_schedule: Schedule => Schedule {
        written: unless_neutral,
        decided: |said| said.weight_decay_schedule.clone().unwrap_or_default(),
        about: About::new(Heading::Regularization, "WHEN", "Multiply the weight decay in the course of training, as \
            '--lr-schedule' does the learning rate").default("constant")
            .goes_with(&[GoesWith::Decaying]).search(Search::choices(&["constant", "linear", "cosine", "flat_cos"])),
    }
    /// L1 penalty of the weights, at least 0.
    l1: f64 => f64 {
        written: unless_neutral,
        decided: |said| said.l1.unwrap_or_default(),
        about: About::new(Heading::Regularization, "D", "L1 penalty on the weights; leaves few of them large")
            .default("0").search(Search::ratio(1e-7, 1e-3).or_none(Absent::Below)),
    }
    /// Upper bound for the norm of a hidden unit's incoming weights, above 0.
    max_norm: f64 => Option<f64> {
        written: unless_neutral,
        decided: |said| said.max_norm,
        about: About::new(Heading::Regularization, "NORM", "Upper bound for the norm of each hidden unit's incoming \
            weights; 3 or 4 go well with dropout").default("none")
            .goes_with(&[GoesWith::HiddenLayers])
            .search(Search::ratio(1.0, 6.0).or_none(Absent::Above)),
    }
    /// Upper bound for the norm of the gradient, above 0.
    clip_norm: f64 => Option<f64> {
        written: unless_neutral,
        decided: |said| said.clip_norm,
        about: About::new(Heading::Optimizer, "NORM", "Scale gradients down whose norm, of all parameters, is over \
            NORM").default("none")
            .search(Search::ratio(0.1, 10.0).or_none(Absent::Above)),
    }
    /// Examples a step, at least 1.
    batch_size: usize => usize {
        written: always,
        decided: |said| said.batch_size.unwrap_or(if said.is_small() { 32 } else { 256 }),
        about: About::new(Heading::Training, "N", "Examples a step").default("256; digits: 32")
            .search(Search::count(8.0, 512.0).around(4.0)),
    }
    /// Whether the last batch of an epoch is left out where it is smaller.
    drop_last: bool => bool {
        written: unless_neutral,
        decided: |said| said.drop_last.unwrap_or_default(),
        about: About::new(Heading::Training, "BOOL", "Leave out the last batch of an epoch where it is smaller")
            .default("false"),
    }
    /// Passes over the training set, at least 1.
    epochs: u32 => u32 {
        written: always,
        decided: |said| said.epochs.unwrap_or(if said.is_small() { 30 } else { 10 }),
        about: About::new(Heading::Training, "N", "Passes over the training data").default("10; digits: 30"),
    }
    /// Which part of a target is spread over all classes, from 0 to below 1.
    label_smoothing: f64 => f64 {
        written: unless_neutral,
        decided: |said| said.label_smoothing.unwrap_or_default(),
        about: About::new(Heading::Training, "E", "Spread this part of each target over all classes, from 0 to below 1")
            .default("0").search(Search::even(0.0, 0.3).within(0.0, 0.99)),
    }
    /// Whether predicted numbers stay within the range of the training targets.
    clamp_outputs: bool => bool {
        written: unless_neutral,
        decided: |said| said.clamp_outputs.unwrap_or_default(),
        about: About::new(Heading::Training, "BOOL", "Keep predicted numbers within the range of the training targets")
            .default("false"),
    }
    /// How much the examples of each class count.
    class_weights: ClassWeights => Option<ClassWeights> {
        written: unless_neutral,
        decided: |said| said.class_weights.clone(),
        about: About::new(Heading::Training, "W,W,…", "How much the examples of each class count: balanced, or a \
            number for each class").default("all the same"),
    }
    /// How many epochs in a row may be worse than the best before the run stops; with 0 it goes on
    /// to the end.
    early_stopping: u32 => Option<u32> {
        written: unless_neutral,
        decided: |said| said.early_stopping,
        about: About::new(Heading::Training, "PATIENCE", "Stop when so many epochs in a row are worse than the best on \
            held-out examples, and keep the best epoch's network; 0 goes on to the end; needs folds")
            .default("0; a table: a fifth of the epochs, at least 10"),
    }
    /// The figure by which an epoch is the best.
    early_stopping_metric: EvalMetric => EvalMetric {
        written: unless_neutral,
        decided: |said| said.early_stopping_metric.unwrap_or_default(),
        about: About::new(Heading::Training, "NAME", "The figure by which an epoch is the best").default("loss"),
    }
    /// Which figures of the training set there are after each epoch.
    train_figures: TrainFigures => TrainFigures {
        written: unless_neutral,
        decided: |said| said.train_figures.unwrap_or_default(),
        about: About::new(Heading::Training, "NAME", "Figures of the training set: running means with dropout on, or \
            full, those of the full network after each epoch besides").default("running"),
    }
    /// Seed of all randomness, at most 2^63 - 1.
    seed: u64 => u64 {
        written: always,
        decided: |said| said.seed.unwrap_or(0),
        about: About::new(Heading::Training, "SEED", "Seed of all randomness").default("0").varies(Varies::BySeed),
    }
    /// What matrix products multiply.
    precision: Precision => Precision {
        written: unless_neutral,
        decided: |said| said.precision.unwrap_or_default(),
        about: About::new(Heading::Training, "NAME", "What matrix products multiply: single precision, or each factor \
            rounded to bfloat16, which is several times as fast on processors with AMX, a third faster with \
            AVX512-BF16 and no faster on others").default("f32"),
    }
}

/// What the defaults of several keys depend on.
impl Settings {
    /// Whether the data are too small for the tutorial's batches and its tiny initial weights.
    fn is_small(&self) -> bool {
        self.data.as_deref() == Some("digits") && self.table.is_none()
    }

    /// The optimizer, by name.
    fn kind(&self) -> OptimizerKind {
        self.optimizer.unwrap_or_default()
    }

    /// How many hidden layers there are.
    fn layers(&self) -> usize {
        match &self.hidden {
            None => 2,
            Some(OneOrMany::One(_)) => 1,
            Some(OneOrMany::Many(widths)) => widths.len(),
        }
    }

    /// The usual waves, where numbers have some.
    fn waves(&self) -> Option<InputRecipe> {
        (self.numeric_embedding == Some(NumericEmbedding::Pbld)).then(InputRecipe::default)
    }

    /// The prior of concrete dropout, where that is the kind.
    fn prior(&self) -> Option<ConcretePrior> {
        self.dropout_kind.is_some_and(DropoutKind::is_learned).then(ConcretePrior::default)
    }
}
