//! The cases that the engine is tested on: any network, batch and optimizer, at shapes that leave
//! tails everywhere.
//!
//! Some were chosen, one for each way in which a step can be computed
//! ([`known`](super::known::known)); others are generated ([`generated`]) and made as small as they
//! can be when something fails with them. A property holds for both: [`check`] tries them.

use super::columns::{any_stage, with_columns};
use super::{MOMENTUM, NESTEROV, data, new_state, state_bits};
use furlough::compute::{Cpu, Isa, Precision, SharedMaskMode};
use furlough::data::{Batch, Dataset};
use furlough::nn::{
    Activation, ConcretePrior, DropoutKind, Init, InputStage, Layer, Loss, MaskSharing, Mlp, ParamGroup, Sequential,
};
use furlough::optim::{Factors, GroupFactors, Optimizer, Regularizers, Schedule, UpdateRule};
use furlough::random::Key;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// What stands before a linear layer: on the inputs, or after the activation of a hidden layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    pub kind: DropoutKind,
    pub p: f64,
    /// Masks for each example, whatever the others have.
    pub per_example: bool,
}

#[derive(Debug, Clone)]
pub struct Case {
    /// Inputs, hidden widths, outputs.
    pub widths: Vec<usize>,
    /// What makes the inputs of columns.
    pub stage: Option<InputStage>,
    /// Before each linear layer.
    pub noise: Vec<Noise>,
    pub sharing: MaskSharing,
    pub activation: Activation,
    /// Each unit has a part of it.
    pub parametric: bool,
    /// Examples of a step, and how many more the engine has room for.
    pub batch: usize,
    pub spare: usize,
    pub rule: UpdateRule,
    /// Of the learning rate and the weight decay in a whole training.
    pub lr_schedule: Schedule,
    /// Bytes with classes, or floats with numbers.
    pub classes: bool,
    /// Examples have weights, some of them 0.
    pub weighted: bool,
    /// Class weights and label smoothing, for classes.
    pub loss: Loss,
    pub precision: Precision,
    pub threads: usize,
    pub gathering: SharedMaskMode,
}

impl Case {
    /// Dropout with these probabilities before each linear layer, and nothing else.
    pub fn new<const N: usize>(widths: &[usize], dropout: [f64; N]) -> Case {
        assert_eq!(widths.len(), N + 1);
        Case {
            widths: widths.to_vec(),
            stage: None,
            noise: dropout.map(|p| Noise { kind: DropoutKind::Bernoulli, p, per_example: false }).to_vec(),
            sharing: MaskSharing::PerExample,
            activation: Activation::Relu,
            parametric: false,
            batch: 64,
            spare: 5,
            rule: UpdateRule::default(),
            lr_schedule: Schedule::Constant,
            classes: true,
            weighted: false,
            loss: Loss::default(),
            precision: Precision::F32,
            threads: 2,
            gathering: SharedMaskMode::default(),
        }
    }

    /// The same with other kinds of noise.
    pub fn kinds(mut self, kind: impl Fn(usize) -> DropoutKind) -> Case {
        self.noise.iter_mut().enumerate().for_each(|(layer, noise)| noise.kind = kind(layer));
        self
    }

    pub fn network(&self) -> Sequential {
        let last = self.noise.len() - 1;
        let mut layers = Vec::new();
        for (index, (&Noise { kind, p, per_example }, pair)) in
            self.noise.iter().zip(self.widths.windows(2)).enumerate()
        {
            let sharing = if per_example { MaskSharing::PerExample } else { self.sharing };
            // No layer at all, or one that does nothing.
            if p != 0.0 || index % 2 == 0 {
                layers.push(Layer::DropoutWith(kind, p, sharing));
            }
            layers.push(Layer::Linear(pair[0], pair[1]));
            if index < last {
                layers.extend(match self.activation {
                    Activation::Identity => None,
                    activation if self.parametric => Some(Layer::Parametric(activation)),
                    Activation::Relu => Some(Layer::Relu),
                    Activation::LeakyRelu => Some(Layer::LeakyRelu),
                    Activation::Tanh => Some(Layer::Tanh),
                    Activation::Sigmoid => Some(Layer::Sigmoid),
                    Activation::Gelu => Some(Layer::Gelu),
                    Activation::Silu => Some(Layer::Silu),
                    Activation::Selu => Some(Layer::Selu),
                    Activation::Mish => Some(Layer::Mish),
                });
            }
        }
        let list = Sequential::new(layers);
        match &self.stage {
            Some(stage) => list.with_input_stage(stage.clone()),
            None => list,
        }
    }

