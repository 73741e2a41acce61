//! What several tests train on.

use furlough::data::{Dataset, Features, Targets};
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
