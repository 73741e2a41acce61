use crate::random::{Key, Stream};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How weights start; biases start at 0. Weight `i` of a layer (row-major, inputs × outputs) is a
/// pure function of the seed, the layer and `i`, computed with the portable `libm`, so it has the
/// same bits on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Init {
    /// Normal with mean 0 and this standard deviation, written `normal` (0.01) or `normal:0.05`.
    Normal(f64),
    /// Normal with standard deviation sqrt(2 / inputs): He et al. 2015, for the ReLU family.
    Kaiming,
    /// Normal with standard deviation sqrt(1 / inputs): LeCun et al. 1998, for
    /// [`Activation::Selu`](super::Activation::Selu).
    Lecun,
    /// Uniform within ±sqrt(6 / (inputs + outputs)): Glorot and Bengio 2010, for tanh and sigmoid.
    Xavier,
    /// Uniform within ±this, written `uniform:0.1`.
    Uniform(f64),
    /// By the training data, layer by layer, written `data-driven`: normal weights, divided for
    /// each unit by the standard deviation of what they give for the training rows; the bias is
    /// minus a random weighted mean of that over five rows. RealMLP's *std* and *he+5* (Holzmüller,
    /// Grinsztajn and Steinwart, "Better by default", NeurIPS 2024; the biases after Steinwart, "A
    /// sober look at neural network initializations", 2019).
    /// [`Trainer::new`](crate::train::Trainer::new) does so; where there are no data it is
    /// [`Init::Lecun`].
    DataDriven,
}

impl Init {
    /// The tutorial's: normal with standard deviation 0.01.
    pub const DEFAULT: Init = Init::Normal(0.01);

    /// Checks the range.
    ///
    /// # Errors
    /// [`Error::Setting`] when the standard deviation or the bound is negative or no number in
    /// single precision.
    pub fn validate(self) -> Result<()> {
        match self {
            Init::Normal(size) | Init::Uniform(size) if !(size >= 0.0 && (size as f32).is_finite()) => {
                Err(Error::setting("init", self, SIZE))
            }
            _ => Ok(()),
        }
    }

    /// Fills the weights of the linear layer with ordinal `layer` (from 0).
    pub fn fill(self, key: Key, layer: u32, inputs: usize, outputs: usize, weights: &mut [f32]) {
        debug_assert_eq!(weights.len(), inputs * outputs);
        let (deviation, bound) = match self {
            Init::Normal(deviation) => (Some(deviation), 0.0),
            Init::Kaiming => (Some((2.0 / inputs as f64).sqrt()), 0.0),
            Init::Lecun | Init::DataDriven => (Some((1.0 / inputs as f64).sqrt()), 0.0),
            Init::Xavier => (None, (6.0 / (inputs + outputs) as f64).sqrt()),
            Init::Uniform(bound) => (None, bound),
        };
        for (block, four) in weights.chunks_mut(4).enumerate() {
            let words = key.draw(Stream::Init, layer, block as u32, (block as u64 >> 32) as u32, 0);
            let uniform = words.map(|word| (f64::from(word) + 0.5) / 4_294_967_296.0);
            let values = match deviation {
                Some(deviation) => {
                    let [a, b] = box_muller(uniform[0], uniform[1]);
                    let [c, d] = box_muller(uniform[2], uniform[3]);
                    [a, b, c, d].map(|normal| normal * deviation)
                }
                None => uniform.map(|u| (2.0 * u - 1.0) * bound),
            };
            for (weight, value) in four.iter_mut().zip(values) {
                *weight = value as f32;
            }
        }
    }
}

const SIZE: &str = "the size after the colon must be a number of at least 0, and not beyond single precision";

/// Two independent standard normals from two uniforms in (0, 1): Box and Muller 1958.
fn box_muller(u: f64, v: f64) -> [f64; 2] {
    let radius = libm::sqrt(-2.0 * libm::log(u));
    let angle = std::f64::consts::TAU * v;
    [radius * libm::cos(angle), radius * libm::sin(angle)]
}

