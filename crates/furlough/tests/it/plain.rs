//! A second oracle: the step as a plain loop, one output at a time, each of them one chain of fused
//! multiply-adds in blocks of the kernels' depth. The engine's parameters **equal** its parameters
//! after some steps, bit for bit: with AVX2 and AVX-512, and with any number of threads.
//!
//! `compute/reference.rs` says what a step computes; this says in which order.

use crate::common::case::{Case, check, generated};
use crate::common::known::known;
use crate::common::{bits, new_state, of_fused_isas, site, state_bits};
use furlough::compute::{Isa, Precision, SharedMaskMode};
use furlough::data::{Batch, Targets};
use furlough::nn::{Activation, Architecture, Concrete, Dropout, DropoutKind, Loss, MaskKey, Mlp};
use furlough::optim::{GroupFactors, Optimizer, Regularizers, UpdateRule};
use furlough_harness::Test;

/// Products that are summed before they meet the sum of those before them.
const KC: usize = 1024;

pub fn tests() -> Vec<Test> {
    let name = "the_parameters_equal_those_of_a_plain_loop";
    of_fused_isas(module_path!(), name, the_parameters_equal_those_of_a_plain_loop)
}

fn the_parameters_equal_those_of_a_plain_loop(isa: Isa) {
    let work = |case: &Case| case.widths.windows(2).map(|pair| pair[0] * pair[1]).sum::<usize>() * case.batch;
    known().iter().filter(|case| case.precision.is_f32() && work(case) < 6_000_000).for_each(|case| equal(case, isa));
    check(96, generated(1_500_000), |case| equal(case, isa));
}

fn equal(case: &Case, isa: Isa) {
    // The elementary functions are not what this is about, and not said twice: those that the loss
    // takes will do.
    let activation = match case.activation {
        Activation::Gelu | Activation::Tanh | Activation::Mish => Activation::Silu,
        Activation::Selu => Activation::LeakyRelu,
        other => other,
    };
    // Nor are what makes inputs of columns, what activations learn, and factors of groups.
    let rule = UpdateRule { factors: GroupFactors::DEFAULT, ..case.rule };
    let case = Case { activation, stage: None, parametric: false, rule, precision: Precision::F32, ..case.clone() };
    let architecture = case.network().validate().unwrap();
    let gathers = case.gathering == SharedMaskMode::Always && can_be_gathered(&architecture);
    let case = Case { gathering: if gathers { SharedMaskMode::Always } else { SharedMaskMode::Never }, ..case };
    let (data, examples) = (case.data(), case.examples());
    for threads in [1, 2] {
        let (mut fast, mut cpu) = (case.mlp(), case.cpu(isa, threads));
        let mut fast_state = new_state(&case.rule, &fast);
        let state = vec![vec![0.0; fast.parameters().len()]; case.rule.optimizer.state_buffers().len()];
        let mut plain = Plain { mlp: fast.clone(), state, rule: case.rule, loss: case.loss.clone(), gathers };
        for (step, size) in (0..).zip([case.batch, case.batch.div_ceil(2), case.batch]) {
            let batch = Batch { data: &data, examples: &examples[..size] };
            cpu.train_step(&mut fast, &mut fast_state, &case.rule, batch, &site(step));
            plain.step(batch, &site(step));
            let differs = bits(fast.parameters()).iter().zip(bits(plain.mlp.parameters())).position(|(a, b)| *a != b);
            assert_eq!(differs, None, "step {step}, {threads} threads, {case:?}");
            let same = state_bits(&fast_state) == bits(&plain.state.concat());
            assert!(same, "state, step {step}, {threads} threads, {case:?}");
            assert_eq!(fast.dropout_logits(), plain.mlp.dropout_logits(), "step {step}, {threads} threads, {case:?}");
        }
    }
}

/// All dropout drops units, with masks that are shared.
fn can_be_gathered(architecture: &Architecture) -> bool {
    let drops = |dropout: Dropout| {
        dropout.is_identity() || dropout.kind() == DropoutKind::Bernoulli && !dropout.sharing().is_per_example()
    };
    let shared = !architecture.sharing().is_per_example();
    shared && drops(architecture.input_dropout()) && architecture.blocks().iter().all(|block| drops(block.dropout))
}

