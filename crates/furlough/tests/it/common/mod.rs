//! What several tests train on, and how they hold a step against the oracle, gradients against
//! differences, and a run that was stopped against one that was not.

pub mod case;
pub mod columns;
pub mod known;

use furlough::compute::{Cpu, Isa, Precision, reference};
use furlough::data::{Batch, Dataset, Features, Targets};
use furlough::nn::{ConcretePrior, Layer, MaskKey, Mlp, Sequential};
use furlough::optim::{Optimizer, OptimizerState, UpdateRule};
use furlough::random::{Key, Stream};
use furlough::train::{Control, Event, StopReason, TrainOptions, Trainer};
use furlough_harness::Test;
use ndarray::Array2;
use std::ops::Range;

/// Masks of a training step.
pub fn site(step: u32) -> MaskKey {
    MaskKey { key: Key::new(0x1234_5678_9abc), stream: Stream::Dropout, step, layer: 0 }
}

/// Masks of a sampled prediction.
pub fn sampled(step: u32) -> MaskKey {
    MaskKey { stream: Stream::MonteCarlo, ..site(step) }
}

pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// The instruction sets that a processor of this kind may have.
const INSTRUCTION_SETS: &[&str] = if cfg!(target_arch = "x86_64") {
    &["AVX-512", "AVX2", "SSE2"]
} else if cfg!(target_arch = "aarch64") {
    &["NEON"]
} else {
    &["portable"]
};

/// What is missing for the kernels of an instruction set, if they cannot run here.
pub fn missing(isa: &str) -> Option<String> {
    let has = Isa::available().iter().any(|available| available.name() == isa);
    (!has).then(|| format!("{isa}, which this processor does not have"))
}

/// A test for each instruction set, skipped where the processor does not have it.
pub fn of_each_isa(module: &str, name: &str, property: fn(Isa)) -> Vec<Test> {
    of_isas(INSTRUCTION_SETS, module, name, property)
}

/// The same for those that multiply and add with one rounding.
pub fn of_fused_isas(module: &str, name: &str, property: fn(Isa)) -> Vec<Test> {
    let fused: Vec<&str> = INSTRUCTION_SETS.iter().copied().filter(|isa| !["SSE2", "portable"].contains(isa)).collect();
    of_isas(&fused, module, name, property)
}

/// A test for each way to multiply in bfloat16. One that is there but not the best of its
/// instruction set is tested in `compute` only.
pub fn of_bfloat16(module: &str, name: &str, property: fn(Isa)) -> Vec<Test> {
    let multiplies_by = |isa: &Isa, name: &str| {
        let network = Sequential::new([Layer::Linear(1, 1)]).validate().unwrap();
        Cpu::with(&network, 1, 1, Precision::Bf16, *isa).instruction_set() == name
    };
    let isa = move |name: &str| Isa::available().into_iter().find(|isa| multiplies_by(isa, name));
    let own = if cfg!(target_arch = "x86_64") { &["AMX", "AVX512-BF16"][..] } else { &[] };
    let test = |by: &&'static str| {
        let by = *by;
        let missing = move || isa(by).is_none().then(|| format!("{by}, which is not what multiplies bfloat16 here"));
        Test::new(module, &format!("{name}::{by}"), move || property(isa(by).unwrap())).unless(missing)
    };
    own.iter().chain(INSTRUCTION_SETS).map(test).collect()
}

fn of_isas(isas: &[&'static str], module: &str, name: &str, property: fn(Isa)) -> Vec<Test> {
    let test = |isa: &&'static str| {
        let isa = *isa;
        let run = move || property(Isa::available().into_iter().find(|available| available.name() == isa).unwrap());
        Test::new(module, &format!("{name}::{isa}"), run).unless(move || missing(isa))
    };
    isas.iter().map(test).collect()
}

/// Plain gradient descent at some rate.
pub fn sgd(learning_rate: f64) -> UpdateRule {
    UpdateRule { learning_rate, ..UpdateRule::default() }
}

/// With momentum, ordinary or Nesterov's.
pub const MOMENTUM: Optimizer = Optimizer::Sgd { momentum: 0.9, nesterov: false };
pub const NESTEROV: Optimizer = Optimizer::Sgd { momentum: 0.9, nesterov: true };

/// What plain gradient descent keeps from step to step.
pub fn nothing() -> OptimizerState {
    OptimizerState::default()
}

