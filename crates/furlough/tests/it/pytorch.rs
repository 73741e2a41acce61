//! The same training runs as PyTorch's: `scripts/pytorch_fixture.py` gave PyTorch this library's
//! masks, batches and initial weights, and wrote down the loss of each of 200 steps and the final
//! weights. Two programs repeat them: one made of the public pieces of `nn`, and the engine.
//!
//! Measured: no loss differs by more than 9e-7 and no parameter by more than 6e-7, which is about
//! how far PyTorch's float32 is from its own float64 (5e-7 and 6e-7). The tolerances leave room for
//! other orders of summation.

use furlough::data::{Dataset, Targets, epoch_order};
use furlough::nn::{Activation, Dropout, MaskKey, Mlp, Sequential, linear, linear_backward};
use furlough::optim::{Optimizer, Schedule, UpdateRule};
use furlough::random::{Key, Stream};
use furlough::train::{ClassWeights, Control, Event, TrainOptions, Trainer};
use ndarray::{Array, Array1, Array2, ArrayView, Axis, Dimension};
use safetensors::SafeTensors;
use serde_json::Value;

furlough_harness::tests![
    initial_weights_are_those_of_the_script,
    the_pieces_train_as_pytorch_does,
    the_engine_trains_as_pytorch_does,
];

const CASES: [&str; 12] = [
    "hidden-dropout",
    "input-dropout",
    "momentum",
    "label-smoothing",
    "class-weights",
    "example-weights",
    "all-weights",
    "adam",
    "adamw",
    "clipping",
    "shared-adam",
    "shared-adamw",
];
const LOSS_TOLERANCE: f64 = 1e-5;
const WEIGHT_TOLERANCE: f32 = 1e-5;

/// What PyTorch did, and what a run here needs to do the same.
struct Fixture {
    name: &'static str,
    network: Sequential,
    options: TrainOptions,
    /// Of example i: the one at i modulo their number.
    weights: Option<Vec<f32>>,
    losses: Vec<f64>,
    /// Weights of each layer, inputs × outputs, row after row, in the first file of each
    /// initialization.
    initial: Vec<Vec<f32>>,
    /// Weights and biases of each layer.
    last: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Fixture {
    fn read(name: &'static str) -> Fixture {
        let path = format!("{}/tests/fixtures/pytorch/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let settings: Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["settings"]).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let floats = |key: String| -> Vec<f32> {
            let data = tensors.tensor(&key).unwrap().data();
            data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
        };
        let losses = tensors.tensor("losses").unwrap().data();
        let number = |key: &str| settings[key].as_f64().unwrap();
        let list = |key: &str| -> Vec<f64> {
            settings[key].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
        };
        let (widths, dropout) = (list("widths").iter().map(|&w| w as usize).collect::<Vec<_>>(), list("dropout"));
        let layers = widths.len() - 1;
        let mut options = TrainOptions {
            init: settings["init"].as_str().unwrap().parse().unwrap(),
            batch_size: number("batch_size") as usize,
            epochs: 9, // of 23 steps each: more than 200
            seed: settings["seed"].as_u64().unwrap(),
            ..TrainOptions::default()
        };
        options.learning_rate = number("lr");
        let [beta1, beta2] =
            if settings["betas"].is_array() { list("betas")[..].try_into().unwrap() } else { [0.0; 2] };
        let epsilon = settings["epsilon"].as_f64().unwrap_or_default();
        let decay = number("weight_decay");
        options.optimizer = match settings["optimizer"].as_str().unwrap_or("sgd") {
            "adam" => Optimizer::Adam { beta1, beta2, epsilon },
            "adamw" => Optimizer::AdamW { beta1, beta2, epsilon, weight_decay: decay },
            _ => Optimizer::Sgd { momentum: number("momentum"), nesterov: settings["nesterov"].as_bool().unwrap() },
        };
        options.regularizers.l2 = if options.optimizer.name() == "adamw" { 0.0 } else { decay };
        options.regularizers.max_norm = settings["max_norm"].as_f64();
        options.clip_norm = settings["clip_norm"].as_f64();
        let schedule = |key: &str| settings[key].as_str().map_or(Schedule::Constant, |text| text.parse().unwrap());
        options.lr_schedule = schedule("lr_schedule");
        options.weight_decay_schedule = schedule("weight_decay_schedule");
        let hidden = &widths[1..layers];
        let network = Sequential::mlp(widths[0], widths[layers], hidden, Activation::Relu, dropout[0], &dropout[1..]);
        let numbers = |key: &str| settings[key].is_array().then(|| list(key));
        options.loss.label_smoothing = settings["label_smoothing"].as_f64().unwrap_or(0.0);
        options.loss.class_weights = numbers("class_weights").map(ClassWeights::List);
        let sharing = settings["sharing"].as_str().unwrap_or("per-example").parse().unwrap();
        let network = network.with_sharing(sharing);
        Fixture {
            name,
            network,
            options,
            weights: numbers("example_weights").map(|all| all.iter().map(|&weight| weight as f32).collect()),
            losses: losses.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
            initial: (0..layers)
                .map(|i| format!("initial.{i}.weight"))
                .filter(|key| tensors.tensor(key).is_ok())
                .map(floats)
                .collect(),
            last: (0..layers)
                .map(|i| (floats(format!("final.{i}.weight")), floats(format!("final.{i}.bias"))))
                .collect(),
        }
    }

    fn data(&self) -> Dataset {
        let data = furlough::data::digits::load().unwrap().train;
        let Some(weights) = &self.weights else { return data };
        let weights = weights.iter().copied().cycle().take(data.len()).collect();
        data.with_weights(weights).unwrap()
    }

    fn new_mlp(&self) -> Mlp {
        Mlp::new(self.network.validate().unwrap(), self.options.init, Key::new(self.options.seed))
    }

    /// Compares a whole run with PyTorch's.
    fn check(&self, program: &str, losses: &[f64], mlp: &Mlp) {
        assert_eq!(losses.len(), self.losses.len(), "{}, {program}: steps", self.name);
        let differences = losses.iter().zip(&self.losses).map(|(a, b)| (a - b).abs());
        let (step, loss) =
            differences.enumerate().fold((0, 0.0), |most, d| if d.1 > most.1 || d.1.is_nan() { d } else { most });
        let layers = self.last.iter().enumerate();
        let weight = layers.fold(0.0, |most: f32, (i, (weights, biases))| {
            let weights = largest_difference(mlp.weights(i), weights);
            most.max(weights).max(largest_difference(mlp.biases(i), biases))
        });
        println!("{}, {program}: at most {loss:.1e} in a loss (step {step}), {weight:.1e} in a parameter", self.name);
        assert!(
            loss < LOSS_TOLERANCE,
            "{}, {program}: loss of step {step} is {}, PyTorch's is {}",
            self.name,
            losses[step],
            self.losses[step]
        );
        assert!(weight < WEIGHT_TOLERANCE, "{}, {program}: a parameter is {weight} off", self.name);
    }
}

/// The largest difference, or infinity when one is not a number.
fn largest_difference<D: Dimension>(ours: ArrayView<f32, D>, theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let differences = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |most, d| if d.is_nan() { f32::INFINITY } else { most.max(d) })
}