    /// The same behind a stage.
    pub fn behind(self, stage: InputStage) -> Case {
        let mut widths = self.widths;
        widths[0] = stage.width();
        Case { widths, stage: Some(stage), ..self }
    }

    /// The network with its initial weights, and biases and factors of which none is 0.
    pub fn mlp(&self) -> Mlp {
        let mut mlp = Mlp::new(self.network().validate().unwrap(), Init::Kaiming, Key::new(3));
        for index in 0..mlp.architecture().blocks().len() {
            let biases = mlp.architecture().ranges(index).1;
            mlp.parameters_mut()[biases].iter_mut().enumerate().for_each(|(i, b)| *b = 0.1 - 0.03 * (i % 7) as f32);
        }
        // Smaller than they begin, for differences of the loss: its curvature grows with the
        // inputs.
        for spec in mlp.architecture().param_specs().to_vec() {
            if matches!(spec.group, ParamGroup::Embedding { .. }) {
                mlp.parameters_mut()[spec.range].iter_mut().for_each(|value| *value *= 0.5);
            }
        }
        let factors = |group| matches!(group, ParamGroup::InputScale | ParamGroup::Activation { .. });
        for spec in mlp.architecture().param_specs().to_vec().into_iter().filter(|spec| factors(spec.group)) {
            mlp.parameters_mut()[spec.range].iter_mut().enumerate().for_each(|(i, s)| *s = 1.0 - 0.07 * (i % 5) as f32);
        }
        mlp
    }

    /// How much more than plain dropout the noise may set the fast path and the oracle apart.
    pub fn slack(&self) -> f32 {
        let smooth = |noise: &Noise| !matches!(noise.kind, DropoutKind::Bernoulli | DropoutKind::DropConnect);
        if self.noise.iter().any(smooth) { 2.0 } else { 1.0 }
    }

    /// The same with weights of examples and classes, and label smoothing.
    pub fn weighted(self) -> Case {
        let loss = Loss { label_smoothing: 0.1, class_weights: self.class_weights() };
        Case { weighted: true, loss: if self.classes { loss } else { Loss::default() }, ..self }
    }

    /// From 0.25 to 2.5, and 0 for the last of many classes.
    pub fn class_weights(&self) -> Vec<f64> {
        let classes = self.widths[self.widths.len() - 1];
        let weight = |class: usize| if class == 7 { 0.0 } else { 0.25 * (1 + class * 3 % 10) as f64 };
        (0..classes).map(weight).collect()
    }

    /// Three times as many examples as a batch has.
    pub fn data(&self) -> Dataset {
        let data = data(3 * self.batch, self.widths[0], self.widths[self.widths.len() - 1], self.classes);
        let data = self.stage.as_ref().map_or(data.clone(), |stage| with_columns(&data, stage));
        let weight = |example: usize| [1.0, 0.3, 2.7, 0.0, 4.0, 0.01, 1.5][(example * 5 + 2) % 7];
        let weights = (0..data.len()).map(weight).collect();
        if self.weighted { data.with_weights(weights).unwrap() } else { data }
    }

    /// No run of rows, and ids out of order.
    pub fn examples(&self) -> Vec<u32> {
        (0..self.batch as u32).map(|i| 3 * self.batch as u32 - 1 - 2 * i).collect()
    }

    /// An engine with this instruction set and so many threads, all of which take part.
    pub fn cpu(&self, isa: Isa, threads: usize) -> Cpu {
        let architecture = self.network().validate().unwrap();
        let mut cpu = Cpu::with(&architecture, self.batch + self.spare, threads, self.precision, isa);
        cpu.gather(self.gathering);
        cpu.set_hand_over(std::time::Duration::ZERO);
        cpu.minimize(self.loss.clone());
        cpu
    }

    /// Some steps: whole batches, the smaller one at the end of an epoch, and one of few rows.
    /// Returns the bits of the losses, of the parameters and the optimizer's state, and of the
    /// logits of concrete dropout.
    pub fn train(&self, isa: Isa, threads: usize) -> (Vec<u64>, Vec<u32>, Vec<u64>) {
        let (data, examples) = (self.data(), self.examples());
        let (mut mlp, mut cpu) = (self.mlp(), self.cpu(isa, threads));
        let mut state = new_state(&self.rule, &mlp);
        let sizes = [self.batch, self.batch, self.batch.div_ceil(2), 3.min(self.batch)];
        let losses = (0..).zip(sizes).map(|(step, size)| {
            let batch = Batch { data: &data, examples: &examples[..size] };
            cpu.train_step(&mut mlp, &mut state, &self.rule, batch, &super::site(step)).loss.to_bits()
        });
        let losses = losses.collect();
        let mut values = super::bits(mlp.parameters());
        values.extend(state_bits(&state));
        (losses, values, mlp.dropout_logits().iter().map(|l| l.to_bits()).collect())
    }
}