/// `beta · out + alpha · Σ a·b`: a block of products after the other, each summed from 0.
fn product(out: f32, (beta, alpha): (f32, f32), factors: &[(f32, f32)]) -> f32 {
    factors.chunks(KC).enumerate().fold(out, |out, (block, factors)| {
        let sum = factors.iter().fold(0.0, |sum: f32, &(a, b)| a.mul_add(b, sum));
        match if block == 0 { beta } else { 1.0 } {
            0.0 => alpha * sum,
            1.0 => alpha.mul_add(sum, out),
            beta => beta * out + alpha * sum,
        }
    })
}

/// Rows of a batch by units.
type Matrix = Vec<Vec<f32>>;

struct Plain {
    mlp: Mlp,
    /// Buffers as the optimizer has them.
    state: Vec<Vec<f32>>,
    rule: UpdateRule,
    loss: Loss,
    /// What a group drops is left out of its sums, and its part of a gradient is summed by itself.
    gathers: bool,
}

/// What the forward pass leaves of a block.
struct Trace {
    /// The weights that were multiplied: those that DropConnect leaves.
    weights: Vec<f32>,
    pre: Matrix,
    output: Matrix,
}

impl Plain {
    fn dropout(&self, layer: usize) -> Dropout {
        let architecture = self.mlp.architecture();
        if layer == 0 { architecture.input_dropout() } else { architecture.blocks()[layer - 1].dropout }
    }

    /// The concrete dropout after a linear layer, and which of the logits is its own.
    fn concrete(&self, layer: usize) -> Option<(usize, Concrete)> {
        let number = self.mlp.architecture().concrete_blocks().position(|block| block + 1 == layer)?;
        Some((number, Concrete::of_logit(self.mlp.dropout_logits()[number])))
    }

    /// The units of a layer that are in the sums of a row.
    fn units(&self, layer: usize, site: &MaskKey, row: usize) -> Vec<usize> {
        let (dropout, site) = (self.dropout(layer), MaskKey { layer: layer as u32, ..*site });
        let width = self.mlp.architecture().blocks();
        let width = if layer == 0 { width[0].inputs } else { width[layer - 1].outputs };
        let mask = dropout.mask_id(&site, row as u32, 0);
        (0..width).filter(|&unit| !self.gathers || dropout.keeps(&site, mask, unit as u32)).collect()
    }

    fn step(&mut self, batch: Batch<'_>, site: &MaskKey) {
        let blocks = self.mlp.architecture().blocks().to_vec();
        let (input, traces) = self.forward(batch, site);
        if self.loss.normalizer(batch) == 0.0 {
            return;
        }
        let mut delta = losses(&traces[traces.len() - 1].output, batch, &self.loss);
        let mut deltas = vec![delta.clone()];
        let mut by_logits = vec![0.0; self.mlp.dropout_logits().len()];
        for index in (1..blocks.len()).rev() {
            delta = self.backward(index, &delta, &traces, batch, site, &mut by_logits);
            deltas.insert(0, delta.clone());
        }
        let decays = self.descend_logits(&by_logits, batch);
        let inputs = |index: usize| if index == 0 { &input } else { &traces[index - 1].output };
        let Some(bound) = self.rule.clip_norm else {
            return (0..blocks.len()).for_each(|i| self.update(i, inputs(i), &deltas[i], site, decays[i]));
        };
        let gradients: Vec<_> = (0..blocks.len()).map(|i| self.gradient(i, inputs(i), &deltas[i], site)).collect();
        let factor = (bound / (norm(&gradients.concat()) + 1e-6)).min(1.0) as f32;
        for (index, mut gradient) in gradients.into_iter().enumerate() {
            gradient.iter_mut().for_each(|g| *g *= factor);
            let mut regularizers = self.rule.regularizers;
            regularizers.l2 += decays[index];
            self.follow_all(index, gradient, regularizers, site);
            self.bound_norms(index);
        }
    }

