//! What several tests train on, and how they check gradients.
#![allow(dead_code)] // each test file uses a part of it

use furlough::data::{Dataset, Features, Targets};
use furlough::nn::Mlp;
use furlough::random::{Key, Stream};
use ndarray::Array2;

/// Examples with `inputs` features: bytes with classes, or floats with numbers.
pub fn data(examples: usize, inputs: usize, outputs: usize, classes: bool) -> Dataset {
    let word = |i: usize, j: usize| Key::new(9).draw(Stream::Order, 7, i as u32, j as u32, 0)[0];
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

/// Checks that `after` is `before` less the gradient of `loss`, which is what a plain step at learning rate 1 leaves: parameter by parameter, against
/// differences of the loss. `loss` may change the network that it is given.
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
