use super::{GoesWith, KEYS, Recipe, RecipeKey, Settings, read_toml};
use crate::{Error, Result};
use serde::Deserialize;
use serde::de::{self, Deserializer};
use std::path::Path;

/// A value of a recipe that is left out, because it was said for a value that is replaced.
#[derive(Debug, Clone)]
pub struct LetGo {
    /// Its key.
    pub key: &'static RecipeKey,
    /// The value, in one word.
    pub value: String,
    /// The key whose value is replaced, such as `optimizer`.
    pub other: &'static RecipeKey,
    /// What that was.
    pub was: String,
}

impl Settings {
    /// Reads a recipe file's text; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Recipe`] with line and column, for what is not TOML and for keys that do not exist.
    pub fn parse(text: &str, path: Option<&Path>) -> Result<Self> {
        read_toml(text).map_err(|reason| Error::Recipe { path: path.map(Path::to_path_buf), reason })
    }

    /// These settings without the keys that do nothing beside the values of the others.
    pub(crate) fn without_misfits(mut self) -> Settings {
        let recipe = self.decide();
        let fits = |need: &GoesWith| !matches!(need, GoesWith::Value(..)) || need.holds(&recipe);
        for key in KEYS.iter().filter(|key| !key.goes_with().iter().all(fits)) {
            key.clear(&mut self);
        }
        self
    }

    /// These settings in place of those of a recipe. What the recipe says for the value of another
    /// key that these replace is left out: `momentum` and the learning rate where these say another
    /// optimizer.
    pub fn over(self, recipe: Settings) -> Settings {
        let given_way = self.given_way(&recipe);
        let mut both = self.or(recipe);
        given_way.iter().for_each(|(key, _)| key.clear(&mut both));
        both
    }

    /// Returns what the recipe said and [`Self::over`] leaves out, where that changes a value: not
    /// what is the same by default.
    pub fn lets_go_of(&self, recipe: &Settings) -> Vec<LetGo> {
        let before = recipe.decide();
        let after = self.clone().over(recipe.clone()).decide();
        let of = |(key, other): (&'static RecipeKey, &'static RecipeKey)| {
            let mut unsaid = recipe.clone();
            key.clear(&mut unsaid);
            let own = key.value(&before);
            let meant = own != key.value(&unsaid.decide()) && own != key.value(&after);
            let (value, was) = (key.word(&before)?, other.word(&before)?);
            meant.then_some(LetGo { key, value, other, was })
        };
        self.given_way(recipe).into_iter().filter_map(of).collect()
    }

    /// The keys of a recipe that these settings leave out in [`Self::over`], each with the key that
    /// has another value now.
    fn given_way(&self, recipe: &Settings) -> Vec<(&'static RecipeKey, &'static RecipeKey)> {
        let before = recipe.decide();
        let decided = self.clone().or(recipe.clone()).decide();
        let replaced = |name: &str| {
            let other = RecipeKey::named(name).filter(|key| key.is_said(self) && key.is_said(recipe));
            other.filter(|key| key.value(&before) != key.value(&decided))
        };
        let misfit = |need: &GoesWith| match need {
            GoesWith::Value(name, _) if !need.holds(&decided) => replaced(name),
            _ => None,
        };
        let cause =
            |key: &RecipeKey| key.follows().and_then(replaced).or_else(|| key.goes_with().iter().find_map(misfit));
        let unsaid = KEYS.iter().filter(|key| !key.is_said(self) && key.is_said(recipe));
        unsaid.filter_map(|key| Some((key, cause(key)?))).collect()
    }

