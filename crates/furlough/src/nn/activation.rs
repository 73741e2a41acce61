use crate::{Error, Result};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Zip};
use serde::{Deserialize, Serialize};

/// What a hidden unit does with its input `z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Activation {
    /// `z`: no activation.
    Identity,
    /// `max(z, 0)`; its derivative at 0 is 0.
    Relu,
    /// `z` above 0, `0.01 z` below.
    LeakyRelu,
    /// Hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-z))`.
    Sigmoid,
    /// `z Φ(z)` with Φ the normal distribution function (Hendrycks and Gimpel 2016), not its tanh
    /// approximation.
    Gelu,
    /// `z sigmoid(z)`, also called swish (Elfwing et al. 2017).
    Silu,
    /// `λz` above 0, `λα (exp(z) - 1)` below, with λ = [`Activation::SELU_LAMBDA`] and α =
    /// [`Activation::SELU_ALPHA`] (Klambauer et al. 2017): values of mean 0 and variance 1 stay
    /// near these from layer to layer, with weights from [`Init::Lecun`](super::Init::Lecun). Its
    /// derivative at 0 is λα, as from below.
    Selu,
    /// `z tanh(ln(1 + exp(z)))` (Misra 2019).
    Mish,
}

impl Activation {
    /// Every activation that a hidden layer can have, in the order help texts list them.
    pub const ALL: [Activation; 9] = [
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Gelu,
        Activation::Silu,
        Activation::Selu,
        Activation::Mish,
        Activation::Identity,
    ];

    /// Slope of [`Activation::LeakyRelu`] below zero.
    pub const LEAK: f32 = 0.01;

    /// λ of [`Activation::Selu`].
    pub const SELU_LAMBDA: f64 = 1.050_700_987_355_480_5;

    /// α of [`Activation::Selu`].
    pub const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

    /// The name in recipes and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Relu => "relu",
            Activation::LeakyRelu => "leaky-relu",
            Activation::Tanh => "tanh",
            Activation::Sigmoid => "sigmoid",
            Activation::Gelu => "gelu",
            Activation::Silu => "silu",
            Activation::Selu => "selu",
            Activation::Mish => "mish",
        }
    }

    /// The activation of one number.
    #[inline(always)]
    pub fn value(self, z: f32) -> f32 {
        match self {
            Activation::Identity => z,
            Activation::Relu => {
                if z < 0.0 {
                    0.0
                } else {
                    z
                }
            } // unlike max, lets a NaN through
            Activation::LeakyRelu => {
                if z > 0.0 {
                    z
                } else {
                    Self::LEAK * z
                }
            }
            Activation::Tanh => libm::tanhf(z),
            Activation::Sigmoid => sigmoid(z),
            Activation::Gelu => z * normal_cdf(z),
            Activation::Silu => z * sigmoid(z),
            Activation::Selu => {
                if z > 0.0 {
                    SELU_ABOVE * z
                } else {
                    SELU_BELOW * libm::expm1f(z)
                }
            }
            Activation::Mish => z * tanh_softplus(z),
        }
    }

    /// The derivative at `z`.
    #[inline(always)]
    pub fn derivative(self, z: f32) -> f32 {
        match self {
            Activation::Identity => 1.0,
            Activation::Relu => {
                if z > 0.0 {
                    1.0
                } else {
                    0.0
                }
            }
            Activation::LeakyRelu => {
                if z > 0.0 {
                    1.0
                } else {
                    Self::LEAK
                }
            }
            Activation::Tanh => 1.0 - libm::tanhf(z).powi(2),
            Activation::Sigmoid => sigmoid(z) * (1.0 - sigmoid(z)),
            Activation::Gelu => normal_cdf(z) + z * libm::expf(-0.5 * z * z) * INV_SQRT_TAU,
            Activation::Silu => sigmoid(z) * (1.0 + z * (1.0 - sigmoid(z))),
            Activation::Selu => {
                if z > 0.0 {
                    SELU_ABOVE
                } else {
                    SELU_BELOW * libm::expf(z)
                }
            }
            Activation::Mish => {
                let gate = tanh_softplus(z);
                gate + z * sigmoid(z) * (1.0 - gate * gate)
            }
        }
    }

    /// The parametric activation `y = z + α (f(z) − z)` of every number of `z`, examples × units,
    /// with a number α a unit: all of f for 1, none for 0 (Holzmüller, Grinsztajn and Steinwart,
    /// "Better by default", NeurIPS 2024).
    pub fn parametric_forward(self, z: ArrayView2<f32>, alpha: ArrayView1<f32>) -> Array2<f32> {
        let bent = self.forward(z) - z;
        &bent * &alpha + z
    }

    /// ∂L/∂z and ∂L/∂α, a number a unit, given z and `dy` = ∂L/∂y for y = parametric_forward(z).
    pub fn parametric_backward(
        self,
        z: ArrayView2<f32>,
        alpha: ArrayView1<f32>,
        dy: ArrayView2<f32>,
    ) -> (Array2<f32>, Array1<f32>) {
        let slope = z.mapv(|z| self.derivative(z) - 1.0) * alpha + 1.0;
        let by_alpha = (&(self.forward(z) - z) * &dy).sum_axis(Axis(0));
        (slope * dy, by_alpha)
    }

    /// The activation of every number of `z`.
    pub fn forward(self, z: ArrayView2<f32>) -> Array2<f32> {
        z.mapv(|z| self.value(z))
    }

    /// ∂L/∂z, given z and `dy` = ∂L/∂y for y = forward(z).
    pub fn backward(self, z: ArrayView2<f32>, dy: ArrayView2<f32>) -> Array2<f32> {
        Zip::from(z).and(dy).map_collect(|&z, &dy| self.derivative(z) * dy)
    }
}

/// λ and λα of SELU.
const SELU_ABOVE: f32 = Activation::SELU_LAMBDA as f32;
const SELU_BELOW: f32 = (Activation::SELU_LAMBDA * Activation::SELU_ALPHA) as f32;

/// 1 / sqrt(2π).
const INV_SQRT_TAU: f32 = 0.398_942_3;

fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-z))
}

fn tanh_softplus(z: f32) -> f32 {
    libm::tanhf(libm::log1pf(libm::expf(z)))
}

fn normal_cdf(z: f32) -> f32 {
    0.5 * (1.0 + libm::erff(z * std::f32::consts::FRAC_1_SQRT_2))
}

impl std::str::FromStr for Activation {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|a| a.name()).collect();
            Error::setting("activation", name, format!("not an activation; there are {}", known.join(", ")))
        })
    }
}

impl TryFrom<String> for Activation {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<Activation> for &'static str {
    fn from(activation: Activation) -> Self {
        activation.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_values() {
        for activation in Activation::ALL {
            // No sample at 0, where the rectifiers have a corner.
            for i in -40..40 {
                let z = i as f32 * 0.1 + 0.05;
                let h = 1e-2f32;
                let numeric = (activation.value(z + h) - activation.value(z - h)) / (2.0 * h);
                let error = (activation.derivative(z) - numeric).abs();
                assert!(error < 1e-4, "{activation:?} at {z}: off by {error}");
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        for activation in Activation::ALL {
            assert_eq!(activation.name().parse::<Activation>().unwrap(), activation);
        }
        let error = "rleu".parse::<Activation>().unwrap_err().to_string();
        assert!(error.contains("rleu") && error.contains("leaky-relu"), "{error}");
    }
}
