//! What many sub-networks would answer, by formulas instead of draws.

use super::Predictor;
use super::monte_carlo::entropy;
use crate::compute::reference::stage_forward;
use crate::data::{Examples, Inputs, Task};
use crate::nn::{Activation, Dropout, DropoutKind, Mlp};
use crate::{Error, Result};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Zip, s};

/// Mean and variance of the outputs over all masks, without drawing any. Made by
/// [`Predictor::moments`].
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OutputMoments {
    /// The mean of each output, examples × outputs: logits of classes, or numbers.
    pub means: Array2<f64>,
    /// The variance of each output over the masks, examples × outputs. Noise in the data itself is
    /// not in it.
    pub variances: Array2<f64>,
    /// The mean of the probabilities of classes, examples × classes; none for numbers.
    pub probabilities: Option<Array2<f64>>,
}

/// Examples that are looked at together. An example's answer does not depend on its place there.
const TILE: usize = 256;

/// So many classes have probabilities: each pair of them takes a variance.
const MOST_CLASSES: usize = 256;

/// What stands in the probit approximation of the logistic function: π/8.
const PROBIT: f64 = std::f64::consts::FRAC_PI_8;

/// Mean and variance of some units, examples × units each. The variance is exact 0 where nothing
/// is random.
struct Units {
    means: Array2<f64>,
    variances: Array2<f64>,
}

/// A block's weights in double precision, and their squares.
struct Weights {
    weights: Array2<f64>,
    squares: Array2<f64>,
    biases: Array1<f64>,
}

impl OutputMoments {
    /// Returns −Σ p ln p of each example's probabilities in nats, how undecided they are
    /// ([`Uncertainty::predictive_entropy`](super::Uncertainty::predictive_entropy)); none for
    /// numbers.
    pub fn predictive_entropies(&self) -> Option<Vec<f64>> {
        let probabilities = self.probabilities.as_ref()?;
        Some(probabilities.rows().into_iter().map(entropy).collect())
    }
}

