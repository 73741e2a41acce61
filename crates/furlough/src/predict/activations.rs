//! What the hidden units of a trained network do on a data set.

use super::{Coadaptation, Histogram, Predictor};
use crate::compute::{Comoments, Cpu};
use crate::data::{Examples, Inputs};
use crate::nn::Mlp;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The activations of a hidden layer in the full network, over the examples of a data set: each
/// unit's output after the activation function, as the next layer sees it.
///
/// Means, sparsity and the two histograms are those of N. Srivastava, G. Hinton, A. Krizhevsky, I.
/// Sutskever and R. Salakhutdinov, "Dropout: a simple way to prevent neural networks from
/// overfitting", JMLR 15 (2014), section 7.2 and figure 8, which are of a mini-batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerActivations {
    /// The hidden layer, from 1.
    pub layer: usize,
    /// Number of units.
    pub units: usize,
    /// Number of examples.
    pub examples: usize,
    /// The mean of all activations.
    pub mean: f64,
    /// The share of all activations that are exactly 0, from 0 to 1.
    pub zeros: f64,
    /// Units that give 0 for every example.
    pub dead_units: usize,
    /// Units that give the same for every example, the dead ones among them.
    pub constant_units: usize,
    /// All activations, in 40 bins from the least to the largest; from 0 where none is below.
    pub activations: Histogram,
    /// The units' mean activations, in 40 bins.
    pub unit_means: Histogram,
    /// How far the units do the same; none where fewer than 2 of them vary.
    pub coadaptation: Option<Coadaptation>,
}

const BINS: usize = 40;

/// Activations held at once, some: 4 MB of them.
const HELD: usize = 1 << 20;

/// What a first look tells of a unit.
#[derive(Clone, Copy)]
struct Unit {
    sum: f64,
    zeros: u64,
    least: f32,
    most: f32,
}

impl Predictor {
    /// What each hidden layer does on `data`; none for a network without hidden layers. The data is
    /// gone through twice for each layer. Memory: 12 bytes times the square of the largest layer's
    /// units, and some megabytes. The same at any number of threads.
    ///
    /// ```
    /// use furlough::{data::digits, nn::{Init, Layer::*, Mlp, Sequential}, predict::Predictor, random::Key};
    /// let network = Sequential::new([Flatten, Linear(64, 32), Relu, Dropout(0.5), Linear(32, 10)]);
    /// let mlp = Mlp::new(network.validate()?, Init::Kaiming, Key::new(0)); // or a trained one
    /// let layers = Predictor::new(mlp, 2).activations(&digits::load()?.test)?;
    /// assert_eq!((layers.len(), layers[0].units, layers[0].examples), (1, 32, 360));
    /// println!("{:.0} % of the activations are 0", 100.0 * layers[0].zeros);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Data`] when the data does not fit the network or an activation is not finite,
    /// [`Error::Setting`] when a layer has more units than memory holds pairs of.
    pub fn activations<'a>(&mut self, x: impl Into<Inputs<'a>>) -> Result<Vec<LayerActivations>> {
        let data = self.fitting(x.into())?;
        let hidden = self.mlp.architecture().blocks().len() - 1;
        (0..hidden)
            .map(|index| {
                let part = self.mlp.up_to(index);
                let mut cpu = Cpu::with(part.architecture(), 0, self.cpu.threads(), self.precision, self.cpu.isa());
                look(&mut cpu, &part, &data, index + 1)
            })
            .collect()
    }
}

/// Looks at the outputs of a network that ends with hidden layer `layer`.
fn look(cpu: &mut Cpu, mlp: &Mlp, data: &Examples, layer: usize) -> Result<LayerActivations> {
    let (units, examples) = (mlp.architecture().outputs(), data.len());
    let mut seen = vec![Unit { sum: 0.0, zeros: 0, least: f32::INFINITY, most: f32::NEG_INFINITY }; units];
    for_each_tile(cpu, mlp, data, |_, values| {
        for row in values.chunks_exact(units) {
            for (unit, &value) in seen.iter_mut().zip(row) {
                unit.sum += f64::from(value);
                unit.zeros += u64::from(value == 0.0);
                unit.least = unit.least.min(value);
                unit.most = unit.most.max(value);
            }
        }
    });
    if let Some(unit) = seen.iter().position(|unit| !unit.sum.is_finite()) {
        let reason = format!("makes unit {unit} of hidden layer {layer} give what is not a finite number");
        return Err(Error::data("set", reason));
    }
    let means: Vec<f64> = seen.iter().map(|unit| unit.sum / examples as f64).collect();
    let least = seen.iter().map(|unit| unit.least).fold(0.0, f32::min);
    let most = seen.iter().map(|unit| unit.most).fold(f32::NEG_INFINITY, f32::max);
    let mut activations = Histogram::new(f64::from(least), f64::from(most), BINS);
    let mut sums = Comoments::new(means.clone())?;
    for_each_tile(cpu, mlp, data, |cpu, values| {
        values.iter().for_each(|&value| activations.add(f64::from(value)));
        sums.add(cpu, values);
    });
    let varying: Vec<usize> = (0..units).filter(|&unit| seen[unit].least < seen[unit].most).collect();
    let zeros: u64 = seen.iter().map(|unit| unit.zeros).sum();
    Ok(LayerActivations {
        layer,
        units,
        examples,
        mean: means.iter().sum::<f64>() / units as f64,
        zeros: zeros as f64 / (units as f64 * examples as f64),
        dead_units: seen.iter().filter(|unit| unit.zeros == examples as u64).count(),
        constant_units: units - varying.len(),
        activations,
        unit_means: Histogram::of(&means, BINS),
        coadaptation: Coadaptation::of(&sums, &varying),
    })
}

/// Calls `see` with the outputs of all examples in their order, some at a time.
fn for_each_tile(cpu: &mut Cpu, mlp: &Mlp, data: &Examples, mut see: impl FnMut(&mut Cpu, &[f32])) {
    let units = mlp.architecture().outputs();
    let rows = (HELD / units).clamp(64, 1024).min(data.len());
    let mut values = vec![0.0; rows * units];
    for start in (0..data.len()).step_by(rows) {
        let end = data.len().min(start + rows);
        let values = &mut values[..(end - start) * units];
        cpu.forward(mlp, data, start as u32..end as u32, None, values);
        see(cpu, values);
    }
}