    fn forward(&self, batch: Batch<'_>, site: &MaskKey) -> (Matrix, Vec<Trace>) {
        let architecture = self.mlp.architecture();
        let rows = 0..batch.examples.len();
        let read = |row: usize| {
            let mut values = vec![0.0; architecture.inputs()];
            batch.data.read_row(batch.examples[row] as usize, &mut values);
            self.drop(0, values, row, batch, site)
        };
        let input: Matrix = rows.clone().map(read).collect();
        let mut traces: Vec<Trace> = Vec::new();
        for (index, block) in architecture.blocks().iter().enumerate() {
            let values = traces.last().map_or(&input, |trace| &trace.output);
            let weights = self.connected(index, self.mlp.weights(index).iter().copied().collect(), site);
            let pre = |row: usize| {
                let inputs = self.units(index, site, row);
                let unit = |unit: usize| {
                    let factors = inputs.iter().map(|&i| (values[row][i], weights[i * block.outputs + unit]));
                    product(0.0, (0.0, 1.0), &factors.collect::<Vec<_>>()) + self.mlp.biases(index)[unit]
                };
                (0..block.outputs).map(unit).collect()
            };
            let pre: Matrix = rows.clone().map(pre).collect();
            let active = |row: usize| {
                let values = pre[row].iter().map(|&z| activate(block.activation, z)).collect();
                self.drop(index + 1, values, row, batch, site)
            };
            let output = rows.clone().map(active).collect();
            traces.push(Trace { weights, pre, output });
        }
        (input, traces)
    }

    /// What dropout makes of the units of a layer.
    fn drop(&self, layer: usize, values: Vec<f32>, row: usize, batch: Batch<'_>, site: &MaskKey) -> Vec<f32> {
        let (dropout, site) = (self.dropout(layer), MaskKey { layer: layer as u32, ..*site });
        let mask = dropout.mask_id(&site, row as u32, batch.examples[row]);
        let concrete = self.concrete(layer);
        let value = |(unit, value): (u32, f32)| match concrete {
            Some((_, concrete)) => value * concrete.factor(site.word(mask, unit)),
            None => dropout.value(value, &site, mask, unit),
        };
        (0..).zip(values).map(value).collect()
    }

    /// What DropConnect leaves of values that belong to the weights of a block.
    fn connected(&self, index: usize, mut values: Vec<f32>, site: &MaskKey) -> Vec<f32> {
        let units = self.mlp.architecture().blocks()[index].outputs;
        let Some(dropout) = self.mlp.architecture().drop_connect(index) else { return values };
        let dropout = Dropout::new(dropout.p()).unwrap();
        let site = MaskKey { layer: index as u32, ..*site }.of_weights();
        for (place, value) in values.iter_mut().enumerate() {
            *value = dropout.value(*value, &site, (place / units) as u32, (place % units) as u32);
        }
        values
    }

    /// From the derivative by what block `index` gives before its activation to that of the block
    /// before it.
    fn backward(
        &self,
        index: usize,
        delta: &Matrix,
        traces: &[Trace],
        batch: Batch<'_>,
        site: &MaskKey,
        by_logits: &mut [f64],
    ) -> Matrix {
        let blocks = self.mlp.architecture().blocks();
        let (units, activation) = (blocks[index].outputs, blocks[index - 1].activation);
        let dropout = self.dropout(index);
        let Trace { pre, output, .. } = &traces[index - 1];
        let at = MaskKey { layer: index as u32, ..*site };
        let mut result = Matrix::new();
        for (row, &example) in batch.examples.iter().enumerate() {
            let mask = dropout.mask_id(&at, row as u32, example);
            let outputs = self.units(index + 1, site, row);
            let weights = &traces[index].weights;
            let by_unit = |unit: usize| {
                let factors = outputs.iter().map(|&j| (delta[row][j], weights[unit * units + j]));
                product(0.0, (0.0, 1.0), &factors.collect::<Vec<_>>())
            };
            let mut values: Vec<f32> = (0..blocks[index].inputs).map(by_unit).collect();
            if let Some((number, concrete)) = self.concrete(index) {
                // In sixty-four sums, which are added up as doubles.
                let mut sums = [0.0f32; 64];
                for (unit, value) in values.iter_mut().enumerate() {
                    let word = at.word(example, unit as u32);
                    let kept = concrete.kept(word);
                    sums[unit % 64] += *value * output[row][unit] * (concrete.p() as f32 - 10.0 * (1.0 - kept));
                    *value *= concrete.factor(word);
                }
                by_logits[number] += sums.iter().map(|&sum| f64::from(sum)).sum::<f64>();
            }
            for (unit, value) in values.iter_mut().enumerate() {
                let factor = dropout.factor(&at, mask, unit as u32);
                let slope = slope(activation, pre[row][unit]);
                *value = match dropout.kind() {
                    DropoutKind::Concrete => *value * slope,
                    DropoutKind::Gaussian | DropoutKind::Alpha => *value * factor * slope,
                    _ if factor == 0.0 => 0.0,
                    _ => *value * slope * factor,
                };
            }
            result.push(values);
        }
        result
    }

