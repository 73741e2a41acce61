use super::examples::{check_finite, in_standard_order};
use super::{Examples, Features};
use crate::{Error, Result, counted};
use ndarray::{Array2, Axis};
use std::ops::Deref;

/// What the network is to answer: one row an example.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// One class an example, `0 .. names.len()`.
    Classes {
        /// The class of each example.
        labels: Vec<u32>,
        /// The classes' names, in order; their number is the number of classes.
        names: Vec<String>,
    },
    /// Numbers to predict: examples × outputs, in standard (row-major) order.
    Values(Array2<f32>),
}

/// What a network's outputs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// The logits of classes, one output a class.
    Classification,
    /// Predicted numbers.
    Regression,
}

impl Targets {
    /// Returns what a network that learns these has for outputs.
    pub fn task(&self) -> Task {
        match self {
            Targets::Classes { .. } => Task::Classification,
            Targets::Values(_) => Task::Regression,
        }
    }
}

/// Examples and their targets, checked once: as many of each, at least one, every label in range,
/// every number finite. A data set is [`Examples`] to whatever needs no targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    examples: Examples,
    targets: Targets,
    weights: Option<Vec<f32>>,
}

/// What needs no targets goes through the examples.
impl Deref for Dataset {
    type Target = Examples;

    fn deref(&self) -> &Examples {
        &self.examples
    }
}

/// A data set's training and test parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// What is learned from.
    pub train: Dataset,
    /// What is only ever evaluated on.
    pub test: Dataset,
}

impl Dataset {
    /// A checked data set. `shape` is the shape of one example (`[28, 28]` for an image) and its
    /// product the number of features.
    ///
    /// ```
    /// use furlough::data::{Dataset, Features, Targets};
    /// use ndarray::array;
    /// let data = Dataset::new(
    ///     Features::Floats(array![[0.0, 1.0], [1.0, 0.0]]),
    ///     Targets::Classes { labels: vec![1, 0], names: vec!["left".into(), "right".into()] },
    ///     &[2],
    /// )?;
    /// assert_eq!((data.len(), data.features(), data.outputs()), (2, 2, 2));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Data`] when there is no example, when the counts disagree, or when a value is out
    /// of range.
    pub fn new(features: Features, targets: Targets, shape: &[usize]) -> Result<Self> {
        Dataset::of(Examples::new(features, shape)?, targets)
    }

    /// Returns the data set of these examples and their targets.
    ///
    /// ```
    /// use furlough::data::{Dataset, Examples, Features, Targets};
    /// use ndarray::array;
    /// let images = Features::Bytes { rows: array![[0, 255, 255, 0], [255, 0, 0, 255]], scale: 1.0 / 255.0 };
    /// let targets = Targets::Classes { labels: vec![1, 0], names: vec!["\\".into(), "/".into()] };
    /// let data = Dataset::of(Examples::new(images, &[2, 2])?, targets)?;
    /// assert_eq!((data.shape(), data.outputs()), (&[2, 2][..], 2));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Data`] when the counts disagree, or when a target is out of range.
    pub fn of(examples: Examples, targets: Targets) -> Result<Self> {
        let bad = |reason: String| Err(Error::data("set", reason));
        let targets = match targets {
            Targets::Values(values) => Targets::Values(in_standard_order(values)),
            classes @ Targets::Classes { .. } => classes,
        };
        let count = match &targets {
            Targets::Classes { labels, names } => {
                let classes = names.len();
                if classes < 2 {
                    return bad(format!("has {}; at least 2 are needed", counted(classes, "class")));
                }
                if let Some(at) = labels.iter().position(|&label| label as usize >= classes) {
                    return bad(format!(
                        "example {at} has label {}, but labels go from 0 to {}",
                        labels[at],
                        classes - 1
                    ));
                }
                labels.len()
            }
            Targets::Values(values) => {
                if values.ncols() == 0 {
                    return bad("targets need at least one column".into());
                }
                check_finite(values, "target")?;
                values.nrows()
            }
        };
        if count != examples.len() {
            return bad(format!("has {} but {}", counted(examples.len(), "example"), counted(count, "target")));
        }
        Ok(Dataset { examples, targets, weights: None })
    }

