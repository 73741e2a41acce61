use super::answers::softmax;
use super::calibration::labels_of;
use super::regression::RegressionSums;
use super::{Calibration, Evaluation, MonteCarlo, calibration};
use crate::compute::{Cpu, Isa, Precision};
use crate::data::{Dataset, Examples, Inputs, Targets, Task};
use crate::nn::{Mlp, argmax};
use crate::random::Key;
use crate::train::{Evaluator, Scores, check_fit, check_inputs};
use crate::{Error, Result};
use ndarray::Array2;
use std::borrow::Cow;

/// Answers by a trained network.
///
/// What it answers for is anything that becomes [`Inputs`]: an array of numbers, [`Examples`], or a
/// data set. An example's answer has the same bits whatever is beside
/// it. Arrays are taken as they are: a network that learned from bytes saw them times their scale.
///
/// ```no_run
/// use furlough::{data::digits, files::load_model, predict::Predictor};
/// let (mlp, _) = load_model("runs/digits-1/model.safetensors".as_ref())?;
/// let test = digits::load()?.test;
/// let probabilities = Predictor::new(mlp, 1).predict_proba(&test)?;
/// println!("the first digit is a 3 with probability {}", probabilities[[0, 3]]);
/// # Ok::<(), furlough::Error>(())
/// ```
pub struct Predictor {
    pub(super) mlp: Mlp,
    pub(super) cpu: Cpu,
    pub(super) precision: Precision,
    evaluator: Evaluator,
    task: Option<Task>,
}

