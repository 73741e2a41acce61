//! What a training step takes: two hidden layers of ReLU with dropout, plain SGD, the least and the median of five seconds of steps in
//! milliseconds. `cargo bench --bench step -- WIDTH BATCH THREADS [--dropout P] [--share ROWS|batch] [--zeros PERCENT]`; p is 0.5 if nothing is said, shared masks are
//! gathered whether that pays or not, and so many features in a hundred are zero, half as in Fashion-MNIST if nothing is said.
//! Least times of single steps are steady on machines that others use too, where medians are not.

use furlough::compute::{Cpu, Gathering};
use furlough::data::{Batch, Dataset, Features, Targets};
use furlough::nn::{Activation, Init, MaskSite, Mlp, Sequential, Sharing};
use furlough::optim::Sgd;
use furlough::random::{Key, Stream};
use std::time::{Duration, Instant};

const EXAMPLES: u32 = 60_000;
const USAGE: &str = "WIDTH BATCH THREADS [--dropout P] [--share ROWS|batch] [--zeros PERCENT], whole numbers from 1";

fn main() -> furlough::Result<()> {
    // Cargo adds an argument of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let number = |place: usize, otherwise: usize| words.get(place).map_or(otherwise, |word| word.parse().expect(USAGE));
    let (width, batch_size, threads) = (number(0, 256), number(1, 256), number(2, 2));
    assert!(width > 0 && (1..=EXAMPLES as usize).contains(&batch_size), "{USAGE}");
    let option = |name: &str| {
        words.iter().position(|word| word == name).map(|place| words.get(place + 1).expect(USAGE).as_str())
    };
    let p = option("--dropout").map_or(0.5, |p| p.parse().expect(USAGE));
    let mut network = Sequential::perceptron(784, 10, &[width, width], Activation::Relu, 0.0, &[p, p]);
    if let Some(rows) = option("--share") {
        let sharing = if rows == "batch" { Sharing::Batch } else { Sharing::rows(rows.parse().expect(USAGE))? };
        network = network.with_sharing(sharing);
    }
    let zeros: u32 = option("--zeros").map_or(50, |percent| percent.parse().expect(USAGE));
    assert!(zeros <= 100, "{USAGE}");
    let key = Key::new(2);
    let feature = |(i, j): (usize, usize)| {
        let [word, value, ..] = key.draw(Stream::Dropout, 0, i as u32, j as u32, 0);
        if word % 100 < zeros { 0 } else { (value % 255 + 1) as u8 }
    };
    let rows = ndarray::Array2::from_shape_fn((EXAMPLES as usize, 784), feature);
    let labels = (0..EXAMPLES).map(|example| example % 10).collect();
    let names = (0..10).map(|class| class.to_string()).collect();
    let targets = Targets::Classes { labels, names };
    let data = Dataset::new(Features::Bytes { rows, scale: 1.0 / 255.0 }, targets, &[28, 28])?;
    let mut mlp = Mlp::new(network.validate()?, Init::Kaiming, Key::new(1));
    let mut cpu = Cpu::new(mlp.architecture(), batch_size, threads);
    cpu.gather(Gathering::Always);
    let optimizer = Sgd { learning_rate: 0.01, ..Sgd::default() };
    let begin = Instant::now();
    let mut times = Vec::new();
    while begin.elapsed() < Duration::from_secs(5) || times.len() < 5 {
        let step = times.len() as u32;
        let first = step.wrapping_mul(batch_size as u32);
        let examples: Vec<u32> =
            (0..batch_size as u32).map(|place| first.wrapping_add(place).wrapping_mul(7919) % EXAMPLES).collect();
        let site = MaskSite { key: Key::new(1), stream: Stream::Dropout, step, layer: 0 };
        let start = Instant::now();
        cpu.train_step(&mut mlp, &mut [], &optimizer, Batch { data: &data, examples: &examples }, &site);
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let weights = 784 * width + width * width + 10 * width;
    let operations = 2.0 * batch_size as f64 * (3 * weights - 784 * width) as f64;
    println!(
        "{}, {} threads: least {:.3} ms, median {:.3} ms of {} steps; {:.0} GFLOP/s, counting what is left out",
        cpu.instruction_set(),
        cpu.threads(),
        1e3 * times[0],
        1e3 * times[times.len() / 2],
        times.len(),
        operations / times[0] / 1e9
    );
    Ok(())
}
