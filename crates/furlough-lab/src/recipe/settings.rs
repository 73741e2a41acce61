use super::{Recipe, read_toml};
use crate::{Error, Result};
use furlough::compute::Precision;
use furlough::nn::{Activation, ConcretePrior, DropoutKind, DropoutSchedule, Init, MaskSharing};
use furlough::optim::LrSchedule;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

/// What a user said, in a recipe file or in flags: any of a recipe's values, none of them checked.
/// The names are those of the keys of a recipe file and, with dashes, of the command line.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name of the data set.
    pub data: Option<String>,
    /// The lowest label in a folder of one's own files, which becomes the first class.
    pub labels_from: Option<u32>,
    /// How many of the training examples are learned from, at least 1.
    pub train_examples: Option<usize>,
    /// Into how many parts the training set is cut, at least 2; one is held out and takes the place
    /// of the test set.
    pub folds: Option<u32>,
    /// Which part is held out, from 0.
    pub fold: Option<u32>,
    /// Seed of which examples are chosen and held out, at most 2^63 - 1.
    pub split_seed: Option<u64>,
    /// Widths of the hidden layers, each at least 1; an empty list for none.
    pub hidden: Option<OneOrMany<usize>>,
    /// Drop probability after each hidden layer, from 0 to 1.
    pub dropout: Option<OneOrMany<f64>>,
    /// Drop probability of the features, from 0 to 1.
    pub input_dropout: Option<f64>,
    /// What dropout does to its units, those of the input too.
    pub dropout_kind: Option<DropoutKind>,
    /// Which examples of a batch share a dropout mask in training.
    pub dropout_sharing: Option<MaskSharing>,
    /// How drop probabilities change in the course of the training.
    pub dropout_schedule: Option<DropoutSchedule>,
    /// Prior length scale of the weights with concrete dropout, at least 0.
    pub concrete_length: Option<f64>,
    /// Factor of the entropy with concrete dropout, at least 0.
    pub concrete_regularizer: Option<f64>,
    /// Activation of the hidden layers.
    pub activation: Option<Activation>,
    /// How weights start.
    pub init: Option<Init>,
    /// `sgd`.
    pub optimizer: Option<String>,
    /// Learning rate, above 0.
    pub lr: Option<f64>,
    /// How it falls in the course of the training.
    pub lr_schedule: Option<LrSchedule>,
    /// From 0 to below 1.
    pub momentum: Option<f64>,
    /// Look ahead along the momentum, which must then be above 0.
    pub nesterov: Option<bool>,
    /// L2 penalty of the weights, at least 0.
    pub weight_decay: Option<f64>,
    /// L1 penalty of the weights, at least 0.
    pub l1: Option<f64>,
    /// Upper bound for the norm of a hidden unit's incoming weights, above 0.
    pub max_norm: Option<f64>,
    /// Examples a step, at least 1.
    pub batch_size: Option<usize>,
    /// Passes over the training set, at least 1.
    pub epochs: Option<u32>,
    /// Seed of all randomness, at most 2^63 - 1.
    pub seed: Option<u64>,
    /// What matrix products multiply.
    pub precision: Option<Precision>,
}

/// A value, or a list of values: `dropout = 0.5` or `dropout = [0.2, 0.5]`.
#[derive(Debug, Clone, PartialEq)]
pub enum OneOrMany<T> {
    /// One for all layers.
    One(T),
    /// One for each layer.
    Many(Vec<T>),
}

impl<T: Copy> OneOrMany<T> {
    fn expand(self, layers: usize) -> Vec<T> {
        match self {
            OneOrMany::One(value) => vec![value; layers],
            OneOrMany::Many(values) => values,
        }
    }
}