/// What is small, what is one less or more than kernels take at once, and what is more than a tile
/// or a block has.
fn width() -> impl Strategy<Value = usize> {
    let edge = |around: &'static [usize]| (prop::sample::select(around), 0usize..3).prop_map(|(at, by)| at - 1 + by);
    prop_oneof![
        3 => 1usize..=9,
        3 => edge(&[16, 24, 32, 48, 64]),
        2 => edge(&[96, 128, 192, 256]),
        2 => 10usize..=200,
        1 => edge(&[512, 768, 1024, 1100]),
    ]
}

fn batch() -> impl Strategy<Value = usize> {
    let edge = (prop::sample::select(&[32usize, 36, 64, 72, 128][..]), 0usize..3).prop_map(|(at, by)| at - 1 + by);
    prop_oneof![3 => 1usize..=9, 4 => edge, 2 => 10usize..=200]
}

/// Any optimizer with a rate that suits it.
fn optimizer() -> impl Strategy<Value = (Optimizer, f64)> {
    let sgd = prop::sample::select(&[Optimizer::SGD, Optimizer::SGD, MOMENTUM, NESTEROV][..]);
    let sgd = (sgd, prop::sample::select(&[0.05, 0.2, 0.01][..]));
    let adam = (0.0..0.95f64, 0.5..0.9999f64, prop::sample::select(&[1e-3, 1e-2][..]), any::<bool>());
    let adam = adam.prop_map(|(beta1, beta2, epsilon, decoupled)| match decoupled {
        true => Optimizer::AdamW { beta1, beta2, epsilon, weight_decay: 0.5 },
        false => Optimizer::Adam { beta1, beta2, epsilon },
    });
    let lion = (0.0..0.95f64, 0.5..0.9999f64, prop::sample::select(&[0.0, 0.5][..]));
    let lion = lion.prop_map(|(beta1, beta2, weight_decay)| Optimizer::Lion { beta1, beta2, weight_decay });
    // A sign turns where its sum is next to nought, so the steps are no longer than rounding.
    prop_oneof![
        3 => sgd,
        2 => (adam, prop::sample::select(&[0.01, 0.001][..])),
        1 => (lion, Just(1e-7)),
    ]
}

/// Learning rate and decay as they are, or others for each group.
fn factors() -> impl Strategy<Value = GroupFactors> {
    let some = GroupFactors { first_weight: Factors::both(0.5), bias: Factors::both(0.3), ..GroupFactors::REALMLP };
    let some = GroupFactors { input_scale: Factors::both(2.0), ..some };
    prop::sample::select(vec![GroupFactors::default(), some, GroupFactors { by_fan_in: false, ..some }])
}

fn rule() -> impl Strategy<Value = UpdateRule> {
    let l2 = prop::sample::select(&[0.0, 0.01, 0.1][..]);
    let l1 = prop::sample::select(&[0.0, 0.001][..]);
    let bound = prop::sample::select(&[None, Some(1.1), Some(0.5)][..]);
    let prior = prop::sample::select(vec![ConcretePrior::default(), ConcretePrior { length: 2.0, entropy: 5.0 }]);
    let clip = prop::sample::select(&[None, None, None, Some(0.1), Some(1e3)][..]);
    (optimizer(), l2, l1, bound, prior, clip, factors()).prop_map(
        |((optimizer, learning_rate), l2, l1, max_norm, concrete, clip_norm, factors)| {
            let regularizers = Regularizers { l2, l1, max_norm, concrete };
            UpdateRule { optimizer, learning_rate, regularizers, clip_norm, factors }
        },
    )
}

fn lr_schedule() -> impl Strategy<Value = Schedule> {
    let texts = ["constant", "cosine", "linear", "coslog4", "flat_cos", "onecycle", "warmup:0.3+cosine", "late:0.2"];
    prop::sample::select(texts.to_vec()).prop_map(|text| text.parse().unwrap())
}

fn sharing() -> impl Strategy<Value = MaskSharing> {
    let groups = prop::sample::select(&[32u64, 1, 3, 33, 48, 64, 1000][..]);
    prop_oneof![
        2 => Just(MaskSharing::PerExample),
        1 => Just(MaskSharing::Batch),
        2 => groups.prop_map(|rows| MaskSharing::rows(rows as u32).unwrap()),
    ]
}