    /// Returns the same data set with a name for each feature, which a model file keeps.
    ///
    /// ```
    /// use furlough::data::Dataset;
    /// use ndarray::array;
    /// let data = Dataset::regression(array![[60.0, 2.0], [90.0, 3.0]], array![200.0, 300.0])?;
    /// assert_eq!(data.with_feature_names(["area", "rooms"])?.feature_names(), ["area", "rooms"]);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Examples::with_feature_names`].
    pub fn with_feature_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        self.examples = self.examples.with_feature_names(names)?;
        Ok(self)
    }

    /// Returns the data set of some examples, in this order; their ids are their places in it.
    ///
    /// # Panics
    /// When there is no example, or one that does not exist.
    pub fn select(&self, examples: &[u32]) -> Dataset {
        let rows: Vec<usize> = examples.iter().map(|&example| example as usize).collect();
        let targets = match &self.targets {
            Targets::Classes { labels, names } => {
                Targets::Classes { labels: rows.iter().map(|&row| labels[row]).collect(), names: names.clone() }
            }
            Targets::Values(all) => Targets::Values(all.select(Axis(0), &rows)),
        };
        let weights = self.weights.as_ref().map(|all| rows.iter().map(|&row| all[row]).collect());
        Dataset { examples: self.examples.select(examples), targets, weights }
    }

    /// Returns the data set with a weight for each example. A batch's loss is then a weighted mean,
    /// [`Loss`](crate::nn::Loss), and so are scores. Weights that are all 1 change nothing.
    ///
    /// ```
    /// use furlough::data::{Dataset, Features, Targets};
    /// use ndarray::array;
    /// let targets = Targets::Values(array![[1.0], [2.0], [30.0]]);
    /// let data = Dataset::new(Features::Floats(array![[1.0], [2.0], [3.0]]), targets, &[1])?;
    /// let data = data.with_weights(vec![1.0, 1.0, 0.1])?;
    /// assert_eq!(data.weight(2), 0.1);
    /// # Ok::<(), furlough::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Data`] unless there is one weight an example, each is a finite number of at least
    /// 0, and one of them is above 0.
    pub fn with_weights(mut self, weights: Vec<f32>) -> Result<Self> {
        let bad = |reason: String| Err(Error::data("set", reason));
        if weights.len() != self.len() {
            let (examples, weights) = (counted(self.len(), "example"), counted(weights.len(), "weight"));
            return bad(format!("has {examples} but {weights}"));
        }
        if let Some(at) = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            return bad(format!("example {at} has weight {}; weights are finite numbers of at least 0", weights[at]));
        }
        self.weights = Some(weights);
        self.check_weights()?;
        Ok(self)
    }

    /// Checks that some example counts.
    ///
    /// # Errors
    /// [`Error::Data`] when all weights are 0, as those of a part of a data set may be.
    pub(crate) fn check_weights(&self) -> Result<()> {
        if self.total_weight() > 0.0 {
            return Ok(());
        }
        Err(Error::data("set", "has weights that are all 0; at least one example must count"))
    }

    /// Returns what its rows consist of, to put others in their place: features, targets and
    /// weights.
    pub(super) fn rows_mut(&mut self) -> (&mut [f32], &mut Targets, Option<&mut Vec<f32>>) {
        (self.examples.floats_mut(), &mut self.targets, self.weights.as_mut())
    }

    /// As [`Examples::be_part_of`].
    pub(super) fn be_part_of(&mut self, whole: usize) {
        self.examples.be_part_of(whole);
    }

    pub(super) fn forget_part(&mut self) {
        self.examples.forget_part();
    }

    pub(super) fn set_number(&mut self, example: usize, number: u32) {
        self.examples.set_number(example, number);
    }

    /// Returns the examples without their targets.
    pub fn examples(&self) -> &Examples {
        &self.examples
    }

    /// Number of outputs that a network for this data has: its classes, or its target columns.
    pub fn outputs(&self) -> usize {
        match &self.targets {
            Targets::Classes { names, .. } => names.len(),
            Targets::Values(values) => values.ncols(),
        }
    }

    /// The answers.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Returns the weight of each example, if they have weights.
    pub fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }

    /// Returns the weight of an example, which is 1 where there are no weights.
    ///
    /// # Panics
    /// When there is no such example.
    #[inline]
    pub fn weight(&self, example: usize) -> f32 {
        self.weights.as_ref().map_or(1.0, |weights| weights[example])
    }

    /// Returns the sum of the examples' weights, which is their number where there are no weights.
    pub fn total_weight(&self) -> f64 {
        self.weights.as_ref().map_or(self.len() as f64, |all| all.iter().map(|&weight| f64::from(weight)).sum())
    }

    /// Returns the class of each example; none for numbers.
    ///
    /// ```
    /// use furlough::data::Dataset;
    /// use ndarray::array;
    /// let data = Dataset::classification(array![[1.0], [2.0], [3.0]], ["b", "a", "b"])?;
    /// assert_eq!(data.labels(), Some(&[1, 0, 1][..]));
    /// # Ok::<(), furlough::Error>(())
    /// ```
    pub fn labels(&self) -> Option<&[u32]> {
        match &self.targets {
            Targets::Classes { labels, .. } => Some(labels),
            Targets::Values(_) => None,
        }
    }

    /// The classes' names, in order; none for numbers.
    pub fn class_names(&self) -> &[String] {
        match &self.targets {
            Targets::Classes { names, .. } => names,
            Targets::Values(_) => &[],
        }
    }

    /// The classes that no example is of, in order; none for numbers.
    pub fn absent_classes(&self) -> Vec<usize> {
        let Targets::Classes { labels, names } = &self.targets else { return Vec::new() };
        let mut seen = vec![false; names.len()];
        labels.iter().for_each(|&label| seen[label as usize] = true);
        (0..names.len()).filter(|&class| !seen[class]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| i.to_string()).collect()
    }

    #[test]
    fn refuses_what_cannot_be_learned_from() {
        let x = array![[0.0f32, 1.0], [1.0, 0.0]];
        let classes = |labels: Vec<u32>, n| Targets::Classes { labels, names: names(n) };
        let cases = [
            (Features::Floats(x.clone()), classes(vec![0], 2), vec![2], "2 examples but 1 target"),
            (
                Features::Floats(x.clone()),
                classes(vec![0, 2], 2),
                vec![2],
                "example 1 has label 2, but labels go from 0 to 1",
            ),
            (Features::Floats(x.clone()), classes(vec![0, 0], 1), vec![2], "1 class;"),
            (Features::Floats(x.clone()), classes(vec![0, 1], 2), vec![3], "shape [3]"),
            (Features::Floats(Array2::zeros((0, 2))), classes(vec![], 2), vec![2], "0 examples"),
            (Features::Floats(array![[f32::NAN, 1.0]]), classes(vec![0], 2), vec![2], "example 0, feature 0 is NaN"),
            (
                Features::Floats(array![[0.0, 1.0]]),
                Targets::Values(array![[f32::INFINITY]]),
                vec![2],
                "target 0 is inf",
            ),
            (
                Features::Bytes { rows: array![[1u8, 2], [3, 4]], scale: 2e36 },
                classes(vec![0, 1], 2),
                vec![2],
                "every byte times the scale",
            ),
        ];
        for (features, targets, shape, expected) in cases {
            let error = Dataset::new(features, targets, &shape).unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} should mention {expected:?}");
        }
    }
}