/// By hand, because an untagged enum that is derived forgets what was wrong with the value, and
/// where.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a list of numbers")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> std::result::Result<Self::Value, E> {
                T::deserialize(value.into_deserializer()).map(OneOrMany::One)
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> std::result::Result<Self::Value, E> {
                T::deserialize(value.into_deserializer()).map(OneOrMany::One)
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Self::Value, E> {
                T::deserialize(value.into_deserializer()).map(OneOrMany::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> std::result::Result<Self::Value, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(values)).map(OneOrMany::Many)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl Settings {
    /// Reads a recipe file's text; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Recipe`] with line and column, for what is not TOML and for keys that do not exist.
    pub fn parse(text: &str, path: Option<&Path>) -> Result<Self> {
        read_toml(text).map_err(|reason| Error::Recipe { path: path.map(Path::to_path_buf), reason })
    }

    /// These settings, and `other`'s where these say nothing.
    pub fn or(self, other: Settings) -> Settings {
        Settings {
            data: self.data.or(other.data),
            labels_from: self.labels_from.or(other.labels_from),
            train_examples: self.train_examples.or(other.train_examples),
            folds: self.folds.or(other.folds),
            fold: self.fold.or(other.fold),
            split_seed: self.split_seed.or(other.split_seed),
            hidden: self.hidden.or(other.hidden),
            dropout: self.dropout.or(other.dropout),
            input_dropout: self.input_dropout.or(other.input_dropout),
            dropout_kind: self.dropout_kind.or(other.dropout_kind),
            dropout_sharing: self.dropout_sharing.or(other.dropout_sharing),
            dropout_schedule: self.dropout_schedule.or(other.dropout_schedule),
            concrete_length: self.concrete_length.or(other.concrete_length),
            concrete_regularizer: self.concrete_regularizer.or(other.concrete_regularizer),
            activation: self.activation.or(other.activation),
            init: self.init.or(other.init),
            optimizer: self.optimizer.or(other.optimizer),
            lr: self.lr.or(other.lr),
            lr_schedule: self.lr_schedule.or(other.lr_schedule),
            momentum: self.momentum.or(other.momentum),
            nesterov: self.nesterov.or(other.nesterov),
            weight_decay: self.weight_decay.or(other.weight_decay),
            l1: self.l1.or(other.l1),
            max_norm: self.max_norm.or(other.max_norm),
            batch_size: self.batch_size.or(other.batch_size),
            epochs: self.epochs.or(other.epochs),
            seed: self.seed.or(other.seed),
            precision: self.precision.or(other.precision),
        }
    }

    /// The recipe: what was said, and the tutorial's recipe where nothing was. Without a word on
    /// dropout it is 0.5 after the last hidden layer and 0.2 after those before it. On `digits`,
    /// too small for the tutorial's batches and its tiny initial weights, batches are 32, epochs 30
    /// and the initialization is Kaiming's, at learning rate 0.1.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] for the first value that is out of range.
    pub fn resolve(self) -> Result<Recipe> {
        let data = self.data.unwrap_or_else(|| "fashion-mnist".into());
        let small = data == "digits";
        let hidden = match self.hidden {
            None => vec![256, 256],
            Some(hidden) => hidden.expand(1),
        };
        let dropout = match self.dropout {
            Some(dropout) => dropout.expand(hidden.len()),
            None => (1..=hidden.len()).map(|layer| if layer == hidden.len() { 0.5 } else { 0.2 }).collect(),
        };
        if let Some(other) = self.optimizer.filter(|name| name != "sgd") {
            return Err(Error::setting("optimizer", other, "not an optimizer; there is sgd"));
        }
        let kind = self.dropout_kind.unwrap_or_default();
        let prior = kind.is_learned().then(ConcretePrior::default);
        let recipe = Recipe {
            data,
            labels_from: self.labels_from.unwrap_or(0),
            train_examples: self.train_examples,
            folds: self.folds,
            fold: self.fold.unwrap_or(0),
            split_seed: self.split_seed.unwrap_or(0),
            hidden,
            dropout,
            input_dropout: self.input_dropout.unwrap_or(0.0),
            dropout_kind: kind,
            dropout_sharing: self.dropout_sharing.unwrap_or_default(),
            dropout_schedule: self.dropout_schedule.unwrap_or_default(),
            concrete_length: self.concrete_length.or(prior.map(|prior| prior.length)),
            concrete_regularizer: self.concrete_regularizer.or(prior.map(|prior| prior.entropy)),
            activation: self.activation.unwrap_or(Activation::Relu),
            init: self.init.unwrap_or(if small { Init::Kaiming } else { Init::DEFAULT }),
            optimizer: "sgd",
            lr: self.lr.unwrap_or(if small { 0.1 } else { 0.5 }),
            lr_schedule: self.lr_schedule.unwrap_or_default(),
            momentum: self.momentum.unwrap_or(0.0),
            nesterov: self.nesterov.unwrap_or(false),
            weight_decay: self.weight_decay.unwrap_or(0.0),
            l1: self.l1.unwrap_or(0.0),
            max_norm: self.max_norm,
            batch_size: self.batch_size.unwrap_or(if small { 32 } else { 256 }),
            epochs: self.epochs.unwrap_or(if small { 30 } else { 10 }),
            seed: self.seed.unwrap_or(0),
            precision: self.precision.unwrap_or_default(),
        };
        recipe.validate()?;
        Ok(recipe)
    }
}

/// Reads what a recipe is written as, and checks it.
impl<'de> Deserialize<'de> for Recipe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Settings::deserialize(deserializer)?.resolve().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Recipe> {
        Settings::parse(text, None)?.resolve()
    }

    #[test]
    fn nothing_said_is_the_tutorial() {
        let recipe = parse("").unwrap();
        assert_eq!(recipe.data(), "fashion-mnist");
        assert_eq!((recipe.hidden(), recipe.dropout()), (&[256, 256][..], &[0.2, 0.5][..]));
        assert_eq!(recipe.options(), furlough::train::TrainOptions::default());
    }

    #[test]
    fn a_recipe_survives_being_written() {
        for text in [
            "",
            "data = \"digits\"\nmax_norm = 3.0\nseed = 9223372036854775807",
            "hidden = [8, 8]\ndropout = 1\nlr = 1",
            "precision = \"bf16\"",
            "dropout_sharing = \"batch\"",
            "dropout_sharing = 64",
            "dropout_kind = \"dropconnect\"",
            "dropout_kind = \"concrete\"",
            "dropout_kind = \"concrete\"\nconcrete_length = 0.5\nconcrete_regularizer = 0",
            "folds = 5\nfold = 4\nsplit_seed = 9\ntrain_examples = 1000",
            "l1 = 0.001",
            "data = \"idx\"\nlabels_from = 1",
            "lr_schedule = \"cosine\"",
            "dropout_schedule = \"ramp:0.3\"",
            "dropout_schedule = \"decay\"",
            "dropout_kind = \"gaussian\"",
            "dropout_kind = \"alpha\"\nactivation = \"selu\"\ninit = \"lecun\"",
            "hidden = 40\ndropout = 0.125\ninit = \"uniform:0.3\"\nlr = 0.30000000000000004",
        ] {
            let recipe = parse(text).unwrap();
            assert_eq!(parse(&recipe.to_toml()).unwrap(), recipe);
        }
    }

    #[test]
    fn flags_override_the_file_key_by_key() {
        let file = Settings::parse("lr = 0.1\nseed = 4", None).unwrap();
        let flags = Settings { lr: Some(0.2), ..Settings::default() };
        let both = flags.or(file);
        assert_eq!((both.lr, both.seed), (Some(0.2), Some(4)));
    }

    fn are_named<const N: usize>(cases: [(&str, &str); N]) {
        for (text, expected) in cases {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error:?} should mention {expected:?}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn bad_values_are_named() {
        are_named([
            ("lr = nan", "lr = NaN"),
            ("lr = 0.0", "lr = 0"),
            ("hidden = [256, 0]", "hidden layer 2 of 2 has no units"),
            ("dropout = [0.1]", "1 drop probability for 2 hidden layers"),
            ("dropout = 1.5", "dropout = 1.5"),
            ("input_dropout = -0.5", "input_dropout = -0.5"),
            ("epochs = 0", "epochs = 0"),
            ("batch_size = 0", "batch_size = 0"),
            ("nesterov = true", "needs a momentum"),
            ("momentum = 1.0", "momentum = 1"),
            ("max_norm = 0.0", "max_norm = 0"),
            ("weight_decay = -0.1", "weight_decay = -0.1"),
            ("l1 = -0.1", "l1 = -0.1: must be a number of at least 0"),
            ("data = \"digits\"\nlabels_from = 1", "labels_from = 1: is for a folder of your own (data = idx)"),
            ("l1 = nan", "l1 = NaN: must be a number of at least 0"),
            ("l1 = 1e-50", "l1 = 1e-50: is beyond single precision"),
            ("l1 = inf", "l1 = inf: must be a finite number of at least 0"),
            ("weight_decay = inf", "weight_decay = inf: must be a finite number of at least 0"),
            ("weight_decay = -inf", "weight_decay = -inf: must be a finite number of at least 0"),
            ("max_norm = inf", "max_norm = inf: must be a finite number above 0"),
            ("lr = inf", "lr = inf: must be a finite number above 0"),
            ("lr = nan", "lr = NaN: must be a number above 0"),
            ("momentum = inf", "momentum = inf: must be at least 0 and below 1"),
            (
                "init = 'normal:inf'",
                "init = normal:inf: the size after the colon must be a number of at least 0, and not",
            ),
            ("lr = 1e60", "lr = 1"),
            ("init = \"normal:1e60\"", "init"),
            ("optimizer = \"adam\"", "there is sgd"),
            ("lr = 0.1\nlearning = 2", "line 2, column 1"),
            ("lr = = 2", "line 1, column 6"),
            ("activation = \"rleu\"", "not an activation"),
            ("precision = \"f16\"", "there are f32 and bf16"),
            ("hidden = [64, -1]", "line 1, column 15"),
            ("hidden = [64, -1]", "integer `-1`, expected a whole number of at least 0"),
            ("\nhidden = 1.5", "line 2, column 10"),
            ("dropout = \"half\"", "expected a number or a list of numbers"),
            ("epochs = -1", "expected a whole number from 0 to 4294967295"),
            ("folds = 1", "folds = 1: one part is held out"),
            ("folds = 5\nfold = 5", "numbered from 0 to 4"),
            ("split_seed = 1", "there is nothing to split"),
            ("lr_schedule = \"step\"", "there are constant, linear and cosine"),
            ("lr = 1e300", "lr = 1e300: is beyond single precision"),
            ("lr = 1e-50", "lr = 1e-50: is beyond single precision"),
        ]);
    }

    #[test]
    fn bad_values_of_dropout_are_named() {
        are_named([
            ("dropout_sharing = 0", "dropout_sharing = 0: write per-example, batch, or how many"),
            ("dropout_sharing = -1", "dropout_sharing = -1: write per-example, batch, or how many"),
            ("dropout_sharing = 4294967296", "dropout_sharing = 4294967296: write per-example, batch, or how many"),
            ("dropout_sharing = \"all\"", "dropout_sharing = all: write per-example, batch, or how many"),
            ("dropout_kind = \"concrete\"\ndropout = 1", "dropout = 1: concrete dropout learns"),
            (
                "dropout_kind = \"concrete\"\ndropout_sharing = 8",
                "dropout_sharing = 8: concrete dropout has masks for each",
            ),
            ("concrete_length = 1", "concrete_length = 1: goes with dropout_kind = concrete"),
            (
                "dropout_kind = \"concrete\"\nconcrete_length = -1",
                "concrete_length = -1: must be a number of at least 0",
            ),
            ("dropout_kind = \"concrete\"\nconcrete_regularizer = nan", "concrete_regularizer = NaN: must be a number"),
            (
                "dropout_kind = \"concrete\"\ndropout_schedule = \"decay\"",
                "dropout_schedule = decay: concrete dropout learns its probability",
            ),
            (
                "dropout_kind = \"dropconnect\"\ndropout_sharing = 8",
                "dropout_sharing = 8: dropconnect always has one mask",
            ),
            ("dropout_sharing = 0.5", "expected \"per-example\", \"batch\" or a whole number"),
            (
                "dropout_kind = \"gauss\"",
                "dropout_kind = gauss: not a kind of dropout; there are bernoulli, gaussian, alpha",
            ),
            ("dropout_kind = \"gaussian\"\ndropout = 1.0", "dropout = 1: gaussian dropout has variance p/(1-p)"),
            (
                "dropout_kind = \"gaussian\"\ninput_dropout = 1",
                "input_dropout = 1: gaussian dropout has variance p/(1-p)",
            ),
            ("dropout_kind = \"gaussian\"\ndropout = 1.5", "dropout = 1.5: a drop probability lies between"),
            (
                "dropout_kind = \"alpha\"\ndropout = 1",
                "dropout = 1: alpha dropout keeps the variance, so it takes a p from 0 to below 1",
            ),
            ("dropout_schedule = \"early:2\"", "dropout_schedule = early:2: write constant, early:F"),
            ("dropout_schedule = \"sometimes\"", "dropout_schedule = sometimes: write constant, early:F"),
            ("max_norm = 1e-50", "max_norm = 1e-50: is beyond single precision"),
        ]);
    }
}
