//! What the peers share: the flags, the data, the events and the loop over epochs. A peer is a
//! [`Network`].

mod data;
mod events;
mod flags;
mod random;
mod threads;

use std::time::Instant;

pub use anyhow;
pub use data::Examples;
pub use flags::Flags;
pub use random::Random;
use serde_json::Value;

/// A loss and an accuracy, each the mean over the examples that were seen.
pub struct Means {
    pub loss: f64,
    pub accuracy: f64,
}

/// A network with its data, as one framework has them.
pub trait Network {
    /// Trains one epoch in an order of its own and gives the running means, dropout on. If there is
    /// a `first_step`, it is told the loss of the first step as soon as that step is done.
    fn train_epoch(&mut self, first_step: Option<fn(f64)>) -> anyhow::Result<Means>;

    /// Evaluates the test images without dropout.
    fn evaluate(&mut self) -> anyhow::Result<Means>;
}

/// Reads the flags, limits the threads, and lets `make` build the network from the flags and from
/// the train and test examples; then trains and tells. `make` also gives what the start event says
/// of the framework.
pub fn run<N: Network>(
    make: impl FnOnce(&Flags, Examples, Examples) -> anyhow::Result<(N, Value)>,
) -> anyhow::Result<()> {
    let flags = flags::read();
    threads::limit(flags.threads)?;
    let train = Examples::read(&flags.data_dir, "train")?;
    let test = Examples::read(&flags.data_dir, "t10k")?;
    let (mut network, framework) = make(&flags, train, test)?;
    events::start(&flags, framework);
    for epoch in 1..=flags.epochs {
        let began = Instant::now();
        let train = network.train_epoch((epoch == 1).then_some(events::first_step))?;
        let test = network.evaluate()?;
        events::epoch(epoch, &train, &test, began.elapsed());
    }
    events::stop();
    Ok(())
}