/// Both sides use their own sine and logarithm in f64, so rounding to f32 may differ in the last
/// bit.
fn initial_weights_are_those_of_the_script() {
    let mut compared = 0;
    for name in CASES {
        let fixture = Fixture::read(name);
        let mlp = fixture.new_mlp();
        for (i, theirs) in fixture.initial.iter().enumerate() {
            for (place, (a, b)) in mlp.weights(i).iter().zip(theirs).enumerate() {
                assert!(a.to_bits().abs_diff(b.to_bits()) <= 1, "{name}: layer {i}, weight {place} is {a}, not {b}");
            }
            assert!(mlp.biases(i).iter().all(|&b| b == 0.0));
            compared += 1;
        }
    }
    assert_eq!(compared, 9, "three layers of three initializations");
}

fn the_pieces_train_as_pytorch_does() {
    for name in CASES {
        let fixture = Fixture::read(name);
        let data = fixture.data();
        let (losses, mlp) = train_by_hand(&fixture, &data);
        fixture.check("pieces", &losses, &mlp);
    }
}

fn the_engine_trains_as_pytorch_does() {
    for name in CASES {
        let fixture = Fixture::read(name);
        let data = fixture.data();
        let mut losses = Vec::new();
        let mut first_steps = |event: &Event<'_>| {
            if let Event::Step { loss, .. } = event {
                losses.push(*loss);
            }
            Ok(if losses.len() == fixture.losses.len() { Control::Stop } else { Control::Continue })
        };
        let mut trainer = Trainer::new(&fixture.network, &fixture.options, &data, 2).unwrap();
        trainer.fit_with(None, &mut first_steps).unwrap();
        let mlp = trainer.state().mlp.clone();
        fixture.check("engine", &losses, &mlp);
    }
}

