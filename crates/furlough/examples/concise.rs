//! The network as a layer list, and a loop that is already there. `examples/from_scratch.rs` is the
//! same by hand, and gives the same losses.
//!
//! `cargo run --release --example concise`

use furlough::Result;
use furlough::data::digits;
use furlough::nn::{Init, Layer::*, Sequential};
use furlough::train::{TrainOptions, Trainer};

/// Trains on digits and returns each epoch's mean training loss and the accuracy on the test set.
pub fn train(seed: u64, epochs: u32) -> Result<(Vec<f64>, f64)> {
    let digits = digits::load()?;
    let network = Sequential::new([
        Flatten,
        Linear(64, 256),
        Relu,
        Dropout(0.2),
        Linear(256, 256),
        Relu,
        Dropout(0.5),
        Linear(256, 10),
    ]);
    let init = Init::Kaiming;
    let options = TrainOptions { init, learning_rate: 0.1, batch_size: 32, epochs, seed, ..TrainOptions::default() };

    let mut losses = Vec::new();
    let mut trainer = Trainer::new(&network, &options, &digits.train, 1)?;
    trainer.on_epoch(|epoch| losses.push(epoch.train_loss));
    trainer.fit(None)?;
    let accuracy = trainer.evaluate(&digits.test)?.accuracy.unwrap_or_default();
    drop(trainer); // it has lent the losses
    Ok((losses, accuracy))
}

#[allow(dead_code)] // `train` alone is used where the two examples are compared
fn main() -> Result<()> {
    let (losses, accuracy) = train(0, 30)?;
    for (epoch, loss) in losses.iter().enumerate() {
        println!("epoch {:2}  loss {loss:.4}", epoch + 1);
    }
    println!("test accuracy {accuracy:.3}");
    Ok(())
}
