//! Times a training step: two hidden layers of ReLU with dropout, the least and the median of five
//! seconds of steps in milliseconds.
//!
//! ```text
//! cargo bench --bench step -- WIDTH BATCH THREADS [--dropout P[,P]] [--share ROWS|batch] [--zeros PERCENT]
//!     [--precision bf16] [--optimizer sgd|momentum|adam|adamw|lion] [--rate RATE] [--clip-norm NORM]
//!     [--against P[,P]] [--against-optimizer NAME] [--hand-over NANOSECONDS] [--explain]
//! ```
//!
//! Unless told otherwise p is 0.5, the optimizer is plain SGD, shared masks are gathered whether
//! that is faster or not, and half of the features are zero, as in Fashion-MNIST. What a hand-over
//! to the threads takes is timed unless it is given; with 0 every step takes all threads.
//! `--explain` prints how the step is computed and takes none.
//!
//! Least times of single steps are steady on machines that others use too, where medians are not.
//! With `--against` a second network with another p (0: without dropout) and a mask for each
//! example, or with `--against-optimizer` one that has another optimizer, takes turns with the
//! first, ten steps at a time for twenty seconds. Both have met the same machine, so the quotient
//! of their mean times is steady to a few hundredths. Give a small `--rate` to compare optimizers:
//! one that makes units die has more zeros to skip.

use furlough::compute::{Cpu, Isa, Precision, SharedMaskMode};
use furlough::data::{Batch, Dataset, Features, Targets};
use furlough::nn::{Activation, Init, MaskKey, MaskSharing, Mlp, Sequential};
use furlough::optim::{Optimizer, OptimizerState, UpdateRule};
use furlough::random::{Key, Stream};
use std::time::{Duration, Instant};

const EXAMPLES: u32 = 60_000;
const USAGE: &str = "WIDTH BATCH THREADS [--dropout P[,P]] [--share ROWS|batch] [--zeros PERCENT] \
    [--precision bf16] [--optimizer sgd|momentum|adam|adamw|lion] [--rate RATE] [--clip-norm NORM] \
    [--against P[,P]] [--against-optimizer NAME] [--hand-over NANOSECONDS] [--explain], whole numbers from 1";

/// Steps of a turn, and those before that bring a network back into the caches.
const TURN: usize = 10;
const WARM_UP: usize = 2;

/// A network that is trained, and what its steps took, in milliseconds.
struct Run {
    mlp: Mlp,
    state: OptimizerState,
    rule: UpdateRule,
    cpu: Cpu,
    step: u32,
    times: Vec<f64>,
}

impl Run {
    fn new(
        network: Sequential,
        rule: UpdateRule,
        (batch_size, threads): (usize, usize),
        precision: Precision,
    ) -> furlough::Result<Run> {
        let mlp = Mlp::new(network.validate()?, Init::Kaiming, Key::new(1));
        let mut cpu = Cpu::with(mlp.architecture(), batch_size, threads, precision, Isa::best());
        cpu.gather(SharedMaskMode::Always);
        let state = OptimizerState::new(&rule.optimizer, mlp.parameters().len());
        Ok(Run { mlp, state, rule, cpu, step: 0, times: Vec::new() })
    }

    /// Milliseconds of one step.
    fn step(&mut self, data: &Dataset, batch_size: u32) -> f64 {
        let examples = examples(self.step, batch_size);
        let site = MaskKey { key: Key::new(1), stream: Stream::Dropout, step: self.step, layer: 0 };
        // As a trainer does between epochs.
        self.cpu.refresh_hand_over();
        let start = Instant::now();
        self.cpu.train_step(&mut self.mlp, &mut self.state, &self.rule, Batch { data, examples: &examples }, &site);
        self.step += 1;
        1e3 * start.elapsed().as_secs_f64()
    }

    fn turn(&mut self, data: &Dataset, batch_size: u32) {
        for place in 0..WARM_UP + TURN {
            let time = self.step(data, batch_size);
            if place >= WARM_UP {
                self.times.push(time);
            }
        }
    }

    fn mean(&self) -> f64 {
        self.times.iter().sum::<f64>() / self.times.len() as f64
    }

    fn report(&mut self, (width, batch_size): (usize, usize)) {
        self.times.sort_by(f64::total_cmp);
        let weights = 784 * width + width * width + 10 * width;
        let operations = 2.0 * batch_size as f64 * (3 * weights - 784 * width) as f64;
        println!(
            "{}, {} threads: least {:.3} ms, median {:.3} ms of {} steps; {:.0} GFLOP/s, counting what is left out",
            self.cpu.instruction_set(),
            self.cpu.threads(),
            self.times[0],
            self.times[self.times.len() / 2],
            self.times.len(),
            operations / self.times[0] / 1e6
        );
    }
}