fn train_by_hand(fixture: &Fixture, data: &Dataset) -> (Vec<f64>, Mlp) {
    let options = &fixture.options;
    let key = Key::new(options.seed);
    let mlp = fixture.new_mlp();
    let blocks = mlp.architecture().blocks().to_vec();
    let dropouts: Vec<Dropout> =
        [mlp.architecture().input_dropout()].into_iter().chain(blocks.iter().map(|block| block.dropout)).collect();
    let mut weights: Vec<Array2<f32>> = (0..blocks.len()).map(|i| mlp.weights(i).to_owned()).collect();
    let mut biases: Vec<Array1<f32>> = (0..blocks.len()).map(|i| mlp.biases(i).to_owned()).collect();
    let mut weight_state: Vec<_> = weights.iter().map(|w| [(); 2].map(|()| Array2::zeros(w.dim()))).collect();
    let mut bias_state: Vec<_> = biases.iter().map(|b| [(); 2].map(|()| Array1::zeros(b.dim()))).collect();
    let Targets::Classes { labels, .. } = data.targets() else { panic!("digits have classes") };

    let minimized = options.loss.of(data).unwrap();
    let steps = data.len().div_ceil(options.batch_size) as u64 * u64::from(options.epochs);
    let mut order = vec![0; data.len()];
    let mut losses = Vec::new();
    'training: for epoch in 0.. {
        epoch_order(key, epoch, &mut order);
        for examples in order.chunks(options.batch_size) {
            if losses.len() == fixture.losses.len() {
                break 'training;
            }
            let site =
                |layer: usize| MaskKey { key, stream: Stream::Dropout, step: losses.len() as u32, layer: layer as u32 };
            let mut x = Array2::zeros((examples.len(), data.features()));
            for (mut row, &example) in x.rows_mut().into_iter().zip(examples) {
                data.read_row(example as usize, row.as_slice_mut().unwrap());
            }
            let answers: Vec<u32> = examples.iter().map(|&example| labels[example as usize]).collect();

            // Forward, keeping each layer's input and its sum before the activation.
            let mut inputs = vec![dropouts[0].forward(x.view(), examples, &site(0))];
            let mut sums = Vec::new();
            for (i, block) in blocks.iter().enumerate() {
                let z = linear(inputs[i].view(), weights[i].view(), biases[i].view());
                inputs.push(dropouts[i + 1].forward(block.activation.forward(z.view()).view(), examples, &site(i + 1)));
                sums.push(z);
            }
            let parts: Vec<f32> = examples.iter().map(|&example| data.weight(example as usize)).collect();
            let (loss, mut delta) = minimized.cross_entropy(inputs[blocks.len()].view(), &answers, &parts);

            // Backward, and then all parameters follow their derivatives.
            let mut gradients = Vec::new();
            for (i, block) in blocks.iter().enumerate().rev() {
                delta = dropouts[i + 1].backward(delta.view(), examples, &site(i + 1));
                delta = block.activation.backward(sums[i].view(), delta.view());
                let (dx, dw, db) = linear_backward(inputs[i].view(), weights[i].view(), delta.view());
                gradients.insert(0, (dw, db));
                delta = dx;
            }
            let rule = options.update_rule(losses.len() as u64, steps);
            let t = losses.len() as i32 + 1;
            let clip = clip_factor(&rule, &gradients);
            for (i, (dw, db)) in gradients.into_iter().enumerate() {
                let dw = dw * clip + &weights[i] * rule.regularizers.l2 as f32;
                follow(&rule, t, true, &mut weights[i], &mut weight_state[i], dw);
                follow(&rule, t, false, &mut biases[i], &mut bias_state[i], db * clip);
                if let Some(bound) = rule.regularizers.max_norm.filter(|_| i + 1 < blocks.len()) {
                    for mut unit in weights[i].axis_iter_mut(Axis(1)) {
                        let norm = unit.dot(&unit).sqrt();
                        if norm > bound as f32 {
                            unit *= bound as f32 / norm;
                        }
                    }
                }
            }
            losses.push(loss);
        }
    }
    let parameters = weights.iter().zip(&biases).flat_map(|(w, b)| w.iter().chain(b)).copied().collect();
    (losses, Mlp::from_parameters(mlp.architecture().clone(), parameters))
}

/// What all gradients are multiplied by.
fn clip_factor(rule: &UpdateRule, gradients: &[(Array2<f32>, Array1<f32>)]) -> f32 {
    let values = gradients.iter().flat_map(|(dw, db)| dw.iter().chain(db));
    let norm = values.map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
    rule.clip_norm.map_or(1.0, |bound| (bound / (norm + 1e-6)).min(1.0) as f32)
}

/// Step `t`, from 1, of one array along its gradient, as `optim::Optimizer` defines it.
fn follow<D: Dimension>(
    rule: &UpdateRule,
    t: i32,
    decays: bool,
    parameters: &mut Array<f32, D>,
    [first, second]: &mut [Array<f32, D>; 2],
    gradient: Array<f32, D>,
) {
    let rate = rule.learning_rate;
    let mut adam = |beta1: f64, beta2: f64, epsilon: f64, decay: f64| {
        *parameters *= (1.0 - rate * if decays { decay } else { 0.0 }) as f32;
        *first = &*first * beta1 as f32 + &gradient * (1.0 - beta1) as f32;
        *second = &*second * beta2 as f32 + &gradient * &gradient * (1.0 - beta2) as f32;
        let unbias = (1.0 - beta2.powi(t)).sqrt() as f32;
        let step = &*first / &second.mapv(|v| v.sqrt() / unbias + epsilon as f32);
        *parameters -= &(step * (rate / (1.0 - beta1.powi(t))) as f32);
    };
    match rule.optimizer {
        Optimizer::Adam { beta1, beta2, epsilon } => adam(beta1, beta2, epsilon, 0.0),
        Optimizer::AdamW { beta1, beta2, epsilon, weight_decay } => adam(beta1, beta2, epsilon, weight_decay),
        Optimizer::Lion { .. } => unreachable!("PyTorch has no Lion"),
        Optimizer::Sgd { momentum, nesterov } => {
            *first *= momentum as f32;
            *first += &gradient;
            let ahead = if nesterov { gradient + &*first * momentum as f32 } else { first.clone() };
            *parameters -= &(ahead * rate as f32);
        }
    }
}