    /// Returns what the prior of concrete dropout adds to the weight decay of each block.
    fn descend_logits(&mut self, by_logits: &[f64], batch: Batch<'_>) -> Vec<f64> {
        let blocks = self.mlp.architecture().blocks().to_vec();
        let mut decays = vec![0.0; blocks.len()];
        let mut logits = self.mlp.dropout_logits().to_vec();
        for (index, block) in blocks.iter().enumerate() {
            let Some((number, concrete)) = self.concrete(index + 1) else { continue };
            let weights: Vec<f32> = self.mlp.weights(index + 1).iter().copied().collect();
            let squares = weights.chunks(1 << 14).map(sum_squares).sum();
            let prior = self.rule.regularizers.concrete;
            let (by_logit, decay) = concrete.regularizer(prior, block.outputs, batch.data.len(), squares);
            decays[index + 1] = decay;
            let moved = logits[number] - self.rule.learning_rate * (by_logits[number] + by_logit);
            logits[number] = moved.clamp(-Concrete::LARGEST_LOGIT, Concrete::LARGEST_LOGIT);
        }
        self.mlp.dropout_logits_mut().copy_from_slice(&logits);
        decays
    }

    fn update(&mut self, index: usize, inputs: &Matrix, deltas: &Matrix, site: &MaskKey, decay: f64) {
        let (weights, biases) = self.mlp.architecture().ranges(index);
        let UpdateRule { optimizer, learning_rate, mut regularizers, .. } = self.rule;
        regularizers.l2 += decay;
        let plain = matches!(optimizer, Optimizer::Sgd { momentum: 0.0, .. }) && regularizers.l1 == 0.0;
        let masked = self.mlp.architecture().drop_connect(index).is_some();
        if plain && if self.gathers { regularizers.l2 == 0.0 } else { !masked } {
            let scale = ((1.0 - learning_rate * regularizers.l2) as f32, -learning_rate as f32);
            let old = self.mlp.parameters()[weights.clone()].to_vec();
            let new = self.products((index, site), (inputs, deltas), &old, scale);
            self.mlp.parameters_mut()[weights].copy_from_slice(&new);
            let sums = bias_sums(deltas);
            sums.into_iter().zip(biases).for_each(|(g, place)| self.follow(place, g, None, site));
        } else {
            let gradient = self.gradient(index, inputs, deltas, site);
            self.follow_all(index, gradient, regularizers, site);
        }
        self.bound_norms(index);
    }

    /// The gradient by the weights and the biases of a block.
    fn gradient(&self, index: usize, inputs: &Matrix, deltas: &Matrix, site: &MaskKey) -> Vec<f32> {
        let nought = vec![0.0; self.mlp.architecture().ranges(index).0.len()];
        let sums = self.products((index, site), (inputs, deltas), &nought, (0.0, 1.0));
        let mut gradient = self.connected(index, sums, site);
        gradient.extend(bias_sums(deltas));
        gradient
    }

    /// The products of the inputs and the deltas, where they meet what is there.
    fn products(
        &self,
        (index, site): (usize, &MaskKey),
        (inputs, deltas): (&Matrix, &Matrix),
        start: &[f32],
        (beta, alpha): (f32, f32),
    ) -> Vec<f32> {
        let units = self.mlp.architecture().blocks()[index].outputs;
        let groups = self.groups(deltas.len());
        let kept: Vec<_> = groups
            .iter()
            .map(|rows| {
                let of = |layer: usize| {
                    let mut kept = vec![false; self.mlp.architecture().blocks()[index].inputs.max(units)];
                    self.units(layer, site, rows.start).into_iter().for_each(|unit| kept[unit] = true);
                    kept
                };
                (of(index), of(index + 1))
            })
            .collect();
        let of = |(place, &start): (usize, &f32)| {
            let (input, unit) = (place / units, place % units);
            let factors = |rows: std::ops::Range<usize>| -> Vec<(f32, f32)> {
                rows.map(|row| (inputs[row][input], deltas[row][unit])).collect()
            };
            if !self.gathers {
                return product(start, (beta, alpha), &factors(0..deltas.len()));
            }
            let mut out = beta * start;
            for (rows, (inputs, units)) in groups.iter().zip(&kept) {
                if inputs[input] && units[unit] {
                    out += product(0.0, (0.0, alpha), &factors(rows.clone()));
                }
            }
            out
        };
        start.iter().enumerate().map(of).collect()
    }

