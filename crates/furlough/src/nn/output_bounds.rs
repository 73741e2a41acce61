use super::Mlp;
use crate::{Error, Result, counted};

impl Mlp {
    /// Returns the network with the least and the largest number that it may answer with, one pair
    /// an output: what is beyond becomes the nearer of the two. Training does not see them. RealMLP
    /// (Holzmüller, Grinsztajn and Steinwart, "Better by default", NeurIPS 2024) takes the range of
    /// the training targets, as
    /// [`TrainOptions::clamp_outputs`](crate::train::TrainOptions::clamp_outputs) does.
    ///
    /// ```
    /// use furlough::{nn::Mlp, predict::Predictor};
    /// use ndarray::array;
    /// let mlp = Mlp::builder(1, 1).hidden([]).build()?.with_output_bounds(vec![[0.0, 1.0]])?;
    /// let answers = Predictor::new(mlp, 1).predict(&array![[1e6], [-1e6]])?;
    /// assert_eq!(answers.sum(), 1.0);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] unless there is one pair for each output, or none at all, each of finite
    /// numbers of which the first is not the larger.
    pub fn with_output_bounds(mut self, bounds: Vec<[f32; 2]>) -> Result<Self> {
        let outputs = self.architecture().outputs();
        let good = |[least, most]: &[f32; 2]| least <= most && least.is_finite() && most.is_finite();
        if ![0, outputs].contains(&bounds.len()) || !bounds.iter().all(good) {
            let pairs = counted(outputs, "pair");
            let reason = format!("needs {pairs} of finite numbers, of which the first is not the larger");
            return Err(Error::setting("output_bounds", format!("{bounds:?}"), reason));
        }
        self.output_bounds = bounds;
        Ok(self)
    }

    /// Returns the least and the largest number that each output may be; none where there are no
    /// bounds.
    pub fn output_bounds(&self) -> &[[f32; 2]] {
        &self.output_bounds
    }

    /// Brings the outputs of an example within their bounds.
    pub(crate) fn bound_outputs(&self, outputs: &mut [f32]) {
        for (output, &[least, most]) in outputs.iter_mut().zip(&self.output_bounds) {
            // A NaN stays one.
            *output = output.clamp(least, most);
        }
    }
}
