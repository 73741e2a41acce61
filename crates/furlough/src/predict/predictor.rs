use super::answers::softmax;
use super::calibration::labels_of;
use super::{Calibration, Evaluation, MonteCarlo, calibration};
use crate::Result;
use crate::compute::{Cpu, Isa, Precision};
use crate::data::{Dataset, Targets};
use crate::nn::Mlp;
use crate::random::Key;
use crate::train::{Evaluator, check_fit};
use ndarray::Array2;

/// Answers by a trained network.
///
/// ```no_run
/// use furlough::{data::digits, files::load_model, predict::Predictor};
/// let (mlp, _) = load_model("runs/digits-1/model.safetensors".as_ref())?;
/// let test = digits::load()?.test;
/// let probabilities = Predictor::new(mlp, 1).probabilities(&test)?;
/// println!("the first digit is a 3 with probability {}", probabilities[[0, 3]]);
/// # Ok::<(), furlough::Error>(())
/// ```
pub struct Predictor {
    pub(super) mlp: Mlp,
    pub(super) cpu: Cpu,
    pub(super) precision: Precision,
    evaluator: Evaluator,
}

impl Predictor {
    /// A predictor on `threads` threads, from 1 to [`crate::compute::MAX_THREADS`], in single
    /// precision. More count as so many.
    pub fn new(mlp: Mlp, threads: usize) -> Self {
        Predictor::with_precision(mlp, threads, Precision::F32)
    }

    /// A predictor whose matrix products multiply such numbers; with those of its training it gives
    /// the very scores that training reported.
    pub fn with_precision(mlp: Mlp, threads: usize, precision: Precision) -> Self {
        let cpu = Cpu::with(mlp.architecture(), 0, threads, precision, Isa::best());
        Predictor { mlp, cpu, precision, evaluator: Evaluator::default() }
    }

    /// The network.
    pub fn mlp(&self) -> &Mlp {
        &self.mlp
    }

    /// The outputs (logits or predictions) for each example: examples × outputs.
    ///
    /// # Errors
    /// [`crate::Error::Data`] when the data does not fit the network.
    pub fn outputs(&mut self, data: &Dataset) -> Result<Array2<f32>> {
        check_fit(self.mlp.architecture(), data)?;
        let mut outputs = Array2::zeros((data.len(), data.outputs()));
        let values = outputs.as_slice_mut().expect("a new array is contiguous");
        self.cpu.forward(&self.mlp, data, 0..data.len() as u32, None, values);
        Ok(outputs)
    }

    /// The softmax of the outputs: the probability of each class, examples × classes.
    ///
    /// # Errors
    /// As [`Self::outputs`].
    pub fn probabilities(&mut self, data: &Dataset) -> Result<Array2<f32>> {
        let mut outputs = self.outputs(data)?;
        for mut row in outputs.rows_mut() {
            let largest = row.fold(f32::NEG_INFINITY, |a, &b| a.max(b));
            row.mapv_inplace(|z| libm::expf(z - largest));
            let sum = row.sum();
            row.mapv_inplace(|e| e / sum);
        }
        Ok(outputs)
    }

    /// How good the answers are.
    ///
    /// # Errors
    /// As [`Self::outputs`].
    pub fn evaluate(&mut self, data: &Dataset) -> Result<Evaluation> {
        check_fit(self.mlp.architecture(), data)?;
        data.check_weights()?;
        let mut confusion = match data.targets() {
            Targets::Values(_) => None,
            Targets::Classes { names, .. } => Some(Array2::zeros((names.len(), names.len()))),
        };
        let scores = self.evaluator.evaluate(&mut self.cpu, &self.mlp, data, |class, answer| {
            if let Some(confusion) = &mut confusion {
                confusion[[class, answer]] += 1;
            }
        });
        Ok(Evaluation { examples: data.len(), loss: scores.loss, accuracy: scores.accuracy, confusion })
    }

    /// How far the probabilities can be believed, in so many bins ([`Calibration::BINS`] as a
    /// rule). The softmax is taken in double precision.
    ///
    /// ```
    /// use furlough::nn::{Init, Layer::*, Mlp, Sequential};
    /// use furlough::{data::digits, predict::{Calibration, Predictor}, random::Key};
    /// let network = Sequential::new([Flatten, Linear(64, 32), Relu, Dropout(0.5), Linear(32, 10)]);
    /// let mlp = Mlp::new(network.validate()?, Init::Kaiming, Key::new(0)); // or a trained one
    /// let measured = Predictor::new(mlp, 1).calibration(&digits::load()?.test, Calibration::BINS)?;
    /// assert_eq!((measured.examples, measured.bins.len()), (360, 15));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::Data`] when the data does not fit the network or has numbers to predict, or
    /// the outputs are not numbers; [`crate::Error::Setting`] when the number of bins is out of
    /// range.
    pub fn calibration(&mut self, data: &Dataset, bins: usize) -> Result<Calibration> {
        let labels = labels_of(data, "calibration")?;
        calibration(softmax(self.outputs(data)?.view()).view(), labels, bins)
    }

    /// Answers by `samples` masked passes over each example: the means over the sub-networks, and
    /// how far these agree.
    ///
    /// The masks of sample s are those of stream monte-carlo at step s under `key`
    /// (`docs/reference/masks.md`), drawn with the drop probabilities of training. So the same key
    /// gives the same answers, whatever the threads, the order or the number of the examples'
    /// neighbors; and sample 7 of 10 is sample 7 of 100. A network without dropout gives the same
    /// answer in each pass.
    ///
    /// ```
    /// use furlough::{data::digits, nn::{Init, Layer::*, Mlp, Sequential}, predict::{Predictor, Spread}, random::Key};
    /// let network = Sequential::new([Flatten, Linear(64, 32), Relu, Dropout(0.5), Linear(32, 10)]);
    /// let mlp = Mlp::new(network.validate()?, Init::Kaiming, Key::new(0)); // or a trained one
    /// let test = digits::load()?.test;
    /// let sampled = Predictor::new(mlp, 2).monte_carlo(&test, 20, Key::new(0))?;
    /// assert_eq!(sampled.means.dim(), (360, 10));
    /// let Spread::Classes(answers) = &sampled.spread else { unreachable!("digits are classes") };
    /// let least_sure = answers.iter().max_by(|a, b| a.predictive_entropy.total_cmp(&b.predictive_entropy)).unwrap();
    /// let (entropy, shared) = (least_sure.predictive_entropy, least_sure.mutual_information);
    /// println!("entropy {entropy:.2} nats, of which {shared:.2} are disagreement");
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::Data`] when the data does not fit the network, [`crate::Error::Setting`]
    /// when `samples` is 0.
    pub fn monte_carlo(&mut self, data: &Dataset, samples: u32, key: Key) -> Result<MonteCarlo> {
        check_fit(self.mlp.architecture(), data)?;
        MonteCarlo::sample(&mut self.cpu, &self.mlp, data, samples, key)
    }
}