    /// The rows that are summed by themselves.
    fn groups(&self, rows: usize) -> Vec<std::ops::Range<usize>> {
        let size = self.mlp.architecture().sharing().group_size().filter(|_| self.gathers);
        let size = size.map_or(rows, |size| rows.min(size.get() as usize));
        (0..rows).step_by(size).map(|start| start..rows.min(start + size)).collect()
    }

    /// Lets the weights and the biases of a block follow their gradient.
    fn follow_all(&mut self, index: usize, gradient: Vec<f32>, regularizers: Regularizers, site: &MaskKey) {
        let (weights, biases) = self.mlp.architecture().ranges(index);
        for (place, g) in (weights.start..biases.end).zip(gradient) {
            self.follow(place, g, weights.contains(&place).then_some(regularizers), site);
        }
    }

    /// Lets a parameter follow, which has penalties if it is a weight.
    fn follow(&mut self, place: usize, gradient: f32, penalties: Option<Regularizers>, site: &MaskKey) {
        let (l2, l1) = penalties.map_or((0.0, 0.0), |penalties| (penalties.l2 as f32, penalties.l1 as f32));
        let w = &mut self.mlp.parameters_mut()[place];
        let sign = if *w == 0.0 { 0.0 } else { w.signum() };
        let g = if l1 == 0.0 { gradient + l2 * *w } else { gradient + l2 * *w + l1 * sign };
        let rate = self.rule.learning_rate;
        match self.rule.optimizer {
            Optimizer::Sgd { momentum: 0.0, .. } => *w -= rate as f32 * g,
            Optimizer::Sgd { momentum, nesterov } => {
                let (v, momentum) = (&mut self.state[0][place], momentum as f32);
                *v = momentum * *v + g;
                *w -= rate as f32 * if nesterov { g + momentum * *v } else { *v };
            }
            Optimizer::Adam { beta1, beta2, epsilon } | Optimizer::AdamW { beta1, beta2, epsilon, .. } => {
                let decay = match self.rule.optimizer {
                    Optimizer::AdamW { weight_decay, .. } if penalties.is_some() => weight_decay,
                    _ => 0.0,
                };
                let t = f64::from(site.step + 1);
                let rate_of_step = rate / (1.0 - libm::pow(beta1, t));
                let unbias = 1.0 / (1.0 - libm::pow(beta2, t)).sqrt();
                let [m, v] = &mut self.state[..] else { panic!("two moments") };
                let (m, v) = (&mut m[place], &mut v[place]);
                *m += (1.0 - beta1) as f32 * (g - *m);
                *v = beta2 as f32 * *v + (1.0 - beta2) as f32 * (g * g);
                let step = *m / (v.sqrt() * unbias as f32 + epsilon as f32);
                *w = (1.0 - rate * decay) as f32 * *w - rate_of_step as f32 * step;
            }
            Optimizer::Lion { beta1, beta2, weight_decay } => {
                let decay = if penalties.is_some() { weight_decay } else { 0.0 };
                let m = &mut self.state[0][place];
                let ahead = beta1 as f32 * *m + (1.0 - beta1) as f32 * g;
                let sign = if ahead == 0.0 { 0.0 } else { ahead.signum() };
                *w = (1.0 - rate * decay) as f32 * *w - rate as f32 * sign;
                *m = beta2 as f32 * *m + (1.0 - beta2) as f32 * g;
            }
        }
    }

    fn bound_norms(&mut self, index: usize) {
        let hidden = index + 1 < self.mlp.architecture().blocks().len();
        let Some(bound) = self.rule.regularizers.max_norm.filter(|_| hidden) else { return };
        let bound = bound as f32;
        let weights = self.mlp.architecture().ranges(index).0;
        let units = self.mlp.architecture().blocks()[index].outputs;
        for unit in 0..units {
            let column = weights.clone().skip(unit).step_by(units);
            let parameters = self.mlp.parameters_mut();
            let norm = column.clone().fold(0.0, |sum, place| sum + parameters[place] * parameters[place]).sqrt();
            let factor = if norm > bound { bound / norm } else { 1.0 };
            column.for_each(|place| parameters[place] *= factor);
        }
    }
}

