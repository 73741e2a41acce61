//! THE DEFINITION of concrete dropout. `docs/reference/masks.md` says which random words it takes.

use super::MaskKey;
use ndarray::{Array2, ArrayView2, Zip};

/// Concrete dropout at one value of p: each unit is multiplied by (1 - z)/(1 - p), where
///
/// ```text
/// z = sigmoid((logit p + logit u) / t),    t = 1/10,    u = (word + 1/2) / 2^32
/// ```
///
/// is nearly always close to 0 (kept) or to 1 (dropped), and has a derivative by p. So p is
/// learned, by its logit, with everything else. The word is that of ordinary dropout
/// ([`MaskKey::word`]); each example has a mask of its own.
///
/// With odds(v) = v/(1 - v), z is q/(1 + q) for q = (odds(u) · odds(p))^10, which takes no
/// exponential and no logarithm.
///
/// Y. Gal, J. Hron and A. Kendall, "Concrete dropout", NeurIPS 2017; the relaxation is that of C.
/// Maddison, A. Mnih and Y. W. Teh, "The concrete distribution", ICLR 2017.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Concrete {
    p: f64,
}

/// One over the temperature t of the relaxation.
const SHARPNESS: f64 = 10.0;

impl Concrete {
    /// Logits stay between this and its negative: p between 1.1e-7 and 1 - 1.1e-7.
    pub const LARGEST_LOGIT: f64 = 16.0;

    /// Concrete dropout with the p that has this logit.
    pub fn of_logit(logit: f64) -> Self {
        Concrete { p: 1.0 / (1.0 + libm::exp(-logit)) }
    }

    /// Concrete dropout with a p above 0 and below 1.
    pub(crate) fn of_p(p: f64) -> Self {
        Concrete { p }
    }

    /// ln(p/(1-p)), within [`Self::LARGEST_LOGIT`].
    pub fn logit(self) -> f64 {
        libm::log(self.p / (1.0 - self.p)).clamp(-Self::LARGEST_LOGIT, Self::LARGEST_LOGIT)
    }

    /// The drop probability.
    pub fn p(self) -> f64 {
        self.p
    }

    /// p/(1-p), in single precision.
    pub fn odds(self) -> f32 {
        (self.p / (1.0 - self.p)) as f32
    }

    /// 1/(1-p), in single precision: what a unit that is wholly kept is multiplied by.
    pub fn scale(self) -> f32 {
        (1.0 / (1.0 - self.p)) as f32
    }

    /// 1 - z for the word of a unit, from 0 (dropped) to 1 (kept). Every operation is rounded to
    /// single precision.
    pub fn kept(self, word: u32) -> f32 {
        let odds = (word as f32 + 0.5) / ((u32::MAX - word) as f32 + 0.5) * self.odds();
        let square = odds * odds;
        let fourth = square * square;
        1.0 / (1.0 + fourth * fourth * square)
    }

    /// What a unit is multiplied by, given its word: [`Self::kept`] times [`Self::scale`].
    pub fn factor(self, word: u32) -> f32 {
        self.kept(word) * self.scale()
    }

    /// Concrete dropout of `x` (examples × units), whose row i is the example with id
    /// `examples[i]`.
    ///
    /// # Panics
    /// When there are not as many ids as rows.
    pub fn forward(self, x: ArrayView2<f32>, examples: &[u32], site: &MaskKey) -> Array2<f32> {
        assert_eq!(x.nrows(), examples.len(), "one example id a row");
        Array2::from_shape_fn(x.dim(), |(row, unit)| {
            x[[row, unit]] * self.factor(site.word(examples[row], unit as u32))
        })
    }

    /// ∂L/∂x and ∂L/∂(logit p), given y = forward(x) and `dy` = ∂L/∂y: the derivative of the factor
    /// f by the logit is f · (p - z/t).
    ///
    /// # Panics
    /// When there are not as many ids as rows, or `y` and `dy` differ in shape.
    pub fn backward(
        self,
        y: ArrayView2<f32>,
        dy: ArrayView2<f32>,
        examples: &[u32],
        site: &MaskKey,
    ) -> (Array2<f32>, f64) {
        let mut logit = 0.0;
        Zip::indexed(y).and(dy).for_each(|(row, unit), &y, &dy| {
            let dropped = 1.0 - f64::from(self.kept(site.word(examples[row], unit as u32)));
            logit += f64::from(dy) * f64::from(y) * (self.p - SHARPNESS * dropped);
        });
        (self.forward(dy, examples, site), logit)
    }

    /// The derivatives of the regularizer
    ///
    /// ```text
    /// length² / N · |W|² / (1 - p)  +  entropy / N · K · (p ln p + (1 - p) ln(1 - p))
    /// ```
    ///
    /// where W are the weights of the next linear layer, K its inputs, and N the number of training
    /// examples: by the logit, given `squares` = |W|²; and what each weight is multiplied by to
    /// give its own.
    pub fn regularizer(self, prior: ConcretePrior, inputs: usize, examples: usize, squares: f64) -> (f64, f64) {
        let Concrete { p } = self;
        let logit = libm::log(p / (1.0 - p));
        let weights = prior.length * prior.length / examples as f64 / (1.0 - p);
        let entropy = prior.entropy / examples as f64 * inputs as f64 * logit * p * (1.0 - p);
        (weights * p * squares + entropy, 2.0 * weights)
    }
}

/// What concrete dropout believes before it has seen data: the factors of
/// [`Concrete::regularizer`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConcretePrior {
    /// The prior length scale l of the weights, at least 0.
    pub length: f64,
    /// The factor of the entropy, at least 0. 1 is that of the paper where the loss is a negative
    /// log-likelihood; more draws p to 1/2.
    pub entropy: f64,
}

impl Default for ConcretePrior {
    /// l = 1e-4, as in the authors' code, and the paper's entropy.
    fn default() -> Self {
        ConcretePrior { length: 1e-4, entropy: 1.0 }
    }
}