impl std::str::FromStr for Init {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, size) = text.split_once(':').map_or((text, None), |(name, size)| (name, Some(size)));
        // What is no number at all is refused as NaN is.
        let size = size.map(|size| size.parse::<f64>().unwrap_or(f64::NAN));
        let init = match (name, size) {
            ("normal", size) => Ok(Init::Normal(size.unwrap_or(0.01))),
            ("uniform", Some(bound)) => Ok(Init::Uniform(bound)),
            ("kaiming", None) => Ok(Init::Kaiming),
            ("lecun", None) => Ok(Init::Lecun),
            ("xavier", None) => Ok(Init::Xavier),
            ("data-driven", None) => Ok(Init::DataDriven),
            _ => Err(Error::setting(
                "init",
                text,
                "not an initialization; there are normal:SD, kaiming, lecun, xavier, uniform:BOUND, data-driven",
            )),
        }?;
        init.validate().map_err(|_| Error::setting("init", text, SIZE))?;
        Ok(init)
    }
}

impl std::fmt::Display for Init {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Init::Normal(deviation) => write!(f, "normal:{deviation}"),
            Init::Kaiming => f.write_str("kaiming"),
            Init::Lecun => f.write_str("lecun"),
            Init::Xavier => f.write_str("xavier"),
            Init::DataDriven => f.write_str("data-driven"),
            Init::Uniform(bound) => write!(f, "uniform:{bound}"),
        }
    }
}

impl TryFrom<String> for Init {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Init> for String {
    fn from(init: Init) -> Self {
        init.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(init: Init, seed: u64, layer: u32, inputs: usize, outputs: usize) -> Vec<f32> {
        let mut weights = vec![0.0; inputs * outputs];
        init.fill(Key::new(seed), layer, inputs, outputs, &mut weights);
        weights
    }

    fn moments(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        (mean, (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt())
    }

    #[test]
    fn has_the_deviation_it_says() {
        for (init, deviation) in [
            (Init::Normal(0.01), 0.01),
            (Init::Kaiming, (2.0f64 / 400.0).sqrt()),
            (Init::Lecun, 0.05),
            (Init::Xavier, (2.0f64 / 900.0).sqrt()),
            (Init::Uniform(0.3), 0.3 / 3f64.sqrt()),
        ] {
            let (mean, seen) = moments(&filled(init, 3, 0, 400, 500));
            // 200,000 draws: five standard errors of the mean, and 1 % of the deviation.
            assert!(mean.abs() < 5.0 * deviation / 200_000f64.sqrt(), "{init}: mean {mean}");
            assert!((seen / deviation - 1.0).abs() < 0.01, "{init}: deviation {seen}, not {deviation}");
        }
    }

    #[test]
    fn normal_has_normal_tails() {
        let values = filled(Init::Normal(1.0), 5, 1, 500, 1000);
        for (bound, probability) in [(1.0, 0.317_311), (2.0, 0.045_500), (3.0, 0.002_700)] {
            let n = values.len() as f64;
            let seen = values.iter().filter(|v| v.abs() > bound).count() as f64;
            let error = (seen - n * probability).abs() / (n * probability * (1.0 - probability)).sqrt();
            assert!(error < 4.5, "beyond {bound}: {seen} of {n}, {error} standard errors off");
        }
    }

    #[test]
    fn differs_by_seed_and_layer_and_not_by_length() {
        let a = filled(Init::Normal(0.01), 1, 0, 7, 5);
        assert_ne!(a, filled(Init::Normal(0.01), 2, 0, 7, 5));
        assert_ne!(a, filled(Init::Normal(0.01), 1, 1, 7, 5));
        assert_eq!(a[..], filled(Init::Normal(0.01), 1, 0, 7, 6)[..35]);
    }

    #[test]
    fn text_is_read_back() {
        let all = [Init::Normal(0.01), Init::Kaiming, Init::Lecun, Init::Xavier, Init::Uniform(0.25), Init::DataDriven];
        for init in all {
            assert_eq!(init.to_string().parse::<Init>().unwrap(), init);
        }
        for bad in
            ["", "normal:x", "normal:-1", "normal:nan", "normal:1e39", "uniform:inf", "kaiming:2", "uniform", "he"]
        {
            assert!(bad.parse::<Init>().is_err(), "{bad}");
        }
    }
}