/// The state of the rule's optimizer before the first step.
pub fn new_state(rule: &UpdateRule, mlp: &Mlp) -> OptimizerState {
    OptimizerState::new(&rule.optimizer, mlp.parameters().len())
}

/// The bits of all that an optimizer keeps.
pub fn state_bits(state: &OptimizerState) -> Vec<u32> {
    state.values().map(f32::to_bits).collect()
}

/// Examples with `inputs` features: bytes with classes, or floats with numbers.
pub fn data(examples: usize, inputs: usize, outputs: usize, classes: bool) -> Dataset {
    let word = |i: usize, j: usize| Key::new(9).draw(Stream::Shuffle, 7, i as u32, j as u32, 0)[0];
    let unit = |w: u32| w as f32 / u32::MAX as f32 - 0.5;
    let (features, targets) = if classes {
        let rows = Array2::from_shape_fn((examples, inputs), |(i, j)| word(i, j) as u8);
        let labels = (0..examples).map(|i| word(i, 1 << 20) % outputs as u32).collect();
        let names = (0..outputs).map(|c| c.to_string()).collect();
        (Features::Bytes { rows, scale: 1.0 / 255.0 }, Targets::Classes { labels, names })
    } else {
        let rows = Array2::from_shape_fn((examples, inputs), |(i, j)| unit(word(i, j)));
        let values = Array2::from_shape_fn((examples, outputs), |(i, j)| unit(word(i, (1 << 20) + j)));
        (Features::Floats(rows), Targets::Values(values))
    };
    Dataset::new(features, targets, &[inputs]).unwrap()
}

/// How far the fast path may be from the oracle: `slack` times what two orders of the same sums
/// differ by, some 1e-6 of the largest value in single precision. A sum that is apart by so little
/// may be rounded to another bfloat16, 4e-3 away, and be a factor of the next product.
#[derive(Clone, Copy)]
pub struct Tolerance {
    pub precision: Precision,
    pub slack: f32,
}

impl Tolerance {
    fn values(self) -> f32 {
        self.slack * if self.precision.is_f32() { 2e-5 } else { 4e-3 }
    }

    pub fn loss(self) -> f64 {
        f64::from(self.slack) * if self.precision.is_f32() { 1e-5 } else { 1e-3 }
    }

    /// Holds `fast` against `slow`, element by element, and on average.
    pub fn assert_close(self, what: &str, fast: &[f32], slow: &[f32]) {
        assert_eq!(fast.len(), slow.len(), "{what}");
        let tolerance = self.values();
        let size = slow.iter().fold(1e-3f32, |a, b| a.max(b.abs()));
        let mut apart = 0.0;
        for (i, (f, s)) in fast.iter().zip(slow).enumerate() {
            assert!((f - s).abs() <= tolerance * size, "{what}: element {i} is {f}, the oracle says {s}");
            apart += f64::from((f - s).abs() / size);
        }
        let mean = apart / slow.len().max(1) as f64;
        assert!(mean <= f64::from(tolerance) / 8.0, "{what}: apart by {mean:e} on average");
    }

    /// The outputs of a forward pass, with masks or without, by the fast engine and by the oracle.
    pub fn check_outputs(
        self,
        what: &str,
        cpu: &mut Cpu,
        mlp: &Mlp,
        (data, rows): (&Dataset, Range<u32>),
        masks: Option<&MaskKey>,
    ) {
        let examples: Vec<u32> = rows.clone().collect();
        let expected = reference::forward(mlp, Batch { data, examples: &examples }, masks, self.precision);
        let mut outputs = vec![0.0; expected.len()];
        cpu.forward(mlp, data, rows, masks, &mut outputs);
        self.assert_close(&format!("{what} outputs"), &outputs, expected.as_slice().unwrap());
    }
}

/// The outputs of each sample of each example: examples × (samples · outputs).
pub fn passes(
    cpu: &mut Cpu,
    mlp: &Mlp,
    data: &Dataset,
    key: Key,
    examples: Range<u32>,
    samples: Range<u32>,
) -> Array2<f64> {
    let width = mlp.architecture().outputs();
    let mut kept = Array2::from_elem((examples.len(), samples.len() * width), f64::NAN);
    let first = samples.start;
    cpu.sample(mlp, data, examples, key, samples, kept.as_slice_mut().unwrap(), &|given, kept| {
        // In order: what was before is there already, and what comes is not.
        let start = (given.first - first) as usize * width;
        assert!(kept[..start].iter().all(|v| !v.is_nan()) && kept[start].is_nan(), "example {}", given.example);
        for (row, kept) in given.rows().zip(kept[start..].chunks_exact_mut(width)) {
            kept.iter_mut().zip(row).for_each(|(kept, &value)| *kept = f64::from(value));
        }
    });
    kept
}