    /// The recipe: what was said, and the tutorial's recipe where nothing was. Without a word on
    /// dropout it is 0.5 after the last hidden layer and 0.2 after those before it. On `digits`,
    /// too small for the tutorial's batches and its tiny initial weights, batches are 32, epochs 30
    /// and the initialization is Kaiming's, and SGD's learning rate is 0.1. Other optimizers have
    /// their own learning rates, on any data.
    ///
    /// # Errors
    /// [`furlough::Error::Setting`] for the first value that is out of range.
    pub fn resolve(self) -> Result<Recipe> {
        let recipe = self.decide();
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
    use furlough::optim::Optimizer;

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
            "label_smoothing = 0.1\nclass_weights = \"balanced\"",
            "class_weights = [1.0, 2.5, 0.0]",
            "folds = 10\nearly_stopping = 5\nearly_stopping_metric = \"accuracy\"",
            "train_figures = \"full\"",
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
            "optimizer = \"adam\"",
            "optimizer = \"adamw\"\nbeta2 = 0.95\nweight_decay = 0.02\nweight_decay_schedule = \"flat_cos\"",
            "optimizer = \"lion\"",
            "clip_norm = 1\nlr_schedule = \"warmup:0.1+cosine\"",
            "lr_schedule = \"onecycle\"\noptimizer = \"adamw\"\nepsilon = 1e-9\nbeta1 = 0",
            "drop_last = true\nclamp_outputs = true\nparametric_activation = true\ninit = \"data-driven\"",
            "group_factors = \"realmlp\"\nfirst_layer_factor = 0.5",
            "dropout_kind = \"gaussian\"",
            "dropout_kind = \"alpha\"\nactivation = \"selu\"\ninit = \"lecun\"",
            "hidden = 40\ndropout = 0.125\ninit = \"uniform:0.3\"\nlr = 0.30000000000000004",
        ] {
            let recipe = parse(text).unwrap();
            assert_eq!(parse(&recipe.to_toml()).unwrap(), recipe);
        }
    }

    /// A recipe's bytes name the folders of trials, so they stay as they are.
    #[test]
    fn the_text_of_a_recipe_never_changes() {
        let digits = "data = \"digits\"\nhidden = [256, 256]\ndropout = [0.2, 0.5]\ninput_dropout = 0.0\n\
                      activation = \"relu\"\ninit = \"kaiming\"\noptimizer = \"sgd\"\nlr = 0.1\nmomentum = 0.0\n\
                      nesterov = false\nweight_decay = 0.0\nbatch_size = 32\nepochs = 30\nseed = 0\n";
        assert_eq!(parse("data = 'digits'").unwrap().to_toml(), digits);
        let full = "data = \"idx\"\nlabels_from = 1\ntrain_examples = 900\nfolds = 5\nfold = 1\nsplit_seed = 3\n\
                    hidden = [64, 32]\ndropout = [0.5, 0.25]\ninput_dropout = 0.1\ndropout_kind = \"gaussian\"\n\
                    dropout_sharing = 16\ndropout_schedule = \"late:0.2\"\nactivation = \"gelu\"\n\
                    init = \"uniform:0.1\"\noptimizer = \"sgd\"\nlr = 0.01\nlr_schedule = \"cosine\"\n\
                    momentum = 0.9\nnesterov = true\nweight_decay = 0.0001\nl1 = 0.00001\nmax_norm = 3.0\n\
                    batch_size = 16\nepochs = 2\nseed = 7\nprecision = \"bf16\"\n";
        assert_eq!(parse(full).unwrap().to_toml(), full);
        let concrete = "dropout_kind = \"concrete\"\nconcrete_length = 0.0001\nconcrete_regularizer = 1.0\n";
        assert!(parse("dropout_kind = 'concrete'").unwrap().to_toml().contains(concrete));
    }

    #[test]
    fn an_optimizer_brings_its_own_defaults() {
        let options = |text: &str| parse(text).unwrap().options();
        let adam = options("optimizer = 'adam'");
        assert_eq!((adam.optimizer, adam.learning_rate, adam.regularizers.l2), (Optimizer::ADAM, 0.001, 0.0));
        let adamw = options("data = 'digits'\noptimizer = 'adamw'");
        assert_eq!((adamw.optimizer, adamw.learning_rate, adamw.regularizers.l2), (Optimizer::ADAMW, 0.001, 0.0));
        // The same key is the penalty of one and the decay of the other.
        assert_eq!(options("optimizer = 'adam'\nweight_decay = 0.5").regularizers.l2, 0.5);
        let Optimizer::AdamW { weight_decay, .. } = options("optimizer = 'adamw'\nweight_decay = 0.5").optimizer else {
            panic!("adamw is AdamW")
        };
        assert_eq!(weight_decay, 0.5);
        let written = parse("optimizer = 'adamw'").unwrap().to_toml();
        assert!(
            written.contains("beta1 = 0.9\nbeta2 = 0.999\nepsilon = 0.00000001\nweight_decay = 0.01\n"),
            "{written}"
        );
    }

    #[test]
    fn bad_values_of_optimizers_are_named() {
        are_named([
            ("clip_norm = 0", "clip_norm = 0: must be a number above 0"),
            ("clip_norm = -1", "clip_norm = -1: must be a number above 0"),
            ("clip_norm = nan", "clip_norm = NaN: must be a number above 0"),
            ("optimizer = 'adam'\nbeta1 = 1", "beta1 = 1: must be at least 0 and below 1"),
            ("optimizer = 'adamw'\nbeta2 = -0.1", "beta2 = -0.1: must be at least 0 and below 1"),
            ("optimizer = 'adam'\nepsilon = -1", "epsilon = -1: must be a number above 0"),
            ("optimizer = 'adam'\nepsilon = 1e300", "epsilon = 1e300: is beyond single precision"),
            ("optimizer = 'adamw'\nweight_decay = -1", "weight_decay = -1: must be a number of at least 0"),
            ("beta1 = 0.9", "beta1 = 0.9: goes with optimizer = adam or adamw or lion only, and not with sgd"),
            ("optimizer = 'adam'\nmomentum = 0.9", "momentum = 0.9: goes with optimizer = sgd only, and not with adam"),
            ("optimizer = 'adamw'\nnesterov = true", "nesterov = true: goes with optimizer = sgd only"),
            (
                "optimizer = 'lion'\nepsilon = 1",
                "epsilon = 1: goes with optimizer = adam or adamw only, and not with lion",
            ),
            ("optimizer = 'adagrad'", "optimizer = adagrad: not an optimizer; there are sgd, adam, adamw, lion"),
            (
                "weight_decay_schedule = 'ramp:2'",
                "(weight_decay_schedule = 'ramp:2'): schedule = ramp:2: write constant",
            ),
        ]);
    }

    #[test]
    fn flags_override_the_file_key_by_key() {
        let file = Settings::parse("lr = 0.1\nseed = 4", None).unwrap();
        let flags = Settings { lr: Some(0.2), ..Settings::default() };
        let both = flags.or(file);
        assert_eq!((both.lr, both.seed), (Some(0.2), Some(4)));
    }

    #[test]
    fn what_goes_with_another_value_gives_way_to_a_flag() {
        let settings = |text: &str| Settings::parse(text, None).unwrap();
        let adam = settings(&parse("optimizer = 'adam'\nbeta1 = 0.8\nl1 = 0.1").unwrap().to_toml());
        let sgd = settings("optimizer = 'sgd'\nmomentum = 0.9").over(adam.clone());
        assert_eq!((sgd.beta1, sgd.l1, sgd.momentum, sgd.lr), (None, Some(0.1), Some(0.9), None));
        assert!(sgd.resolve().is_ok());
        // Each optimizer has its own moments, as it has its own rate.
        let more = settings("optimizer = 'adamw'\nlr = 0.1").over(adam.clone());
        assert_eq!((more.beta1, more.lr), (None, Some(0.1)));
        assert_eq!(settings("optimizer = 'adam'").over(adam.clone()), adam);
        let lion = settings("optimizer = 'lion'\nbeta1 = 0.7").over(adam.clone());
        assert_eq!((lion.beta1, lion.beta2, lion.epsilon), (Some(0.7), None, None));
        // What is left out is told, unless the other optimizer has the same by default.
        let told = |over: &str, file: &str| {
            let gone = settings(over).lets_go_of(&settings(file));
            gone.iter().map(|gone| format!("{} = {} ({})", gone.key.name(), gone.value, gone.was)).collect::<Vec<_>>()
        };
        let decayed = parse("optimizer = 'adam'\nweight_decay = 0.02\nbeta2 = 0.95").unwrap().to_toml();
        assert_eq!(told("optimizer = 'sgd'", &decayed), ["beta2 = 0.95 (adam)", "weight_decay = 0.02 (adam)"]);
        assert_eq!(told("optimizer = 'adam'", &decayed), Vec::<String>::new());
        assert_eq!(told("optimizer = 'sgd'\nweight_decay = 0.02", &decayed), ["beta2 = 0.95 (adam)"]);
        let usual = parse("optimizer = 'adam'").unwrap().to_toml();
        assert_eq!(told("optimizer = 'lion'", &usual), Vec::<String>::new());
        // A rate that was said for no optimizer is for any.
        assert_eq!(settings("optimizer = 'adam'").over(settings("lr = 0.2")).lr, Some(0.2));
        // What is said itself is refused where it does nothing, and so is what a file says alone.
        assert!(settings("optimizer = 'sgd'\nbeta1 = 0.9").over(adam).resolve().is_err());
        assert!(settings("lr = 1").over(settings("beta1 = 0.9")).resolve().is_err());
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
            ("optimizer = \"adagrad\"", "line 1, column 13"),
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
            ("label_smoothing = 1.0", "label_smoothing = 1: must be at least 0 and below 1"),
            ("label_smoothing = nan", "label_smoothing = NaN: must be"),
            ("class_weights = \"even\"", "class_weights = even: write balanced, or one number for each class"),
            ("class_weights = [1.0, -1.0]", "class_weights = 1,-1: -1 is no finite number of at least 0"),
            ("class_weights = [0.0, 0.0]", "class_weights = 0,0: at least one class must count"),
            ("class_weights = 2", "expected \"balanced\" or a list of numbers"),
            ("early_stopping = 5", "early_stopping = 5: needs validation data, which the test set is not: set folds"),
            ("folds = 5\nearly_stopping = -1", "early_stopping"),
            (
                "folds = 5\nearly_stopping = 0\nearly_stopping_metric = \"accuracy\"",
                "early_stopping_metric = accuracy: goes with early_stopping",
            ),
            ("early_stopping_metric = \"accuracy\"", "early_stopping_metric = accuracy: goes with early_stopping"),
            ("early_stopping_metric = \"f1\"", "there are loss and accuracy"),
            ("train_figures = \"all\"", "train_figures = all: no such figures; there are running and full"),
            ("lr_schedule = \"step\"", "(lr_schedule = \"step\"): schedule = step: write constant, linear, cosine"),
            ("lr = 1e300", "lr = 1e300: is beyond single precision"),
            ("lr = 1e-50", "lr = 1e-50: is beyond single precision"),
        ]);
    }

    #[test]
    fn bad_values_of_inputs_and_factors_are_named() {
        are_named([
            (
                "numeric_embedding = 'waves'",
                "numeric_embedding = waves: not an embedding of numbers; there are none, pbld",
            ),
            ("numeric_embedding = 'pbld'", "numeric_embedding = pbld: goes with a table, and not with a data set"),
            ("input_scaling = true", "input_scaling = true: goes with a table, and not with a data set"),
            ("embedding_width = 4", "embedding_width = 4: goes with a table, and not with a data set"),
            ("embedding_width = 0", "embedding_width = 0"),
            ("pbld_scale = 1", "pbld_scale = 1: goes with numeric_embedding = pbld only, and not with none"),
            ("input_scaling_factor = 3", "input_scaling_factor = 3: goes with input_scaling = true only"),
            ("group_factors = 'mine'", "group_factors = mine: no set of factors; there are uniform, realmlp"),
            ("first_layer_factor = -1", "first_layer_factor = -1: must be a finite number of at least 0"),
            ("first_layer_factor = inf", "first_layer_factor = inf: must be a finite number of at least 0"),
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
            (
                "dropout_schedule = \"early:2\"",
                "(dropout_schedule = \"early:2\"): schedule = early:2: write constant, linear",
            ),
            ("dropout_schedule = \"sometimes\"", "schedule = sometimes: write constant, linear"),
            ("max_norm = 1e-50", "max_norm = 1e-50: is beyond single precision"),
        ]);
    }
}