/// One kind for a whole network, or one for each layer: what may stand there, with a p that it
/// takes.
fn noises(layers: usize) -> impl Strategy<Value = Vec<Noise>> {
    let kind = || prop::sample::select(&DropoutKind::ALL[..]);
    let p = prop_oneof![2 => 0.05..0.6f64, 1 => Just(0.0), 1 => Just(0.5), 1 => Just(1.0), 1 => 0.9..0.99f64];
    let layer = (kind(), p, prop::bool::weighted(0.15));
    (kind(), prop::bool::weighted(0.3), prop::collection::vec(layer, layers)).prop_map(|(one, mixed, layers)| {
        let noise = |(index, (kind, p, per_example)): (usize, (DropoutKind, f64, bool))| {
            let kind = match if mixed { kind } else { one } {
                DropoutKind::Concrete if index == 0 => DropoutKind::Bernoulli,
                kind => kind,
            };
            // Only what drops is defined for 1, and what keeps mean and variance needs some to
            // keep.
            let p = match kind {
                DropoutKind::Bernoulli | DropoutKind::DropConnect => p,
                _ => p.min(0.6),
            };
            let own = matches!(kind, DropoutKind::DropConnect | DropoutKind::Concrete);
            Noise { kind, p, per_example: per_example || own }
        };
        layers.into_iter().enumerate().map(noise).collect()
    })
}

/// Whether examples have weights, label smoothing, and whether classes have weights.
fn minimized() -> impl Strategy<Value = (bool, f64, bool)> {
    (prop::bool::weighted(0.3), prop::sample::select(&[0.0, 0.0, 0.1, 0.4][..]), prop::bool::weighted(0.3))
}

/// Any case whose products with a batch are no more than `work` multiplications.
pub fn generated(work: usize) -> impl Strategy<Value = Case> {
    let shape = prop::collection::vec(width(), 2..=5).prop_flat_map(|widths| {
        let (stage, noise) = (any_stage(widths[0]), noises(widths.len() - 1));
        (Just(widths), stage, noise)
    });
    let engine = (
        prop::sample::select(&Precision::ALL[..]),
        2usize..=16,
        prop::sample::select(vec![SharedMaskMode::default(), SharedMaskMode::Always, SharedMaskMode::Never]),
        prop::sample::select(&[0usize, 5, 200][..]),
    );
    let activation = (prop::sample::select(&Activation::ALL[..]), prop::bool::weighted(0.25));
    let learning = (activation, (rule(), lr_schedule()), any::<bool>(), minimized());
    let case = (shape, batch(), sharing(), learning, engine).prop_map(
        |(
            (mut widths, stage, noise),
            batch,
            sharing,
            ((activation, parametric), (rule, lr_schedule), classes, minimized),
            engine,
        )| {
            let last = widths.len() - 1;
            widths[last] = widths[last].max(if classes { 2 } else { 1 });
            let (precision, threads, gathering, spare) = engine;
            let (weighted, label_smoothing, of_classes) = minimized;
            let loss = Loss::default();
            let case = Case {
                widths,
                stage,
                noise,
                sharing,
                activation,
                parametric,
                batch,
                spare,
                rule,
                lr_schedule,
                classes,
                weighted,
                loss,
                precision,
                threads,
                gathering,
            };
            let class_weights = if of_classes { case.class_weights() } else { Vec::new() };
            Case { loss: if classes { Loss { label_smoothing, class_weights } } else { Loss::default() }, ..case }
        },
    );
    let products = |case: &Case| case.widths.windows(2).map(|pair| pair[0] * pair[1]).sum::<usize>() * case.batch;
    case.prop_filter("more work than a test is worth", move |case| products(case) <= work)
}

/// Tries a property on so many cases, which are the same each time: `PROPTEST_CASES` and
/// `PROPTEST_RNG_SEED` ask for more and for others. What fails is made as small as it can be.
pub fn check(cases: u32, strategy: impl Strategy<Value = Case>, property: impl Fn(&Case)) {
    let asked = |name: &str| std::env::var_os(name).is_some();
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if !asked("PROPTEST_CASES") {
        config.cases = cases;
    }
    if !asked("PROPTEST_RNG_SEED") {
        config.rng_seed = RngSeed::Fixed(20_261_129);
    }
    let tried = TestRunner::new(config).run(&strategy, |case| {
        property(&case);
        Ok(())
    });
    tried.unwrap_or_else(|failure| panic!("{failure}"));
}