impl Predictor {
    /// Returns mean and variance of the outputs over the masks that [`Self::monte_carlo`] draws
    /// some of, layer by layer and as if the units of a layer were independent:
    ///
    /// ```text
    /// dropout     μ ← μ                      σ² ← (σ² + μ² p) / (1 − p)
    /// linear      μ ← μ·w + b                σ² ← σ²·w²
    /// activation  μ ← E f(z)                 σ² ← E f(z)² − μ²        z normal: N(μ, σ²)
    /// ```
    ///
    /// as S. Wang and C. Manning, "Fast dropout training", ICML 2013, have it. For ReLU the two
    /// expectations have a closed form (section 3 there); for other activations they are sums over
    /// 32 points by the rule of Gauss and Hermite. The probability of class c is
    ///
    /// ```text
    /// 1 / Σ exp(−(μ(c) − μ(k)) / √(1 + π/8 · Var(z(c) − z(k))))        over all k, with k = c
    /// ```
    ///
    /// over the sum of these: each pair of classes by MacKay's approximation ("The evidence
    /// framework applied to classification networks", 1992), with the variance of their difference
    /// as the last layer's weights give it. Bounds of the outputs bound the means.
    ///
    /// It costs two passes in double precision on one thread. An example's answer is the same
    /// whatever is beside it. How near it comes is measured in `docs/guide/uncertainty.md`.
    ///
    /// ```
    /// use furlough::{data::Task, nn::Mlp, predict::Predictor};
    /// use ndarray::array;
    /// let mlp = Mlp::builder(2, 1).hidden([16]).dropout([0.2]).build()?; // or a trained one
    /// let moments = Predictor::new(mlp, 1).with_task(Task::Regression).moments(&array![[0.1, 0.2]])?;
    /// println!("{} ± {}", moments.means[[0, 0]], moments.variances[[0, 0]].sqrt());
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::predict`]; [`Error::Setting`] where dropout is neither bernoulli nor gaussian,
    /// for a drop probability of 1, for more than 256 classes, and when neither a data set's
    /// targets nor [`Self::with_task`] say what the outputs are.
    pub fn moments<'a>(&mut self, x: impl Into<Inputs<'a>>) -> Result<OutputMoments> {
        let x = x.into();
        let task = self.known_task(x)?;
        let examples = self.fitting(x)?;
        let outputs = self.mlp.architecture().outputs();
        check(&self.mlp, task)?;
        let weights: Vec<Weights> = (0..self.mlp.architecture().blocks().len()).map(|at| self.weights(at)).collect();
        let empty = || Array2::zeros((examples.len(), outputs));
        let mut all = OutputMoments { means: empty(), variances: empty(), probabilities: None };
        let mut probabilities = (task == Task::Classification).then(empty);
        for start in (0..examples.len()).step_by(TILE) {
            let rows = start..examples.len().min(start + TILE);
            let (before, units) = propagate(&self.mlp, &weights, read(&self.mlp, &examples, rows.clone()));
            let part = s![rows.start..rows.end, ..];
            if let Some(all) = &mut probabilities {
                let last = &weights.last().expect("a network has a block").weights;
                let of = |row: usize| probabilities_of(units.means.row(row), before.variances.row(row), last.view());
                for (row, mut all) in all.slice_mut(part).rows_mut().into_iter().enumerate() {
                    all.assign(&of(row));
                }
            }
            all.means.slice_mut(part).assign(&units.means);
            all.variances.slice_mut(part).assign(&units.variances);
        }
        for mut means in all.means.rows_mut() {
            for (mean, &[least, most]) in means.iter_mut().zip(self.mlp.output_bounds()) {
                *mean = mean.clamp(f64::from(least), f64::from(most));
            }
        }
        Ok(OutputMoments { probabilities, ..all })
    }

    fn weights(&self, index: usize) -> Weights {
        let weights = self.mlp.weights(index).mapv(f64::from);
        let squares = &weights * &weights;
        Weights { weights, squares, biases: self.mlp.biases(index).mapv(f64::from) }
    }
}

/// Refuses a network whose noise has no such formulas here.
fn check(mlp: &Mlp, task: Task) -> Result<()> {
    let architecture = mlp.architecture();
    let layers = architecture.blocks().iter().map(|block| block.dropout).chain([architecture.input_dropout()]);
    for dropout in layers.filter(|dropout| !dropout.is_identity()) {
        if !matches!(dropout.kind(), DropoutKind::Bernoulli | DropoutKind::Gaussian) {
            let reason = "moments have formulas for bernoulli and gaussian dropout only; draw masks instead";
            return Err(Error::setting("dropout_kind", dropout.kind().name(), reason));
        }
        if dropout.p() == 1.0 {
            return Err(Error::setting("dropout", 1.0, "where all units are dropped, there are no moments"));
        }
    }
    let classes = architecture.outputs();
    if task == Task::Classification && classes > MOST_CLASSES {
        let reason = format!("moments are for at most {MOST_CLASSES} classes; draw masks instead");
        return Err(Error::setting("classes", classes, reason));
    }
    Ok(())
}

/// What the first layer sees of some examples.
fn read(mlp: &Mlp, examples: &Examples, rows: std::ops::Range<usize>) -> Array2<f64> {
    let mut features = Array2::zeros((rows.len(), mlp.architecture().inputs()));
    for (example, mut row) in rows.zip(features.rows_mut()) {
        examples.read_row(example, row.as_slice_mut().expect("rows of a new array are contiguous"));
    }
    stage_forward(mlp, features).mapv(f64::from)
}

/// Returns the units before the last linear layer, and the outputs.
fn propagate(mlp: &Mlp, weights: &[Weights], inputs: Array2<f64>) -> (Units, Units) {
    let none = Array2::zeros(inputs.dim());
    let mut units = Units { means: inputs, variances: none };
    units.drop(mlp.architecture().input_dropout());
    let (last, hidden) = weights.split_last().expect("a network has a block");
    for (index, weights) in hidden.iter().enumerate() {
        let block = &mlp.architecture().blocks()[index];
        units = units.linear(weights);
        units.activate(block.activation, mlp.alphas(index));
        units.drop(block.dropout);
    }
    let outputs = units.linear(last);
    (units, outputs)
}

impl Units {
    fn drop(&mut self, dropout: Dropout) {
        if !dropout.is_identity() {
            let p = dropout.p();
            Zip::from(&self.means).and(&mut self.variances).for_each(|mean, variance| {
                *variance = (*variance + mean * mean * p) / (1.0 - p);
            });
        }
    }

    fn linear(&self, by: &Weights) -> Units {
        Units { means: self.means.dot(&by.weights) + &by.biases, variances: self.variances.dot(&by.squares) }
    }

    fn activate(&mut self, activation: Activation, alphas: Option<ArrayView1<'_, f32>>) {
        for (mut means, mut variances) in self.means.rows_mut().into_iter().zip(self.variances.rows_mut()) {
            for (unit, (mean, variance)) in means.iter_mut().zip(&mut variances).enumerate() {
                let alpha = alphas.map_or(1.0, |alphas| f64::from(alphas[unit]));
                (*mean, *variance) = activated(activation, alpha, *mean, *variance);
            }
        }
    }
}

/// Mean and variance of z + α (f(z) − z) for z ~ N(mean, variance).
fn activated(activation: Activation, alpha: f64, mean: f64, variance: f64) -> (f64, f64) {
    let bent = |z: f64| z + alpha * (f64::from(activation.value(z as f32)) - z);
    match activation {
        Activation::Identity => (mean, variance),
        _ if variance == 0.0 => (bent(mean), 0.0),
        Activation::Relu if alpha == 1.0 => rectified(mean, variance),
        _ => {
            let deviation = variance.sqrt();
            let values = HERMITE.map(|(point, weight)| {
                let pair = [bent(mean - deviation * point), bent(mean + deviation * point)];
                (pair, weight)
            });
            let first: f64 = values.iter().map(|([a, b], weight)| weight * (a + b)).sum();
            let square = |value: f64| (value - first) * (value - first);
            (first, values.iter().map(|([a, b], weight)| weight * (square(*a) + square(*b))).sum())
        }
    }
}

/// Mean and variance of max(z, 0) for z ~ N(mean, variance), variance > 0.
fn rectified(mean: f64, variance: f64) -> (f64, f64) {
    let deviation = variance.sqrt();
    let ratio = mean / deviation;
    let above = 0.5 * libm::erfc(-ratio * std::f64::consts::FRAC_1_SQRT_2);
    let density = libm::exp(-0.5 * ratio * ratio) / (2.0 * std::f64::consts::PI).sqrt();
    let first = mean * above + deviation * density;
    let second = (mean * mean + variance) * above + mean * deviation * density;
    (first, (second - first * first).max(0.0))
}

/// The mean of the softmax of logits with these means, made of units with these variances.
fn probabilities_of(
    means: ArrayView1<'_, f64>,
    units: ArrayView1<'_, f64>,
    weights: ArrayView2<'_, f64>,
) -> Array1<f64> {
    let scaled = &weights * &units.insert_axis(Axis(1));
    let covariance = weights.t().dot(&scaled);
    let probability = |class: usize| {
        let other = |k: usize| {
            let spread = covariance[[class, class]] + covariance[[k, k]] - 2.0 * covariance[[class, k]];
            libm::exp((means[k] - means[class]) / (1.0 + PROBIT * spread.max(0.0)).sqrt())
        };
        1.0 / (0..means.len()).map(other).sum::<f64>()
    };
    let all: Array1<f64> = (0..means.len()).map(probability).collect();
    let sum = all.sum();
    all / sum
}

/// The points above 0 of the rule of Gauss and Hermite with 32 points for a standard normal number,
/// and the weight of each; those below have the same weights. By numpy's `hermegauss(32)`, whose
/// weights are divided by √(2π).
const HERMITE: [(f64, f64); 16] = [
    (0.27554641923027584, 0.21170556988047928),
    (0.8272849037797652, 0.1565389937575985),
    (1.3809801992721442, 0.08534480827208074),
    (1.9380049059257174, 0.03410984772609207),
    (2.4998404151873954, 0.009903461702320593),
    (3.0681351690131216, 0.0020620510513078808),
    (3.644781249880833, 0.00030255702581706285),
    (4.23202110999541, 3.0559803060896336e-05),
    (4.832604613244489, 2.0596221039534275e-06),
    (5.450033273623428, 8.88129071310589e-08),
    (6.088964309076987, 2.3125184120742393e-09),
    (6.755930830540705, 3.347501239801196e-11),
    (7.460755754121519, 2.3780648557778086e-13),
    (8.219728765382245, 6.755290223670204e-16),
    (9.064399210702405, 5.208449591960913e-19),
    (10.077422674229465, 4.1246074890182835e-23),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance by a sum over many points, from −10 to 10 standard deviations.
    fn integrated(f: impl Fn(f64) -> f64, mean: f64, variance: f64) -> (f64, f64) {
        const STEPS: i32 = 200_000;
        let (mut total, mut first, mut second) = (0.0, 0.0, 0.0);
        for step in 0..=STEPS {
            let point = 20.0 * f64::from(step) / f64::from(STEPS) - 10.0;
            let (weight, value) = (libm::exp(-0.5 * point * point), f(mean + variance.sqrt() * point));
            (total, first, second) = (total + weight, first + weight * value, second + weight * value * value);
        }
        (first / total, second / total - (first / total) * (first / total))
    }

    #[test]
    fn a_rectified_normal_number_has_these_moments() {
        for (mean, variance) in [(0.0, 1.0), (1.5, 0.25), (-1.5, 0.25), (-0.3, 9.0), (40.0, 2.0), (-40.0, 2.0)] {
            let (first, second) = rectified(mean, variance);
            let (want_first, want_second) = integrated(|z| z.max(0.0), mean, variance);
            assert!((first - want_first).abs() < 1e-6, "{mean} {variance}: {first}, not {want_first}");
            assert!((second - want_second).abs() < 1e-6, "{mean} {variance}: {second}, not {want_second}");
        }
    }

    #[test]
    fn other_activations_have_the_moments_of_the_integral() {
        for activation in Activation::ALL {
            // Corners cost the rule some digits.
            let tolerance = match activation {
                Activation::Relu | Activation::LeakyRelu | Activation::Selu => 0.02,
                _ => 1e-4,
            };
            for (alpha, mean, variance) in [(1.0, 0.2, 1.0), (0.4, -1.0, 0.5), (1.3, 2.0, 0.01)] {
                let bent = |z: f64| z + alpha * (f64::from(activation.value(z as f32)) - z);
                let (first, second) = activated(activation, alpha, mean, variance);
                let (want_first, want_second) = integrated(bent, mean, variance);
                let case = format!("{activation:?} {alpha} {mean} {variance}");
                assert!((first - want_first).abs() < tolerance, "{case}: {first}, not {want_first}");
                assert!((second - want_second).abs() < tolerance, "{case}: {second}, not {want_second}");
            }
        }
    }

    #[test]
    fn the_rule_is_exact_for_polynomials() {
        let moment = |power: i32| 2.0 * HERMITE.iter().map(|(point, weight)| weight * point.powi(power)).sum::<f64>();
        for (power, want) in [(0, 1.0), (2, 1.0), (4, 3.0), (6, 15.0), (8, 105.0)] {
            assert!((moment(power) / want - 1.0).abs() < 1e-12, "{power}: {}", moment(power));
        }
    }
}
