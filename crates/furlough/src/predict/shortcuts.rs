//! The short ways from a network to its answers.

use super::Predictor;
use crate::Result;
use crate::data::Inputs;
use crate::nn::Mlp;
use ndarray::Array2;

impl Mlp {
    /// Returns the outputs for each example, examples × outputs, computed on the calling thread.
    /// Each call makes a [`Predictor`], which packs the weights; for many calls, or more threads,
    /// keep one.
    ///
    /// ```
    /// use furlough::nn::Mlp;
    /// use ndarray::array;
    /// let mlp = Mlp::builder(3, 1).hidden([8]).build()?; // or Mlp::load("model.safetensors")
    /// assert_eq!(mlp.predict(&array![[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])?.dim(), (2, 1));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Predictor::predict`].
    pub fn predict<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Array2<f32>> {
        self.predictor().predict(x)
    }

    /// Returns the probability of each class, examples × classes, as [`Self::predict`] does.
    ///
    /// ```
    /// use furlough::nn::Mlp;
    /// use ndarray::array;
    /// let mlp = Mlp::builder(2, 3).build()?; // or a trained one
    /// let probabilities = mlp.predict_proba(&array![[0.1, 0.2]])?;
    /// assert!((probabilities.sum() - 1.0).abs() < 1e-6);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Predictor::predict_proba`].
    pub fn predict_proba<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Array2<f32>> {
        self.predictor().predict_proba(x)
    }

    /// Returns the most probable class of each example, from 0, as [`Self::predict`] does.
    ///
    /// ```
    /// use furlough::nn::Mlp;
    /// use ndarray::array;
    /// let mlp = Mlp::builder(2, 3).build()?; // or a trained one
    /// assert!(mlp.predict_classes(&array![[0.1, 0.2], [0.3, 0.4]])?.iter().all(|&class| class < 3));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Predictor::predict_classes`].
    pub fn predict_classes<'a>(&self, x: impl Into<Inputs<'a>>) -> Result<Vec<usize>> {
        self.predictor().predict_classes(x)
    }

    fn predictor(&self) -> Predictor {
        Predictor::new(self.clone(), 1)
    }
}