/// Each sampled pass has the bits of the forward pass with its masks.
pub fn check_passes(
    what: &str,
    cpu: &mut Cpu,
    mlp: &Mlp,
    (data, examples): (&Dataset, Range<u32>),
    key: Key,
    samples: Range<u32>,
) {
    let width = mlp.architecture().outputs();
    let seen = passes(cpu, mlp, data, key, examples.clone(), samples.clone());
    let mut expected = vec![0.0; examples.len() * width];
    for (place, step) in samples.enumerate() {
        let masks = MaskKey { key, step, ..sampled(0) };
        cpu.forward(mlp, data, examples.clone(), Some(&masks), &mut expected);
        let seen = seen.slice(ndarray::s![.., place * width..(place + 1) * width]);
        for (at, (&seen, &expected)) in seen.iter().zip(&expected).enumerate() {
            let same = (seen as f32).to_bits() == expected.to_bits();
            assert!(same, "{what}, sample {step}, output {at} of {examples:?}: {seen}, not {expected}");
        }
    }
}

/// Trains at one go, and again in pieces that are stopped after so many steps each and resumed with
/// other numbers of threads.
pub fn whole_and_in_pieces<'a>(
    network: &Sequential,
    options: &TrainOptions,
    data: &'a Dataset,
    stops: &[usize],
) -> (Trainer<'a>, Trainer<'a>) {
    let mut whole = Trainer::new(network, options, data, 2).unwrap();
    whole.fit(None).unwrap();
    let mut pieces = Trainer::new(network, options, data, 1).unwrap();
    let mut left = stops.iter().copied().chain([usize::MAX]);
    loop {
        let mut steps = left.next().unwrap();
        let mut stop = |event: &Event<'_>| {
            steps -= usize::from(matches!(event, Event::Step { .. }));
            Ok(if steps == 0 { Control::Stop } else { Control::Continue })
        };
        if pieces.fit_with(None, &mut stop).unwrap() == StopReason::Finished {
            return (whole, pieces);
        }
        let state = pieces.state().clone();
        pieces = Trainer::resume(network, options, data, 2, state).unwrap();
    }
}

/// Checks that `after` is `before` less the gradient of `loss`, which is what a plain step at
/// learning rate 1 leaves: parameter by parameter, against differences of the loss. `loss` may
/// change the network that it is given.
pub fn check_gradient(before: &Mlp, after: &Mlp, tolerance: f64, what: &str, mut loss: impl FnMut(&mut Mlp) -> f64) {
    let mut loss_at = |place: usize, change: f32| {
        let mut mlp = before.clone();
        mlp.parameters_mut()[place] += change;
        let exact = mlp.parameters()[place];
        (loss(&mut mlp), exact)
    };
    for place in 0..before.parameters().len() {
        // Differences at two widths, combined so that their leading error cancels.
        let mut slope = |h: f32| {
            let ((up, a), (down, b)) = (loss_at(place, h), loss_at(place, -h));
            (up - down) / f64::from(a - b)
        };
        let numeric = (4.0 * slope(0.02) - slope(0.04)) / 3.0;
        let gradient = f64::from(before.parameters()[place] - after.parameters()[place]);
        let error = (gradient - numeric).abs();
        assert!(error < tolerance, "{what} parameter {place}: {gradient} but differences say {numeric}");
    }
}

/// The regularizer of concrete dropout as it is written, by which its derivatives are checked; 0
/// without such layers.
pub fn regularizer(mlp: &Mlp, prior: ConcretePrior, examples: usize) -> f64 {
    let of = |(block, p): (usize, f64)| {
        let squares: f64 = mlp.weights(block + 1).iter().map(|&w| f64::from(w).powi(2)).sum();
        let units = mlp.weights(block + 1).nrows() as f64;
        let entropy = p * p.ln() + (1.0 - p) * (1.0 - p).ln();
        (prior.length.powi(2) * squares / (1.0 - p) + prior.entropy * units * entropy) / examples as f64
    };
    mlp.learned_dropout().map(of).sum()
}