/// Makes logits, examples × classes, probabilities: the softmax of each row, as
/// [`Predictor::predict_proba`] takes it.
///
/// ```
/// use ndarray::array;
/// let mut outputs = array![[0.0, 0.0], [1.0, 3.0]];
/// furlough::predict::softmax_rows(&mut outputs);
/// assert_eq!(outputs.row(0), array![0.5, 0.5]);
/// ```
pub fn softmax_rows(outputs: &mut Array2<f32>) {
    for mut row in outputs.rows_mut() {
        let largest = row.fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        row.mapv_inplace(|z| libm::expf(z - largest));
        let sum = row.sum();
        row.mapv_inplace(|e| e / sum);
    }
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
        Predictor { mlp, cpu, precision, evaluator: Evaluator::default(), task: None }
    }

    /// Returns another predictor with the same network, precision and answers, on `threads`
    /// threads.
    ///
    /// ```
    /// use furlough::{nn::Mlp, predict::Predictor};
    /// use ndarray::array;
    /// let mut one = Predictor::new(Mlp::builder(2, 1).build()?, 1);
    /// let x = array![[0.1, 0.2]];
    /// assert_eq!(one.on_threads(2).predict(&x)?, one.predict(&x)?);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    pub fn on_threads(&self, threads: usize) -> Predictor {
        let Predictor { mlp, precision, task, .. } = self;
        Predictor { task: *task, ..Predictor::with_precision(mlp.clone(), threads, *precision) }
    }

    /// The network.
    pub fn mlp(&self) -> &Mlp {
        &self.mlp
    }

    /// Returns the predictor told what the network's outputs are, which [`Self::monte_carlo`] must
    /// know where no data set's targets say it.
    ///
    /// ```
    /// use furlough::{data::Task, nn::Mlp, predict::Predictor, random::Key};
    /// use ndarray::array;
    /// let mlp = Mlp::builder(2, 1).hidden([16]).dropout([0.2]).build()?; // or a trained one
    /// let mut predictor = Predictor::new(mlp, 1).with_task(Task::Regression);
    /// let sampled = predictor.monte_carlo(&array![[0.1, 0.2], [0.3, 0.4]], 50, Key::new(0))?;
    /// assert_eq!(sampled.means.dim(), (2, 1));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    pub fn with_task(self, task: Task) -> Self {
        Predictor { task: Some(task), ..self }
    }

    /// Returns the outputs for each example, examples × outputs: predicted numbers, or the logits
    /// of classes.
    ///
    /// ```
    /// use furlough::{nn::Mlp, predict::Predictor};
    /// use ndarray::array;
    /// let mlp = Mlp::builder(3, 1).hidden([8]).build()?; // or a trained one
    /// let x = array![[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]];
    /// let predicted = Predictor::new(mlp, 1).predict(x.view())?;
    /// assert_eq!(predicted.dim(), (2, 1));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Data`] when the examples do not fit the network or are not finite.
    pub fn predict<'a>(&mut self, x: impl Into<Inputs<'a>>) -> Result<Array2<f32>> {
        let x = self.fitting(x.into())?;
        Ok(self.outputs(&x))
    }

    /// Returns the softmax of the outputs: the probability of each class, examples × classes.
    ///
    /// ```
    /// use furlough::{data::digits, nn::Mlp, predict::Predictor};
    /// let mlp = Mlp::builder(64, 10).build()?; // or a trained one
    /// let probabilities = Predictor::new(mlp, 1).predict_proba(&digits::load()?.test)?;
    /// assert!(probabilities.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-5));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::predict`], and [`Error::Data`] when the outputs are not classes.
    pub fn predict_proba<'a>(&mut self, x: impl Into<Inputs<'a>>) -> Result<Array2<f32>> {
        let mut outputs = self.logits(x.into())?;
        softmax_rows(&mut outputs);
        Ok(outputs)
    }

    /// Returns the most probable class of each example, the first of equals, counted from 0 in the
    /// order of the data's class names.
    ///
    /// ```
    /// use furlough::{data::Dataset, nn::Mlp, predict::Predictor};
    /// use ndarray::array;
    /// let data = Dataset::classification(array![[0.0, 1.0], [1.0, 0.0]], ["no", "yes"])?;
    /// let mlp = Mlp::builder(2, 2).build()?; // or a trained one
    /// let classes = Predictor::new(mlp, 1).predict_classes(&array![[0.5, 0.5]])?;
    /// println!("{}", data.class_names()[classes[0]]);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::predict_proba`].
    pub fn predict_classes<'a>(&mut self, x: impl Into<Inputs<'a>>) -> Result<Vec<usize>> {
        let outputs = self.logits(x.into())?;
        Ok(outputs.rows().into_iter().map(|row| argmax(row.as_slice().expect("rows are contiguous"))).collect())
    }

    /// Returns the examples, if they fit the network.
    pub(super) fn fitting<'a>(&self, x: Inputs<'a>) -> Result<Cow<'a, Examples>> {
        if let Inputs::Dataset(data) = x {
            check_fit(self.mlp.architecture(), data)?;
        }
        let examples = x.examples()?;
        check_inputs(self.mlp.architecture(), &examples)?;
        Ok(examples)
    }

    /// Returns what the outputs are, as far as anybody said.
    fn task_of(&self, x: Inputs<'_>) -> Result<Option<Task>> {
        let said = match x {
            Inputs::Dataset(data) => Some(data.targets().task()),
            Inputs::Examples(_) | Inputs::Rows(_) => None,
        };
        match (self.task, said) {
            (Some(Task::Classification), Some(Task::Regression)) => {
                Err(Error::data("set", "has numbers to predict, but the network answers with classes"))
            }
            (Some(Task::Regression), Some(Task::Classification)) => {
                Err(Error::data("set", "has classes, but the network predicts numbers"))
            }
            (told, said) => Ok(told.or(said)),
        }
    }

    /// Returns what the outputs are, which somebody must have said.
    pub(super) fn known_task(&self, x: Inputs<'_>) -> Result<Task> {
        let reason = "say what the outputs are: Predictor::with_task(Task::Classification), or Task::Regression";
        self.task_of(x)?.ok_or_else(|| Error::setting("task", "unknown", reason))
    }

    /// Returns the outputs, which are logits.
    fn logits(&mut self, x: Inputs<'_>) -> Result<Array2<f32>> {
        if self.task_of(x)? == Some(Task::Regression) {
            return Err(Error::data("set", "has numbers to predict, which have no classes and no probabilities"));
        }
        let examples = self.fitting(x)?;
        Ok(self.outputs(&examples))
    }

    /// Returns the outputs for examples that fit.
    pub(super) fn outputs(&mut self, data: &Examples) -> Array2<f32> {
        let mut outputs = Array2::zeros((data.len(), self.mlp.architecture().outputs()));
        let values = outputs.as_slice_mut().expect("a new array is contiguous");
        self.cpu.forward(&self.mlp, data, 0..data.len() as u32, None, values);
        outputs
    }

    /// How good the answers are.
    ///
    /// # Errors
    /// [`Error::Data`] when the data does not fit the network, or all its weights are 0.
    pub fn evaluate(&mut self, data: &Dataset) -> Result<Evaluation> {
        check_fit(self.mlp.architecture(), data)?;
        self.task_of(data.into())?;
        data.check_weights()?;
        let (mut confusion, mut sums) = match data.targets() {
            Targets::Classes { names, .. } => (Some(Array2::zeros((names.len(), names.len()))), None),
            Targets::Values(values) => (None, Some(RegressionSums::new(data, values.view()))),
        };
        let scores = self.evaluator.evaluate(&mut self.cpu, &self.mlp, data, |example, outputs| {
            if let (Some(confusion), Targets::Classes { labels, .. }) = (&mut confusion, data.targets()) {
                confusion[[labels[example] as usize, argmax(outputs)]] += 1;
            }
            if let Some(sums) = &mut sums {
                sums.add(example, outputs.iter().map(|&output| f64::from(output)));
            }
        });
        let regression = sums.map(|sums| sums.scores());
        let Scores { loss, accuracy } = scores;
        Ok(Evaluation { examples: data.len(), loss, accuracy, confusion, regression })
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
    /// [`Error::Data`] when the data does not fit the network or has numbers to predict, or
    /// the outputs are not numbers; [`Error::Setting`] when the number of bins is out of
    /// range.
    pub fn calibration(&mut self, data: &Dataset, bins: usize) -> Result<Calibration> {
        let labels = labels_of(data, "calibration")?;
        calibration(softmax(self.predict(data)?.view()).view(), labels, bins)
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
    /// As [`Self::predict`]; [`Error::Setting`] when `samples` is 0, and when neither a data set's
    /// targets nor [`Self::with_task`] say what the outputs are.
    pub fn monte_carlo<'a>(&mut self, x: impl Into<Inputs<'a>>, samples: u32, key: Key) -> Result<MonteCarlo> {
        self.monte_carlo_from(x, 0, samples, key)
    }

    /// [`Self::monte_carlo`] for a part of more examples, of which `first` stand before it: an
    /// example has the masks, and so the answers, that it has among all of them. Numbers count
    /// modulo 2³².
    ///
    /// ```
    /// use furlough::{data::Task, nn::Mlp, predict::Predictor, random::Key};
    /// use ndarray::{array, s};
    /// let mlp = Mlp::builder(2, 1).hidden([16]).dropout([0.2]).build()?; // or a trained one
    /// let mut predictor = Predictor::new(mlp, 1).with_task(Task::Regression);
    /// let x = array![[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]];
    /// let all = predictor.monte_carlo(&x, 50, Key::new(0))?;
    /// let last = predictor.monte_carlo_from(x.slice(s![2.., ..]), 2, 50, Key::new(0))?;
    /// assert_eq!(last.means.row(0), all.means.row(2));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::monte_carlo`].
    pub fn monte_carlo_from<'a>(
        &mut self,
        x: impl Into<Inputs<'a>>,
        first: u32,
        samples: u32,
        key: Key,
    ) -> Result<MonteCarlo> {
        let x = x.into();
        let task = self.known_task(x)?;
        let examples = self.fitting(x)?;
        self.cpu.number_examples_from(first);
        let sampled = MonteCarlo::sample((&mut self.cpu, &self.mlp), &examples, task, samples, key);
        self.cpu.number_examples_from(0);
        sampled
    }
}