fn optimizer(name: &str) -> Optimizer {
    match name {
        "sgd" => Optimizer::SGD,
        "momentum" => Optimizer::Sgd { momentum: 0.9, nesterov: false },
        "adam" => Optimizer::ADAM,
        "adamw" => Optimizer::ADAMW,
        "lion" => Optimizer::LION,
        other => panic!("{other} is not an optimizer: {USAGE}"),
    }
}

/// Examples of a batch, far apart in the data as shuffling makes them.
fn examples(step: u32, batch_size: u32) -> Vec<u32> {
    let first = step.wrapping_mul(batch_size);
    (0..batch_size).map(|place| first.wrapping_add(place).wrapping_mul(7919) % EXAMPLES).collect()
}

fn main() -> furlough::Result<()> {
    // Cargo adds an argument of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let number = |place: usize, otherwise: usize| words.get(place).map_or(otherwise, |word| word.parse().expect(USAGE));
    let (width, batch_size, threads) = (number(0, 256), number(1, 256), number(2, 2));
    assert!(width > 0 && (1..=EXAMPLES as usize).contains(&batch_size), "{USAGE}");
    let option = |name: &str| {
        words.iter().position(|word| word == name).map(|place| words.get(place + 1).expect(USAGE).as_str())
    };
    let network = |ps: &str| {
        let ps: Vec<f64> = ps.split(',').map(|p| p.parse().expect(USAGE)).collect();
        Sequential::mlp(784, 10, &[width, width], Activation::Relu, 0.0, &[ps[0], ps[ps.len() - 1]])
    };
    let mut measured = network(option("--dropout").unwrap_or("0.5"));
    if let Some(rows) = option("--share") {
        let sharing = if rows == "batch" { MaskSharing::Batch } else { MaskSharing::rows(rows.parse().expect(USAGE))? };
        measured = measured.with_sharing(sharing);
    }
    let zeros: u32 = option("--zeros").map_or(50, |percent| percent.parse().expect(USAGE));
    assert!(zeros <= 100, "{USAGE}");
    let precision = option("--precision").map_or(Ok(Precision::F32), str::parse)?;
    let rule = UpdateRule {
        optimizer: optimizer(option("--optimizer").unwrap_or("sgd")),
        learning_rate: option("--rate").map_or(0.01, |rate| rate.parse().expect(USAGE)),
        clip_norm: option("--clip-norm").map(|norm| norm.parse().expect(USAGE)),
        ..UpdateRule::default()
    };
    let data = data(zeros)?;
    let other = match (option("--against"), option("--against-optimizer")) {
        (None, None) => None,
        (ps, name) => Some((
            ps.map_or_else(|| measured.clone(), network),
            UpdateRule { optimizer: name.map_or(rule.optimizer, optimizer), ..rule },
        )),
    };
    let mut measured = Run::new(measured, rule, (batch_size, threads), precision)?;
    if let Some(nanoseconds) = option("--hand-over") {
        measured.cpu.set_hand_over(Duration::from_nanos(nanoseconds.parse().expect(USAGE)));
    }
    if words.iter().any(|word| word == "--explain") {
        let examples = examples(0, batch_size as u32);
        print!("{}", measured.cpu.plan_step(Batch { data: &data, examples: &examples }, 1.0));
        return Ok(());
    }
    let begin = Instant::now();
    let Some((network, rule)) = other else {
        while begin.elapsed() < Duration::from_secs(5) || measured.times.len() < 5 {
            let time = measured.step(&data, batch_size as u32);
            measured.times.push(time);
        }
        measured.report((width, batch_size));
        return Ok(());
    };
    let mut other = Run::new(network, rule, (batch_size, threads), precision)?;
    while begin.elapsed() < Duration::from_secs(20) {
        measured.turn(&data, batch_size as u32);
        other.turn(&data, batch_size as u32);
        other.turn(&data, batch_size as u32);
        measured.turn(&data, batch_size as u32);
    }
    measured.report((width, batch_size));
    other.report((width, batch_size));
    println!("first over second: {:.3} of the mean times", measured.mean() / other.mean());
    Ok(())
}

/// Examples of 784 bytes, so many in a hundred of which are zero, in ten classes.
fn data(zeros: u32) -> furlough::Result<Dataset> {
    let key = Key::new(2);
    let feature = |(i, j): (usize, usize)| {
        let [word, value, ..] = key.draw(Stream::Dropout, 0, i as u32, j as u32, 0);
        if word % 100 < zeros { 0 } else { (value % 255 + 1) as u8 }
    };
    let rows = ndarray::Array2::from_shape_fn((EXAMPLES as usize, 784), feature);
    let labels = (0..EXAMPLES).map(|example| example % 10).collect();
    let names = (0..10).map(|class| class.to_string()).collect();
    Dataset::new(Features::Bytes { rows, scale: 1.0 / 255.0 }, Targets::Classes { labels, names }, &[28, 28])
}
