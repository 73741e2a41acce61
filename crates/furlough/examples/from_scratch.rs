//! The network and its training loop by hand, from the library's small pieces: every formula in
//! sight. `examples/concise.rs` is the same in ten lines.
//!
//! `cargo run --release --example from_scratch`

use furlough::Result;
use furlough::data::{Dataset, Targets, digits, epoch_order};
use furlough::nn::{Activation::Relu, Dropout, Init, MaskKey, argmax, linear, linear_backward, softmax_cross_entropy};
use furlough::random::{Key, Stream};
use ndarray::{Array1, Array2};

/// Weights (inputs × outputs) and biases of a linear layer.
struct Linear {
    w: Array2<f32>,
    b: Array1<f32>,
}

impl Linear {
    fn new(key: Key, layer: u32, inputs: usize, outputs: usize) -> Self {
        let mut weights = vec![0.0; inputs * outputs];
        Init::Kaiming.fill(key, layer, inputs, outputs, &mut weights);
        Linear { w: Array2::from_shape_vec((inputs, outputs), weights).unwrap(), b: Array1::zeros(outputs) }
    }

    fn forward(&self, x: &Array2<f32>) -> Array2<f32> {
        linear(x.view(), self.w.view(), self.b.view())
    }

    /// One step of gradient descent. Returns the derivative by the layer's input, which is the next
    /// one's business.
    fn learn(&mut self, x: &Array2<f32>, dy: &Array2<f32>, rate: f32) -> Array2<f32> {
        let (dx, dw, db) = linear_backward(x.view(), self.w.view(), dy.view());
        self.w.scaled_add(-rate, &dw);
        self.b.scaled_add(-rate, &db);
        dx
    }
}

/// The rows of `examples` and their classes.
fn gather(data: &Dataset, examples: &[u32]) -> (Array2<f32>, Vec<u32>) {
    let mut x = Array2::zeros((examples.len(), data.features()));
    for (mut row, &example) in x.rows_mut().into_iter().zip(examples) {
        data.read_row(example as usize, row.as_slice_mut().unwrap());
    }
    let Targets::Classes { labels, .. } = data.targets() else { panic!("digits have classes") };
    (x, examples.iter().map(|&example| labels[example as usize]).collect())
}

/// Trains on digits and returns each epoch's mean training loss and the accuracy on the test set.
pub fn train(seed: u64, epochs: u32) -> Result<(Vec<f64>, f64)> {
    let (rate, batch_size) = (0.1, 32);
    let (dropout1, dropout2) = (Dropout::new(0.2)?, Dropout::new(0.5)?);
    let digits = digits::load()?;
    let key = Key::new(seed);
    let mut layer1 = Linear::new(key, 0, 64, 256);
    let mut layer2 = Linear::new(key, 1, 256, 256);
    let mut layer3 = Linear::new(key, 2, 256, 10);

    let mut order = vec![0; digits.train.len()];
    let mut losses = Vec::new();
    let mut step = 0;
    for epoch in 0..epochs {
        epoch_order(key, epoch, &mut order);
        let mut sum = 0.0;
        for examples in order.chunks(batch_size) {
            let (x, labels) = gather(&digits.train, examples);
            let site = |layer| MaskKey { key, stream: Stream::Dropout, step, layer };

            // Forward: linear, activation, dropout; twice; and a linear layer for the logits.
            let z1 = layer1.forward(&x);
            let h1 = dropout1.forward(Relu.forward(z1.view()).view(), examples, &site(1));
            let z2 = layer2.forward(&h1);
            let h2 = dropout2.forward(Relu.forward(z2.view()).view(), examples, &site(2));
            let logits = layer3.forward(&h2);
            let (loss, dlogits) = softmax_cross_entropy(logits.view(), &labels);

            // Backward: the same in reverse, with the same masks, drawn again.
            let dh2 = layer3.learn(&h2, &dlogits, rate);
            let dz2 = Relu.backward(z2.view(), dropout2.backward(dh2.view(), examples, &site(2)).view());
            let dh1 = layer2.learn(&h1, &dz2, rate);
            let dz1 = Relu.backward(z1.view(), dropout1.backward(dh1.view(), examples, &site(1)).view());
            layer1.learn(&x, &dz1, rate);

            sum += loss * examples.len() as f64;
            step += 1;
        }
        losses.push(sum / order.len() as f64);
    }

    // At inference the full network answers: no dropout, and no scaling either, which training has
    // done already.
    let everyone: Vec<u32> = (0..digits.test.len() as u32).collect();
    let (x, labels) = gather(&digits.test, &everyone);
    let h1 = Relu.forward(layer1.forward(&x).view());
    let h2 = Relu.forward(layer2.forward(&h1).view());
    let logits = layer3.forward(&h2);
    let right = logits
        .rows()
        .into_iter()
        .zip(&labels)
        .filter(|(row, label)| argmax(row.as_slice().unwrap()) == **label as usize);
    Ok((losses, right.count() as f64 / labels.len() as f64))
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