/// Row after row.
fn bias_sums(deltas: &Matrix) -> Vec<f32> {
    let units = 0..deltas[0].len();
    units.map(|unit| deltas.iter().fold(0.0, |sum, row| sum + row[unit])).collect()
}

/// In blocks of 32,768, each in sixteen sums of doubles.
fn norm(gradient: &[f32]) -> f64 {
    let block = |values: &[f32]| {
        let mut sums = [0.0f64; 16];
        values.iter().enumerate().for_each(|(place, &value)| sums[place % 16] += f64::from(value).powi(2));
        sums.iter().sum::<f64>()
    };
    gradient.chunks(1 << 15).map(block).sum::<f64>().sqrt()
}

/// In blocks of 4,096, each in thirty-two sums, which are added up as doubles.
fn sum_squares(values: &[f32]) -> f64 {
    let block = |values: &[f32]| {
        let mut sums = [0.0f32; 32];
        values.iter().enumerate().for_each(|(place, value)| sums[place % 32] += *value * *value);
        sums.iter().map(|&sum| f64::from(sum)).sum::<f64>()
    };
    values.chunks(4096).map(block).sum()
}

/// The derivative of the loss of a batch by its outputs.
fn losses(outputs: &Matrix, batch: Batch<'_>, loss: &Loss) -> Matrix {
    let normalizer = loss.normalizer(batch);
    let of = |(outputs, &example): (&Vec<f32>, &u32)| -> Vec<f32> {
        let weight = f64::from(batch.data.weight(example as usize));
        let share = (loss.example_weight(batch.data, example as usize) / normalizer) as f32;
        match batch.data.targets() {
            Targets::Classes { labels, .. } => {
                let label = labels[example as usize] as usize;
                let largest = outputs.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
                let powers: Vec<f32> = outputs.iter().map(|&z| exp(z - largest)).collect();
                let sum = powers.iter().sum::<f32>();
                if loss.label_smoothing == 0.0 {
                    let factor = share / sum;
                    let mut delta: Vec<f32> = powers.iter().map(|power| power * factor).collect();
                    delta[label] -= share;
                    return delta;
                }
                let each = loss.label_smoothing / outputs.len() as f64;
                let targets = (0..outputs.len()).map(|class| (each * loss.class_weight(class)) as f32);
                let own = (1.0 - loss.label_smoothing) * loss.class_weight(label);
                let all = own + targets.clone().map(f64::from).sum::<f64>();
                let share = (weight / normalizer) as f32;
                let factor = all as f32 * share / sum;
                let mut delta: Vec<f32> = powers.iter().zip(targets).map(|(p, t)| p * factor - t * share).collect();
                delta[label] -= own as f32 * share;
                delta
            }
            Targets::Values(values) => {
                let share = share / outputs.len() as f32;
                let row = values.row(example as usize);
                outputs.iter().zip(row).map(|(y, target)| 2.0 * (y - target) * share).collect()
            }
        }
    };
    outputs.iter().zip(batch.examples).map(of).collect()
}

/// Cephes' expf, as `compute/cpu/math.rs` has it.
fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let coefficients = [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5];
    let p = coefficients.iter().fold(1.987_569_1e-4, |p, coefficient| p * r + coefficient);
    (p * r * r + r + 1.0) * 2f32.powi(n as i32)
}

fn activate(activation: Activation, z: f32) -> f32 {
    match activation {
        Activation::Identity => z,
        Activation::Relu => z.max(0.0),
        Activation::LeakyRelu if z < 0.0 => Activation::LEAK * z,
        Activation::LeakyRelu => z,
        Activation::Sigmoid => 1.0 / (1.0 + exp(-z)),
        Activation::Silu => z * (1.0 / (1.0 + exp(-z))),
        other => panic!("{other:?} is not said here"),
    }
}

fn slope(activation: Activation, z: f32) -> f32 {
    let sigmoid = || 1.0 / (1.0 + exp(-z));
    match activation {
        Activation::Identity => 1.0,
        Activation::Relu | Activation::LeakyRelu if z > 0.0 => 1.0,
        Activation::Relu => 0.0,
        Activation::LeakyRelu => Activation::LEAK,
        Activation::Sigmoid => sigmoid() * (1.0 - sigmoid()),
        Activation::Silu => sigmoid() * (1.0 + z * (1.0 - sigmoid())),
        other => panic!("{other:?} is not said here"),
    }
}
